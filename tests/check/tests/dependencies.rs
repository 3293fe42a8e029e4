// SPDX-License-Identifier: GPL-2.0

//! What the crates of the tests depend on: where it comes from, and under which licences. The modules
//! depend on the kernel's crates only.

use std::process::Command;

use source_check::top;

/// The licences that a dependency may have, or offer.
const LICENCES: [&str; 10] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "GPL-2.0",
    "GPL-2.0-or-later",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
];

/// Whether an SPDX expression, or one of crates.io's older ones, with a slash for OR, can be met.
fn is_met(expression: &str) -> bool {
    let all = split(expression, &[" AND "]);
    if all.len() > 1 {
        return all.iter().all(|part| is_met(part));
    }
    let any = split(expression, &[" OR ", " / ", "/"]);
    if any.len() > 1 {
        return any.iter().any(|part| is_met(part));
    }
    let trimmed = expression.trim();
    match trimmed
        .strip_prefix('(')
        .and_then(|it| it.strip_suffix(')'))
    {
        Some(inner) => is_met(inner),
        None => LICENCES.contains(&trimmed),
    }
}

/// The parts of an expression between any of the words, where these are not in parentheses.
fn split<'a>(expression: &'a str, words: &[&str]) -> Vec<&'a str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0);
    for (at, letter) in expression.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        let rest = &expression[at..];
        let Some(word) = words.iter().find(|word| rest.starts_with(**word)) else {
            continue;
        };
        if depth == 0 && at >= start {
            parts.push(&expression[start..at]);
            start = at + word.len();
        }
    }
    parts.push(&expression[start..]);
    parts
}

#[test]
fn licences_are_known() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "--workspace"])
        .args(["--edges", "normal,build,dev", "--prefix", "none"])
        .args(["--format", "{p}|{l}"])
        .current_dir(top().join("tests"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let tree = String::from_utf8(output.stdout).unwrap();
    let mut wrong: Vec<&str> = tree
        .lines()
        .map(|line| line.strip_suffix(" (*)").unwrap_or(line))
        .filter(|line| !line.is_empty())
        .filter(|line| {
            line.rsplit_once('|')
                .is_none_or(|(_, licence)| !is_met(licence))
        })
        .collect();
    wrong.sort_unstable();
    wrong.dedup();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
    assert!(tree.lines().count() > 10, "there are no dependencies");
}

/// A package without a source is one of ours; all others have a checksum.
#[test]
fn everything_is_from_the_registry() {
    let lock = std::fs::read_to_string(top().join("tests/Cargo.lock")).unwrap();
    let wrong: Vec<&str> = lock
        .split("[[package]]")
        .filter(|package| package.contains("\nsource = "))
        .filter(|package| {
            !package
                .contains("\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"")
                || !package.contains("\nchecksum = ")
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn expressions() {
    for met in [
        "MIT",
        "MIT/Apache-2.0",
        "Apache-2.0 / MIT",
        "LGPL-2.1-or-later OR MIT",
        "(MIT OR Apache-2.0) AND Unicode-3.0",
        "Apache-2.0 WITH LLVM-exception OR Proprietary",
    ] {
        assert!(is_met(met), "{met}");
    }
    for unmet in [
        "",
        "Proprietary",
        "MIT AND Proprietary",
        "(MIT OR X) AND (Y OR Z)",
    ] {
        assert!(!is_met(unmet), "{unmet}");
    }
}
