//! Long jobs, which a device may take in another form, and matrices around the edges of a tile.

use libtest_mimic::Failed;
use svala_compute::{ExtendBatch, ExtendParams, GlobalBatch, GlobalParams, Scoring};

use super::Target;

/// A sequence without long repeats.
fn ramp(length: usize, salt: usize) -> Vec<u8> {
    (0..length).map(|k| ((k * k + salt * k) % 23 % 11 % 4) as u8).collect()
}

/// The sequence with a substitution, an insertion or a deletion every so many bases.
fn edited(sequence: &[u8], spacing: usize) -> Vec<u8> {
    let edit = |(k, &base): (usize, &u8)| match (k % spacing, k / spacing % 3) {
        (3, 0) => vec![(base + 1) % 4],
        (3, 1) => vec![base, base, (base + 2) % 4],
        (3, _) => vec![],
        _ => vec![base],
    };
    sequence.iter().enumerate().flat_map(edit).collect()
}

/// Pairs that a kernel may get wrong in a way of their own: related, in tandem, all equal, unrelated, and with N.
fn pairs(m: usize, n: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    let cut = |sequence: Vec<u8>, length: usize| sequence.into_iter().cycle().take(length).collect::<Vec<u8>>();
    let mut islands = edited(&ramp(m, 3), 50);
    islands.iter_mut().skip(m / 3).step_by(m / 4 + 1).for_each(|base| *base = 4);
    vec![
        (cut(edited(&ramp(n, 1), 37), m), ramp(n, 1)),
        (cut(ramp(13, 2), m), cut(edited(&ramp(13, 2).repeat(9), 55), n)),
        (vec![3; m], vec![3; n]),
        (ramp(m, 5), ramp(n, 8)),
        (cut(islands, m), cut(ramp(m, 3), n)),
    ]
}

/// Lengths around whole blocks of a work-group and whole strips; bands narrower than either, and none.
pub fn edges(target: Target) -> Result<(), Failed> {
    let sizes =
        [(256, 300), (257, 300), (319, 340), (320, 320), (321, 290), (511, 40), (513, 520), (640, 700), (960, 1000)];
    let schemes =
        [Scoring::default(), Scoring { match_score: 9, mismatch: 240, insertion_extend: 3, ..Scoring::default() }];
    for scoring in schemes {
        let engine = target.engine(scoring)?;
        let (mut extend, mut global) = (ExtendBatch::new(), GlobalBatch::new());
        for (k, (m, n)) in sizes.into_iter().enumerate() {
            for (query, text) in pairs(m, n) {
                let band = [0, 3, 20, 100, u16::MAX][k % 5];
                let z_drop = [0, 30, 100][k % 3];
                extend.push(query.clone(), text.clone(), ExtendParams { initial_score: 40, band, z_drop })?;
                extend.push(query.clone(), text.clone(), ExtendParams { initial_score: 1, band: 100, z_drop: 0 })?;
                global.push(query, text, GlobalParams { band: band.min(200) })?;
            }
        }
        for m in [1, 6, 7, 8, 9, 15, 16, 17] {
            for n in [1, 3, 4, 5, 8, 20] {
                for (query, text) in pairs(m, n) {
                    for band in [0, 1, 4] {
                        global.push(query.clone(), text.clone(), GlobalParams { band })?;
                    }
                }
            }
        }
        super::check(&engine, &extend, &global)?;
    }
    Ok(())
}

/// The largest jobs there are, with a path through most of the matrix.
pub fn largest(target: Target) -> Result<(), Failed> {
    let engine = target.engine(Scoring::default())?;
    let (mut extend, mut global) = (ExtendBatch::new(), GlobalBatch::new());
    for (query, text) in pairs(1024, 4096).into_iter().take(2) {
        let params = ExtendParams { initial_score: 100, band: u16::MAX, z_drop: 0 };
        extend.push(query.clone(), text.clone(), params)?;
        extend.push(query.clone(), text.clone(), ExtendParams { band: 50, z_drop: 60, ..params })?;
        global.push(query, text, GlobalParams { band: 0 })?;
    }
    super::check(&engine, &extend, &global)
}
