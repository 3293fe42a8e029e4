// SPDX-License-Identifier: GPL-2.0

//! What there is to be known of a guest that does not answer: what the host's own threads do, and what
//! each of the guest's tasks waits for.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use vmbus_host::vmm::Vm;

use crate::machine::tail;

/// Has a guest's kernel tell of its tasks and processors on the console, and stop, when it gets a
/// non-maskable interrupt that nothing explains.
pub const CMDLINE: &str = "unknown_nmi_panic panic_sys_info=tasks,all_bt";

/// How long the console may be silent before the tale is taken to be over, and how often that is looked at:
/// the guest need not end. The kernel stops the other processors first and tells of the tasks; then it
/// takes the lock of each processor's run queue, which one that was stopped there holds for good.
const SILENCE: Duration = Duration::from_secs(20);
const LOOKS: usize = 6;

/// What the kernel tells of each thread: its name, its state and times, the system call that it is in
/// with its arguments, and where in the kernel it is (as root).
const FILES: [&str; 4] = ["comm", "stat", "syscall", "stack"];

/// Writes a record of the host's threads to `threads` and has the guest write one of its tasks on the
/// console, after which it is of no use; or does without: there is a failure to be told already. Returns
/// what the console ended with before.
pub fn record(vm: &Vm, threads: &Path) -> String {
    let end = tail(vm);
    let _ = fs::write(threads, all());
    let _ = vm.send_nmi();
    await_tale(vm);
    format!("the console ends with:\n{end}")
}

fn await_tale(vm: &Vm) {
    let mut told = 0;
    for _ in 0..LOOKS {
        let ended = vm.wait_timeout(SILENCE).is_some();
        let now = vm.console().text().len();
        if ended || now == told {
            return;
        }
        told = now;
    }
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
