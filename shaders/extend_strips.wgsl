// Seed extension, one invocation a job, in strips: some rows of the matrix stay in registers while the columns go by.
// The recurrence, tie rules and sources are in crates/compute/src/kernels/extend/mod.rs; the host's side of every
// struct, binding, constant and override below is in strips.rs beside it, and a test holds the two together.
//
// This text is a working shader, but no driver is bound to keep arrays in registers. So the host writes out every loop
// marked `unroll` first (gpu/unroll.rs), and then all indices of arrays are literals.
//
// Rows are covered from the top by up to three short strips, of which the first is padded above row 1, and then by tall
// ones, so that the query's last row is always the last of a strip. A strip leaves its last row in the workspace for
// the next one, and takes its share in each column's maximum. What a column's maximum decides (best score, z-drop) comes
// last, in order of columns.

override WORKGROUP_SIZE: u32;
override MATCH: i32;
override MISMATCH: i32;
override AMBIGUOUS: i32;
override DELETION_OPEN: i32;
override DELETION_EXTEND: i32;
override INSERTION_OPEN: i32;
override INSERTION_EXTEND: i32;

// Rows of a strip: a tall one fills the registers, short ones cover what is left with little padding.
const TALL = 28u;
const SHORT = 10u;
// Columns a pass of the inner loop; they have to begin within a word of bases.
const COLUMNS = 4u;
// Bits of a row in a column's key, and of a score in a row's profile.
const ROW_BITS = 11u;
const SCORE_BITS = 6u;
// Less than any key.
const FAR_BELOW = -2147483647;

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

@group(0) @binding(0) var<uniform> dispatch: Dispatch;
@group(0) @binding(1) var<storage, read> jobs: array<Job>;
// Eight bases a word, lowest bits first.
@group(0) @binding(2) var<storage, read> bases: array<u32>;
// Column j of job k at j * stride + k, so that neighbours touch neighbouring words. x: H of the last row done in the
// low half, F for the next one in the high half. y: the column's maximum so far and its row, as a key.
@group(0) @binding(3) var<storage, read_write> workspace: array<vec2<u32>>;
@group(0) @binding(4) var<storage, read_write> answers: array<Answer>;

fn base_at(word: u32, index: u32) -> u32 {
    return (bases[word + (index >> 3u)] >> ((index & 7u) * 4u)) & 15u;
}

// The scores of a query base against the target bases 0 to 4, lowest bits first, each `bonus` higher.
fn profile_of(base: u32, bonus: i32) -> u32 {
    let mask = (1u << SCORE_BITS) - 1u;
    let equal = u32(MATCH + bonus) & mask;
    let unequal = u32(bonus - MISMATCH) & mask;
    let ambiguous = u32(bonus - AMBIGUOUS) & mask;
    let ones = 1u | (1u << SCORE_BITS) | (1u << (2u * SCORE_BITS)) | (1u << (3u * SCORE_BITS));
    let known = (unequal * ones) ^ ((equal ^ unequal) << (base * SCORE_BITS));
    return select(known, ambiguous * ones, base >= 4u) | (ambiguous << (4u * SCORE_BITS));
}

fn score_in(profile: u32, shift: u32) -> i32 {
    return extractBits(i32(profile), shift, SCORE_BITS);
}

// M, which may be below 0: whatever is made of it has a floor of its own.
fn aligned(diagonal: i32, score: i32) -> i32 {
    if (MATCH == 1) {
        // Nothing comes of 0, and a live cell is at least 1.
        return diagonal + min(diagonal, score);
    }
    return select(0, diagonal + score, diagonal > 0);
}

fn deletion(e: i32, m: i32) -> i32 {
    return max(max(e - DELETION_EXTEND, 0), m - (DELETION_OPEN + DELETION_EXTEND));
}

fn insertion(f: i32, m: i32) -> i32 {
    return max(max(f - INSERTION_EXTEND, 0), m - (INSERTION_OPEN + INSERTION_EXTEND));
}

// Tall strips are tilted: a value in row r of the strip, from 0, and column j stands higher by
//     j * DELETION_EXTEND + (r + 1) * INSERTION_EXTEND
// so that an open gap costs nothing to extend. There is no floor: what is not above the tilt is dead, stays so, and is
// bounded, because a gap loses only its extensions (Suzuki and Kasahara 2018 tilt for the same saving).

// Tilted M. `back` is the column's tilt left of here, below 0; `row` counts from 0; the score is higher by the tilt of one step.
fn tilted(diagonal: i32, score: i32, back: i32, row: u32) -> i32 {
    let row_tilt = INSERTION_EXTEND * i32(row);
    if (MATCH == 1) {
        return diagonal + min((diagonal + back) + (DELETION_EXTEND + INSERTION_EXTEND - row_tilt), score);
    }
    return diagonal + select(0, score, diagonal + back > row_tilt);
}

// The key of a tilted score, less the column's tilt, which all rows share.
fn tilted_key(h: i32, row: u32) -> i32 {
    return (h << ROW_BITS) + (i32(row) - ((INSERTION_EXTEND * i32(row + 1u)) << ROW_BITS));
}

