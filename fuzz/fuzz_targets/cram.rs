#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| svala_fuzz::in_file(data, svala_fuzz::readers::cram));
