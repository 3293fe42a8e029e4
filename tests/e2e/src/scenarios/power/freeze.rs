// SPDX-License-Identifier: GPL-2.0

//! A guest whose devices go through what hibernation does to them, without its being switched off.

use anyhow::{Result, ensure};
use vmbus_host::ic::kvp::Pool;

use super::{Disks, Guest, LONG, SOON};
use crate::machine::Lab;

/// What the kernel is to do, and how often the host sees the channels opened for it.
const ROUNDS: [(&str, &str, u64); 4] = [
    // Another kind of sleep, from which devices of the bus wake the system up.
    ("platform", "freeze", 0),
    // Devices are stopped and go on.
    ("platform", "platform", 1),
    // The same, and processors go off-line and come back, and system devices are stopped.
    ("core", "platform", 1),
    // Memory is saved and restored: devices are stopped for a snapshot, go on to save that, and are
    // stopped again to be as they were.
    ("none", "test_resume", 2),
];

/// Files are written and a connection is open all the while; none of it notices more than a pause.
pub fn freeze(lab: &Lab) -> Result<()> {
    let disks = Disks::new(lab)?;
    let mut guest = Guest::boot(lab, &disks)?;
    guest.begin()?;
    for (level, mode, opens) in ROUNDS {
        let before = guest.opens();
        guest.machine.sh(LOAD)?;
        guest
            .machine
            .until("grep -qx 9 /mnt/received", "the connection carries data")?;
        let unloads = guest.machine.server.status().unloads;
        guest.machine.sh_for(&sleep(level, mode), LONG)?;
        let unloads = guest.machine.server.status().unloads - unloads;
        ensure!(
            unloads == opens,
            "{level}: the bus was unloaded {unloads} times"
        );
        guest.machine.sh_for(
            "touch /tmp/enough; n=0; while [ ! -e /tmp/result ]; do n=$((n+1)); [ $n -gt 900 ] && exit 1; usleep 100000; done; cat /tmp/result; grep -qx fine /tmp/result",
            LONG,
        )?;
        guest.works()?;
        for (link, (before, after)) in before.iter().zip(guest.opens()).enumerate() {
            ensure!(
                after == before + opens,
                "{level}: service {link} was opened {} times",
                after - before
            );
        }
    }
    interrupted(&mut guest)?;
    guest.machine.end()
}

/// File systems are frozen for a snapshot, and a daemon is busy: they are thawed, and services work.
///
/// The kernel freezes file systems itself too: where it does not, it thaws them all the same, and
/// warns of one that is frozen by somebody else (`filesystems_thaw`, Linux 7.3).
fn interrupted(guest: &mut Guest) -> Result<()> {
    guest.machine.sh("echo 1 >/sys/power/freeze_filesystems")?;
    guest.services.vss.freeze(SOON)?;
    guest.machine.sh("killall -STOP hv_kvp_daemon")?;
    let kvp = guest.services.kvp.clone();
    let asked = kvp.begin_enumerate(Pool::Auto, 0, SOON)?;
    guest.machine.sh_for(&sleep("platform", "platform"), LONG)?;
    let answer = kvp.link().finish(asked, SOON);
    ensure!(answer.is_err(), "a sleeping daemon answered: {answer:?}");
    guest.machine.sh("killall -CONT hv_kvp_daemon")?;
    guest.machine.sh("date >/mnt/thawed && sync")?;
    guest.works()
}

/// The command that has the kernel sleep in this mode, as far as this level.
pub(super) fn sleep(level: &str, mode: &str) -> String {
    let begin = match mode {
        "freeze" => "echo freeze >/sys/power/state".to_owned(),
        mode => format!("echo {mode} >/sys/power/disk && echo disk >/sys/power/state"),
    };
    format!("echo {level} >/sys/power/pm_test && {begin}")
}

/// In the background until `/tmp/enough` is there: numbers go over one connection and come back, all
/// the while being written to the disk. `/tmp/result` is what came of it.
const LOAD: &str = "rm -f /tmp/enough /tmp/result /mnt/sent /mnt/received; \
    (((n=0; while [ ! -e /tmp/enough ]; do n=$((n+1)); echo $n; usleep 20000; done; \
       echo awake; until grep -q awake /mnt/received; do usleep 20000; done) | tee /mnt/sent | nc 10.0.0.1 7 >/mnt/received; \
     sync; echo 3 >/proc/sys/vm/drop_caches; \
     if cmp /mnt/sent /mnt/received; then echo fine; else ls -l /mnt; fi >/tmp/result.new 2>&1; mv /tmp/result.new /tmp/result) >/dev/null 2>&1 &)";
