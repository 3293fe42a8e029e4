// SPDX-License-Identifier: GPL-2.0

//! Rules that the sources keep and that no compiler looks after: see the tests.

use std::fs;
use std::path::{Path, PathBuf};

/// The folders of the modules.
pub const MODULES: [&str; 4] = ["vmbus", "storvsc", "netvsc", "hv_util"];

/// What a file of a module may contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Neither the kernel nor anything unsafe: compiled into the module and into cargo tests.
    Pure,
    /// An abstraction over C: unsafe code and the bindings.
    Unsafe,
    /// All the rest: the kernel crate and our abstractions, nothing unsafe.
    Safe,
}

/// The pure files: whole folders, or single files.
const PURE: [&str; 10] = [
    "vmbus/guid.rs",
    "vmbus/wire/",
    "vmbus/ring/index.rs",
    "vmbus/ring/layout.rs",
    "vmbus/ring/reader.rs",
    "vmbus/ring/requests.rs",
    "vmbus/ring/writer.rs",
    "storvsc/wire/",
    "netvsc/wire/",
    "hv_util/wire/",
];

/// A source file.
pub struct Source {
    /// Its path in the repository.
    pub path: String,
    /// What is in it.
    pub text: String,
}

impl Source {
    /// What the file may contain. Which files may be unsafe is said where their module is declared.
    pub fn kind(&self, opted_in: &[String]) -> Kind {
        if PURE.iter().any(|pure| self.path.starts_with(pure)) {
            return Kind::Pure;
        }
        let is_unsafe = opted_in.iter().any(|module| {
            self.path == format!("{module}.rs") || self.path.starts_with(&format!("{module}/"))
        });
        if is_unsafe { Kind::Unsafe } else { Kind::Safe }
    }

    /// The lines that are code, with their numbers: without comments and documentation.
    pub fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate();
        lines.filter_map(|(index, line)| {
            let code = line.split("//").next().unwrap_or_default();
            (!code.trim().is_empty()).then_some((index + 1, code))
        })
    }
}

/// The top of the repository.
pub fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// All files below `folder` that `wanted` says yes to.
pub fn sources(folder: &str, wanted: impl Fn(&Path) -> bool + Copy) -> Vec<Source> {
    let mut found = Vec::new();
    visit(&top().join(folder), wanted, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn visit(folder: &Path, wanted: impl Fn(&Path) -> bool + Copy, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).expect("a folder of the repository") {
        let path = entry.expect("a file of the repository").path();
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != "target") {
                visit(&path, wanted, found);
            }
        } else if wanted(&path) {
            let text = fs::read_to_string(&path).expect("sources are text");
            let path = path.strip_prefix(top()).expect("within the repository");
            let path = path.to_string_lossy().into_owned();
            found.push(Source { path, text });
        }
    }
}

/// Whether a file is Rust.
pub fn is_rust(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "rs")
}

/// The sources of all modules.
pub fn modules() -> Vec<Source> {
    MODULES
        .iter()
        .flat_map(|module| sources(module, is_rust))
        .collect()
}

/// The modules, as paths without `.rs`, whose declarations lift the ban on unsafe code.
pub fn opted_in(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        let path = Path::new(&source.path);
        let folder = path.parent().expect("within a folder");
        let stem = path.file_stem().expect("a file").to_string_lossy();
        // The root of a crate and mod.rs declare their neighbours, others what is in their folder.
        let is_root = MODULES.iter().any(|module| *module == stem) || stem == "mod";
        let beside = if is_root {
            folder.to_owned()
        } else {
            folder.join(&*stem)
        };
        let mut lifted = false;
        for (_, line) in source.code() {
            lifted |= line.contains("unsafe_code") && !line.contains("deny");
            let declared = line.trim().trim_end_matches(';');
            if let Some((_, name)) = declared.split_once("mod ")
                && line.trim().ends_with(';')
            {
                if lifted {
                    found.push(beside.join(name).to_string_lossy().into_owned());
                }
                lifted = false;
            }
        }
    }
    found
}
