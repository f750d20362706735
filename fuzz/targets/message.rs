//! Target `message`: see [`limpid_fuzz::messages`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| limpid_fuzz::messages(input));
