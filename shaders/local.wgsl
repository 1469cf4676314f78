// Local alignment, one invocation a job, a range of columns a pass. The recurrence, tie rules and sources are in
// crates/compute/src/kernels/local/mod.rs; the host's side of every struct, binding and override
// below is in layout.rs beside it, and a test holds the two together.

override WORKGROUP_SIZE: u32;
override MATCH: i32;
override MISMATCH: i32;
override AMBIGUOUS: i32;
override DELETION_OPEN: i32;
override DELETION_EXTEND: i32;
override INSERTION_OPEN: i32;
override INSERTION_EXTEND: i32;

const STOPPED: u32 = 1u;

struct Dispatch {
    job_count: u32,
    // Slots between two rows or columns of one job.
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
    // Stop at the first cell with this score; 0 = answer with a second score too.
    goal: i32,
}

struct Answer {
    score: i32,
    query_end: u32,
    target_end: u32,
    second_score: i32,
    second_target_end: u32,
}

struct Column {
    max: i32,
    // The first row that has it.
    row: u32,
}

@group(0) @binding(0) var<uniform> dispatch: Dispatch;
@group(0) @binding(1) var<storage, read> jobs: array<Job>;
// Eight bases a word, lowest bits first.
@group(0) @binding(2) var<storage, read> bases: array<u32>;
// Row i of job k at i * stride + k, so that neighbours touch neighbouring words: H of the last
// column in the low half, E for the next one in the high half. Row 0 is 1 once the job has stopped.
@group(0) @binding(3) var<storage, read_write> workspace: array<u32>;
// The maximum of column j of job k at j * stride + k.
@group(0) @binding(4) var<storage, read_write> maxima: array<i32>;
@group(0) @binding(5) var<storage, read_write> answers: array<Answer>;

fn base_at(word: u32, index: u32) -> u32 {
    return (bases[word + (index >> 3u)] >> ((index & 7u) * 4u)) & 15u;
}

fn substitution(a: u32, b: u32) -> i32 {
    let unequal = select(-MISMATCH, MATCH, a == b);
    return select(unequal, -AMBIGUOUS, (a | b) >= 4u);
}

fn sweep(job: Job, id: u32, j: u32) -> Column {
    let base = base_at(job.target_word, j - 1u);
    var diagonal = 0;
    var f = 0;
    var column = Column(0, 0u);
    var codes = 0u;
    for (var i = 1u; i <= job.query_len; i++) {
        if ((i & 7u) == 1u) {
            codes = bases[job.query_word + (i >> 3u)];
        }
        let slot = i * dispatch.stride + id;
        let row = workspace[slot];
        var e = i32(row >> 16u);
        let m = max(diagonal + substitution(codes & 15u, base), 0);
        codes = codes >> 4u;
        diagonal = i32(row & 0xffffu);
        let h = max(m, max(e, f));
        if (h > column.max) {
            column.max = h;
            column.row = i;
        }
        e = max(max(e - DELETION_EXTEND, m - DELETION_OPEN - DELETION_EXTEND), 0);
        f = max(max(f - INSERTION_EXTEND, m - INSERTION_OPEN - INSERTION_EXTEND), 0);
        workspace[slot] = u32(h) | (u32(e) << 16u);
    }
    return column;
}

fn take_columns(job: Job, id: u32, found: Answer) -> Answer {
    var answer = found;
    for (var j = dispatch.first_column; j <= min(job.target_len, dispatch.last_column); j++) {
        let column = sweep(job, id, j);
        maxima[j * dispatch.stride + id] = column.max;
        if (column.max > answer.score) {
            answer.score = column.max;
            answer.query_end = column.row;
            answer.target_end = j;
        }
        if (job.goal > 0 && column.max >= job.goal) {
            workspace[id] = STOPPED;
            break;
        }
    }
    return answer;
}

// The best column maximum away from the end, once all of them are known.
fn take_second(job: Job, id: u32, found: Answer) -> Answer {
    var answer = found;
    let exclusion = u32((answer.score + MATCH - 1) / MATCH);
    for (var j = 1u; j <= job.target_len; j++) {
        let distance = max(j, answer.target_end) - min(j, answer.target_end);
        let c = maxima[j * dispatch.stride + id];
        if (distance > exclusion && c > answer.second_score) {
            answer.second_score = c;
            answer.second_target_end = j;
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
    var answer = Answer(0, 0u, 0u, 0, 0u);
    if (dispatch.first_column == 1u) {
        for (var i = 0u; i <= job.query_len; i++) {
            workspace[i * dispatch.stride + id] = 0u;
        }
    } else {
        answer = answers[id];
    }
    if (workspace[id] == STOPPED || dispatch.first_column > job.target_len) {
        return;
    }
    answer = take_columns(job, id, answer);
    // The pass that takes a job's last column looks for its second score.
    if (job.goal == 0 && job.target_len <= dispatch.last_column) {
        answer = take_second(job, id, answer);
    }
    answers[id] = answer;
}
