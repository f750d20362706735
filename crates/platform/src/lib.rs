//! What comes from the operating system: files, clock, randomness, limits.
//!
//! Each is a trait with a real implementation and one that tests can steer
//! ([`files::FaultyFiles`], [`clock::ManualClock`], [`random::SeededRandom`]), so that the rooms
//! above never call the system behind a test's back. Nothing here knows Kafka.
//!
//! There is no memory mapping: a truncated file or a full disk would kill the process by signal.

pub mod blocking;
pub mod clock;
pub mod files;
pub mod limits;
pub mod lock;
pub mod memory;
pub mod mixing;
pub mod nice;
pub mod pipes;
pub mod process;
pub mod random;
pub mod sabotage;
pub mod stamp;
pub mod terminal;
