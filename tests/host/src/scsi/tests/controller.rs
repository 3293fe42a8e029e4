// SPDX-License-Identifier: GPL-2.0

//! A controller with a well-behaved guest.

use super::guest::{Driver, Reply};
use super::*;
use crate::scsi::ControllerConfig;
use crate::scsi::protocol::{CLASS, operation::*};
use crate::vmbus::server::ServerConfig;
use crate::vmbus::testing::FakeGuest;

#[test]
fn the_offer() {
    let mut guest = FakeGuest::new(ServerConfig::default());
    let config = ControllerConfig {
        instance: [7; 16],
        ..ControllerConfig::default()
    };
    guest.server().add_device(Controller::new(config) as _);
    let offers = guest.connect_and_request_offers();
    assert_eq!(offers.len(), 1);
    assert_eq!((offers[0].index, offers[0].instance), (0, [7; 16]));
    assert_eq!(offers[0].message.class, CLASS);
}

#[test]
fn both_versions() {
    for version in [Version::V6_2, Version::V6_0] {
        let mut driver = Driver::open(ControllerConfig::default());
        assert_eq!(driver.controller.version(), None);
        driver.initialize(version.0);
        assert_eq!(driver.controller.version(), Some(version));
        driver.finish();
    }
}

#[test]
fn a_disk_is_written_and_read() {
    let mut driver = Driver::with_disk(64);
    let mut data = pattern(5 * 512);
    let write = cdb16(0x8a, 0, 3, 5);
    assert_eq!(
        driver.run_on(0, (0, 0), &write, Direction::Out, &mut data),
        Reply::good(5 * 512)
    );
    let mut back = vec![0; 6 * 512];
    let read = cdb10(0x28, 0, 3, 5);
    let reply = driver.run_on(0, (0, 0), &read, Direction::In, &mut back);
    assert_eq!(reply, Reply::good(5 * 512));
    assert_eq!(back[..5 * 512], data);
    assert_eq!(back[5 * 512..], [0; 512]);
    assert_eq!(driver.test_unit((0, 0)), Reply::good(0));
    assert_eq!(driver.controller.requests()[0], 3);
    assert_eq!(driver.controller.unit(0, 0).unwrap().commands(), 3);
    driver.finish();
}

#[test]
fn sense_comes_with_the_completion() {
    let mut driver = Driver::with_disk(8);
    let mut data = vec![0x11; 512];
    let read = cdb10(0x28, 0, 8, 1);
    let reply = driver.run_on(0, (0, 0), &read, Direction::In, &mut data);
    let mut sense = Sense::LBA_OUT_OF_RANGE.to_fixed().to_vec();
    sense.resize(20, 0);
    let wanted = Reply {
        status: 0xc000_0001,
        srb: 0x86,
        scsi: 2,
        len: 512,
        sense,
    };
    assert_eq!(reply, wanted);
    assert_eq!(data, [0x11; 512]);
    driver.finish();
}

#[test]
fn missing_units() {
    let mut driver = Driver::with_disk(8);
    assert_eq!(driver.test_unit((0, 1)), Reply::failed(0x20, 0));
    assert_eq!(driver.test_unit((1, 0)), Reply::failed(0x20, 0));
    driver.finish();
}

#[test]
fn sub_channels() {
    let config = ControllerConfig {
        max_sub_channels: 3,
        ..ControllerConfig::default()
    };
    let mut driver = Driver::ready(config);
    driver.add(0, 0, 64);
    assert_eq!(driver.notification(), Some(ENUMERATE_BUS));
    assert_eq!(driver.control(0, CREATE_SUB_CHANNELS, 3), 0);
    driver.open_sub_channels(3);
    for channel in 0..4 {
        let write = cdb10(0x2a, 0, channel, 1);
        let mut data = vec![channel as u8 + 1; 512];
        let reply = driver.run_on(channel as usize, (0, 0), &write, Direction::Out, &mut data);
        assert_eq!(reply, Reply::good(512));
    }
    let mut back = vec![0; 4 * 512];
    driver.run_on(2, (0, 0), &cdb10(0x28, 0, 0, 4), Direction::In, &mut back);
    assert_eq!(back, [[1; 512], [2; 512], [3; 512], [4; 512]].concat());
    assert_eq!(driver.controller.requests(), [1, 1, 2, 1]);
    assert_eq!(driver.controller.sub_channels(), 3);
    driver.finish();
}

