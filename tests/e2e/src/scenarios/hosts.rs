// SPDX-License-Identifier: GPL-2.0

//! Hosts that are not what a guest hopes for: old, unwilling, or not Hyper-V.

use std::time::Duration;

use anyhow::{Result, ensure};
use vmbus_host::scsi::{ControllerConfig, Disk};
use vmbus_host::vmbus::server::ServerConfig;
use vmbus_host::vmbus::wire::{Version, kind};

use crate::machine::{Driver, Lab, READ_DISK, Setup, wait_until};

const SOON: Duration = Duration::from_secs(40);
/// The register of the interrupt source that VMBus uses, SINT 2 (TLFS, "SINTx Registers").
const SINT2: u32 = 0x4000_0092;
const AUTO_EOI: u64 = 1 << 17;

/// Signals that channels share, interrupts that end by themselves; with a newer host neither.
pub fn old(lab: &Lab) -> Result<()> {
    for old in [true, false] {
        let mut machine = lab.boot(Setup {
            cpus: 2,
            server: ServerConfig {
                dedicated_interrupts: !old,
                ..ServerConfig::up_to(Version::V4_1)
            },
            auto_eoi: old,
            ..Setup::default()
        })?;
        machine.controller.add_disk(0, 0, Disk::memory(16 << 20)?)?;
        machine.load_until("sda")?;
        machine.sh(READ_DISK)?;
        let instance = machine.controller.config().instance;
        let status = machine.server.status();
        let relid = status.channel(instance, 0).map(|channel| channel.relid);
        let used = relid.is_some_and(|relid| machine.server.send_bit(relid));
        ensure!(used == old, "the bit in the interrupt page is {used}");
        machine.sh("modprobe msr")?;
        for cpu in 0..2 {
            let sint = machine.sh(&format!(
                "dd if=/dev/cpu/{cpu}/msr bs=8 count=1 iflag=skip_bytes skip={SINT2} 2>/dev/null | od -An -tu8"
            ))?;
            let sint: u64 = sint.trim().parse()?;
            let automatic = sint & AUTO_EOI != 0;
            ensure!(automatic == old, "processor {cpu}: SINT 2 is {sint:#x}");
        }
        machine.end()?;
    }
    Ok(())
}

/// A machine that is not Hyper-V's: the drivers do not load, and leave nothing behind.
pub fn elsewhere(lab: &Lab) -> Result<()> {
    let mut machine = lab.boot(Setup {
        hyper_v: false,
        ..Setup::default()
    })?;
    for module in [lab.driver.storvsc(), "hv_vmbus_rust"] {
        let loaded = machine.run(&format!("modprobe {module}"))?;
        ensure!(
            loaded.status != 0 && loaded.text.contains("No such device"),
            "{module} loads: {loaded:?}"
        );
    }
    machine.sh("! ls -d /sys/bus/vmbus /sys/module/hv_*_rust 2>/dev/null")?;
    machine.end()
}

/// The host does not want memory shared, or the channel opened: an error, and the next try works.
pub fn unwilling(lab: &Lab) -> Result<()> {
    /// Where in both messages the status is.
    const STATUS: usize = 16;
    let mut machine = lab.boot(Setup::default())?;
    // The C driver loses the request to flush a cache when the device is taken away.
    let disk = match lab.driver {
        Driver::C => Disk::memory(16 << 20)?.without_write_cache(),
        Driver::Rust => Disk::memory(16 << 20)?,
    };
    machine.controller.add_disk(0, 0, disk)?;
    machine.load_until("sda")?;
    machine.until(READ_DISK, "the disk works")?;
    for (step, said) in [
        (
            kind::GPADL_CREATED,
            Some("Failed to establish GPADL: err = 0xc0000001"),
        ),
        (kind::OPEN_RESULT, None),
    ] {
        machine.take_away()?;
        machine.sh("dmesg -c >/dev/null")?;
        machine
            .server
            .set_message_tamper(Some(Box::new(move |mut message| {
                if message.kind() == step
                    && let Some(status) = message.bytes.get_mut(STATUS..STATUS + 4)
                {
                    status.copy_from_slice(&0xc000_0001u32.to_le_bytes());
                }
                vec![message]
            })));
        machine.server.add_device(machine.controller.clone());
        machine.until("dmesg | grep -q 'probe.*failed'", "the driver gives up")?;
        if let Some(said) = said {
            machine.sh(&format!("dmesg | grep -q '{said}'"))?;
        }
        machine.sh("! [ -e /sys/bus/vmbus/devices/*/driver ] && ! ls /dev/sd?")?;
        machine.server.set_message_tamper(None);
        machine.sh("echo $(ls /sys/bus/vmbus/devices) >/sys/bus/vmbus/drivers/hv_storvsc/bind")?;
        machine.until(READ_DISK, "the disk works")?;
    }
    // A guest cannot close what the host thinks it has opened and the guest was told it has not.
    machine.server.clear_violations();
    machine.end()
}

/// Interrupts stay away from a processor that the administrator keeps free of them.
pub fn isolated(lab: &Lab) -> Result<()> {
    let mut machine = lab.boot(Setup {
        cpus: 2,
        controller: ControllerConfig {
            max_sub_channels: 1,
            ..ControllerConfig::default()
        },
        cmdline: "isolcpus=managed_irq,1",
        ..Setup::default()
    })?;
    machine.controller.add_disk(0, 0, Disk::memory(16 << 20)?)?;
    machine.load_until("sda")?;
    let instance = machine.controller.config().instance;
    wait_until("two channels are open", SOON, || {
        machine.server.status().open_channels(instance) == 2
    })?;
    machine.sh("[ \"$(cat /sys/bus/vmbus/devices/*/channels/*/cpu | sort -u)\" = 0 ]")?;
    machine.sh(READ_DISK)?;
    machine.end()
}

/// The bus is found by its name in the firmware's tables.
pub fn alias(lab: &Lab) -> Result<()> {
    let mut machine = lab.boot(Setup::default())?;
    machine.controller.add_disk(0, 0, Disk::memory(16 << 20)?)?;
    machine
        .sh("modprobe \"$(cat /sys/bus/acpi/devices/VMBUS*/modalias)\" && [ -d /sys/bus/vmbus ]")?;
    // Of the two drivers with that alias, the C one does not load.
    machine.run("modprobe \"$(cat /sys/bus/vmbus/devices/*/modalias)\"")?;
    machine.until(READ_DISK, "the disk works")?;
    machine.unload()?;
    machine.end()
}