// What a tall strip leaves of a column: its last row and the column's maximum, upright again.
fn upright(h: i32, f: i32, key: i32, column_tilt: i32, above: u32, most: u32) -> vec2<u32> {
    let last_h = max(h - column_tilt - INSERTION_EXTEND * i32(TALL), 0);
    let last_f = max(f - column_tilt - INSERTION_EXTEND * i32(TALL + 1u), 0);
    let strip_most = max(key - (column_tilt << ROW_BITS), 0);
    return vec2<u32>(u32(last_h) | (u32(last_f) << 16u), max(most, u32(strip_most) + above + 1u));
}

// The larger score wins, then the larger row.
fn key_of(h: i32, row: u32) -> i32 {
    return (h << ROW_BITS) | i32(row);
}

// H of the first column.
fn left_border(job: Job, i: u32) -> i32 {
    let gap = select(INSERTION_OPEN + INSERTION_EXTEND * i32(i), 0, i == 0u);
    return select(0, max(job.initial_score - gap, 0), i <= job.band);
}

// H of the first row, from column 1.
fn upper_border(job: Job, j: u32) -> i32 {
    return select(0, max(job.initial_score - DELETION_OPEN - DELETION_EXTEND * i32(j), 0), j <= job.band);
}

// The target's length, made up to whole passes: what lies beyond its end cannot reach back.
fn column_count(job: Job) -> u32 {
    return (job.target_len + COLUMNS - 1u) & ~(COLUMNS - 1u);
}

fn fill_first_row(job: Job, id: u32) {
    for (var j = 1u; j <= column_count(job); j++) {
        workspace[j * dispatch.stride + id] = vec2<u32>(u32(upper_border(job, j)), 0u);
    }
}

// The first column in which a strip below row i has a cell inside the band.
fn first_column(job: Job, i: u32) -> u32 {
    return select(1u, i + 1u - job.band, i > job.band);
}

// H left of the first column of a strip and above it.
fn corner(job: Job, id: u32, i: u32, first: u32) -> i32 {
    if (first == 1u) {
        return left_border(job, i);
    }
    return i32(workspace[(first - 1u) * dispatch.stride + id].x & 0xffffu);
}

// Rows above + 1 to above + SHORT - padding.
fn short_strip(job: Job, id: u32, above: u32, padding: u32) {
    var h: array<i32, SHORT>;
    var e: array<i32, SHORT>;
    var profile: array<u32, SHORT>;
    let first = first_column(job, above);
    let last = min(column_count(job), above + SHORT - padding + job.band);
    for (var row = 0u; row < SHORT; row++) { // unroll
        let i = above + max(row + 1u, padding + 1u) - padding;
        h[row] = select(0, left_border(job, i), first == 1u && row >= padding);
        e[row] = 0;
        profile[row] = profile_of(base_at(job.query_word, i - 1u), 0);
    }
    var entry = corner(job, id, above, first);
    for (var j = first; j <= last; j++) {
        let column = workspace[j * dispatch.stride + id];
        let shift = base_at(job.target_word, j - 1u) * SCORE_BITS;
        let low = i32(padding) + i32(j) - i32(above) - 1 - i32(job.band);
        let high = i32(padding) + i32(j) - i32(above) - 1 + i32(job.band);
        var diagonal = 0;
        var f = i32(column.x >> 16u);
        var key = 0;
        for (var row = 0u; row < SHORT; row++) { // unroll
            let live = row >= padding && i32(row) >= low && i32(row) <= high;
            let start = select(diagonal, entry, row == padding);
            let m = select(0, aligned(start, score_in(profile[row], shift)), live);
            let from_left = select(0, e[row], live);
            // Padding hands the insertion down as it came from above.
            let from_above = select(0, f, live);
            diagonal = h[row];
            h[row] = max(max(m, from_left), from_above);
            key = max(key, key_of(h[row], row));
            e[row] = deletion(from_left, m);
            f = select(insertion(from_above, m), f, row < padding);
        }
        entry = i32(column.x & 0xffffu);
        let kept = u32(h[SHORT - 1u]) | (u32(f) << 16u);
        workspace[j * dispatch.stride + id] = vec2<u32>(kept, max(column.y, u32(key) + above + 1u - padding));
    }
}

