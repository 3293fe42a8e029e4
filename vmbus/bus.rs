// SPDX-License-Identifier: GPL-2.0

//! The bus in the driver model: `/sys/bus/vmbus`, its devices, its drivers.
//!
//! What user space sees of it (the names of the bus, of devices and of their files, the formats of
//! those files, uevents and module aliases) is that of the C driver to the letter. The facts are
//! from `drivers/hv/vmbus_drv.c` and from
//! [`ABI/stable/sysfs-bus-vmbus`](srctree/Documentation/ABI/stable/sysfs-bus-vmbus).
//!
//! - [`bus_type`]: the `bus_type`, its callbacks, `hibernation`.
//! - [`device`]: a primary channel as a device.
//! - [`driver`]: the trait that drivers implement; [`adapter`]: from the callbacks to that.
//! - [`id`]: which devices a driver takes: its table, `new_id` and `remove_id`.
//! - [`attribute`]: tables of files in sysfs; [`device_attributes`], [`channel_attributes`] and
//!   [`driver_attributes`] are the files.
//! - [`kobject`]: the directories `channels/<relid>/` of a device.
//!
//! # Locks
//!
//! The removal of a device or of a channel's directory waits for those of its files that are being
//! read or written at that moment, and they ask the channel. So nobody may call
//! [`Device::unregister`] or [`Device::remove_channel`] while it holds a lock that a getter of a
//! channel takes.

#[expect(unsafe_code, reason = "knows the type of a driver's data")]
mod adapter;
#[expect(unsafe_code, reason = "callbacks of sysfs")]
mod attribute;
#[expect(unsafe_code, reason = "callbacks of the driver core")]
mod bus_type;
mod channel_attributes;
#[expect(unsafe_code, reason = "shares C structures")]
mod constant;
#[expect(unsafe_code, reason = "embeds a C device")]
mod device;
mod device_attributes;
#[expect(unsafe_code, reason = "embeds a C driver")]
mod driver;
#[expect(unsafe_code, reason = "callbacks of the driver core")]
mod driver_attributes;
#[expect(unsafe_code, reason = "reads a table of C structures")]
mod id;
#[expect(unsafe_code, reason = "embeds a C kobject")]
mod kobject;

pub use adapter::Adapter;
pub(crate) use bus_type::{
    register,
    Registration, //
};
pub use device::Device;
pub use driver::{
    Driver,
    ProbeType, //
};
pub use id::{
    DeviceId,
    IdTable, //
};
