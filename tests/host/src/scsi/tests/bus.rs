// SPDX-License-Identifier: GPL-2.0

//! Logical units at their addresses.

use super::*;
use crate::scsi::bus::BusError;

const INVALID_LUN: Outcome = Outcome {
    scsi_status: 0,
    srb_status: 0x20,
    transferred: None,
    sense: None,
};

fn report(select: u8, allocation: u32) -> Vec<u8> {
    cdb(
        12,
        &[(0, &[0xa0, 0, select]), (6, &allocation.to_be_bytes())],
    )
}

fn luns(rig: &Rig, at: (u8, u8)) -> Vec<u8> {
    let mut data = vec![0; 4096];
    let outcome = rig.run_at(at, &report(0, 4096), Direction::In, &mut data);
    let count = u32::from_be_bytes(data[..4].try_into().unwrap()) as usize / 8;
    assert_eq!(outcome, good(8 + 8 * count));
    data[8..8 + 8 * count].chunks(8).map(|lun| lun[1]).collect()
}

fn disk() -> Disk {
    Disk::memory(512).unwrap()
}

#[test]
fn each_target_reports_its_own_units() {
    let rig = Rig::empty();
    for (target, lun) in [(0, 0), (0, 7), (0, 255), (1, 0), (2, 3)] {
        rig.add(target, lun, disk());
    }
    assert_eq!(luns(&rig, (0, 0)), [0, 7, 255]);
    assert_eq!(luns(&rig, (0, 7)), [0, 7, 255]);
    assert_eq!(luns(&rig, (1, 0)), [0]);
    assert_eq!(luns(&rig, (2, 0)), [3]);
}

#[test]
fn report_luns_is_cut_and_checked() {
    let rig = Rig::empty();
    for lun in 0..4 {
        rig.add(0, lun, disk());
    }
    let data = rig.read(&report(0, 16), 4096);
    assert_eq!(data, [0, 0, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(rig.read(&report(1, 64), 64), [0; 8]);
    assert_eq!(rig.fetch(&report(0, 40), 24).0, overrun(24));
    assert_eq!(rig.fetch(&report(3, 64), 64).0, check(Sense::INVALID_FIELD));
    assert_eq!(rig.fetch(&report(0, 15), 64).0, check(Sense::INVALID_FIELD));
    assert_eq!(
        rig.fetch(&report(0, 64)[..6], 64).0,
        check(Sense::INVALID_FIELD)
    );
}

/// Linux makes a disk of every address whose INQUIRY does not say that there is none, and takes the
/// disk at the same target and unit of bus 0 away when another command fails with INVALID_LUN.
#[test]
fn addresses_without_a_unit() {
    let rig = Rig::blocks(1);
    let elsewhere = [
        (0, 0, 1),
        (0, 0, 255),
        (0, 1, 0),
        (0, 255, 255),
        (1, 0, 0),
        (7, 1, 0),
    ];
    for (path, target, lun) in elsewhere {
        let at = Address { path, target, lun };
        let mut data = [0; 64];
        let inquiry = [0x12, 0, 0, 0, 36, 0];
        assert_eq!(rig.run_at(at, &inquiry, Direction::In, &mut data), good(36));
        assert_eq!(data[..5], [0x7f, 0, 5, 2, 31]);
        for bad in [&[0x12, 1, 0, 0, 36, 0][..], &[0x12]] {
            let outcome = rig.run_at(at, bad, Direction::In, &mut data);
            assert_eq!(outcome, check(Sense::INVALID_FIELD));
        }
        let listed = if (path, target) == (0, 0) { 1 } else { 0 };
        let outcome = rig.run_at(at, &report(0, 64), Direction::In, &mut data);
        assert_eq!((outcome, data[3]), (good(8 + 8 * listed), 8 * listed as u8));
        for command in [vec![0; 6], cdb10(0x28, 0, 0, 1), vec![0xff]] {
            assert_eq!(
                rig.run_at(at, &command, Direction::In, &mut data),
                INVALID_LUN
            );
        }
    }
}

#[test]
fn changes_are_announced_by_the_other_units_of_the_target() {
    let rig = Rig::empty();
    rig.add(0, 0, disk());
    rig.add(1, 0, disk());
    rig.add(0, 1, disk());
    let ready = |at| rig.run_at(at, &[0; 6], Direction::None, &mut []);
    assert_eq!(ready((0, 0)), check(Sense::LUNS_CHANGED));
    assert_eq!(ready((0, 0)), good(0));
    assert_eq!(ready((0, 1)), good(0));
    assert_eq!(ready((1, 0)), good(0));
    rig.bus.remove((0, 0).into()).unwrap();
    assert_eq!(ready((0, 1)), check(Sense::LUNS_CHANGED));
    assert_eq!(ready((0, 0)), INVALID_LUN);
}

#[test]
fn addresses_are_taken_once() {
    let rig = Rig::blocks(1);
    let at = Address::from((0, 0));
    let unit = Arc::new(LogicalUnit::new(Arc::new(disk())));
    assert_eq!(rig.bus.add(at, unit), Err(BusError::Taken(at)));
    rig.bus.remove(at).unwrap();
    assert_eq!(rig.bus.remove(at).unwrap_err(), BusError::Empty(at));
}
