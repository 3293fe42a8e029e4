// SPDX-License-Identifier: GPL-2.0

//! The messages that open, move and close a channel.

use super::{
    super::guid::Guid,
    message::{
        message,
        Header,
        MessageType, //
    },
    USER_DATA_LEN, //
};
use zerocopy_derive::{
    FromBytes,
    Immutable,
    IntoBytes,
    KnownLayout, //
};

/// The guest opens a channel.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct OpenChannel {
    header: Header,
    pub(crate) relid: u32,
    pub(crate) open_id: u32,
    pub(crate) ring_gpadl: u32,
    pub(crate) target_vp: u32,
    pub(crate) downstream_offset: u32,
    pub(crate) user_data: [u8; USER_DATA_LEN],
}
message!(OpenChannel, OPEN_CHANNEL);

/// What [`OpenChannel`] says.
#[derive(Clone, Copy, Debug)]
pub struct OpenParameters<'a> {
    /// The channel.
    pub relid: u32,
    /// Names this request; the answer has it, too.
    pub open_id: u32,
    /// The shared memory that the rings are in.
    pub ring_gpadl: u32,
    /// The virtual processor that is to be interrupted.
    pub target_vp: u32,
    /// Where the ring from the host begins, in pages of [`super::HV_PAGE_SIZE`].
    pub downstream_offset: u32,
    /// Data for the device.
    pub user_data: &'a [u8; USER_DATA_LEN],
}

impl OpenChannel {
    /// The message.
    pub const fn new(parameters: &OpenParameters<'_>) -> Self {
        Self {
            header: Header::new(MessageType::OPEN_CHANNEL),
            relid: parameters.relid,
            open_id: parameters.open_id,
            ring_gpadl: parameters.ring_gpadl,
            target_vp: parameters.target_vp,
            downstream_offset: parameters.downstream_offset,
            user_data: *parameters.user_data,
        }
    }
}

/// The host's answer to [`OpenChannel`].
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct OpenResult {
    header: Header,
    /// The channel. Not checked.
    pub relid: u32,
    /// The request.
    pub open_id: u32,
    /// 0 for success.
    pub status: u32,
}
message!(OpenResult, OPEN_RESULT);

/// The guest closes a channel. There is no answer.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct CloseChannel {
    header: Header,
    pub(crate) relid: u32,
}
message!(CloseChannel, CLOSE_CHANNEL);

impl CloseChannel {
    /// The message for channel `relid`.
    pub const fn new(relid: u32) -> Self {
        Self {
            header: Header::new(MessageType::CLOSE_CHANNEL),
            relid,
        }
    }
}

/// The guest wants the interrupts of a channel on another virtual processor.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ModifyChannel {
    header: Header,
    pub(crate) relid: u32,
    pub(crate) target_vp: u32,
}
message!(ModifyChannel, MODIFY_CHANNEL);

impl ModifyChannel {
    /// The message that moves channel `relid` to virtual processor `target_vp`.
    pub const fn new(relid: u32, target_vp: u32) -> Self {
        Self {
            header: Header::new(MessageType::MODIFY_CHANNEL),
            relid,
            target_vp,
        }
    }
}

/// The host's answer to [`ModifyChannel`] (5.3 and later).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ModifyChannelResponse {
    header: Header,
    /// The channel. Not checked.
    pub relid: u32,
    /// 0 for success.
    pub status: u32,
}
message!(ModifyChannelResponse, MODIFY_CHANNEL_RESPONSE);

/// The guest wants to connect a Hyper-V socket to a service of the host.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct TlConnectRequest {
    header: Header,
    pub(crate) guest_endpoint: Guid,
    pub(crate) host_service: Guid,
}
message!(TlConnectRequest, TL_CONNECT_REQUEST);

impl TlConnectRequest {
    /// The message that connects `guest_endpoint` to `host_service`.
    pub const fn new(guest_endpoint: Guid, host_service: Guid) -> Self {
        Self {
            header: Header::new(MessageType::TL_CONNECT_REQUEST),
            guest_endpoint,
            host_service,
        }
    }
}
