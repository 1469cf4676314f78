// Seed extension, one invocation a job, a range of columns a pass. The recurrence, tie rules and sources are in
// crates/compute/src/kernels/extend/mod.rs; the host's side of every struct, binding and override
// below is in layout.rs beside it, and a test holds the two together.

override WORKGROUP_SIZE: u32;
override MATCH: i32;
override MISMATCH: i32;
override AMBIGUOUS: i32;
override DELETION_OPEN: i32;
override DELETION_EXTEND: i32;
override INSERTION_OPEN: i32;
override INSERTION_EXTEND: i32;

const STOPPED: u32 = 0x10000u;

struct Dispatch {
    job_count: u32,
    // Slots between two rows of the workspace.
    stride: u32,
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
    max: i32,
    row: u32,
    // H of the query's last row, 0 if it is outside the band.
    end: i32,
}

@group(0) @binding(0) var<uniform> dispatch: Dispatch;
@group(0) @binding(1) var<storage, read> jobs: array<Job>;
// Eight bases a word, lowest bits first.
@group(0) @binding(2) var<storage, read> bases: array<u32>;
// Row i of job k at i * stride + k, so that neighbours touch neighbouring words: H of the last
// column in the low half, E for the next one in the high half. Row 0 has no E; its high half is 1
// once the job has stopped.
@group(0) @binding(3) var<storage, read_write> workspace: array<u32>;
@group(0) @binding(4) var<storage, read_write> answers: array<Answer>;

fn base_at(word: u32, index: u32) -> u32 {
    return (bases[word + (index >> 3u)] >> ((index & 7u) * 4u)) & 15u;
}

fn substitution(a: u32, b: u32) -> i32 {
    let unequal = select(-MISMATCH, MATCH, a == b);
    return select(unequal, -AMBIGUOUS, (a | b) >= 4u);
}

fn fill_first_column(job: Job, id: u32) {
    workspace[id] = u32(job.initial_score);
    for (var i = 1u; i <= job.query_len; i++) {
        let border = max(job.initial_score - INSERTION_OPEN - INSERTION_EXTEND * i32(i), 0);
        workspace[i * dispatch.stride + id] = u32(select(0, border, i <= job.band));
    }
}

fn sweep(job: Job, id: u32, j: u32) -> Column {
    let low = select(1u, j - job.band, j > job.band + 1u);
    let high = min(job.query_len, j + job.band);
    let base = base_at(job.target_word, j - 1u);
    var diagonal = i32(workspace[(low - 1u) * dispatch.stride + id] & 0xffffu);
    var f = 0;
    var column = Column(0, 0u, 0);
    var codes = bases[job.query_word + ((low - 1u) >> 3u)] >> (((low - 1u) & 7u) * 4u);
    for (var i = low; i <= high; i++) {
        let slot = i * dispatch.stride + id;
        let row = workspace[slot];
        var e = i32(row >> 16u);
        let m = select(0, max(diagonal + substitution(codes & 15u, base), 0), diagonal > 0);
        diagonal = i32(row & 0xffffu);
        let h = max(m, max(e, f));
        if (h >= column.max) {
            column.max = h;
            column.row = i;
        }
        e = max(max(e - DELETION_EXTEND, m - DELETION_OPEN - DELETION_EXTEND), 0);
        f = max(max(f - INSERTION_EXTEND, m - INSERTION_OPEN - INSERTION_EXTEND), 0);
        workspace[slot] = u32(h) | (u32(e) << 16u);
        column.end = select(column.end, h, i == job.query_len);
        codes = codes >> 4u;
        if ((i & 7u) == 0u && i < high) {
            codes = bases[job.query_word + (i >> 3u)];
        }
    }
    return column;
}

fn distance(a: u32, b: u32) -> u32 {
    return max(a, b) - min(a, b);
}

// Whether z-drop stops the extension after column j, which brought no better score.
fn drops(job: Job, answer: Answer, column: Column, j: u32) -> bool {
    if (column.max == 0 || job.z_drop == 0) {
        return false;
    }
    let target_step = i32(j) - i32(answer.target_end);
    let skew = target_step - (i32(column.row) - i32(answer.query_end));
    let gap = select(INSERTION_EXTEND, DELETION_EXTEND, skew > 0);
    return answer.score - column.max - abs(skew) * gap > job.z_drop;
}

fn start(job: Job, id: u32) -> Answer {
    fill_first_column(job, id);
    let corner = i32(workspace[job.query_len * dispatch.stride + id]);
    return Answer(job.initial_score, 0u, 0u, select(-1, corner, corner > 0), 0u, 0u);
}

fn take_columns(job: Job, id: u32, found: Answer) -> Answer {
    var answer = found;
    for (var j = dispatch.first_column; j <= min(job.target_len, dispatch.last_column); j++) {
        let column = sweep(job, id, j);
        let gap = max(job.initial_score - DELETION_OPEN - DELETION_EXTEND * i32(j), 0);
        let border = select(0, gap, j <= job.band);
        workspace[id] = u32(border);
        if (column.end > 0 && column.end > answer.end_score) {
            answer.end_score = column.end;
            answer.end_target = j;
        }
        if (column.max > answer.score) {
            answer.score = column.max;
            answer.query_end = column.row;
            answer.target_end = j;
            answer.max_offset = max(answer.max_offset, distance(column.row, j));
        } else if (drops(job, answer, column, j) || (column.max == 0 && border == 0)) {
            workspace[id] = STOPPED;
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
    if (dispatch.first_column == 1u) {
        answers[id] = take_columns(job, id, start(job, id));
    } else if (workspace[id] < STOPPED) {
        answers[id] = take_columns(job, id, answers[id]);
    }
}
