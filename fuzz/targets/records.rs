//! Target `records`: see [`limpid_fuzz::records`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| limpid_fuzz::records(input));
