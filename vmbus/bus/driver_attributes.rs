// SPDX-License-Identifier: GPL-2.0

//! The files of a driver, `/sys/bus/vmbus/drivers/<name>/`: `new_id` and `remove_id`.

use super::{
    attribute::{
        accept,
        groups,
        plain_group,
        Files,
        Group,
        Groups, //
    },
    constant::Constant,
    driver::RawDriver, //
};
use crate::bindings;
use core::ptr;
use kernel::{
    error::to_result,
    prelude::*,
    str::as_char_ptr_in_const_context, //
};

/// `store` of a driver's file.
type Store = unsafe extern "C" fn(*mut bindings::device_driver, *const c_char, usize) -> isize;

static NEW_ID: Constant<bindings::driver_attribute> = file(c"new_id", new_id);

static REMOVE_ID: Constant<bindings::driver_attribute> = file(c"remove_id", remove_id);

// SAFETY: The files are static, and sysfs does not write to such lists.
static FILES: Files<3> = unsafe {
    Constant::new([
        &raw const NEW_ID.get().attr,
        &raw const REMOVE_ID.get().attr,
        ptr::null(),
    ])
};

// SAFETY: The files are static, and sysfs does not write to groups.
static GROUP: Group = unsafe { Constant::new(plain_group(&FILES)) };

/// The files.
pub(super) static GROUPS: Groups = groups(&GROUP);

const fn file(name: &'static CStr, store: Store) -> Constant<bindings::driver_attribute> {
    let mut file: bindings::driver_attribute = pin_init::zeroed();
    file.attr.name = as_char_ptr_in_const_context(name);
    file.attr.mode = 0o200;
    file.store = Some(store);
    // SAFETY: Its pointers are to a function and a static; sysfs does not write to attributes.
    unsafe { Constant::new(file) }
}

/// Adds a class and offers its devices to the driver.
///
/// # Safety
///
/// As called by sysfs for a driver of this bus.
unsafe extern "C" fn new_id(
    driver: *mut bindings::device_driver,
    buffer: *const c_char,
    count: usize,
) -> isize {
    // SAFETY: A file of a driver on this bus; the files go before it is unregistered.
    let this = unsafe { RawDriver::from_raw(driver) };
    let store = |text: &[u8]| {
        this.dynamic_ids()?.add(text)?;
        // SAFETY: The driver is registered.
        to_result(unsafe { bindings::driver_attach(driver) })
    };
    // SAFETY: The buffer is that of this callback.
    unsafe { accept(buffer, count, store) }
}

/// Removes a class. Devices that the driver got stay with it.
///
/// # Safety
///
/// As called by sysfs for a driver of this bus.
unsafe extern "C" fn remove_id(
    driver: *mut bindings::device_driver,
    buffer: *const c_char,
    count: usize,
) -> isize {
    // SAFETY: As in `new_id`.
    let this = unsafe { RawDriver::from_raw(driver) };
    // SAFETY: The buffer is that of this callback.
    unsafe { accept(buffer, count, |text| this.dynamic_ids()?.remove(text)) }
}
