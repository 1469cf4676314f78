// Local alignment, one invocation a job, in strips: some rows of the matrix stay in registers while the columns go by. The
// recurrence, tie rules and sources are in crates/compute/src/kernels/local/mod.rs; the host's side of every struct,
// binding, constant and override below is in layout.rs beside it, and a test holds the two together.
//
// The host writes out every loop marked `unroll` first (gpu/unroll.rs), and then all indices of arrays are literals.
//
// # Strips
//
// Rows are covered from the top by short strips and then by tall ones. The first strip is padded above row 1 with ambiguous
// bases, which score nothing: everything is 0 there, as on the border. A strip leaves its last row in the workspace for
// the next one, and takes its share in each column's maximum. Best and second score come last, from the columns' maxima.
//
// # Values
//
// In row r of a strip, from 0, and in column `step` of a pass a value is kept higher by its tilt,
//     (r + 1) * INSERTION_EXTEND + step * DELETION_EXTEND
// so that an open gap costs nothing to extend (as in extend_strips.wgsl); the step from a pass to the next takes back what
// its columns had. E alone has the recurrence's floor of 0: H is never below E, and what M and F have below 0 leads to
// nothing above it.

override WORKGROUP_SIZE: u32;
override MATCH: i32;
override MISMATCH: i32;
override AMBIGUOUS: i32;
override DELETION_OPEN: i32;
override DELETION_EXTEND: i32;
override INSERTION_OPEN: i32;
override INSERTION_EXTEND: i32;

// Rows of a strip: a tall one fills the registers, short ones cover what is left with little padding.
const TALL = 24u;
const SHORT = 8u;
// Columns a pass of the inner loop; they have to begin within a word of bases.
const COLUMNS = 4u;
// Bits of a row in a column's key, and of a score in a row's profile.
const ROW_BITS = 11u;
const SCORE_BITS = 6u;
// The largest row of a key.
const LAST_ROW = 2047u;
// Less than any key.
const FAR_BELOW = -2147483647;
const AMBIGUOUS_BASE = 4u;

struct Dispatch {
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
}

struct Answer {
    score: i32,
    query_end: u32,
    target_end: u32,
    second_score: i32,
    second_target_end: u32,
}

@group(0) @binding(0) var<uniform> dispatch: Dispatch;
@group(0) @binding(1) var<storage, read> jobs: array<Job>;
// Eight bases a word, lowest bits first.
@group(0) @binding(2) var<storage, read> bases: array<u32>;
// Column j of job k, from 0, at j * stride + k, so that neighbours touch neighbouring words. x: H of the last row done in
// the low half, F for the next one in the high half. y: the column's maximum so far and its first row, as a key.
@group(0) @binding(3) var<storage, read_write> workspace: array<vec2<u32>>;
@group(0) @binding(4) var<storage, read_write> answers: array<Answer>;

fn base_at(word: u32, index: u32) -> u32 {
    return (bases[word + (index >> 3u)] >> ((index & 7u) * 4u)) & 15u;
}

// The base of a row, from 0, of which the first ones are padding.
fn query_base(job: Job, row: u32, padding: u32) -> u32 {
    return select(AMBIGUOUS_BASE, base_at(job.query_word, max(row, padding) - padding), row >= padding);
}

// What a diagonal step gains on the tilt.
fn step_tilt() -> i32 {
    return DELETION_EXTEND + INSERTION_EXTEND;
}

// Whether a profile holds the scheme's scores, the tilt included.
fn is_profiled() -> bool {
    return MATCH + step_tilt() < 32 && max(MISMATCH, AMBIGUOUS) - step_tilt() <= 32 && step_tilt() < 32;
}

// What a row keeps of its base: its scores against the target bases 0 to 4, lowest bits first, or the base itself.
fn profile_of(base: u32) -> u32 {
    if (!is_profiled()) {
        return base;
    }
    let mask = (1u << SCORE_BITS) - 1u;
    let equal = u32(step_tilt() + MATCH) & mask;
    let unequal = u32(step_tilt() - MISMATCH) & mask;
    let ambiguous = u32(step_tilt() - AMBIGUOUS) & mask;
    let ones = 1u | (1u << SCORE_BITS) | (1u << (2u * SCORE_BITS)) | (1u << (3u * SCORE_BITS));
    let known = (unequal * ones) ^ ((equal ^ unequal) << (base * SCORE_BITS));
    return select(known, ambiguous * ones, base >= AMBIGUOUS_BASE) | (ambiguous << (4u * SCORE_BITS));
}

