//! Which adapters an engine opens, where its options don't name them.

use super::adapters::AdapterReport;
use crate::{Adapters, Backend};

/// Kinds of devices, as [`AdapterReport::kind`] has them, the best one first; the last one is software.
const KINDS: [&str; 5] = ["discrete", "integrated", "virtual", "other", "cpu"];

/// What the choice depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Likeness {
    pub(crate) kind: &'static str,
    pub(crate) api: String,
}

impl Likeness {
    fn rank(&self) -> usize {
        KINDS.iter().position(|kind| *kind == self.kind).unwrap_or(KINDS.len())
    }

    fn is_software(&self) -> bool {
        KINDS.last() == Some(&self.kind)
    }
}

/// The numbers of the adapters that an engine with these options takes, in its order: their places in what
/// [`crate::usable_adapters`] found. None means the CPU alone for [`Backend::Auto`] and an error for [`Backend::Gpu`].
pub fn chosen_adapters(found: &[AdapterReport], backend: Backend, adapters: &Adapters) -> Vec<usize> {
    let software = match backend {
        Backend::Cpu | Backend::Scalar => return Vec::new(),
        Backend::Auto => false,
        Backend::Gpu => true,
    };
    if let Adapters::Numbers(numbers) = adapters {
        return numbers.clone();
    }
    let likeness = |report: &AdapterReport| Likeness { kind: report.kind, api: report.api.clone() };
    let alike: Vec<Likeness> = found.iter().map(likeness).collect();
    let open = |number: usize| found[number].usable.clone().map(|()| number);
    open_chosen(&alike, (*adapters == Adapters::Best, software), open).0
}

/// Opens all adapters that work, or of the `best` kind and interface only, and without `software` only hardware. Also
/// returns what those that don't work gave.
pub(crate) fn open_chosen<T, E>(
    adapters: &[Likeness],
    (best, software): (bool, bool),
    mut open: impl FnMut(usize) -> Result<T, E>,
) -> (Vec<T>, Vec<E>) {
    let mut order: Vec<usize> = (0..adapters.len()).filter(|&k| software || !adapters[k].is_software()).collect();
    // The sort is stable: among equals the driver's own order decides.
    order.sort_by_key(|&k| adapters[k].rank());
    let (mut opened, mut failed, mut first) = (Vec::new(), Vec::new(), None);
    for k in order {
        // Other interfaces show the same devices again.
        if best && first.is_some_and(|first| first != &adapters[k]) {
            continue;
        }
        match open(k) {
            Ok(device) => {
                opened.push(device);
                first = Some(&adapters[k]);
            }
            Err(reason) => failed.push(reason),
        }
    }
    (opened, failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(adapters: &[(&'static str, &str)], broken: &[usize], best: bool, software: bool) -> Vec<usize> {
        let alike = |&(kind, api): &(&'static str, &str)| Likeness { kind, api: api.to_owned() };
        let adapters: Vec<Likeness> = adapters.iter().map(alike).collect();
        let open = |k| if broken.contains(&k) { Err(k) } else { Ok(k) };
        open_chosen(&adapters, (best, software), open).0
    }

    #[test]
    fn the_best_kind_that_works_and_all_alike() {
        let desktop = [("cpu", "Vulkan"), ("integrated", "Vulkan"), ("discrete", "Vulkan"), ("discrete", "Dx12")];
        assert_eq!(chosen(&desktop, &[], true, true), [2]);
        assert_eq!(chosen(&desktop, &[2], true, true), [3]);
        assert_eq!(chosen(&desktop, &[2, 3], true, false), [1]);
        assert_eq!(chosen(&desktop, &[1, 2, 3], true, true), [0]);
        let server = [("discrete", "Vulkan"), ("discrete", "Vulkan"), ("discrete", "Vulkan"), ("cpu", "Vulkan")];
        assert_eq!(chosen(&server, &[1], true, true), [0, 2]);
    }

    #[test]
    fn all_that_work_but_software_only_where_it_may() {
        let adapters = [("cpu", "Vulkan"), ("other", "Gl"), ("integrated", "Vulkan")];
        assert_eq!(chosen(&adapters, &[], false, false), [2, 1]);
        assert_eq!(chosen(&adapters, &[2], false, true), [1, 0]);
        assert!(chosen(&adapters[..1], &[], true, false).is_empty());
    }
}
