//! Target `disk`: see [`limpid_fuzz::disk`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| limpid_fuzz::disk(input));
