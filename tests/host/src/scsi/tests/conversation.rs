// SPDX-License-Identifier: GPL-2.0

//! Guests that break the protocol.

use proptest::prelude::*;

use super::guest::{Driver, Reply, execute};
use super::*;
use crate::scsi::ControllerConfig;
use crate::scsi::protocol::{operation::*, status};
use crate::scsi::violation::Violation;
use crate::vmbus::channel::{COMPLETION_REQUESTED, GPA_DIRECT, GpaRange, INBAND, Outgoing};

const READY: [u8; 6] = [0; 6];

fn packet(payload: &[u8]) -> Outgoing {
    Outgoing {
        kind: INBAND,
        flags: COMPLETION_REQUESTED,
        transaction: 5,
        payload: payload.to_vec(),
        ..Outgoing::default()
    }
}

fn test_unit_ready() -> [u8; 64] {
    execute((0, 0).into(), &READY, Direction::None, 0)
}

#[test]
fn requests_before_the_end_of_the_initialization() {
    let mut driver = Driver::open(ControllerConfig::default());
    driver.add(0, 0, 8);
    let reply = driver.test_unit((0, 0));
    assert_eq!((reply.status, reply.srb), (status::INVALID_DEVICE_STATE, 6));
    assert_eq!(driver.controller.unit(0, 0).unwrap().commands(), 0);
    driver.finish_with(&[Violation::OutOfTurn(EXECUTE_SRB)]);
}

#[test]
fn packets_of_another_length() {
    let driver = Driver::with_disk(8);
    for payload in [
        &test_unit_ready()[..56],
        &[test_unit_ready(), [0; 64]].concat(),
        &[],
    ] {
        let reply = Reply::parse(&driver.raw(&packet(payload)));
        assert_eq!(reply.status, status::INVALID_PARAMETER);
    }
    let lengths = [56, 128, 0].map(Violation::PacketLength);
    driver.finish_with(&lengths);
}

#[test]
fn packets_of_another_kind() {
    let driver = Driver::with_disk(8);
    let transfer = Outgoing {
        kind: 7,
        ..packet(&test_unit_ready())
    };
    assert_eq!(Reply::parse(&driver.raw(&transfer)).srb, 6);
    let mut begin = [0; 64];
    begin[0] = BEGIN_INITIALIZATION as u8;
    let direct = Outgoing {
        kind: GPA_DIRECT,
        header: vec![0; 8],
        ..packet(&begin)
    };
    assert_eq!(
        Reply::parse(&driver.raw(&direct)).status,
        status::INVALID_PARAMETER
    );
    driver.finish_with(&[
        Violation::PacketKind {
            operation: EXECUTE_SRB,
            kind: 7,
        },
        Violation::PacketKind {
            operation: BEGIN_INITIALIZATION,
            kind: GPA_DIRECT,
        },
    ]);
}

#[test]
fn requests_that_want_no_completion_get_none() {
    let mut driver = Driver::with_disk(8);
    let silent = Outgoing {
        flags: 0,
        ..packet(&test_unit_ready())
    };
    assert!(driver.channels[0].send_packet(&driver.guest, &silent));
    assert_eq!(driver.test_unit((0, 0)), Reply::good(0));
    assert_eq!(driver.controller.unit(0, 0).unwrap().commands(), 2);
    driver.finish_with(&[Violation::NoCompletion(EXECUTE_SRB)]);
}

#[test]
fn transaction_zero_belongs_to_the_host() {
    let driver = Driver::with_disk(8);
    let zero = Outgoing {
        transaction: 0,
        ..packet(&test_unit_ready())
    };
    assert_eq!(Reply::parse(&driver.raw(&zero)), Reply::good(0));
    driver.finish_with(&[Violation::Transaction(0)]);
}

#[test]
fn sub_channels_are_for_requests() {
    let mut driver = Driver::with_disk(8);
    assert_eq!(driver.control(0, CREATE_SUB_CHANNELS, 1), 0);
    driver.open_sub_channels(1);
    assert_eq!(
        driver.control(1, RESET_BUS, 0),
        status::INVALID_DEVICE_REQUEST
    );
    assert_eq!(
        driver.control(0, CREATE_SUB_CHANNELS, 1),
        status::INVALID_PARAMETER
    );
    assert_eq!(driver.control(0, 12, 0), status::INVALID_DEVICE_REQUEST);
    driver.finish_with(&[
        Violation::NotPrimary(RESET_BUS),
        Violation::SubChannels(1),
        Violation::Operation(12),
    ]);
}

#[test]
fn buffers_that_are_not_memory() {
    let driver = Driver::with_disk(8);
    let read = execute((0, 0).into(), &cdb10(0x28, 0, 0, 8), Direction::In, 4096);
    let wrong = GpaRange {
        len: 4096,
        offset: 0,
        pfns: vec![1 << 40],
    };
    assert!(driver.channels[0].send_gpa(&driver.guest, 9, &read, &[wrong]));
    let reply = driver.wait(0, 9);
    assert_eq!((reply.status, reply.srb), (status::INVALID_PARAMETER, 6));
    driver.finish_with(&[Violation::Memory]);
}

