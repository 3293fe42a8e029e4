// SPDX-License-Identifier: GPL-2.0

//! READ CAPACITY (10) and (16) (SBC-3 sections 5.15 and 5.16).

use super::command::{Ended, Request};
use super::disk::{BLOCK, Disk, PHYSICAL_EXPONENT};
use super::sense::Sense;

const READ_CAPACITY_16: u8 = 0x10;

/// READ CAPACITY (10). A disk that is too large for it reports the largest number.
pub fn read_capacity_10(disk: &Disk, request: &Request<'_>) -> Ended {
    if request.cdb.be32(2) != 0 || request.cdb.byte(8) & 1 != 0 {
        return Err(Sense::INVALID_FIELD.into());
    }
    let last = u32::try_from(disk.blocks() - 1).unwrap_or(u32::MAX);
    let mut data = [0; 8];
    data[0..4].copy_from_slice(&last.to_be_bytes());
    data[4..8].copy_from_slice(&(BLOCK as u32).to_be_bytes());
    request.reply(&data, data.len())
}

/// SERVICE ACTION IN (16), of which there is READ CAPACITY (16).
pub fn service_action_in(disk: &Disk, request: &Request<'_>) -> Ended {
    let cdb = &request.cdb;
    if cdb.byte(1) & 0x1f != READ_CAPACITY_16 {
        return Err(Sense::INVALID_OPCODE.into());
    }
    if cdb.be64(2) != 0 || cdb.byte(14) & 1 != 0 {
        return Err(Sense::INVALID_FIELD.into());
    }
    let mut data = [0; 32];
    data[0..8].copy_from_slice(&(disk.blocks() - 1).to_be_bytes());
    data[8..12].copy_from_slice(&(BLOCK as u32).to_be_bytes());
    data[13] = PHYSICAL_EXPONENT;
    if disk.is_thin() {
        data[14] = 0x80 | 0x40; // thin, and unmapped blocks read as zeroes
    }
    request.reply(&data, cdb.be32(10) as usize)
}
