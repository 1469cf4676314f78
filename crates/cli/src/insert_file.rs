//! `svala insert-size`, and the JSON file that it writes and `--insert-model` reads.

use std::io::Write;
use std::path::Path;

use serde_json::{Map, Value, json};
use svala_compute::{Engine, EngineOptions};
use svala_io::{AtomicFile, ReadSource};
use svala_map::insert_model::{InsertModel, SizeModel};
use svala_map::insert_size::Orientation;
use svala_map::meter::Meter;
use svala_map::observer::Observe;
use svala_map::options::{MAX_READ, MapOptions};
use svala_map::pipeline::{DEFAULT_BATCH_READS, Run};

use crate::alt_contigs::AltContigs;
use crate::args::InsertSizeArgs;
use crate::error::{Error, Result};
use crate::open_index::open_index;
use crate::run_files::RunFiles;
use crate::say;

/// What the member `format` of the file says.
const FORMAT: &str = "svala insert-size model 1";

/// Learns the insert-size model from the first pairs, as a run would, and writes it.
pub fn run(args: &InsertSizeArgs) -> Result<()> {
    let files = RunFiles::default().reads_reference(&args.reference).reads(&args.first).reads(&args.second);
    files.writes_all(args.output.clone()).check()?;
    let options = MapOptions::default();
    let mut index = open_index(&args.reference, args.threads)?;
    let alternates =
        AltContigs::read(&args.reference, index.reference().contigs.iter().map(|contig| &contig.name[..]))?;
    index.mark_alternates(|name| alternates.contains(name));
    let engine = Engine::new(EngineOptions {
        backend: args.engine.backend,
        check: args.engine.gpu_check,
        simd: args.engine.simd,
        ..EngineOptions::default()
    })?;
    let run = Run {
        index: &index,
        engine: &engine,
        options: &options,
        insert_model: None,
        shard: None,
        threads: args.threads,
        batch_reads: DEFAULT_BATCH_READS,
        observe: Observe::Nothing,
        meter: &Meter::default(),
    };
    let model = run.insert_model(ReadSource::open(&args.first, Some(&args.second), MAX_READ, None)?)?;
    if let Some(what) = lacking(&[Some(model)]) {
        say::line(format_args!("svala: warning: {what}"));
    }
    let text = format!("{:#}\n", to_json(&model));
    let Some(path) = &args.output else {
        return std::io::stdout().write_all(text.as_bytes()).map_err(Error::Output);
    };
    let mut file = AtomicFile::create(path)?;
    file.write_all(text.as_bytes()).map_err(|source| Error::File { path: path.clone(), source })?;
    Ok(file.commit()?)
}

/// What to say if inputs of pairs have an empty model, given the models of all inputs.
pub fn lacking(models: &[Option<InsertModel>]) -> Option<String> {
    let is_empty = |model: &Option<InsertModel>| model.as_ref().is_some_and(InsertModel::is_empty);
    let inputs: Vec<_> = (1..).zip(models).filter(|(_, model)| is_empty(model)).map(|(n, _)| n.to_string()).collect();
    let which = match (inputs.len(), models.len()) {
        (0, _) => return None,
        (_, 1) => String::new(),
        _ => format!(" of input {}", inputs.join(", ")),
    };
    Some(format!("too few clear pairs{which} for an insert-size model: without one no pair is proper"))
}

/// Reads a model from a file.
///
/// # Errors
///
/// The file can't be read, or isn't what [`run`] writes.
pub fn read(path: &Path) -> Result<InsertModel> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
    from_json(&text).map_err(|why| Error::InsertModel { path: path.to_owned(), why })
}

/// A model as the file holds it.
pub fn to_json(model: &InsertModel) -> Value {
    let mut members = Map::new();
    members.insert("format".into(), FORMAT.into());
    for (orientation, sizes) in model.orientations() {
        let SizeModel { mean_milli, deviation_milli, low, high, pairs } = sizes;
        let value = json!({
            "mean_milli": mean_milli, "deviation_milli": deviation_milli, "low": low, "high": high, "pairs": pairs
        });
        members.insert(orientation.letters().into(), value);
    }
    Value::Object(members)
}

fn from_json(text: &str) -> std::result::Result<InsertModel, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if value.get("format").and_then(Value::as_str) != Some(FORMAT) {
        return Err(format!("expected a member \"format\" that says \"{FORMAT}\""));
    }
    let mut model = InsertModel::default();
    for orientation in Orientation::ALL {
        let letters = orientation.letters();
        if let Some(member) = value.get(letters) {
            let sizes = size_model(member).filter(SizeModel::is_valid);
            let why =
                || format!("{letters}: expected mean_milli, deviation_milli, low, high and pairs, within their limits");
            model.set(orientation, sizes.ok_or_else(why)?);
        }
    }
    Ok(model)
}

fn size_model(value: &Value) -> Option<SizeModel> {
    let number = |name: &str| value.get(name)?.as_i64();
    Some(SizeModel {
        mean_milli: number("mean_milli")?,
        deviation_milli: number("deviation_milli")?,
        low: number("low")?,
        high: number("high")?,
        pairs: usize::try_from(number("pairs")?).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_survive_the_file() {
        let mut model = InsertModel::of(Orientation::ReverseForward, SizeModel::around(3_000_125, 400_001));
        assert_eq!(from_json(&to_json(&model).to_string()), Ok(model));
        model.set(Orientation::ForwardReverse, SizeModel { pairs: 77, ..SizeModel::around(300_000, 1000) });
        assert_eq!(from_json(&to_json(&model).to_string()), Ok(model));
        let none = InsertModel::default();
        assert_eq!(from_json(&to_json(&none).to_string()), Ok(none));
    }

    #[test]
    fn it_is_said_which_inputs_have_no_model() {
        let good = Some(InsertModel::of(Orientation::ForwardReverse, SizeModel::around(400_000, 50_000)));
        let empty = Some(InsertModel::default());
        assert_eq!(lacking(&[]), None);
        assert_eq!(lacking(&[good, None]), None);
        assert!(lacking(&[empty]).unwrap().starts_with("too few clear pairs for"));
        assert!(lacking(&[empty, None, good, empty]).unwrap().starts_with("too few clear pairs of input 1, 4 for"));
    }

    #[test]
    fn other_files_are_refused() {
        let model = InsertModel::of(Orientation::ForwardReverse, SizeModel::around(400_000, 50_000));
        let good = to_json(&model).to_string();
        for (from, to) in
            [("model 1", "model 2"), ("\"low\":200", "\"low\":0"), ("400000", "400000.5"), ("high", "hi"), ("},", ",")]
        {
            let bad = good.replace(from, to);
            assert_ne!(bad, good);
            assert!(from_json(&bad).is_err(), "{bad}");
        }
    }
}
