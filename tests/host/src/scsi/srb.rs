// SPDX-License-Identifier: GPL-2.0

//! Request blocks: checking what the guest sent, and writing down how it went.

use zerocopy::{FromBytes, IntoBytes};

use super::bus::Address;
use super::command::{Cdb, Direction, Outcome};
use super::protocol::{BODY_LEN, MAX_CDB_LEN, SENSE_LEN, Srb, srb_flags, srb_status, status};
use super::violation::Violation;

/// A request block with its fields checked.
#[derive(Clone, Copy, Debug)]
pub struct CheckedSrb {
    srb: Srb,
    direction: Direction,
}

impl CheckedSrb {
    /// Checks a request block that came with `buffer_len` bytes of data buffer.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn new(
        body: &[u8; BODY_LEN],
        buffer_len: usize,
        max_transfer_bytes: u32,
    ) -> Result<Self, Violation> {
        let srb =
            Srb::read_from_bytes(body).map_err(|_| Violation::Srb("length", body.len() as u32))?;
        let transfer = srb.data_transfer_length.get();
        let direction = match srb.data_in {
            0 => Direction::Out,
            1 => Direction::In,
            2 => Direction::None,
            other => return Err(Violation::Srb("data_in", other.into())),
        };
        let flags = srb.flags.get();
        let expected = match direction {
            Direction::Out => srb_flags::DATA_OUT,
            Direction::In => srb_flags::DATA_IN,
            Direction::None => 0,
        };
        if usize::from(srb.length.get()) != BODY_LEN {
            return Err(Violation::Srb("length", srb.length.get().into()));
        }
        if !(1..=MAX_CDB_LEN).contains(&usize::from(srb.cdb_length)) {
            return Err(Violation::Srb("cdb_length", srb.cdb_length.into()));
        }
        if usize::from(srb.sense_length) > SENSE_LEN {
            return Err(Violation::Srb("sense_info_length", srb.sense_length.into()));
        }
        if flags & (srb_flags::DATA_IN | srb_flags::DATA_OUT) != expected {
            return Err(Violation::Srb("srb_flags", flags));
        }
        let too_long = transfer > max_transfer_bytes || transfer as usize > buffer_len;
        if too_long || (direction == Direction::None && transfer != 0) {
            return Err(Violation::Srb("data_transfer_length", transfer));
        }
        Ok(CheckedSrb { srb, direction })
    }

    /// The logical unit that it is for.
    pub fn address(&self) -> Address {
        Address {
            path: self.srb.path,
            target: self.srb.target,
            lun: self.srb.lun,
        }
    }

    /// The command.
    pub fn cdb(&self) -> Cdb<'_> {
        Cdb(&self.srb.payload[..usize::from(self.srb.cdb_length)])
    }

    /// Which way the data goes.
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// The length of the data.
    pub fn transfer_len(&self) -> usize {
        self.srb.data_transfer_length.get() as usize
    }

    /// The status and the body of the answer.
    pub fn answer(&self, outcome: &Outcome) -> (u32, [u8; BODY_LEN]) {
        let mut srb = self.srb;
        srb.srb_status = outcome.srb_status;
        srb.scsi_status = outcome.scsi_status;
        if let Some(transferred) = outcome.transferred {
            srb.data_transfer_length.set(transferred);
        }
        srb.payload = [0; SENSE_LEN];
        let sense = outcome.sense.map(|sense| sense.to_fixed());
        match sense {
            Some(sense) => srb.payload[..sense.len()].copy_from_slice(&sense),
            None => srb.sense_length = 0,
        }
        srb.payload[usize::from(srb.sense_length)..].fill(0);
        (status_of(outcome), body_of(&srb))
    }
}

/// The body of the answer to a request block that is wrong.
pub fn reject(body: &[u8; BODY_LEN]) -> [u8; BODY_LEN] {
    let mut answer = *body;
    if let Ok(srb) = Srb::mut_from_bytes(&mut answer) {
        srb.srb_status = srb_status::INVALID_REQUEST;
        srb.scsi_status = 0;
        srb.sense_length = 0;
        srb.payload = [0; SENSE_LEN];
    }
    answer
}

fn status_of(outcome: &Outcome) -> u32 {
    if outcome.is_success() {
        status::SUCCESS
    } else {
        status::UNSUCCESSFUL
    }
}

fn body_of(srb: &Srb) -> [u8; BODY_LEN] {
    let mut body = [0; BODY_LEN];
    body.copy_from_slice(srb.as_bytes());
    body
}
