// SPDX-License-Identifier: GPL-2.0

//! What the compiler does not see: that nothing uses an item which is public, or a shim in C.
//!
//! It goes by names: one that occurs but once is that of something dead.

use std::collections::HashMap;
use std::path::Path;

use source_check::{Source, modules, sources};

fn is_c(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "c")
}

/// What public items begin with.
const KEYWORDS: [&str; 9] = [
    "const fn ",
    "unsafe fn ",
    "fn ",
    "const ",
    "static ",
    "struct ",
    "enum ",
    "trait ",
    "type ",
];

/// How often each word is in the code of the modules, Rust and C.
fn words() -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for source in modules().into_iter().chain(shims()) {
        for (_, line) in source.code() {
            for word in split(line) {
                *counts.entry(word.to_owned()).or_default() += 1;
            }
        }
    }
    counts
}

/// The sources in C.
fn shims() -> Vec<Source> {
    let of = |folder: &&str| sources(folder, is_c);
    source_check::MODULES.iter().flat_map(of).collect()
}

fn split(line: &str) -> impl Iterator<Item = &str> {
    line.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .filter(|word| !word.is_empty())
}

/// The name of the public item that a line declares.
fn public(line: &str) -> Option<&str> {
    let rest = line.trim().strip_prefix("pub ")?;
    let keyword = KEYWORDS
        .iter()
        .find(|keyword| rest.starts_with(**keyword))?;
    split(&rest[keyword.len()..]).next()
}

#[test]
fn public_items_are_used() {
    let words = words();
    let mut wrong = Vec::new();
    for source in modules() {
        for (line, code) in source.code() {
            // The numbers of a protocol are all there, whether we need them or not.
            let is_number =
                source.path.contains("/wire/") && code.contains("const ") && !code.contains(" fn ");
            let name = public(code).filter(|name| words[*name] < 2 && !is_number);
            if let Some(name) = name {
                wrong.push(format!("{}:{line}: nothing uses {name}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn shims_are_used() {
    let words = words();
    let (mut wrong, mut all) = (Vec::new(), 0);
    for source in shims() {
        for (line, code) in source.code() {
            let is_definition = !code.starts_with(char::is_whitespace)
                && !code.starts_with("MODULE_")
                && code.contains('(');
            let name = split(code).find(|word| word.starts_with("hv_rust_"));
            let Some(name) = name.filter(|_| is_definition) else {
                continue;
            };
            all += 1;
            if words[name] < 2 {
                wrong.push(format!("{}:{line}: nothing uses {name}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
    assert!(all > 10, "where are the shims?");
}
