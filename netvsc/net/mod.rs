// SPDX-License-Identifier: GPL-2.0

//! Network devices.
//!
//! A driver implements [`Operations`], allocates a device with [`NewDevice::new`], sets it up and
//! registers it; the [`Registration`] takes it away again when it is dropped. Until then, and
//! beyond, anyone may keep a reference to the [`Device`].
//!
//! What the stack calls the driver with is either one of its [`Operations`], or the
//! [`Poll`](napi::Poll) of a [`Napi`](napi::Napi). A packet is an [`Skb`](skb::Skb), which is owned
//! by exactly one party and counts as lost if it is dropped.
//!
//! C headers: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h),
//! [`include/linux/skbuff.h`](srctree/include/linux/skbuff.h) and
//! [`include/linux/ethtool.h`](srctree/include/linux/ethtool.h)

mod callbacks;
mod config;
mod device;
pub(crate) mod ethtool;
mod features;
pub(crate) mod log;
pub(crate) mod napi;
mod ops;
mod queue;
mod receive;
mod registration;
pub(crate) mod rtnl;
pub(crate) mod skb;
mod transmit;
pub(crate) mod xdp;

pub(crate) use device::{
    default_rss_queues,
    Device,
    MacAddress, //
};
pub(crate) use features::Features;
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
