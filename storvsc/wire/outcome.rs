// SPDX-License-Identifier: GPL-2.0

//! What an answer of the host means for the command: the one place where errors are judged.

use super::{
    Sense,
    Srb,
    SrbStatus, //
};

const TEST_UNIT_READY: u8 = 0x00;
const INQUIRY: u8 = 0x12;
const MODE_SENSE_6: u8 = 0x1a;
const MODE_SENSE_10: u8 = 0x5a;
const ATA_16: u8 = 0x85;
const REPORT_LUNS: u8 = 0xa0;
const ATA_12: u8 = 0xa1;

const CHECK_CONDITION: u8 = 0x02;

/// The longest list of logical units, in bytes, that a host is believed. An adapter has 255 of eight bytes each
/// at a target.
const MAX_LUN_LIST: u32 = 64 << 10;

/// The adapter's part of a command's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostStatus {
    /// The SCSI status says everything.
    Ok,
    /// There is no such logical unit.
    NoConnect,
    /// Failed for a reason that has no better name.
    Error,
    /// The result is for who sent the command, not for the SCSI layer.
    Passthrough,
    /// Try again.
    Requeue,
}

/// What has to be done beside completing the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The logical unit has changed: look at it again.
    Rescan,
    /// The logical unit is gone: remove it.
    Remove,
}

/// What the host answered to a command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reply<'a> {
    /// The first byte of the command.
    pub(crate) opcode: u8,
    /// How many bytes the command was to transfer.
    pub(crate) requested: u32,
    /// The first bytes of its data, if that [is judged](Self::is_data_judged).
    pub(crate) data: &'a [u8],
    /// The answer.
    pub(crate) srb: &'a Srb,
}

/// What the answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome<'a> {
    /// The SCSI status.
    pub(crate) scsi_status: u8,
    /// The adapter's status.
    pub(crate) host_status: HostStatus,
    /// How many of the requested bytes were not transferred.
    pub(crate) residual: u32,
    /// The sense data; empty if there is none.
    pub(crate) sense: &'a [u8],
    /// What else is to be done.
    pub(crate) event: Option<Event>,
    /// Whether the host reported anything but plain success.
    pub(crate) failed: bool,
}

impl<'a> Reply<'a> {
    /// How much of the data is judged, in bytes.
    pub(crate) const JUDGED_DATA: usize = size_of::<u32>();

    /// Whether an answer to a command with this opcode may be wrong although it says success.
    #[inline]
    pub(crate) fn is_data_judged(opcode: u8) -> bool {
        opcode == REPORT_LUNS
    }

    /// The SCSI layer allocates as much memory as a list of logical units says that it has bytes, and looks
    /// there for them even where that number overflows.
    fn is_list_too_long(&self) -> bool {
        self.opcode == REPORT_LUNS
            && self
                .data
                .first_chunk()
                .is_some_and(|length| u32::from_be_bytes(*length) > MAX_LUN_LIST)
    }

    /// Judges the answer.
    #[inline]
    pub(crate) fn outcome(&self) -> Outcome<'a> {
        let srb = self.srb;
        if srb.is_success() && self.is_list_too_long() {
            return Outcome {
                scsi_status: 0,
                host_status: HostStatus::Error,
                residual: self.requested,
                sense: &[],
                event: None,
                failed: true,
            };
        }
        if self.srb.is_success() || self.is_mishandled_by_host() {
            return Outcome {
                scsi_status: 0,
                host_status: HostStatus::Ok,
                residual: self.residual(srb.data_transfer_length),
                sense: &[],
                event: None,
                failed: false,
            };
        }
        self.failure()
    }

    /// Hosts answer these commands with an error where the data is just shorter than asked for, or
    /// where a page is not supported; what they do return is right.
    fn is_mishandled_by_host(&self) -> bool {
        matches!(self.opcode, INQUIRY | MODE_SENSE_6 | MODE_SENSE_10)
    }

    #[cold]
    fn failure(&self) -> Outcome<'a> {
        let srb = self.srb;
        let sense = self.sense();
        let (host_status, event) = self.verdict(sense);
        let transferred = match srb.srb_status.code() {
            SrbStatus::SUCCESS | SrbStatus::DATA_OVERRUN => srb.data_transfer_length,
            _ => 0,
        };
        Outcome {
            scsi_status: srb.scsi_status,
            host_status,
            residual: self.residual(transferred),
            sense,
            event,
            failed: true,
        }
    }

    /// The sense data counts only if both the host and the SCSI status say that there is any.
    fn sense(&self) -> &'a [u8] {
        if self.srb.scsi_status == CHECK_CONDITION && self.srb.srb_status.has_sense() {
            self.srb.sense()
        } else {
            &[]
        }
    }

    fn verdict(&self, sense: &[u8]) -> (HostStatus, Option<Event>) {
        match self.srb.srb_status.code() {
            SrbStatus::SUCCESS => (HostStatus::Ok, None),
            SrbStatus::INVALID_LUN => (HostStatus::NoConnect, Some(Event::Remove)),
            SrbStatus::ABORTED
            | SrbStatus::ERROR
            | SrbStatus::INVALID_REQUEST
            | SrbStatus::TIMEOUT
            | SrbStatus::SELECTION_TIMEOUT
            | SrbStatus::BUS_RESET
            | SrbStatus::DATA_OVERRUN
            | SrbStatus::INTERNAL_ERROR => self.error_verdict(sense),
            // An unknown code is an error unless the device itself gave a status.
            _ if self.srb.scsi_status != 0 => (HostStatus::Ok, None),
            _ => (HostStatus::Error, None),
        }
    }

    fn error_verdict(&self, sense: &[u8]) -> (HostStatus, Option<Event>) {
        if !sense.is_empty() {
            return match Sense::parse(sense) {
                Some(sense) if sense.is_device_change() => {
                    (HostStatus::Requeue, Some(Event::Rescan))
                }
                _ => (HostStatus::Ok, None),
            };
        }
        match self.opcode {
            ATA_12 | ATA_16 => (HostStatus::Passthrough, None),
            // Hosts fail this command without sense while a device comes or goes.
            TEST_UNIT_READY => (HostStatus::Ok, None),
            _ => (HostStatus::Error, None),
        }
    }

    fn residual(&self, transferred: u32) -> u32 {
        self.requested.saturating_sub(transferred)
    }
}
