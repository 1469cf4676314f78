// Global alignment with its CIGAR, one invocation a job, in two entry points: `main` fills strips of the matrix and keeps
// where each cell came from, `trace` reads the path back. The recurrence, tie rules and sources are in
// crates/compute/src/kernels/global/mod.rs; the host's side of every struct, binding, constant and override below is in
// layout.rs beside it, and a test holds the two together.
//
// The host writes out every loop marked `unroll` first (gpu/unroll.rs), and then all indices of arrays are literals.
//
// # Values
//
// A value v of row i and column j is kept as 8 * (v + i * INSERTION_EXTEND + j * DELETION_EXTEND) + tag: so tilted, an open
// gap costs nothing to extend (as in extend_strips.wgsl). The tag is what decides between equal values, and what is left of
// it says who won:
//     M: 7;  E: 3 if opened from M, 2 if extended;  F: 1 if opened, 0 if extended.
//
// # Strips
//
// Strips have ROWS rows, which stay in registers while the columns of the band go by. The first strip is padded above row 0
// so that the query's last row is the last of a strip. Row 0 is computed like any other: it is one gap, opened at (0, 0).
//
// Strips take cells outside the band too. None of these can reach into the band by a diagonal step. The ones below it are
// minus infinity as long as no insertion leaves the band, and the ones above it could come back only by an insertion: so F
// is cut at both edges of the band, and nothing else is.

override WORKGROUP_SIZE: u32;
override MATCH: i32;
override MISMATCH: i32;
override AMBIGUOUS: i32;
override DELETION_OPEN: i32;
override DELETION_EXTEND: i32;
override INSERTION_OPEN: i32;
override INSERTION_EXTEND: i32;

// Rows of a strip: as many as have their directions in one word.
const ROWS = 8u;
// Columns a pass of the inner loop; they have to begin within a word of bases.
const COLUMNS = 4u;
// Bits of a score in a row's profile.
const SCORE_BITS = 6u;

// Minus infinity, without a tag: below any value, and far enough from overflow for all steps of a path.
const NEVER = -0x20000000;
const EXTENDED_E = 2;
const FROM_M_TAG = 7;
const OPENED_E_TAG = 3;
const OPENED_F_TAG = 1;

// Directions of a cell, four bits: where H comes from, and whether the gaps leaving it are opened from M (else extended).
const OPENS_E: u32 = 1u;
const FROM: u32 = 6u;
const FROM_M: u32 = 6u;
const FROM_E: u32 = 2u;
const FROM_F: u32 = 0u;
const OPENS_F: u32 = 8u;
// No direction: ask the cell.
const ANY: u32 = 1u;

const MATCH_OP: u32 = 0u;
const INSERTION_OP: u32 = 1u;
const DELETION_OP: u32 = 2u;

struct Dispatch {
    job_count: u32,
    // Slots between two columns, words or runs of one job.
    stride: u32,
    // Words of directions in a strip.
    strip_words: u32,
    cigar_capacity: u32,
    // The strips of this pass, from 0: the first, and the one after the last.
    first_strip: u32,
    end_strip: u32,
}

struct Job {
    // First word of each sequence in `bases`.
    query_word: u32,
    target_word: u32,
    query_len: u32,
    target_len: u32,
    // The band in effect, at least the difference of the lengths.
    band: u32,
}

struct Answer {
    score: i32,
    // Runs of the CIGAR; more than the capacity if it did not fit.
    run_count: u32,
}

struct Runs {
    count: u32,
    // The run being built, packed as in BAM; 0 = none.
    open: u32,
}

@group(0) @binding(0) var<uniform> dispatch: Dispatch;
@group(0) @binding(1) var<storage, read> jobs: array<Job>;
// Eight bases a word, lowest bits first.
@group(0) @binding(2) var<storage, read> bases: array<u32>;
// Column j of job k at j * stride + k, so that neighbours touch neighbouring words: H of the last row done, F for the next.
@group(0) @binding(3) var<storage, read_write> workspace: array<vec2<i32>>;
// A word a column of a strip, counted from the strip's first column; its first row in the lowest bits.
@group(0) @binding(4) var<storage, read_write> directions: array<u32>;
@group(0) @binding(5) var<storage, read_write> answers: array<Answer>;
// Run r of job k at r * stride + k, last run of the CIGAR first.
@group(0) @binding(6) var<storage, read_write> cigars: array<u32>;

