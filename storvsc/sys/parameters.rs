// SPDX-License-Identifier: GPL-2.0

//! The parameters of the module.
//!
//! They are defined in `helpers.c`, because parameters of Rust modules do not appear in sysfs.
//! Whatever a user gives is brought into a range that makes sense here.

use vmbus::bindings;

/// What to log of failed commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Errors.
    Error = 1,
    /// Also what is expected to fail at times.
    Warning = 2,
}

macro_rules! read {
    ($name:ident) => {
        // SAFETY: The variable is always there; sysfs may change it at any time, hence the
        // volatile read.
        unsafe { (&raw const bindings::$name).read_volatile() }
    };
}

/// Whether to log at this level.
pub(crate) fn is_logged(level: Level) -> bool {
    // CAST: The discriminants are what users give.
    read!(hv_rust_storvsc_logging_level) >= level as i32
}

/// The size of the payload of each ring, in bytes.
pub(crate) fn ring_payload() -> usize {
    const SMALLEST: usize = 16 << 10;
    const LARGEST: usize = 16 << 20;

    usize::try_from(read!(hv_rust_storvsc_ring_size))
        .map_or(SMALLEST, |bytes| bytes.clamp(SMALLEST, LARGEST))
}

/// The most hardware queues of a host; [`None`] for as many as there are CPUs.
pub(crate) fn max_hw_queues() -> Option<u32> {
    Some(read!(hv_rust_storvsc_max_hw_queues)).filter(|&queues| queues != 0)
}

/// Forgets the limit on hardware queues.
pub(crate) fn reset_max_hw_queues() {
    // SAFETY: The variable is always there, and sysfs changes it in the same way.
    unsafe { (&raw mut bindings::hv_rust_storvsc_max_hw_queues).write_volatile(0) };
}

/// For how many CPUs there is to be a sub-channel.
pub(crate) fn cpus_per_sub_channel() -> u32 {
    u32::try_from(read!(hv_rust_storvsc_vcpus_per_sub_channel)).map_or(1, |cpus| cpus.max(1))
}

/// The percentage of a ring that must be free for another request, if there is a choice.
pub(crate) fn low_water() -> u32 {
    u32::try_from(read!(hv_rust_storvsc_ring_low_water)).map_or(0, |percent| percent.min(99))
}
