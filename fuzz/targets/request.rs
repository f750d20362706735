//! Target `request`: see [`limpid_fuzz::request`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| limpid_fuzz::request(input));