#[test]
fn buffers_that_are_shorter_than_the_request() {
    let mut driver = Driver::with_disk(8);
    let read = execute((0, 0).into(), &cdb10(0x28, 0, 0, 2), Direction::In, 1024);
    let short = driver.guest.buffer(0, 1023, &[0x33; 1023]);
    let ranges = [short];
    assert!(driver.channels[0].send_gpa(&driver.guest, 9, &read, &ranges));
    assert_eq!(driver.wait(0, 9).srb, 6);
    assert_eq!(driver.guest.content(&ranges[0]), [0x33; 1023]);
    assert!(driver.channels[0].send(&driver.guest, 10, &read));
    assert_eq!(driver.wait(0, 10).srb, 6);
    let two = [ranges[0].clone(), ranges[0].clone()];
    assert!(driver.channels[0].send_gpa(&driver.guest, 11, &read, &two));
    assert_eq!(driver.wait(0, 11).srb, 6);
    driver.finish_with(&[
        Violation::Srb("data_transfer_length", 1024),
        Violation::Srb("data_transfer_length", 1024),
        Violation::PacketKind {
            operation: EXECUTE_SRB,
            kind: GPA_DIRECT,
        },
    ]);
}

#[test]
fn requests_beyond_the_largest_transfer() {
    let config = ControllerConfig {
        max_transfer_bytes: 4096,
        ..ControllerConfig::default()
    };
    let mut driver = Driver::ready(config);
    driver.add(0, 0, 64);
    assert_eq!(driver.notification(), Some(ENUMERATE_BUS));
    let mut data = vec![0; 4096];
    let read = |blocks| cdb10(0x28, 0, 0, blocks);
    assert_eq!(
        driver.run_on(0, (0, 0), &read(8), Direction::In, &mut data),
        Reply::good(4096)
    );
    data.resize(4608, 0);
    assert_eq!(
        driver
            .run_on(0, (0, 0), &read(9), Direction::In, &mut data)
            .srb,
        6
    );
    driver.finish_with(&[Violation::Srb("data_transfer_length", 4608)]);
}

#[test]
fn violations_are_kept_within_bounds() {
    let driver = Driver::with_disk(8);
    for _ in 0..200 {
        driver.raw(&packet(&[1; 8]));
    }
    assert_eq!(driver.controller.violations().count(), 200);
    assert_eq!(driver.controller.violations().first().len(), 64);
}

fn any_packet() -> impl Strategy<Value = Outgoing> {
    let payload = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..130),
        (
            0u8..16,
            prop::collection::vec(prop_oneof![Just(0), any::<u8>()], 63)
        )
            .prop_map(|(operation, rest)| [vec![operation, 0, 0, 0], rest[3..].to_vec()].concat()),
        (
            prop::collection::vec(any::<u8>(), 1..=16),
            0usize..3,
            0usize..9000
        )
            .prop_map(|(cdb, direction, len)| {
                let direction = [Direction::In, Direction::Out, Direction::None][direction];
                execute((0, 0).into(), &cdb, direction, len).to_vec()
            }),
    ];
    let kind = prop_oneof![Just(INBAND), Just(GPA_DIRECT), Just(7), Just(0xb)];
    let range = (
        0u32..9000,
        0u32..4096,
        prop::collection::vec(0u64..20_000, 0..4),
    );
    (payload, kind, 0u16..2, any::<u64>(), range).prop_map(
        |(payload, kind, flags, transaction, (len, offset, mut pfns))| {
            let mut header = Vec::new();
            if kind == GPA_DIRECT {
                pfns.resize(GpaRange::page_count(offset, len) as usize, 3);
                header.extend(
                    [0u32, 1, len, offset]
                        .iter()
                        .flat_map(|word| word.to_le_bytes()),
                );
                header.extend(pfns.iter().flat_map(|pfn| pfn.to_le_bytes()));
            }
            Outgoing {
                kind,
                flags,
                transaction,
                header,
                payload,
                ..Outgoing::default()
            }
        },
    )
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn any_packets(packets in prop::collection::vec(any_packet(), 0..20), ready: bool) {
        let mut driver = if ready {
            Driver::with_disk(8)
        } else {
            Driver::open(ControllerConfig::default())
        };
        for packet in packets {
            prop_assert!(driver.channels[0].send_packet(&driver.guest, &packet));
            let answer = driver.channels[0].receive(&driver.guest);
            prop_assert_eq!(answer.is_some(), packet.flags == 1);
            if let Some(answer) = answer {
                prop_assert_eq!(answer.transaction, packet.transaction);
                Reply::parse(&answer);
            }
        }
        if ready {
            prop_assert_eq!(driver.test_unit((0, 0)).scsi & !2, 0);
        }
    }
}
