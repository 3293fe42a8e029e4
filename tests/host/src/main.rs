// SPDX-License-Identifier: GPL-2.0

//! `vmbus-host`: runs a Linux guest that finds a VMBus with a SCSI controller.

use std::process::ExitCode;

use clap::Parser as _;

mod cli;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    cli::log_to_stderr();
    match cli.execute() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("vmbus-host: {error:#}");
            ExitCode::FAILURE
        }
    }
}
