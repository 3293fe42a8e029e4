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

    /// Of how many figures it is open who is ahead.
    pub fn open(&self) -> usize {
        let ratios = self.0.values().filter_map(Pair::ratio);
        ratios.filter(|ratio| !ratio.is_decided()).count()
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

/// How sure it has to be that a median lies within an interval.
const CONFIDENCE: f64 = 0.9;
/// How far from 1 a ratio may be to count as 1.
const EQUAL: f64 = 0.03;

/// Our side's by the other's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// Of the pairs.
    pub median: f64,
    /// The least and the most that the median of very many pairs would be.
    pub interval: (f64, f64),
}

impl Ratio {
    /// Whether it is known on which side of 1 it is, or that it is 1.
    pub fn is_decided(&self) -> bool {
        let (least, most) = self.interval;
        least > 1.0 || most < 1.0 || (least > 1.0 - EQUAL && most < 1.0 + EQUAL)
    }
}

impl Pair {
    /// Turn by turn; [`None`] if there is none.
    pub fn ratio(&self) -> Option<Ratio> {
        let pairs = self.base.iter().zip(&self.ours);
        let mut ratios: Vec<f64> = pairs
            .filter(|(base, _)| **base != 0.0)
            .map(|(base, ours)| ours / base)
            .collect();
        ratios.sort_by(f64::total_cmp);
        let median = median(&ratios)?;
        let beyond = beyond(ratios.len());
        Some(Ratio {
            median,
            interval: (ratios[beyond], ratios[ratios.len() - 1 - beyond]),
        })
    }
}

/// How many of `count` sorted values may be left out at either end. Each value is as likely above the
/// median as below it, whatever else is known of how they are spread.
fn beyond(count: usize) -> usize {
    let each = 0.5f64.powi(count as i32);
    let (mut term, mut below, mut beyond) = (each, each, 0);
    while beyond + 1 < count.div_ceil(2) {
        term *= (count - beyond) as f64 / (beyond + 1) as f64;
        below += term;
        if 1.0 - 2.0 * below < CONFIDENCE {
            break;
        }
        beyond += 1;
    }
    beyond
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
        let ratio = pair.ratio().unwrap();
        assert_eq!((ratio.median, ratio.interval), (0.75, (0.5, 1.0)));
        assert!(!ratio.is_decided());
        assert_eq!(Pair::default().ratio(), None);
    }

    #[test]
    fn who_is_ahead() {
        let ratio = |interval| Ratio {
            median: 1.0,
            interval,
        };
        assert!(ratio((0.5, 0.99)).is_decided() && ratio((1.01, 3.0)).is_decided());
        assert!(ratio((0.98, 1.02)).is_decided() && !ratio((0.98, 1.2)).is_decided());
    }

    #[test]
    fn what_lies_beyond() {
        // 1 - 2 * (1 + 8) / 2^8 is 0.93, 1 - 2 * (1 + 7) / 2^7 is 0.875.
        assert_eq!([1, 2, 5, 7, 8, 10].map(beyond), [0, 0, 0, 0, 1, 1]);
        // 1 - 2 * (1 + 11 + 55) / 2^11 is 0.93.
        assert_eq!(beyond(11), 2);
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
