// SPDX-License-Identifier: GPL-2.0

//! A coarse but free way to tell whether something takes too long.
//!
//! C header: [`include/linux/jiffies.h`](srctree/include/linux/jiffies.h)

use kernel::{
    prelude::*,
    time::{
        msecs_to_jiffies,
        Msecs, //
    }, //
};
use vmbus::bindings;

/// A period, in ticks of the timer.
#[derive(Clone, Copy)]
pub(crate) struct Period(c_ulong);

impl Period {
    /// This long, rounded up.
    pub(crate) fn new(time: Msecs) -> Self {
        Self(msecs_to_jiffies(time))
    }
}

/// A point in time, good for short periods.
#[derive(Clone, Copy)]
pub(crate) struct Deadline(c_ulong);

impl Deadline {
    /// The point in time that is this far from now.
    #[inline]
    pub(crate) fn after(period: Period) -> Self {
        Self(now().wrapping_add(period.0))
    }

    /// Whether the deadline is over.
    #[inline]
    pub(crate) fn is_over(self) -> bool {
        let late = now().wrapping_sub(self.0);
        late != 0 && late <= c_ulong::MAX / 2
    }
}

#[inline]
fn now() -> c_ulong {
    // SAFETY: The counter is always there; it changes at any time, hence the volatile read.
    unsafe { (&raw const bindings::jiffies).read_volatile() }
}
