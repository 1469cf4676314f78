//! Windows of the reference, read on the device instead of sent to it.
//!
//! # Contract
//!
//! The reference is a sequence of base codes 0 to 3, at most 2^32 of them, in *planes*: of every 64 bases one word with the low
//! bits of their codes and one with the high bits, bit i for base i. A [`Window`] with `start` s of a target of n bases says
//! that base k of the target (0-based) is base s + k of the reference, or base s + n - 1 - k if it is `reversed`. Reversed is
//! not complemented. A window says nothing new: the batch has the bases too, for the CPU, and a window that says something
//! else is an error of the caller that shows as results that differ between devices.
//!
//! The shader writes the codes as the other kernels read them, eight 4-bit codes a word, the first lowest, and 0 behind the
//! last. Where the reference needs more than one binding it is cut into pieces that overlap by [`crate::MAX_TARGET`] bases, so
//! that every window lies in one piece; the shader runs once a piece. Ambiguous bases are not in planes: a target with one has
//! no window.

pub(crate) mod gpu;
pub(crate) mod layout;
mod reference;

pub use reference::target as reference;

/// Where a target lies in the reference of [`crate::Engine::set_reference`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Position of the window's first base in the reference, 0-based.
    pub start: u32,
    /// Whether the target is the window from its last base to its first.
    pub reversed: bool,
}
