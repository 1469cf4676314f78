// A prototype: seed extension, two jobs an invocation, one in each 16-bit half of a word, in strips like extend_strips.wgsl.
// The recurrence, tie rules and sources are in crates/compute/src/kernels/extend/mod.rs.
//
// Not bound by the host: no engine runs this text and no result of it was compared with the reference. benches/isa counts
// its instructions. It takes only jobs without code 4, in pairs of equal query length and band, of schemes with MATCH 1,
// where initial_score + query_len + DELETION_EXTEND * columns <= 1535, columns made up to whole passes.
//
// All values are integers of at most 2048 in f16, which holds these exactly, so every sum, maximum and product below is
// exact on any device, fused or not. What may be inexact is only at most 0, and `saturate` makes a 0 of it.
//
// *Tilt.* A value in column j is stored higher by T(j) = 512 + j * DELETION_EXTEND, so that an open deletion costs
// nothing to extend (Suzuki and Kasahara 2018 tilt for the same saving). There is no floor: what is not above T(j) is
// dead, stays so, and never falls below 512, because an open deletion holds it up.
//
// *Scores without a comparison.* Of two bases, one on either side, the product modulo 2^16 of what they are written as is
// 1.0 as an f16 if they are equal, else a number of at most 1/4. So saturate(that * diagonal - T) is 1 for a match on a
// live cell, else 0, and the dead rule is free.
//
// *Rows without keys.* MATCH is 1. So a cell that beats the best of all columns before, beats it by 1, and all that a
// column has to tell is the last row that does: rows since then are counted as since = (since + 1) * lower.

enable f16;
enable wgpu_int16;

override WORKGROUP_SIZE: u32;
override MATCH: i32;
override MISMATCH: i32;
override AMBIGUOUS: i32;
override DELETION_OPEN: i32;
override DELETION_EXTEND: i32;
override INSERTION_OPEN: i32;
override INSERTION_EXTEND: i32;

// Rows of a strip: a tall one fills the registers, short ones cover what is left with little padding.
const TALL = 30u;
const SHORT = 10u;
// Columns a pass of the inner loop; they have to begin within a word of bases.
const COLUMNS = 4u;
// T(0): a quarter of the largest value.
const TILT = 512;
// How bases are written, by their codes in nibbles. Query: odd factors; target: 15 divided by them, modulo 64, to be
// shifted left by 10. 15 << 10 is 1.0; other products have exponents of at most 13 of 15, or are below 0.
const QUERY_FACTORS = 0xfd31u;
const TARGET_FACTORS = 0x1b5fu;
const FACTOR_SHIFT = 10u;
// A score that says: z-drop may decide this job, which needs the row of every column.
const UNDECIDED = -1;

struct Dispatch {
    // Even: two jobs an invocation, of equal query length and band.
    job_count: u32,
    // Slots between two columns of the workspace.
    stride: u32,
}

struct Job {
    // First word of each sequence in `bases`.
    query_word: u32,
    target_word: u32,
    query_len: u32,
    target_len: u32,
    initial_score: i32,
    band: u32,
    z_drop: i32,
}

struct Answer {
    score: i32,
    query_end: u32,
    target_end: u32,
    end_score: i32,
    end_target: u32,
    max_offset: u32,
}

struct Column {
    // H of the last row done.
    h: vec2<f16>,
    // F for the next row.
    f: vec2<f16>,
    // The best score of the columns up to here in the rows done.
    best: vec2<f16>,
    // Its row, if it is of this column.
    row: vec2<f16>,
}

struct Pair {
    low: Job,
    high: Job,
}

@group(0) @binding(0) var<uniform> dispatch: Dispatch;
@group(0) @binding(1) var<storage, read> jobs: array<Job>;
// Eight bases a word, lowest bits first.
@group(0) @binding(2) var<storage, read> bases: array<u32>;
// Column j of pair k at j * stride + k, so that neighbours touch neighbouring memory.
@group(0) @binding(3) var<storage, read_write> workspace: array<Column>;
@group(0) @binding(4) var<storage, read_write> answers: array<Answer>;

fn both(value: i32) -> vec2<f16> {
    return vec2<f16>(f16(value));
}

// T(j).
fn tilt(j: u32) -> vec2<f16> {
    return both(TILT + i32(j) * DELETION_EXTEND);
}

fn base_at(word: u32, index: u32) -> u32 {
    return (bases[word + (index >> 3u)] >> ((index & 7u) * 4u)) & 3u;
}

