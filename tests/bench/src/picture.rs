// SPDX-License-Identifier: GPL-2.0

//! A picture of the instructions that operations cost.

use std::fmt::Write as _;

use vmbus_e2e::machine::Driver;

use crate::figures::{Figures, median};

const WIDTH: f64 = 900.0;
/// Where the bars begin.
const LEFT: f64 = 270.0;
/// How long the longest bar is.
const LONGEST: f64 = 480.0;
const BAR: f64 = 13.0;
const ROW: f64 = 44.0;
const TOP: f64 = 64.0;

/// The parts of a bar, and their shades for the C drivers and for ours.
const PARTS: [(&str, &str, &str); 3] = [
    ("instructions: driver", "#5b6770", "#b7410e"),
    ("instructions: bus", "#8d99a3", "#d97a4a"),
    ("instructions: kernel's for Rust", "#c3cad0", "#eebfa4"),
];

/// For each load a bar of the C drivers' and one of ours, as long as their relation says, with the sum.
pub fn instructions(figures: &Figures) -> String {
    let mut loads: Vec<(usize, &str)> = figures
        .0
        .keys()
        .filter(|key| key.what == "instructions")
        .map(|key| (key.place, key.load.as_str()))
        .collect();
    loads.dedup();
    let height = TOP + ROW * loads.len() as f64 + 10.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"16\" y=\"24\" font-size=\"17\">Instructions of driver and bus for one operation</text>\n\
         <text x=\"16\" y=\"46\"><tspan fill=\"#5b6770\">C</tspan> and <tspan fill=\"#b7410e\">Rust</tspan>; \
         dark to light: driver, bus, the kernel's functions for Rust</text>\n"
    );
    for (row, (place, load)) in loads.iter().enumerate() {
        let y = TOP + ROW * row as f64;
        let value = |driver: Driver, what: &str| {
            let found = figures
                .0
                .iter()
                .find(|(key, _)| key.place == *place && key.what == what);
            found
                .and_then(|(_, pair)| {
                    median(if driver == Driver::C {
                        &pair.base
                    } else {
                        &pair.ours
                    })
                })
                .unwrap_or(0.0)
        };
        let sums = Driver::ALL.map(|driver| value(driver, "instructions"));
        let scale = LONGEST / sums[0].max(sums[1]).max(1.0);
        let _ = writeln!(svg, "<text x=\"16\" y=\"{}\">{load}</text>", y + 18.0);
        for (index, driver) in Driver::ALL.into_iter().enumerate() {
            let bar = y + (BAR + 2.0) * index as f64;
            let mut x = LEFT;
            for (what, c, rust) in PARTS {
                let width = value(driver, what) * scale;
                let color = if driver == Driver::C { c } else { rust };
                let _ = writeln!(
                    svg,
                    "<rect x=\"{x:.1}\" y=\"{bar}\" width=\"{width:.1}\" height=\"{BAR}\" fill=\"{color}\"/>"
                );
                x += width;
            }
            let ratio = match driver {
                Driver::C => String::new(),
                Driver::Rust => format!(" ({:.2})", sums[1] / sums[0]),
            };
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{}\" font-size=\"12\">{:.0}{ratio}</text>",
                x + 6.0,
                bar + 11.0,
                sums[index]
            );
        }
    }
    svg + "</svg>\n"
}
