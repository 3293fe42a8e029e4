// SPDX-License-Identifier: GPL-2.0

//! The messages that begin and end a connection.

use super::{
    message::{
        message,
        Header,
        MessageType, //
    },
    version::Version,
};
use zerocopy_derive::{
    FromBytes,
    Immutable,
    IntoBytes,
    KnownLayout, //
};

/// [`InitiateContact`] feature: this guest can use channels in encrypted memory.
pub const FEATURE_CONFIDENTIAL_CHANNELS: u32 = 0x10;

/// The guest proposes a version.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct InitiateContact {
    header: Header,
    pub(crate) version: Version,
    pub(crate) target_vcpu: u32,
    /// The interrupt page before 5.0; since then the SINT and VTL for messages and the features.
    pub(crate) page_or_target: u64,
    pub(crate) monitor_pages: [u64; 2],
}
message!(InitiateContact, INITIATE_CONTACT);

impl InitiateContact {
    /// Proposes `version`. The host will send its messages to virtual processor `target_vcpu`.
    pub const fn new(version: Version, target_vcpu: u32, monitor_pages: [u64; 2]) -> Self {
        Self {
            header: Header::new(MessageType::INITIATE_CONTACT),
            version,
            target_vcpu,
            page_or_target: 0,
            monitor_pages,
        }
    }

    /// Sets the address of the interrupt page (before 5.0).
    #[must_use]
    pub const fn with_interrupt_page(self, address: u64) -> Self {
        Self {
            page_or_target: address,
            ..self
        }
    }

    /// Sets where messages go to and what the guest can do (5.0 and later).
    #[must_use]
    pub const fn with_target(self, sint: u8, vtl: u8, features: u32) -> Self {
        let [f0, f1, f2, f3] = features.to_le_bytes();
        Self {
            page_or_target: u64::from_le_bytes([sint, vtl, 0, 0, f0, f1, f2, f3]),
            ..self
        }
    }
}

/// The host accepts or rejects a version.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct VersionResponse {
    header: Header,
    pub(crate) supported: u8,
    /// 0 when the connection is made.
    pub connection_state: u8,
    padding: u16,
    /// The connection on which the host wants all further messages (5.0 and later).
    pub message_connection: u32,
}
message!(VersionResponse, VERSION_RESPONSE);

impl VersionResponse {
    /// Whether the host speaks the version.
    pub const fn is_supported(&self) -> bool {
        self.supported != 0
    }

    /// Whether the connection is made.
    pub const fn is_connected(&self) -> bool {
        self.is_supported() && self.connection_state == 0
    }
}

/// The guest ends the connection.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Unload {
    header: Header,
}
message!(Unload, UNLOAD);

impl Unload {
    /// The message.
    pub const fn new() -> Self {
        Self {
            header: Header::new(MessageType::UNLOAD),
        }
    }
}

impl Default for Unload {
    fn default() -> Self {
        Self::new()
    }
}
