// SPDX-License-Identifier: GPL-2.0

//! The `bus_type`, its callbacks and its files.
//!
//! C header: [`include/linux/device/bus.h`](srctree/include/linux/device/bus.h)

use super::{
    attribute::{
        emit,
        groups,
        plain_group,
        Files,
        Group,
        Groups, //
    },
    constant::Constant,
    device::Device,
    device_attributes,
    driver::RawDriver,
    driver_attributes, //
};
use crate::{
    bindings,
    sync::Atomic, //
};
use core::{
    fmt::Write,
    ptr, //
};
use kernel::{
    device::CoreInternal,
    error::{
        from_result,
        to_result, //
    },
    prelude::*,
    str::as_char_ptr_in_const_context,
    sync::atomic::{
        Acquire,
        Release, //
    },
    types::Opaque, //
};

/// The bus.
static BUS: Constant<bindings::bus_type> = {
    let mut bus: bindings::bus_type = pin_init::zeroed();
    bus.name = as_char_ptr_in_const_context(c"vmbus");
    bus.driver_override = true;
    bus.match_ = Some(matches);
    bus.uevent = Some(uevent);
    bus.probe = Some(probe);
    bus.remove = Some(remove);
    bus.shutdown = Some(shutdown);
    bus.dma_configure = Some(dma_configure);
    bus.bus_groups = BUS_GROUPS.get().as_ptr();
    bus.dev_groups = device_attributes::GROUPS.get().as_ptr();
    bus.drv_groups = driver_attributes::GROUPS.get().as_ptr();
    bus.pm = POWER.get();
    // SAFETY: Its pointers are to functions and statics, and a `bus_type` is constant for C, too.
    unsafe { Constant::new(bus) }
};

/// Hibernation is the one kind of sleep that devices take part in: in suspend-to-idle they have to go
/// on, to wake the machine up.
static POWER: Constant<bindings::dev_pm_ops> = {
    let mut power: bindings::dev_pm_ops = pin_init::zeroed();
    power.freeze_noirq = Some(suspend);
    power.poweroff_noirq = Some(suspend);
    power.thaw_noirq = Some(resume);
    power.restore_noirq = Some(resume);
    // SAFETY: Its pointers are to functions, and `dev_pm_ops` are constant for C, too.
    unsafe { Constant::new(power) }
};

static HIBERNATION: Constant<bindings::bus_attribute> = {
    let mut file: bindings::bus_attribute = pin_init::zeroed();
    file.attr.name = as_char_ptr_in_const_context(c"hibernation");
    file.attr.mode = 0o444;
    file.show = Some(show_hibernation);
    // SAFETY: Its pointers are to a function and a static; sysfs does not write to attributes.
    unsafe { Constant::new(file) }
};

// SAFETY: The file is static, and sysfs does not write to such lists.
static BUS_FILES: Files<2> =
    unsafe { Constant::new([&raw const HIBERNATION.get().attr, ptr::null()]) };

// SAFETY: The files are static, and sysfs does not write to groups.
static BUS_GROUP: Group = unsafe { Constant::new(plain_group(&BUS_FILES)) };

static BUS_GROUPS: Groups = groups(&BUS_GROUP);

/// Called when devices come and go.
static NOTIFIER: Notifier = {
    let mut block: bindings::notifier_block = pin_init::zeroed();
    block.notifier_call = Some(notify);
    Notifier(Opaque::new(block))
};

/// A notifier block that belongs to the driver core while the bus is registered.
struct Notifier(Opaque<bindings::notifier_block>);

// SAFETY: The driver core serialises its uses of the block, and there are no others.
unsafe impl Sync for Notifier {}

/// Whether drivers can be registered.
static REGISTERED: Atomic<bool> = Atomic::new(false);

/// The bus for the driver core.
pub(super) fn as_raw() -> *const bindings::bus_type {
    BUS.get()
}

/// Whether the bus is registered.
pub(super) fn is_registered() -> bool {
    REGISTERED.load(Acquire)
}

