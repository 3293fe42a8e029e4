// SPDX-License-Identifier: GPL-2.0

//! From what the host wants to what the daemon is asked.

use super::{
    super::utf8_from_utf16,
    layout::{
        Addresses,
        DaemonHeader,
        HostHeader,
        Key,
        Numbered,
        Operation,
        Pair,
        ValueType,
        KEY_BYTES,
        POOLS,
        VALUE_BYTES, //
    },
    Daemon, //
};
use core::fmt::{
    self,
    Write as _, //
};
use zerocopy::{
    little_endian::{
        U32,
        U64, //
    },
    FromBytes,
    Immutable,
    IntoBytes,
    KnownLayout, //
};

/// Why the daemon is not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The message is shorter than it has to be.
    TooShort,
    /// There is no such operation.
    Operation(Operation),
    /// There is no such pool. Daemons do not check it.
    Pool(u8),
    /// There is no such type of values.
    ValueType(ValueType),
}

/// Where the version stands in a greeting: at the start, as text.
const VERSION: &[u8] = b"3.1";

/// Writes a greeting for a daemon, whose kind has to be repeated, to `out`, which has
/// [`MESSAGE_BYTES`](super::MESSAGE_BYTES) bytes.
///
/// # Errors
///
/// [`Refusal::TooShort`] if it has not.
pub(crate) fn greeting(daemon: Daemon, out: &mut [u8]) -> Result<(), Refusal> {
    let (header, body) = clear(out)?;
    header.operation = daemon.operation();
    let version = body.get_mut(..VERSION.len()).ok_or(Refusal::TooShort)?;
    version.copy_from_slice(VERSION);
    Ok(())
}

/// Writes the question for a body of the host to `out`, which has
/// [`MESSAGE_BYTES`](super::MESSAGE_BYTES) bytes.
///
/// # Errors
///
/// See [`Refusal`].
pub(crate) fn question(body: &[u8], out: &mut [u8]) -> Result<(), Refusal> {
    let (host, _) = HostHeader::read_from_prefix(body).map_err(|_| Refusal::TooShort)?;
    let (header, content) = clear(out)?;
    header.operation = host.operation;
    header.pool = host.pool;
    match host.operation {
        Operation::GET_IP_INFO => card(read::<HostHeader, _>(body)?, place(content)?),
        Operation::SET_IP_INFO => addresses(read::<HostHeader, _>(body)?, place(content)?),
        _ if host.pool >= POOLS => return Err(Refusal::Pool(host.pool)),
        Operation::GET => get(read::<DaemonHeader, _>(body)?, place(content)?),
        Operation::SET => set(read::<DaemonHeader, _>(body)?, place(content)?)?,
        Operation::DELETE => delete(read::<DaemonHeader, _>(body)?, place(content)?),
        Operation::ENUMERATE => enumerate(read::<DaemonHeader, _>(body)?, place(content)?),
        unknown => return Err(Refusal::Operation(unknown)),
    }
    Ok(())
}

fn get(from: &Pair, to: &mut Pair) {
    to.key_len = key(from.key_len, &from.key, &mut to.key);
    // The daemon copies no more of the value than this.
    // CAST: A small constant.
    to.value_len = U32::new(VALUE_BYTES as u32);
}

fn set(from: &Pair, to: &mut Pair) -> Result<(), Refusal> {
    to.key_len = key(from.key_len, &from.key, &mut to.key);
    to.value_len = match from.value_type {
        ValueType::TEXT => text(claimed(from.value_len, &from.value), &mut to.value),
        ValueType::NUMBER32 => {
            let (number, _) = U32::read_from_prefix(&from.value).map_err(|_| Refusal::TooShort)?;
            decimal(number.get().into(), &mut to.value)
        }
        ValueType::NUMBER64 => {
            let (number, _) = U64::read_from_prefix(&from.value).map_err(|_| Refusal::TooShort)?;
            decimal(number.get(), &mut to.value)
        }
        unknown => return Err(Refusal::ValueType(unknown)),
    };
    Ok(())
}

fn delete(from: &Key, to: &mut Key) {
    to.key_len = key(from.key_len, &from.key, &mut to.key);
}

fn enumerate(from: &Numbered, to: &mut Numbered) {
    to.index = from.index;
}

/// Says which network card it is about.
fn card(from: &Addresses, to: &mut Addresses) {
    text(&from.adapter, &mut to.adapter);
    to.family = from.family;
}

fn addresses(from: &Addresses, to: &mut Addresses) {
    card(from, to);
    to.dhcp = from.dhcp;
    text(&from.addresses, &mut to.addresses);
    text(&from.subnets, &mut to.subnets);
    text(&from.gateways, &mut to.gateways);
    text(&from.name_servers, &mut to.name_servers);
}

/// Zeroes a message.
fn clear(out: &mut [u8]) -> Result<(&mut DaemonHeader, &mut [u8]), Refusal> {
    out.fill(0);
    DaemonHeader::mut_from_prefix(out).map_err(|_| Refusal::TooShort)
}

/// What follows a header in a body of the host.
fn read<H, T: FromBytes + Immutable + KnownLayout>(body: &[u8]) -> Result<&T, Refusal> {
    let content = body.get(size_of::<H>()..).ok_or(Refusal::TooShort)?;
    let (content, _) = T::ref_from_prefix(content).map_err(|_| Refusal::TooShort)?;
    Ok(content)
}

/// Where in a message to the daemon it goes.
fn place<T: FromBytes + IntoBytes + KnownLayout>(content: &mut [u8]) -> Result<&mut T, Refusal> {
    let (content, _) = T::mut_from_prefix(content).map_err(|_| Refusal::TooShort)?;
    Ok(content)
}

/// As much of a text as the host says that there is, and no more than there is.
fn claimed(len: U32, text: &[u8]) -> &[u8] {
    let len = usize::try_from(len.get()).unwrap_or(usize::MAX);
    text.get(..len).unwrap_or(text)
}

fn key(len: U32, from: &[u8; KEY_BYTES], to: &mut [u8; KEY_BYTES]) -> U32 {
    text(claimed(len, from), to)
}

/// Converts a text, with room left for the terminator. Returns the length with that.
fn text(from: &[u8], to: &mut [u8]) -> U32 {
    let room = to.len().saturating_sub(1);
    let len = utf8_from_utf16(from, to.get_mut(..room).unwrap_or_default());
    // CAST: No longer than the longest field, which has 2048 bytes.
    U32::new(len as u32 + 1)
}

/// Writes a number as text. Returns the length with the terminator.
fn decimal(number: u64, to: &mut [u8; VALUE_BYTES]) -> U32 {
    let mut cursor = Cursor { to, len: 0 };
    // There is room for any number.
    let _ = write!(cursor, "{number}");
    // CAST: A number has at most 20 digits.
    U32::new(cursor.len as u32 + 1)
}

struct Cursor<'a> {
    to: &'a mut [u8],
    len: usize,
}

impl fmt::Write for Cursor<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len.checked_add(text.len()).ok_or(fmt::Error)?;
        let place = self.to.get_mut(self.len..end).ok_or(fmt::Error)?;
        place.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}
