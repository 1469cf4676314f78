//! Slices: their headers and blocks (sections 8.5 to 8.7).

use super::{
    block::Block,
    bytes::Bytes,
    codecs::Room,
    compression_header::CompressionHeader,
    encoding::{Bits, Sources},
    flaw::{Decoded, Flaw, damaged},
    reference::Contigs,
};
use crate::cram::block::ContentType;

/// Reference number of slices with records of any contig.
pub(super) const MANY: i32 = -2;

/// What a slice says of itself.
pub(super) struct SliceHeader {
    /// Contig of all records, -1 for none, or [`MANY`].
    pub(super) reference: i32,
    /// 1-based.
    pub(super) start: i32,
    span: i32,
    pub(super) records: usize,
    pub(super) records_before: u64,
    blocks: usize,
    /// Content id of the block with the bases of the reference; -1 for none.
    embedded: i32,
    digest: [u8; 16],
}

impl SliceHeader {
    pub(super) fn read(content: &[u8]) -> Decoded<Self> {
        let mut input = Bytes(content);
        let (reference, start, span) = (input.itf8()?, input.itf8()?, input.itf8()?);
        let (records, records_before, blocks) = (input.count()?, input.ltf8()?, input.count()?);
        for _ in 0..input.count()? {
            input.itf8()?;
        }
        let (embedded, digest) = (input.itf8()?, input.array()?);
        Ok(Self { reference, start, span, records, records_before, blocks, embedded, digest })
    }
}

/// The blocks of a slice.
#[derive(Default)]
pub(super) struct SliceBlocks {
    core: Vec<u8>,
    /// By slot of the compression header.
    external: Vec<Vec<u8>>,
    embedded: Option<Vec<u8>>,
}

impl SliceBlocks {
    /// Reads the blocks that follow the slice's header.
    pub(super) fn read(
        input: &mut Bytes<'_>,
        slice: &SliceHeader,
        header: &CompressionHeader,
        room: &mut Room,
    ) -> Decoded<Self> {
        let mut blocks = Self { external: vec![Vec::new(); header.slots.len()], ..Self::default() };
        for _ in 0..slice.blocks {
            let block = Block::read(input)?;
            if block.is(ContentType::Core) {
                blocks.core = block.content(room)?;
            } else if !block.is(ContentType::External) {
                return damaged("a block is of another kind than it should be");
            } else if block.id == slice.embedded && slice.embedded >= 0 {
                blocks.embedded = Some(block.content(room)?);
            } else if let Some(slot) = header.slots.get(block.id) {
                blocks.external[slot] = block.content(room)?;
            }
        }
        Ok(blocks)
    }

    pub(super) fn sources(&self) -> Sources<'_> {
        Sources { core: Bits::new(&self.core), external: self.external.iter().map(|block| Bytes(block)).collect() }
    }

    /// The bases that the slice's records are told by, from its start on; none where records bring their own.
    pub(super) fn reference(
        &mut self,
        slice: &SliceHeader,
        header: &CompressionHeader,
        contigs: &Contigs,
    ) -> Decoded<Option<Vec<u8>>> {
        let Ok(contig) = usize::try_from(slice.reference) else { return Ok(None) };
        if let Some(embedded) = self.embedded.take() {
            return Ok(Some(embedded));
        }
        if !header.needs_reference {
            return Ok(Some(Vec::new()));
        }
        const NO_PLACE: Flaw = Flaw::Damaged("a slice has no place on its contig");
        let start = u64::try_from(slice.start).ok().and_then(|start| start.checked_sub(1)).ok_or(NO_PLACE)?;
        let span = u64::try_from(slice.span).map_err(|_| NO_PLACE)?;
        let mut letters = Vec::new();
        contigs.read(contig, start..start + span, &mut letters)?;
        contigs.check(contig, &letters, slice.digest)?;
        Ok(Some(letters))
    }
}