fn base_at(word: u32, index: u32) -> u32 {
    return (bases[word + (index >> 3u)] >> ((index & 7u) * 4u)) & 15u;
}

// What a diagonal step gains on the tilt.
fn step_tilt() -> i32 {
    return DELETION_EXTEND + INSERTION_EXTEND;
}

// Whether a profile holds the scheme's scores, the tilt included.
fn is_profiled() -> bool {
    return MATCH + step_tilt() < 32 && max(MISMATCH, AMBIGUOUS) - step_tilt() <= 32;
}

// What a row keeps of its base: its scores against the target bases 0 to 4, lowest bits first, or the base itself.
fn profile_of(base: u32) -> u32 {
    if (!is_profiled()) {
        return base;
    }
    let mask = (1u << SCORE_BITS) - 1u;
    let equal = u32(MATCH + step_tilt()) & mask;
    let unequal = u32(step_tilt() - MISMATCH) & mask;
    let ambiguous = u32(step_tilt() - AMBIGUOUS) & mask;
    let ones = 1u | (1u << SCORE_BITS) | (1u << (2u * SCORE_BITS)) | (1u << (3u * SCORE_BITS));
    let known = (unequal * ones) ^ ((equal ^ unequal) << (base * SCORE_BITS));
    return select(known, ambiguous * ones, base >= 4u) | (ambiguous << (4u * SCORE_BITS));
}

// The score of a row's base against a target base, the tilt included.
fn score_of(profile: u32, base: u32) -> i32 {
    if (is_profiled()) {
        return extractBits(i32(profile), base * SCORE_BITS, SCORE_BITS);
    }
    let known = select(-MISMATCH, MATCH, profile == base);
    return select(known, -AMBIGUOUS, (profile | base) >= 4u) + step_tilt();
}

// Row 0 of a job's first strip: above it there is padding.
fn padding(job: Job) -> u32 {
    return ROWS - 1u - job.query_len % ROWS;
}

// The matrix row of a strip's first row; below 0 in the padding.
fn first_row(job: Job, strip: u32) -> i32 {
    return i32(strip * ROWS) - i32(padding(job));
}

// The first column that a strip takes: the first of the band or up to COLUMNS - 1 before it.
fn first_column(job: Job, strip: u32) -> u32 {
    let in_band = max(first_row(job, strip) - i32(job.band), 1);
    return ((u32(in_band) - 1u) & ~(COLUMNS - 1u)) + 1u;
}

// H of row i in the first column.
fn left_border(job: Job, i: i32) -> i32 {
    let gap = select(NEVER, -8 * INSERTION_OPEN, i > 0 && i <= i32(job.band));
    return select(gap, 0, i == 0);
}

