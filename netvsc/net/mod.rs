// SPDX-License-Identifier: GPL-2.0

//! Network devices.
//!
//! A driver implements [`Operations`], allocates a device with [`NewDevice::new`], sets it up and
//! registers it; the [`Registration`] takes it away again when it is dropped. Until then, and
//! beyond, anyone may keep a reference to the [`Device`].
//!
//! # Ownership
//!
//! - What the stack calls is one of the [`Operations`], or the [`Poll`](napi::Poll) of a
//!   [`Napi`](napi::Napi). The former get the driver's data from the registration, which keeps it
//!   until the device is gone and no call can be under way; the latter is kept until polling has
//!   been disabled, by an [`Enabled`](napi::Enabled) that does so when it is dropped.
//! - A packet is an [`Skb`](skb::Skb), which is owned by exactly one party and counts as lost if it
//!   is dropped. To send one, the stack gives it up: the driver keeps it, or gives back that very
//!   packet as [`Sent::Busy`].
//! - The memory of a device is freed with the last reference to its [`Device`]. References do not
//!   keep it registered. What would do harm to a device that is not registered does nothing then.
//!
//! # Other devices
//!
//! A device is also an [`AnyDevice`], as are those of other drivers. A [`Watch`](notifier::Watch)
//! hears of what happens to them. One can be the [`Lower`] of a device: what it receives the upper
//! device receives.
//!
//! # Contexts
//!
//! What needs the lock of the network's configuration wants to see that it is
//! [`Held`](rtnl::Held): callbacks for which the stack has taken it get that as an argument. What
//! may only be done while a queue is being polled is a method of the [`Round`](napi::Round), which
//! also keeps to the budget: it alone makes the [`Polled`](napi::Polled) that ends the call.
//!
//! C headers: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h),
//! [`include/linux/skbuff.h`](srctree/include/linux/skbuff.h) and
//! [`include/linux/ethtool.h`](srctree/include/linux/ethtool.h)

mod addresses;
mod any;
mod callbacks;
mod config;
mod device;
pub(crate) mod ethtool;
mod features;
pub(crate) mod log;
mod lower;
pub(crate) mod napi;
pub(crate) mod notifier;
mod ops;
mod queue;
mod receive;
mod registration;
pub(crate) mod rtnl;
pub(crate) mod skb;
#[cfg(CONFIG_HYPERV_RUST_KUNIT_TEST)]
mod testing;
#[cfg(CONFIG_HYPERV_RUST_KUNIT_TEST)]
mod tests;
mod transmit;
pub(crate) mod xdp;

pub(crate) use addresses::Addresses;
pub(crate) use any::AnyDevice;
pub(crate) use device::{
    default_rss_queues,
    Device,
    MacAddress, //
};
pub(crate) use features::Features;
pub(crate) use lower::{
    Lower,
    Receiver, //
};
pub(crate) use ops::{
    Counters,
    Operations,
    RxMode,
    Sent,
    Way, //
};
pub(crate) use registration::{
    NewDevice,
    Registration, //
};
pub(crate) use transmit::{
    IpVersion,
    Offload,
    Segment,
    Target, //
};
