// SPDX-License-Identifier: GPL-2.0

//! The C drivers and ours in the same scenario, one after the other, and what tells them apart.

use std::fmt::Write as _;

use anyhow::{Result, bail, ensure};

use crate::machine::{Driver, Lab};

/// Names and values of what an operation costs.
pub type Costs = Vec<(&'static str, f64)>;

/// With both drivers, `show` must return the same lines, in whatever order.
pub fn same_lines(lab: &Lab, show: impl Fn(&Lab) -> Result<String>) -> Result<()> {
    let (c, rust) = with_both(lab, show)?;
    let only = |a: &str, b: &str| -> Vec<String> {
        let have: Vec<&str> = b.lines().collect();
        let lines = a.lines().filter(|line| !have.contains(line));
        lines.map(str::to_owned).collect()
    };
    let (missing, extra) = (only(&c, &rust), only(&rust, &c));
    if !missing.is_empty() || !extra.is_empty() {
        bail!(
            "missing or different:\n-{}\n+{}",
            missing.join("\n-"),
            extra.join("\n+")
        );
    }
    Ok(())
}

/// With our drivers, no cost of a load may be above that with the C drivers times `tolerance`.
/// `measure` returns the costs of each of `loads`. The table is also written to a file of this name
/// among the logs.
pub fn not_dearer(
    lab: &Lab,
    file: &str,
    loads: &[&str],
    tolerance: f64,
    measure: impl Fn(&Lab) -> Result<Vec<Costs>>,
) -> Result<()> {
    let (c, rust) = with_both(lab, measure)?;
    let mut table = String::new();
    let mut worse = Vec::new();
    writeln!(
        table,
        "{:<28}{:<18}{:>10}{:>10}{:>8}",
        "per operation", "", "C", "Rust", "ratio"
    )?;
    for (load, (c, rust)) in loads.iter().zip(c.iter().zip(&rust)) {
        for ((what, c), (_, rust)) in c.iter().zip(rust) {
            let ratio = if *c == 0.0 { 1.0 + rust } else { rust / c };
            writeln!(
                table,
                "{load:<28}{what:<18}{c:>10.3}{rust:>10.3}{ratio:>8.2}"
            )?;
            if ratio > tolerance && rust - c > 0.02 {
                worse.push(format!("{load}: {what} {rust:.3} against {c:.3}"));
            }
        }
    }
    std::fs::write(lab.logs.join(file), &table)?;
    print!("{table}");
    ensure!(
        worse.is_empty(),
        "ours cost more than the C drivers: {}",
        worse.join("; ")
    );
    Ok(())
}

fn with_both<T>(lab: &Lab, run: impl Fn(&Lab) -> Result<T>) -> Result<(T, T)> {
    let c = run(&lab.with_driver(Driver::C))?;
    let rust = run(&lab.with_driver(Driver::Rust))?;
    Ok((c, rust))
}
