// SPDX-License-Identifier: GPL-2.0

//! What the host's own threads do, for the log of a guest that does not answer.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// What the kernel tells of each thread: its name, its state and times, the system call that it is in
/// with its arguments, and where in the kernel it is (as root).
const FILES: [&str; 4] = ["comm", "stat", "syscall", "stack"];

/// Writes a record of all threads to `log`, or does without: there is a failure to be told already.
pub fn record(log: &Path) {
    let _ = fs::write(log, all());
}

fn all() -> String {
    let mut text = String::new();
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten();
    for task in tasks.flatten() {
        for file in FILES {
            // Writing to a string does not fail.
            let _ = write!(text, "{}", one(&task.path(), file));
        }
        text.push('\n');
    }
    text
}

fn one(task: &Path, file: &str) -> String {
    match fs::read_to_string(task.join(file)) {
        Ok(content) => format!("{file}: {content}"),
        Err(error) => format!("{file}: {error}\n"),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn this_thread_is_there() {
        let name = std::thread::current().name().unwrap_or_default().to_owned();
        let comm = format!("comm: {}", &name[..name.len().min(15)]);
        assert!(super::all().contains(&comm));
    }
}
