// SPDX-License-Identifier: GPL-2.0

//! The objects of NDIS that guests query and set. Facts from include/linux/rndis.h and
//! drivers/net/hyperv/rndis_filter.c.

use super::config::CardConfig;
use super::rndis::status;
use super::rss::Rss;
use super::session::Session;
use super::violation::Violation;

#[expect(missing_docs, reason = "the names are the protocol's")]
mod id {
    pub const MAXIMUM_FRAME_SIZE: u32 = 0x0001_0106;
    pub const LINK_SPEED: u32 = 0x0001_0107;
    pub const PACKET_FILTER: u32 = 0x0001_010e;
    pub const MEDIA_CONNECT_STATUS: u32 = 0x0001_0114;
    pub const RSS_CAPABILITIES: u32 = 0x0001_0203;
    pub const RSS_PARAMETERS: u32 = 0x0001_0204;
    pub const CONFIG_PARAMETER: u32 = 0x0001_021b;
    pub const FRIENDLY_NAME: u32 = 0x0002_0216;
    pub const PERMANENT_ADDRESS: u32 = 0x0101_0101;
    pub const CURRENT_ADDRESS: u32 = 0x0101_0102;
    pub const OFFLOAD_PARAMETERS: u32 = 0xfc01_020c;
    pub const OFFLOAD_CAPABILITIES: u32 = 0xfc01_020d;
}
pub use id::*;

/// The bits of a packet filter.
pub mod filter {
    #![expect(missing_docs, reason = "the names are the protocol's")]
    pub const DIRECTED: u32 = 1;
    pub const MULTICAST: u32 = 2;
    pub const ALL_MULTICAST: u32 = 4;
    pub const BROADCAST: u32 = 8;
    pub const PROMISCUOUS: u32 = 0x20;
}

/// A status for the guest, and what it did.
type Refusal = (u32, Violation);

/// The value of an object. `input` is what the guest sent along.
pub(super) fn query(
    session: &Session,
    config: &CardConfig,
    oid: u32,
    input: &[u8],
) -> Result<Vec<u8>, Refusal> {
    let word = |value: u32| Ok(value.to_le_bytes().to_vec());
    match oid {
        MAXIMUM_FRAME_SIZE => word(session.mtu.min(config.max_mtu)),
        LINK_SPEED => word(session.speed.saturating_mul(10_000)),
        PACKET_FILTER => word(session.filter),
        MEDIA_CONNECT_STATUS => word(u32::from(!session.link)),
        PERMANENT_ADDRESS => Ok(config.mac.to_vec()),
        CURRENT_ADDRESS => Ok(session.mac.to_vec()),
        FRIENDLY_NAME => Ok(config
            .name
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect()),
        OFFLOAD_CAPABILITIES => offload_capabilities(config, input),
        RSS_CAPABILITIES => rss_capabilities(config, input),
        other => Err((status::NOT_SUPPORTED, Violation::Object("query", other))),
    }
}

fn offload_capabilities(config: &CardConfig, input: &[u8]) -> Result<Vec<u8>, Refusal> {
    let wrong = |what| {
        (
            status::INVALID_DATA,
            Violation::Value(OFFLOAD_CAPABILITIES, what),
        )
    };
    let &[kind, revision, low, high, ..] = input else {
        return Err(wrong("too short"));
    };
    let size = u16::from_le_bytes([low, high]);
    let fits = matches!((revision, size), (1, 112) | (2, 144) | (3, 156));
    if kind != 0xa7 || !fits || input.len() != usize::from(size) {
        return Err(wrong("a wrong header"));
    }
    Ok(config.offloads.capabilities(revision, size))
}

fn rss_capabilities(config: &CardConfig, input: &[u8]) -> Result<Vec<u8>, Refusal> {
    const SIZE: u16 = 18;
    /// Classification at DPC level, and hashes of TCP over both versions.
    const FLAGS: u32 = 0x0400_0301;
    if input.get(..2) != Some(&[0x88, 2]) || input.len() != usize::from(SIZE) {
        let violation = Violation::Value(RSS_CAPABILITIES, "a wrong header");
        return Err((status::INVALID_DATA, violation));
    }
    let queues = u32::from(config.queues);
    let mut value = vec![0x88, 2];
    value.extend(SIZE.to_le_bytes());
    value.extend(
        [FLAGS, queues, queues]
            .iter()
            .flat_map(|word| word.to_le_bytes()),
    );
    value.extend(config.indirection_entries.to_le_bytes());
    Ok(value)
}

/// Sets an object. What the guest may ask for and does not get is a status, not a violation.
pub(super) fn set(
    session: &mut Session,
    config: &CardConfig,
    oid: u32,
    value: &[u8],
) -> Result<u32, Refusal> {
    let wrong = |what| (status::INVALID_DATA, Violation::Value(oid, what));
    match oid {
        PACKET_FILTER => {
            let filter: [u8; 4] = value.try_into().map_err(|_| wrong("a wrong length"))?;
            session.filter = u32::from_le_bytes(filter);
        }
        CONFIG_PARAMETER => {
            let mac = network_address(value).ok_or(wrong("no network address"))?;
            if !config.mac_spoofing {
                return Ok(status::FAILURE);
            }
            session.mac = mac;
        }
        OFFLOAD_PARAMETERS => session
            .enabled
            .set(value, &config.offloads)
            .map_err(wrong)?,
        RSS_PARAMETERS => session.rss = Rss::parse(value, config.queues).map_err(wrong)?,
        other => return Err((status::NOT_SUPPORTED, Violation::Object("set", other))),
    }
    Ok(status::SUCCESS)
}

/// The address in a configuration parameter of this name, which is a string of UTF-16.
fn network_address(value: &[u8]) -> Option<[u8; 6]> {
    const STRING: u32 = 2;
    let field = |index: usize| {
        let field = value.get(4 * index..4 * index + 4)?;
        field.try_into().ok().map(u32::from_le_bytes)
    };
    let text = |offset: u32, len: u32| {
        let end = (offset as usize).checked_add(len as usize)?;
        let bytes = value.get(offset as usize..end)?;
        let units = bytes
            .chunks_exact(2)
            .map(|it| u16::from_le_bytes([it[0], it[1]]));
        String::from_utf16(&units.collect::<Vec<_>>()).ok()
    };
    let name = text(field(0)?, field(1)?)?;
    let digits = text(field(3)?, field(4)?)?;
    if name != "NetworkAddress" || field(2)? != STRING || digits.len() != 12 {
        return None;
    }
    let mut mac = [0; 6];
    for (index, byte) in mac.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(mac)
}
