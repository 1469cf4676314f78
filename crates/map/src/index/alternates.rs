//! Which stretches of the reference are alternate loci: contigs that repeat a place of the primary assembly as other people have it.

use std::ops::Range;

use super::Contig;

/// Padded positions of alternate loci, in order. Loci that follow each other are one run, and each run starts where the contig before
/// it ends, so that a read that starts in the padding belongs to the locus behind it.
pub(super) fn runs(contigs: &[Contig], is_alternate: impl Fn(&Contig) -> bool) -> Vec<Range<u64>> {
    let mut runs: Vec<Range<u64>> = Vec::new();
    let mut end = 0;
    for contig in contigs {
        let before = std::mem::replace(&mut end, contig.span().end);
        match runs.last_mut() {
            _ if !is_alternate(contig) => {}
            Some(run) if run.end == before => run.end = end,
            _ => runs.push(before..end),
        }
    }
    runs
}

/// Whether a position is in one of these runs.
pub(super) fn contain(runs: &[Range<u64>], position: u64) -> bool {
    let next = runs.partition_point(|run| run.end <= position);
    runs.get(next).is_some_and(|run| run.start <= position)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_one_run_with_the_padding_before_them() {
        let contig = |start, length| Contig { name: vec![], description: vec![], start, length, md5: [0; 16] };
        let contigs = [contig(10, 5), contig(25, 5), contig(40, 5), contig(55, 5), contig(70, 5)];
        let of = |starts: &[u64]| runs(&contigs, |contig| starts.contains(&contig.start));
        assert_eq!(of(&[]), []);
        assert_eq!(of(&[25, 40, 70]), [15..45, 60..75]);
        assert_eq!(of(&[10, 40]), [0..15, 30..45]);
        let runs = of(&[25, 40, 70]);
        let inside = [0, 14, 15, 20, 44, 45, 59, 60, 74, 75].map(|position| contain(&runs, position));
        assert_eq!(inside, [false, false, true, true, true, false, false, true, true, false]);
        assert!(!contain(&[], 5));
    }
}
