// SPDX-License-Identifier: GPL-2.0

//! The driver loaded and unloaded many times while it is used.

use std::time::Duration;

use anyhow::{Result, ensure};
use vmbus_host::net::CardConfig;

use super::{card, setup};
use crate::machine::{Driver, Lab};
use crate::memory::InUse;

/// What may be in use more after all rounds; a leak of the receive buffer would be 16 MB a round.
const MAY_GROW_KB: i64 = 8 << 10;

/// As often as `count` says.
pub fn reload(lab: &Lab, count: u64) -> Result<()> {
    let card = card(CardConfig::default());
    let mut machine = lab.boot(setup(1, std::slice::from_ref(&card)))?;
    let module = lab.driver.netvsc();
    let bus = match lab.driver {
        Driver::C => "true",
        Driver::Rust => "retry rmmod hv_vmbus_rust",
    };
    let retry = "retry() { n=0; until \"$@\" 2>/dev/null; do n=$((n+1)); [ $n -gt 400 ] && return 1; usleep 25000; done; }";
    let mac = card
        .config()
        .mac
        .map(|byte| format!("{byte:02x}"))
        .join(":");
    // The load is killed by the interface's end, not by the script's.
    let round = format!(
        "modprobe {module} && retry grep -q {mac} /sys/class/net/*/address && eth=$(grep -l {mac} /sys/class/net/*/address | cut -d/ -f5) && \
         /bin/ip link set $eth up && /bin/ip addr add 10.0.0.15/24 dev $eth && retry ping -c 1 -W 2 10.0.0.1 >/dev/null && \
         {{ wget -q -T 5 -O /dev/null http://10.0.0.1/bytes/1000000000 & nc -w 5 10.0.0.1 9 </dev/zero >/dev/null & }} && \
         usleep 100000 && retry rmmod {module} && {bus} && {{ killall wget nc; true; }} || exit 1"
    );
    let rounds =
        |count: u64| format!("{retry}; for i in $(seq {count}); do {round}; done >/dev/null 2>&1");
    machine.sh_for(&rounds(2), Duration::from_secs(200))?;
    let in_use = InUse::look(&mut machine)?;
    let initialized = card.stats().initialized;
    machine.sh_for(&rounds(count), Duration::from_secs(3600))?;
    in_use.ensure_grown_less(MAY_GROW_KB, &mut machine)?;
    let rounds = card.stats().initialized - initialized;
    ensure!(rounds == count, "the card was initialized {rounds} times");
    ensure!(card.version().is_none(), "the card is still in use");
    machine.end()
}
