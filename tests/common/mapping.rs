//! Mapping reads for the sake of the jobs that it sends to an engine.

use std::path::Path;

use svala_compute::Engine;
use svala_io::{AlignmentRecord, ReadBatch, ReadSource};
use svala_map::index::Index;
use svala_map::insert_model::InsertModel;
use svala_map::mapper::{BatchInput, Mapper, Workspace};
use svala_map::options::{MAX_READ, MapOptions};
use svala_map::pipeline::DEFAULT_BATCH_READS;

/// Maps the first `most_reads` reads, in order and on this thread, as a whole run does but for the insert-size model, which
/// comes from the first batch alone. Returns how many were mapped.
pub fn map_reads(
    index: &Index,
    engine: &Engine,
    reads: &[impl AsRef<Path>],
    most_reads: usize,
) -> svala_map::Result<usize> {
    let refused = engine.set_reference(index.reference().planes());
    assert!(refused.is_empty(), "{refused:?}");
    let options = MapOptions { scoring: *engine.scoring(), ..MapOptions::default() };
    let mut source = ReadSource::open(reads[0].as_ref(), reads.get(1).map(AsRef::as_ref), MAX_READ, None)?;
    let paired = source.is_paired();
    let mapper = Mapper::new(index, engine, &options);
    let (mut batch, mut work, mut mapped) = (ReadBatch::default(), Workspace::default(), 0);
    let mut model = None;
    while mapped < most_reads && source.read_batch(&mut batch, DEFAULT_BATCH_READS.min(most_reads - mapped))? {
        let input = BatchInput { reads: &batch, paired };
        if paired && mapped == 0 {
            let mut inserts = Vec::new();
            mapper.inserts(input, &mut work, &mut inserts)?;
            model = Some(InsertModel::estimate(&inserts));
        }
        let sink = |_: &AlignmentRecord<'_>| Ok::<(), svala_map::Error>(());
        mapper.map_batch(input, model.as_ref(), &mut work, sink)?;
        mapped += batch.len();
    }
    Ok(mapped)
}
