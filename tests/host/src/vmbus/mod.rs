// SPDX-License-Identifier: GPL-2.0

//! The VMBus server.
//!
//! [`server::Server`] is the protocol's host side: it answers the guest's control messages and
//! hands open channels to the devices behind it ([`device::Device`]). A device sees a
//! [`channel::Channel`] and nothing below it. Facts come from the public headers of the Linux
//! guest drivers (`include/linux/hyperv.h`, `drivers/hv/hyperv_vmbus.h`) and from watching what
//! those drivers do.
//!
//! The layers, from the wire upwards: [`wire`] has the messages, [`gpa`] the guest's buffers,
//! `ring` the two ends of a ring, [`channel`] an open channel, `gate` the rule that a device is
//! called once at a time, `state` what was offered to whom, `control` the answers to messages.
//! Tests reach in through the methods in `hooks`, [`tamper`], [`trace`] and [`stats`], and drive
//! the server without a hypervisor through [`testing`].

pub mod channel;
mod config;
mod control;
pub mod device;
mod gate;
pub mod gpa;
mod gpadl;
mod hooks;
mod monitor;
mod offers;
pub mod packet;
pub mod ring;
pub mod server;
pub mod shared;
mod state;
pub mod stats;
pub mod status;
pub(crate) mod sync;
pub mod tamper;
pub mod testing;
#[cfg(test)]
mod tests;
pub mod trace;
pub mod violation;
pub mod wire;
