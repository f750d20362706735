//! The hash by which Kafka's clients choose the partition of a key (a murmur2 of 32 bits, seeded).

const SEED: u32 = 0x9747_b28c;
const M: u32 = 0x5bd1_e995;
const R: u32 = 24;

/// Hash of a key.
pub fn murmur2(key: &[u8]) -> u32 {
    // A key of more than 4 GiB fits no record.
    let mut h = SEED ^ key.len() as u32;
    let (words, rest) = key.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word);
        k = k.wrapping_mul(M);
        k ^= k >> R;
        k = k.wrapping_mul(M);
        h = h.wrapping_mul(M) ^ k;
    }
    if !rest.is_empty() {
        for (index, byte) in rest.iter().enumerate() {
            h ^= u32::from(*byte) << (8 * index);
        }
        h = h.wrapping_mul(M);
    }
    h ^= h >> 13;
    h = h.wrapping_mul(M);
    h ^ (h >> 15)
}

/// The partition that Java's producer chooses for a key.
pub fn partition_for_key(key: &[u8], partitions: usize) -> usize {
    assert!(partitions > 0, "a topic has partitions");
    (murmur2(key) & 0x7fff_ffff) as usize % partitions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_javas() {
        // What org.apache.kafka.common.utils.Utils.murmur2 gives.
        let known: &[(&[u8], i32)] = &[
            (b"21", -973_932_308),
            (b"foobar", -790_332_482),
            (b"a-little-bit-long-string", -985_981_536),
            (b"a-little-bit-longer-string", -1_486_304_829),
            (
                b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8",
                -58_897_971,
            ),
            (b"abc", 479_470_107),
        ];
        for (key, hash) in known {
            assert_eq!(murmur2(key) as i32, *hash, "{}", key.escape_ascii());
        }
    }

    #[test]
    fn a_negative_hash_gives_a_partition_too() {
        assert_eq!(partition_for_key(b"21", 1), 0);
        let masked = (-973_932_308_i32 & 0x7fff_ffff) as usize;
        assert_eq!(partition_for_key(b"21", 7), masked % 7);
    }
}
