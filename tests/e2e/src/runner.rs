// SPDX-License-Identifier: GPL-2.0

//! Runs jobs side by side, as long as there are virtual processors for their guests.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Instant;

use anyhow::{Result, anyhow};

use crate::kernel::Kernel;
use crate::machine::{Driver, Lab};
use crate::report::Report;

/// What a scenario does in its lab.
pub type Run = Arc<dyn Fn(&Lab) -> Result<()> + Send + Sync>;

/// A scenario with the drivers that it is to run with.
#[derive(Clone)]
pub struct Job {
    /// The scenario's name.
    pub name: String,
    /// The drivers.
    pub driver: Driver,
    /// The most virtual processors that it runs at once.
    pub cpus: u32,
    /// The kernel that it is about, where it is about one.
    pub kernel: Option<&'static str>,
    /// What it does.
    pub run: Run,
}

impl Job {
    /// How the job is listed.
    pub fn title(&self) -> String {
        format!("{} [{}]", self.name, self.driver)
    }
}

/// Where the jobs' guests get what they need.
pub struct Place<'a> {
    /// The folder with kernels, RAM disks and disk images.
    pub images: &'a Path,
    /// The folder for logs.
    pub logs: &'a Path,
    /// What the guests boot, of jobs that are about no kernel.
    pub kernel: Kernel,
}

/// Runs all jobs on at most `cpus` virtual processors; whether all passed.
pub fn run(jobs: Vec<Job>, cpus: u32, place: &Place<'_>, also_passed: usize) -> bool {
    let free = Mutex::new(cpus);
    let freed = Condvar::new();
    let report = Mutex::new(Report::with_passed(also_passed, jobs.len()));
    thread::scope(|scope| {
        for job in jobs {
            let need = job.cpus.min(cpus);
            let mut left = freed
                .wait_while(free.lock().unwrap(), |free| *free < need)
                .unwrap();
            *left -= need;
            drop(left);
            let (free, freed, report) = (&free, &freed, &report);
            scope.spawn(move || {
                let start = Instant::now();
                let result = run_one(&job, place);
                report
                    .lock()
                    .unwrap()
                    .finish(&job.title(), start.elapsed(), &result);
                *free.lock().unwrap() += need;
                freed.notify_one();
            });
        }
    });
    report.into_inner().unwrap().close()
}

fn run_one(job: &Job, place: &Place<'_>) -> Result<()> {
    let kernel = match job.kernel {
        Some(name) => Kernel::new(place.images, name)?,
        None => place.kernel.clone(),
    };
    let lab = Lab {
        images: place.images.to_owned(),
        logs: place.logs.to_owned(),
        kernel,
        name: job.name.clone(),
        driver: job.driver,
    };
    catch_unwind(AssertUnwindSafe(|| (job.run)(&lab)))
        .unwrap_or_else(|_| Err(anyhow!("the scenario panicked")))
}
