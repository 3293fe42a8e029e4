// SPDX-License-Identifier: GPL-2.0

//! The lists of addresses that a device is to receive.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)

use super::Device;
use kernel::types::NotThreadSafe;
use vmbus::bindings;

/// The lists of a device, which is locked.
///
/// # Invariants
///
/// This thread has the lock of the device's lists.
pub(crate) struct Addresses<'a>(&'a Device, NotThreadSafe);

impl<'a> Addresses<'a> {
    /// # Safety
    ///
    /// This thread must hold the lock for as long as the result lives.
    pub(super) unsafe fn assume(device: &'a Device) -> Self {
        // INVARIANT: By the safety requirements.
        Self(device, NotThreadSafe)
    }

    /// Whose they are.
    pub(super) fn device(&self) -> &Device {
        self.0
    }
}

impl Device {
    /// Locks the lists for a while. Not from a callback that has them locked.
    pub(crate) fn with_addresses(&self, use_them: impl FnOnce(&Addresses<'_>)) {
        // SAFETY: The device is valid; lockdep checks that the lock is not held.
        unsafe { bindings::hv_rust_net_lock_addresses(self.as_raw()) };
        // INVARIANT: The lock was taken just now.
        use_them(&Addresses(self, NotThreadSafe));
        // SAFETY: It was taken above.
        unsafe { bindings::hv_rust_net_unlock_addresses(self.as_raw()) };
    }
}
