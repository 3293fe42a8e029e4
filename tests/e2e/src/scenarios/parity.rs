// SPDX-License-Identifier: GPL-2.0

//! The parity table, held against the tests that it names.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What shows a row without being a scenario: cargo tests, and what every scenario does.
const OTHERS: [&str; 3] = ["cargo", "every scenario", "boot"];

/// A row: its id, state, and the test or the reason.
struct Row {
    id: String,
    state: String,
    test: String,
}

fn rows() -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Documentation/parity.rst");
    let text = std::fs::read_to_string(path).expect("the parity table");
    let mut rows = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(id) = line.strip_prefix("   * - ") else {
            continue;
        };
        let is_id = id.len() > 3 && id[2..].starts_with('-') && id.is_char_boundary(3);
        if !is_id || !id[3..].bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        let mut cell = || {
            lines
                .next()
                .unwrap_or_default()
                .trim_start_matches("     - ")
                .to_owned()
        };
        let _feature = cell();
        rows.push(Row {
            id: id.to_owned(),
            state: cell(),
            test: cell(),
        });
    }
    rows
}

/// The names of all scenarios, and of their families: what is before the slash.
fn names() -> BTreeSet<String> {
    let jobs = super::jobs(&Some(PathBuf::new()));
    let mut names = BTreeSet::new();
    for job in jobs {
        if let Some((family, _)) = job.name.split_once('/') {
            names.insert(family.to_owned());
        }
        names.insert(job.name);
    }
    names
}

/// The words of a cell that look like scenarios.
fn words(test: &str) -> impl Iterator<Item = &str> {
    test.split([' ', ',', ';', '(', ')', ':'])
        .filter(|word| !word.is_empty())
}

#[test]
fn states_are_known_and_reasons_given() {
    let rows = rows();
    assert!(rows.len() > 300, "only {} rows are found", rows.len());
    for row in rows {
        let known = ["done", "partial", "not yet", "not wanted"].contains(&&*row.state);
        assert!(known, "{}: state '{}'", row.id, row.state);
        assert!(
            !row.test.is_empty() || row.state == "not yet",
            "{}: no test and no reason",
            row.id
        );
    }
}

#[test]
fn rows_that_are_done_name_tests_that_exist() {
    let names = names();
    for row in rows() {
        for word in words(&row.test) {
            let family = word.split('/').next().unwrap_or_default();
            let looks_like_one = word.contains('/') && names.contains(family);
            assert!(
                !looks_like_one || names.contains(word),
                "{}: no scenario {word}",
                row.id
            );
        }
        let shown = words(&row.test).any(|word| names.contains(word))
            || OTHERS.iter().any(|other| row.test.contains(other));
        assert!(
            row.state != "done" || shown,
            "{}: '{}' names no test",
            row.id,
            row.test
        );
    }
}
