// SPDX-License-Identifier: GPL-2.0

//! What every command has: a descriptor block, a buffer, and a way to end.

use super::buffer::Buffer;
use super::disk::DiskError;
use super::protocol::{Version, scsi_status, srb_status};
use super::sense::Sense;

/// Operation codes (SPC-4, SBC-3, MMC-6).
#[expect(missing_docs, reason = "the standards' own names")]
pub mod opcode {
    pub const TEST_UNIT_READY: u8 = 0x00;
    pub const REQUEST_SENSE: u8 = 0x03;
    pub const READ_6: u8 = 0x08;
    pub const WRITE_6: u8 = 0x0a;
    pub const INQUIRY: u8 = 0x12;
    pub const MODE_SENSE_6: u8 = 0x1a;
    pub const START_STOP_UNIT: u8 = 0x1b;
    pub const PREVENT_REMOVAL: u8 = 0x1e;
    pub const READ_CAPACITY_10: u8 = 0x25;
    pub const READ_10: u8 = 0x28;
    pub const WRITE_10: u8 = 0x2a;
    pub const VERIFY_10: u8 = 0x2f;
    pub const SYNCHRONIZE_CACHE_10: u8 = 0x35;
    pub const WRITE_SAME_10: u8 = 0x41;
    pub const UNMAP: u8 = 0x42;
    pub const READ_TOC: u8 = 0x43;
    pub const GET_CONFIGURATION: u8 = 0x46;
    pub const GET_EVENT_STATUS: u8 = 0x4a;
    pub const MODE_SENSE_10: u8 = 0x5a;
    pub const READ_16: u8 = 0x88;
    pub const WRITE_16: u8 = 0x8a;
    pub const VERIFY_16: u8 = 0x8f;
    pub const SYNCHRONIZE_CACHE_16: u8 = 0x91;
    pub const WRITE_SAME_16: u8 = 0x93;
    pub const SERVICE_ACTION_IN_16: u8 = 0x9e;
    pub const REPORT_LUNS: u8 = 0xa0;
    pub const READ_12: u8 = 0xa8;
    pub const WRITE_12: u8 = 0xaa;
}

/// A command descriptor block. Bytes that the guest did not send read as zero.
#[derive(Clone, Copy, Debug)]
pub struct Cdb<'a>(pub &'a [u8]);

impl Cdb<'_> {
    /// The operation code.
    pub fn opcode(&self) -> u8 {
        self.byte(0)
    }

    /// Whether all the bytes that the operation code calls for are there.
    pub fn is_complete(&self) -> bool {
        let wanted = match self.opcode() >> 5 {
            0 => 6,
            1 | 2 => 10,
            4 => 16,
            5 => 12,
            _ => 1,
        };
        self.0.len() >= wanted
    }

    /// Byte `at`.
    pub fn byte(&self, at: usize) -> u8 {
        self.0.get(at).copied().unwrap_or(0)
    }

    /// The big-endian number in bytes `at..at + 2`.
    pub fn be16(&self, at: usize) -> u16 {
        u16::from_be_bytes(self.bytes(at))
    }

    /// The big-endian number in bytes `at..at + 4`.
    pub fn be32(&self, at: usize) -> u32 {
        u32::from_be_bytes(self.bytes(at))
    }

    /// The big-endian number in bytes `at..at + 8`.
    pub fn be64(&self, at: usize) -> u64 {
        u64::from_be_bytes(self.bytes(at))
    }

    fn bytes<const N: usize>(&self, at: usize) -> [u8; N] {
        std::array::from_fn(|i| self.byte(at + i))
    }
}

/// Which way the data goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the guest to the disk.
    Out,
    /// From the disk to the guest.
    In,
    /// There is none.
    None,
}

/// What the controller's side of the conversation decides for its units.
#[derive(Clone, Copy, Debug)]
pub struct Host {
    /// The storage protocol version in use.
    pub version: Version,
    /// The largest transfer.
    pub max_transfer_bytes: u32,
}

