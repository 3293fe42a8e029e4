// SPDX-License-Identifier: GPL-2.0

//! The utility services of a Hyper-V guest: its host shuts it down, sees that it is alive, sets its
//! clock, exchanges key-value pairs with it, and freezes its file systems for a snapshot.
//!
//! - [`wire`]: the protocols, pure.
//! - [`sys`]: what is missing in the `kernel` crate.
//! - [`probe`]: from a device on the bus to a service, and back.
//! - [`service`]: what the services have in common.
//! - [`responder`]: services that answer at once: [`shutdown`], [`heartbeat`], [`timesync`].
//! - [`daemon`]: services that a daemon performs: [`kvp`], [`vss`].

#![deny(unsafe_code)]

mod daemon;
mod heartbeat;
mod kvp;
mod module;
mod probe;
mod responder;
mod service;
mod shutdown;
#[expect(unsafe_code, reason = "these parts of the kernel are C")]
mod sys;
#[cfg(CONFIG_HYPERV_RUST_KUNIT_TEST)]
mod testing;
#[cfg(CONFIG_HYPERV_RUST_KUNIT_TEST)]
mod tests;
mod timesync;
mod vss;
mod wire;

use service::Kind;
use vmbus::{
    guid::guid,
    DeviceId, //
};

/// The prefix of log lines: the C driver's name, which people grep for.
const __LOG_PREFIX: &[u8] = b"hv_utils\0";

vmbus::vmbus_device_table!(
    DEVICES,
    <probe::Utilities as vmbus::Driver>::IdInfo,
    [
        (
            DeviceId::new(guid!("0e0b6031-5213-4934-818b-38d90ced39db")),
            Kind::Shutdown
        ),
        (
            DeviceId::new(guid!("9527e630-d0ae-497b-adce-e80ab0175caf")),
            Kind::TimeSync
        ),
        (
            DeviceId::new(guid!("57164f39-9115-4e78-ab55-382f3bd5422d")),
            Kind::Heartbeat
        ),
        (
            DeviceId::new(guid!("a9a0f4e7-5a45-4d96-b827-8a841e8c03e6")),
            Kind::Kvp
        ),
        (
            DeviceId::new(guid!("35fa2e29-ea23-4236-96ae-3a6ebacba440")),
            Kind::Vss
        ),
    ]
);
