// SPDX-License-Identifier: GPL-2.0

//! READ, WRITE and VERIFY in their several sizes (SBC-3).

use super::command::{Cdb, Direction, Ended, Failure, Request, opcode};
use super::disk::{BLOCK, Disk};
use super::sense::Sense;

const FORCE_UNIT_ACCESS: u8 = 0x08;

/// The blocks that a command is about.
#[derive(Clone, Copy, Debug)]
struct Extent {
    lba: u64,
    blocks: u32,
    /// Byte 1 of the command where that holds flags, else zero.
    flags: u8,
}

impl Extent {
    fn of(cdb: &Cdb<'_>) -> Self {
        use opcode::*;
        match cdb.opcode() {
            READ_6 | WRITE_6 => Extent {
                lba: u64::from(cdb.be32(0) & 0x1f_ffff),
                blocks: if cdb.byte(4) == 0 {
                    256
                } else {
                    u32::from(cdb.byte(4))
                },
                flags: 0,
            },
            READ_12 | WRITE_12 => Extent {
                lba: u64::from(cdb.be32(2)),
                blocks: cdb.be32(6),
                flags: cdb.byte(1),
            },
            READ_16 | WRITE_16 | VERIFY_16 => Extent {
                lba: cdb.be64(2),
                blocks: cdb.be32(10),
                flags: cdb.byte(1),
            },
            _ => Extent {
                lba: u64::from(cdb.be32(2)),
                blocks: u32::from(cdb.be16(7)),
                flags: cdb.byte(1),
            },
        }
    }

    /// Goes over to smaller blocks.
    fn scale(&mut self, ratio: u32) -> Result<(), Sense> {
        let scaled = self
            .lba
            .checked_mul(ratio.into())
            .zip(self.blocks.checked_mul(ratio));
        (self.lba, self.blocks) = scaled.ok_or(Sense::LBA_OUT_OF_RANGE)?;
        Ok(())
    }

    /// Checks what is common to all: no protection information, and on the disk.
    fn check(&self, disk: &Disk) -> Result<(), Failure> {
        if self.flags & 0xe0 != 0 {
            return Err(Sense::INVALID_FIELD.into());
        }
        disk.locate(self.lba, u64::from(self.blocks))?;
        Ok(())
    }

    fn bytes(&self) -> u64 {
        u64::from(self.blocks) * BLOCK
    }

    /// The bytes to transfer, where that is not more than the controller allows at once.
    fn transfer_len(&self, request: &Request<'_>) -> Result<usize, Failure> {
        if self.bytes() > u64::from(request.host.max_transfer_bytes) {
            return Err(Sense::INVALID_FIELD.into());
        }
        Ok(self.bytes() as usize)
    }
}

/// READ.
pub fn read(disk: &Disk, request: &Request<'_>) -> Ended {
    read_scaled(disk, request, 1)
}

/// READ of a medium with blocks that are `ratio` of the disk's.
pub fn read_scaled(disk: &Disk, request: &Request<'_>, ratio: u32) -> Ended {
    let mut extent = Extent::of(&request.cdb);
    extent.scale(ratio)?;
    extent.check(disk)?;
    let wanted = extent.transfer_len(request)?;
    let room = if request.direction == Direction::In {
        request.data.len()
    } else {
        0
    };
    let done = wanted.min(room);
    if done > 0 {
        disk.read(extent.lba, &request.data.part(0, done))?;
    }
    if done == wanted {
        Ok(done)
    } else {
        Err(Failure::Overrun(done))
    }
}

/// WRITE. A guest that sends less than it says has nothing written.
pub fn write(disk: &Disk, request: &Request<'_>) -> Ended {
    let extent = Extent::of(&request.cdb);
    if disk.is_read_only() {
        return Err(Sense::WRITE_PROTECTED.into());
    }
    extent.check(disk)?;
    let wanted = extent.transfer_len(request)?;
    if wanted > 0 {
        if request.direction != Direction::Out || request.data.len() < wanted {
            return Err(Failure::Overrun(0));
        }
        disk.write(extent.lba, &request.data.part(0, wanted))?;
    }
    if extent.flags & FORCE_UNIT_ACCESS != 0 {
        disk.flush()?;
    }
    Ok(wanted)
}

/// VERIFY, with a comparison where BYTCHK asks for one.
pub fn verify(disk: &Disk, request: &Request<'_>) -> Ended {
    let extent = Extent::of(&request.cdb);
    extent.check(disk)?;
    match (extent.flags >> 1) & 3 {
        0 => Ok(0),
        1 => {
            let wanted = extent.transfer_len(request)?;
            if wanted > 0 && (request.direction != Direction::Out || request.data.len() < wanted) {
                return Err(Failure::Overrun(0));
            }
            if !disk.compare(extent.lba, &request.data.part(0, wanted))? {
                return Err(Sense::MISCOMPARE.into());
            }
            Ok(wanted)
        }
        _ => Err(Sense::INVALID_FIELD.into()),
    }
}
