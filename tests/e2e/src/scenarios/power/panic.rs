// SPDX-License-Identifier: GPL-2.0

//! A guest that crashes.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use vmbus_host::scsi::{ControllerConfig, Disk};
use vmbus_host::vmm::ExitReason;

use crate::kernel_log;
use crate::machine::{Lab, Setup, wait_until};

/// How long a guest may take to end.
const SOON: Duration = Duration::from_secs(120);

/// Under load, on the processor that the host does not send messages to: the host is told that the
/// bus is not used any more, once, before the guest resets itself.
pub fn panic(lab: &Lab) -> Result<()> {
    let mut machine = lab.boot(Setup {
        cpus: 2,
        controller: ControllerConfig {
            max_sub_channels: 1,
            ..ControllerConfig::default()
        },
        ..Setup::default()
    })?;
    machine.controller.add_disk(0, 0, Disk::memory(16 << 20)?)?;
    machine.load_until("sda")?;
    machine.sh("(while dd if=/dev/sda of=/dev/null bs=4k count=2000 iflag=direct; do :; done >/dev/null 2>&1 &)")?;
    let requests = || machine.controller.requests().iter().sum::<u64>();
    let before = requests();
    wait_until("the load starts", SOON, || requests() > before + 50)?;
    machine.crash()?;

    let reason = machine.vm.wait_timeout(SOON);
    ensure!(
        reason == Some(ExitReason::Reset),
        "the guest did not reset itself: {reason:?}"
    );
    let unloads = machine.server.status().unloads;
    ensure!(unloads == 1, "the bus was unloaded {unloads} times");
    ensure!(
        machine.vm.crash().is_some(),
        "the guest did not report the crash"
    );
    let violations = machine.server.violations();
    ensure!(violations.is_empty(), "violations: {violations:?}");
    let console = machine.vm.console().text();
    let reports: Vec<_> = console
        .lines()
        .filter(|line| kernel_log::fault(line).is_some())
        .collect();
    match reports[..] {
        [only] if only.contains("Kernel panic - not syncing: sysrq triggered crash") => Ok(()),
        _ => bail!("the kernel's log has other reports: {reports:?}"),
    }
}
