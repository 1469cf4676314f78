// Seed extension, one work-group a job: the fast way through few long jobs. The recurrence, tie rules and sources are in
// crates/compute/src/kernels/extend/mod.rs; the host's side of every struct, binding, constant and override below is in
// cooperative.rs beside it, and a test holds the two together.
//
// The matrix is cut into blocks of `height` rows, one an invocation, which keeps them in registers. An invocation is one
// column behind the one above it, so in a step the group takes a skewed front of blocks. What a block leaves to the one
// below (its last row, and the column's maximum so far) goes through work-group memory. The last invocation so sees every
// column's maximum, in order, and decides what hangs on it (best score, z-drop). Nothing depends on a subgroup's width.
//
// The host writes out every loop marked `unroll` first (gpu/unroll.rs), as for extend_strips.wgsl.

override WORKGROUP_SIZE: u32;
override MATCH: i32;
override MISMATCH: i32;
override AMBIGUOUS: i32;
override DELETION_OPEN: i32;
override DELETION_EXTEND: i32;
override INSERTION_OPEN: i32;
override INSERTION_EXTEND: i32;

// The most rows of an invocation.
const ROWS = 16u;
// Steps between two looks at whether the job has stopped.
const STEPS = 32u;
// Bits of a row in a column's key, and of a score in a row's profile.
const ROW_BITS = 11u;
const SCORE_BITS = 8u;

struct Dispatch {
    job_count: u32,
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

// What a block leaves of a column.
struct Edge {
    // H of its last row in the low half, F for the next row in the high half.
    values: u32,
    // The column's maximum so far and its row, as a key.
    key: u32,
}

@group(0) @binding(0) var<uniform> dispatch: Dispatch;
@group(0) @binding(1) var<storage, read> jobs: array<Job>;
// Eight bases a word, lowest bits first.
@group(0) @binding(2) var<storage, read> bases: array<u32>;
@group(0) @binding(3) var<storage, read_write> answers: array<Answer>;

// What each invocation left in even steps and in odd ones, so that one barrier a step is enough.
var<workgroup> even_edges: array<Edge, WORKGROUP_SIZE>;
var<workgroup> odd_edges: array<Edge, WORKGROUP_SIZE>;
var<workgroup> stopped: u32;

fn base_at(word: u32, index: u32) -> u32 {
    return (bases[word + (index >> 3u)] >> ((index & 7u) * 4u)) & 15u;
}

// What scores of a profile are raised by so that they are not negative.
fn bias() -> i32 {
    return max(MISMATCH, AMBIGUOUS);
}

// The scores of a query base against the target bases 0 to 3, lowest bits first. A base of 4 scores the same against all,
// and so its profile serves for a target base of 4 too.
fn profile_of(base: u32) -> u32 {
    let ones = 0x01010101u;
    let equal = u32(bias() + MATCH);
    let unequal = u32(bias() - MISMATCH);
    let known = (unequal * ones) ^ ((equal ^ unequal) << ((base & 3u) * SCORE_BITS));
    return select(known, u32(bias() - AMBIGUOUS) * ones, base >= 4u);
}

fn deletion(e: i32, m: i32) -> i32 {
    return max(max(e - DELETION_EXTEND, 0), m - (DELETION_OPEN + DELETION_EXTEND));
}

fn insertion(f: i32, m: i32) -> i32 {
    return max(max(f - INSERTION_EXTEND, 0), m - (INSERTION_OPEN + INSERTION_EXTEND));
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

// The first column's answer.
fn start(job: Job) -> Answer {
    let whole = left_border(job, job.query_len);
    return Answer(job.initial_score, 0u, 0u, select(-1, whole, whole > 0), 0u, 0u);
}

// Takes column j, given its maximum's key and H of the query's last row.
fn take_column(job: Job, found: Answer, key: u32, end: i32, j: u32) -> Answer {
    var answer = found;
    if (end > 0 && end > answer.end_score) {
        answer.end_score = end;
        answer.end_target = j;
    }
    let score = i32(key >> ROW_BITS);
    let row = key & ((1u << ROW_BITS) - 1u);
    if (score > answer.score) {
        answer.score = score;
        answer.query_end = row;
        answer.target_end = j;
        answer.max_offset = max(answer.max_offset, distance(row, j));
    } else if (drops(job, answer, score, row, j) || (score == 0 && upper_border(job, j) == 0)) {
        stopped = 1u;
    }
    return answer;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    if (group.x >= dispatch.job_count) {
        return;
    }
    let job = jobs[group.x];
    let height = (job.query_len + WORKGROUP_SIZE - 1u) / WORKGROUP_SIZE;
    let last_lane = (job.query_len - 1u) / height;
    // The query's last row in the last block.
    let end_row = job.query_len - 1u - last_lane * height;
    let above = lane * height;
    let unknown = profile_of(4u);

    var h: array<i32, ROWS>;
    var e: array<i32, ROWS>;
    var profile: array<u32, ROWS>;
    for (var row = 0u; row < ROWS; row++) { // unroll
        h[row] = left_border(job, above + row + 1u);
        e[row] = 0;
        profile[row] = profile_of(base_at(job.query_word, min(above + row, job.query_len - 1u)));
    }
    var entry = left_border(job, above);
    var answer = start(job);

    let step_count = job.target_len + last_lane;
    var step = 0u;
    while (step < step_count) {
        let pause = min(step + STEPS, step_count);
        while (step < pause) {
            if (lane <= last_lane && step >= lane && step - lane < job.target_len) {
                let j = step - lane + 1u;
                var edge = Edge(u32(upper_border(job, j)), 0u);
                if (lane > 0u && (step & 1u) == 0u) {
                    edge = odd_edges[lane - 1u];
                } else if (lane > 0u) {
                    edge = even_edges[lane - 1u];
                }
                let base = base_at(job.target_word, j - 1u);
                let shift = (base & 3u) * SCORE_BITS;
                // Rows inside the band and the query, of this block from 0.
                let low = i32(j) - i32(job.band) - i32(above) - 1;
                let span = min(2u * job.band, job.query_len + job.band - j);
                var diagonal = entry;
                var f = i32(edge.values >> 16u);
                var key = 0;
                var last = 0;
                var end = 0;
                for (var row = 0u; row < ROWS; row++) { // unroll
                    if (row < height) {
                        let live = u32(i32(row) - low) <= span;
                        let scores = select(profile[row], unknown, base >= 4u);
                        let score = i32(extractBits(scores, shift, SCORE_BITS)) - bias();
                        let m = select(0, diagonal + score, live && diagonal > 0);
                        let from_left = select(0, e[row], live);
                        let from_above = select(0, f, live);
                        diagonal = h[row];
                        last = max(max(m, from_left), from_above);
                        h[row] = last;
                        key = max(key, (last << ROW_BITS) | i32(row));
                        e[row] = deletion(from_left, m);
                        f = insertion(from_above, m);
                        if (row == end_row) {
                            end = last;
                        }
                    }
                }
                entry = i32(edge.values & 0xffffu);
                // The larger score wins, then the larger row.
                let left = Edge(u32(last) | (u32(f) << 16u), max(edge.key, u32(key) + above + 1u));
                if ((step & 1u) == 0u) {
                    even_edges[lane] = left;
                } else {
                    odd_edges[lane] = left;
                }
                if (lane == last_lane && stopped == 0u) {
                    answer = take_column(job, answer, left.key, end, j);
                }
            }
            workgroupBarrier();
            step++;
        }
        if (workgroupUniformLoad(&stopped) != 0u) {
            break;
        }
    }
    if (lane == last_lane) {
        answers[group.x] = answer;
    }
}
