// SPDX-License-Identifier: GPL-2.0

//! The bus in sysfs: the same paths, modes and formats as the C bus's.

use anyhow::{Result, bail};
use vmbus_host::scsi::{ControllerConfig, Disk};

use crate::machine::{Driver, Lab, Setup};

/// Compares what both buses show of the same devices.
pub fn compare(lab: &Lab) -> Result<()> {
    let c = dump(lab, Driver::C)?;
    let rust = dump(lab, Driver::Rust)?;
    for (name, text) in [("c", &c), ("rust", &rust)] {
        std::fs::write(lab.logs.join(format!("sysfs-{name}.txt")), text)?;
    }
    let only = |a: &str, b: &str| -> Vec<String> {
        let have: Vec<&str> = b.lines().collect();
        a.lines().filter(|line| !have.contains(line)).map(str::to_owned).collect()
    };
    let (missing, extra) = (only(&c, &rust), only(&rust, &c));
    if !missing.is_empty() || !extra.is_empty() {
        bail!("missing or different:\n-{}\n+{}", missing.join("\n-"), extra.join("\n+"));
    }
    Ok(())
}

fn dump(lab: &Lab, driver: Driver) -> Result<String> {
    let lab = Lab { images: lab.images.clone(), logs: lab.logs.clone(), name: lab.name.clone(), driver };
    let controller = ControllerConfig { max_sub_channels: 1, monitored: true, ..ControllerConfig::default() };
    let mut machine = lab.boot(Setup { cpus: 2, controller, ..Setup::default() })?;
    machine.controller.add_disk(0, 0, Disk::memory(16 << 20)?)?;
    machine.load_until("sda")?;
    let text = machine.sh("sh /sysfs-dump.sh")?;
    machine.end()?;
    Ok(text)
}
