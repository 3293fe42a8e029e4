// SPDX-License-Identifier: GPL-2.0

//! Kernels that are built otherwise than Debian's: with our drivers inside, as the root partition's,
//! with PREEMPT_RT.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use vmbus_host::net::{Card, CardConfig, Peer};
use vmbus_host::scsi::Disk;

use super::Jobs;
use crate::machine::{Driver, Lab, Machine, Setup};

/// The scenarios.
pub(super) fn jobs(jobs: &mut Jobs) {
    jobs.on("builtin", "kernels/builtin", Driver::Rust, 2, builtin);
    jobs.on(
        "builtin",
        "kernels/root-partition",
        Driver::Rust,
        1,
        root_partition,
    );
    for driver in Driver::ALL {
        jobs.on("rt", "kernels/rt", driver, 2, rt);
    }
}

/// Where in the kernel's log the initcall of a name was called; with `initcall_debug`.
fn called(log: &str, initcall: &str) -> Result<usize> {
    log.lines()
        .position(|line| line.contains("calling") && line.contains(&format!(" {initcall}+")))
        .with_context(|| format!("{initcall} was not called"))
}

/// A machine that has nothing but our drivers to start from: its root file system is on a disk, its
/// address comes from the network, before there is a program to load anything.
fn builtin(lab: &Lab) -> Result<()> {
    let root = Path::new("/tmp").join(format!("root-{}.img", std::process::id()));
    std::fs::copy(lab.images.join("root.img"), &root)?;
    let card = Card::new(CardConfig::default(), Peer::new(Default::default()));
    let mut machine = lab.boot(Setup {
        cpus: 2,
        devices: vec![card.clone()],
        root: Some(root.clone()),
        cmdline: "root=/dev/sda rw init=/init ip=dhcp initcall_debug log_buf_len=4M",
        ..Setup::default()
    })?;
    machine
        .sh("grep -q '^/dev/root / ext4 rw' /proc/mounts && test -z \"$(cat /proc/modules)\"")?;
    order(&machine.sh("dmesg | grep 'calling '")?)?;
    machine
        .sh("ls -d /sys/bus/vmbus/drivers/hv_storvsc/*-* /sys/bus/vmbus/drivers/hv_netvsc/*-*")?;
    machine.sh("ip -4 addr show dev eth0 | grep -q 'inet 10.0.0.15/24'")?;
    machine.sh("head -c 4000000 /dev/urandom >/file && md5sum /file >/sum && sync && echo 3 >/proc/sys/vm/drop_caches && md5sum -c /sum")?;
    machine.sh(
        "a=$(wget -q -O - http://10.0.0.1/bytes/1000000 | crc32); b=$(wget -q -O - http://10.0.0.1/crc/1000000); \
         test -n \"$a\" && test \"$a\" = \"$b\"",
    )?;
    machine.sh("mount -o remount,ro /")?;
    let result = machine.end();
    std::fs::remove_file(root)?;
    result
}

/// The bus is there before what needs it: with the other subsystems, before file systems and
/// network protocols, which come before drivers.
fn order(log: &str) -> Result<()> {
    let bus = called(log, "__hv_vmbus_rust_init")?;
    ensure!(
        called(log, "acpi_init")? < bus && bus < called(log, "inet_init")?,
        "the bus is not initialised with the subsystems: {log}"
    );
    for driver in ["storvsc", "netvsc", "utils"] {
        let name = format!("__hv_{driver}_rust_init");
        ensure!(
            bus < called(log, &name)?,
            "{name} is called before the bus is there"
        );
    }
    Ok(())
}

/// The root partition is nobody's guest: the bus is there for nothing, and says it is well.
fn root_partition(lab: &Lab) -> Result<()> {
    let mut machine = lab.boot(Setup {
        root_partition: true,
        cmdline: "initcall_debug log_buf_len=4M",
        ..Setup::default()
    })?;
    machine.controller.add_disk(0, 0, Disk::memory(16 << 20)?)?;
    machine.sh("dmesg | grep -q 'running as root partition'")?;
    machine.sh("dmesg | grep -q 'initcall __hv_vmbus_rust_init.* returned 0 '")?;
    machine.sh("! ls -d /sys/bus/vmbus /dev/sd? 2>/dev/null")?;
    let contacts = machine.server.status().contacts;
    ensure!(contacts == 0, "the guest made contact {contacts} times");
    machine.end()
}

/// Where spinlocks sleep, a thread of each processor does what the interrupt handler does elsewhere.
fn rt(lab: &Lab) -> Result<()> {
    let mut machine = lab.boot(Setup {
        cpus: 2,
        extras: &["fio"],
        ..Setup::default()
    })?;
    machine.sh("grep -q PREEMPT_RT /proc/version")?;
    machine.controller.add_disk(0, 0, Disk::memory(64 << 20)?)?;
    machine.load_until("sda")?;
    for cpu in 0..2 {
        machine.sh(&thread(cpu))?;
    }
    machine.sh_for(
        "LD_LIBRARY_PATH=/usr/lib/x86_64-linux-gnu/ceph fio --name=rt --filename=/dev/sda --direct=1 --rw=randwrite --bs=4k \
         --ioengine=libaio --iodepth=8 --numjobs=2 --offset_increment=16m --size=16m --number_ios=150 --verify=crc32c",
        Duration::from_secs(300),
    )?;
    hotplug(&mut machine)?;
    if lab.driver == Driver::Rust {
        machine.unload()?;
        machine.sh("! grep -l '^vmbus_irq/' /proc/[0-9]*/comm")?;
        machine.load_until("sda")?;
    }
    machine.end()
}

/// Finds a processor's thread, which must be one of real time, and on that processor only.
fn thread(cpu: u32) -> String {
    format!(
        "pid=$(grep -l '^vmbus_irq/{cpu}$' /proc/[0-9]*/comm | cut -d/ -f3) && \
         grep -q '^policy *: *1$' /proc/$pid/sched && grep -q '^Cpus_allowed_list:.*[^0-9]{cpu}$' /proc/$pid/status"
    )
}

/// The thread goes with its processor, and comes back with it.
fn hotplug(machine: &mut Machine) -> Result<()> {
    machine.sh("cd /sys/devices/system/cpu/cpu1 && echo 0 >online && echo 1 >online")?;
    machine.sh(&thread(1))?;
    machine.sh("dd if=/dev/sda of=/dev/null bs=64k count=64 iflag=direct 2>&1")?;
    Ok(())
}
