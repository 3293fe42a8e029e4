// SPDX-License-Identifier: GPL-2.0

//! UNMAP and WRITE SAME.

use super::*;
use crate::scsi::disk::Change;

fn unmap_cdb(len: u16) -> Vec<u8> {
    cdb(10, &[(0, &[0x42]), (7, &len.to_be_bytes())])
}

fn unmap_list(ranges: &[(u64, u32)]) -> Vec<u8> {
    let mut list = vec![0; 8];
    for (lba, blocks) in ranges {
        list.extend(lba.to_be_bytes());
        list.extend(blocks.to_be_bytes());
        list.extend([0; 4]);
    }
    let len = list.len() as u16;
    list[0..2].copy_from_slice(&(len - 2).to_be_bytes());
    list[2..4].copy_from_slice(&(len - 8).to_be_bytes());
    list
}

fn unmap(rig: &Rig, ranges: &[(u64, u32)]) -> Outcome {
    let list = unmap_list(ranges);
    rig.send(&unmap_cdb(list.len() as u16), &list)
}

fn filled(blocks: u16) -> Rig {
    let rig = Rig::blocks(blocks.into());
    let data = vec![0xee; usize::from(blocks) * 512];
    assert_eq!(
        rig.send(&cdb10(0x2a, 0, 0, blocks), &data),
        good(data.len())
    );
    rig
}

fn zero_blocks(rig: &Rig, blocks: u16) -> Vec<usize> {
    let data = rig.read(&cdb10(0x28, 0, 0, blocks), usize::from(blocks) * 512);
    let is_zero = |block: &[u8]| block.iter().all(|&byte| byte == 0);
    data.chunks(512)
        .enumerate()
        .filter(|(_, block)| is_zero(block))
        .map(|(at, _)| at)
        .collect()
}

#[test]
fn unmapped_blocks_read_as_zeroes() {
    let rig = filled(32);
    rig.disk().start_log();
    assert_eq!(unmap(&rig, &[(1, 2), (8, 8), (5, 0)]), good(8 + 3 * 16));
    assert_eq!(zero_blocks(&rig, 32), [1, 2, 8, 9, 10, 11, 12, 13, 14, 15]);
    let change = |lba, blocks| Change {
        lba,
        blocks,
        unmapped: true,
    };
    assert_eq!(rig.disk().stop_log(), [change(1, 2), change(8, 8)]);
    assert_eq!(rig.disk().stats().unmaps, 2);
}

#[test]
fn one_bad_range_and_nothing_is_unmapped() {
    let rig = filled(8);
    assert_eq!(
        unmap(&rig, &[(0, 4), (7, 2)]),
        check(Sense::LBA_OUT_OF_RANGE)
    );
    assert_eq!(
        unmap(&rig, &[(0, 4), (u64::MAX, 1)]),
        check(Sense::LBA_OUT_OF_RANGE)
    );
    assert_eq!(zero_blocks(&rig, 8), [0usize; 0]);
}

#[test]
fn unmap_limits() {
    let rig = filled(8);
    assert_eq!(unmap(&rig, &[(0, 1); 64]), good(8 + 64 * 16));
    assert_eq!(unmap(&rig, &[(0, 1); 65]), check(Sense::INVALID_PARAMETER));
    assert_eq!(
        unmap(&rig, &[(0, u32::MAX)]),
        check(Sense::INVALID_PARAMETER)
    );
}

#[test]
fn unmap_lists_of_odd_lengths() {
    let rig = filled(8);
    assert_eq!(rig.command(&unmap_cdb(0)), good(0));
    assert_eq!(
        rig.send(&unmap_cdb(7), &[0; 7]),
        check(Sense::PARAMETER_LIST_LENGTH)
    );
    assert_eq!(rig.send(&unmap_cdb(24), &[0; 23]), overrun(0));
    let mut list = unmap_list(&[(0, 1), (1, 1)]);
    assert_eq!(rig.send(&unmap_cdb(30), &list), good(30));
    assert_eq!(zero_blocks(&rig, 8), [0]);
    list[2..4].copy_from_slice(&0xffffu16.to_be_bytes());
    assert_eq!(rig.send(&unmap_cdb(40), &list), good(40));
    assert_eq!(zero_blocks(&rig, 8), [0, 1]);
    let anchor = cdb(10, &[(0, &[0x42, 1]), (8, &[24])]);
    assert_eq!(rig.send(&anchor, &[0; 24]), check(Sense::INVALID_FIELD));
}

#[test]
fn thick_disks_do_not_unmap() {
    let rig = Rig::with(Disk::memory(4096).unwrap().with_full_provisioning());
    assert_eq!(unmap(&rig, &[(0, 1)]), check(Sense::INVALID_OPCODE));
    assert_eq!(
        rig.send(&cdb16(0x93, 8, 0, 1), &[0; 512]),
        check(Sense::INVALID_FIELD)
    );
}

#[test]
fn write_same() {
    let rig = Rig::blocks(200);
    let block = pattern(512);
    assert_eq!(rig.send(&cdb10(0x41, 0, 10, 180), &block), good(512));
    let zero = zero_blocks(&rig, 128);
    assert_eq!(zero, (0..10).collect::<Vec<_>>());
    assert_eq!(rig.read(&cdb10(0x28, 0, 189, 1), 512), block);
    assert_eq!(rig.read(&cdb10(0x28, 0, 190, 1), 512), [0; 512]);
    assert_eq!(rig.disk().stats().writes, 1);
}

#[test]
fn write_same_unmaps_zeroes_only() {
    let rig = filled(8);
    assert_eq!(rig.send(&cdb16(0x93, 0x08, 0, 2), &[0; 512]), good(512));
    assert_eq!(rig.command(&cdb16(0x93, 0x09, 4, 1)), good(0));
    assert_eq!(rig.disk().stats().unmaps, 2);
    assert_eq!(rig.send(&cdb16(0x93, 0x08, 6, 1), &[1; 512]), good(512));
    assert_eq!(rig.command(&cdb16(0x93, 0x01, 7, 1)), good(0));
    assert_eq!(rig.disk().stats().unmaps, 2);
    assert_eq!(zero_blocks(&rig, 8), [0, 1, 4, 7]);
}

#[test]
fn bad_write_sames() {
    let rig = Rig::with(Disk::memory(1 << 30).unwrap());
    for bad in [
        cdb10(0x41, 0, 0, 0),
        cdb10(0x41, 1, 0, 1),
        cdb16(0x93, 0x10, 0, 1),
        cdb16(0x93, 0x20, 0, 1),
        cdb16(0x93, 0, 0, 0x2_0001),
    ] {
        assert_eq!(
            rig.send(&bad, &[0; 512]),
            check(Sense::INVALID_FIELD),
            "{bad:02x?}"
        );
    }
    assert_eq!(
        rig.send(&cdb16(0x93, 0, u64::MAX, 2), &[0; 512]),
        check(Sense::LBA_OUT_OF_RANGE)
    );
    assert_eq!(rig.send(&cdb16(0x93, 0, 0, 2), &[0; 511]), overrun(0));
    assert_eq!(rig.command(&cdb16(0x93, 0, 0, 2)), overrun(0));
}
