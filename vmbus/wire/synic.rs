// SPDX-License-Identifier: GPL-2.0

//! The synthetic interrupt controller, as far as the bus uses it: message slots, event flags, and
//! the two hypercalls.
//!
//! C headers: [`include/hyperv/hvgdk_mini.h`](srctree/include/hyperv/hvgdk_mini.h),
//! [`include/hyperv/hvhdk.h`](srctree/include/hyperv/hvhdk.h)

use super::message::MAX_LEN;
use zerocopy_derive::{
    FromBytes,
    Immutable,
    IntoBytes,
    KnownLayout, //
};

/// The synthetic interrupt of the bus.
pub const MESSAGE_SINT: u8 = 2;

/// The connection for messages before protocol 5.0.
pub const MESSAGE_CONNECTION: u32 = 1;

/// The connection for the first message of protocol 5.0 and later.
pub const MESSAGE_CONNECTION_V5: u32 = 4;

/// The connection for the first message where VTL 2 runs the bus.
pub const MESSAGE_CONNECTION_REDIRECT: u32 = 0x80_0074;

/// The connection for signals of channels without a connection of their own.
pub const EVENT_CONNECTION: u32 = 2;

/// Hypercall: post a message.
pub const HVCALL_POST_MESSAGE: u16 = 0x5c;

/// Hypercall: signal an event.
pub const HVCALL_SIGNAL_EVENT: u16 = 0x5d;

/// The number of event flags of one synthetic interrupt.
pub const EVENT_FLAGS: usize = 2048;

open_enum! {
    /// The kind of a SynIC message.
    pub struct SlotType(u32) {
        /// The slot is free.
        NONE = 0,
        /// A message of the bus.
        CHANNEL_MESSAGE = 1,
    }
}

open_enum! {
    /// The status of a hypercall: the lower half of the result.
    pub struct Status(u16) {
        /// Done.
        SUCCESS = 0,
        /// A parameter is out of range.
        INVALID_PARAMETER = 5,
        /// Out of memory for now.
        INSUFFICIENT_MEMORY = 11,
        /// There is no such connection.
        INVALID_CONNECTION_ID = 18,
        /// Out of buffers for now.
        INSUFFICIENT_BUFFERS = 19,
    }
}

impl Status {
    /// The status in the 64-bit result of a hypercall.
    pub const fn of(result: u64) -> Self {
        let [low, high, ..] = result.to_le_bytes();
        Self(u16::from_le_bytes([low, high]))
    }

    /// Whether the same call may succeed later.
    pub fn is_transient(self) -> bool {
        matches!(self, Self::INSUFFICIENT_MEMORY | Self::INSUFFICIENT_BUFFERS)
    }
}

/// A message slot.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct MessageSlot {
    /// The kind of message.
    pub kind: SlotType,
    /// The length of the message, as the host claims it.
    pub payload_len: u8,
    /// [`MessageSlot::PENDING`].
    pub flags: u8,
    reserved: [u8; 2],
    /// The partition or port that sent the message.
    pub sender: u64,
    pub(crate) payload: [u8; MAX_LEN],
}

const _: () = assert!(size_of::<MessageSlot>() == 256);

impl MessageSlot {
    /// Flag: more messages wait for the slot; write the EOM register when it is free.
    pub const PENDING: u8 = 1;

    /// The message, unless the host claims that it is longer than the slot.
    pub fn payload(&self) -> Option<&[u8]> {
        self.payload.get(..usize::from(self.payload_len))
    }
}

/// The input of [`HVCALL_POST_MESSAGE`].
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct PostMessage {
    pub(crate) connection: u32,
    reserved: u32,
    pub(crate) kind: SlotType,
    pub(crate) len: u32,
    pub(crate) payload: [u8; MAX_LEN],
}

const _: () = assert!(size_of::<PostMessage>() == 256);

impl PostMessage {
    /// Posts `message` on `connection`; [`None`] when it is too long.
    pub fn new(connection: u32, message: &[u8]) -> Option<Self> {
        let mut payload = [0; MAX_LEN];
        payload.get_mut(..message.len())?.copy_from_slice(message);
        Some(Self {
            connection,
            reserved: 0,
            kind: SlotType::CHANNEL_MESSAGE,
            len: u32::try_from(message.len()).ok()?,
            payload,
        })
    }
}
