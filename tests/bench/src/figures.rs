// SPDX-License-Identifier: GPL-2.0

//! Figures of two sides: several values of each, taken in turn. The sides are the C drivers and ours, or
//! what a report says they are.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use vmbus_e2e::machine::Driver;

/// What was measured of a load.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The load's place in the order of the loads.
    pub place: usize,
    /// The load.
    pub load: String,
    /// What of it.
    pub what: String,
}

/// The values of both sides.
#[derive(Clone, Debug, Default)]
pub struct Pair {
    /// Of what we compare ourselves with.
    pub base: Vec<f64>,
    /// Of ours.
    pub ours: Vec<f64>,
}

/// All figures.
#[derive(Debug, Default)]
pub struct Figures(pub BTreeMap<Key, Pair>);

impl Figures {
    /// Adds a value.
    pub fn add(&mut self, driver: Driver, place: usize, load: &str, what: &str, value: f64) {
        let pair = self.pair(place, load, what);
        match driver {
            Driver::C => pair.base.push(value),
            Driver::Rust => pair.ours.push(value),
        }
    }

    fn pair(&mut self, place: usize, load: &str, what: &str) -> &mut Pair {
        let key = Key {
            place,
            load: load.to_owned(),
            what: what.to_owned(),
        };
        self.0.entry(key).or_default()
    }

    /// Writes them to a file, a line each.
    pub fn write(&self, path: &Path) -> Result<()> {
        let mut text = String::new();
        for (key, pair) in &self.0 {
            for (driver, values) in [(Driver::C, &pair.base), (Driver::Rust, &pair.ours)] {
                for value in values {
                    writeln!(
                        text,
                        "{driver}\t{}\t{}\t{}\t{value}",
                        key.place, key.load, key.what
                    )?;
                }
            }
        }
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Reads what [`Self::write`] wrote, or what has other sides; nothing if there is no such file.
    pub fn read(path: &Path, sides: [&str; 2]) -> Result<Self> {
        let mut figures = Self::default();
        for line in fs::read_to_string(path).unwrap_or_default().lines() {
            figures
                .read_line(line, sides)
                .with_context(|| format!("{}: '{line}'", path.display()))?;
        }
        Ok(figures)
    }

    fn read_line(&mut self, line: &str, [base, ours]: [&str; 2]) -> Result<()> {
        let fields: Vec<&str> = line.split('\t').collect();
        let [side, place, load, what, value] = fields[..] else {
            bail!("not five fields");
        };
        let value = value.parse()?;
        let pair = self.pair(place.parse()?, load, what);
        if side.eq_ignore_ascii_case(base) {
            pair.base.push(value);
        } else if side.eq_ignore_ascii_case(ours) {
            pair.ours.push(value);
        } else {
            bail!("neither of {base} nor of {ours}");
        }
        Ok(())
    }
}

/// The value in the middle; [`None`] if there is none.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        len if len % 2 == 1 => Some(sorted[middle]),
        _ => Some((sorted[middle - 1] + sorted[middle]) / 2.0),
    }
}

impl Pair {
    /// Ours by the other, turn by turn: median, least, most.
    pub fn ratio(&self) -> Option<(f64, f64, f64)> {
        let ratios: Vec<f64> = self
            .base
            .iter()
            .zip(&self.ours)
            .filter(|(base, _)| **base != 0.0)
            .map(|(base, ours)| ours / base)
            .collect();
        let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
        let most = ratios.iter().copied().fold(0.0, f64::max);
        median(&ratios).map(|median| (median, least, most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }

    #[test]
    fn ratios_turn_by_turn() {
        let pair = Pair {
            base: vec![2.0, 4.0, 0.0],
            ours: vec![1.0, 4.0, 5.0],
        };
        assert_eq!(pair.ratio(), Some((0.75, 0.5, 1.0)));
    }

    #[test]
    fn lines_of_either_side() {
        let mut figures = Figures::default();
        let mut read = |line| figures.read_line(line, ["C", "Rust"]);
        read("c\t3\tload\twhat\t1.5").unwrap();
        read("rust\t3\tload\twhat\t2").unwrap();
        for bad in [
            "ring\t3\tload\twhat\t2",
            "c\t3\tload\twhat",
            "c\tx\tload\twhat\t2",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        let pairs: Vec<&Pair> = figures.0.values().collect();
        let [pair] = pairs[..] else {
            panic!("{figures:?}");
        };
        assert_eq!((&pair.base[..], &pair.ours[..]), (&[1.5][..], &[2.0][..]));
    }
}