fn query_factor(base: u32) -> u16 {
    return u16((QUERY_FACTORS >> (4u * base)) & 15u);
}

fn target_factor(base: u32) -> u16 {
    return u16(((TARGET_FACTORS >> (4u * base)) & 15u) << FACTOR_SHIFT);
}

fn query_at(pair: Pair, index: u32) -> vec2<u16> {
    let low = query_factor(base_at(pair.low.query_word, index));
    return vec2<u16>(low, query_factor(base_at(pair.high.query_word, index)));
}

fn target_at(pair: Pair, index: u32) -> vec2<u16> {
    let low = target_factor(base_at(pair.low.target_word, index));
    return vec2<u16>(low, target_factor(base_at(pair.high.target_word, index)));
}

// The factors of four bases a half.
fn target_factors(codes: u32) -> u32 {
    let even = ~codes & 0x11111111u;
    let lower = ~codes & 0x22222222u;
    return 0x11111111u | (even << 1u) | (even << 3u) | (lower << 1u);
}

// M in the column whose left neighbour has the tilt `before`.
fn aligned(diagonal: vec2<f16>, query: vec2<u16>, base: vec2<u16>, before: vec2<f16>) -> vec2<f16> {
    let matches = saturate(fma(bitcast<vec2<f16>>(query * base), diagonal, -before));
    return fma(matches, both(MATCH + MISMATCH), diagonal + both(DELETION_EXTEND - MISMATCH));
}

fn deletion(e: vec2<f16>, m: vec2<f16>) -> vec2<f16> {
    return max(e, m - both(DELETION_OPEN));
}

fn insertion(f: vec2<f16>, m: vec2<f16>) -> vec2<f16> {
    return max(f, m - both(INSERTION_OPEN)) - both(INSERTION_EXTEND);
}

// Rows since the last one that reaches `better`, given those since then above.
fn rows_since(since: vec2<f16>, better: vec2<f16>, h: vec2<f16>) -> vec2<f16> {
    let lower = saturate(better - h);
    return fma(since, lower, lower);
}

// What a strip of `height` rows leaves of a column: `best` is that of the columns before.
fn left(column: Column, h: vec2<f16>, f: vec2<f16>, since: vec2<f16>, best: vec2<f16>, height: u32, last_row: f16) -> Column {
    let own = best + saturate(both(i32(height)) - since);
    // On equal scores the larger row wins.
    let keeps = saturate(column.best - own);
    let row = vec2<f16>(last_row) - since;
    return Column(h, f, max(column.best, own), fma(keeps, column.row - row, row));
}

// H of the first column.
fn left_border(job: Job, i: u32) -> i32 {
    let gap = select(INSERTION_OPEN + INSERTION_EXTEND * i32(i), 0, i == 0u);
    return select(0, max(job.initial_score - gap, 0), i <= job.band);
}

// H of the first row.
fn upper_border(job: Job, j: u32) -> i32 {
    let gap = select(DELETION_OPEN + DELETION_EXTEND * i32(j), 0, j == 0u);
    return select(0, max(job.initial_score - gap, 0), j <= job.band);
}

// The longer target's length, made up to whole passes: what lies beyond its end cannot reach back.
fn column_count(pair: Pair) -> u32 {
    return (max(pair.low.target_len, pair.high.target_len) + COLUMNS - 1u) & ~(COLUMNS - 1u);
}

fn fill_first_row(pair: Pair, id: u32) {
    for (var j = 0u; j <= column_count(pair); j++) {
        let h = vec2<f16>(f16(upper_border(pair.low, j)), f16(upper_border(pair.high, j)));
        let best = vec2<f16>(f16(pair.low.initial_score), f16(pair.high.initial_score));
        workspace[j * dispatch.stride + id] = Column(h + tilt(j), tilt(j), best + tilt(j), both(0));
    }
}

// The first column in which a strip below row i has a cell inside the band.
fn first_column(job: Job, i: u32) -> u32 {
    return select(1u, i + 1u - job.band, i > job.band);
}

// H left of the first column of a strip, in row i.
fn left_of(pair: Pair, i: u32, first: u32) -> vec2<f16> {
    if (first == 1u) {
        return vec2<f16>(f16(left_border(pair.low, i)), f16(left_border(pair.high, i))) + tilt(0u);
    }
    return tilt(first - 1u);
}

// H left of the first column of a strip and above it.
fn corner(pair: Pair, id: u32, i: u32, first: u32) -> vec2<f16> {
    if (first == 1u) {
        return left_of(pair, i, first);
    }
    return workspace[(first - 1u) * dispatch.stride + id].h;
}

