//! Windows base by base, from the contract.

use super::Window;

/// The target of `length` bases that a window stands for.
///
/// # Panics
///
/// If the window is not inside the reference.
pub fn target(planes: &[[u64; 2]], window: Window, length: usize) -> Vec<u8> {
    let base = |k: usize| {
        let offset = if window.reversed { length - 1 - k } else { k };
        let position = window.start as usize + offset;
        let [low, high] = planes[position / 64];
        ((low >> (position % 64) & 1) + 2 * (high >> (position % 64) & 1)) as u8
    };
    (0..length).map(base).collect()
}