// Rows above + 1 to above + TALL.
fn tall_strip(job: Job, id: u32, above: u32) {
    var h: array<i32, TALL>;
    var e: array<i32, TALL>;
    var profile: array<u32, TALL>;
    let first = first_column(job, above);
    let last = min(column_count(job), above + TALL + job.band);
    var tilt = DELETION_EXTEND * i32(first);
    for (var row = 0u; row < TALL; row++) { // unroll
        e[row] = tilt + INSERTION_EXTEND * i32(row + 1u);
        h[row] = e[row] - DELETION_EXTEND + select(0, left_border(job, above + row + 1u), first == 1u);
        profile[row] = profile_of(base_at(job.query_word, above + row), DELETION_EXTEND + INSERTION_EXTEND);
    }
    var entry = corner(job, id, above, first) + tilt - DELETION_EXTEND;
    // Between these every row is inside the band.
    let inner_first = select(1u, above + TALL - job.band, above + TALL > job.band);
    let inner_last = min(column_count(job), above + 1u + job.band);
    var j = first;
    while (j <= last) {
        while (j >= inner_first && j + COLUMNS <= inner_last + 1u && (j - 1u) % COLUMNS == 0u) {
            let codes = bases[job.target_word + ((j - 1u) >> 3u)] >> (((j - 1u) & 7u) * 4u);
            var columns: array<vec2<u32>, COLUMNS>;
            for (var step = 0u; step < COLUMNS; step++) { // unroll
                columns[step] = workspace[(j + step) * dispatch.stride + id];
            }
            for (var step = 0u; step < COLUMNS; step++) { // unroll
                let shift = ((codes >> (4u * step)) & 15u) * SCORE_BITS;
                let back = DELETION_EXTEND - tilt;
                var diagonal = entry;
                var f = i32(columns[step].x >> 16u) + tilt + INSERTION_EXTEND;
                var key = FAR_BELOW;
                for (var row = 0u; row < TALL; row++) { // unroll
                    let m = tilted(diagonal, score_in(profile[row], shift), back, row);
                    diagonal = h[row];
                    h[row] = max(max(m, e[row]), f);
                    key = max(key, tilted_key(h[row], row));
                    e[row] = max(e[row], m - DELETION_OPEN);
                    f = max(f, m - INSERTION_OPEN);
                }
                entry = i32(columns[step].x & 0xffffu) + tilt;
                let kept = upright(h[TALL - 1u], f, key, tilt, above, columns[step].y);
                workspace[(j + step) * dispatch.stride + id] = kept;
                tilt += DELETION_EXTEND;
            }
            j += COLUMNS;
        }
        if (j <= last) {
            let column = workspace[j * dispatch.stride + id];
            let shift = base_at(job.target_word, j - 1u) * SCORE_BITS;
            let low = i32(j) - i32(above) - 1 - i32(job.band);
            let high = i32(j) - i32(above) - 1 + i32(job.band);
            let back = DELETION_EXTEND - tilt;
            var diagonal = entry;
            var f = i32(column.x >> 16u) + tilt + INSERTION_EXTEND;
            var key = FAR_BELOW;
            for (var row = 0u; row < TALL; row++) { // unroll
                let live = i32(row) >= low && i32(row) <= high;
                let dead = tilt + INSERTION_EXTEND * i32(row + 1u);
                let m = select(dead, tilted(diagonal, score_in(profile[row], shift), back, row), live);
                let from_left = select(dead, e[row], live);
                let from_above = select(dead, f, live);
                diagonal = h[row];
                h[row] = max(max(m, from_left), from_above);
                key = max(key, tilted_key(h[row], row));
                e[row] = max(from_left, m - DELETION_OPEN);
                f = max(from_above, m - INSERTION_OPEN);
            }
            entry = i32(column.x & 0xffffu) + tilt;
            let kept = upright(h[TALL - 1u], f, key, tilt, above, column.y);
            workspace[j * dispatch.stride + id] = kept;
            tilt += DELETION_EXTEND;
            j++;
        }
    }
}

fn distance(a: u32, b: u32) -> u32 {
    return max(a, b) - min(a, b);
}

// Whether z-drop stops the extension after column j, which brought no better score.
fn drops(job: Job, answer: Answer, score: i32, row: u32, j: u32) -> bool {
    if (score == 0 || job.z_drop == 0) {
        return false;
    }
    let skew = (i32(j) - i32(answer.target_end)) - (i32(row) - i32(answer.query_end));
    let gap = select(INSERTION_EXTEND, DELETION_EXTEND, skew > 0);
    return answer.score - score - abs(skew) * gap > job.z_drop;
}

// Takes the columns in order, now that each one's maximum and last row are known.
fn take_columns(job: Job, id: u32) -> Answer {
    let whole = left_border(job, job.query_len);
    var answer = Answer(job.initial_score, 0u, 0u, select(-1, whole, whole > 0), 0u, 0u);
    for (var j = 1u; j <= job.target_len; j++) {
        let column = workspace[j * dispatch.stride + id];
        let score = i32(column.y >> ROW_BITS);
        let row = column.y & ((1u << ROW_BITS) - 1u);
        // Left of the band the workspace still has a row above.
        let end = select(0, i32(column.x & 0xffffu), j + job.band >= job.query_len);
        if (end > 0 && end > answer.end_score) {
            answer.end_score = end;
            answer.end_target = j;
        }
        if (score > answer.score) {
            answer.score = score;
            answer.query_end = row;
            answer.target_end = j;
            answer.max_offset = max(answer.max_offset, distance(row, j));
        } else if (drops(job, answer, score, row, j) || (score == 0 && upper_border(job, j) == 0)) {
            break;
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
    var padding = (SHORT - rest % SHORT) % SHORT;
    var above = 0u;
    while (above < rest) {
        short_strip(job, id, above, padding);
        above += SHORT - padding;
        padding = 0u;
    }
    while (above < job.query_len) {
        tall_strip(job, id, above);
        above += TALL;
    }
    answers[id] = take_columns(job, id);
}
