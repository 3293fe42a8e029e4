// SPDX-License-Identifier: GPL-2.0

//! What the driver logs of failed commands, by its parameter `logging_level`.

use anyhow::{Context as _, Result, ensure};
use vmbus_host::scsi::{Fault, Injection, Sense};

use super::{FIRST_DISK, TEST_UNIT_READY};
use crate::machine::Machine;

/// An unknown command; the host refuses it.
const UNKNOWN: &str = "none 0 c1 0 0 0 0 0";
const TEST: &str = "none 0 0 0 0 0 0 0";

/// For each level: how many lines an unknown command costs, TEST UNIT READY that fails, and their
/// sense data.
const LEVELS: [(u32, [usize; 3]); 3] = [(0, [0, 0, 0]), (1, [1, 0, 0]), (2, [1, 1, 2])];

/// The level may be changed at any time.
pub fn levels(machine: &mut Machine) -> Result<()> {
    let unit = machine.controller.unit(0, 0).context("the disk")?;
    let disk = machine.sh(&format!("ls {FIRST_DISK}"))?;
    let parameter = format!(
        "/sys/module/{}/parameters/logging_level",
        machine.driver.storvsc()
    );
    for (level, expected) in LEVELS {
        machine.sh(&format!("echo {level} >{parameter}; dmesg -c >/dev/null"))?;
        machine.sh(&format!("scsi-tool command /dev/{disk} {UNKNOWN}"))?;
        unit.inject(Injection::new(Fault::Check(Sense::READ_ERROR)).only(TEST_UNIT_READY));
        machine.sh(&format!("scsi-tool command /dev/{disk} {TEST}"))?;
        let log = machine.sh("dmesg")?;
        let count = |what: &str| log.lines().filter(|line| line.contains(what)).count();
        let found = [
            count("cmd 0xc1 status: scsi 0x2 srb 0x86 host 0xc0000001"),
            count("cmd 0x0 status: scsi 0x2 srb 0x84 host 0xc0000001"),
            count("storvsc] Sense Key"),
        ];
        ensure!(
            found == expected,
            "level {level}: {found:?} lines, not {expected:?}:\n{log}"
        );
        let named = log
            .lines()
            .filter(|line| line.contains(" status: scsi "))
            .all(|line| line.contains("hv_storvsc ") && line.contains(": tag#"));
        ensure!(named, "the lines do not say what they are about:\n{log}");
    }
    machine.sh(&format!("echo 1 >{parameter}"))?;
    Ok(())
}
