// SPDX-License-Identifier: GPL-2.0

//! Random reads and writes by fio, every block verified, on several processors and channels.

use std::time::Duration;

use anyhow::{Result, ensure};
use vmbus_host::scsi::{ControllerConfig, Disk};

use crate::machine::{Lab, Setup};

/// Sized by operations: what one costs depends on the machine.
const OPERATIONS: u32 = 400;

/// `channels` is what the host allows; a guest opens no more than it has processors.
pub fn verify(lab: &Lab, cpus: u32, channels: u16) -> Result<()> {
    let controller = ControllerConfig {
        max_sub_channels: channels - 1,
        ..ControllerConfig::default()
    };
    let instance = controller.instance;
    let mut machine = lab.boot(Setup {
        cpus,
        controller,
        extras: &["fio"],
        ..Setup::default()
    })?;
    machine
        .controller
        .add_disk(0, 0, Disk::memory(256 << 20)?)?;
    machine.load_until("sda")?;

    let expected = usize::from(channels).min(cpus as usize);
    let opened = machine.server.wait_for(
        |bus| bus.open_channels(instance) == expected,
        Duration::from_secs(20),
    );
    ensure!(
        opened,
        "the guest opened {} channels, not {expected}",
        machine.server.status().open_channels(instance)
    );

    for (bs, operations) in [("4k", OPERATIONS), ("4k-256k", OPERATIONS / 4)] {
        let command = format!(
            "LD_LIBRARY_PATH=/usr/lib/x86_64-linux-gnu/ceph fio --name=verify --filename=/dev/sda --direct=1 \
             --ioengine=libaio --iodepth=16 --rw=randrw --bsrange={bs} --numjobs={cpus} --cpus_allowed_policy=split \
             --cpus_allowed=0-{} --offset_increment=32m --size=32m --number_ios={operations} --verify=crc32c \
             --verify_fatal=1 --randseed=7 --group_reporting --minimal",
            cpus - 1,
            bs = if bs.contains('-') {
                bs.to_owned()
            } else {
                format!("{bs}-{bs}")
            },
        );
        machine.sh_for(&command, Duration::from_secs(300))?;
    }
    let requests = machine.controller.requests();
    let used = requests.iter().filter(|&&requests| requests > 0).count();
    ensure!(
        used == expected,
        "{used} of {expected} channels carried requests: {requests:?}"
    );
    machine.end()
}
