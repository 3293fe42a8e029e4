// SPDX-License-Identifier: GPL-2.0

//! The command line.

mod disk;
mod nic;
mod prompt;
mod run;
mod services;
mod signals;
mod size;

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use anyhow::Result;
use tracing_subscriber::EnvFilter;
use vmbus_host::vmm;

/// A small virtual machine monitor that is a VMBus host: it boots a Linux kernel, which finds
/// Hyper-V, a VMBus, a SCSI controller with disks, and the utility services.
///
/// It needs a KVM with Hyper-V support; `vmbus-host check` says whether there is one. Messages of
/// the host itself go to standard error; RUST_LOG=debug shows more of them.
#[derive(clap::Parser)]
#[command(version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Boots a guest, with its console on standard input and output.
    Run(Box<run::Options>),
    /// Says whether this machine can run guests, and if not, why.
    Check,
    /// Prints how fast this processor's time stamp counter runs, in kHz.
    TscKhz,
}

impl Cli {
    /// Does what is asked for.
    pub(crate) fn execute(self) -> Result<ExitCode> {
        match self.command {
            Command::Run(options) => run::run(&options),
            Command::Check => {
                vmm::kvm_has_hyperv()?;
                println!("KVM can run Hyper-V guests.");
                Ok(ExitCode::SUCCESS)
            }
            Command::TscKhz => {
                println!("{}", vmm::tsc_khz());
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

/// Writes log messages to standard error, warnings and worse if RUST_LOG does not say otherwise.
pub(crate) fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .init();
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory as _, Parser as _};

    #[test]
    fn definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_full_line() {
        let line = "vmbus-host run --kernel vmlinuz --initrd initrd --append quiet --cpus 2 \
                    --memory 1G --disk a.img,ro --disk mem:64M,target=1,lun=2 --disk b.img,ide=0:1 --disk c.iso,dvd --scsi-channels 2 \
                    --vmbus-version 5.0 --trace bus.log --io thread --no-ic --nic peer,queues=2 --fuzz 7,burst=9,only=bus";
        assert!(Cli::try_parse_from(line.split_whitespace()).is_ok());
        for bad in [
            "--cpus 9",
            "--memory 1Q",
            "--vmbus-version 3.0",
            "--disk x,lun=a",
            "--io x",
            "--fuzz x",
        ] {
            let line = format!("vmbus-host run --kernel vmlinuz {bad}");
            assert!(
                Cli::try_parse_from(line.split_whitespace()).is_err(),
                "{bad}"
            );
        }
    }
}
