// SPDX-License-Identifier: GPL-2.0

//! The messages of KVP, `struct hv_kvp_msg` in include/uapi/linux/hyperv.h. Text is UTF-16 with a
//! zero at the end, and sizes count bytes, that zero included.

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Room for a key, in bytes.
pub const MAX_KEY: usize = 512;
/// Room for a value, in bytes.
pub const MAX_VALUE: usize = 2048;

/// Types of values.
const TEXT: u32 = 1;
const NUMBER_32: u32 = 4;
const NUMBER_64: u32 = 8;

/// Operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[expect(missing_docs, reason = "the protocol's own names")]
pub enum Operation {
    Get = 0,
    Set = 1,
    Delete = 2,
    Enumerate = 3,
    GetIpInfo = 4,
    SetIpInfo = 5,
}

/// Pools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Pool {
    /// What the host's administrator sets.
    External = 0,
    /// What programs in the guest set.
    Guest = 1,
    /// What the guest tells about itself.
    Auto = 2,
    /// What the host tells about itself.
    AutoExternal = 3,
    /// What the guest's components keep.
    AutoInternal = 4,
}

impl Pool {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::External,
        Self::Guest,
        Self::Auto,
        Self::AutoExternal,
        Self::AutoInternal,
    ];
}

/// A value to be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Text.
    Text(String),
    /// A number of 32 bits.
    U32(u32),
    /// A number of 64 bits.
    U64(u64),
}

impl Value {
    /// Where a message has a value, but no use for it.
    pub const NONE: Self = Self::Text(String::new());

    /// Its type, its size, and what stands in a message.
    fn encode(&self) -> (u32, usize, Vec<u8>) {
        match self {
            Self::Text(text) => {
                let bytes = utf16(text);
                (TEXT, bytes.len(), bytes)
            }
            Self::U32(number) => (NUMBER_32, 4, number.to_le_bytes().to_vec()),
            Self::U64(number) => (NUMBER_64, 8, number.to_le_bytes().to_vec()),
        }
    }
}

/// `struct hv_kvp_hdr`.
#[derive(IntoBytes, Immutable, Unaligned)]
#[repr(C)]
struct Header {
    operation: u8,
    pool: u8,
    pad: [u8; 2],
}

/// `struct hv_kvp_exchg_msg_value`.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Entry {
    value_type: U32,
    key_size: U32,
    value_size: U32,
    key: [u8; MAX_KEY],
    value: [u8; MAX_VALUE],
}

/// The body of an operation on a key and a value; only an enumeration has an `index`.
///
/// A key or value that is too long for its room is cut off, but its whole size stated.
pub fn exchange(operation: Operation, pool: Pool, index: u32, key: &str, value: &Value) -> Vec<u8> {
    let (value_type, value_size, value) = value.encode();
    let key = utf16(key);
    let entry = Entry {
        value_type: value_type.into(),
        key_size: size(key.len()),
        value_size: size(value_size),
        key: room(&key),
        value: room(&value),
    };
    let mut body = header(operation, pool).as_bytes().to_vec();
    if operation == Operation::Enumerate {
        body.extend(index.to_le_bytes());
    }
    body.extend(entry.as_bytes());
    body
}

/// The body of a deletion.
pub fn delete(pool: Pool, key: &str) -> Vec<u8> {
    let key = utf16(key);
    let mut body = header(Operation::Delete, pool).as_bytes().to_vec();
    body.extend(size(key.len()).as_bytes());
    body.extend(room::<MAX_KEY>(&key));
    body
}

fn header(operation: Operation, pool: Pool) -> Header {
    Header {
        operation: operation as u8,
        pool: pool as u8,
        pad: [0; 2],
    }
}

/// What an answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Exchange {
    pub(super) key: String,
    pub(super) value: String,
}

impl Exchange {
    /// Reads the body of an answer to `operation`.
    ///
    /// # Errors
    ///
    /// The field that is wrong, and its value.
    pub(super) fn decode(
        operation: Operation,
        body: &[u8],
    ) -> Result<Self, (&'static str, String)> {
        let at = match operation {
            Operation::Enumerate => 8,
            _ => 4,
        };
        let entry = body.get(at..).map(Entry::read_from_prefix);
        let Some(Ok((entry, _))) = entry else {
            return Err(("length of an answer", body.len().to_string()));
        };
        if entry.value_type.get() != TEXT {
            return Err(("type of a value", entry.value_type.to_string()));
        }
        Ok(Self {
            key: sized_text("key", &entry.key, entry.key_size)?,
            value: sized_text("value", &entry.value, entry.value_size)?,
        })
    }
}

/// Text with a size, which must include the zero at the end and be an even number.
fn sized_text(
    field: &'static str,
    bytes: &[u8],
    size: U32,
) -> Result<String, (&'static str, String)> {
    let wrong = |what: &str| (field, format!("{what}, size {size}"));
    let used = bytes
        .get(..size.get() as usize)
        .ok_or_else(|| wrong("longer than its room"))?;
    let (units, rest) = used.as_chunks::<2>();
    let mut units: Vec<u16> = units.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
    if !rest.is_empty() || units.pop() != Some(0) || units.contains(&0) {
        return Err(wrong("not terminated where its size says"));
    }
    String::from_utf16(&units).map_err(|_| wrong("not UTF-16"))
}

/// UTF-16 with a zero at the end.
pub(super) fn utf16(text: &str) -> Vec<u8> {
    let units = text.encode_utf16().chain([0]);
    units.flat_map(u16::to_le_bytes).collect()
}

/// As much of `bytes` as there is room for.
pub(super) fn room<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut room = [0; N];
    for (to, from) in room.iter_mut().zip(bytes) {
        *to = *from;
    }
    room
}

fn size(bytes: usize) -> U32 {
    u32::try_from(bytes).unwrap_or(u32::MAX).into()
}
