//! The resident reference: a device that reads windows of it answers as one that is sent the bases.

use libtest_mimic::Failed;
use svala_compute::kernels::windows::reference;
use svala_compute::selftest::{Fault, differing_extend, differing_global, expected_extend, expected_global};
use svala_compute::{
    Backend, Engine, EngineOptions, ExtendBatch, ExtendParams, GlobalBatch, GlobalParams, GlobalResults, GpuCheck,
    Window,
};

use super::Target;
use super::sharing::one_adapter;

/// Bases of the reference: several pieces of the smallest kind, the last one not full.
const BASES: usize = 64 * 301;

/// A reference without a pattern that a shifted window would fit as well.
pub fn planes() -> Vec<[u64; 2]> {
    let mut state = 88_172_645_463_325_252u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    (0..BASES / 64).map(|_| [next(), next()]).collect()
}

/// Twice `count` jobs on windows of every length up to `longest` around the edges of words and blocks, forth and back, up to both ends of the reference and
/// across the edges of pieces; and, between them, jobs without a window.
pub fn jobs(planes: &[[u64; 2]], count: usize, longest: usize) -> Result<(ExtendBatch, GlobalBatch), Failed> {
    let (mut extend, mut global) = (ExtendBatch::new(), GlobalBatch::new());
    let lengths = [0, 1, 7, 8, 9, 31, 32, 33, 63, 64, 65, 100, 150, 200, 1000, 4096];
    let lengths = lengths.into_iter().filter(|&length| length <= longest);
    for (k, length) in lengths.cycle().take(count).enumerate() {
        let start = match k % 5 {
            0 => 0,
            1 => BASES - length,
            _ => k * 7919 % (BASES - length),
        };
        for reversed in [false, true] {
            let window = Window { start: start as u32, reversed };
            let target = reference(planes, window, length);
            let mut query: Vec<u8> = target.iter().copied().take(1 + k % 260).collect();
            if query.len() > 40 {
                query.drain(20..20 + k % 4);
                query[10] = (query[10] + 1) % 5;
            }
            let band = [3, 20, 100][k % 3];
            let params = ExtendParams { initial_score: 20, band, z_drop: 100 };
            let sent = target.iter().map(|&code| if k % 11 == 0 { 4 } else { code });
            let window = Some(window).filter(|_| k % 11 > 0);
            extend.push_window(query.iter().copied(), (sent.clone(), window), params)?;
            let span = length.min(query.len() + 30);
            let window =
                window.map(|w| Window { start: w.start + if reversed { (length - span) as u32 } else { 0 }, ..w });
            global.push_window(query, (sent.take(span), window), GlobalParams { band: 40 })?;
        }
    }
    Ok((extend, global))
}

/// How many extend and global jobs are wrong.
pub fn wrong(engine: &Engine, extend: &ExtendBatch, global: &GlobalBatch) -> [usize; 2] {
    let mut results = Vec::new();
    engine.extend(extend, &mut results);
    let mut rows = GlobalResults::new();
    engine.global(global, &mut rows);
    let wrong_extend = differing_extend(&expected_extend(extend, engine.scoring()), &results).len();
    [wrong_extend, differing_global(&expected_global(global, engine.scoring()), &rows).len()]
}

/// Has every device take the reference.
pub fn take(engine: &Engine, planes: &[[u64; 2]]) -> Result<(), Failed> {
    let refused = engine.set_reference(planes);
    if refused.is_empty() { Ok(()) } else { Err(format!("{refused:?}").into()) }
}

/// A device that refuses the reference is named, goes on without, and may take it later; a lost one is retired when it is
/// used next.
pub fn refused(_: Target) -> Result<(), Failed> {
    let planes = planes();
    let (extend, global) = jobs(&planes, 64, usize::MAX)?;
    for (fault, stays) in [(Fault::OutOfMemory, true), (Fault::Invalid, true), (Fault::Lost, false)] {
        let engine = Engine::new(EngineOptions {
            backend: Backend::Gpu,
            adapters: one_adapter(1)?,
            check: GpuCheck::Off,
            ..Default::default()
        })?;
        engine.inject(fault);
        let refused = engine.set_reference(&planes);
        if refused.len() != 1
            || refused[0].reason.is_empty()
            || !engine.description().starts_with(&format!("gpu ({})", refused[0].device))
        {
            return Err(format!("{fault:?}: {refused:?} by {}", engine.description()).into());
        }
        let failures = |engine: &Engine| engine.device_failures().len();
        if wrong(&engine, &extend, &global) != [0, 0] || (failures(&engine) == 0) != stays {
            return Err(format!("{fault:?}: {:?}", engine.device_failures()).into());
        }
        take(&engine, &planes)?;
        if wrong(&engine, &extend, &global) != [0, 0] {
            return Err(format!("{fault:?}: wrong after another try").into());
        }
    }
    Ok(())
}

/// Same bytes with and without a resident reference, in one piece and in many.
pub fn resident(_: Target) -> Result<(), Failed> {
    let planes = planes();
    let (extend, global) = jobs(&planes, 640, usize::MAX)?;
    // A piece has to be larger than the longest window, 65 blocks.
    for piece_bytes in [None, Some(16 * 66), Some(16 * 100)] {
        let adapters = one_adapter(1)?;
        let engine = Engine::new(EngineOptions {
            backend: Backend::Gpu,
            adapters,
            piece_bytes,
            check: GpuCheck::Off,
            ..Default::default()
        })?;
        let before = wrong(&engine, &extend, &global);
        take(&engine, &planes)?;
        let after = wrong(&engine, &extend, &global);
        // Another reference must show, or the device did not read it.
        let other: Vec<[u64; 2]> = planes.iter().map(|[low, high]| [!low, *high]).collect();
        take(&engine, &other)?;
        let misled = wrong(&engine, &extend, &global);
        if !engine.device_failures().is_empty() {
            return Err(format!("{:?}", engine.device_failures()).into());
        }
        if before != [0, 0] || after != [0, 0] || misled.iter().any(|&jobs| jobs < 500) {
            return Err(
                format!("{piece_bytes:?}: {before:?} wrong before, {after:?} after, {misled:?} if misled").into()
            );
        }
    }
    Ok(())
}
