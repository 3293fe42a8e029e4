// SPDX-License-Identifier: GPL-2.0

//! The guest's clock, and the hypervisor's reference counter.
//!
//! C headers: [`include/linux/timekeeping.h`](srctree/include/linux/timekeeping.h),
//! [`include/asm-generic/mshyperv.h`](srctree/include/asm-generic/mshyperv.h)

use kernel::{
    error::to_result,
    prelude::*, //
};
use vmbus::bindings;

const NS_PER_SECOND: i64 = 1_000_000_000;

/// The hypervisor's reference counter: units of 100 ns since the guest was started. Callable from
/// any context.
pub(crate) fn reference_counter() -> u64 {
    // SAFETY: The function that this calls was chosen when the machine was started.
    unsafe { bindings::hv_rust_util_reference_counter() }
}

/// What time it is to the guest, in nanoseconds since 1970. Callable from any context but an NMI.
pub(crate) fn wall_clock() -> i64 {
    let mut time = bindings::timespec64::default();
    // SAFETY: The function writes to the structure.
    unsafe { bindings::ktime_get_real_ts64(&mut time) };
    nanoseconds(&time)
}

/// Sets the guest's clock to a time in nanoseconds since 1970. May sleep.
///
/// # Errors
///
/// `EINVAL` for a time before 1970, or so late that the clock would end too soon.
pub(crate) fn set_wall_clock(time: i64) -> Result {
    let time = timespec(time);
    // SAFETY: The function reads the structure. There is no time zone.
    to_result(unsafe { bindings::do_settimeofday64(&time) })
}

/// A time in nanoseconds as the kernel has it.
pub(super) fn timespec(time: i64) -> bindings::timespec64 {
    bindings::timespec64 {
        tv_sec: time.div_euclid(NS_PER_SECOND),
        // CAST: Less than a second.
        tv_nsec: time.rem_euclid(NS_PER_SECOND) as c_long,
    }
}

fn nanoseconds(time: &bindings::timespec64) -> i64 {
    time.tv_sec
        .saturating_mul(NS_PER_SECOND)
        // CAST: Widening, or nothing.
        .saturating_add(time.tv_nsec as i64)
}
