// SPDX-License-Identifier: GPL-2.0

//! The end of this kernel: a panic, or the start of another one in its place.
//!
//! Either way the host must not write to our memory any more. Who starts another kernel in an
//! orderly way can wait for the host. A kernel that panics cannot: no task runs any more, other CPUs
//! stand still wherever they were, and interrupts are disabled, so that messages of the host are
//! looked for where it puts them.
//!
//! C header: [`include/linux/panic_notifier.h`](srctree/include/linux/panic_notifier.h)

use core::{
    marker::PhantomData,
    pin::Pin,
    ptr, //
};

use kernel::{
    cpu::CpuId,
    error::to_result,
    prelude::*,
    types::Opaque, //
};

use super::{
    interrupt::{
        cpus_in_process_context,
        with_cpus, //
    },
    synic,
    Cpus,
    Sink, //
};
use crate::bindings;

/// What ends with the kernel.
pub(crate) trait Mortal: Sink {
    /// Another kernel is about to start. May sleep.
    fn depart(&self);

    /// The kernel panics. Must neither sleep, nor wait for a lock, nor allocate; `cpus` has the
    /// messages that come in.
    fn perish(&self, cpus: &Cpus<Self>);
}

/// After all other notifiers but one: they may want to use devices.
const PRIORITY: c_int = c_int::MIN + 1;

/// The callbacks for the end, until this is dropped.
pub(crate) struct LastRites<M> {
    panic: Pin<KBox<Opaque<bindings::notifier_block>>>,
    _mortal: PhantomData<fn(M)>,
}

// SAFETY: The notifier block may be unregistered by any task.
unsafe impl<M> Send for LastRites<M> {}

// SAFETY: There is nothing to do with a shared reference.
unsafe impl<M> Sync for LastRites<M> {}

impl<M: Mortal> LastRites<M> {
    /// Registers the callbacks.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn register() -> Result<Self> {
        let mut block: bindings::notifier_block = pin_init::zeroed();
        block.notifier_call = Some(Self::panic);
        block.priority = PRIORITY;
        let block = KBox::pin(Opaque::new(block), GFP_KERNEL)?;
        // SAFETY: The block stays in place until `drop` has unregistered it.
        to_result(unsafe {
            bindings::atomic_notifier_chain_register(Self::panics(), block.get())
        })?;
        // SAFETY: The callbacks cope with finding no CPUs, and `drop` removes them.
        unsafe { bindings::hv_setup_kexec_handler(Some(Self::kexec)) };
        // SAFETY: As above.
        unsafe { bindings::hv_setup_crash_handler(Some(Self::crash)) };
        Ok(Self {
            panic: block,
            _mortal: PhantomData,
        })
    }

    fn panics() -> *mut bindings::atomic_notifier_head {
        &raw mut bindings::panic_notifier_list
    }

    /// As called by the kernel that starts another one, in process context.
    extern "C" fn kexec() {
        let Some(cpus) = cpus_in_process_context::<M>() else {
            return;
        };
        cpus.sink().depart();
        // SAFETY: `disable_here` may run on any CPU.
        unsafe {
            bindings::on_each_cpu_cond_mask(
                None,
                Some(Self::disable_here),
                ptr::null_mut(),
                true,
                bindings::hv_rust_online_cpus(),
            )
        };
    }

    extern "C" fn disable_here(_: *mut c_void) {
        synic::disable();
    }

    /// As called on the one CPU that still runs, before a kernel starts that saves this one's
    /// memory.
    extern "C" fn crash(_: *mut bindings::pt_regs) {
        Self::perish();
        // SAFETY: The timer of this CPU is stopped, which does no harm if it has none.
        unsafe { bindings::hv_rust_timer_stop(CpuId::current().as_u32()) };
        synic::disable();
    }

    extern "C" fn panic(
        _: *mut bindings::notifier_block,
        _event: c_ulong,
        _data: *mut c_void,
    ) -> c_int {
        Self::perish();
        // CAST: A small constant.
        bindings::NOTIFY_DONE as c_int
    }

    fn perish() {
        with_cpus::<M, _>(|cpus, _reader| cpus.sink().perish(cpus));
    }
}

impl<M> Drop for LastRites<M> {
    fn drop(&mut self) {
        // SAFETY: `register` has set it up.
        unsafe { bindings::hv_remove_crash_handler() };
        // SAFETY: As above.
        unsafe { bindings::hv_remove_kexec_handler() };
        let list = &raw mut bindings::panic_notifier_list;
        // SAFETY: `register` has registered the block.
        unsafe { bindings::atomic_notifier_chain_unregister(list, self.panic.get()) };
    }
}
