// SPDX-License-Identifier: GPL-2.0

//! Commands that describe the disk.

use super::*;

fn inquiry(page: Option<u8>, allocation: u16) -> Vec<u8> {
    let flag = u8::from(page.is_some());
    cdb(
        6,
        &[
            (0, &[0x12, flag, page.unwrap_or(0)]),
            (3, &allocation.to_be_bytes()),
        ],
    )
}

#[test]
fn standard_inquiry_names_hyper_v() {
    let mut rig = Rig::blocks(8);
    let data = rig.read(&inquiry(None, 36), 36);
    assert_eq!(&data[8..36], b"Msft    Virtual Disk    1.0 ");
    assert_eq!(&data[..8], [0, 0, 5, 2, 31, 0, 0, 2]);
    rig.version = Version::V6_0;
    assert_eq!(rig.read(&inquiry(None, 36), 36)[2], 4);
}

#[test]
fn inquiry_is_cut_to_the_allocation_length() {
    let rig = Rig::blocks(8);
    assert_eq!(rig.read(&inquiry(None, 5), 36).len(), 5);
    assert_eq!(rig.read(&inquiry(None, 255), 255).len(), 36);
}

#[test]
fn a_reply_that_does_not_fit_the_buffer_is_an_overrun() {
    let rig = Rig::blocks(8);
    let (outcome, data) = rig.fetch(&inquiry(None, 36), 20);
    assert_eq!(outcome, overrun(20));
    assert_eq!(&data[8..16], b"Msft    ");
    assert_eq!(rig.command(&inquiry(None, 36)), overrun(0));
}

#[test]
fn vital_product_data() {
    let rig = Rig::with(Disk::memory(1 << 20).unwrap().with_serial("abc 17"));
    assert_eq!(
        rig.read(&inquiry(Some(0), 255), 255),
        [0, 0, 0, 6, 0x00, 0x80, 0x83, 0xb0, 0xb1, 0xb2]
    );
    assert_eq!(
        rig.read(&inquiry(Some(0x80), 255), 255),
        b"\0\x80\0\x05abc17"
    );

    let ids = rig.read(&inquiry(Some(0x83), 255), 255);
    assert_eq!(&ids[4..8], [2, 1, 0, 13]);
    assert_eq!(&ids[8..21], b"MSFT    abc17");
    assert_eq!(&ids[21..25], [1, 3, 0, 16]);
    assert_eq!(&ids[25..29], [0x60, 0x02, 0x24, 0x80]);
    assert_eq!(ids.len(), 41);
    assert_eq!(usize::from(ids[3]) + 4, ids.len());

    let limits = rig.read(&inquiry(Some(0xb0), 255), 255);
    assert_eq!((limits.len(), limits[3]), (64, 60));
    assert_eq!(limits[8..12], (MAX_TRANSFER / 512).to_be_bytes());
    assert_eq!(limits[20..24], 0x80_0000u32.to_be_bytes());
    assert_eq!(limits[24..28], 64u32.to_be_bytes());
    assert_eq!(limits[36..44], 0x2_0000u64.to_be_bytes());
    assert_eq!(
        rig.read(&inquiry(Some(0xb1), 255), 255)[..6],
        [0, 0xb1, 0, 60, 0, 1]
    );
    assert_eq!(
        rig.read(&inquiry(Some(0xb2), 255), 255),
        [0, 0xb2, 0, 4, 0, 0xe4, 2, 0]
    );
}

#[test]
fn disks_with_different_serials_have_different_ids() {
    let id = |serial| {
        let rig = Rig::with(Disk::memory(512).unwrap().with_serial(serial));
        rig.read(&inquiry(Some(0x83), 255), 255)[25..].to_vec()
    };
    assert_ne!(id("1"), id("2"));
}

#[test]
fn bad_inquiries() {
    let rig = Rig::blocks(8);
    for bad in [
        inquiry(Some(0x1c), 255),
        cdb(6, &[(0, &[0x12, 0, 0x80, 0, 255])]),
        cdb(6, &[(0, &[0x12, 2, 0, 0, 255])]),
    ] {
        assert_eq!(
            rig.fetch(&bad, 255).0,
            check(Sense::INVALID_FIELD),
            "{bad:02x?}"
        );
    }
}

#[test]
fn capacity() {
    let rig = Rig::blocks(0x1234);
    let data = rig.read(&cdb(10, &[(0, &[0x25])]), 8);
    assert_eq!(data, [0, 0, 0x12, 0x33, 0, 0, 2, 0]);
    let data = rig.read(&cdb(16, &[(0, &[0x9e, 0x10]), (13, &[32])]), 32);
    assert_eq!(
        data[..16],
        [0, 0, 0, 0, 0, 0, 0x12, 0x33, 0, 0, 2, 0, 0, 3, 0xc0, 0]
    );
    let data = rig.read(&cdb(16, &[(0, &[0x9e, 0x10]), (13, &[12])]), 32);
    assert_eq!(data.len(), 12);
}

#[test]
fn capacity_of_a_large_disk_and_a_thick_one() {
    let rig = Rig::with(Disk::memory(4 << 40).unwrap().with_full_provisioning());
    assert_eq!(rig.read(&cdb(10, &[(0, &[0x25])]), 8)[..4], [0xff; 4]);
    let data = rig.read(&cdb(16, &[(0, &[0x9e, 0x10]), (13, &[32])]), 32);
    assert_eq!(data[..8], (((4u64 << 40) / 512) - 1).to_be_bytes());
    assert_eq!(data[14], 0);
    assert_eq!(
        rig.read(&inquiry(Some(0xb2), 255), 255),
        [0, 0xb2, 0, 4, 0, 0, 0, 0]
    );
}

