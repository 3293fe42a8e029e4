// SPDX-License-Identifier: GPL-2.0

//! Messages for tests, written by the offsets of `struct icmsg_hdr`.

use kernel::prelude::*;

/// Where the body of a message begins.
pub(crate) const BODY: usize = 28;

/// A message of a kind with 32 bytes of body, which begins like this.
pub(crate) fn message(kind: u16, body: &[u8]) -> [u8; 64] {
    let mut message = [0; 64];
    message[12..14].copy_from_slice(&kind.to_le_bytes());
    message[24] = 0x77;
    message[25] = 3;
    message[BODY..BODY + body.len()].copy_from_slice(body);
    message
}

/// A proposal of version 3.0 of the framework and some version of the service.
pub(crate) fn proposal(major: u16, minor: u16) -> [u8; 64] {
    let mut body = [1, 0, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0];
    body[12..14].copy_from_slice(&major.to_le_bytes());
    body[14..16].copy_from_slice(&minor.to_le_bytes());
    message(0, &body)
}

/// The status of an answer to such a message; [`None`] if it is none.
pub(crate) fn status(answer: &[u8]) -> Option<u32> {
    let is_answer = answer.get(24..26)? == [0x77, 5];
    let status = answer.get(20..)?.first_chunk().copied()?;
    is_answer.then_some(u32::from_le_bytes(status))
}

/// A copy of some bytes.
///
/// # Errors
///
/// `ENOMEM`.
pub(crate) fn copy(bytes: &[u8]) -> Result<KVec<u8>> {
    let mut copy = KVec::new();
    copy.extend_from_slice(bytes, GFP_KERNEL)?;
    Ok(copy)
}
