// SPDX-License-Identifier: GPL-2.0

//! UNMAP and WRITE SAME (SBC-3 sections 5.28 and 5.43).

use super::command::{Direction, Ended, Failure, Request, opcode};
use super::disk::{BLOCK, Disk};
use super::sense::Sense;

/// The most blocks that one UNMAP takes.
pub const MAX_UNMAP_BLOCKS: u32 = 0x80_0000;

/// The most ranges that one UNMAP takes.
pub const MAX_UNMAP_DESCRIPTORS: u32 = 64;

/// The most blocks that one WRITE SAME takes.
pub const MAX_WRITE_SAME_BLOCKS: u64 = 0x2_0000;

const HEADER_LEN: usize = 8;
const DESCRIPTOR_LEN: usize = 16;

/// UNMAP. Either all the ranges are good or none is unmapped.
pub fn unmap(disk: &Disk, request: &Request<'_>) -> Ended {
    let cdb = &request.cdb;
    if !disk.is_thin() {
        return Err(Sense::INVALID_OPCODE.into());
    }
    if cdb.byte(1) & 1 != 0 {
        return Err(Sense::INVALID_FIELD.into());
    }
    let list = request.parameters(usize::from(cdb.be16(7)))?;
    if list.is_empty() {
        return Ok(0);
    }
    if disk.is_read_only() {
        return Err(Sense::WRITE_PROTECTED.into());
    }
    let ranges = unmap_ranges(&list)?;
    for &(lba, blocks) in &ranges {
        disk.locate(lba, u64::from(blocks))?;
    }
    for &(lba, blocks) in &ranges {
        disk.unmap(lba, u64::from(blocks))?;
    }
    Ok(list.len())
}

fn unmap_ranges(list: &[u8]) -> Result<Vec<(u64, u32)>, Sense> {
    let (header, rest) = list
        .split_at_checked(HEADER_LEN)
        .ok_or(Sense::PARAMETER_LIST_LENGTH)?;
    let wanted = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let descriptors = rest[..wanted.min(rest.len())].chunks_exact(DESCRIPTOR_LEN);
    if descriptors.len() > MAX_UNMAP_DESCRIPTORS as usize {
        return Err(Sense::INVALID_PARAMETER);
    }
    let mut total = 0u64;
    let mut ranges = Vec::with_capacity(descriptors.len());
    for descriptor in descriptors {
        let lba = u64::from_be_bytes(std::array::from_fn(|i| descriptor[i]));
        let blocks = u32::from_be_bytes(std::array::from_fn(|i| descriptor[8 + i]));
        total += u64::from(blocks);
        ranges.push((lba, blocks));
    }
    if total > u64::from(MAX_UNMAP_BLOCKS) {
        return Err(Sense::INVALID_PARAMETER);
    }
    Ok(ranges)
}

/// WRITE SAME (10) and (16): one block, or zeroes, over and over; unmapped where that is asked for
/// and reads the same.
pub fn write_same(disk: &Disk, request: &Request<'_>) -> Ended {
    const UNMAP: u8 = 0x08;
    const NO_DATA: u8 = 0x01;

    let cdb = &request.cdb;
    let flags = cdb.byte(1);
    let (lba, blocks, allowed) = if cdb.opcode() == opcode::WRITE_SAME_10 {
        (u64::from(cdb.be32(2)), u64::from(cdb.be16(7)), UNMAP)
    } else {
        (cdb.be64(2), u64::from(cdb.be32(10)), UNMAP | NO_DATA)
    };
    let cannot_unmap = flags & UNMAP != 0 && !disk.is_thin();
    if flags & !allowed != 0 || cannot_unmap || blocks == 0 || blocks > MAX_WRITE_SAME_BLOCKS {
        return Err(Sense::INVALID_FIELD.into());
    }
    if disk.is_read_only() {
        return Err(Sense::WRITE_PROTECTED.into());
    }
    disk.locate(lba, blocks)?;

    let mut block = [0; BLOCK as usize];
    let mut taken = 0;
    if flags & NO_DATA == 0 {
        if request.direction != Direction::Out || request.data.len() < block.len() {
            return Err(Failure::Overrun(0));
        }
        taken = request.data.read(0, &mut block);
    }
    if flags & UNMAP != 0 && block.iter().all(|&byte| byte == 0) {
        disk.unmap(lba, blocks)?;
    } else {
        disk.fill(lba, blocks, &block)?;
    }
    Ok(taken)
}