/// The registration of the bus; there is one at a time. Dropped, it takes the bus away, which must
/// not have devices or drivers any more.
pub(crate) struct Registration(());

/// Registers the bus.
///
/// # Errors
///
/// `EINVAL` where it is registered already.
pub(crate) fn register() -> Result<Registration> {
    // SAFETY: The bus is static.
    to_result(unsafe { bindings::bus_register(as_raw()) })?;
    // SAFETY: The bus was just registered, and the block is static and not registered.
    let result = to_result(unsafe { bindings::bus_register_notifier(as_raw(), NOTIFIER.0.get()) });
    if result.is_err() {
        // SAFETY: The bus was just registered.
        unsafe { bindings::bus_unregister(as_raw()) };
        return result.map(|()| Registration(()));
    }
    REGISTERED.store(true, Release);
    Ok(Registration(()))
}

impl Drop for Registration {
    fn drop(&mut self) {
        REGISTERED.store(false, Release);
        // SAFETY: `register` has registered it.
        unsafe { bindings::bus_unregister_notifier(as_raw(), NOTIFIER.0.get()) };
        // SAFETY: As above.
        unsafe { bindings::bus_unregister(as_raw()) };
    }
}

/// Whether a driver gets a device.
///
/// # Safety
///
/// As called by the driver core for a device and a driver of this bus.
unsafe extern "C" fn matches(
    dev: *mut bindings::device,
    driver: *const bindings::device_driver,
) -> c_int {
    // SAFETY: The device is on this bus, and valid for the time of this call.
    let dev: &Device = unsafe { Device::from_raw(dev) };
    // SAFETY: The driver is on this bus, and registered for the time of this call.
    let driver = unsafe { RawDriver::from_raw(driver) };
    // Connections of sockets are for the socket driver, not for what matches their class.
    let matches = !dev.channel().is_socket() && driver.matches(dev).is_some();
    matches.into()
}

/// Tells user space which class a device is of.
///
/// # Safety
///
/// As called by the driver core for a device of this bus.
unsafe extern "C" fn uevent(
    dev: *const bindings::device,
    env: *mut bindings::kobj_uevent_env,
) -> c_int {
    // SAFETY: The device is on this bus, and valid for the time of this call.
    let dev: &Device = unsafe { Device::from_raw(dev) };
    let class = dev.class();
    let format = c"MODALIAS=vmbus:%16phN".as_char_ptr();
    // SAFETY: The driver core passes a valid pointer; the format reads 16 bytes of the class.
    unsafe { bindings::add_uevent_var(env, format, ptr::from_ref(class.as_bytes())) }
}

/// The driver of a device, if there is one.
///
/// # Safety
///
/// `dev` must be a device on this bus. Its lock must be held for `'a`, or else it must be certain for
/// another reason that the device is neither bound nor unbound.
unsafe fn driver_of<'a>(dev: *const bindings::device) -> Option<&'a RawDriver> {
    // SAFETY: By the safety requirement.
    let driver = unsafe { (*dev).driver };
    // SAFETY: A device on this bus has a driver of this bus, which is registered while it has a
    // device, which it has for `'a` by the safety requirement.
    (!driver.is_null()).then(|| unsafe { RawDriver::from_raw(driver) })
}

/// Offers a device to a driver that it matches.
///
/// # Safety
///
/// As called by the driver core for a device of this bus.
unsafe extern "C" fn probe(dev: *mut bindings::device) -> c_int {
    // SAFETY: The device is on this bus, and the driver core holds its lock.
    let driver = unsafe { driver_of(dev) };
    // SAFETY: As above; this makes the context that of a callback.
    let dev: &Device<CoreInternal<'_>> = unsafe { Device::from_raw(dev) };
    from_result(|| {
        let result = driver.ok_or(ENODEV)?.probe(dev);
        result.inspect_err(|error| log_failure(dev, *error))?;
        Ok(0)
    })
}

fn log_failure(dev: &Device, error: Error) {
    let error = error.to_errno();
    pr_err!("probe failed for device {} ({})\n", dev.instance(), error);
}

