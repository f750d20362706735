//! The bit fields of "authorized operations" (KIP-430). Without an authorizer everything that a
//! resource knows is allowed, as in Kafka.

/// READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS.
pub const TOPIC: i32 = bits(&[3, 4, 5, 6, 7, 8, 10, 11]);
/// CREATE, ALTER, DESCRIBE, CLUSTER_ACTION, DESCRIBE_CONFIGS, ALTER_CONFIGS, IDEMPOTENT_WRITE.
pub const CLUSTER: i32 = bits(&[5, 7, 8, 9, 10, 11, 12]);
/// READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS.
pub const GROUP: i32 = bits(&[3, 6, 8, 10, 11]);
/// The client did not ask.
pub const NOT_ASKED: i32 = i32::MIN;

const fn bits(codes: &[u32]) -> i32 {
    let mut field = 0;
    let mut at = 0;
    while at < codes.len() {
        field |= 1 << codes[at];
        at += 1;
    }
    field
}
