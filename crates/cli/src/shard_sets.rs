//! Whether the files of a merge are all of a sample, as far as they say which shards they are.

use std::path::{Path, PathBuf};

use svala_io::{ReadGroup, ReadShard};

use crate::error::{Error, Result};

/// The shards among the files of a merge. Those with the same read groups belong together, so lanes can have shards of their own.
#[derive(Debug, Default)]
pub struct ShardSets {
    sets: Vec<ShardSet>,
}

/// Files with the same read groups.
#[derive(Debug)]
struct ShardSet {
    read_groups: Vec<ReadGroup>,
    files: Vec<(PathBuf, Option<ReadShard>)>,
}

impl ShardSets {
    /// Adds a file with the read groups of its header and what its run was told by `--shard`.
    pub fn add(&mut self, path: &Path, read_groups: &[ReadGroup], shard: Option<ReadShard>) {
        let file = (path.to_owned(), shard);
        match self.sets.iter_mut().find(|set| set.read_groups == read_groups) {
            Some(set) => set.files.push(file),
            None => self.sets.push(ShardSet { read_groups: read_groups.to_owned(), files: vec![file] }),
        }
    }

    /// Refuses shards of which one is missing, there twice, or of another set. Of files that are no such shards nothing is known.
    ///
    /// # Errors
    ///
    /// As said.
    pub fn check(&self) -> Result<()> {
        self.sets.iter().try_for_each(|set| match set.files.iter().find_map(|(_, shard)| *shard) {
            Some(shard) => set.check(shard.shards()),
            None => Ok(()),
        })
    }
}

impl ShardSet {
    /// Whether its files are so many shards.
    fn check(&self, shards: u32) -> Result<()> {
        let refuse = |path: &Path, why| Err(Error::Map(svala_map::Error::Shard { path: path.to_owned(), why }));
        let mut there: Vec<u32> = Vec::new();
        for (path, shard) in &self.files {
            let Some(shard) = shard.filter(|shard| shard.shards() == shards) else {
                return refuse(path, "expected all shards of one --shard I/N, or none made with it");
            };
            if there.contains(&shard.number()) {
                return refuse(path, "the same shard as in a file before");
            }
            there.push(shard.number());
        }
        let missing = (1..=shards).find(|number| !there.contains(number));
        match missing.and_then(|number| ReadShard::new(number, shards)) {
            Some(shard) => Err(Error::MissingShard { shard, beside: self.files[0].0.clone() }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of files with these shards, `-` for none, perhaps with a read group before a colon.
    fn verdict(files: &str) -> String {
        let mut sets = ShardSets::default();
        for (number, file) in files.split(' ').enumerate() {
            let (group, shard) = file.split_once(':').map_or((None, file), |(group, shard)| (Some(group), shard));
            let groups: Vec<ReadGroup> =
                group.map(|id| ReadGroup::parse(&format!("@RG\tID:{id}")).unwrap()).into_iter().collect();
            sets.add(Path::new(&format!("{number}.bam")), &groups, (shard != "-").then(|| shard.parse().unwrap()));
        }
        sets.check().map_or_else(|error| error.to_string(), |()| "whole".into())
    }

    #[test]
    fn whole_sets_in_any_order_and_unknown_files_pass() {
        for good in ["1/1", "1/2 2/2", "3/3 1/3 2/3", "-", "- -", "a:1/2 b:1/3 b:3/3 a:2/2 b:2/3 c:- c:-"] {
            assert_eq!(verdict(good), "whole", "{good}");
        }
    }

    #[test]
    fn others_are_refused() {
        for (bad, words) in [
            ("1/2", "2/2 is missing beside 0.bam"),
            ("2/2", "1/2 is missing beside 0.bam"),
            ("1/4 2/4 4/4", "3/4 is missing beside 0.bam"),
            ("4294967295/4294967295", "1/4294967295 is missing"),
            ("1/2 1/2", "1.bam: the same shard"),
            ("1/3 2/3 3/3 2/3", "3.bam: the same shard"),
            ("1/2 2/3", "1.bam: expected all shards of one"),
            ("1/2 2/2 -", "2.bam: expected all shards of one"),
            ("- 1/1", "0.bam: expected all shards of one"),
            ("a:1/2 b:2/2", "2/2 is missing beside 0.bam"),
            ("a:1/2 a:2/2 b:2/2", "1/2 is missing beside 2.bam"),
        ] {
            assert!(verdict(bad).contains(words), "{bad}: {}", verdict(bad));
        }
    }
}
