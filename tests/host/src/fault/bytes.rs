// SPDX-License-Identifier: GPL-2.0

//! Ways to spoil bytes, whatever they mean.

use super::random::Random;

/// The longest that a change makes something.
pub const MAX_LEN: usize = 6000;

/// Values at which checks tend to be wrong. The length of what is changed joins them.
const BOUNDARIES: [u64; 20] = [
    0,
    1,
    2,
    7,
    8,
    16,
    0x3f,
    0x40,
    0x7f,
    0xff,
    0x100,
    0xfff,
    0x1000,
    0x7fff,
    0xffff,
    0x1_0000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_fff8,
    u64::MAX,
];

/// Changes `bytes` in one to three ways; `other` is something else of the same kind to borrow from.
pub fn spoil(random: &mut Random, bytes: &mut Vec<u8>, other: &[u8]) {
    for _ in 0..=random.below(8).saturating_sub(5) {
        once(random, bytes, other);
    }
}

fn once(random: &mut Random, bytes: &mut Vec<u8>, other: &[u8]) {
    match random.below(20) {
        0..=3 => flip(random, bytes),
        4..=10 => boundary(random, bytes),
        11 | 12 => nudge(random, bytes),
        13 | 14 => bytes.truncate(random.below(bytes.len())),
        15 => lengthen(random, bytes),
        16 => fill(random, bytes),
        17 => exchange(random, bytes),
        18 => borrow(random, bytes, other),
        _ => bytes
            .iter_mut()
            .for_each(|byte| *byte = random.number() as u8),
    }
}

fn flip(random: &mut Random, bytes: &mut [u8]) {
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 1 << random.below(8);
        }
    }
}

/// A place for a number of 1, 2, 4 or 8 bytes, aligned as numbers are; mostly 4 near the beginning,
/// where the headers are.
fn place<'a>(random: &mut Random, bytes: &'a mut [u8]) -> Option<&'a mut [u8]> {
    let width = [1, 2, 2, 4, 4, 4, 4, 8][random.below(8)];
    let near = if random.one_in(4) { bytes.len() } else { 96 };
    let at = random.below(bytes.len().min(near)) / width * width;
    bytes.get_mut(at..at + width)
}

fn boundary(random: &mut Random, bytes: &mut [u8]) {
    let len = bytes.len() as u64;
    let value = match random.below(BOUNDARIES.len() + 4) {
        0 => len,
        1 => len.wrapping_sub(1),
        2 => len + 1,
        3 => random.number(),
        index => BOUNDARIES[index - 4].wrapping_sub(random.below(3) as u64),
    };
    if let Some(place) = place(random, bytes) {
        place.copy_from_slice(&value.to_le_bytes()[..place.len()]);
    }
}

/// Makes a number a little larger or smaller.
fn nudge(random: &mut Random, bytes: &mut [u8]) {
    let by = random.below(17) as u64;
    if let Some(place) = place(random, bytes) {
        let mut value = [0; 8];
        value[..place.len()].copy_from_slice(place);
        let value = u64::from_le_bytes(value).wrapping_add(by).wrapping_sub(8);
        place.copy_from_slice(&value.to_le_bytes()[..place.len()]);
    }
}

fn lengthen(random: &mut Random, bytes: &mut Vec<u8>) {
    let most = if random.one_in(8) { MAX_LEN } else { 64 };
    let more = 1 + random.below(most);
    let fill = [0, 0xff, random.number() as u8][random.below(3)];
    bytes.resize((bytes.len() + more).min(MAX_LEN), fill);
}

fn fill(random: &mut Random, bytes: &mut [u8]) {
    let from = random.below(bytes.len());
    let to = from + random.below(bytes.len() - from + 1);
    let with = [0, 0xff, random.number() as u8][random.below(3)];
    bytes[from..to].fill(with);
}

/// Exchanges two aligned words.
fn exchange(random: &mut Random, bytes: &mut [u8]) {
    let words = bytes.len() / 4;
    let (first, second) = (random.below(words) * 4, random.below(words) * 4);
    if words > 0 {
        (0..4).for_each(|at| bytes.swap(first + at, second + at));
    }
}

/// Takes a part over from `other`.
fn borrow(random: &mut Random, bytes: &mut [u8], other: &[u8]) {
    let both = bytes.len().min(other.len());
    let from = random.below(both);
    let to = from + random.below(both - from + 1);
    bytes[from..to].copy_from_slice(&other[from..to]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_can_be_spoilt() {
        let mut random = Random::new(3);
        for len in (0..40).chain([4000, MAX_LEN]) {
            for _ in 0..400 {
                let mut bytes = vec![0x55; len];
                spoil(&mut random, &mut bytes, &[1, 2, 3, 4, 5, 6, 7, 8, 9]);
                assert!(bytes.len() <= MAX_LEN);
            }
        }
    }

    #[test]
    fn most_changes_change_something() {
        let mut random = Random::new(4);
        let whole: Vec<u8> = (0..64).collect();
        let changed = (0..1000).filter(|_| {
            let mut bytes = whole.clone();
            spoil(&mut random, &mut bytes, &[0; 64]);
            bytes != whole
        });
        assert!(changed.count() > 900);
    }
}
