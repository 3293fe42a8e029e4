// SPDX-License-Identifier: GPL-2.0

//! Time synchronization: the host tells the time, as a sample or to be set.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use zerocopy::little_endian::U64;
use zerocopy::{Immutable, IntoBytes, Unaligned};

use super::link::{Error, Link, Ticket, Versions};
use super::wire::{Version, guid, kind, status};

/// The class, 9527e630-d0ae-497b-adce-e80ab0175caf.
const CLASS: [u8; 16] = guid(
    0x9527e630,
    0xd0ae,
    0x497b,
    [0xad, 0xce, 0xe8, 0x0a, 0xb0, 0x17, 0x5c, 0xaf],
);
/// The instance that every virtual machine has.
const INSTANCE: [u8; 16] = guid(
    0x2dd1ce17,
    0x079e,
    0x403c,
    [0xb3, 0x52, 0xa1, 0x92, 0x1e, 0xe2, 0x07, 0xee],
);

/// `flags`: the guest is to set its clock.
pub const SYNC: u8 = 1;
/// `flags`: a sample.
pub const SAMPLE: u8 = 2;

/// 1970 in the protocol's time, which counts units of 100 ns from 1601 on.
const EPOCH: u64 = 116_444_736_000_000_000;
/// Nanoseconds in a unit.
const UNIT: u128 = 100;

/// The first version whose messages have the guest's reference time.
const WITH_REFERENCE: (u16, u16) = (4, 0);

/// `struct ictimesync_data`.
#[derive(IntoBytes, Immutable, Unaligned)]
#[repr(C)]
struct Old {
    host_time: U64,
    guest_time: U64,
    round_trip: U64,
    flags: u8,
}

/// `struct ictimesync_ref_data`.
#[derive(IntoBytes, Immutable, Unaligned)]
#[repr(C)]
struct New {
    host_time: U64,
    /// The guest's reference time when the host took its own.
    reference: U64,
    flags: u8,
    leap: u8,
    stratum: u8,
    reserved: [u8; 3],
}

/// See the module.
pub struct TimeSync {
    link: Arc<Link>,
}

impl Default for TimeSync {
    fn default() -> Self {
        let versions = [(1, 0), (3, 0), (4, 0)].map(|(a, b)| Version::new(a, b));
        Self {
            link: Link::new(
                CLASS,
                INSTANCE,
                kind::TIME_SYNC,
                Versions::with_messages(&versions),
            ),
        }
    }
}

impl TimeSync {
    /// The channel.
    pub fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// Tells the guest to set its clock to `time`, which is now.
    ///
    /// # Errors
    ///
    /// Those of [`Link::transact`].
    pub fn sync(&self, time: SystemTime, limit: Duration) -> Result<(), Error> {
        self.tell(time, Duration::ZERO, SYNC, limit)
    }

    /// Gives the guest a sample: it is `time` now.
    ///
    /// # Errors
    ///
    /// Those of [`Link::transact`].
    pub fn sample(&self, time: SystemTime, limit: Duration) -> Result<(), Error> {
        self.tell(time, Duration::ZERO, SAMPLE, limit)
    }

    /// Tells the guest that it was `time` a while `ago`; versions before 4.0 cannot say the latter.
    ///
    /// # Errors
    ///
    /// Those of [`Link::transact`].
    pub fn tell(
        &self,
        time: SystemTime,
        ago: Duration,
        flags: u8,
        limit: Duration,
    ) -> Result<(), Error> {
        let ticket = self.post(time, ago, flags)?;
        match self.link.finish(ticket, limit)?.status {
            status::OK => Ok(()),
            code => Err(Error::Status(code)),
        }
    }

    /// The same without waiting for the answer, or for earlier ones.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] where the service is not ready.
    pub fn post(&self, time: SystemTime, ago: Duration, flags: u8) -> Result<Ticket, Error> {
        let version = self.link.agreed().ok_or(Error::Closed)?.message;
        let reference = self.link.reference_time().ok_or(Error::Closed)?;
        let reference = reference.saturating_sub(units(ago));
        self.link.post(&body(version, time, reference, flags))
    }
}

/// The body of a message in `version`: it was `time` when the guest's reference time was
/// `reference`, in units of 100 ns.
pub fn body(version: Version, time: SystemTime, reference: u64, flags: u8) -> Vec<u8> {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let host_time = EPOCH.saturating_add(units(since)).into();
    if version.numbers() >= WITH_REFERENCE {
        let message = New {
            host_time,
            reference: reference.into(),
            flags,
            leap: 0,
            stratum: 1,
            reserved: [0; 3],
        };
        return message.as_bytes().to_vec();
    }
    let message = Old {
        host_time,
        guest_time: U64::ZERO,
        round_trip: U64::ZERO,
        flags,
    };
    message.as_bytes().to_vec()
}

/// In units of 100 ns.
fn units(time: Duration) -> u64 {
    u64::try_from(time.as_nanos() / UNIT).unwrap_or(u64::MAX)
}
