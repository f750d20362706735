//! Target `login`: see [`limpid_fuzz::login`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| limpid_fuzz::login(input));
