// SPDX-License-Identifier: GPL-2.0

//! Messages about a device to user space.
//!
//! C header: [`include/linux/kobject.h`](srctree/include/linux/kobject.h)

use core::ptr;
use kernel::{
    device::Device,
    error::to_result,
    prelude::*, //
};
use vmbus::bindings;

/// Says that a device changed, with a variable of the form `NAME=value`. May sleep.
///
/// # Errors
///
/// `ENOMEM`, and what the listeners' side may say.
pub(crate) fn changed(device: &Device, variable: &'static CStr) -> Result {
    let mut environment = [variable.as_char_ptr().cast_mut(), ptr::null_mut()];
    // A `Device` is a transparent wrapper of the C structure.
    let device = ptr::from_ref(device).cast::<bindings::device>().cast_mut();
    // SAFETY: The reference keeps the device.
    let kobject = unsafe { &raw mut (*device).kobj };
    // SAFETY: The kobject is initialised. The function reads the strings of the environment, which
    // ends with a null pointer.
    to_result(unsafe {
        bindings::kobject_uevent_env(
            kobject,
            bindings::kobject_action_KOBJ_CHANGE,
            environment.as_mut_ptr(),
        )
    })
}
