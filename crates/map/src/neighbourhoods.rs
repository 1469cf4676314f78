//! Which stretches of a read are found near each other, told before candidates are made of them.
//!
//! A deep look at a read in a repeat names thousands of diagonals, most of them by one seed. Where a good place is known already,
//! a rival needs several stretches near each other. One pass over the seeds' diagonals notes what each neighbourhood has, a second
//! drops those in neighbourhoods that have too little, without sorting them.

use crate::lookup::Key;

/// Neighbourhoods told apart, a power of two; a list of seeds is shorter than a fourth of it.
const CELLS: usize = 1 << 14;
/// Diagonals below which candidates are as quickly made.
const CROWD: usize = 128;
/// Stretches told apart: bits of a cell.
const MAX_STRETCHES: u32 = u8::BITS;

/// Stretches found in each neighbourhood, one bit each. Neighbourhoods share cells; that keeps more than is needed, never less.
#[derive(Debug, Default)]
pub struct Neighbourhoods {
    cells: Vec<u8>,
}

impl Neighbourhoods {
    /// Drops places that have, within `band` of any place within `band` of them, fewer than `least` of a read's `stretches`. What remains has
    /// all its neighbours. Short lists and reads with many stretches are left as they are.
    pub fn keep_supported(&mut self, keys: &mut Vec<Key>, (least, stretches): (u32, u32), band: u16) {
        if least < 2 || stretches > MAX_STRETCHES || keys.len() < CROWD {
            return;
        }
        self.cells.clear();
        self.cells.resize(CELLS, 0);
        let shift = u64::from(band).next_power_of_two().trailing_zeros();
        let cell = |place: u64| (place >> shift) as usize;
        for key in &*keys {
            if let Some(stretch) = key.stretch() {
                self.cells[cell(key.place()) % CELLS] |= 1 << stretch;
            }
        }
        keys.retain(|key| {
            let middle = cell(key.place()) + CELLS;
            let near = (middle - 2..=middle + 2).fold(0, |bits, i| bits | self.cells[i % CELLS]);
            near.count_ones() >= least
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(diagonal: u64, stretch: Option<u32>) -> Key {
        let key = Key::new(false, diagonal);
        stretch.map_or(key, |stretch| key.with_stretch(stretch))
    }

    #[test]
    fn places_with_too_few_stretches_near_them_are_dropped_with_none_of_the_others_neighbours() {
        let crowd = (0..400).map(|i| key(1_000_000 + i * 5_000, Some(i as u32 % 3)));
        let chain = [key(500, Some(0)), key(590, Some(1)), key(680, Some(2)), key(770, None)];
        let mut places: Vec<_> = crowd.chain(chain).collect();
        Neighbourhoods::default().keep_supported(&mut places, (3, 3), 100);
        assert!(chain[..3].iter().all(|key| places.contains(key)), "the second has all three near it");
        assert!(places.len() < 100, "{}", places.len());
    }

    #[test]
    fn short_lists_and_reads_that_need_no_support_stay_as_they_are() {
        let kept = |count: u64, least, stretches| {
            let mut places: Vec<_> = (0..count).map(|i| key(i * 5_000, Some(0))).collect();
            Neighbourhoods::default().keep_supported(&mut places, (least, stretches), 100);
            places.len() as u64
        };
        assert_eq!([kept(100, 2, 3), kept(400, 1, 3), kept(400, 2, 9), kept(400, 2, 3)], [100, 400, 400, 0]);
    }
}
