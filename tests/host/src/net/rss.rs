// SPDX-License-Identifier: GPL-2.0

//! Receive side scaling: which queue a frame for the guest goes to.

use super::frame::{Ip, TCP};

/// The length of a key.
pub const KEY: usize = 40;

const TOEPLITZ: u32 = 1;
const IPV4: u32 = 0x100;
const TCP_IPV4: u32 = 0x200;
const IPV6: u32 = 0x400;
const TCP_IPV6: u32 = 0x1000;
/// The flag that switches scaling off.
const DISABLE: u16 = 0x10;

/// What the guest has set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rss {
    /// What is hashed.
    pub hash_info: u32,
    /// The indirection table.
    pub table: Vec<u32>,
    /// The key.
    pub key: [u8; KEY],
}

impl Rss {
    /// Parses `NDIS_RECEIVE_SCALE_PARAMETERS`; `None` switches scaling off.
    pub fn parse(value: &[u8], queues: u16) -> Result<Option<Self>, &'static str> {
        let byte = |at: usize| value.get(at).copied().ok_or("too short");
        let half = |at: usize| -> Result<u16, &'static str> {
            Ok(u16::from_le_bytes([byte(at)?, byte(at + 1)?]))
        };
        let word = |at: usize| -> Result<usize, &'static str> {
            Ok(usize::from(half(at)?) | usize::from(half(at + 2)?) << 16)
        };
        if byte(0)? != 0x89 || byte(1)? != 2 || half(2)? < 40 {
            return Err("a wrong header");
        }
        let part = |offset: usize, len: usize| {
            let end = offset.checked_add(len).ok_or("an offset outside")?;
            value.get(offset..end).ok_or("an offset outside")
        };
        let table = part(word(16)?, half(12)?.into())?;
        let key = part(word(24)?, half(20)?.into())?;
        if half(4)? & DISABLE != 0 {
            return Ok(None);
        }
        let hash_info = word(8)? as u32;
        if hash_info & TOEPLITZ == 0 {
            return Err("a hash function that there is not");
        }
        let table: Vec<u32> = table
            .chunks_exact(4)
            .map(|entry| u32::from_le_bytes([entry[0], entry[1], entry[2], entry[3]]))
            .collect();
        if table.is_empty() || table.iter().any(|&entry| entry >= queues.into()) {
            return Err("an indirection table with queues that there are not");
        }
        let key = key.try_into().map_err(|_| "a key of a wrong length")?;
        Ok(Some(Self {
            hash_info,
            table,
            key,
        }))
    }

    /// The hash of an untagged frame, where it has one.
    pub fn hash(&self, frame: &[u8]) -> Option<u32> {
        let ip = Ip::find(frame)?;
        let (tcp, any) = if ip.v6 {
            (TCP_IPV6, IPV6)
        } else {
            (TCP_IPV4, IPV4)
        };
        let mut input = ip.addresses(frame).to_vec();
        if ip.protocol == TCP && !ip.fragment && self.hash_info & tcp != 0 {
            input.extend_from_slice(frame.get(ip.transport..ip.transport + 4)?);
        } else if self.hash_info & any == 0 {
            return None;
        }
        Some(toeplitz(&self.key, &input))
    }

    /// The queue for a hash.
    pub fn queue(&self, hash: u32) -> u32 {
        self.table[hash as usize % self.table.len()]
    }
}

/// The hash function of Toeplitz: the key's bits from each set bit of the input on.
fn toeplitz(key: &[u8; KEY], input: &[u8]) -> u32 {
    let bit = |at: usize| u32::from(key[at / 8 % KEY] >> (7 - at % 8) & 1);
    let mut window = (0..32).fold(0, |window, at| window << 1 | bit(at));
    let mut hash = 0;
    for (index, byte) in input.iter().enumerate() {
        for position in 0..8 {
            if byte >> (7 - position) & 1 == 1 {
                hash ^= window;
            }
            window = window << 1 | bit(8 * index + position + 32);
        }
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first line of the verification suite in Microsoft's documentation of RSS.
    #[test]
    fn known_hashes() {
        let key = *b"\x6d\x5a\x56\xda\x25\x5b\x0e\xc2\x41\x67\x25\x3d\x43\xa3\x8f\xb0\xd0\xca\x2b\xcb\
                     \xae\x7b\x30\xb4\x77\xcb\x2d\xa3\x80\x30\xf2\x0c\x6a\x42\xb7\x3b\xbe\xac\x01\xfa";
        let addresses = [66, 9, 149, 187, 161, 142, 100, 80];
        assert_eq!(toeplitz(&key, &addresses), 0x323e_8fc2);
        let with_ports = [
            &addresses[..],
            &2794u16.to_be_bytes(),
            &1766u16.to_be_bytes(),
        ]
        .concat();
        assert_eq!(toeplitz(&key, &with_ports), 0x51cc_c178);
    }
}
