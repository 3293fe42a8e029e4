// SPDX-License-Identifier: GPL-2.0

//! Commands that fail, take too long or are given back by a reset, and what else is there for who
//! looks after a disk: its geometry, its queue depth, the log.

use anyhow::{Context as _, Result, ensure};
use vmbus_host::scsi::{Disk, Fault, Injection};

use super::{READ_10, SOON, TEST_UNIT_READY, TRACING, logging};
use crate::machine::{Lab, Machine, Setup, wait_until};

/// One guest for all of it, the gentle things first.
pub fn recovery(lab: &Lab) -> Result<()> {
    let mut machine = lab.boot(Setup::default())?;
    machine.controller.add_disk(0, 0, Disk::memory(16 << 20)?)?;
    machine.load_until("sda")?;
    // Disks that are found together are named in any order.
    machine.controller.add_disk(1, 0, Disk::memory(1 << 40)?)?;
    machine.until("[ -b /dev/sdb ]", "/dev/sdb appears")?;
    machine.sh("dd if=/bin/busybox of=/dev/sda bs=4k count=64 oflag=direct")?;
    geometry(&mut machine)?;
    queue_depth(&mut machine)?;
    errors(&mut machine)?;
    logging::levels(&mut machine)?;
    out_of_time(&mut machine)?;
    reset(&mut machine)?;
    work_queue(&mut machine)?;
    machine.end()
}

/// Made up, but always in the same way; the cylinders are cut to the 16 bits of the interface.
fn geometry(machine: &mut Machine) -> Result<()> {
    for (disk, expected) in [("sda", 32768), ("sdb", 1 << 31)] {
        let sectors: u64 = machine
            .sh(&format!("cat /sys/block/{disk}/size"))?
            .parse()?;
        ensure!(sectors == expected, "{disk} has {sectors} sectors");
        let geometry = machine.sh(&format!("scsi-tool geometry /dev/{disk}"))?;
        let cylinders = sectors / (255 * 63) % (1 << 16);
        ensure!(
            geometry == format!("255 63 {cylinders}"),
            "{disk} with {sectors} sectors has the geometry {geometry}"
        );
    }
    Ok(())
}

/// What an administrator sets is kept, up to what the adapter takes.
fn queue_depth(machine: &mut Machine) -> Result<()> {
    let most: u32 = machine
        .sh("cat /sys/class/scsi_host/host0/can_queue")?
        .parse()?;
    let file = "/sys/block/sda/device/queue_depth";
    ensure!(
        machine.sh(&format!("cat {file}"))? == most.to_string(),
        "a disk does not begin with the {most} commands of its adapter"
    );
    for depth in [10, 1, most] {
        machine.sh(&format!("echo {depth} >{file} && grep -qx {depth} {file}"))?;
    }
    for wrong in [most + 1, 4096, 0] {
        machine.run(&format!("echo {wrong} >{file}"))?;
        ensure!(
            machine.sh(&format!("cat {file}"))? == most.to_string(),
            "a depth of {wrong} is taken"
        );
    }
    Ok(())
}

/// Some commands never fail, because hosts fail them without need; all others do.
fn errors(machine: &mut Machine) -> Result<()> {
    for (what, command) in [
        ("INQUIRY of an unknown page", "in 255 12 1 c0 0 ff 0"),
        ("MODE SENSE (6) of an unknown page", "in 192 1a 0 1c 0 c0 0"),
        (
            "MODE SENSE (10) of an unknown page",
            "in 192 5a 0 1c 0 0 0 0 0 c0 0",
        ),
    ] {
        let ended = machine.sh(&format!("scsi-tool command /dev/sda {command}"))?;
        ensure!(
            ended.starts_with("status=0x0 host=0x0 resid=0 sense= "),
            "{what}: {ended}"
        );
    }
    for (what, command) in [
        ("an unknown command", "none 0 c1 0 0 0 0 0"),
        (
            "REPORT SUPPORTED OPERATION CODES",
            "in 16 a3 c 0 0 0 0 0 0 0 10 0 0",
        ),
        ("PERSISTENT RESERVE IN", "in 16 5e 0 0 0 0 0 0 0 10 0"),
    ] {
        let ended = machine.sh(&format!("scsi-tool command /dev/sda {command}"))?;
        let is_refused = ended.starts_with("status=0x2 host=0x0 ")
            && ended.contains(" sense=70000500000000")
            && ended.contains("0000000020000000");
        ensure!(is_refused, "{what}: {ended}");
    }
    Ok(())
}

