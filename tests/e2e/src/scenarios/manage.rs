// SPDX-License-Identifier: GPL-2.0

//! What an administrator does to channels, processors and drivers through sysfs, under load.

use std::time::Duration;

use anyhow::{Result, ensure};
use vmbus_host::scsi::{ControllerConfig, Disk};

use crate::machine::{Lab, Machine, Setup};

const SOON: Duration = Duration::from_secs(30);
const LOAD: &str = "(while dd if=/dev/sda of=/dev/null bs=4k count=4000 iflag=direct; do :; done >/dev/null 2>&1 &)";

/// Channels moved, a processor taken away and given back, and the data still comes.
pub fn channels(lab: &Lab) -> Result<()> {
    let controller = ControllerConfig {
        max_sub_channels: 1,
        ..ControllerConfig::default()
    };
    let instance = controller.instance;
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
    machine.sh(LOAD)?;

    let device = format!(
        "/sys/bus/vmbus/devices/{}",
        machine.sh("ls /sys/bus/vmbus/devices")?
    );
    let sub = machine.sh(&format!(
        "cd {device}/channels; grep -lx 1 */subchannel_id | cut -d/ -f1"
    ))?;
    for cpu in [0, 1, 0, 1] {
        machine.sh(&format!("echo {cpu} >{device}/channels/{sub}/cpu"))?;
        machine.sh(&format!("grep -qx {sub}:{cpu} {device}/channel_vp_mapping"))?;
        let moved = |vp: Option<u32>| vp == Some(cpu);
        let told = machine.server.wait_for(
            |bus| {
                bus.channel(instance, 1)
                    .is_some_and(|channel| moved(channel.target_vp))
            },
            SOON,
        );
        ensure!(
            told,
            "the host was not told of processor {cpu}: {:?}",
            machine.server.status()
        );
    }
    for wrong in ["2", "99999", "x", ""] {
        let written = machine.run(&format!("echo '{wrong}' >{device}/channels/{sub}/cpu"))?;
        ensure!(written.status != 0, "processor '{wrong}' is accepted");
    }

    machine.sh("echo 0 >/sys/devices/system/cpu/cpu1/online")?;
    machine.sh(&format!("grep -qx {sub}:0 {device}/channel_vp_mapping"))?;
    reads(&mut machine)?;
    machine.sh("echo 1 >/sys/devices/system/cpu/cpu1/online")?;
    machine.sh(&format!("echo 1 >{device}/channels/{sub}/cpu"))?;
    reads(&mut machine)?;
    machine.end()
}

/// Drivers bound, unbound, overridden, and given other identities.
pub fn drivers(lab: &Lab) -> Result<()> {
    let mut machine = lab.boot(Setup::default())?;
    machine.controller.add_disk(0, 0, Disk::memory(16 << 20)?)?;
    machine.load_until("sda")?;
    let device = machine.sh("ls /sys/bus/vmbus/devices")?;
    let bus = "/sys/bus/vmbus";
    let driver = format!("{bus}/drivers/hv_storvsc");

    machine.sh(&format!(
        "echo {device} >{driver}/unbind && test ! -e {bus}/devices/{device}/driver"
    ))?;
    machine.until("! ls -d /sys/block/sd?", "the disk goes away")?;
    machine.sh(&format!(
        "echo other >{bus}/devices/{device}/driver_override"
    ))?;
    let bound = machine.run(&format!("echo {device} >{driver}/bind"))?;
    ensure!(
        bound.status != 0,
        "a driver is bound although another one is asked for"
    );
    machine.sh(&format!(
        "echo >{bus}/devices/{device}/driver_override; echo {device} >{driver}/bind"
    ))?;
    machine.until("[ -b /dev/sda ]", "the disk comes back")?;

    let id = "11111111-2222-3333-4444-555555555555";
    machine.sh(&format!("echo {id} >{driver}/new_id"))?;
    ensure!(
        machine.run(&format!("echo {id} >{driver}/new_id"))?.status != 0,
        "an identity is taken twice"
    );
    ensure!(
        machine
            .run(&format!("echo nonsense >{driver}/new_id"))?
            .status
            != 0,
        "nonsense is an identity"
    );
    machine.sh(&format!("echo {id} >{driver}/remove_id"))?;
    ensure!(
        machine
            .run(&format!("echo {id} >{driver}/remove_id"))?
            .status
            != 0,
        "an identity is removed twice"
    );

    let alias = machine.sh(&format!("cat {bus}/devices/{device}/modalias"))?;
    machine.sh(&format!(
        "modprobe --help >/dev/null 2>&1; grep -q 'alias {alias} ' /lib/modules/*/modules.alias"
    ))?;
    machine.end()
}

fn reads(machine: &mut Machine) -> Result<()> {
    machine.sh("for cpu in 0 1; do taskset $((1 << cpu)) dd if=/dev/sda of=/dev/null bs=4k count=8 iflag=direct || \
                [ $cpu = 1 ] || exit 1; done")?;
    Ok(())
}
