//! Jobs of a real run in a file, so that benchmarks and tests see what a mapper sends and not what we imagine.
//!
//! The file is made to be gzipped. Numbers are little-endian:
//!
//! ```text
//! "svalajobs1\n"
//! for extend, global, local:
//!   u32 jobs
//!   a job: u16 query bases, u16 target bases, the parameters in the order of their struct (u16 each),
//!          query and target back to back, two codes a byte, the first in the low half
//! ```

use std::io::{self, Error, ErrorKind, Write};

use crate::{ExtendBatch, ExtendParams, GlobalBatch, GlobalParams, JobError, LocalBatch, LocalParams};

const MAGIC: &[u8] = b"svalajobs1\n";

/// Jobs of every kernel, in the order in which a run sent them.
#[derive(Debug, Clone, Default)]
pub struct CapturedJobs {
    /// Extensions.
    pub extend: ExtendBatch,
    /// Global alignments.
    pub global: GlobalBatch,
    /// Local alignments.
    pub local: LocalBatch,
}

impl CapturedJobs {
    /// Writes the file.
    ///
    /// # Errors
    ///
    /// Those of `output`.
    pub fn write(&self, output: &mut impl Write) -> io::Result<()> {
        output.write_all(MAGIC)?;
        write_count(output, self.extend.len())?;
        for job in 0..self.extend.len() {
            let ExtendParams { initial_score, band, z_drop } = self.extend.params(job);
            write_job(output, self.extend.query(job), self.extend.target(job), &[initial_score, band, z_drop])?;
        }
        write_count(output, self.global.len())?;
        for job in 0..self.global.len() {
            let GlobalParams { band } = self.global.params(job);
            write_job(output, self.global.query(job), self.global.target(job), &[band])?;
        }
        write_count(output, self.local.len())?;
        for job in 0..self.local.len() {
            let LocalParams { min_score } = self.local.params(job);
            write_job(output, self.local.query(job), self.local.target(job), &[min_score])?;
        }
        Ok(())
    }

    /// Reads a file's bytes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidData`] if the bytes are another format, are cut, hold a job that no batch takes, or go on
    /// behind the last job.
    pub fn read(bytes: &[u8]) -> io::Result<Self> {
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| invalid("not a file of captured jobs"))?;
        let mut reader = Reader { rest };
        let mut jobs = Self::default();
        for _ in 0..reader.count()? {
            let (query, target, [initial_score, band, z_drop]) = reader.job()?;
            let params = ExtendParams { initial_score, band, z_drop };
            jobs.extend.push(query, target, params).map_err(refused)?;
        }
        for _ in 0..reader.count()? {
            let (query, target, [band]) = reader.job()?;
            jobs.global.push(query, target, GlobalParams { band }).map_err(refused)?;
        }
        for _ in 0..reader.count()? {
            let (query, target, [min_score]) = reader.job()?;
            jobs.local.push(query, target, LocalParams { min_score }).map_err(refused)?;
        }
        if reader.rest.is_empty() { Ok(jobs) } else { Err(invalid("bytes behind the last job")) }
    }
}

fn invalid(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}

fn refused(error: JobError) -> Error {
    Error::new(ErrorKind::InvalidData, error)
}

fn write_count(output: &mut impl Write, jobs: usize) -> io::Result<()> {
    let jobs = u32::try_from(jobs).map_err(|_| invalid("more jobs than the format counts"))?;
    output.write_all(&jobs.to_le_bytes())
}

fn write_job(output: &mut impl Write, query: &[u8], target: &[u8], params: &[u16]) -> io::Result<()> {
    // A batch takes at most 4,096 bases.
    for number in [query.len() as u16, target.len() as u16].iter().chain(params) {
        output.write_all(&number.to_le_bytes())?;
    }
    let codes = [query, target].concat();
    let bytes: Vec<u8> = codes.chunks(2).map(|pair| pair[0] | pair.get(1).copied().unwrap_or(0) << 4).collect();
    output.write_all(&bytes)
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, bytes: usize) -> io::Result<&'a [u8]> {
        self.rest.split_off(..bytes).ok_or_else(|| invalid("the file of captured jobs is cut"))
    }

    fn count(&mut self) -> io::Result<u32> {
        let bytes = self.take(4)?;
        Ok(bytes.iter().rev().fold(0, |number, &byte| number << 8 | u32::from(byte)))
    }

    fn number(&mut self) -> io::Result<u16> {
        let bytes = self.take(2)?;
        Ok(u16::from(bytes[0]) | u16::from(bytes[1]) << 8)
    }

    /// Query, target and parameters.
    fn job<const N: usize>(&mut self) -> io::Result<(Vec<u8>, Vec<u8>, [u16; N])> {
        let (m, n) = (usize::from(self.number()?), usize::from(self.number()?));
        let mut params = [0; N];
        for value in &mut params {
            *value = self.number()?;
        }
        let bytes = self.take((m + n).div_ceil(2))?;
        let mut query: Vec<u8> = bytes.iter().flat_map(|byte| [byte & 15, byte >> 4]).take(m + n).collect();
        let target = query.split_off(m);
        Ok((query, target, params))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scoring;
    use crate::selftest::{extend_batch, global_batch, local_batch};

    fn some_jobs() -> CapturedJobs {
        let scoring = Scoring::default();
        CapturedJobs {
            extend: extend_batch(60, 1, &scoring),
            global: global_batch(40, 2, &scoring),
            local: local_batch(50, 3, &scoring),
        }
    }

    fn bytes_of(jobs: &CapturedJobs) -> Vec<u8> {
        let mut bytes = Vec::new();
        jobs.write(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn what_is_written_is_read() {
        let jobs = some_jobs();
        let read = CapturedJobs::read(&bytes_of(&jobs)).unwrap();
        // All that a batch holds is in its debug form.
        assert_eq!(format!("{read:?}"), format!("{jobs:?}"));
    }

    #[test]
    fn a_damaged_file_is_refused() {
        let bytes = bytes_of(&some_jobs());
        for end in [0, 3, MAGIC.len(), MAGIC.len() + 5, bytes.len() / 2, bytes.len() - 1] {
            assert_eq!(CapturedJobs::read(&bytes[..end]).unwrap_err().kind(), ErrorKind::InvalidData, "cut at {end}");
        }
        let longer = [&bytes[..], b"x"].concat();
        assert!(CapturedJobs::read(&longer).unwrap_err().to_string().contains("behind"));
        let mut bad_code = bytes_of(&CapturedJobs::default());
        bad_code.splice(MAGIC.len().., [1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0x70]);
        assert_eq!(CapturedJobs::read(&bad_code).unwrap_err().kind(), ErrorKind::InvalidData);
    }
}
