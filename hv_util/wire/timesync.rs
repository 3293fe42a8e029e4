// SPDX-License-Identifier: GPL-2.0

//! Samples of the host's clock.
//!
//! Times are in units of 100 ns: those of the host since 1601, those of the hypervisor's reference
//! counter since the guest was started.

use super::{
    TooShort,
    Version, //
};
use zerocopy::{
    little_endian::U64,
    FromBytes as _, //
};
use zerocopy_derive::{
    FromBytes,
    Immutable,
    IntoBytes,
    KnownLayout,
    Unaligned, //
};

/// The versions of the service, the best first.
pub(crate) const VERSIONS: &[Version] =
    &[Version::new(4, 0), Version::new(3, 0), Version::new(1, 0)];

/// The last version with bodies without the reference counter.
const LAST_WITHOUT_REFERENCE: Version = Version::new(3, 0);

/// 1970, in the host's reckoning.
const UNIX_EPOCH: u64 = 116_444_736_000_000_000;

/// The length of a unit of time, in nanoseconds.
const UNIT_NS: u64 = 100;

/// The age at which a sample says nothing any more, in nanoseconds.
const STALE_NS: u64 = 600 * 1_000_000_000;

/// How far the guest's clock has to be behind to be set without the host's demand, in nanoseconds.
const FAR_BEHIND_NS: i64 = 5 * 1_000_000_000;

/// The body of a message, up to version 3.0.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
pub(crate) struct Body {
    pub(crate) host_time: U64,
    pub(crate) guest_time: U64,
    pub(crate) round_trip: U64,
    pub(crate) flags: u8,
}

/// The body of a message since version 4.0.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
pub(crate) struct BodyWithReference {
    pub(crate) host_time: U64,
    pub(crate) reference: U64,
    pub(crate) flags: u8,
    pub(crate) leap_flags: u8,
    pub(crate) stratum: u8,
    pub(crate) reserved: [u8; 3],
}

/// What the host says about the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    host_time: u64,
    /// The reference counter when it was that time.
    reference: Option<u64>,
    /// The guest is to set its clock.
    pub(crate) must_set: bool,
}

impl Report {
    /// Reads a report of a host that speaks `version`.
    ///
    /// # Errors
    ///
    /// The body is too short.
    pub(crate) fn parse(version: Option<Version>, body: &[u8]) -> Result<Self, TooShort> {
        const SYNC: u8 = 1;

        let with_reference =
            version.is_some_and(|version| version.number() > LAST_WITHOUT_REFERENCE.number());
        if with_reference {
            let (body, _) = BodyWithReference::ref_from_prefix(body).map_err(|_| TooShort)?;
            Ok(Self {
                host_time: body.host_time.get(),
                reference: Some(body.reference.get()),
                must_set: body.flags & SYNC != 0,
            })
        } else {
            let (body, _) = Body::ref_from_prefix(body).map_err(|_| TooShort)?;
            Ok(Self {
                host_time: body.host_time.get(),
                reference: None,
                must_set: body.flags & SYNC != 0,
            })
        }
    }

    /// What to remember of it, if the reference counter is at `now`: the time that it has become
    /// since the host looked at its clock.
    pub(crate) fn sample(&self, now: u64) -> Sample {
        let passed = now.wrapping_sub(self.reference.unwrap_or(now));
        Sample {
            host_time: self.host_time.wrapping_add(passed),
            reference: now,
        }
    }
}

/// The host's time at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    host_time: u64,
    reference: u64,
}

/// Why there is no telling the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoTime {
    /// The sample is this old, in nanoseconds.
    Stale(u64),
    /// It is out of the range of the guest's clock.
    OutOfRange,
}

impl Sample {
    /// What time it is on the host when the reference counter is at `now`, in nanoseconds since
    /// 1970.
    ///
    /// # Errors
    ///
    /// See [`NoTime`].
    pub(crate) fn at(&self, now: u64) -> Result<i64, NoTime> {
        let passed = now.saturating_sub(self.reference);
        let age = passed.saturating_mul(UNIT_NS);
        if age > STALE_NS {
            return Err(NoTime::Stale(age));
        }
        let time = self.host_time.checked_add(passed);
        time.and_then(unix_time).ok_or(NoTime::OutOfRange)
    }

    /// Whether a guest whose clock says `guest`, in nanoseconds since 1970, is far behind.
    pub(crate) fn is_far_ahead_of(&self, guest: i64) -> bool {
        unix_time(self.host_time).is_some_and(|host| host.saturating_sub(guest) >= FAR_BEHIND_NS)
    }
}

/// A time of the host in nanoseconds since 1970; [`None`] if it is not within what the kernel can
/// reckon with.
fn unix_time(time: u64) -> Option<i64> {
    let nanoseconds = time.checked_sub(UNIX_EPOCH)?.checked_mul(UNIT_NS)?;
    i64::try_from(nanoseconds).ok()
}
