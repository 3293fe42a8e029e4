// SPDX-License-Identifier: GPL-2.0

//! Every version of VMBus: agreed on, and a disk read over it.

use anyhow::{Result, ensure};
use vmbus_host::scsi::{Disk, protocol};
use vmbus_host::vmbus::server::ServerConfig;
use vmbus_host::vmbus::wire::Version;

use crate::machine::{Lab, Machine, Setup};

/// A host that knows nothing newer than `version`. The oldest comes with the older of the two versions of
/// the storage protocol.
pub fn negotiate(lab: &Lab, version: Version) -> Result<()> {
    let mut setup = Setup {
        server: ServerConfig::up_to(version),
        ..Setup::default()
    };
    if version == Version::V4_0 {
        setup.controller.versions = vec![protocol::Version::V6_0];
    }
    let mut machine = lab.boot(setup)?;
    machine.controller.add_disk(0, 0, Disk::memory(16 << 20)?)?;
    machine.load_until("sda")?;
    agreed(&mut machine, version)?;
    machine.end()
}

/// Our bus, told by its parameter to go no further than each version, with a host that knows all.
pub fn max_version(lab: &Lab) -> Result<()> {
    let mut machine = lab.boot(Setup::default())?;
    machine.controller.add_disk(0, 0, Disk::memory(16 << 20)?)?;
    for version in Version::ALL {
        machine.sh(&format!(
            "dmesg -c >/dev/null; modprobe hv_vmbus_rust max_version={}",
            version.0
        ))?;
        let shown = machine.sh("cat /sys/module/hv_vmbus_rust/parameters/max_version")?;
        ensure!(
            shown == version.0.to_string(),
            "max_version reads {shown} instead of {}",
            version.0
        );
        machine.load_until("sda")?;
        agreed(&mut machine, version)?;
        machine.unload()?;
    }
    let none = machine.run("modprobe hv_vmbus_rust max_version=0")?;
    ensure!(
        none.status != 0,
        "the bus loads although it may use no version"
    );
    machine.end()
}

fn agreed(machine: &mut Machine, version: Version) -> Result<()> {
    let host = machine.server.status().version;
    ensure!(
        host == Some(version),
        "the host agreed to {host:?} instead of {version}"
    );
    machine.sh(&format!(
        "dmesg | grep -q 'hv_vmbus: Vmbus version:{version}$'"
    ))?;
    machine.sh("dd if=/dev/sda of=/dev/null bs=64k count=16 iflag=direct")?;
    Ok(())
}
