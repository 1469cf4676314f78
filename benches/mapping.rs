//! Speed of mapping a batch, from reads in memory to encoded records, on one thread, with criterion's statistics.
//!
//! `cargo bench --bench mapping`. The reads are those of `svala demo`; a read is one element. What it maps is counted first: a
//! run that lost reads would be fast for the wrong reason.

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use svala_compute::{Backend, Engine, EngineOptions, SimdLevel};
use svala_io::{ReadBatch, ReadSource};
use svala_map::index::{BuildOptions, Index, build, index_path};
use svala_map::mapper::{BatchInput, Mapper, Workspace};
use svala_map::meter::IndexMeter;
use svala_map::options::{MAX_READ, MapOptions};

const READS: usize = 4096;

fn load(folder: &Path) -> (Index, ReadBatch) {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let reference = folder.join("reference.fa.gz");
    std::fs::copy(data.join("hg19_chrM_chrY-trunc.fa.gz"), &reference).expect("committed data");
    let building = BuildOptions { threads: 1, meter: &IndexMeter::default(), position_bits: None };
    build(&reference, &index_path(&reference), &building).expect("an index");
    let index = Index::open_for(&reference, 1).expect("an index");
    let mates = ["NA12878_chrM.R1.fastq.gz", "NA12878_chrM.R2.fastq.gz"].map(|name| data.join(name));
    let mut source = ReadSource::open(&mates[0], Some(&mates[1]), MAX_READ, None).expect("committed data");
    let mut reads = ReadBatch::default();
    source.read_batch(&mut reads, READS).expect("committed data");
    (index, reads)
}

fn mapping(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (index, reads) = load(folder.path());
    let options = MapOptions::default();
    let input = BatchInput { reads: &reads, paired: true };
    let mut group = criterion.benchmark_group("map_batch");
    group.throughput(Throughput::Elements(READS as u64)).sample_size(20);
    for level in SimdLevel::available() {
        let engine =
            Engine::new(EngineOptions { backend: Backend::Cpu, simd: Some(level), ..EngineOptions::default() })
                .expect("an available level");
        let mapper = Mapper::new(&index, &engine, &options);
        let mut work = Workspace::default();
        let mut inserts = Vec::new();
        mapper.inserts(input, &mut work, &mut inserts).expect("short reads");
        let model = svala_map::insert_model::InsertModel::estimate(&inserts);
        let mut map = || {
            let mut records = 0;
            let sink = |record: &svala_io::AlignmentRecord<'_>| -> Result<(), svala_map::Error> {
                records += usize::from(record.flags & 0x900 == 0);
                Ok(())
            };
            mapper.map_batch(input, Some(&model), &mut work, sink).expect("short reads");
            records
        };
        assert_eq!(map(), READS, "every read has one primary record");
        group.bench_function(level.to_string(), |bencher| bencher.iter(|| black_box(map())));
    }
    group.finish();
}

criterion_group!(benches, mapping);
criterion_main!(benches);
