// SPDX-License-Identifier: GPL-2.0

//! Results, as they come and at the end.

use std::io::Write as _;
use std::time::Duration;

/// Counts results and prints a line for each.
#[derive(Debug, Default)]
pub struct Report {
    passed: usize,
    failed: Vec<(String, String)>,
    done: usize,
    jobs: usize,
}

impl Report {
    /// A report on `jobs` scenarios that starts with `passed` tests that were run elsewhere.
    pub fn with_passed(passed: usize, jobs: usize) -> Self {
        Self {
            passed,
            jobs,
            ..Self::default()
        }
    }

    /// Enters a result.
    pub fn finish(&mut self, title: &str, took: Duration, result: &anyhow::Result<()>) {
        self.done += 1;
        let verdict = if result.is_ok() { "ok" } else { "FAILED" };
        let (done, jobs, took) = (self.done, self.jobs, took.as_secs_f32());
        println!("[{done:>2}/{jobs}] {title:<40} {verdict:<6} {took:6.1} s");
        match result {
            Ok(()) => self.passed += 1,
            Err(error) => {
                let reason = format!("{error:#}").replace('\n', "\n        ");
                println!("        {reason}");
                self.failed.push((title.to_owned(), reason));
            }
        }
        let _ = std::io::stdout().flush();
    }

    /// Prints once more what failed, and the closing line; whether everything passed.
    pub fn close(&self) -> bool {
        for (title, reason) in &self.failed {
            println!("failed: {title}\n        {reason}");
        }
        println!("{} passed, {} failed", self.passed, self.failed.len());
        self.failed.is_empty()
    }
}