// The score of a row's base against a target base, the tilt included.
fn score_of(profile: u32, base: u32) -> i32 {
    if (is_profiled()) {
        return extractBits(i32(profile), base * SCORE_BITS, SCORE_BITS);
    }
    let known = select(-MISMATCH, MATCH, profile == base);
    return select(known, -AMBIGUOUS, (profile | base) >= AMBIGUOUS_BASE) + step_tilt();
}

// The tilt of a strip's row in a column of a pass: what 0 is kept as.
fn tilt(row: u32, step: u32) -> i32 {
    return INSERTION_EXTEND * i32(row + 1u) + DELETION_EXTEND * i32(step);
}

// M.
fn aligned(diagonal: i32, score: i32, step: u32) -> i32 {
    return diagonal + score - select(0, DELETION_EXTEND * i32(COLUMNS), step == 0u);
}

// E for the next column.
fn deletion(e: i32, m: i32, row: u32, step: u32) -> i32 {
    let back = select(0, DELETION_EXTEND * i32(COLUMNS), step == COLUMNS - 1u);
    return max(max(e - back, tilt(row, step + 1u) - back), m - (DELETION_OPEN + back));
}

// The larger key has the larger score, then the smaller row.
fn key_of(h: i32, row: u32, step: u32) -> i32 {
    return (h << ROW_BITS) - ((tilt(row, step) << ROW_BITS) + i32(row));
}

// What a strip of `height` rows leaves of a column, upright again: `above` are the rows before it, `most` is their key.
fn left(h: i32, f: i32, key: i32, height: u32, step: u32, above: u32, most: u32) -> vec2<u32> {
    let last_h = u32(h - tilt(height - 1u, step));
    let last_f = u32(max(f - tilt(height, step), 0));
    return vec2<u32>(last_h | (last_f << 16u), max(most, u32(key + i32(LAST_ROW - above))));
}

// The row above the first strip. Passes are whole: what lies beyond the target's end cannot reach back.
fn fill_first_row(job: Job, id: u32) {
    for (var j = 0u; j < (job.target_len + COLUMNS - 1u) / COLUMNS * COLUMNS; j++) {
        workspace[j * dispatch.stride + id] = vec2<u32>(0u, 0u);
    }
}

// Rows above + 1 to above + SHORT, the padding's counted.
fn short_strip(job: Job, id: u32, above: u32, padding: u32) {
    var h: array<i32, SHORT>;
    var e: array<i32, SHORT>;
    var profile: array<u32, SHORT>;
    for (var row = 0u; row < SHORT; row++) { // unroll
        h[row] = tilt(row, COLUMNS - 1u);
        e[row] = tilt(row, 0u);
        profile[row] = profile_of(query_base(job, above + row, padding));
    }
    var entry = DELETION_EXTEND * i32(COLUMNS - 1u);
    for (var j = 0u; j < job.target_len; j += COLUMNS) {
        let codes = bases[job.target_word + (j >> 3u)] >> ((j & 7u) * 4u);
        var columns: array<vec2<u32>, COLUMNS>;
        for (var step = 0u; step < COLUMNS; step++) { // unroll
            columns[step] = workspace[(j + step) * dispatch.stride + id];
        }
        for (var step = 0u; step < COLUMNS; step++) { // unroll
            let base = (codes >> (4u * step)) & 15u;
            var diagonal = entry;
            var f = i32(columns[step].x >> 16u) + tilt(0u, step);
            var key = FAR_BELOW;
            for (var row = 0u; row < SHORT; row++) { // unroll
                let m = aligned(diagonal, score_of(profile[row], base), step);
                diagonal = h[row];
                h[row] = max(max(m, e[row]), f);
                key = max(key, key_of(h[row], row, step));
                e[row] = deletion(e[row], m, row, step);
                f = max(f, m - INSERTION_OPEN);
            }
            entry = i32(columns[step].x & 0xffffu) + DELETION_EXTEND * i32(step);
            let kept = left(h[SHORT - 1u], f, key, SHORT, step, above, columns[step].y);
            workspace[(j + step) * dispatch.stride + id] = kept;
        }
    }
}