// The best score of the columns before, as it is stored in the first column of a strip.
fn best_before(id: u32, first: u32) -> vec2<f16> {
    return workspace[(first - 1u) * dispatch.stride + id].best + both(DELETION_EXTEND);
}

// Rows above + 1 to above + SHORT - padding.
fn short_strip(pair: Pair, id: u32, above: u32, padding: u32) {
    var h: array<vec2<f16>, SHORT>;
    var e: array<vec2<f16>, SHORT>;
    var query: array<vec2<u16>, SHORT>;
    let band = pair.low.band;
    let first = first_column(pair.low, above);
    let last = min(column_count(pair), above + SHORT - padding + band);
    for (var row = 0u; row < SHORT; row++) { // unroll
        let i = above + max(row + 1u, padding + 1u) - padding;
        h[row] = left_of(pair, i, first);
        e[row] = tilt(first);
        query[row] = query_at(pair, i - 1u);
    }
    var entry = corner(pair, id, above, first);
    var best = best_before(id, first);
    for (var j = first; j <= last; j++) {
        let column = workspace[j * dispatch.stride + id];
        let base = target_at(pair, j - 1u);
        let before = tilt(j - 1u);
            let dead = tilt(j);
        let low = i32(padding) + i32(j) - i32(above) - 1 - i32(band);
        let high = i32(padding) + i32(j) - i32(above) - 1 + i32(band);
        var diagonal = dead;
        var f = column.f;
        var since = both(0);
        for (var row = 0u; row < SHORT; row++) { // unroll
            let live = row >= padding && i32(row) >= low && i32(row) <= high;
            let start = select(diagonal, entry, row == padding);
            let m = select(dead, aligned(start, query[row], base, before), live);
            let from_left = select(dead, e[row], live);
            // Padding hands the insertion down as it came from above.
            let from_above = select(dead, f, live);
            diagonal = h[row];
            h[row] = max(max(m, from_left), from_above);
            since = rows_since(since, best + both(1), h[row]);
            e[row] = deletion(from_left, m);
            f = select(insertion(from_above, m), f, row < padding);
        }
        entry = column.h;
        let kept = left(column, h[SHORT - 1u], f, since, best, SHORT, f16(above + SHORT - padding));
        workspace[j * dispatch.stride + id] = kept;
        best = kept.best + both(DELETION_EXTEND);
    }
}

// Rows above + 1 to above + TALL.
fn tall_strip(pair: Pair, id: u32, above: u32) {
    var h: array<vec2<f16>, TALL>;
    var e: array<vec2<f16>, TALL>;
    var query: array<vec2<u16>, TALL>;
    let band = pair.low.band;
    let first = first_column(pair.low, above);
    let last = min(column_count(pair), above + TALL + band);
    for (var row = 0u; row < TALL; row++) { // unroll
        h[row] = left_of(pair, above + row + 1u, first);
        e[row] = tilt(first);
        query[row] = query_at(pair, above + row);
    }
    var entry = corner(pair, id, above, first);
    var best = best_before(id, first);
    let last_row = f16(above + TALL);
    // Between these every row is inside the band.
    let inner_first = select(1u, above + TALL - band, above + TALL > band);
    let inner_last = min(column_count(pair), above + 1u + band);
    var j = first;
    while (j <= last) {
        while (j >= inner_first && j + COLUMNS <= inner_last + 1u && (j - 1u) % COLUMNS == 0u) {
            let word = (j - 1u) >> 3u;
            let shift = ((j - 1u) & 7u) * 4u;
            let low_codes = bases[pair.low.target_word + word] >> shift;
            let high_codes = bases[pair.high.target_word + word] >> shift;
            let factors = target_factors((low_codes & 0xffffu) | (high_codes << 16u));
            var columns: array<Column, COLUMNS>;
            for (var step = 0u; step < COLUMNS; step++) { // unroll
                columns[step] = workspace[(j + step) * dispatch.stride + id];
            }
            let first_tilt = tilt(j - 1u);
            for (var step = 0u; step < COLUMNS; step++) { // unroll
                let before = first_tilt + both(i32(step) * DELETION_EXTEND);
                let shifted = ((factors >> (4u * step)) & 0x000f000fu) << FACTOR_SHIFT;
                let base = vec2<u16>(u16(shifted), u16(shifted >> 16u));
                let better = best + both(1);
                var diagonal = entry;
                var f = columns[step].f;
                var since = both(0);
                for (var row = 0u; row < TALL; row++) { // unroll
                    let m = aligned(diagonal, query[row], base, before);
                    diagonal = h[row];
                    h[row] = max(max(m, e[row]), f);
                    since = rows_since(since, better, h[row]);
                    e[row] = deletion(e[row], m);
                    f = insertion(f, m);
                }
                entry = columns[step].h;
                let kept = left(columns[step], h[TALL - 1u], f, since, best, TALL, last_row);
                workspace[(j + step) * dispatch.stride + id] = kept;
                best = kept.best + both(DELETION_EXTEND);
            }
            j += COLUMNS;
        }
        if (j <= last) {
            let column = workspace[j * dispatch.stride + id];
            let base = target_at(pair, j - 1u);
            let before = tilt(j - 1u);
            let dead = tilt(j);
            let low = i32(j) - i32(above) - 1 - i32(band);
            let high = i32(j) - i32(above) - 1 + i32(band);
            let better = best + both(1);
            var diagonal = entry;
            var f = column.f;
            var since = both(0);
            for (var row = 0u; row < TALL; row++) { // unroll
                let live = i32(row) >= low && i32(row) <= high;
                let m = select(dead, aligned(diagonal, query[row], base, before), live);
                let from_left = select(dead, e[row], live);
                let from_above = select(dead, f, live);
                diagonal = h[row];
                h[row] = max(max(m, from_left), from_above);
                since = rows_since(since, better, h[row]);
                e[row] = deletion(from_left, m);
                f = insertion(from_above, m);
            }
            entry = column.h;
            let kept = left(column, h[TALL - 1u], f, since, best, TALL, last_row);
            workspace[j * dispatch.stride + id] = kept;
            best = kept.best + both(DELETION_EXTEND);
            j++;
        }
    }
}

