// SPDX-License-Identifier: GPL-2.0

//! What both sets of drivers show of the same devices must be the same.

use anyhow::{Result, bail};
use vmbus_host::scsi::{ControllerConfig, Disk};

use crate::machine::{Driver, Lab, Setup};

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
    let [c, rust] =
        [Driver::C, Driver::Rust].map(|driver| dump(lab, driver, controller.clone(), command));
    let (c, rust) = (c?, rust?);
    let only = |a: &str, b: &str| -> Vec<String> {
        let have: Vec<&str> = b.lines().collect();
        a.lines()
            .filter(|line| !have.contains(line))
            .map(str::to_owned)
            .collect()
    };
    let (missing, extra) = (only(&c, &rust), only(&rust, &c));
    if !missing.is_empty() || !extra.is_empty() {
        bail!(
            "missing or different:\n-{}\n+{}",
            missing.join("\n-"),
            extra.join("\n+")
        );
    }
    Ok(())
}

fn dump(lab: &Lab, driver: Driver, controller: ControllerConfig, command: &str) -> Result<String> {
    let mut machine = lab.with_driver(driver).boot(Setup {
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
    std::fs::write(lab.logs.join(format!("{}-{driver}.txt", lab.name)), &text)?;
    machine.end()?;
    Ok(text)
}
