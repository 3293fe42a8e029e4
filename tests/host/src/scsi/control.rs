// SPDX-License-Identifier: GPL-2.0

//! Commands that move no medium data: REQUEST SENSE, REPORT LUNS (SPC-4), SYNCHRONIZE CACHE (SBC-3).

use super::command::{Ended, Request, opcode};
use super::disk::Disk;
use super::sense::Sense;

/// REQUEST SENSE, where `pending` is what there is to report.
pub fn request_sense(request: &Request<'_>, pending: Option<Sense>) -> Ended {
    if request.cdb.byte(1) & 1 != 0 {
        return Err(Sense::INVALID_FIELD.into());
    }
    let sense = pending.unwrap_or(Sense::NONE).to_fixed();
    request.reply(&sense, usize::from(request.cdb.byte(4)))
}

/// SYNCHRONIZE CACHE (10) and (16): flushes the whole disk, whatever range was asked for.
pub fn synchronize_cache(disk: &Disk, request: &Request<'_>) -> Ended {
    let cdb = &request.cdb;
    let (lba, blocks) = if cdb.opcode() == opcode::SYNCHRONIZE_CACHE_10 {
        (u64::from(cdb.be32(2)), u64::from(cdb.be16(7)))
    } else {
        (cdb.be64(2), u64::from(cdb.be32(10)))
    };
    disk.locate(lba, blocks)?;
    disk.flush()?;
    Ok(0)
}

/// REPORT LUNS of a target with the units `luns`.
pub fn report_luns(request: &Request<'_>, luns: &[u8]) -> Ended {
    let cdb = &request.cdb;
    let allocation = cdb.be32(6) as usize;
    let listed = match cdb.byte(2) {
        0 | 2 => luns,
        1 => &[],
        _ => return Err(Sense::INVALID_FIELD.into()),
    };
    if allocation < 16 || !cdb.is_complete() {
        return Err(Sense::INVALID_FIELD.into());
    }
    let mut data = vec![0; 8];
    data[0..4].copy_from_slice(&(8 * listed.len() as u32).to_be_bytes());
    for &lun in listed {
        data.extend([0, lun, 0, 0, 0, 0, 0, 0]);
    }
    request.reply(&data, allocation)
}