fn distance(a: u32, b: u32) -> u32 {
    return max(a, b) - min(a, b);
}

// Whether z-drop may have stopped the extension in a column from target_end + 1 to j. It has not if the best cell, M of
// its row, is still in reach of all these columns by a deletion; if nothing beat the anchor, M of row 1 is by one before.
fn may_have_dropped(job: Job, answer: Answer, j: u32) -> bool {
    if (job.z_drop == 0 || j <= answer.target_end) {
        return false;
    }
    let loss = MISMATCH + DELETION_OPEN + DELETION_EXTEND * i32(j - answer.target_end);
    return loss > job.z_drop || j > max(answer.query_end, 1u) + job.band;
}

// Takes the columns in order, now that each one's best and last row are known. `half` is 0 or 1.
fn take_columns(job: Job, id: u32, half: u32) -> Answer {
    let whole = left_border(job, job.query_len);
    var answer = Answer(job.initial_score, 0u, 0u, select(-1, whole, whole > 0), 0u, 0u);
    for (var j = 1u; j <= job.target_len; j++) {
        let column = workspace[j * dispatch.stride + id];
        let upright = TILT + i32(j) * DELETION_EXTEND;
        let score = i32(column.best[half]) - upright;
        // Left of the band the workspace still has a row above.
        let end = select(0, i32(column.h[half]) - upright, j + job.band >= job.query_len);
        let ends_better = end > 0 && end > answer.end_score;
        if ((ends_better || score > answer.score) && may_have_dropped(job, answer, j - 1u)) {
            answer.score = UNDECIDED;
            break;
        }
        if (ends_better) {
            answer.end_score = end;
            answer.end_target = j;
        }
        if (score > answer.score) {
            answer.score = score;
            answer.query_end = u32(column.row[half]);
            answer.target_end = j;
            answer.max_offset = max(answer.max_offset, distance(answer.query_end, j));
        }
    }
    return answer;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = invocation.x;
    if (2u * id >= dispatch.job_count) {
        return;
    }
    let pair = Pair(jobs[2u * id], jobs[2u * id + 1u]);
    fill_first_row(pair, id);
    let rest = pair.low.query_len % TALL;
    var padding = (SHORT - rest % SHORT) % SHORT;
    var above = 0u;
    while (above < rest) {
        short_strip(pair, id, above, padding);
        above += SHORT - padding;
        padding = 0u;
    }
    while (above < pair.low.query_len) {
        tall_strip(pair, id, above);
        above += TALL;
    }
    answers[2u * id] = take_columns(pair.low, id, 0u);
    answers[2u * id + 1u] = take_columns(pair.high, id, 1u);
}
