// SPDX-License-Identifier: GPL-2.0

//! Programs, and where a driver keeps them.
//!
//! C header: [`include/linux/bpf.h`](srctree/include/linux/bpf.h)

use crate::net::rtnl::Held;
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ptr::{
        self,
        NonNull, //
    },
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Full, //
        },
        rcu, //
    },
};
use vmbus::bindings;
use vmbus::sync::Atomic;

/// An XDP program, reference counted.
///
/// # Invariants
///
/// The pointer is valid and has a reference of its own.
pub(crate) struct Program(NonNull<bindings::bpf_prog>);

// SAFETY: A program may be used from any thread.
unsafe impl Send for Program {}
// SAFETY: As above.
unsafe impl Sync for Program {}

impl Program {
    #[inline]
    pub(in crate::net) fn as_raw(&self) -> *mut bindings::bpf_prog {
        self.0.as_ptr()
    }
}

impl Clone for Program {
    fn clone(&self) -> Self {
        // SAFETY: By the type invariants.
        unsafe { bindings::hv_rust_net_prog_get(self.as_raw().cast()) };
        // INVARIANT: The reference was taken just now.
        Self(self.0)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // SAFETY: By the type invariants. The program is freed at least an RCU grace period later.
        unsafe { bindings::hv_rust_net_prog_put(self.as_raw().cast()) };
    }
}

/// A place for a program that is run without locks.
///
/// # Invariants
///
/// The pointer is null, or comes from a [`Program`] that the slot owns.
pub(crate) struct Slot(Atomic<*mut bindings::bpf_prog>);

// SAFETY: It owns a `Program`, which is `Send`.
unsafe impl Send for Slot {}
// SAFETY: The pointer is changed atomically, and a `Program` is `Sync`.
unsafe impl Sync for Slot {}

impl Slot {
    /// Makes a slot.
    pub(crate) fn new(program: Option<Program>) -> Self {
        // INVARIANT: The slot owns the program.
        Self(Atomic::new(into_raw(program)))
    }

    /// Puts another program, or none, into the slot, and returns the one that was there, which may
    /// be running still until an RCU grace period has passed.
    pub(crate) fn replace(&self, program: Option<Program>) -> Option<Program> {
        // INVARIANT: The slot owns the program.
        let old = self.0.xchg(into_raw(program), Full);
        // INVARIANT: The slot owned that one, and does not any more.
        NonNull::new(old).map(Program)
    }

    /// Whether there is a program.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.load(Acquire).is_null()
    }

    /// The program in the slot, while no other can be put there.
    pub(crate) fn share(&self, _held: Held<'_>) -> Option<Program> {
        let guard = rcu::read_lock();
        self.load(&guard).map(|program| Program::clone(&program))
    }

    /// The program in the slot.
    #[inline]
    pub(super) fn load<'a>(&self, _guard: &'a rcu::Guard) -> Option<Loaded<'a>> {
        // It is freed no earlier than an RCU grace period after it was taken out.
        let program = NonNull::new(self.0.load(Acquire))?;
        Some(Loaded(ManuallyDrop::new(Program(program)), PhantomData))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        drop(self.replace(None));
    }
}

/// A program that is alive because of an RCU read lock.
pub(super) struct Loaded<'a>(ManuallyDrop<Program>, PhantomData<&'a rcu::Guard>);

impl core::ops::Deref for Loaded<'_> {
    type Target = Program;

    fn deref(&self) -> &Program {
        &self.0
    }
}

fn into_raw(program: Option<Program>) -> *mut bindings::bpf_prog {
    program.map_or(ptr::null_mut(), |program| {
        ManuallyDrop::new(program).as_raw()
    })
}

/// Why something was refused, for the user to see.
pub(crate) struct Reason<'a>(*mut bindings::netlink_ext_ack, PhantomData<&'a ()>);

impl Reason<'_> {
    /// Says why.
    pub(crate) fn say(&self, why: &'static CStr) {
        // SAFETY: It is valid, or null, and the text is always there.
        unsafe { bindings::hv_rust_net_say(self.0, why.as_char_ptr()) };
    }
}

/// The stack's request to have another program.
///
/// # Invariants
///
/// `0` is a request to set a program, and the program, if there is one, has a reference that is the
/// driver's if the request is accepted, and the stack's otherwise.
pub(in crate::net) struct Setup(*mut bindings::netdev_bpf);

impl Setup {
    /// # Safety
    ///
    /// `raw` must be valid, be handed to `ndo_bpf`, and used by nobody else.
    pub(in crate::net) unsafe fn from_raw(raw: *mut bindings::netdev_bpf) -> Result<Self> {
        // SAFETY: By the safety requirements.
        let command = unsafe { (*raw).command };
        if command != bindings::bpf_netdev_command_XDP_SETUP_PROG {
            return Err(EINVAL);
        }
        // INVARIANT: It is such a request, and that is the contract of `ndo_bpf`.
        Ok(Self(raw))
    }

    fn raw_program(&self) -> Option<ManuallyDrop<Program>> {
        // SAFETY: By the type invariants, this is the variant of the union that is in use.
        let raw = unsafe { (*self.0).__bindgen_anon_1.__bindgen_anon_1.prog };
        NonNull::new(raw.cast()).map(|raw| ManuallyDrop::new(Program(raw)))
    }

    /// The program, with a reference of its own.
    pub(in crate::net) fn program(&self) -> Option<Program> {
        self.raw_program().map(|program| Program::clone(&program))
    }

    /// Where to say why it was refused.
    pub(in crate::net) fn reason(&self) -> Reason<'_> {
        // SAFETY: By the type invariants, this is the variant of the union that is in use.
        let raw = unsafe { (*self.0).__bindgen_anon_1.__bindgen_anon_1.extack };
        Reason(raw, PhantomData)
    }

    /// Takes the stack's reference over, as the driver has the program now.
    pub(in crate::net) fn accepted(self) {
        drop(self.raw_program().map(ManuallyDrop::into_inner));
    }
}
