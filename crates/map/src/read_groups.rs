//! Read groups of a run and the libraries that they belong to.

use std::collections::{BTreeSet, HashMap};

use svala_io::ReadGroup;

/// The library of reads whose group names none, as Picard calls it.
const UNKNOWN_LIBRARY: &str = "Unknown Library";

/// Read groups, numbered as in the header, and their libraries, numbered in the order of their names.
#[derive(Clone, Debug, Default)]
pub struct ReadGroups {
    ids: Vec<Vec<u8>>,
    libraries: Vec<String>,
    of_id: HashMap<Vec<u8>, Membership>,
    unknown_library: u16,
}

/// The numbers of a record's read group and of its library.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Membership {
    /// The largest number for no group.
    pub(crate) group: u16,
    pub(crate) library: u16,
}

impl ReadGroups {
    /// The groups of a header, at most 65,535 of them.
    #[must_use]
    pub fn new(groups: &[ReadGroup]) -> Self {
        let library = |group: &ReadGroup| group.library().unwrap_or_else(|| UNKNOWN_LIBRARY.into());
        let libraries: Vec<String> = groups.iter().map(library).collect::<BTreeSet<_>>().into_iter().collect();
        // The last number is for records without a group.
        let number = |name: &str| libraries.iter().position(|own| own == name).unwrap_or(libraries.len()) as u16;
        let membership =
            |(group, own): (u16, &ReadGroup)| (own.id().into(), Membership { group, library: number(&library(own)) });
        let of_id = (0..).zip(groups).map(membership).collect();
        let ids = groups.iter().map(|group| group.id().into()).collect();
        Self { ids, of_id, unknown_library: number(UNKNOWN_LIBRARY), libraries }
    }

    /// The identifier of a group, the value of the tag `RG`.
    pub(crate) fn id(&self, number: usize) -> Option<&[u8]> {
        self.ids.get(number).map(Vec::as_slice)
    }

    /// What records with this tag `RG` belong to.
    pub(crate) fn membership(&self, id: Option<&[u8]>) -> Membership {
        let none = Membership { group: u16::MAX, library: self.unknown_library };
        id.and_then(|id| self.of_id.get(id)).copied().unwrap_or(none)
    }

    /// How many libraries the groups name; without any group, the unknown one.
    #[must_use]
    pub fn libraries(&self) -> usize {
        self.libraries.len().max(1)
    }

    /// The name of a library; [`libraries`](Self::libraries) and more are the unknown one.
    #[must_use]
    pub fn library(&self, number: usize) -> &str {
        self.libraries.get(number).map_or(UNKNOWN_LIBRARY, String::as_str)
    }
}

/// Adds a read group that isn't there yet; false, and nothing added, if one has its ID and other fields.
pub fn add_group(groups: &mut Vec<ReadGroup>, group: &ReadGroup) -> bool {
    let known = groups.iter().find(|known| known.id() == group.id());
    let fits = known.is_none_or(|known| known == group);
    if known.is_none() {
        groups.push(group.clone());
    }
    fits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(lines: &[&str]) -> ReadGroups {
        let groups: Vec<_> = lines.iter().map(|line| ReadGroup::parse(&format!("@RG\tID:{line}")).unwrap()).collect();
        ReadGroups::new(&groups)
    }

    fn libraries(groups: &ReadGroups, ids: &[&str]) -> Vec<u16> {
        ids.iter().map(|id| groups.membership(Some(id.as_bytes())).library).collect()
    }

    #[test]
    fn libraries_are_numbered_by_name_and_shared_by_lanes() {
        let groups = groups(&["1\tLB:z", "2\tLB:a", "3\tLB:z", "4"]);
        assert_eq!(libraries(&groups, &["1", "2", "3", "4", "5"]), [2, 1, 2, 0, 0]);
        assert_eq!([0, 1, 2].map(|number| groups.library(number)), [UNKNOWN_LIBRARY, "a", "z"]);
        assert_eq!(groups.membership(Some(b"3")).group, 2);
        assert_eq!((groups.libraries(), groups.id(2), groups.id(4)), (3, Some(&b"3"[..]), None));
    }

    #[test]
    fn records_without_a_group_are_of_the_unknown_library() {
        let named = groups(&["1\tLB:a"]);
        assert_eq!((named.membership(None).library, named.libraries(), named.library(1)), (1, 1, UNKNOWN_LIBRARY));
        let none = groups(&[]);
        assert_eq!((none.membership(None).library, none.libraries(), none.library(0)), (0, 1, UNKNOWN_LIBRARY));
    }
}
