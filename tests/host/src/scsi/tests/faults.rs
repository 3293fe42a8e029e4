// SPDX-License-Identifier: GPL-2.0

//! Faults, resets, and channels that go away meanwhile.

use std::time::{Duration, Instant};

use super::guest::{Driver, Reply};
use super::*;
use crate::scsi::protocol::operation::*;
use crate::scsi::violation::Violation;
use crate::scsi::{Fault, Injection};

const READY: [u8; 6] = [0; 6];

fn unit(driver: &Driver) -> Arc<LogicalUnit> {
    driver.controller.unit(0, 0).unwrap()
}

fn start(driver: &mut Driver) -> u64 {
    driver.start(0, (0, 0), &READY, Direction::None, &[]).0
}

#[test]
fn sense_and_status_of_choice() {
    let mut driver = Driver::with_disk(8);
    unit(&driver).inject(Injection::new(Fault::Check(Sense::READ_ERROR)).times(2));
    unit(&driver).inject(Injection::new(Fault::Status { srb: 0x09, scsi: 0 }));
    for _ in 0..2 {
        let reply = driver.test_unit((0, 0));
        assert_eq!(
            (reply.srb, reply.scsi, reply.sense[2], reply.sense[12]),
            (0x84, 2, 3, 0x11)
        );
    }
    assert_eq!(driver.test_unit((0, 0)), Reply::failed(9, 0));
    assert_eq!(driver.test_unit((0, 0)), Reply::good(0));
    driver.finish();
}

#[test]
fn faults_for_some_commands_only() {
    let mut driver = Driver::with_disk(8);
    let fault = Fault::Status { srb: 4, scsi: 0 };
    unit(&driver).inject(Injection::new(fault.clone()).only(0x2a).only(0x35));
    unit(&driver).inject(Injection::new(fault).times(0));
    assert_eq!(driver.test_unit((0, 0)), Reply::good(0));
    let mut data = vec![1; 512];
    let write = cdb10(0x2a, 0, 0, 1);
    assert_eq!(
        driver.run_on(0, (0, 0), &write, Direction::Out, &mut data),
        Reply::failed(4, 512)
    );
    assert_eq!(unit(&driver).disk().stats().writes, 0);
    assert_eq!(
        driver.run_on(0, (0, 0), &write, Direction::Out, &mut data),
        Reply::good(512)
    );
    unit(&driver).inject(Injection::new(Fault::Lose).times(3));
    assert_eq!(unit(&driver).clear_faults(), 3);
    assert_eq!(driver.test_unit((0, 0)), Reply::good(0));
    driver.finish();
}

#[test]
fn held_requests_complete_when_let_go() {
    let mut driver = Driver::with_disk(8);
    unit(&driver).inject(Injection::new(Fault::Hold).times(3));
    let held: Vec<_> = (0..3).map(|_| start(&mut driver)).collect();
    assert_eq!(driver.test_unit((0, 0)), Reply::good(0));
    assert_eq!(driver.controller.held(), 3);
    assert_eq!(driver.controller.release(), 3);
    for transaction in held {
        assert_eq!(driver.wait(0, transaction), Reply::good(0));
    }
    assert_eq!(driver.controller.release(), 0);
    driver.finish();
}

#[test]
fn a_transaction_number_is_used_once_at_a_time() {
    let mut driver = Driver::with_disk(8);
    unit(&driver).inject(Injection::new(Fault::Hold));
    let transaction = start(&mut driver);
    let packet = super::guest::execute((0, 0).into(), &READY, Direction::None, 0);
    assert!(driver.channels[0].send(&driver.guest, transaction, &packet));
    assert_eq!(driver.wait(0, transaction), Reply::good(0));
    driver.controller.release();
    assert_eq!(driver.wait(0, transaction), Reply::good(0));
    driver.finish_with(&[Violation::Transaction(transaction)]);
}

#[test]
fn late_requests_complete_in_time() {
    let mut driver = Driver::with_disk(8);
    let begin = Instant::now();
    unit(&driver).inject(Injection::new(Fault::Delay(Duration::from_millis(40))));
    unit(&driver).inject(Injection::new(Fault::Delay(Duration::from_millis(20))));
    let (late, early) = (start(&mut driver), start(&mut driver));
    assert_eq!(driver.controller.release(), 0);
    assert_eq!(driver.wait(0, early), Reply::good(0));
    assert!(begin.elapsed() >= Duration::from_millis(20));
    assert_eq!(driver.wait(0, late), Reply::good(0));
    assert!(begin.elapsed() >= Duration::from_millis(40));
    driver.finish();
}

#[test]
fn lost_requests_stay_lost() {
    let mut driver = Driver::with_disk(8);
    unit(&driver).inject(Injection::new(Fault::Lose));
    let mut data = vec![3; 512];
    driver.start(0, (0, 0), &cdb10(0x2a, 0, 0, 1), Direction::Out, &data);
    assert_eq!(driver.control(0, RESET_BUS, 0), 0);
    assert_eq!(driver.controller.release(), 0);
    driver.run_on(0, (0, 0), &cdb10(0x28, 0, 0, 1), Direction::In, &mut data);
    assert_eq!(data, [3; 512]);
    driver.finish();
}

