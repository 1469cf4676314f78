// Global alignment with its CIGAR, one invocation a job, a range of columns a pass. The recurrence, tie rules and sources are in
// crates/compute/src/kernels/global/mod.rs; the host's side of every struct, binding and override
// below is in layout.rs beside it, and a test holds the two together.

override WORKGROUP_SIZE: u32;
override MATCH: i32;
override MISMATCH: i32;
override AMBIGUOUS: i32;
override DELETION_OPEN: i32;
override DELETION_EXTEND: i32;
override INSERTION_OPEN: i32;
override INSERTION_EXTEND: i32;

const NEVER: i32 = -0x20000000;

// Directions of a cell, four bits: where H comes from, and whether the gaps leaving it are extended
// (else opened from M).
const FROM_M: u32 = 0u;
const FROM_E: u32 = 1u;
const FROM_F: u32 = 2u;
const FROM: u32 = 3u;
const EXTEND_E: u32 = 4u;
const EXTEND_F: u32 = 8u;

const MATCH_OP: u32 = 0u;
const INSERTION_OP: u32 = 1u;
const DELETION_OP: u32 = 2u;

struct Dispatch {
    job_count: u32,
    // Slots between two rows, words or runs of one job.
    stride: u32,
    // Words of directions in a column.
    direction_words: u32,
    cigar_capacity: u32,
    // The columns of this pass, from 1, both included.
    first_column: u32,
    last_column: u32,
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

struct Row {
    h: i32,
    e: i32,
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
// Row i of job k at i * stride + k: H of the last column, E for the next one.
@group(0) @binding(3) var<storage, read_write> workspace: array<Row>;
// Eight rows a word, counted from the first row of the column's band.
@group(0) @binding(4) var<storage, read_write> directions: array<u32>;
@group(0) @binding(5) var<storage, read_write> answers: array<Answer>;
// Run r of job k at r * stride + k, last run of the CIGAR first.
@group(0) @binding(6) var<storage, read_write> cigars: array<u32>;

fn base_at(word: u32, index: u32) -> u32 {
    return (bases[word + (index >> 3u)] >> ((index & 7u) * 4u)) & 15u;
}

fn substitution(a: u32, b: u32) -> i32 {
    let unequal = select(-MISMATCH, MATCH, a == b);
    return select(unequal, -AMBIGUOUS, (a | b) >= 4u);
}

// The first row of column j.
fn low_row(job: Job, j: u32) -> u32 {
    return select(1u, j - job.band, j > job.band + 1u);
}

fn direction_slot(job: Job, id: u32, i: u32, j: u32) -> u32 {
    let word = (j - 1u) * dispatch.direction_words + ((i - low_row(job, j)) >> 3u);
    return word * dispatch.stride + id;
}

fn direction_at(job: Job, id: u32, i: u32, j: u32) -> u32 {
    let shift = ((i - low_row(job, j)) & 7u) * 4u;
    return (directions[direction_slot(job, id, i, j)] >> shift) & 15u;
}

fn fill_first_column(job: Job, id: u32) {
    workspace[id] = Row(0, NEVER);
    for (var i = 1u; i <= job.query_len; i++) {
        let gap = -INSERTION_OPEN - INSERTION_EXTEND * i32(i);
        workspace[i * dispatch.stride + id] = Row(select(NEVER, gap, i <= job.band), NEVER);
    }
}

fn sweep(job: Job, id: u32, j: u32) {
    let low = low_row(job, j);
    let high = min(job.query_len, j + job.band);
    let base = base_at(job.target_word, j - 1u);
    var diagonal = workspace[(low - 1u) * dispatch.stride + id].h;
    var f = NEVER;
    var word = 0u;
    for (var i = low; i <= high; i++) {
        let slot = i * dispatch.stride + id;
        var row = workspace[slot];
        let m = diagonal + substitution(base_at(job.query_word, i - 1u), base);
        diagonal = row.h;
        var direction = select(FROM_M, FROM_E, row.e > m);
        var h = max(m, row.e);
        direction = select(direction, FROM_F, f > h);
        h = max(h, f);
        let delete_opened = m - DELETION_OPEN - DELETION_EXTEND;
        let delete_extended = row.e - DELETION_EXTEND;
        direction |= select(0u, EXTEND_E, delete_extended > delete_opened);
        let insert_opened = m - INSERTION_OPEN - INSERTION_EXTEND;
        let insert_extended = f - INSERTION_EXTEND;
        direction |= select(0u, EXTEND_F, insert_extended > insert_opened);
        f = max(insert_extended, insert_opened);
        workspace[slot] = Row(h, max(delete_extended, delete_opened));
        let nibble = (i - low) & 7u;
        word |= direction << (nibble * 4u);
        if (nibble == 7u || i == high) {
            directions[direction_slot(job, id, i, j)] = word;
            word = 0u;
        }
    }
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
fn trace(job: Job, id: u32) -> u32 {
    var i = job.query_len;
    var j = job.target_len;
    var runs = Runs(0u, 0u);
    // What the current cell was entered through; FROM = ask the cell.
    var state = FROM;
    while (i > 0u && j > 0u) {
        if (state == FROM) {
            state = direction_at(job, id, i, j) & FROM;
        }
        if (state == FROM_E) {
            runs = append(runs, id, DELETION_OP, 1u);
            j -= 1u;
            if (j > 0u) {
                state = select(FROM_M, FROM_E, (direction_at(job, id, i, j) & EXTEND_E) != 0u);
            }
        } else if (state == FROM_F) {
            runs = append(runs, id, INSERTION_OP, 1u);
            i -= 1u;
            if (i > 0u) {
                state = select(FROM_M, FROM_F, (direction_at(job, id, i, j) & EXTEND_F) != 0u);
            }
        } else {
            runs = append(runs, id, MATCH_OP, 1u);
            i -= 1u;
            j -= 1u;
            state = FROM;
        }
    }
    runs = append(runs, id, INSERTION_OP, i);
    runs = append(runs, id, DELETION_OP, j);
    return close(runs, id).count;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = invocation.x;
    if (id >= dispatch.job_count) {
        return;
    }
    let job = jobs[id];
    if (dispatch.first_column == 1u) {
        fill_first_column(job, id);
    }
    for (var j = dispatch.first_column; j <= min(job.target_len, dispatch.last_column); j++) {
        sweep(job, id, j);
        let gap = -DELETION_OPEN - DELETION_EXTEND * i32(j);
        workspace[id] = Row(select(NEVER, gap, j <= job.band), NEVER);
    }
    // The pass that takes a job's last column reads its path back.
    if (dispatch.first_column <= job.target_len && job.target_len <= dispatch.last_column) {
        let score = workspace[job.query_len * dispatch.stride + id].h;
        answers[id] = Answer(score, trace(job, id));
    }
}
