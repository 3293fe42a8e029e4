// SPDX-License-Identifier: GPL-2.0

//! Figures of both drivers: several values of each, one from each guest.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
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

/// The values of both drivers.
#[derive(Clone, Debug, Default)]
pub struct Pair {
    /// Of the C driver.
    pub c: Vec<f64>,
    /// Of ours.
    pub rust: Vec<f64>,
}

/// All figures.
#[derive(Debug, Default)]
pub struct Figures(pub BTreeMap<Key, Pair>);

impl Figures {
    /// Adds a value.
    pub fn add(&mut self, driver: Driver, place: usize, load: &str, what: &str, value: f64) {
        let pair = self.0.entry(Key {
            place,
            load: load.to_owned(),
            what: what.to_owned(),
        });
        let pair = pair.or_default();
        match driver {
            Driver::C => pair.c.push(value),
            Driver::Rust => pair.rust.push(value),
        }
    }

    /// Writes them to a file, a line each.
    pub fn write(&self, path: &Path) -> Result<()> {
        let mut text = String::new();
        for (key, pair) in &self.0 {
            for (driver, values) in [(Driver::C, &pair.c), (Driver::Rust, &pair.rust)] {
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

    /// Reads what [`Self::write`] wrote; nothing if there is no such file.
    pub fn read(path: &Path) -> Result<Self> {
        let mut figures = Self::default();
        for line in fs::read_to_string(path).unwrap_or_default().lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            let [driver, place, load, what, value] = fields[..] else {
                anyhow::bail!("{}: '{line}'", path.display());
            };
            let driver = if driver == "c" {
                Driver::C
            } else {
                Driver::Rust
            };
            figures.add(driver, place.parse()?, load, what, value.parse()?);
        }
        Ok(figures)
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
    /// Ours by that of the C driver, guest by guest: median, least, most.
    pub fn ratio(&self) -> Option<(f64, f64, f64)> {
        let ratios: Vec<f64> = self
            .c
            .iter()
            .zip(&self.rust)
            .filter(|(c, _)| **c != 0.0)
            .map(|(c, rust)| rust / c)
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
    fn ratios_guest_by_guest() {
        let pair = Pair {
            c: vec![2.0, 4.0, 0.0],
            rust: vec![1.0, 4.0, 5.0],
        };
        assert_eq!(pair.ratio(), Some((0.75, 0.5, 1.0)));
    }
}
