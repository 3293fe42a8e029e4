// SPDX-License-Identifier: GPL-2.0

//! A SCSI command as the host sees it: a Windows SCSI request block.

use core::ops::BitOr;
use zerocopy_derive::{
    FromBytes,
    Immutable,
    IntoBytes,
    KnownLayout, //
};

/// The longest command descriptor block.
pub(crate) const MAX_CDB_BYTES: usize = 16;

/// The most sense data that the host returns.
pub(crate) const SENSE_BYTES: usize = 20;

/// The result of a request in Windows' terms: a code and two flags.
#[repr(transparent)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub(crate) struct SrbStatus(pub(crate) u8);

impl SrbStatus {
    /// Success.
    pub(crate) const SUCCESS: Self = Self(0x01);
    /// Aborted.
    pub(crate) const ABORTED: Self = Self(0x02);
    /// Failed; the SCSI status says more.
    pub(crate) const ERROR: Self = Self(0x04);
    /// The host does not know such a request.
    pub(crate) const INVALID_REQUEST: Self = Self(0x06);
    /// The device did not answer in time.
    pub(crate) const TIMEOUT: Self = Self(0x09);
    /// The device did not answer at all.
    pub(crate) const SELECTION_TIMEOUT: Self = Self(0x0a);
    /// The bus was reset.
    pub(crate) const BUS_RESET: Self = Self(0x0e);
    /// The device transferred another amount than was asked for.
    pub(crate) const DATA_OVERRUN: Self = Self(0x12);
    /// There is no such logical unit.
    pub(crate) const INVALID_LUN: Self = Self(0x20);
    /// The host failed.
    pub(crate) const INTERNAL_ERROR: Self = Self(0x30);

    const QUEUE_FROZEN: u8 = 0x40;
    const AUTOSENSE_VALID: u8 = 0x80;

    /// The code without the flags.
    pub(crate) const fn code(self) -> Self {
        Self(self.0 & !(Self::AUTOSENSE_VALID | Self::QUEUE_FROZEN))
    }

    /// Whether the host returned sense data.
    pub(crate) const fn has_sense(self) -> bool {
        self.0 & Self::AUTOSENSE_VALID != 0
    }
}

/// How a request is to be treated.
#[repr(transparent)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub(crate) struct SrbFlags(pub(crate) u32);

impl SrbFlags {
    /// The queue action is valid.
    pub(crate) const QUEUE_ACTION: Self = Self(0x2);
    /// No synchronous transfers.
    pub(crate) const DISABLE_SYNCH_TRANSFER: Self = Self(0x8);
    /// The device sends data.
    pub(crate) const DATA_IN: Self = Self(0x40);
    /// The device receives data.
    pub(crate) const DATA_OUT: Self = Self(0x80);
    /// An error does not freeze the queue.
    pub(crate) const NO_QUEUE_FREEZE: Self = Self(0x100);
}

impl BitOr for SrbFlags {
    type Output = Self;

    #[inline]
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Which way the data goes.
#[repr(transparent)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub(crate) struct DataIn(pub(crate) u8);

impl DataIn {
    /// To the device.
    pub(crate) const WRITE: Self = Self(0);
    /// From the device.
    pub(crate) const READ: Self = Self(1);
    /// No data.
    pub(crate) const UNKNOWN: Self = Self(2);
}

/// A request, and in the host's answer its result.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub(crate) struct Srb {
    /// The size of this structure.
    pub(crate) length: u16,
    /// The result of the request.
    pub(crate) srb_status: SrbStatus,
    /// The result of the command.
    pub(crate) scsi_status: u8,
    /// The number of the guest's adapter.
    pub(crate) port: u8,
    /// The bus.
    pub(crate) path: u8,
    /// The target on the bus.
    pub(crate) target: u8,
    /// The logical unit of the target.
    pub(crate) lun: u8,
    /// The length of the command descriptor block.
    pub(crate) cdb_length: u8,
    /// The length of the sense data, or how much of it is wanted.
    pub(crate) sense_length: u8,
    /// Which way the data goes.
    pub(crate) data_in: DataIn,
    /// Zero.
    pub(crate) reserved0: u8,
    /// How much is to be, or was, transferred.
    pub(crate) data_transfer_length: u32,
    /// The command descriptor block; in an answer the sense data.
    pub(crate) cdb_or_sense: [u8; SENSE_BYTES],
    /// Zero.
    pub(crate) reserved1: u16,
    /// The queue tag.
    pub(crate) queue_tag: u8,
    /// The kind of queueing.
    pub(crate) queue_action: u8,
    /// How the request is to be treated.
    pub(crate) flags: SrbFlags,
    /// In seconds.
    pub(crate) timeout: u32,
    /// Zero.
    pub(crate) sort_key: u32,
}

const _: () = assert!(size_of::<Srb>() == 52);
const _: () = assert!(MAX_CDB_BYTES <= SENSE_BYTES);

impl Srb {
    /// The size of the structure on the wire.
    pub(crate) const BYTES: u16 = 52;
    /// No tag of our own.
    pub(crate) const UNTAGGED: u8 = 0xff;
    /// The commands may be reordered.
    pub(crate) const SIMPLE_TAG_REQUEST: u8 = 0x20;
    /// The time that the host's own stack gives a request, in seconds.
    pub(crate) const TIMEOUT_SECONDS: u32 = 60;

    /// Sets the command descriptor block; `false` if it is too long for the protocol.
    #[inline]
    #[must_use]
    pub(crate) fn set_cdb(&mut self, cdb: &[u8]) -> bool {
        let (Ok(length), true) = (u8::try_from(cdb.len()), cdb.len() <= MAX_CDB_BYTES) else {
            return false;
        };
        let Some(start) = self.cdb_or_sense.get_mut(..cdb.len()) else {
            return false;
        };
        start.copy_from_slice(cdb);
        self.cdb_length = length;
        true
    }

    /// Whether an answer says that everything went well.
    #[inline]
    pub(crate) fn is_success(&self) -> bool {
        self.srb_status == SrbStatus::SUCCESS && self.scsi_status == 0
    }

    /// The sense data of an answer, no longer than there is room for whatever the host says.
    #[inline]
    pub(crate) fn sense(&self) -> &[u8] {
        let length = usize::from(self.sense_length).min(SENSE_BYTES);
        &self.cdb_or_sense[..length]
    }
}
