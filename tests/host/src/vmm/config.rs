// SPDX-License-Identifier: GPL-2.0

//! What a virtual machine is made of.

use std::path::PathBuf;

use super::error::{Error, Result};

/// The most virtual processors of a guest.
pub const MAX_CPUS: u32 = 8;

/// The least memory of a guest: a kernel of today does not unpack in less.
pub const MIN_MEMORY: u64 = 64 << 20;

/// The most memory of a guest; more would reach the high MMIO window of small processors.
const MAX_MEMORY: u64 = 64 << 30;

/// Where the output of the first serial port goes, besides the [`Console`](super::Console).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ConsoleMode {
    /// Nowhere.
    #[default]
    Capture,
    /// To a file too.
    Tee(PathBuf),
    /// To standard output too; standard input is the guest's, `Ctrl-A x` ends the guest, and
    /// `Ctrl-A c` is for [`Vm::set_commands`](super::Vm::set_commands).
    Stdio,
}

/// The configuration of a virtual machine.
#[derive(Clone, Debug)]
pub struct VmConfig {
    /// The Linux kernel, a 64-bit bzImage.
    pub kernel: PathBuf,
    /// The initial RAM file system.
    pub initrd: Option<PathBuf>,
    /// The kernel's command line.
    pub cmdline: String,
    /// The number of virtual processors, 1 to [`MAX_CPUS`]; best not more than the machine has.
    pub cpus: u32,
    /// The size of memory in bytes, a multiple of 2 MiB.
    pub memory: u64,
    /// Where the console's output goes.
    pub console: ConsoleMode,
    /// Whether there is a second serial port, to be used through [`Vm::agent`](super::Vm::agent).
    pub agent: bool,
    /// Whether the guest may use SynIC interrupts with automatic end of interrupt; a host of today
    /// advises against them.
    pub auto_eoi: bool,
    /// Whether the guest sees that this is Hyper-V. To see what drivers do elsewhere.
    pub hyper_v: bool,
    /// Whether the guest is the root partition, which creates others and is nobody's guest itself.
    pub root_partition: bool,
    /// Whether the ACPI tables say that the guest can hibernate.
    pub hibernation: bool,
}

impl VmConfig {
    /// One processor, 512 MiB, a silent kernel that reboots on panic, a captured console, an agent port.
    pub fn new(kernel: impl Into<PathBuf>) -> Self {
        Self {
            kernel: kernel.into(),
            initrd: None,
            cmdline: "console=ttyS0 quiet panic=-1".to_owned(),
            cpus: 1,
            memory: 512 << 20,
            console: ConsoleMode::Capture,
            agent: true,
            auto_eoi: false,
            hyper_v: true,
            root_partition: false,
            hibernation: false,
        }
    }

    /// Refuses what cannot be built.
    pub(super) fn check(&self) -> Result<()> {
        if !(1..=MAX_CPUS).contains(&self.cpus) {
            return Err(Error::Config(format!(
                "{} virtual processors asked for; from 1 to {MAX_CPUS} are possible",
                self.cpus
            )));
        }
        if !(MIN_MEMORY..=MAX_MEMORY).contains(&self.memory) || !self.memory.is_multiple_of(2 << 20)
        {
            return Err(Error::Config(format!(
                "{} bytes of memory asked for; a multiple of 2 MiB from {} MiB to {} GiB is possible",
                self.memory,
                MIN_MEMORY >> 20,
                MAX_MEMORY >> 30
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits() {
        let good = VmConfig::new("/vmlinuz");
        assert!(good.check().is_ok());
        for cpus in [0, MAX_CPUS + 1] {
            assert!(
                VmConfig {
                    cpus,
                    ..good.clone()
                }
                .check()
                .is_err()
            );
        }
        for memory in [
            0,
            1,
            MIN_MEMORY - (2 << 20),
            MIN_MEMORY + 4096,
            MAX_MEMORY + (2 << 20),
        ] {
            assert!(
                VmConfig {
                    memory,
                    ..good.clone()
                }
                .check()
                .is_err()
            );
        }
    }
}
