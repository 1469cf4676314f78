//! Reading a FASTA file and packing its bases, while another thread digests them.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::Builder;

use md5::{Digest, Md5};
use svala_io::{Contig as FastaContig, FastaReader};

use super::format::PADDING;
use super::reference::{Contig, ReferenceBuilder};
use crate::error::{Error, Result};
use crate::meter::{IndexMeter, IndexStage};
use crate::sequence::Planes;

/// Longest contig that SAM and BAM can describe, in bases.
const MAX_CONTIG: u64 = (1 << 31) - 1;
/// Bases of a reference with padding, at the most: a position has 40 bits.
pub const MAX_BASES: u64 = (1 << 40) - 1;

/// A FASTA file in memory.
pub struct Packed {
    /// Its contigs.
    pub contigs: Vec<Contig>,
    /// Their bases.
    pub bases: ReferenceBuilder,
}

impl Packed {
    /// Reads a file. At the most three contigs are held as text at a time.
    pub fn read(path: &Path, meter: &IndexMeter) -> Result<Self> {
        std::thread::scope(|scope| {
            // Contigs wait here for the digest: one, beside that which is digested and that which is packed.
            let (texts, waiting) = sync_channel(1);
            let digests = Builder::new().spawn_scoped(scope, || digest(waiting)).map_err(Error::Thread)?;
            let mut packed = pack(path, meter, |text| texts.send(text).map_err(|_| Error::WorkerLost))?;
            drop(texts);
            let digests = digests.join().map_err(|_| Error::WorkerLost)?;
            for (contig, digest) in packed.contigs.iter_mut().zip(digests) {
                contig.md5 = digest;
            }
            Ok(packed)
        })
    }
}

/// The MD5 of each text that comes.
fn digest(texts: Receiver<Arc<Vec<u8>>>) -> Vec<[u8; 16]> {
    texts.iter().map(|text| Md5::digest(text.as_slice()).into()).collect()
}

/// Packs all contigs, whose digests are left out, and hands on their upper-case text.
fn pack(path: &Path, meter: &IndexMeter, mut hand_on: impl FnMut(Arc<Vec<u8>>) -> Result<()>) -> Result<Packed> {
    let mut reader = FastaReader::open(path)?;
    let mut bases = ReferenceBuilder::default();
    bases.pad(PADDING);
    let mut contigs = Vec::new();
    let mut contig = FastaContig::default();
    while reader.read_contig(&mut contig)? {
        check_length(path, &contig)?;
        contig.sequence.make_ascii_uppercase();
        let start = bases.push(&contig.sequence);
        bases.pad(PADDING);
        if bases.length > MAX_BASES {
            return Err(Error::ReferenceTooLong { path: path.to_owned(), bases: bases.length, limit: MAX_BASES });
        }
        contigs.push(Contig {
            name: contig.name.clone(),
            description: contig.description.clone(),
            start,
            length: contig.sequence.len() as u64,
            md5: [0; 16],
        });
        hand_on(Arc::new(std::mem::take(&mut contig.sequence)))?;
        meter.set(IndexStage::Reading, bases.length, 0);
    }
    // `window` reads the block behind the one it starts in.
    bases.blocks.extend([Planes::default(); 2]);
    Ok(Packed { contigs, bases })
}

fn check_length(path: &Path, contig: &FastaContig) -> Result<()> {
    let bases = contig.sequence.len() as u64;
    if bases > MAX_CONTIG {
        let name = String::from_utf8_lossy(&contig.name).into_owned();
        return Err(Error::ContigTooLong { path: path.to_owned(), name, bases, limit: MAX_CONTIG });
    }
    Ok(())
}
