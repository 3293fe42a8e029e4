// SPDX-License-Identifier: GPL-2.0

//! A hypervisor for tests: hypercalls come back to the kernel that makes them.

use crate::{
    bindings,
    sync::Atomic,
    wire::synic::{
        PostMessage,
        Status,
        HVCALL_POST_MESSAGE,
        HVCALL_SIGNAL_EVENT, //
    },
};
use core::ptr;
use kernel::{
    error::to_result,
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Release, //
        },
        Arc, //
    }, //
};

/// What is asked by hypercall.
pub(crate) trait Hypervisor: Send + Sync + 'static {
    /// The guest posts a message. Interrupts are off.
    fn post(&self, message: &PostMessage) -> Status;

    /// The guest signals an event.
    fn signal(&self, connection: u32);
}

/// The hypervisor that is installed.
static CURRENT: Atomic<*mut Arc<dyn Hypervisor>> = Atomic::new(ptr::null_mut());

/// Takes all hypercalls, until it is dropped.
pub(crate) struct Installed {
    _hypervisor: KBox<Arc<dyn Hypervisor>>,
}

impl Installed {
    /// Has hypercalls go to `hypervisor`.
    ///
    /// # Errors
    ///
    /// `EBUSY` where there is a real one; `ENOMEM`.
    pub(crate) fn new(hypervisor: Arc<dyn Hypervisor>) -> Result<Self> {
        let hypervisor = KBox::new(hypervisor, GFP_KERNEL)?;
        CURRENT.store(ptr::from_ref(&*hypervisor).cast_mut(), Release);
        // SAFETY: The function copes with finding no hypervisor.
        to_result(unsafe { bindings::hv_rust_test_install(Some(hypercall)) })?;
        Ok(Self {
            _hypervisor: hypervisor,
        })
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        // SAFETY: `new` installed the function.
        unsafe { bindings::hv_rust_test_remove() };
        CURRENT.store(ptr::null_mut(), Release);
    }
}

/// Does as the hypervisor.
///
/// # Safety
///
/// As called by this crate's hypercalls: `input` is the address of the message that is posted.
unsafe extern "C" fn hypercall(control: u64, input: u64, _output: u64) -> u64 {
    // SAFETY: Tests end all that makes hypercalls before they drop what is in there.
    let Some(hypervisor) = (unsafe { CURRENT.load(Acquire).as_ref() }) else {
        return u64::MAX;
    };
    // CAST: The lower bits say which hypercall it is.
    match control as u16 {
        HVCALL_POST_MESSAGE => {
            // SAFETY: By the safety requirement; any bytes are a message.
            let message = unsafe { ptr::read(virtual_address(input).cast::<PostMessage>()) };
            hypervisor.post(&message).0.into()
        }
        HVCALL_SIGNAL_EVENT => {
            // CAST: The input of this one is a 32-bit number.
            hypervisor.signal(input as u32);
            Status::SUCCESS.0.into()
        }
        _ => u64::MAX,
    }
}

/// Where in the kernel's address space a physical address is.
pub(crate) fn virtual_address(physical: u64) -> *mut u8 {
    // SAFETY: The function only computes.
    unsafe { bindings::hv_rust_test_phys_to_virt(physical) }.cast()
}
