//! Target `push`: see [`limpid_fuzz::push`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| limpid_fuzz::push(input));
