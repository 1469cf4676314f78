//! How `align` sorts and what it does about duplicates.

use std::path::PathBuf;
use std::sync::Arc;

use svala_map::meter::Meter;
use svala_map::observer::Observe;
use svala_map::sort::{DuplicateAction, DuplicateOptions, SortOptions};

use crate::args::{AlignArgs, Sort};
use crate::error::{Error, Result};

/// What the sort may use, if there is to be one. Runs go beside the output unless told otherwise.
pub fn sort_options(args: &AlignArgs, observe: Observe, meter: &Arc<Meter>) -> Result<Option<SortOptions>> {
    if args.sort == Sort::None {
        let why = "duplicates are found while records are sorted; leave out --sort none";
        let asked = args.metrics.as_ref().or(args.rmdup.then_some(&args.output));
        return asked.map_or(Ok(None), |path| Err(Error::Usage { path: path.clone(), why }));
    }
    let folder = args.tmp_dir.clone().unwrap_or_else(|| match args.output.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    });
    let action = match (args.no_markdup, args.rmdup) {
        (true, _) => DuplicateAction::Ignore,
        (_, true) => DuplicateAction::Remove,
        _ => DuplicateAction::Mark,
    };
    let duplicates = DuplicateOptions { action, optical_distance: args.optical_distance };
    let max_memory_bytes = (args.max_mem_mib as usize).saturating_mul(1 << 20);
    Ok(Some(SortOptions { max_memory_bytes, folder, duplicates, observe, meter: Arc::clone(meter) }))
}

/// The options that decide which records there are and how they are flagged, for the header.
pub fn sort_words(sort: &SortOptions) -> Option<String> {
    match sort.duplicates.action {
        DuplicateAction::Mark => None,
        DuplicateAction::Remove => Some("--rmdup".into()),
        DuplicateAction::Ignore => Some("--no-markdup".into()),
    }
}
