// SPDX-License-Identifier: GPL-2.0

//! The C drivers and ours side by side, in numbers.
//!
//! `count` says what an operation costs: instructions, counted by the plugin, and what the host sees.
//! `time` says how fast it is, by alternating runs. Each leaves a file of figures, which `report`
//! makes into a table, a picture and a JSON file.

mod count;
mod figures;
mod fio;
mod guest;
mod loads;
mod picture;
mod report;
mod streams;
mod symbols;
mod time;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};
use vmbus_e2e::machine::{Driver, Lab};

/// Measures the C drivers and ours.
#[derive(Parser)]
struct Args {
    /// The folder with vmlinuz and the RAM disks.
    #[arg(long, default_value = "images")]
    images: PathBuf,
    /// The folder for the guests' consoles and the records of VMBus messages.
    #[arg(long, default_value = "logs")]
    logs: PathBuf,
    /// The folder for the results.
    #[arg(long, default_value = "bench")]
    out: PathBuf,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Counts what operations cost; QEMU must have the plugin, with the same folder.
    Count {
        /// Only these drivers.
        #[arg(long, value_enum)]
        driver: Option<Driver>,
        /// Only loads whose name contains this.
        #[arg(long, default_value = "")]
        only: String,
        /// How many guests of each kind.
        #[arg(long, default_value_t = 1)]
        guests: u32,
    },
    /// Measures how long operations take.
    Time {
        /// How many guests of each kind, in turn, at least.
        #[arg(long, default_value_t = 5)]
        pairs: u32,
        /// How many at most, while it is open of a figure who is ahead.
        #[arg(long, default_value_t = 8)]
        most: u32,
        /// Only what contains this in its name.
        #[arg(long, default_value = "")]
        only: String,
    },
    /// Shows what was measured, and writes `bench.json` and `bench.svg`.
    Report,
}

fn main() -> Result<()> {
    let args = Args::parse();
    std::fs::create_dir_all(&args.out)?;
    let lab = |driver| Lab {
        images: args.images.clone(),
        logs: args.logs.clone(),
        name: "bench".to_owned(),
        driver,
        kernel: Default::default(),
    };
    match &args.what {
        What::Count {
            driver,
            only,
            guests,
        } => {
            let mut figures = figures::Figures::default();
            for _ in 0..*guests {
                for driver in Driver::ALL
                    .into_iter()
                    .filter(|one| driver.is_none_or(|only| only == *one))
                {
                    count::count(&lab(driver), &args.out, only, &mut figures)?;
                }
            }
            figures.write(&args.out.join("counts.txt"))
        }
        What::Time { pairs, most, only } => {
            let mut figures = figures::Figures::default();
            let mut done = 0;
            while done < *pairs || (done < *most && figures.open() > 0) {
                for driver in Driver::ALL {
                    time::time(&lab(driver), only, &mut figures)?;
                }
                done += 1;
                let open = figures.open();
                println!("pair {done}: of {open} figures it is open who is ahead");
                figures.write(&args.out.join("times.txt"))?;
            }
            Ok(())
        }
        What::Report => report::report(&args.out),
    }
}
