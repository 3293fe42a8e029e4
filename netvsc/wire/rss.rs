// SPDX-License-Identifier: GPL-2.0

//! How the host spreads the flows that it receives over the queues of the guest.

use super::offload::ObjectHeader;
use zerocopy::{
    little_endian::{
        U16,
        U32, //
    },
    FromBytes,
    IntoBytes, //
};
use zerocopy_derive::{
    FromBytes,
    Immutable,
    IntoBytes,
    KnownLayout, //
};

/// The length of the key of the hash function.
pub(crate) const KEY_LEN: usize = 40;

/// The most entries of the table from hashes to queues.
pub(crate) const MAX_TABLE_LEN: usize = 256;

/// The number of entries where the host does not say.
const DEFAULT_TABLE_LEN: usize = 128;

/// A key of the hash function.
pub(crate) type Key = [u8; KEY_LEN];

/// The key that everybody uses who was not given another one.
pub(crate) const DEFAULT_KEY: Key = [
    0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0,
    0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c,
    0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
];

/// What the host can do.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub(crate) struct Capabilities {
    pub(crate) header: RssHeader,
    pub(crate) flags: U32,
    pub(crate) messages: U32,
    pub(crate) queues: U32,
    pub(crate) table_len: U16,
}

/// [`ObjectHeader`], wherever it is.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub(crate) struct RssHeader {
    pub(crate) kind: u8,
    pub(crate) revision: u8,
    pub(crate) len: U16,
}

const _: () = assert!(size_of::<RssHeader>() == size_of::<ObjectHeader>());

/// How many queues a host has, and how many entries its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scale {
    /// The queues.
    pub(crate) queues: u32,
    /// The entries.
    pub(crate) table_len: usize,
}

impl Capabilities {
    /// What a question for them must contain.
    pub(crate) fn query() -> Self {
        Self {
            header: RssHeader {
                kind: 0x88,
                revision: 2,
                // CAST: A small constant.
                len: U16::new(size_of::<Self>() as u16),
            },
            flags: U32::ZERO,
            messages: U32::ZERO,
            queues: U32::ZERO,
            table_len: U16::ZERO,
        }
    }

    /// Reads the answer; [`None`] where there is nothing to spread over. What is missing at its end
    /// is 0.
    pub(crate) fn parse(value: &[u8]) -> Option<Scale> {
        let mut bytes = [0; size_of::<Self>()];
        bytes.get_mut(..value.len())?.copy_from_slice(value);
        let capabilities = Self::read_from_bytes(&bytes).ok()?;
        let queues = capabilities.queues.get();
        let table_len = match usize::from(capabilities.table_len.get()) {
            len @ 1..=MAX_TABLE_LEN => len,
            _ => DEFAULT_TABLE_LEN,
        };
        (queues >= 2).then_some(Scale { queues, table_len })
    }
}

/// How the host shall spread flows.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub(crate) struct Parameters {
    pub(crate) header: RssHeader,
    pub(crate) flags: U16,
    base_cpu: U16,
    pub(crate) hash: U32,
    pub(crate) table_len: U16,
    padding: U16,
    pub(crate) table_offset: U32,
    pub(crate) key_len: U16,
    padding2: U16,
    pub(crate) key_offset: U32,
    masks_offset: U32,
    masks_count: U32,
    masks_len: U32,
}

/// The longest value.
pub(crate) const MAX_PARAMETERS_LEN: usize = size_of::<Parameters>() + 4 * MAX_TABLE_LEN + KEY_LEN;

impl Parameters {
    const DISABLE: u16 = 0x10;
    /// Toeplitz, of addresses and of TCP ports, for both internet protocols.
    const HASH: u32 = 0x1 | 0x100 | 0x200 | 0x400 | 0x1000;

    /// Writes what to set into `room` and returns that; [`None`] if there is no room.
    pub(crate) fn write<'a>(
        room: &'a mut [u8],
        table: &[u16],
        key: &Key,
        disable: bool,
    ) -> Option<&'a [u8]> {
        let table_len = table.len().checked_mul(4)?;
        let key_offset = size_of::<Self>().checked_add(table_len)?;
        let parameters = Self {
            header: RssHeader {
                kind: 0x89,
                revision: 2,
                // CAST: A small constant.
                len: U16::new(size_of::<Self>() as u16),
            },
            flags: U16::new(if disable { Self::DISABLE } else { 0 }),
            base_cpu: U16::ZERO,
            hash: U32::new(Self::HASH),
            table_len: U16::new(u16::try_from(table_len).ok()?),
            padding: U16::ZERO,
            // CAST: A small constant.
            table_offset: U32::new(size_of::<Self>() as u32),
            // CAST: A small constant.
            key_len: U16::new(KEY_LEN as u16),
            padding2: U16::ZERO,
            key_offset: U32::new(u32::try_from(key_offset).ok()?),
            masks_offset: U32::ZERO,
            masks_count: U32::ZERO,
            masks_len: U32::ZERO,
        };
        let value = room.get_mut(..key_offset.checked_add(KEY_LEN)?)?;
        let (start, rest) = value.split_at_mut_checked(size_of::<Self>())?;
        start.copy_from_slice(parameters.as_bytes());
        let (entries, last) = rest.split_at_mut_checked(table_len)?;
        for (entry, queue) in entries.chunks_exact_mut(4).zip(table) {
            entry.copy_from_slice(&u32::from(*queue).to_le_bytes());
        }
        last.copy_from_slice(key);
        Some(value)
    }
}
