//! Shards of a sample, told by the names of reads.

use std::{fmt, num::NonZero, str::FromStr};

use xxhash_rust::xxh3::xxh3_64;

/// One of so many parts of a sample: `2/6` is the second of six.
///
/// A template belongs to the shard that a hash of its name says, so mates stay together in any kind of input, the shards are about
/// equal, and whether a read belongs to one can be told from the read alone. Every shard reads and checks the whole input for it: what
/// is cut or mispaired anywhere is an error of all shards, and all learn the same from the first pairs. Ranges of a compressed file
/// would save that reading, but mates don't lie at the same places of two files, and gzip has no places to start from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ReadShard {
    /// From 1.
    number: u32,
    shards: NonZero<u32>,
}

impl ReadShard {
    /// The shard `number`, from 1, of `shards`; none if there is no such shard.
    #[must_use]
    pub fn new(number: u32, shards: u32) -> Option<Self> {
        let shards = NonZero::new(shards)?;
        (1..=shards.get()).contains(&number).then_some(Self { number, shards })
    }

    /// Which it is, from 1.
    #[must_use]
    pub fn number(self) -> u32 {
        self.number
    }

    /// How many there are.
    #[must_use]
    pub fn shards(self) -> u32 {
        self.shards.get()
    }

    /// Whether the template of this name belongs to it, and so to no other of as many.
    #[must_use]
    pub fn has(self, name: &[u8]) -> bool {
        // The high half of a product is uniform without a division (Lemire 2019, "Fast random integer generation in an interval").
        let place = (u128::from(xxh3_64(name)) * u128::from(self.shards.get())) >> 64;
        place + 1 == u128::from(self.number)
    }
}

impl fmt::Display for ReadShard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.shards)
    }
}

impl FromStr for ReadShard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // `parse` would take a sign.
        let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        let shard = text.split_once('/').and_then(|(one, of)| Self::new(number(one)?, number(of)?));
        shard.ok_or_else(|| "expected I/N, such as 1/6 for the first of six".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_in_one_shard_and_shards_are_about_equal() {
        for shards in [1, 2, 5, 97] {
            let all: Vec<ReadShard> = (1..=shards).map(|number| ReadShard::new(number, shards).unwrap()).collect();
            let mut sizes = vec![0_u32; all.len()];
            let names = 2000 * shards;
            for name in 0..names {
                let name = format!("A00:1:FLOWCELL:1:1101:{name}:1000");
                let homes: Vec<usize> = (0..all.len()).filter(|&i| all[i].has(name.as_bytes())).collect();
                assert_eq!(homes.len(), 1, "{name} of {shards}");
                sizes[homes[0]] += 1;
            }
            assert!(sizes.iter().all(|size| (1750..2250).contains(size)), "{sizes:?}");
        }
    }

    #[test]
    fn shards_are_written_as_they_are_read() {
        for good in ["1/1", "2/6", "6/6", "4294967295/4294967295"] {
            assert_eq!(good.parse::<ReadShard>().unwrap().to_string(), good);
        }
        for bad in ["", "1", "0/2", "3/2", "1/0", "1/2/3", "-1/2", "+1/2", " 1/2", "a/b", "1/4294967296", "/"] {
            assert!(bad.parse::<ReadShard>().is_err(), "{bad}");
        }
    }
}