#[test]
fn a_reset_ends_what_is_held() {
    let mut driver = Driver::with_disk(8);
    unit(&driver).inject(Injection::new(Fault::Hold));
    unit(&driver).inject(Injection::new(Fault::Delay(Duration::from_secs(3600))));
    let ended = [start(&mut driver), start(&mut driver)];
    let mut reset = [0; 64];
    reset[0] = RESET_BUS as u8;
    assert!(driver.channels[0].send(&driver.guest, u64::MAX - 3, &reset));
    for transaction in ended {
        assert_eq!(driver.wait(0, transaction), Reply::failed(0x0e, 0));
    }
    assert_eq!(driver.wait(0, u64::MAX - 3).status, 0);
    assert_eq!(driver.controller.resets(), 1);
    assert_eq!(driver.test_unit((0, 0)), Reply::good(0));
    driver.finish();
}

#[test]
fn completions_can_be_spoilt() {
    let mut driver = Driver::with_disk(8);
    let twice = Fault::tamper(|completion| completion.copies = 2);
    let short = Fault::tamper(|completion| completion.payload.truncate(16));
    let other = Fault::tamper(|completion| completion.transaction += 1000);
    for fault in [twice, short, other] {
        unit(&driver).inject(Injection::new(fault));
    }
    let first = start(&mut driver);
    assert_eq!(driver.wait(0, first), Reply::good(0));
    assert_eq!(driver.wait(0, first), Reply::good(0));
    let second = start(&mut driver);
    let answer = driver.channels[0].wait(&driver.guest).unwrap();
    assert_eq!((answer.transaction, answer.payload.len()), (second, 16));
    let third = start(&mut driver);
    assert_eq!(driver.wait(0, third + 1000), Reply::good(0));
    driver.finish();
}

#[test]
fn unsolicited_packets_of_any_content() {
    let driver = Driver::with_disk(8);
    assert!(driver.controller.send(0xb, 17, &[1, 2, 3, 4, 5, 6, 7, 8]));
    let packet = driver.channels[0].wait(&driver.guest).unwrap();
    assert_eq!((packet.kind, packet.transaction), (0xb, 17));
    assert_eq!(packet.payload, [1, 2, 3, 4, 5, 6, 7, 8]);
    driver.finish();
}

#[test]
fn closing_forgets_what_is_held_on_that_channel() {
    let mut driver = Driver::with_disk(8);
    assert_eq!(driver.control(0, CREATE_SUB_CHANNELS, 1), 0);
    driver.open_sub_channels(1);
    unit(&driver).inject(Injection::new(Fault::Hold).times(2));
    driver.start(1, (0, 0), &READY, Direction::None, &[]);
    let kept = start(&mut driver);
    assert_eq!(driver.controller.held(), 2);
    let sub_channel = driver.channels.pop().unwrap();
    driver.guest.close(&sub_channel);
    assert_eq!(driver.controller.held(), 1);
    assert_eq!(driver.controller.release(), 1);
    assert_eq!(driver.wait(0, kept), Reply::good(0));
    driver.finish();
}

#[test]
fn unplugging_the_controller_forgets_everything() {
    let mut driver = Driver::with_disk(8);
    unit(&driver).inject(Injection::new(Fault::Hold));
    unit(&driver).inject(Injection::new(Fault::Delay(Duration::from_millis(1))));
    start(&mut driver);
    start(&mut driver);
    let instance = driver.controller.config.instance;
    assert!(driver.guest.server().remove_device(instance));
    assert!(driver.guest.wait_rescind(driver.channels[0].relid));
    assert_eq!(
        (driver.controller.held(), driver.controller.version()),
        (0, None)
    );
    assert_eq!(driver.controller.release(), 0);
    assert!(!driver.controller.send(6, 0, &[0; 64]));
    driver.controller.remove_disk(0, 0).unwrap();
}

#[test]
fn an_unload_ends_the_session() {
    let mut driver = Driver::with_disk(8);
    unit(&driver).inject(Injection::new(Fault::Hold));
    start(&mut driver);
    driver.guest.unload();
    assert_eq!(
        (driver.controller.held(), driver.controller.version()),
        (0, None)
    );
    let offers = driver.guest.connect_and_request_offers();
    driver.channels = vec![driver.guest.open(&offers[0]).unwrap()];
    driver.initialize(0x0602);
    assert_eq!(driver.test_unit((0, 0)), Reply::good(0));
    driver.finish();
}

#[test]
fn waiting_for_the_guest() {
    let mut driver = Driver::with_disk(8);
    let controller = Arc::clone(&driver.controller);
    let second = Duration::from_secs(5);
    let waiter =
        std::thread::spawn(move || controller.wait_for(|it| it.requests()[0] >= 3, second));
    for _ in 0..3 {
        driver.test_unit((0, 0));
    }
    assert!(waiter.join().unwrap());
    assert!(
        !driver
            .controller
            .wait_for(|it| it.resets() > 0, Duration::ZERO)
    );
    driver.finish();
}
