//! Target `stored`: see [`limpid_fuzz::stored`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| limpid_fuzz::stored(input));
