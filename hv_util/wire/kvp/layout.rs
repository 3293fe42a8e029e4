// SPDX-License-Identifier: GPL-2.0

//! Layouts, which are the same towards the host and towards the daemon, but for the headers.

use zerocopy::little_endian::{
    U16,
    U32, //
};
use zerocopy_derive::{
    FromBytes,
    Immutable,
    IntoBytes,
    KnownLayout,
    Unaligned, //
};

/// The length of a key, in bytes and with its terminator.
pub(crate) const KEY_BYTES: usize = 512;

/// The length of a value, likewise.
pub(crate) const VALUE_BYTES: usize = 2048;

/// The number of pools.
pub(crate) const POOLS: u8 = 5;

/// The length of a daemon's message without its header: that of [`Addresses`], as C aligns it.
pub(crate) const DAEMON_BODY_BYTES: usize = size_of::<Addresses>().next_multiple_of(4);

/// What is to be done. Open, because the host chooses it.
#[repr(transparent)]
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
pub(crate) struct Operation(pub(crate) u8);

impl Operation {
    /// Tell the value of a key.
    pub(crate) const GET: Self = Self(0);
    /// Set the value of a key.
    pub(crate) const SET: Self = Self(1);
    /// Delete a key.
    pub(crate) const DELETE: Self = Self(2);
    /// Tell the pair with a number.
    pub(crate) const ENUMERATE: Self = Self(3);
    /// Tell the addresses of a network card.
    pub(crate) const GET_IP_INFO: Self = Self(4);
    /// Set them.
    pub(crate) const SET_IP_INFO: Self = Self(5);
    /// From a daemon of old: here I am.
    pub(crate) const REGISTER_LEGACY: Self = Self(4);
    /// From a daemon: here I am.
    pub(crate) const REGISTER: Self = Self(100);
}

/// What the value of a key is.
#[repr(transparent)]
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
pub(crate) struct ValueType(pub(crate) U32);

impl ValueType {
    /// Text.
    pub(crate) const TEXT: Self = Self(U32::new(1));
    /// A number of 32 bits.
    pub(crate) const NUMBER32: Self = Self(U32::new(4));
    /// A number of 64 bits.
    pub(crate) const NUMBER64: Self = Self(U32::new(8));
}

/// What every body begins with. In messages about addresses, that is all before the content.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
pub(crate) struct HostHeader {
    pub(crate) operation: Operation,
    pub(crate) pool: u8,
}

/// What the daemon's messages begin with, and the host's about pairs. In an answer the daemon says
/// here how it fared, with 32 bits.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
pub(crate) struct DaemonHeader {
    pub(crate) operation: Operation,
    pub(crate) pool: u8,
    pub(crate) reserved: U16,
}

/// A pair.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
pub(crate) struct Pair {
    pub(crate) value_type: ValueType,
    /// The length of the key in bytes, with its terminator.
    pub(crate) key_len: U32,
    /// The length of the value, likewise.
    pub(crate) value_len: U32,
    pub(crate) key: [u8; KEY_BYTES],
    pub(crate) value: [u8; VALUE_BYTES],
}

/// A pair and its number.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
pub(crate) struct Numbered {
    pub(crate) index: U32,
    pub(crate) pair: Pair,
}

/// A key.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
pub(crate) struct Key {
    /// The length of the key in bytes, with its terminator.
    pub(crate) key_len: U32,
    pub(crate) key: [u8; KEY_BYTES],
}

/// The addresses of a network card, as text. The lengths are for the host's encoding.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
pub(crate) struct Addresses {
    pub(crate) adapter: [u8; 256],
    pub(crate) family: u8,
    pub(crate) dhcp: u8,
    pub(crate) addresses: [u8; 2048],
    pub(crate) subnets: [u8; 2048],
    pub(crate) gateways: [u8; 1024],
    pub(crate) name_servers: [u8; 2048],
}
