// SPDX-License-Identifier: GPL-2.0

//! How fast the processor's time stamp counter runs.

use std::arch::x86_64::_rdtsc;
use std::thread;
use std::time::{Duration, Instant};

/// How long it is watched.
const INTERVAL: Duration = Duration::from_millis(200);
/// How often counter and clock are read to find one reading that nothing came between.
const READINGS: usize = 100;

/// The frequency in kHz, as the clock of this machine has it.
pub fn tsc_khz() -> u64 {
    let (first, begin) = reading();
    thread::sleep(INTERVAL);
    let (last, end) = reading();
    let ticks = u128::from(last.wrapping_sub(first));
    let khz = ticks * 1_000_000 / (end - begin).as_nanos().max(1);
    u64::try_from(khz).unwrap_or(u64::MAX)
}

/// The counter at a time: of several readings the one that took least.
fn reading() -> (u64, Instant) {
    let once = |_| {
        let before = counter();
        let now = Instant::now();
        (counter().wrapping_sub(before), before, now)
    };
    let (took, before, now) = (0..READINGS)
        .map(once)
        .min_by_key(|(took, ..)| *took)
        .unwrap_or_else(|| once(0));
    (before.wrapping_add(took / 2), now)
}

fn counter() -> u64 {
    // SAFETY: Every x86-64 processor has the instruction, and Linux lets programs use it.
    unsafe { _rdtsc() }
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_runs_evenly() {
        let (one, other) = (super::tsc_khz(), super::tsc_khz());
        assert!((100_000..10_000_000).contains(&one), "{one} kHz");
        assert!(one.abs_diff(other) < one / 1000, "{one} and {other} kHz");
    }
}