/// A command to run.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What to do.
    pub cdb: Cdb<'a>,
    /// The guest's buffer.
    pub data: &'a Buffer<'a>,
    /// Which way the data goes.
    pub direction: Direction,
    /// The controller.
    pub host: Host,
}

/// Why a command did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It ended with CHECK CONDITION.
    Check(Sense),
    /// The guest's buffer was too small or went the wrong way; this many bytes were transferred.
    Overrun(usize),
}

/// How a command ended: the number of bytes transferred, or why not.
pub type Ended = Result<usize, Failure>;

impl From<Sense> for Failure {
    fn from(sense: Sense) -> Self {
        Failure::Check(sense)
    }
}

impl From<DiskError> for Sense {
    fn from(error: DiskError) -> Self {
        tracing::debug!(%error, "a disk refused");
        match error {
            DiskError::OutOfRange => Sense::LBA_OUT_OF_RANGE,
            DiskError::ReadOnly => Sense::WRITE_PROTECTED,
            DiskError::Read(_) => Sense::READ_ERROR,
            DiskError::Write(_) => Sense::WRITE_ERROR,
        }
    }
}

impl From<DiskError> for Failure {
    fn from(error: DiskError) -> Self {
        Failure::Check(error.into())
    }
}

impl Request<'_> {
    /// Answers with `reply`, of which the command asked for `allocation` bytes at most.
    pub fn reply(&self, reply: &[u8], allocation: usize) -> Ended {
        let reply = &reply[..reply.len().min(allocation)];
        let room = if self.direction == Direction::In {
            self.data.len()
        } else {
            0
        };
        let done = self.data.write(0, &reply[..reply.len().min(room)]);
        if done == reply.len() {
            Ok(done)
        } else {
            Err(Failure::Overrun(done))
        }
    }

    /// The first `len` bytes of what the guest sends with the command.
    pub fn parameters(&self, len: usize) -> Result<Vec<u8>, Failure> {
        if len > 0 && (self.direction != Direction::Out || self.data.len() < len) {
            return Err(Failure::Overrun(0));
        }
        let mut bytes = vec![0; len];
        self.data.read(0, &mut bytes);
        Ok(bytes)
    }
}

/// How a command ended, as the guest sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The SCSI status.
    pub scsi_status: u8,
    /// The SRB status, flags included.
    pub srb_status: u8,
    /// The number of bytes transferred. Where there is none, the guest's own number stays in place,
    /// as it does on Hyper-V when a command fails.
    pub transferred: Option<u32>,
    /// The sense data.
    pub sense: Option<Sense>,
}

impl Outcome {
    /// A failure of the request block rather than of the command.
    pub fn srb(srb_status: u8) -> Self {
        Outcome {
            scsi_status: scsi_status::GOOD,
            srb_status,
            transferred: None,
            sense: None,
        }
    }

    /// Whether this is plain success.
    pub fn is_success(&self) -> bool {
        self.srb_status == srb_status::SUCCESS
    }
}

impl From<Sense> for Outcome {
    fn from(sense: Sense) -> Self {
        let reason = if sense.key == Sense::ILLEGAL_REQUEST {
            srb_status::INVALID_REQUEST
        } else {
            srb_status::ERROR
        };
        Outcome {
            scsi_status: scsi_status::CHECK_CONDITION,
            srb_status: reason | srb_status::AUTOSENSE_VALID,
            transferred: None,
            sense: Some(sense),
        }
    }
}

impl From<Ended> for Outcome {
    fn from(ended: Ended) -> Self {
        let (srb_status, bytes) = match ended {
            Ok(bytes) => (srb_status::SUCCESS, bytes),
            Err(Failure::Overrun(bytes)) => (srb_status::DATA_OVERRUN, bytes),
            Err(Failure::Check(sense)) => return sense.into(),
        };
        let transferred = Some(u32::try_from(bytes).unwrap_or(u32::MAX));
        Outcome {
            scsi_status: scsi_status::GOOD,
            srb_status,
            transferred,
            sense: None,
        }
    }
}
