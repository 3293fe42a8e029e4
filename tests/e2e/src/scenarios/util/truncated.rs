// SPDX-License-Identifier: GPL-2.0

//! Every message cut off at every length.

use anyhow::{Context as _, Result};
use vmbus_host::ic::Link;
use vmbus_host::ic::wire::kind;

use super::malformed::{services, works};
use super::{SOON, Util};
use crate::machine::{Lab, wait_until};

/// How much may be in the ring at once, which has room for 12 KiB.
const BATCH: usize = 8 << 10;

/// What a packet has in the ring beside its payload: header and trailer.
const OVERHEAD: usize = 24;

/// Each costs at most its own answer.
pub fn truncated(lab: &Lab) -> Result<()> {
    let mut util = Util::boot_served(lab)?;
    util.sh("dmesg -n 4")?;
    for (link, bodies) in services(&util) {
        // Three versions of the framework and four of the service, all zero.
        let mut negotiation = [0; 36];
        (negotiation[0], negotiation[2]) = (3, 4);
        every_length(&link, &link.draft(kind::NEGOTIATE, &negotiation))?;
        for body in bodies {
            every_length(&link, &link.draft(link.kind(), &body))?;
        }
    }
    works(&util)?;
    util.end()
}

/// Sends a message as often as it is long, a byte more each time.
fn every_length(link: &Link, whole: &[u8]) -> Result<()> {
    let mut sent = 0;
    for length in 0..whole.len() {
        let _ = link.inject(&whole[..length])?;
        sent += length + OVERHEAD;
        if sent + length + OVERHEAD > BATCH || length + 1 == whole.len() {
            taken(link)
                .with_context(|| format!("service {}, up to {length} bytes", link.kind()))?;
            sent = 0;
        }
    }
    Ok(())
}

/// Waits until the guest has taken everything. Some services of the C driver take one packet for each
/// signal, and several signals may come as one.
fn taken(link: &Link) -> Result<()> {
    wait_until("the guest takes them", SOON, || {
        link.nudge();
        link.is_drained()
    })
}
