// SPDX-License-Identifier: GPL-2.0

//! What was measured, for people and for programs.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use crate::figures::{Figures, Pair, median};
use crate::picture;

const DRIVERS: [&str; 2] = ["C", "Rust"];
const COUNTS: &str = "counts.txt";

/// The files of figures, what their tables are about, and whose figures they are.
const FILES: [(&str, &str, [&str; 2]); 3] = [
    (COUNTS, "What an operation costs", DRIVERS),
    ("times.txt", "How fast it is", DRIVERS),
    ("ring.txt", "What a ring costs", ["memcpy", "ring"]),
];

/// Prints the tables, and writes `bench.json`, `bench.svg` and `tables.txt`.
pub fn report(folder: &Path) -> Result<()> {
    let (mut tables, mut json) = (String::new(), Vec::new());
    for (file, title, sides) in FILES {
        let figures = Figures::read(&folder.join(file), sides)?;
        if figures.0.is_empty() {
            continue;
        }
        writeln!(tables, "{title}\n")?;
        tables += &table(&figures, sides)?;
        json.extend(entries(&figures, sides));
    }
    print!("{tables}");
    fs::write(folder.join("tables.txt"), &tables)?;
    fs::write(
        folder.join("bench.json"),
        serde_json::to_string_pretty(&json)?,
    )?;
    let counts = Figures::read(&folder.join(COUNTS), DRIVERS)?;
    fs::write(folder.join("bench.svg"), picture::instructions(&counts))?;
    Ok(())
}

/// A table of all figures. Where there is more than one of each, the ratio of very many would be in the
/// interval behind it.
fn table(figures: &Figures, [base, ours]: [&str; 2]) -> Result<String> {
    let mut text = String::new();
    let mut last = "";
    for (key, pair) in &figures.0 {
        if key.load != last {
            writeln!(
                text,
                "{:<37}{:>12}{:>12}{:>8}",
                key.load, base, ours, "ratio"
            )?;
            last = &key.load;
        }
        let show =
            |values: &[f64]| median(values).map_or("-".to_owned(), |value| format!("{value:.1}"));
        write!(
            text,
            "  {:<35}{:>12}{:>12}",
            key.what,
            show(&pair.base),
            show(&pair.ours)
        )?;
        writeln!(text, "{}", ratio(pair))?;
    }
    writeln!(text)?;
    Ok(text)
}

fn ratio(pair: &Pair) -> String {
    match pair.ratio() {
        Some(ratio) if pair.base.len() > 1 => {
            let (least, most) = ratio.interval;
            format!("{:>8.2}  ({least:.2} to {most:.2})", ratio.median)
        }
        Some(ratio) => format!("{:>8.2}", ratio.median),
        None => String::new(),
    }
}

/// An object of each figure.
fn entries(figures: &Figures, sides: [&str; 2]) -> impl Iterator<Item = Value> {
    let [base, ours] = sides.map(str::to_lowercase);
    figures.0.iter().map(move |(key, pair)| {
        json!({ "load": key.load, "what": key.what, (&base): pair.base, (&ours): pair.ours })
    })
}
