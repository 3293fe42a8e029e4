// SPDX-License-Identifier: GPL-2.0

//! A mad host, and guests whose drivers are all busy. The drivers may lose what they work on; they must
//! not lose the kernel, must let go of devices that were taken away, and must work again when
//! the host has come to its senses.

mod campaign;
mod guest;

use std::time::Duration;

use anyhow::{Result, ensure};
use vmbus_host::fault::{Plan, Tally, Target};

use crate::machine::Lab;
pub use campaign::campaign;
use guest::Guest;

/// How many changes of each kind the short run makes at least.
const ENOUGH: u64 = 2000;
/// How long it may take for that.
const LIMIT: Duration = Duration::from_secs(600);

/// One guest, a few thousand changes for each driver.
pub fn short(lab: &Lab) -> Result<()> {
    let mut guest = Guest::boot(lab)?;
    let mut reached = Tally::default();
    guest.attack(Plan::new(1), LIMIT, &mut reached, |tally| {
        let mut targets = Target::ALL.iter();
        targets.all(|&target| tally.spoilt(target) >= ENOUGH)
    })?;
    println!("        fuzz/short: {reached}");
    for target in Target::ALL {
        let spoilt = reached.spoilt(target);
        ensure!(
            spoilt >= ENOUGH,
            "only {spoilt} changes for {target} in {} s",
            LIMIT.as_secs()
        );
    }
    guest.recovers()?;
    guest.end()
}
