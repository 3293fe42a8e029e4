// SPDX-License-Identifier: GPL-2.0

//! The rules.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use source_check::{Kind, Source, is_rust, modules, opted_in, sources, top};

/// The longest file, in lines.
const LONGEST: usize = 400;

/// Fails with all that is wrong, not just the first.
fn judge(wrong: Vec<String>) {
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

fn all_rust() -> Vec<Source> {
    let mut all = modules();
    all.extend(sources("tests", is_rust));
    all
}

#[test]
fn files_say_their_licence_and_what_they_are() {
    let mut wrong = Vec::new();
    for source in all_rust() {
        let mut lines = source.text.lines();
        if lines.next() != Some("// SPDX-License-Identifier: GPL-2.0") {
            wrong.push(format!("{}: no SPDX line", source.path));
        }
        if !lines.any(|line| line.starts_with("//! ")) {
            wrong.push(format!("{}: does not say what it is", source.path));
        }
    }
    judge(wrong);
}

#[test]
fn files_are_short() {
    let lengths = all_rust().into_iter().map(|source| {
        let length = source.text.lines().count();
        (source.path, length)
    });
    let long = lengths.filter(|(_, length)| *length > LONGEST);
    judge(
        long.map(|(path, length)| format!("{path}: {length} lines"))
            .collect(),
    );
}

#[test]
fn files_contain_what_their_kind_may() {
    let sources = modules();
    let opted_in = opted_in(&sources);
    let mut wrong = Vec::new();
    for source in &sources {
        let banned: &[&str] = match source.kind(&opted_in) {
            Kind::Pure => &["unsafe ", "bindings", "kernel::", "vmbus::"],
            Kind::Safe => &["unsafe {", "unsafe impl", "unsafe fn", "bindings::"],
            Kind::Unsafe => &[],
        };
        for (line, code) in source.code() {
            for word in banned.iter().filter(|word| code.contains(**word)) {
                wrong.push(format!(
                    "{}:{line}: {word} in a file that may not have it",
                    source.path
                ));
            }
        }
    }
    judge(wrong);
}

#[test]
fn general_abstractions_know_nothing_of_hyper_v() {
    let mut wrong = Vec::new();
    for folder in ["storvsc/scsi", "netvsc/net"] {
        if !top().join(folder).is_dir() {
            continue;
        }
        for source in sources(folder, is_rust) {
            for (line, code) in source.code() {
                // The bindings are reached through the bus's crate, and so are atomic variables;
                // tests are configured for all drivers at once.
                let code = [
                    "hv_rust_",
                    "vmbus::bindings",
                    "vmbus::sync::atomic",
                    "config_hyperv_rust_kunit_test",
                ]
                .iter()
                .fold(code.to_lowercase(), |code, known| code.replace(known, ""));
                for word in ["hyperv", "hyper-v", "vmbus", "nvsp", "rndis", "vstor"] {
                    if code.contains(word) {
                        wrong.push(format!("{}:{line}: {word}", source.path));
                    }
                }
            }
        }
    }
    judge(wrong);
}

/// The inventory of unsafe code that people read. `BLESS=1` writes it anew.
#[test]
fn the_inventory_of_unsafe_code_is_right() {
    let mut table = BTreeMap::<String, [usize; 3]>::new();
    for source in modules() {
        let count = |word: &str| {
            source
                .code()
                .filter(|(_, code)| code.contains(word))
                .count()
        };
        let counts = [
            count("unsafe {"),
            count("unsafe impl"),
            count("unsafe fn") + count("unsafe extern"),
        ];
        if counts != [0; 3] {
            table.insert(source.path.clone(), counts);
        }
    }
    let mut text = String::from(
        ".. SPDX-License-Identifier: GPL-2.0\n\n===========\nUnsafe code\n===========\n\n\
         Where it is, by file, as a test counts it. Each block has a comment that names the fact by which it is sound; all other\n\
         files of the modules have none, which the compiler enforces.\n\n\
         .. list-table::\n   :header-rows: 1\n\n   * - File\n     - Blocks\n     - Implementations\n     - Functions\n",
    );
    let mut sums = [0; 3];
    for (path, counts) in &table {
        row(&mut text, &format!("``{path}``"), counts);
        sums.iter_mut()
            .zip(counts)
            .for_each(|(sum, count)| *sum += count);
    }
    row(&mut text, "All", &sums);
    let file = top().join("Documentation/unsafe.rst");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&file, &text).expect("the inventory can be written");
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == text,
        "Documentation/unsafe.rst is out of date: run 'BLESS=1 cargo test -p source-check' in tests/ and read the difference"
    );
}

fn row(text: &mut String, name: &str, counts: &[usize; 3]) {
    let _ = writeln!(text, "   * - {name}");
    for count in counts {
        let _ = writeln!(text, "     - {count}");
    }
}