#[test]
fn sub_channels_belong_to_a_session() {
    let mut driver = Driver::with_disk(8);
    for _ in 0..3 {
        assert_eq!(driver.control(0, CREATE_SUB_CHANNELS, 2), 0);
        driver.open_sub_channels(2);
        let stale: Vec<_> = driver.channels.drain(1..).collect();
        let primary = driver.channels.pop().unwrap();
        for channel in &stale {
            driver.guest.close(channel);
        }
        driver.guest.close(&primary);
        for channel in &stale {
            assert!(driver.guest.wait_rescind(channel.relid));
            driver.guest.release(channel.relid);
        }
        driver
            .channels
            .push(driver.guest.open(&driver.offer).unwrap());
        driver.initialize(0x0602);
        assert_eq!(driver.controller.sub_channels(), 0);
    }
    driver.finish();
}

#[test]
fn a_hundred_conversations() {
    let mut driver = Driver::with_disk(8);
    for round in 0..100 {
        assert_eq!(driver.test_unit((0, 0)), Reply::good(0));
        let primary = driver.channels.pop().unwrap();
        driver.guest.close(&primary);
        assert_eq!(driver.controller.version(), None);
        driver
            .channels
            .push(driver.guest.open(&driver.offer).unwrap());
        driver.initialize(if round % 2 == 0 { 0x0600 } else { 0x0602 });
    }
    driver.finish();
}

#[test]
fn more_requests_than_the_rings_hold() {
    let mut driver = Driver::with_disk(64);
    let mut outstanding = Vec::new();
    for block in 0..64 {
        let read = cdb10(0x28, 0, block, 1);
        outstanding.push(driver.start(0, (0, 0), &read, Direction::In, &[1; 512]).0);
    }
    for transaction in outstanding {
        assert_eq!(driver.wait(0, transaction), Reply::good(512));
    }
    let ends = (0..200).map(|_| driver.start(0, (0, 0), &[0; 6], Direction::None, &[]).0);
    for transaction in ends.collect::<Vec<_>>() {
        assert_eq!(driver.wait(0, transaction), Reply::good(0));
    }
    driver.finish();
}

#[test]
fn disks_come_and_go() {
    let mut driver = Driver::with_disk(8);
    driver.add(0, 1, 8);
    assert_eq!(driver.notification(), Some(ENUMERATE_BUS));
    assert_eq!(driver.test_unit((0, 1)), Reply::good(0));
    let changed = driver.test_unit((0, 0));
    assert_eq!(
        (
            changed.srb,
            changed.scsi,
            changed.sense[12],
            changed.sense[13]
        ),
        (0x84, 2, 0x3f, 0x0e)
    );

    driver.controller.remove_disk(0, 1).unwrap();
    assert_eq!(driver.notification(), Some(REMOVE_DEVICE));
    assert_eq!(driver.test_unit((0, 1)), Reply::failed(0x20, 0));
    assert_eq!(driver.test_unit((0, 0)).sense[12..14], [0x3f, 0x0e]);
    assert_eq!(driver.test_unit((0, 0)), Reply::good(0));
    assert_eq!(driver.notification(), None);
    driver.finish();
}

#[test]
fn a_guest_that_is_not_ready_is_not_notified() {
    let driver = Driver::open(ControllerConfig::default());
    driver.add(0, 0, 8);
    assert_eq!(driver.notification(), None);
    driver.finish();
    let controller = Controller::new(ControllerConfig::default());
    controller
        .add_disk(0, 0, Disk::memory(512).unwrap())
        .unwrap();
    assert!(!controller.send(6, 0, &[0; 64]));
}

#[test]
fn a_resize_is_reported_once() {
    let mut driver = Driver::with_disk(8);
    driver.controller.resize(0, 0, 16 * 512).unwrap();
    assert_eq!(driver.notification(), None);
    let mut data = vec![0; 8];
    let capacity = cdb(10, &[(0, &[0x25])]);
    let reply = driver.run_on(0, (0, 0), &capacity, Direction::In, &mut data);
    assert_eq!(
        (reply.srb, reply.sense[12], reply.sense[13]),
        (0x84, 0x2a, 0x09)
    );
    assert_eq!(
        driver.run_on(0, (0, 0), &capacity, Direction::In, &mut data),
        Reply::good(8)
    );
    assert_eq!(data, [0, 0, 0, 15, 0, 0, 2, 0]);
    assert!(driver.controller.resize(0, 5, 512).is_err());
    driver.finish();
}

#[test]
fn a_disk_may_be_behind_two_controllers() {
    let disk = Arc::new(Disk::memory(4096).unwrap());
    let one = Controller::new(ControllerConfig::default());
    let two = Controller::new(ControllerConfig {
        instance: [2; 16],
        ..ControllerConfig::default()
    });
    one.add_disk(0, 0, Arc::clone(&disk)).unwrap();
    two.add_disk(1, 9, disk).unwrap();
    assert!(Arc::ptr_eq(
        one.unit(0, 0).unwrap().disk(),
        two.unit(1, 9).unwrap().disk()
    ));
}
