// SPDX-License-Identifier: GPL-2.0

//! What must not stand in a guest's kernel log, whatever else the guest did.

/// Reports of the kernel's own checks, each the start of a line's text (after its time stamp).
const REPORTS: [&str; 19] = [
    "WARNING:",
    "BUG:",
    "kernel BUG at",
    "Oops",
    "general protection fault",
    "Unable to handle kernel",
    "Kernel panic",
    "INFO: task ",
    "INFO: rcu",
    "INFO: trying to register non-static key",
    "INFO: possible",
    "rcu: INFO:",
    "watchdog: BUG",
    "KASAN:",
    "KCSAN:",
    "UBSAN:",
    "ODEBUG:",
    "DEBUG_LOCKS_WARN_ON",
    "unregister_netdevice: waiting",
];

/// The first line of `log` that reports a fault of the kernel.
pub fn fault(log: &str) -> Option<&str> {
    log.lines().find(|line| {
        let text = message(line);
        REPORTS.iter().any(|report| text.starts_with(report))
            || text.contains("possible recursive locking")
            || text.contains("kmemleak:") && text.contains("new suspected memory leaks")
    })
}

/// A line of `dmesg` or of the console without its time stamp and log level.
fn message(line: &str) -> &str {
    let mut text = line.trim_start();
    for (open, close) in [('<', '>'), ('[', ']')] {
        if let Some(rest) = text.strip_prefix(open) {
            text = rest
                .split_once(close)
                .map_or(text, |(_, rest)| rest)
                .trim_start();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_reports() {
        for line in [
            "[    1.5] WARNING: CPU: 0 PID: 1 at drivers/hv/x.c:3",
            "<4>[   12.000001] BUG: scheduling while atomic",
            "BUG: kernel NULL pointer dereference",
            "[ 1.0] Oops: 0002 [#1] SMP",
            "[ 1.0] watchdog: BUG: soft lockup",
            "[ 1.0] INFO: possible circular locking dependency detected",
            "[ 1.0] kmemleak: 2 new suspected memory leaks (see /sys/kernel/debug/kmemleak)",
        ] {
            assert_eq!(fault(line), Some(line));
        }
    }

    #[test]
    fn leaves_the_rest_alone() {
        assert_eq!(
            fault("[ 1.0] hv_vmbus: Vmbus version:6.0\nDEBUG: x\n[ 2.0] sd 0:0:0:0: no BUG: here"),
            None
        );
    }
}
