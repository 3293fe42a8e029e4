// SPDX-License-Identifier: GPL-2.0

//! Hibernation: when the bus suspends and resumes, and when the delivery on the last CPU does.
//!
//! The bus suspends after the devices on it, which are suspended without interrupts of devices, and
//! resumes before them. The interrupt by which the host gets attention is not one of those, so that
//! everything works as ever. In between all CPUs but the first are offline, and their delivery is off like that
//! of any CPU that is offline; that of the first is switched off and on with interrupts disabled.
//!
//! Other kinds of sleep leave the bus alone: from suspend-to-idle it is devices of the bus that wake
//! the system up.
//!
//! C headers: [`include/linux/pm.h`](srctree/include/linux/pm.h),
//! [`include/linux/syscore_ops.h`](srctree/include/linux/syscore_ops.h)

use core::{
    marker::PhantomData,
    pin::Pin, //
};

use kernel::{
    cpu::CpuId,
    error::from_result,
    prelude::*,
    types::Opaque, //
};

use super::{
    interrupt::{
        cpus_in_process_context,
        with_cpus, //
    },
    synic,
    Sink, //
};
use crate::bindings;

/// What sleeps.
pub(crate) trait Sleeper: Sink {
    /// The system is about to hibernate. May sleep.
    ///
    /// # Errors
    ///
    /// Any error keeps it from that.
    fn suspend(&self) -> Result;

    /// The system goes on. May sleep.
    ///
    /// # Errors
    ///
    /// They are logged.
    fn resume(&self) -> Result;
}

/// The callbacks for a sleeper of type `S`.
pub(super) struct Callbacks<S>(PhantomData<fn(S)>);

impl<S: Sleeper> Callbacks<S> {
    /// Those of the root device's driver.
    pub(super) const DRIVER: bindings::dev_pm_ops = bindings::dev_pm_ops {
        freeze_noirq: Some(Self::suspend),
        poweroff_noirq: Some(Self::suspend),
        thaw_noirq: Some(Self::resume),
        restore_noirq: Some(Self::resume),
        ..pin_init::zeroed()
    };

    const SYSTEM: bindings::syscore_ops = bindings::syscore_ops {
        suspend: Some(Self::suspend_cpu),
        resume: Some(Self::resume_cpu),
        ..pin_init::zeroed()
    };

    extern "C" fn suspend(_: *mut bindings::device) -> c_int {
        from_result(|| {
            if let Some(cpus) = cpus_in_process_context::<S>() {
                cpus.sink().suspend()?;
            }
            Ok(0)
        })
    }

    extern "C" fn resume(_: *mut bindings::device) -> c_int {
        from_result(|| {
            if let Some(cpus) = cpus_in_process_context::<S>() {
                cpus.sink().resume()?;
            }
            Ok(0)
        })
    }

    extern "C" fn suspend_cpu(_: *mut c_void) -> c_int {
        synic::disable();
        0
    }

    extern "C" fn resume_cpu(_: *mut c_void) {
        with_cpus::<S, _>(|cpus, _reader| cpus.enable(CpuId::current().as_u32()));
    }
}

/// The registration of what is done with interrupts disabled.
pub(crate) struct SystemSleep(Pin<KBox<Opaque<bindings::syscore>>>);

// SAFETY: The structure may be unregistered by any task.
unsafe impl Send for SystemSleep {}

// SAFETY: There is nothing to do with a shared reference.
unsafe impl Sync for SystemSleep {}

impl SystemSleep {
    /// Registers the callbacks.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn register<S: Sleeper>() -> Result<Self> {
        let operations: &'static _ = &Callbacks::<S>::SYSTEM;
        let mut system: bindings::syscore = pin_init::zeroed();
        system.ops = operations;
        let system = KBox::pin(Opaque::new(system), GFP_KERNEL)?;
        // SAFETY: The structure stays in place until `drop` has unregistered it.
        unsafe { bindings::register_syscore(system.get()) };
        Ok(Self(system))
    }
}

impl Drop for SystemSleep {
    fn drop(&mut self) {
        // SAFETY: `register` has registered it.
        unsafe { bindings::unregister_syscore(self.0.get()) };
    }
}
