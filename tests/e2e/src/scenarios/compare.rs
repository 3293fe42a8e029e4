// SPDX-License-Identifier: GPL-2.0

//! What both sets of drivers show of the same devices must be the same.

use anyhow::Result;
use vmbus_host::scsi::{ControllerConfig, Disk};

use crate::machine::{Lab, Setup};
use crate::side_by_side::same_lines;

/// The bus in sysfs: paths, modes and formats.
pub fn sysfs(lab: &Lab) -> Result<()> {
    let controller = ControllerConfig {
        max_sub_channels: 1,
        monitored: true,
        ..ControllerConfig::default()
    };
    compare(lab, controller, "sh /sysfs-dump.sh")
}

/// The SCSI host's and the disk's limits, and the driver's parameters.
pub fn limits(lab: &Lab) -> Result<()> {
    let controller = ControllerConfig {
        max_sub_channels: 1,
        ..ControllerConfig::default()
    };
    compare(lab, controller, "sh /limits-dump.sh")
}

fn compare(lab: &Lab, controller: ControllerConfig, command: &str) -> Result<()> {
    same_lines(lab, |lab| dump(lab, controller.clone(), command))
}

fn dump(lab: &Lab, controller: ControllerConfig, command: &str) -> Result<String> {
    let mut machine = lab.boot(Setup {
        cpus: 2,
        controller,
        ..Setup::default()
    })?;
    machine.controller.add_disk(0, 0, Disk::memory(16 << 20)?)?;
    machine.load_until("sda")?;
    machine.until(
        "[ $(ls -d /sys/bus/vmbus/devices/*/channels/* | wc -l) = 2 ]",
        "there are two channels",
    )?;
    let text = machine.sh(command)?;
    std::fs::write(
        lab.logs.join(format!("{}-{}.txt", lab.name, lab.driver)),
        &text,
    )?;
    machine.end()?;
    Ok(text)
}