/// Takes a device away from its driver.
///
/// # Safety
///
/// As called by the driver core for a device of this bus.
unsafe extern "C" fn remove(dev: *mut bindings::device) {
    // SAFETY: The device is on this bus, and the driver core holds its lock.
    if let Some(driver) = unsafe { driver_of(dev) } {
        // SAFETY: As above; this makes the context that of a callback.
        driver.unbind(unsafe { Device::from_raw(dev) });
    }
}

/// Makes a device quiet before the machine goes down.
///
/// # Safety
///
/// As called by the driver core for a device of this bus.
unsafe extern "C" fn shutdown(dev: *mut bindings::device) {
    // SAFETY: The device is on this bus, and the driver core holds its lock.
    if let Some(driver) = unsafe { driver_of(dev) } {
        // SAFETY: As above; this makes the context that of a callback.
        driver.shutdown(unsafe { Device::from_raw(dev) });
    }
}

/// Makes a device do its DMA as coherently as the root device.
///
/// # Safety
///
/// As called by the driver core for a device of this bus.
unsafe extern "C" fn dma_configure(dev: *mut bindings::device) -> c_int {
    // SAFETY: The device is on this bus, so it has a parent, of which it holds a reference.
    let attr = unsafe { bindings::device_get_dma_attr((*dev).parent) };
    // SAFETY: The driver core calls this before anybody maps memory for the device.
    unsafe { bindings::hv_setup_dma_ops(dev, attr == bindings::dev_dma_attr_DEV_DMA_COHERENT) };
    0
}

/// Lets a device go while the system hibernates. One without a driver has nothing to lose.
///
/// # Safety
///
/// As called by the power management core for a device of this bus.
unsafe extern "C" fn suspend(dev: *mut bindings::device) -> c_int {
    from_result(|| {
        // SAFETY: While the system sleeps the device is neither bound nor unbound: tasks are frozen,
        // and so is the work that removes devices.
        if let Some(driver) = unsafe { driver_of(dev) } {
            // SAFETY: As above; this makes the context that of a callback.
            driver.suspend(unsafe { Device::from_raw(dev) })?;
        }
        Ok(0)
    })
}

/// Takes a device up again.
///
/// # Safety
///
/// As called by the power management core for a device of this bus.
unsafe extern "C" fn resume(dev: *mut bindings::device) -> c_int {
    from_result(|| {
        // SAFETY: As in `suspend`.
        if let Some(driver) = unsafe { driver_of(dev) } {
            // SAFETY: As in `suspend`.
            driver.resume(unsafe { Device::from_raw(dev) })?;
        }
        Ok(0)
    })
}

/// Whether the virtual machine may hibernate.
///
/// # Safety
///
/// As called by sysfs.
unsafe extern "C" fn show_hibernation(_: *const bindings::bus_type, buffer: *mut c_char) -> isize {
    // SAFETY: The function has no requirements.
    let supported = unsafe { bindings::hv_is_hibernation_supported() };
    // SAFETY: The buffer is that of this callback.
    unsafe {
        emit(buffer, |page| {
            Ok(writeln!(page, "{}", u8::from(supported))?)
        })
    }
}

/// Makes the directories of a device's channels after the device got its own, and before user space
/// and drivers know it.
///
/// # Safety
///
/// As called by the driver core for an event of this bus.
unsafe extern "C" fn notify(
    _: *mut bindings::notifier_block,
    event: c_ulong,
    dev: *mut c_void,
) -> c_int {
    const ADDED: c_ulong = bindings::bus_notifier_event_BUS_NOTIFY_ADD_DEVICE as c_ulong;

    if event == ADDED {
        // SAFETY: The argument of this event is a device on this bus.
        let dev: &Device = unsafe { Device::from_raw(dev.cast()) };
        // `Device::register` finds out whether this failed.
        //
        // SAFETY: The device is in sysfs, and `Device::unregister` takes it out.
        let _ = unsafe { dev.make_channels() };
    }
    // CAST: A small constant.
    bindings::NOTIFY_DONE as c_int
}
