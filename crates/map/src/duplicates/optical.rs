//! Optical duplicates: copies that the sequencer made of one cluster, told by their distance on the flow cell.
//!
//! By Picard's rules: pairs in one set of copies belong together if they are of one read group and on one tile, not farther apart than a distance in x
//! and in y, and have the first read on the same strand; so do those that a chain of such pairs connects. All but one of them
//! are optical duplicates. Which one stays changes no count.

/// Larger sets are not searched, as in Picard.
const MAX_SET: usize = 300_000;

/// Where on the flow cell a cluster was, in the order by which Picard compares places. Numbers are cut to 16 bits, as there.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Spot {
    /// -1 if unknown.
    pub(super) tile: i16,
    pub(super) x: i16,
    pub(super) y: i16,
}

/// Where a cluster was, with the strand of its first read.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Location {
    pub(super) first_is_reverse: bool,
    /// Number of the read group.
    pub(super) read_group: u16,
    pub(super) spot: Spot,
}

impl Spot {
    pub(super) const UNKNOWN: Self = Self { tile: -1, x: -1, y: -1 };

    /// From a read name: the last three of five or seven fields between colons are tile, x and y, as Illumina writes them.
    pub(super) fn of_name(name: &[u8]) -> Self {
        let mut fields = name.rsplit(|&byte| byte == b':');
        let last = [fields.next(), fields.next(), fields.next()].map(|field| field.and_then(leading_number));
        match last {
            [Some(y), Some(x), Some(tile)] if matches!(fields.count(), 2 | 4) => Self { tile, x, y },
            _ => Self::UNKNOWN,
        }
    }

    pub(super) fn is_known(self) -> bool {
        self.tile != -1
    }

    fn is_near(self, other: Self, distance: u32) -> bool {
        let apart = |a: i16, b: i16| u32::from(a.abs_diff(b));
        apart(self.x, other.x) <= distance && apart(self.y, other.y) <= distance
    }
}

/// The number that a field starts with, modulo 2^16; what follows it is passed over.
fn leading_number(field: &[u8]) -> Option<i16> {
    let (negative, digits) = field.strip_prefix(b"-").map_or((false, field), |rest| (true, rest));
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
    let number = digits.fold(None, |number: Option<i32>, digit| {
        Some(number.unwrap_or(0).wrapping_mul(10).wrapping_add(i32::from(digit - b'0')))
    })?;
    Some((if negative { number.wrapping_neg() } else { number }) as i16)
}

/// Optical duplicates in a set of copies.
pub(super) fn count(set: &mut [Location], distance: u32) -> u64 {
    set.sort_unstable();
    let strands = set.chunk_by(|a, b| a.first_is_reverse == b.first_is_reverse);
    let searched = strands.filter(|strand| strand.len() <= MAX_SET);
    let one_tile = |a: &Location, b: &Location| (a.read_group, a.spot.tile) == (b.read_group, b.spot.tile);
    let tiles = searched.flat_map(|strand| strand.chunk_by(one_tile));
    tiles.filter(|tile| tile[0].spot.is_known()).map(|tile| connected(tile, distance)).sum()
}

/// How many locations of a tile, sorted by x, can be dropped so that each group of connected ones keeps one.
fn connected(tile: &[Location], distance: u32) -> u64 {
    let mut parents: Vec<usize> = (0..tile.len()).collect();
    let mut joined = 0;
    for (i, Location { spot: own, .. }) in tile.iter().enumerate() {
        for (j, Location { spot: other, .. }) in tile.iter().enumerate().skip(i + 1) {
            if u32::from(own.x.abs_diff(other.x)) > distance {
                break;
            }
            if own.is_near(*other, distance) {
                let [a, b] = [i, j].map(|member| root(&mut parents, member));
                parents[b] = a;
                joined += u64::from(a != b);
            }
        }
    }
    joined
}

fn root(parents: &mut [usize], mut member: usize) -> usize {
    while parents[member] != member {
        parents[member] = parents[parents[member]];
        member = parents[member];
    }
    member
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(tile: i16, x: i16, y: i16) -> Location {
        Location { first_is_reverse: false, read_group: 0, spot: Spot { tile, x, y } }
    }

    fn named(name: &str) -> Option<(i16, i16, i16)> {
        let spot = Spot::of_name(name.as_bytes());
        spot.is_known().then_some((spot.tile, spot.x, spot.y))
    }

    #[test]
    fn names_of_five_or_seven_fields_have_a_location() {
        assert_eq!(named("m:1:c:1:1101:20:30"), Some((1101, 20, 30)));
        assert_eq!(named("m:1:1101:-20:30#ACGT"), Some((1101, -20, 30)));
        assert_eq!(named("m:1:1101:65537:30"), Some((1101, 1, 30)));
        for name in ["", "r1", "1:2:3", "1:2:3:4", "1:2:3:4:5:6", "a:b:c:4:5", "a:b:3:4:", "a:b:1:2:3:4:5:6"] {
            assert_eq!(named(name), None, "{name}");
        }
    }

    #[test]
    fn chains_on_a_tile_keep_one() {
        let chain = [at(1, 300, 0), at(1, 0, 0), at(1, 200, 0), at(1, 100, 100)];
        assert_eq!(count(&mut chain.clone(), 100), 3);
        assert_eq!(count(&mut chain.clone(), 99), 0);
        assert_eq!(count(&mut [at(1, 0, 0), at(2, 0, 0)], 100), 0);
        assert_eq!(count(&mut [at(1, 0, 0), at(1, 0, 101), at(1, 0, -1)], 100), 1);
        assert_eq!(count(&mut [at(-1, -1, -1); 3], 100), 0);
        let other_lane = Location { read_group: 1, ..at(1, 0, 0) };
        assert_eq!(count(&mut [at(1, 0, 0), other_lane, at(1, 5, 5), other_lane], 100), 2);
        let other_strand = Location { first_is_reverse: true, ..at(1, 0, 0) };
        assert_eq!(count(&mut [at(1, 0, 0), other_strand, at(1, 5, 5), other_strand], 100), 2);
        assert_eq!(count(&mut [], 100), 0);
    }
}
