#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| svala_fuzz::targets::option_values(data));