/// A command that runs out of time is waited for longer, again and again, and nothing is reset.
fn out_of_time(machine: &mut Machine) -> Result<()> {
    let unit = machine.controller.unit(0, 0).context("the disk")?;
    machine.sh(&format!(
        "mount -t tracefs tracefs {TRACING}; echo 1 >{TRACING}/events/scsi/scsi_dispatch_cmd_timeout/enable && \
         echo 1 >/sys/block/sda/device/timeout && echo 3 >/proc/sys/vm/drop_caches"
    ))?;
    unit.inject(Injection::new(Fault::Hold).only(READ_10));
    machine.sh("(dd if=/dev/sda bs=4k count=64 iflag=direct >/tmp/late 2>/dev/null; echo $? >/tmp/late-status) >/dev/null 2>&1 &")?;
    machine.until(
        &format!("[ $(grep -c scsi_dispatch_cmd_timeout: {TRACING}/trace) -ge 3 ]"),
        "a command runs out of time three times",
    )?;
    ensure!(
        machine.controller.held() == 1 && machine.controller.resets() == 0,
        "{} commands are held after {} resets",
        machine.controller.held(),
        machine.controller.resets()
    );
    machine.sh("grep -qx running /sys/block/sda/device/state && ! [ -e /tmp/late-status ]")?;
    ensure!(machine.controller.release() == 1, "no command was held");
    machine.until("[ -s /tmp/late-status ]", "the late command ends")?;
    machine.sh(&format!(
        "grep -qx 0 /tmp/late-status && cmp -n 262144 /tmp/late /bin/busybox && \
         echo 0 >{TRACING}/events/scsi/scsi_dispatch_cmd_timeout/enable && echo 180 >/sys/block/sda/device/timeout"
    ))?;
    ensure!(
        machine.controller.resets() == 0,
        "the adapter was reset for a command that was only late"
    );
    Ok(())
}

/// A reset gives back what the host works on; that is tried again, and succeeds.
fn reset(machine: &mut Machine) -> Result<()> {
    const READERS: usize = 3;
    let unit = machine.controller.unit(0, 0).context("the disk")?;
    unit.inject(Injection::new(Fault::Hold).only(READ_10).times(READERS));
    // Blocks that touch may be read by one command.
    machine.sh(
        "rm -f /tmp/reader-*; for i in 1 3 5; do dd if=/bin/busybox of=/tmp/expect-$i bs=4k skip=$i count=1 2>/dev/null; done; \
         for i in 1 3 5; do (dd if=/dev/sda bs=4k skip=$i count=1 iflag=direct 2>/dev/null | \
         cmp - /tmp/expect-$i >/dev/null; echo $? >/tmp/reader-$i) >/dev/null 2>&1 & done",
    )?;
    let controller = machine.controller.clone();
    wait_until("the host holds the reads", SOON, || {
        controller.held() == READERS
    })?;
    machine.sh("scsi-tool reset /dev/sda").context("a reset")?;
    ensure!(
        controller.resets() == 1 && controller.held() == 0,
        "{} resets, {} commands held",
        controller.resets(),
        controller.held()
    );
    machine.until(
        "[ $(cat /tmp/reader-* | grep -cx 0) = 3 ]",
        "what the reset gave back is read after all",
    )?;
    machine.sh("dd if=/dev/sda of=/dev/null bs=4k count=8 iflag=direct")?;
    machine
        .sh("scsi-tool reset /dev/sdb")
        .context("a second reset")?;
    ensure!(controller.resets() == 2, "the second reset did not come");
    Ok(())
}

/// Notifications are dealt with by a queue that has the adapter's number in its name.
fn work_queue(machine: &mut Machine) -> Result<()> {
    let unit = machine.controller.unit(0, 0).context("the disk")?;
    unit.inject(Injection::new(Fault::Hold).only(TEST_UNIT_READY));
    machine.controller.add_disk(0, 7, Disk::memory(1 << 20)?)?;
    machine.until(
        "cat /proc/[0-9]*/comm 2>/dev/null | grep -q '+storvsc_error_wq_0$'",
        "a worker of the adapter's queue is busy",
    )?;
    let controller = machine.controller.clone();
    wait_until("the host holds the command", SOON, || {
        controller.held() == 1
    })?;
    controller.release();
    machine.until(
        "[ -e /sys/bus/scsi/devices/0:0:0:7/block ]",
        "the new disk is found",
    )
}
