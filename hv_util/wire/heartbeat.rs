// SPDX-License-Identifier: GPL-2.0

//! Signs of life: the host sends a number every few seconds, and the guest counts it up.

use super::{
    TooShort,
    Version, //
};
use zerocopy::{
    little_endian::U64,
    FromBytes as _, //
};

/// The versions of the service, the best first.
pub(crate) const VERSIONS: &[Version] = &[Version::new(3, 0), Version::new(1, 0)];

/// Counts the number in the body of a message up. What follows the number means nothing, and hosts
/// may leave it out.
///
/// # Errors
///
/// There is no number.
pub(crate) fn count_up(body: &mut [u8]) -> Result<(), TooShort> {
    let (sequence, _) = U64::mut_from_prefix(body).map_err(|_| TooShort)?;
    sequence.set(sequence.get().wrapping_add(1));
    Ok(())
}
