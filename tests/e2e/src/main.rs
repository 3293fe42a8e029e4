// SPDX-License-Identifier: GPL-2.0

//! Runs scenarios: whole guests on the VMBus host, with the stock C drivers and with ours.

mod iso;
mod report;
mod runner;
mod scenarios;
mod side_by_side;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Parser;

use vmbus_e2e::{iperf, kernel, kernel_log, machine, memory};

use kernel::Kernel;
use machine::Driver;
use runner::{Job, Place};

/// Runs scenarios with the stock C drivers and with ours, each in guests of its own.
#[derive(Parser)]
struct Args {
    /// The folder with vmlinuz, guest.cpio, fio.cpio and disk.img.
    #[arg(long, default_value = "images")]
    images: PathBuf,
    /// The folder for the guests' consoles and the records of VMBus messages.
    #[arg(long, default_value = "logs")]
    logs: PathBuf,
    /// Runs only scenarios whose name contains this, or one of several words with commas between.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Runs only with these drivers.
    #[arg(long, value_enum)]
    driver: Option<Driver>,
    /// How many virtual processors may run at once, over all guests.
    #[arg(long, default_value_t = 4)]
    cpus: u32,
    /// A Debian root with qemu-system-x86_64, for the scenario on QEMU's own host.
    #[arg(long, env = "LAB_ROOT")]
    qemu_root: Option<PathBuf>,
    /// Tests that passed elsewhere, to be counted in the closing line.
    #[arg(long, default_value_t = 0)]
    also_passed: usize,
    /// The kernel that guests boot, one of tests/kernel; without it Debian's.
    #[arg(long)]
    kernel: Option<String>,
    /// Lists the scenarios and ends.
    #[arg(long)]
    list: bool,
    /// Lists the kernels that the scenarios need beside Debian's, and ends.
    #[arg(long)]
    kernels: bool,
}

impl Args {
    /// What is to be run.
    fn jobs(&self) -> Vec<Job> {
        let mut jobs = scenarios::jobs(&self.qemu_root);
        jobs.retain(|job| self.driver.is_none_or(|driver| driver == job.driver));
        let only = &self.only;
        jobs.retain(|job| only.is_empty() || only.iter().any(|word| job.title().contains(word)));
        if !self.list {
            jobs.retain(|job| {
                only.contains(&job.name) || !scenarios::ON_REQUEST.contains(&job.name.as_str())
            });
        }
        if self.kernel.is_some() {
            jobs.retain(|job| job.kernel.is_none());
        }
        jobs
    }

    /// The kernels that `jobs` need, each once.
    fn kernels<'a>(&'a self, jobs: &[Job]) -> BTreeSet<&'a str> {
        let mut kernels: BTreeSet<&str> = jobs.iter().filter_map(|job| job.kernel).collect();
        kernels.extend(self.kernel.as_deref());
        kernels
    }
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let mut jobs = args.jobs();
    if args.kernels {
        let kernels = args.kernels(&jobs);
        kernels.iter().for_each(|kernel| println!("{kernel}"));
        return Ok(ExitCode::SUCCESS);
    }
    if args.list {
        jobs.iter().for_each(|job| println!("{}", job.title()));
        return Ok(ExitCode::SUCCESS);
    }
    let kernel = match &args.kernel {
        Some(name) => Kernel::new(&args.images, name)?,
        None => Kernel::default(),
    };
    if !kernel.has_c_drivers(&args.images) {
        jobs.retain(|job| {
            job.driver == Driver::Rust && !scenarios::COMPARISONS.contains(&job.name.as_str())
        });
    }
    anyhow::ensure!(
        !jobs.is_empty(),
        "no scenario of that name; --list shows them all"
    );
    std::fs::create_dir_all(&args.logs)
        .with_context(|| format!("cannot make {}", args.logs.display()))?;
    let place = Place {
        images: &args.images,
        logs: &args.logs,
        kernel,
    };
    let passed = runner::run(jobs, args.cpus, &place, args.also_passed);
    Ok(if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
