// SPDX-License-Identifier: GPL-2.0

//! The C drivers and ours side by side, in numbers.

mod count;
mod symbols;

use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;
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
    /// The folder in which the plugin writes what it counted.
    #[arg(long)]
    counts: PathBuf,
    /// Only these drivers.
    #[arg(long, value_enum)]
    driver: Option<Driver>,
    /// Only loads whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
}

fn main() -> Result<()> {
    let args = Args::parse();
    for driver in Driver::ALL {
        if args.driver.is_some_and(|only| only != driver) {
            continue;
        }
        let lab = Lab {
            images: args.images.clone(),
            logs: args.logs.clone(),
            name: "bench".to_owned(),
            driver,
            ended: Default::default(),
        };
        count::count(&lab, &args.counts, &args.only)?;
    }
    Ok(())
}
