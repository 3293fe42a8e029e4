// SPDX-License-Identifier: GPL-2.0

//! READ, WRITE and VERIFY.

use super::*;

/// The four sizes of a command, for `blocks` blocks at `lba`.
fn sizes(six: u8, ten: u8, twelve: u8, sixteen: u8, lba: u8, blocks: u8) -> [Vec<u8>; 4] {
    [
        vec![six, 0, 0, lba, blocks, 0],
        cdb10(ten, 0, lba.into(), blocks.into()),
        cdb(12, &[(0, &[twelve]), (5, &[lba]), (9, &[blocks])]),
        cdb16(sixteen, 0, lba.into(), blocks.into()),
    ]
}

#[test]
fn what_is_written_is_read() {
    let writes = sizes(0x0a, 0x2a, 0xaa, 0x8a, 3, 2);
    let reads = sizes(0x08, 0x28, 0xa8, 0x88, 3, 2);
    for (write, read) in writes.iter().zip(&reads) {
        let rig = Rig::blocks(8);
        let data = pattern(1024);
        assert_eq!(rig.send(write, &data), good(1024));
        assert_eq!(rig.read(read, 1024), data);
        let whole = rig.read(&cdb10(0x28, 0, 0, 8), 4096);
        assert_eq!(whole[3 * 512..5 * 512], data);
        assert!(
            whole[..3 * 512]
                .iter()
                .chain(&whole[5 * 512..])
                .all(|&byte| byte == 0)
        );
    }
}

#[test]
fn six_byte_commands_count_zero_as_256() {
    let rig = Rig::with(Disk::memory(300 * 512).unwrap());
    let host = MAX_TRANSFER as usize / 512;
    assert!(host < 256);
    assert_eq!(
        rig.fetch(&[0x08, 0, 0, 0, 0, 0], 4096).0,
        check(Sense::INVALID_FIELD)
    );
    assert_eq!(
        rig.fetch(&[0x08, 0, 0, 100, 0, 0], 4096).0,
        check(Sense::LBA_OUT_OF_RANGE)
    );
    assert_eq!(
        rig.fetch(&[0x08, 0xff, 0, 0, 1, 0], 512).0,
        check(Sense::LBA_OUT_OF_RANGE)
    );
}

#[test]
fn a_buffer_larger_than_the_transfer_leaves_a_residual() {
    let rig = Rig::blocks(8);
    assert_eq!(rig.read(&cdb10(0x28, 0, 0, 1), 4096).len(), 512);
    assert_eq!(rig.send(&cdb10(0x2a, 0, 0, 1), &pattern(4096)), good(512));
    assert_eq!(rig.read(&cdb10(0x28, 0, 1, 1), 512), [0; 512]);
}

#[test]
fn a_buffer_smaller_than_the_transfer_is_an_overrun() {
    let rig = Rig::blocks(8);
    assert_eq!(rig.send(&cdb10(0x2a, 0, 0, 2), &pattern(1024)), good(1024));
    let (outcome, data) = rig.fetch(&cdb10(0x28, 0, 0, 2), 700);
    assert_eq!(outcome, overrun(700));
    assert_eq!(data, pattern(1024)[..700]);
    assert_eq!(rig.send(&cdb10(0x2a, 0, 4, 2), &[1; 1023]), overrun(0));
    assert_eq!(rig.command(&cdb10(0x28, 0, 0, 1)), overrun(0));
    assert_eq!(rig.command(&cdb10(0x2a, 0, 0, 1)), overrun(0));
    assert_eq!(rig.disk().stats().writes, 1);
}

#[test]
fn beyond_the_end() {
    let rig = Rig::blocks(8);
    for (lba, blocks, fits) in [
        (7, 1, true),
        (7, 2, false),
        (8, 0, true),
        (9, 0, false),
        (u64::MAX, 2, false),
    ] {
        let read = rig.fetch(&cdb16(0x88, 0, lba, blocks), 4096).0;
        let write = rig.send(&cdb16(0x8a, 0, lba, blocks), &[0; 4096]);
        let wanted = good(512 * blocks as usize);
        let wanted = if fits {
            wanted
        } else {
            check(Sense::LBA_OUT_OF_RANGE)
        };
        assert_eq!((read, write), (wanted, wanted), "{blocks} at {lba:#x}");
    }
}

#[test]
fn protection_information_is_not_supported() {
    let rig = Rig::blocks(8);
    assert_eq!(
        rig.fetch(&cdb10(0x28, 0x20, 0, 1), 512).0,
        check(Sense::INVALID_FIELD)
    );
    assert_eq!(
        rig.send(&cdb10(0x2a, 0x20, 0, 1), &[0; 512]),
        check(Sense::INVALID_FIELD)
    );
}

#[test]
fn forced_writes_are_flushed() {
    let rig = Rig::blocks(8);
    rig.send(&cdb10(0x2a, 0, 0, 1), &[1; 512]);
    assert_eq!(rig.disk().stats().flushes, 0);
    rig.send(&cdb10(0x2a, 0x08, 0, 1), &[1; 512]);
    assert_eq!(rig.disk().stats().flushes, 1);
}

#[test]
fn write_protection() {
    let rig = Rig::with(Disk::memory(4096).unwrap().with_write_protection());
    let same = [
        cdb10(0x41, 0, 0, 1),
        cdb16(0x93, 1, 0, 1),
        cdb16(0x93, 8, 0, 1),
    ];
    for write in sizes(0x0a, 0x2a, 0xaa, 0x8a, 0, 1).iter().chain(&same) {
        assert_eq!(
            rig.send(write, &[0; 512]),
            check(Sense::WRITE_PROTECTED),
            "{write:02x?}"
        );
    }
    assert_eq!(rig.read(&cdb10(0x28, 0, 0, 1), 512).len(), 512);
}

#[test]
fn verify() {
    let rig = Rig::blocks(8);
    let data = pattern(1024);
    rig.send(&cdb10(0x2a, 0, 2, 2), &data);
    for (plain, compare) in [
        (cdb10(0x2f, 0, 2, 2), cdb10(0x2f, 2, 2, 2)),
        (cdb16(0x8f, 0, 2, 2), cdb16(0x8f, 2, 2, 2)),
    ] {
        assert_eq!(rig.command(&plain), good(0));
        assert_eq!(rig.send(&compare, &data), good(1024));
        assert_eq!(rig.send(&compare, &[0; 1024]), check(Sense::MISCOMPARE));
        assert_eq!(rig.send(&compare, &data[..512]), overrun(0));
    }
    assert_eq!(
        rig.command(&cdb10(0x2f, 0, 7, 2)),
        check(Sense::LBA_OUT_OF_RANGE)
    );
    assert_eq!(
        rig.command(&cdb10(0x2f, 6, 0, 1)),
        check(Sense::INVALID_FIELD)
    );
}

#[test]
fn counters() {
    let rig = Rig::blocks(8);
    rig.send(&cdb10(0x2a, 0, 0, 2), &[1; 1024]);
    rig.read(&cdb10(0x28, 0, 0, 3), 1536);
    let stats = rig.disk().stats();
    assert_eq!((stats.writes, stats.bytes_written), (1, 1024));
    assert_eq!((stats.reads, stats.bytes_read), (1, 1536));
}
