#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| svala_fuzz::program::command_line(data));
