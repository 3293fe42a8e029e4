// SPDX-License-Identifier: GPL-2.0

//! The integration components: the host's halves of the utility services, each a VMBus device of
//! its own.
//!
//! From the guest inwards: [`wire`] has the headers that all services share, [`link`] negotiates
//! versions and carries one transaction at a time, and each service ([`Shutdown`], [`Heartbeat`],
//! [`TimeSync`], [`Kvp`], [`Vss`]) knows its own messages. Facts come from include/linux/hyperv.h
//! and include/uapi/linux/hyperv.h, and from watching what drivers/hv/hv_util.c, hv_kvp.c and
//! hv_snapshot.c do.
//!
//! ```no_run
//! use std::time::Duration;
//! use vmbus_host::ic::{Action, Services};
//!
//! let services = Services::new();
//! // Hand `services.devices()` to the VMBus server; once the guest's drivers are there:
//! services.heartbeat.beat(Duration::from_secs(10))?;
//! services.shutdown.request(Action::PowerOff, Duration::from_secs(10))?;
//! # Ok::<(), vmbus_host::ic::Error>(())
//! ```

mod exchange;
pub mod fcopy;
pub mod heartbeat;
pub mod kvp;
pub mod link;
mod pulse;
mod services;
pub mod shutdown;
pub mod timesync;
mod violation;
pub mod vss;
pub mod wire;

#[cfg(test)]
mod tests;

pub use heartbeat::Heartbeat;
pub use kvp::Kvp;
pub use link::{Agreed, Answer, Error, Link, Ticket};
pub use pulse::Pulse;
pub use services::Services;
pub use shutdown::{Action, Shutdown};
pub use timesync::TimeSync;
pub use violation::Violation;
pub use vss::Vss;
