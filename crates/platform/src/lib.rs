//! What comes from the operating system: files, clock, randomness, limits.
