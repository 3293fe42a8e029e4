// SPDX-License-Identifier: GPL-2.0

//! DVD drives, and the channels of IDE disks.

use super::*;
use crate::scsi::protocol::IDE_CLASS;
use crate::scsi::{ControllerConfig, Dvd, IdePlace, Kind};
use crate::vmbus::device::Device as _;

const TEST_UNIT: [u8; 6] = [0; 6];
const EJECT: [u8; 6] = [0x1b, 0, 0, 0, 2, 0];
const EVENTS: [u8; 10] = [0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8, 0];

/// A disc of `blocks` blocks of 2048 bytes with a pattern.
fn disc(blocks: usize) -> Arc<Disk> {
    let disk = Disk::memory(blocks as u64 * 2048).unwrap();
    let mut bytes = pattern(blocks * 2048);
    disk.write(0, &Buffer::from_bytes(&mut bytes)).unwrap();
    Arc::new(disk.with_write_protection())
}

fn rig(drive: &Arc<Dvd>) -> Rig {
    let rig = Rig::empty();
    let unit = LogicalUnit::new(Arc::clone(drive));
    rig.bus.add((0, 0).into(), Arc::new(unit)).unwrap();
    rig
}

#[test]
fn a_drive_says_what_it_is() {
    let rig = rig(&Arc::default());
    let data = rig.read(&[0x12, 0, 0, 0, 36, 0], 36);
    assert_eq!(&data[..8], [5, 0x80, 0, 2, 31, 0, 0, 2]);
    assert_eq!(&data[8..], b"Msft    Virtual DVD-ROM 1.0 ");
    for refused in [[0x12, 1, 0, 0, 36, 0], [0x1a, 0, 0x2a, 0, 36, 0]] {
        assert_eq!(rig.fetch(&refused, 36).0, check(Sense::INVALID_FIELD));
    }
    assert_eq!(rig.command(&[0x35; 10]), check(Sense::INVALID_OPCODE));
}

#[test]
fn a_disc_is_read_in_its_own_blocks() {
    let rig = rig(&Arc::new(Dvd::with(disc(10))));
    let capacity = rig.read(&cdb(10, &[(0, &[0x25])]), 8);
    assert_eq!(capacity, [0, 0, 0, 9, 0, 0, 8, 0]);
    let data = rig.read(&cdb10(0x28, 0, 3, 2), 4096);
    assert_eq!(data, pattern(10 * 2048)[3 * 2048..5 * 2048]);
    for beyond in [cdb10(0x28, 0, 9, 2), cdb10(0x28, 0, u32::MAX, 1)] {
        assert_eq!(rig.fetch(&beyond, 4096).0, check(Sense::LBA_OUT_OF_RANGE));
    }
}

#[test]
fn a_table_of_contents_has_one_track() {
    let rig = rig(&Arc::new(Dvd::with(disc(300))));
    let toc = |format: &[u8]| rig.read(&cdb(10, &[(0, &[0x43]), (1, format), (8, &[255])]), 255);
    let table = toc(&[0, 0]);
    assert_eq!(table[..4], [0, 18, 1, 1]);
    assert_eq!(table[4..12], [0, 0x14, 1, 0, 0, 0, 0, 0]);
    assert_eq!(table[12..], [0, 0x14, 0xaa, 0, 0, 0, 1, 44]);
    assert_eq!(toc(&[2, 0])[4..12], [0, 0x14, 1, 0, 0, 0, 2, 0]);
    assert_eq!(toc(&[2, 0])[12..], [0, 0x14, 0xaa, 0, 0, 0, 6, 0]);
    assert_eq!(toc(&[0, 1]).len(), 12);
    let unknown = cdb(10, &[(0, &[0x43, 0, 2]), (8, &[255])]);
    assert_eq!(rig.fetch(&unknown, 255).0, check(Sense::INVALID_FIELD));
}

#[test]
fn a_disc_comes_and_goes() {
    let drive = Arc::new(Dvd::default());
    let rig = rig(&drive);
    assert_eq!(rig.command(&TEST_UNIT), check(Sense::NO_MEDIUM));
    assert_eq!(rig.read(&EVENTS, 8), [0, 6, 4, 0x10, 0, 0, 0, 0]);

    drive.change(Some(disc(4)));
    assert_eq!(rig.read(&EVENTS, 8), [0, 6, 4, 0x10, 2, 2, 0, 0]);
    assert_eq!(rig.read(&EVENTS, 8)[4], 0);
    assert_eq!(rig.command(&TEST_UNIT), check(Sense::MEDIUM_CHANGED));
    assert_eq!(rig.command(&TEST_UNIT), good(0));
    assert_eq!(
        rig.read(&[0x46, 0, 0, 0, 0, 0, 0, 0, 8, 0], 8)[6..],
        [0, 0x10]
    );

    assert_eq!(rig.command(&[0x1e, 0, 0, 0, 1, 0]), good(0));
    assert!(drive.is_locked());
    assert_eq!(rig.command(&EJECT), check(Sense::REMOVAL_PREVENTED));
    assert_eq!(rig.command(&[0x1e, 0, 0, 0, 0, 0]), good(0));
    assert_eq!(rig.command(&EJECT), good(0));
    assert!(drive.disc().is_none());
    assert_eq!(rig.command(&TEST_UNIT), check(Sense::NO_MEDIUM));
    assert_eq!(rig.read(&EVENTS, 8)[4], 3);
}

#[test]
fn an_ide_disk_has_an_offer_of_its_own() {
    let place = IdePlace {
        controller: 1,
        disk: 1,
    };
    let controller = Controller::new(ControllerConfig::ide(place));
    let offer = controller.offer();
    assert_eq!(offer.class, IDE_CLASS);
    assert_eq!(offer.instance[..8], [1, 0, 0, 0, 1, 0, 0x99, 0x88]);
    assert_eq!(offer.instance[8..], [0; 8]);
    assert_eq!(
        offer.user_defined[..12],
        [0, 0, 1, 1, 0, 0, 0, 0, 2, 0, 0, 0]
    );
}

#[test]
fn an_ide_disk_is_found_on_any_bus() {
    let place = IdePlace {
        controller: 1,
        disk: 0,
    };
    let at = |path| Address {
        path,
        target: 0,
        lun: 0,
    };
    for path in [0, 1] {
        assert_eq!(Kind::Ide(place).resolve(at(path)), at(0));
        assert_eq!(Kind::Scsi.resolve(at(path)), at(path));
    }
}
