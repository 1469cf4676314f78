#![no_main]

use svala_fuzz::common::hostile::seal_cram;

// Checksums are made right, so that what is behind them is reached.
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut sealed = data.to_vec();
    seal_cram(&mut sealed);
    svala_fuzz::in_file(&sealed, svala_fuzz::readers::cram);
});
