//! The kernels: a contract each, an oracle, and its fast forms.

pub mod extend;
pub mod global;
pub(crate) mod lanes;
pub mod local;
pub mod windows;
