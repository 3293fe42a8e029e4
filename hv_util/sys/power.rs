// SPDX-License-Identifier: GPL-2.0

//! The end of the machine's running.
//!
//! C header: [`include/linux/reboot.h`](srctree/include/linux/reboot.h)

use vmbus::bindings;

/// Has user space shut the machine down; without its help if it cannot. Callable from any context.
pub(crate) fn shut_down() {
    // SAFETY: The function may be called in any context.
    unsafe { bindings::hv_rust_util_power_off() };
}

/// Has user space restart the machine; without its help if it cannot. Callable from any context.
pub(crate) fn restart() {
    // SAFETY: The function may be called in any context.
    unsafe { bindings::hv_rust_util_restart() };
}

/// Whether the host lets this machine hibernate.
pub(crate) fn can_hibernate() -> bool {
    // SAFETY: The function looks at a table that does not change.
    unsafe { bindings::hv_is_hibernation_supported() }
}
