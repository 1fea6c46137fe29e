//! A small deterministic generator (splitmix64), so that every run sees the same cases.

use hallpass_vocabulary::Timestamp;

use crate::fixtures::at;

pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    pub fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.roll(from.len() as u64) as usize]
    }

    /// Each with a chance of `in_ten`, and at least one.
    pub fn some<'a>(&mut self, from: &[&'a str], in_ten: u64) -> Vec<&'a str> {
        let mut some: Vec<_> = from
            .iter()
            .copied()
            .filter(|_| self.roll(10) < in_ten)
            .collect();
        if some.is_empty() {
            some.push(self.pick(from));
        }
        some
    }

    pub fn seconds(&mut self, from: i64, to: i64) -> Timestamp {
        at(from + self.roll((to - from) as u64 + 1) as i64)
    }
}
