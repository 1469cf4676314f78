//! Test support: does a shader agree with the host's layout?

use naga::{AddressSpace, ArraySize, Module, StorageAccess, TypeInner};

use super::program::Role;

/// A parsed and validated shader.
pub(crate) struct Shader(Module);

impl Shader {
    pub(crate) fn parse(wgsl: &str) -> Self {
        let module = naga::front::wgsl::parse_str(wgsl).unwrap_or_else(|error| panic!("{error}"));
        let flags = naga::valid::ValidationFlags::all();
        let mut validator = naga::valid::Validator::new(flags, naga::valid::Capabilities::empty());
        validator.validate(&module).unwrap_or_else(|error| panic!("{error:?}"));
        Shader(module)
    }

    /// The struct must have this size and exactly these members at these offsets.
    pub(crate) fn assert_struct(&self, name: &str, size: usize, offsets: &[(&str, usize)]) {
        let found = self.0.types.iter().find(|(_, ty)| ty.name.as_deref() == Some(name));
        let Some((_, naga::Type { inner: TypeInner::Struct { members, span }, .. })) = found else {
            panic!("no struct {name}");
        };
        let members: Vec<_> = members.iter().map(|m| (m.name.as_deref().unwrap_or(""), m.offset as usize)).collect();
        assert_eq!(members, offsets, "members of {name}");
        assert_eq!(*span as usize, size, "size of {name}");
    }

    /// Group 0 must have exactly one binding for each role, in order, with the access it implies.
    pub(crate) fn assert_bindings(&self, roles: &[Role]) {
        let mut found = Vec::new();
        for (_, variable) in self.0.global_variables.iter() {
            let Some(binding) = variable.binding else {
                continue;
            };
            assert_eq!(binding.group, 0);
            found.push((binding.binding, variable.space));
        }
        found.sort_by_key(|(binding, _)| *binding);
        let expected: Vec<_> = (0..).zip(roles.iter().map(|role| space(*role))).collect();
        assert_eq!(found, expected);
    }

    /// The elements of a run-time sized array must have this stride.
    pub(crate) fn assert_element_bytes(&self, name: &str, bytes: u32) {
        let found = self.0.global_variables.iter().find(|(_, v)| v.name.as_deref() == Some(name));
        let (_, variable) = found.unwrap_or_else(|| panic!("no variable {name}"));
        match self.0.types[variable.ty].inner {
            TypeInner::Array { size: ArraySize::Dynamic, stride, .. } => assert_eq!(stride, bytes),
            ref other => panic!("{name} is {other:?}"),
        }
    }

    /// The shader must declare exactly these overrides, without defaults, and use the work-group size.
    pub(crate) fn assert_overrides(&self, names: &[&str]) {
        let declared = self.0.overrides.iter().map(|(_, o)| o.name.clone().unwrap_or_default());
        let mut declared: Vec<_> = declared.collect();
        declared.sort();
        let mut expected = names.to_vec();
        expected.sort();
        assert_eq!(declared, expected);
        assert!(self.0.overrides.iter().all(|(_, o)| o.init.is_none()), "an override has a default");
        for entry in &self.0.entry_points {
            let sizes = entry.workgroup_size_overrides;
            let Some([Some(expression), None, None]) = sizes else { panic!("{sizes:?}") };
            let naga::Expression::Override(handle) = self.0.global_expressions[expression] else {
                panic!("the work-group size is no override");
            };
            assert_eq!(self.0.overrides[handle].name.as_deref(), Some("WORKGROUP_SIZE"));
        }
    }
}

fn space(role: Role) -> AddressSpace {
    let written = StorageAccess::LOAD | StorageAccess::STORE;
    match role {
        Role::Uniform => AddressSpace::Uniform,
        Role::Input => AddressSpace::Storage { access: StorageAccess::LOAD },
        Role::Scratch | Role::Output => AddressSpace::Storage { access: written },
    }
}
