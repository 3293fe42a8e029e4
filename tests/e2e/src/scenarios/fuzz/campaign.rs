// SPDX-License-Identifier: GPL-2.0

//! Guest after guest, each with a seed of its own, for as long as was asked for.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use vmbus_host::fault::{Plan, Tally, Target};

use super::guest::Guest;
use crate::machine::Lab;

/// How long one guest is attacked.
const PER_GUEST: Duration = Duration::from_secs(300);

/// Runs for `FUZZ_TIME` seconds. The first guest's plan is `FUZZ_PLAN` (see [`Plan`]), or that of a seed
/// from the clock; the others' seeds follow.
pub fn campaign(lab: &Lab) -> Result<()> {
    let seconds = setting("FUZZ_TIME")?.unwrap_or(600);
    let mut plan = setting("FUZZ_PLAN")?.unwrap_or_else(|| Plan::new(clock()));
    let end = Instant::now() + Duration::from_secs(seconds);
    let (mut total, mut guests, mut findings) = (Tally::default(), 0, Vec::new());
    while Instant::now() < end {
        guests += 1;
        let limit = PER_GUEST.min(end.saturating_duration_since(Instant::now()));
        let mut reached = Tally::default();
        let result = one(lab, &plan, limit, &mut reached);
        total += reached;
        println!("        guest {guests}, plan {plan}: {reached}");
        if let Err(error) = result {
            let error = format!("{error:#}");
            let kept = lab.log(&format!("console-{}", plan.seed));
            let _ = std::fs::copy(lab.log("console"), kept);
            println!("        FINDING with plan {plan}: {error}");
            findings.push(plan.to_string());
        }
        plan.seed += 1;
    }
    println!("        {guests} guests; {total}");
    for target in Target::ALL {
        println!("        changed for {target}: {}", total.spoilt(target));
    }
    ensure!(
        findings.is_empty(),
        "{} findings, with the plans\n{}",
        findings.len(),
        findings.join("\n")
    );
    Ok(())
}

fn one(lab: &Lab, plan: &Plan, limit: Duration, reached: &mut Tally) -> Result<()> {
    let mut guest = Guest::boot(lab)?;
    guest.attack(plan.clone(), limit, reached, |_| false)?;
    guest.recovers().context("after the attack")?;
    guest.end()
}

/// A setting from the environment.
fn setting<T: std::str::FromStr>(name: &str) -> Result<Option<T>>
where
    T::Err: std::fmt::Display,
{
    let Ok(text) = std::env::var(name) else {
        return Ok(None);
    };
    match text.parse() {
        Ok(value) => Ok(Some(value)),
        Err(error) => anyhow::bail!("{name}: {error}"),
    }
}

fn clock() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs())
}
