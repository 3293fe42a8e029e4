// SPDX-License-Identifier: GPL-2.0

//! Tasklets: work that a hard interrupt handler leaves to the softirq that follows it, on the same
//! CPU. Compared to a work item on `system_bh_wq` it costs a bit and a list entry.
//!
//! C header: [`include/linux/interrupt.h`](srctree/include/linux/interrupt.h)

use kernel::{
    prelude::*,
    types::Opaque, //
};

use crate::bindings;

/// An object with a tasklet in it.
///
/// # Safety
///
/// `TASKLET_OFFSET` is the offset of a field of type [`Tasklet`].
pub(crate) unsafe trait HasTasklet: Sized + Sync {
    /// Where in the object its tasklet is.
    const TASKLET_OFFSET: usize;

    /// The work. Never runs twice at once for one object.
    fn run(&self);
}

/// A tasklet, embedded in the object that it works on.
#[pin_data]
#[repr(transparent)]
pub(crate) struct Tasklet {
    #[pin]
    inner: Opaque<bindings::tasklet_struct>,
}

// SAFETY: Scheduling and killing a tasklet is allowed on any CPU.
unsafe impl Send for Tasklet {}

// SAFETY: The state of a tasklet is changed by atomic operations only.
unsafe impl Sync for Tasklet {}

impl Tasklet {
    /// Makes the tasklet of an object of type `T`.
    pub(crate) fn new<T: HasTasklet>() -> impl PinInit<Self> {
        pin_init!(Self {
            inner <- Opaque::ffi_init(|slot: *mut bindings::tasklet_struct| {
                // SAFETY: `slot` is valid for writing a `struct tasklet_struct` and stays in place.
                unsafe { bindings::tasklet_setup(slot, Some(Self::callback::<T>)) };
            }),
        })
    }

    /// Has the work run soon on this CPU, unless it is already about to. Callable in any context.
    ///
    /// # Safety
    ///
    /// The object that embeds the tasklet is of the type that [`new`](Self::new) was called for,
    /// and lives until [`kill`](Self::kill) has returned after the last call of this.
    pub(crate) unsafe fn schedule(&self) {
        // SAFETY: `inner` is an initialised tasklet, which by the requirements lives until killed.
        unsafe { bindings::hv_rust_tasklet_schedule(self.inner.get()) };
    }

    /// Waits for a run that is scheduled or under way. May sleep.
    pub(crate) fn kill(&self) {
        // SAFETY: `inner` is an initialised tasklet.
        unsafe { bindings::tasklet_kill(self.inner.get()) };
    }

    /// Does the work of a tasklet.
    ///
    /// # Safety
    ///
    /// `tasklet` is in an object of type `T`, which lives until it is killed.
    unsafe extern "C" fn callback<T: HasTasklet>(tasklet: *mut bindings::tasklet_struct) {
        // SAFETY: By the requirements, and those of the trait: the C structure is all of a `Tasklet`.
        let this = unsafe { tasklet.byte_sub(T::TASKLET_OFFSET).cast::<T>() };
        // SAFETY: By the requirements the object is alive, and `T` is `Sync`.
        unsafe { &*this }.run();
    }
}
