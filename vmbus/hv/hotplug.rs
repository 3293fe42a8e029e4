// SPDX-License-Identifier: GPL-2.0

//! Callbacks for CPUs that go online and offline.
//!
//! C header: [`include/linux/cpuhotplug.h`](srctree/include/linux/cpuhotplug.h)

use core::marker::PhantomData;

use kernel::{
    error::{
        from_result,
        to_result, //
    },
    prelude::*,
};

use crate::bindings;

/// What is done when a CPU comes and goes. Both run on that CPU and may sleep.
pub(crate) trait Callbacks {
    /// `cpu` came online.
    ///
    /// # Errors
    ///
    /// Any error keeps the CPU offline.
    fn online(cpu: u32) -> Result;

    /// `cpu` is about to go offline.
    ///
    /// # Errors
    ///
    /// Any error keeps the CPU online. When the registration ends there must be none.
    fn offline(cpu: u32) -> Result;
}

/// A registration of callbacks. All CPUs count as coming when it is made and going when it ends.
pub(crate) struct Hotplug<C: Callbacks> {
    state: bindings::cpuhp_state,
    _callbacks: PhantomData<fn(C)>,
}

impl<C: Callbacks> Hotplug<C> {
    /// Registers the callbacks and runs `online` on each CPU that is.
    ///
    /// # Errors
    ///
    /// `ENOSPC` when there are too many registrations; what `online` returned.
    pub(crate) fn new(name: &'static CStr) -> Result<Self> {
        // SAFETY: The name and the callbacks are there until `drop` removes them.
        let state = unsafe {
            bindings::__cpuhp_setup_state(
                bindings::cpuhp_state_CPUHP_AP_ONLINE_DYN,
                name.as_char_ptr(),
                true,
                Some(Self::online_callback),
                Some(Self::offline_callback),
                false,
            )
        };
        to_result(state.min(0))?;
        Ok(Self {
            // CAST: Not negative, as the last line checked.
            state: state as bindings::cpuhp_state,
            _callbacks: PhantomData,
        })
    }

    extern "C" fn online_callback(cpu: u32) -> c_int {
        from_result(|| C::online(cpu).map(|()| 0))
    }

    extern "C" fn offline_callback(cpu: u32) -> c_int {
        from_result(|| C::offline(cpu).map(|()| 0))
    }
}

impl<C: Callbacks> Drop for Hotplug<C> {
    fn drop(&mut self) {
        // SAFETY: `new` set the state up.
        unsafe { bindings::__cpuhp_remove_state(self.state, true) };
    }
}
