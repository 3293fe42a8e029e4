// SPDX-License-Identifier: GPL-2.0

//! The VMBus of a Hyper-V guest: the library crate that the bus module is made of and that drivers
//! import.

#![deny(unsafe_code)]

pub mod bus;
pub mod channel;
mod connection;
mod display;
pub mod guid;
mod hv;
#[expect(unsafe_code, reason = "reads parameters that are declared in C")]
mod parameters;
#[expect(unsafe_code, reason = "a rate limit of the kernel")]
pub mod ratelimit;
pub mod ring;
pub mod sync;
#[cfg(CONFIG_HYPERV_RUST_KUNIT_TEST)]
pub mod testing;
pub mod wire;

pub use bus::{
    Adapter,
    Device,
    DeviceId,
    Driver,
    IdTable,
    ProbeType, //
};
pub use channel::{
    CallbackMode,
    Channel,
    Endpoint,
    GpaList,
    GpaRange,
    Handler,
    OpenChannel,
    OpenConfig,
    Packet,
    Port,
    PortHandle,
    Progress,
    Receiver,
    SendError,
    SharedBuffer,
    Together, //
};
pub use connection::Session;
pub use guid::Guid;

#[doc(hidden)]
pub use hv_bindings as bindings;

/// The prefix of this crate's log lines: the C bus's name, which people grep for.
const __LOG_PREFIX: &[u8] = b"hv_vmbus\0";