fn fill(job: Job, id: u32, strip: u32) {
    var h: array<i32, ROWS>;
    var e: array<i32, ROWS>;
    var profile: array<u32, ROWS>;
    let top = first_row(job, strip);
    let first = first_column(job, strip);
    let last = min(job.target_len, u32(top + i32(ROWS) - 1 + i32(job.band)));
    for (var row = 0u; row < ROWS; row++) { // unroll
        let i = top + i32(row);
        h[row] = select(NEVER, left_border(job, i), first == 1u);
        e[row] = select(NEVER, -8 * DELETION_OPEN, i == 0) + EXTENDED_E;
        profile[row] = profile_of(base_at(job.query_word, u32(max(i, 1) - 1)));
    }
    var entry = left_border(job, top - 1);
    if (first > 1u) {
        entry = workspace[(first - 1u) * dispatch.stride + id].x;
    }
    var slot = first * dispatch.stride + id;
    var word_slot = strip * dispatch.strip_words * dispatch.stride + id;
    // The rows at which an insertion would come into the band and leave it.
    var inlet = i32(first) - i32(job.band) - top;
    var outlet = i32(first) + i32(job.band) + 1 - top;
    for (var j = first; j <= last; j += COLUMNS) {
        let codes = bases[job.target_word + ((j - 1u) >> 3u)] >> (((j - 1u) & 7u) * 4u);
        for (var step = 0u; step < COLUMNS; step++) { // unroll
            let base = (codes >> (4u * step)) & 15u;
            let above = select(workspace[slot], vec2<i32>(NEVER, NEVER), strip == 0u);
            var diagonal = entry;
            var f = above.y;
            var word = 0u;
            for (var row = 0u; row < ROWS; row++) { // unroll
                f = select(f, NEVER, i32(row) == inlet || i32(row) == outlet);
                let m = (diagonal | FROM_M_TAG) + 8 * score_of(profile[row], base);
                diagonal = h[row];
                h[row] = max(max(m, e[row]), f);
                e[row] = max(e[row] & ~1, m - (8 * DELETION_OPEN + FROM_M_TAG - OPENED_E_TAG));
                f = max(f & ~1, m - (8 * INSERTION_OPEN + FROM_M_TAG - OPENED_F_TAG));
                let direction = insertBits(insertBits(u32(h[row]), u32(e[row]), 0u, 1u), u32(f), 3u, 1u);
                word = insertBits(word, direction, 4u * row, 4u);
            }
            entry = above.x;
            workspace[slot] = vec2<i32>(h[ROWS - 1u], f);
            directions[word_slot] = word;
            slot += dispatch.stride;
            word_slot += dispatch.stride;
            inlet++;
            outlet++;
        }
    }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = invocation.x;
    if (id >= dispatch.job_count) {
        return;
    }
    let job = jobs[id];
    let strip_count = (job.query_len + ROWS) / ROWS;
    for (var strip = dispatch.first_strip; strip < min(dispatch.end_strip, strip_count); strip++) {
        fill(job, id, strip);
    }
}

fn direction_at(job: Job, id: u32, i: u32, j: u32) -> u32 {
    let row = i + padding(job);
    let strip = row / ROWS;
    let word = strip * dispatch.strip_words + j - first_column(job, strip);
    return directions[word * dispatch.stride + id] >> ((row % ROWS) * 4u);
}

// Ends the run being built. A run beyond the capacity is counted and not written.
fn close(runs: Runs, id: u32) -> Runs {
    if (runs.open == 0u) {
        return runs;
    }
    if (runs.count < dispatch.cigar_capacity) {
        cigars[runs.count * dispatch.stride + id] = runs.open;
    }
    return Runs(runs.count + 1u, 0u);
}

fn append(runs: Runs, id: u32, op: u32, length: u32) -> Runs {
    if (length == 0u) {
        return runs;
    }
    if (runs.open != 0u && (runs.open & 15u) == op) {
        return Runs(runs.count, runs.open + (length << 4u));
    }
    let closed = close(runs, id);
    return Runs(closed.count, (length << 4u) | op);
}

// Reads the path back and writes its runs; returns their number.
fn path(job: Job, id: u32) -> u32 {
    var i = job.query_len;
    var j = job.target_len;
    var runs = Runs(0u, 0u);
    // What the current cell was entered through.
    var state = ANY;
    while (i > 0u && j > 0u) {
        if (state == ANY) {
            // Opened or extended, E and F are the same here.
            state = direction_at(job, id, i, j) & FROM;
        }
        if (state == FROM_E) {
            runs = append(runs, id, DELETION_OP, 1u);
            j -= 1u;
            if (j > 0u) {
                state = select(FROM_E, FROM_M, (direction_at(job, id, i, j) & OPENS_E) != 0u);
            }
        } else if (state == FROM_F) {
            runs = append(runs, id, INSERTION_OP, 1u);
            i -= 1u;
            if (i > 0u) {
                state = select(FROM_F, FROM_M, (direction_at(job, id, i, j) & OPENS_F) != 0u);
            }
        } else {
            runs = append(runs, id, MATCH_OP, 1u);
            i -= 1u;
            j -= 1u;
            state = ANY;
        }
    }
    // On a border there is only the one gap to the corner.
    runs = append(runs, id, INSERTION_OP, i);
    runs = append(runs, id, DELETION_OP, j);
    return close(runs, id).count;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn trace(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = invocation.x;
    if (id >= dispatch.job_count) {
        return;
    }
    let job = jobs[id];
    let tilt = INSERTION_EXTEND * i32(job.query_len) + DELETION_EXTEND * i32(job.target_len);
    let score = (workspace[job.target_len * dispatch.stride + id].x >> 3u) - tilt;
    answers[id] = Answer(score, path(job, id));
}
