//! Whether what comes together in one output is of one sample.

use std::collections::BTreeSet;

use svala_io::ReadGroup;

/// The samples, as a rule one, that the read groups of inputs name.
#[derive(Debug, Default)]
pub struct OneSample(BTreeSet<String>);

impl OneSample {
    /// Takes the groups of an input; false if they name other samples than those of the inputs before. One without samples fits all.
    #[must_use]
    pub fn fits(&mut self, groups: &[ReadGroup]) -> bool {
        let samples: BTreeSet<String> = groups.iter().filter_map(ReadGroup::sample).collect();
        if self.0.is_empty() {
            self.0 = samples;
            return true;
        }
        samples.is_empty() || samples == self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_sample_does_not_fit() {
        let groups = |samples: &[&str]| -> Vec<ReadGroup> {
            let line = |(id, sample): (usize, &&str)| match *sample {
                "" => format!("@RG\tID:{id}"),
                sample => format!("@RG\tID:{id}\tSM:{sample}"),
            };
            samples.iter().enumerate().map(|(id, sample)| ReadGroup::parse(&line((id, sample))).unwrap()).collect()
        };
        let mut samples = OneSample::default();
        let inputs = [&[][..], &["s", "s", ""], &[""], &["s"], &["t"], &["s", "t"], &["s"]];
        assert_eq!(inputs.map(|input| samples.fits(&groups(input))), [true, true, true, true, false, false, true]);
        // A file may have several from the start, and so have its shards.
        let mut samples = OneSample::default();
        assert_eq!([&["s", "t"][..], &["t", "s"]].map(|input| samples.fits(&groups(input))), [true, true]);
    }
}
