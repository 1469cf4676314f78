// Gathers windows of the resident reference into a batch's bases, eight 4-bit codes a word. The contract is in
// crates/compute/src/kernels/windows/mod.rs.
//
// A work-group takes a window, an invocation a word of it, so that neighbours write neighbouring words.

override WORKGROUP_SIZE: u32;

// The part of the reference that is bound. It has all bases of the windows that start in first..first + count.
struct Piece {
    first: u32,
    count: u32,
}

struct Window {
    // Position of the first base in the reference.
    start: u32,
    // Bases, and bit 16 for a reversed window.
    shape: u32,
    // The word of `bases` that takes its first eight codes.
    word: u32,
}

@group(0) @binding(0) var<uniform> piece: Piece;
@group(0) @binding(1) var<storage, read> windows: array<Window>;
// Of every 64 bases the low bits of their codes in two words, then the high bits.
@group(0) @binding(2) var<storage, read> planes: array<u32>;
@group(0) @binding(3) var<storage, read_write> bases: array<u32>;

// Bits of a plane (0 low, 1 high) of the eight bases from `at`.
fn eight_bits(at: u32, plane: u32) -> u32 {
    let half = at >> 5u;
    let shift = at & 31u;
    var bits = planes[(half >> 1u) * 4u + plane * 2u + (half & 1u)] >> shift;
    if shift > 24u {
        let next = half + 1u;
        bits |= planes[(next >> 1u) * 4u + plane * 2u + (next & 1u)] << (32u - shift);
    }
    return bits;
}

// Moves bit k of a byte to bit 4 k.
fn spread(byte: u32) -> u32 {
    let fours = (byte | (byte << 12u)) & 0x000f000fu;
    let pairs = (fours | (fours << 6u)) & 0x03030303u;
    return (pairs | (pairs << 3u)) & 0x11111111u;
}

// The first `count` bits, 1 to 8, the last one first if they are reversed.
fn ordered(bits: u32, count: u32, is_reversed: bool) -> u32 {
    let kept = bits & ((1u << count) - 1u);
    return select(kept, reverseBits(kept) >> (32u - count), is_reversed);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    for (var k = group.x; k < arrayLength(&windows); k += groups.x) {
        let window = windows[k];
        // Wraps around for a window of an earlier piece, and is then too large as well.
        let start = window.start - piece.first;
        if start >= piece.count {
            continue;
        }
        let length = window.shape & 0xffffu;
        let is_reversed = (window.shape >> 16u) != 0u;
        for (var word = local; 8u * word < length; word += WORKGROUP_SIZE) {
            let done = 8u * word;
            let count = min(8u, length - done);
            let at = start + select(done, length - done - count, is_reversed);
            let low = ordered(eight_bits(at, 0u), count, is_reversed);
            let high = ordered(eight_bits(at, 1u), count, is_reversed);
            bases[window.word + word] = spread(low) | (spread(high) << 1u);
        }
    }
}
