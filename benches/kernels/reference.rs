//! A reference that has the targets of a batch, so that a device reads them there as it does in a run.

use svala_compute::Window;

use crate::jobs::Jobs;

/// Bases of a block of planes.
const BLOCK: usize = 64;

/// All targets end to end as planes, and where each is; one with an ambiguous base is nowhere.
pub fn reference_of(batch: &impl Jobs) -> (Vec<[u64; 2]>, Vec<Option<Window>>) {
    let (mut planes, mut length) = (Vec::new(), 0);
    let window = |job| {
        let (_, target) = batch.pair(job);
        if target.iter().any(|&code| code > 3) {
            return None;
        }
        let start = length;
        length += target.len();
        planes.resize(length.div_ceil(BLOCK), [0; 2]);
        for (position, &code) in (start..).zip(target) {
            let [low, high] = &mut planes[position / BLOCK];
            *low |= u64::from(code & 1) << (position % BLOCK);
            *high |= u64::from(code >> 1) << (position % BLOCK);
        }
        Some(Window { start: start as u32, reversed: false })
    };
    let windows = (0..batch.count()).map(window).collect();
    (planes, windows)
}
