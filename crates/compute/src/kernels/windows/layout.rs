//! The device's view of windows: structs, bindings and overrides of `shaders/windows.wgsl`.

use bytemuck::{Pod, Zeroable};

use crate::gpu::program::Role;

/// The shader.
pub(crate) const WGSL: &str = include_str!("../../../../../shaders/windows.wgsl");

/// What each binding of group 0 holds, by its number: piece, windows, planes, bases.
pub(crate) const ROLES: [Role; 4] = [Role::Uniform, Role::Input, Role::Input, Role::Scratch];

/// `Piece` of the shader.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub(crate) struct Piece {
    pub(crate) first: u32,
    pub(crate) count: u32,
}

/// `Window` of the shader.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
pub(crate) struct Entry {
    pub(crate) start: u32,
    pub(crate) shape: u32,
    pub(crate) word: u32,
}

/// The bit of `shape` that reverses.
pub(crate) const REVERSED: u32 = 1 << 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::wgsl_check::Shader;

    #[test]
    fn shader_agrees() {
        let shader = Shader::parse(WGSL);
        let offsets = [("first", std::mem::offset_of!(Piece, first)), ("count", std::mem::offset_of!(Piece, count))];
        shader.assert_struct("Piece", size_of::<Piece>(), &offsets);
        let offsets = [
            ("start", std::mem::offset_of!(Entry, start)),
            ("shape", std::mem::offset_of!(Entry, shape)),
            ("word", std::mem::offset_of!(Entry, word)),
        ];
        shader.assert_struct("Window", size_of::<Entry>(), &offsets);
        shader.assert_bindings(&ROLES);
        shader.assert_element_bytes("planes", 4);
        shader.assert_element_bytes("bases", 4);
        shader.assert_overrides(&["WORKGROUP_SIZE"]);
    }
}
