// SPDX-License-Identifier: GPL-2.0

//! Runs scenarios: whole guests on the VMBus host, with the stock C drivers and with ours.

mod iso;
mod report;
mod runner;
mod scenarios;
mod side_by_side;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Parser;

use vmbus_e2e::{kernel_log, machine};

use machine::Driver;

/// Runs scenarios with the stock C drivers and with ours, each in guests of its own.
#[derive(Parser)]
struct Args {
    /// The folder with vmlinuz, guest.cpio, fio.cpio and disk.img.
    #[arg(long, default_value = "images")]
    images: PathBuf,
    /// The folder for the guests' consoles and the records of VMBus messages.
    #[arg(long, default_value = "logs")]
    logs: PathBuf,
    /// Runs only scenarios whose name contains this.
    #[arg(long)]
    only: Option<String>,
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
    /// Lists the scenarios and ends.
    #[arg(long)]
    list: bool,
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let mut jobs = scenarios::jobs(&args.qemu_root);
    jobs.retain(|job| args.driver.is_none_or(|driver| driver == job.driver));
    jobs.retain(|job| {
        args.only
            .as_ref()
            .is_none_or(|word| job.title().contains(word))
    });
    if !args.list {
        let asked_for = args.only.as_deref();
        jobs.retain(|job| {
            let name = job.name.as_str();
            asked_for == Some(name) || !scenarios::ON_REQUEST.contains(&name)
        });
    }
    if args.list {
        jobs.iter().for_each(|job| println!("{}", job.title()));
        return Ok(ExitCode::SUCCESS);
    }
    anyhow::ensure!(
        !jobs.is_empty(),
        "no scenario of that name; --list shows them all"
    );
    std::fs::create_dir_all(&args.logs)
        .with_context(|| format!("cannot make {}", args.logs.display()))?;
    let passed = runner::run(jobs, args.cpus, &args.images, &args.logs, args.also_passed);
    Ok(if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