// The same of TALL rows, written twice: one body for both, with the rows beyond SHORT behind a condition, takes 9.67
// instructions a cell on navi21 instead of 8.92.
fn tall_strip(job: Job, id: u32, above: u32, padding: u32) {
    var h: array<i32, TALL>;
    var e: array<i32, TALL>;
    var profile: array<u32, TALL>;
    for (var row = 0u; row < TALL; row++) { // unroll
        h[row] = tilt(row, COLUMNS - 1u);
        e[row] = tilt(row, 0u);
        profile[row] = profile_of(query_base(job, above + row, padding));
    }
    var entry = DELETION_EXTEND * i32(COLUMNS - 1u);
    for (var j = 0u; j < job.target_len; j += COLUMNS) {
        let codes = bases[job.target_word + (j >> 3u)] >> ((j & 7u) * 4u);
        var columns: array<vec2<u32>, COLUMNS>;
        for (var step = 0u; step < COLUMNS; step++) { // unroll
            columns[step] = workspace[(j + step) * dispatch.stride + id];
        }
        for (var step = 0u; step < COLUMNS; step++) { // unroll
            let base = (codes >> (4u * step)) & 15u;
            var diagonal = entry;
            var f = i32(columns[step].x >> 16u) + tilt(0u, step);
            var key = FAR_BELOW;
            for (var row = 0u; row < TALL; row++) { // unroll
                let m = aligned(diagonal, score_of(profile[row], base), step);
                diagonal = h[row];
                h[row] = max(max(m, e[row]), f);
                key = max(key, key_of(h[row], row, step));
                e[row] = deletion(e[row], m, row, step);
                f = max(f, m - INSERTION_OPEN);
            }
            entry = i32(columns[step].x & 0xffffu) + DELETION_EXTEND * i32(step);
            let kept = left(h[TALL - 1u], f, key, TALL, step, above, columns[step].y);
            workspace[(j + step) * dispatch.stride + id] = kept;
        }
    }
}

fn score_in(key: u32) -> i32 {
    return i32(key >> ROW_BITS);
}

// The first best cell, from the columns' maxima.
fn take_best(job: Job, id: u32, padding: u32) -> Answer {
    var answer = Answer(0, 0u, 0u, 0, 0u);
    for (var j = 0u; j < job.target_len; j++) {
        let key = workspace[j * dispatch.stride + id].y;
        if (score_in(key) > answer.score) {
            answer.score = score_in(key);
            answer.query_end = LAST_ROW + 1u - padding - (key & LAST_ROW);
            answer.target_end = j + 1u;
        }
    }
    return answer;
}

// The best column maximum further from the end than the score is long.
fn take_second(job: Job, id: u32, found: Answer) -> Answer {
    var answer = found;
    let exclusion = u32((answer.score + MATCH - 1) / MATCH);
    for (var j = 0u; j < job.target_len; j++) {
        let distance = max(j + 1u, answer.target_end) - min(j + 1u, answer.target_end);
        let score = score_in(workspace[j * dispatch.stride + id].y);
        if (distance > exclusion && score > answer.second_score) {
            answer.second_score = score;
            answer.second_target_end = j + 1u;
        }
    }
    return answer;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = invocation.x;
    if (id >= dispatch.job_count) {
        return;
    }
    let job = jobs[id];
    fill_first_row(job, id);
    let rest = job.query_len % TALL;
    let padding = (SHORT - rest % SHORT) % SHORT;
    var above = 0u;
    while (above < rest) {
        short_strip(job, id, above, padding);
        above += SHORT;
    }
    while (above < job.query_len + padding) {
        tall_strip(job, id, above, padding);
        above += TALL;
    }
    answers[id] = take_second(job, id, take_best(job, id, padding));
}
