// SPDX-License-Identifier: GPL-2.0

//! From what the daemon says to what the host is told.

use super::{
    super::{
        utf16_from_utf8,
        Status, //
    },
    layout::{
        Addresses,
        DaemonHeader,
        HostHeader,
        Numbered,
        Operation,
        Pair,
        ValueType,
        DAEMON_BODY_BYTES, //
    },
    Daemon, //
};
use zerocopy::{
    little_endian::U32,
    FromBytes,
    Immutable,
    IntoBytes,
    KnownLayout, //
};

/// The terminator of a text for the host.
const TERMINATOR_BYTES: usize = size_of::<u16>();

/// What is left free at the end of a text, besides the terminator: the C driver leaves it free, and
/// hosts are used to that.
const MARGIN_BYTES: usize = size_of::<u16>();

/// Makes a body of the host the answer to it, with what the daemon says. The status is that of the
/// answer; the body means something only if it is [`Status::OK`].
pub(crate) fn answer(daemon: Daemon, message: &[u8], body: &mut [u8]) -> Status {
    fill(daemon, message, body).unwrap_or_else(|status| status)
}

fn fill(daemon: Daemon, message: &[u8], body: &mut [u8]) -> Result<Status, Status> {
    let (status, content) = Status::ref_from_prefix(message).map_err(|_| Status::FAIL)?;
    let (host, _) = HostHeader::read_from_prefix(body).map_err(|_| Status::FAIL)?;
    if content.len() < DAEMON_BODY_BYTES {
        return Err(Status::FAIL);
    }
    if daemon == Daemon::Current && *status != Status::OK {
        return Err(*status);
    }
    match host.operation {
        Operation::GET => get(read(content)?, place::<DaemonHeader, _>(body)?)?,
        Operation::ENUMERATE => {
            enumerate(daemon, read(content)?, place::<DaemonHeader, _>(body)?)?;
        }
        Operation::GET_IP_INFO => addresses(read(content)?, place::<HostHeader, _>(body)?)?,
        // Nothing but the status.
        _ => (),
    }
    Ok(Status::OK)
}

fn get(from: &Pair, to: &mut Pair) -> Result<(), Status> {
    to.value_type = ValueType::TEXT;
    to.value_len = text(&from.value, &mut to.value, MARGIN_BYTES)?;
    Ok(())
}

fn enumerate(daemon: Daemon, from: &Numbered, to: &mut Numbered) -> Result<(), Status> {
    if daemon == Daemon::Legacy && from.pair.key.first() == Some(&0) {
        return Err(Status::NO_MORE);
    }
    to.pair.key_len = text(&from.pair.key, &mut to.pair.key, MARGIN_BYTES)?;
    get(&from.pair, &mut to.pair)
}

fn addresses(from: &Addresses, to: &mut Addresses) -> Result<(), Status> {
    text(&from.addresses, &mut to.addresses, 0)?;
    text(&from.subnets, &mut to.subnets, 0)?;
    text(&from.gateways, &mut to.gateways, 0)?;
    text(&from.name_servers, &mut to.name_servers, 0)?;
    text(&from.adapter, &mut to.adapter, 0)?;
    to.dhcp = from.dhcp;
    to.family = from.family;
    Ok(())
}

/// What follows the status in a message of the daemon.
fn read<T: FromBytes + Immutable + KnownLayout>(content: &[u8]) -> Result<&T, Status> {
    let (content, _) = T::ref_from_prefix(content).map_err(|_| Status::FAIL)?;
    Ok(content)
}

/// Where in a body of the host it goes.
fn place<H, T: FromBytes + IntoBytes + KnownLayout>(body: &mut [u8]) -> Result<&mut T, Status> {
    let content = body.get_mut(size_of::<H>()..).ok_or(Status::FAIL)?;
    let (content, _) = T::mut_from_prefix(content).map_err(|_| Status::FAIL)?;
    Ok(content)
}

/// Converts a text, and fills its place up with zeros, one of which is the terminator. Returns its
/// length in bytes, with the terminator.
fn text(from: &[u8], to: &mut [u8], margin: usize) -> Result<U32, Status> {
    to.fill(0);
    let room = to.len().saturating_sub(TERMINATOR_BYTES + margin);
    let place = to.get_mut(..room).unwrap_or_default();
    let len = utf16_from_utf8(from, place).ok_or(Status::FAIL)?;
    // CAST: No longer than the longest field, which has 2048 bytes.
    Ok(U32::new((len + TERMINATOR_BYTES) as u32))
}
