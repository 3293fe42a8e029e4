// SPDX-License-Identifier: GPL-2.0

//! Disks of IDE controllers, each with a channel of its own, beside a SCSI controller.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use vmbus_host::scsi::{Controller, ControllerConfig, Disk, IdePlace};
use vmbus_host::vmbus::device::Device;

use super::SOON;
use crate::machine::{Driver, Lab, Machine, Setup};

const PLACES: [IdePlace; 2] = [
    IdePlace {
        controller: 0,
        disk: 0,
    },
    IdePlace {
        controller: 0,
        disk: 1,
    },
];

/// Each has its place whatever the order of the offers, and comes and goes alone.
pub fn ide(lab: &Lab) -> Result<()> {
    let controllers = PLACES.map(|place| Controller::new(ControllerConfig::ide(place)));
    for (controller, place) in controllers.iter().zip(PLACES) {
        // The C driver cannot flush the cache of a disk that is gone.
        let size = 8 << (20 + place.disk);
        controller.add_disk(place.disk, 0, Disk::memory(size)?.without_write_cache())?;
        // Nobody looks for others.
        controller.add_disk(place.disk, 1, Disk::memory(1 << 20)?)?;
    }
    let mut machine = lab.boot(Setup {
        cpus: 2,
        controller: ControllerConfig {
            max_sub_channels: 1,
            ..ControllerConfig::default()
        },
        devices: controllers
            .iter()
            .map(|controller| Arc::clone(controller) as Arc<dyn Device>)
            .collect(),
        ..Setup::default()
    })?;
    machine.controller.add_disk(0, 0, Disk::memory(4 << 20)?)?;
    alias(&mut machine)?;
    machine.load()?;
    for (controller, place) in controllers.iter().zip(PLACES) {
        disk(&mut machine, controller, place)?;
    }
    machine.until(
        "[ $(cat /sys/block/sd?/size | sort -n | tr '\\n' ' ' | cut -d' ' -f1-3 | tr -d ' ') = 81921638432768 ]",
        "there is one disk of each controller",
    )?;

    let instance = PLACES[1].instance();
    machine.server.remove_device(instance);
    machine.until(
        "[ $(ls -d /sys/block/sd? | wc -l) = 2 ]",
        "the disk goes with its channel",
    )?;
    let released = machine.server.wait_for(
        |bus| {
            bus.channels
                .iter()
                .all(|channel| channel.instance != instance)
        },
        SOON,
    );
    ensure!(released, "the relid of the IDE disk is not released");
    machine.server.add_device(controllers[1].clone());
    let open = machine.server.wait_for(|bus| bus.is_open(instance), SOON);
    ensure!(open, "the channel that came back is not opened");
    machine.until(
        "[ $(ls -d /sys/block/sd? | wc -l) = 3 ]",
        "the disk comes back",
    )?;
    machine.end()
}

/// The module is found by the class of the channels.
fn alias(machine: &mut Machine) -> Result<()> {
    let device = "/sys/bus/vmbus/devices/00000000-0001-8899-0000-000000000000";
    if machine.driver == Driver::Rust {
        machine.sh("modprobe hv_vmbus_rust")?;
    }
    machine.until(&format!("[ -d {device} ]"), "the device appears")?;
    machine.sh(&format!(
        "grep -qx '{{32412632-86cb-44a2-9b5c-50d1417354f5}}' {device}/class_id"
    ))?;
    let module = machine.driver.storvsc();
    machine.sh(&format!(
        "grep -q \"alias $(cat {device}/modalias) {module}$\" /lib/modules/*/modules.alias"
    ))?;
    Ok(())
}

/// One disk at a fixed address, one hardware queue, one channel.
fn disk(machine: &mut Machine, controller: &Controller, place: IdePlace) -> Result<()> {
    let device = format!(
        "/sys/bus/vmbus/devices/00000000-{:04x}-8899-0000-000000000000",
        place.disk
    );
    let unit = format!("{device}/host*/target*:0:{0}/*:0:{0}:0", place.disk);
    machine.until(
        &format!("[ -b /dev/$(ls {unit}/block 2>/dev/null || echo none) ]"),
        &format!("the disk of {place:?} appears"),
    )?;
    let found = machine.sh(&format!(
        "cd {device}; echo $(ls -d host*/target*/*:*:*:* | wc -l) $(ls channels | wc -l) $(ls {unit}/block/*/mq | wc -l) \
         $(cat host*/scsi_host/host*/can_queue host*/scsi_host/host*/nr_hw_queues {unit}/block/*/size)"
    ))?;
    let expected = format!("1 1 1 316 1 {}", 16384 << place.disk);
    ensure!(
        found == expected,
        "devices, channels, queues, can_queue, nr_hw_queues and sectors are {found}, not {expected}"
    );
    machine.sh(&format!(
        "d=/dev/$(ls {unit}/block); dd if=/bin/busybox of=$d bs=64k count=16 oflag=direct && \
         dd if=$d bs=64k count=16 iflag=direct | cmp -n 1048576 - /bin/busybox"
    ))?;
    let disk = controller.unit(place.disk, 0).context("the disk")?;
    let stats = disk.disk().stats();
    ensure!(
        stats.bytes_written >= 1 << 20 && stats.bytes_read >= 1 << 20,
        "another disk was used: {stats:?}"
    );
    Ok(())
}