#[test]
fn bad_capacity_commands() {
    let rig = Rig::blocks(8);
    let lba = cdb(10, &[(0, &[0x25]), (5, &[1])]);
    assert_eq!(rig.fetch(&lba, 8).0, check(Sense::INVALID_FIELD));
    let action = cdb(16, &[(0, &[0x9e, 0x11]), (13, &[32])]);
    assert_eq!(rig.fetch(&action, 32).0, check(Sense::INVALID_OPCODE));
    let lba = cdb(16, &[(0, &[0x9e, 0x10]), (9, &[1]), (13, &[32])]);
    assert_eq!(rig.fetch(&lba, 32).0, check(Sense::INVALID_FIELD));
}

#[test]
fn mode_sense() {
    let rig = Rig::blocks(16);
    let data = rig.read(&[0x1a, 0, 0x08, 0, 255, 0], 255);
    assert_eq!(data[..12], [31, 0, 0x10, 8, 0, 0, 0, 16, 0, 0, 2, 0]);
    assert_eq!(data[12..15], [0x08, 18, 0x04]);
    assert_eq!(data.len(), 32);
    let data = rig.read(&[0x1a, 8, 0x3f, 0, 255, 0], 255);
    assert_eq!((data.len(), data[0], data[3], data[24]), (36, 35, 0, 0x0a));
    let data = rig.read(&cdb(10, &[(0, &[0x5a, 8, 0x3f]), (8, &[255])]), 255);
    assert_eq!((data.len(), data[1], data[3], data[7]), (40, 38, 0x10, 0));
    assert_eq!(rig.read(&[0x1a, 8, 0x3f, 0, 4, 0], 4).len(), 4);
}

#[test]
fn mode_sense_of_other_disks() {
    let rig = Rig::with(
        Disk::memory(512)
            .unwrap()
            .with_write_protection()
            .without_write_cache(),
    );
    let data = rig.read(&[0x1a, 8, 0x08, 0, 255, 0], 255);
    assert_eq!((data[2], data[6]), (0x90, 0));
    let changeable = Rig::blocks(1).read(&[0x1a, 8, 0x48, 0, 255, 0], 255);
    assert_eq!(changeable[6], 0);
}

#[test]
fn bad_mode_senses() {
    let rig = Rig::blocks(8);
    assert_eq!(
        rig.fetch(&[0x1a, 0, 0x1c, 0, 255, 0], 255).0,
        check(Sense::INVALID_FIELD)
    );
    assert_eq!(
        rig.fetch(&[0x1a, 0, 0x08, 1, 255, 0], 255).0,
        check(Sense::INVALID_FIELD)
    );
    assert_eq!(
        rig.fetch(&[0x1a, 0, 0xc8, 0, 255, 0], 255).0,
        check(Sense::NO_SAVED_PAGES)
    );
}

#[test]
fn commands_without_data() {
    let rig = Rig::blocks(8);
    assert_eq!(rig.command(&[0; 6]), good(0));
    assert_eq!(rig.command(&[0x1b, 0, 0, 0, 1, 0]), good(0));
    assert_eq!(rig.command(&cdb10(0x35, 0, 0, 0)), good(0));
    assert_eq!(rig.command(&cdb16(0x91, 0, 7, 1)), good(0));
    assert_eq!(rig.disk().stats().flushes, 2);
    assert_eq!(
        rig.command(&cdb10(0x35, 0, 8, 1)),
        check(Sense::LBA_OUT_OF_RANGE)
    );
}

#[test]
fn unknown_and_cut_commands() {
    let rig = Rig::blocks(8);
    for opcode in [0x01, 0x55, 0x5e, 0x85, 0xa1, 0xa3, 0xff] {
        assert_eq!(
            rig.command(&cdb(16, &[(0, &[opcode])])),
            check(Sense::INVALID_OPCODE)
        );
    }
    assert_eq!(
        rig.command(&[0x28, 0, 0, 0, 0, 0]),
        check(Sense::INVALID_FIELD)
    );
    assert_eq!(rig.command(&[0x12]), check(Sense::INVALID_FIELD));
    assert_eq!(rig.command(&[]), check(Sense::INVALID_FIELD));
}

#[test]
fn sense_is_fetched_once() {
    let rig = Rig::blocks(8);
    rig.bus
        .unit((0, 0).into())
        .unwrap()
        .attention(Sense::CAPACITY_CHANGED);
    let data = rig.read(&[0x03, 0, 0, 0, 252, 0], 252);
    assert_eq!(
        data,
        [0x70, 0, 6, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x2a, 9, 0, 0, 0, 0]
    );
    assert_eq!(rig.read(&[0x03, 0, 0, 0, 252, 0], 252)[2], 0);
    assert_eq!(
        rig.fetch(&[0x03, 1, 0, 0, 252, 0], 252).0,
        check(Sense::INVALID_FIELD)
    );
}

#[test]
fn attentions_come_once_and_in_order() {
    let rig = Rig::blocks(8);
    let unit = rig.bus.unit((0, 0).into()).unwrap();
    for sense in [
        Sense::LUNS_CHANGED,
        Sense::CAPACITY_CHANGED,
        Sense::LUNS_CHANGED,
    ] {
        unit.attention(sense);
    }
    rig.read(&inquiry(None, 36), 36);
    assert_eq!(rig.command(&[0; 6]), check(Sense::LUNS_CHANGED));
    assert_eq!(rig.command(&[0; 6]), check(Sense::CAPACITY_CHANGED));
    assert_eq!(rig.command(&[0; 6]), good(0));
}
