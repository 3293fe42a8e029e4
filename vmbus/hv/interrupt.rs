// SPDX-License-Identifier: GPL-2.0

//! The interrupt by which the host gets attention, and the order in which its delivery begins and
//! ends.
//!
//! The kernel's interrupt code calls one handler without arguments, which finds the CPUs through
//! [`Sink::delivery`]. That pointer is read under RCU and cleared before the CPUs are freed.

use kernel::{
    cpu::CpuId,
    error::to_result,
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Full, //
        },
        rcu,
        Arc, //
    },
};

use super::{
    cpus::{
        Cpus,
        Sink, //
    },
    hotplug::{
        Callbacks,
        Hotplug, //
    },
};
use crate::bindings;

/// Runs `work` on the CPUs that deliver to a sink of type `S`, if any.
#[inline]
pub(super) fn with_cpus<S: Sink, R>(work: impl FnOnce(&Cpus<S>, &rcu::Guard) -> R) -> Option<R> {
    let reader = rcu::read_lock();
    let cpus = S::delivery().load(Acquire);
    // SAFETY: A pointer that is not null is to the CPUs of a `Delivery`, which frees them only
    // after a grace period that begins when the pointer is null.
    unsafe { cpus.as_ref() }.map(|cpus| work(cpus, &reader))
}

extern "C" fn handler<S: Sink>() {
    with_cpus::<S, _>(|cpus, reader| {
        if let Some(state) = cpus.state(CpuId::current().as_u32()) {
            state.interrupt(reader);
        }
    });
}

/// The CPUs, for the interrupt handler to find.
struct Delivery<S: Sink>(KBox<Cpus<S>>);

impl<S: Sink> Delivery<S> {
    /// Begins to handle interrupts.
    ///
    /// # Errors
    ///
    /// `EBUSY` when there is a sink of this type already; `ENOMEM`; where the handler runs in
    /// threads (PREEMPT_RT), what making these returned.
    fn new(sink: Arc<S>) -> Result<Self> {
        let cpus = KBox::new(Cpus::new(sink)?, GFP_KERNEL)?;
        let pointer = core::ptr::from_ref(&*cpus).cast_mut();
        S::delivery()
            .cmpxchg(core::ptr::null_mut(), pointer, Full)
            .map_err(|_| EBUSY)?;
        let delivery = Self(cpus);
        // SAFETY: The handler may run at any time until `drop` has removed it: it copes with
        // finding no CPUs. A failure is known to `hv_rust_interrupt_stop`.
        to_result(unsafe { bindings::hv_rust_interrupt_start(Some(handler::<S>)) })?;
        Ok(delivery)
    }
}

impl<S: Sink> Drop for Delivery<S> {
    fn drop(&mut self) {
        // SAFETY: `new` installed the handler, or tried to.
        unsafe { bindings::hv_rust_interrupt_stop() };
        S::delivery().store(core::ptr::null_mut(), kernel::sync::atomic::Release);
        rcu::synchronize_rcu();
        self.0.kill_tasklets();
    }
}

/// The delivery, switched on on each CPU as it comes.
struct PerCpu<S: Sink>(core::marker::PhantomData<fn(S)>);

impl<S: Sink> Callbacks for PerCpu<S> {
    fn online(cpu: u32) -> Result {
        cpus_in_process_context::<S>().ok_or(ENODEV)?.online(cpu)
    }

    fn offline(cpu: u32) -> Result {
        cpus_in_process_context::<S>().ok_or(ENODEV)?.offline(cpu)
    }
}

/// The CPUs, for callbacks that may sleep and so are no RCU readers: those of [`PerCpu`], of
/// hibernation, and of the start of another kernel.
pub(super) fn cpus_in_process_context<'a, S: Sink>() -> Option<&'a Cpus<S>> {
    // SAFETY: The callbacks of `PerCpu` run only while there is a `Hotplug`, which in `Synic` is
    // dropped before the `Delivery` that owns the CPUs. Dropping it waits for callbacks to return.
    // Nobody drops a `Delivery` while the system hibernates, because all tasks that could are
    // frozen, nor when another kernel starts, because the handler for that was removed first.
    unsafe { S::delivery().load(Acquire).as_ref() }
}

/// The delivery of events and messages to a [`Sink`], until it is dropped.
pub(crate) struct Synic<S: Sink> {
    // In this order: no CPU receives anything any more when the handler goes.
    _per_cpu: Hotplug<PerCpu<S>>,
    _delivery: Delivery<S>,
}

impl<S: Sink> Synic<S> {
    /// Begins the delivery on all CPUs.
    ///
    /// # Errors
    ///
    /// `EBUSY` when there is a sink of this type already; `ENOMEM`; `ENOSPC`.
    pub(crate) fn start(sink: Arc<S>) -> Result<Self> {
        let delivery = Delivery::new(sink)?;
        Ok(Self {
            _per_cpu: Hotplug::new(c"hyperv/vmbus:online")?,
            _delivery: delivery,
        })
    }

    /// Has a message looked at again that [`Sink::on_message`] left in the slot of `cpu`.
    pub(crate) fn resume(cpu: u32) {
        with_cpus::<S, _>(|cpus, _reader| cpus.resume(cpu));
    }
}
