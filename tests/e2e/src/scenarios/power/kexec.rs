// SPDX-License-Identifier: GPL-2.0

//! A guest in which one kernel starts another.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use vmbus_host::scsi::{ControllerConfig, Disk};

use crate::machine::{Lab, Machine, READ_DISK, Setup};

/// The tool that loads kernels is among those for the network.
const EXTRAS: &[&str] = &["net"];

const MIB: usize = 1 << 20;

/// How long reading a kernel and its RAM disk may take, under emulation.
const LONG: Duration = Duration::from_secs(300);

/// A kernel starts another one, which works with the same devices. That one crashes on its second
/// processor, with a third one at hand, which works with them, too, on that processor alone, and has
/// the memory of the one before it.
pub fn kexec(lab: &Lab) -> Result<()> {
    let disk = Path::new("/tmp").join(format!("kexec-{}.img", lab.driver));
    let (kernel, initrd) = (
        fs::read(lab.images.join("vmlinuz"))?,
        fs::read(lab.initrd(EXTRAS)?)?,
    );
    let blocks = [kernel.len().div_ceil(MIB), initrd.len().div_ceil(MIB)];
    let mut image = kernel.clone();
    image.resize(blocks[0] * MIB, 0);
    image.extend(&initrd);
    image.resize((blocks[0] + blocks[1]) * MIB, 0);
    fs::write(&disk, image)?;
    let read = |initrd: u64| {
        format!(
            "dd if=/dev/sda bs=1M count={} | head -c {} >/tmp/kernel && dd if=/dev/sda bs=1M skip={} | head -c {initrd} >/tmp/initrd",
            blocks[0],
            kernel.len(),
            blocks[0],
        )
    };
    // The last kernel has little memory, and needs no tools.
    let least = fs::metadata(lab.images.join("guest.cpio"))?.len();
    let all = u64::try_from(initrd.len())?;

    let mut machine = lab.boot(Setup {
        cpus: 2,
        controller: ControllerConfig {
            max_sub_channels: 1,
            ..ControllerConfig::default()
        },
        extras: EXTRAS,
        ..Setup::default()
    })?;
    machine.controller.add_disk(0, 0, Disk::open(&disk)?)?;
    let result = succeed(&mut machine, &read(all), &read(least));
    fs::remove_file(&disk)?;
    result?;
    let violations = machine.server.violations();
    ensure!(violations.is_empty(), "violations: {violations:?}");
    Ok(())
}

fn succeed(machine: &mut Machine, read: &str, read_least: &str) -> Result<()> {
    machine.load_until("sda")?;
    machine.sh_for(read, LONG)?;
    machine.start(
        "kexec start /tmp/kernel /tmp/initrd \"$(cat /proc/cmdline) crashkernel=192M hv.kernel=2\"",
    )?;
    machine.reconnect()?;
    machine.sh("grep -q hv.kernel=2 /proc/cmdline")?;
    unloaded(machine, 1)?;

    machine.load_until("sda")?;
    // Of what the third kernel's memory leaves, the root file system may have half.
    machine.sh("mount -t tmpfs -o size=100m tmp /tmp")?;
    machine.sh_for(read_least, LONG)?;
    machine.sh("kexec crash /tmp/kernel /tmp/initrd \"$(sed 's/crashkernel=[^ ]*//; s/hv.kernel=2/hv.kernel=3/' /proc/cmdline) maxcpus=1\"")?;
    machine.crash()?;
    machine.reconnect()?;
    machine.sh("grep -q hv.kernel=3 /proc/cmdline && test -s /proc/vmcore")?;
    unloaded(machine, 2)?;
    machine.load_until("sda")?;
    machine.sh(READ_DISK)?;
    Ok(())
}

fn unloaded(machine: &Machine, times: u64) -> Result<()> {
    let unloads = machine.server.status().unloads;
    ensure!(unloads == times, "the bus was unloaded {unloads} times");
    Ok(())
}
