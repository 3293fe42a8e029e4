// SPDX-License-Identifier: GPL-2.0

//! Numbers that look random and are the same for the same seed (SplitMix64).

/// A source of numbers.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The source of `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A source for stream number `stream` of `seed`, unlike those of the other streams.
    pub fn stream(seed: u64, stream: u64) -> Self {
        let mut source = Self(seed ^ stream.wrapping_mul(0xd6e8_feb8_6659_fd93));
        Self(source.number())
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`; 0 where that is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        match limit as u64 {
            0 => 0,
            limit => (self.number() % limit) as usize,
        }
    }

    /// True once in `count` times on the average; never where that is 0.
    pub fn one_in(&mut self, count: u32) -> bool {
        count > 0 && self.below(count as usize) == 0
    }

    /// One of `items`, unless there is none.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_same_numbers() {
        let numbers =
            |mut source: Random| -> Vec<u64> { (0..5).map(|_| source.number()).collect() };
        assert_eq!(numbers(Random::new(7)), numbers(Random::new(7)));
        assert_ne!(numbers(Random::stream(7, 0)), numbers(Random::stream(7, 1)));
        assert_ne!(numbers(Random::stream(7, 0)), numbers(Random::stream(8, 0)));
    }

    #[test]
    fn limits() {
        let mut random = Random::new(1);
        assert_eq!(random.below(0), 0);
        assert!((0..1000).all(|_| random.below(7) < 7));
        assert!(!random.one_in(0) && random.one_in(1));
        assert_eq!(random.pick::<u8>(&[]), None);
        assert_eq!(random.pick(&[5]), Some(&5));
    }
}
