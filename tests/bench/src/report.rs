// SPDX-License-Identifier: GPL-2.0

//! What was measured, for people and for programs.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::figures::{Figures, Pair, median};
use crate::picture;

/// The files of figures, and what their tables are about.
const FILES: [(&str, &str); 2] = [
    ("counts.txt", "What an operation costs"),
    ("times.txt", "How fast it is"),
];

/// Prints the tables, and writes `bench.json`, `bench.svg` and `tables.txt`.
pub fn report(folder: &Path) -> Result<()> {
    let (mut tables, mut json) = (String::new(), Vec::new());
    for (file, title) in FILES {
        let figures = Figures::read(&folder.join(file))?;
        if figures.0.is_empty() {
            continue;
        }
        writeln!(tables, "{title}\n")?;
        tables += &table(&figures)?;
        json.extend(entries(&figures));
    }
    print!("{tables}");
    fs::write(folder.join("tables.txt"), &tables)?;
    fs::write(
        folder.join("bench.json"),
        format!("[\n{}\n]\n", json.join(",\n")),
    )?;
    let counts = Figures::read(&folder.join(FILES[0].0))?;
    fs::write(folder.join("bench.svg"), picture::instructions(&counts))?;
    Ok(())
}

/// A table of all figures, with the spread of the ratio where there is more than one guest.
fn table(figures: &Figures) -> Result<String> {
    let mut text = String::new();
    let mut last = "";
    for (key, pair) in &figures.0 {
        if key.load != last {
            writeln!(
                text,
                "{:<37}{:>12}{:>12}{:>8}",
                key.load, "C", "Rust", "ratio"
            )?;
            last = &key.load;
        }
        let show =
            |values: &[f64]| median(values).map_or("-".to_owned(), |value| format!("{value:.1}"));
        write!(
            text,
            "  {:<35}{:>12}{:>12}",
            key.what,
            show(&pair.c),
            show(&pair.rust)
        )?;
        writeln!(text, "{}", ratio(pair))?;
    }
    writeln!(text)?;
    Ok(text)
}

fn ratio(pair: &Pair) -> String {
    match pair.ratio() {
        Some((median, least, most)) if pair.c.len() > 1 => {
            format!("{median:>8.2}  ({least:.2} to {most:.2})")
        }
        Some((median, ..)) => format!("{median:>8.2}"),
        None => String::new(),
    }
}

/// An object of each figure. No text in it has a character that JSON wants to be escaped.
fn entries(figures: &Figures) -> impl Iterator<Item = String> {
    figures.0.iter().map(|(key, pair)| {
        format!(
            "  {{\"load\": \"{}\", \"what\": \"{}\", \"c\": {:?}, \"rust\": {:?}}}",
            key.load, key.what, pair.c, pair.rust
        )
    })
}
