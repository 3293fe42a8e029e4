// SPDX-License-Identifier: GPL-2.0

//! The order of a conversation.

use crate::scsi::ControllerConfig;
use crate::scsi::protocol::{BODY_LEN, Version, operation::*, status};
use crate::scsi::session::{Action, Session};
use crate::scsi::violation::Violation;

fn body(field: u16) -> [u8; BODY_LEN] {
    let mut body = [0; BODY_LEN];
    body[..2].copy_from_slice(&field.to_le_bytes());
    body
}

/// The operations that make a session ready, with the first field of each.
const HANDSHAKE: [(u32, u16); 4] = [
    (BEGIN_INITIALIZATION, 0),
    (QUERY_PROTOCOL_VERSION, 0x0602),
    (QUERY_PROPERTIES, 0),
    (END_INITIALIZATION, 0),
];

fn after(steps: usize, config: &ControllerConfig) -> Session {
    let mut session = Session::new();
    session.open();
    for (operation, field) in &HANDSHAKE[..steps] {
        let answer = session.control(*operation, &body(*field), config).unwrap();
        assert_eq!(
            (answer.status, answer.action),
            (status::SUCCESS, Action::None)
        );
    }
    session
}

#[test]
fn both_versions() {
    let config = ControllerConfig::default();
    for (field, version) in [(0x0602, Version::V6_2), (0x0600, Version::V6_0)] {
        let mut session = after(1, &config);
        session
            .control(QUERY_PROTOCOL_VERSION, &body(field), &config)
            .unwrap();
        session
            .control(QUERY_PROPERTIES, &body(0), &config)
            .unwrap();
        assert_eq!(session.ready(), None);
        session
            .control(END_INITIALIZATION, &body(0), &config)
            .unwrap();
        assert_eq!(session.ready(), Some(version));
    }
}

#[test]
fn a_refused_version_may_be_followed_by_an_older_one() {
    let config = ControllerConfig {
        versions: vec![Version::V6_0],
        ..ControllerConfig::default()
    };
    let mut session = after(1, &config);
    let answer = session
        .control(QUERY_PROTOCOL_VERSION, &body(0x0602), &config)
        .unwrap();
    assert_eq!(answer.status, status::REVISION_MISMATCH);
    let early = session.control(QUERY_PROPERTIES, &body(0), &config);
    assert_eq!(early.unwrap_err().0, status::INVALID_DEVICE_STATE);
    let answer = session
        .control(QUERY_PROTOCOL_VERSION, &body(0x0600), &config)
        .unwrap();
    assert_eq!(answer.status, status::SUCCESS);
}

#[test]
fn properties() {
    let config = ControllerConfig {
        max_sub_channels: 5,
        max_transfer_bytes: 0x2_0000,
        ..ControllerConfig::default()
    };
    let answer = after(2, &config)
        .control(QUERY_PROPERTIES, &body(0), &config)
        .unwrap();
    let wanted = [
        0, 0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ];
    assert_eq!(answer.body[..24], wanted);

    let config = ControllerConfig {
        max_sub_channels: 0,
        ..config
    };
    let answer = after(2, &config)
        .control(QUERY_PROPERTIES, &body(0), &config)
        .unwrap();
    assert_eq!((answer.body[4], answer.body[8]), (0, 0));
}

#[test]
fn each_operation_has_its_turn() {
    let config = ControllerConfig::default();
    for steps in 0..=HANDSHAKE.len() {
        for (turn, (operation, field)) in HANDSHAKE.iter().enumerate() {
            let result = after(steps, &config).control(*operation, &body(*field), &config);
            match result {
                Ok(_) => assert_eq!(turn, steps),
                Err(error) => {
                    assert_ne!(turn, steps);
                    let wanted = (
                        status::INVALID_DEVICE_STATE,
                        Violation::OutOfTurn(*operation),
                    );
                    assert_eq!(error, wanted);
                }
            }
        }
        for operation in [CREATE_SUB_CHANNELS, RESET_BUS] {
            let result = after(steps, &config).control(operation, &body(1), &config);
            assert_eq!(result.is_ok(), steps == HANDSHAKE.len());
        }
    }
}

#[test]
fn operations_that_are_not_for_guests() {
    let config = ControllerConfig::default();
    for operation in [
        0,
        COMPLETE_IO,
        REMOVE_DEVICE,
        4,
        5,
        ENUMERATE_BUS,
        12,
        14,
        u32::MAX,
    ] {
        let error = after(4, &config)
            .control(operation, &body(0), &config)
            .unwrap_err();
        assert_eq!(
            error,
            (
                status::INVALID_DEVICE_REQUEST,
                Violation::Operation(operation)
            )
        );
    }
}

#[test]
fn sub_channels_are_given_once() {
    let config = ControllerConfig {
        max_sub_channels: 3,
        ..ControllerConfig::default()
    };
    let mut session = after(4, &config);
    for bad in [0, 4, u16::MAX] {
        let error = session
            .control(CREATE_SUB_CHANNELS, &body(bad), &config)
            .unwrap_err();
        assert_eq!(
            error,
            (status::INVALID_PARAMETER, Violation::SubChannels(bad))
        );
    }
    let answer = session
        .control(CREATE_SUB_CHANNELS, &body(3), &config)
        .unwrap();
    assert_eq!(answer.action, Action::OfferSubChannels(3));
    assert_eq!(session.sub_channels(), 3);
    assert!(
        session
            .control(CREATE_SUB_CHANNELS, &body(1), &config)
            .is_err()
    );
}

#[test]
fn closing_forgets_everything() {
    let config = ControllerConfig::default();
    let mut session = after(4, &config);
    session
        .control(CREATE_SUB_CHANNELS, &body(2), &config)
        .unwrap();
    session.close();
    assert_eq!((session.ready(), session.sub_channels()), (None, 0));
    assert!(
        session
            .control(BEGIN_INITIALIZATION, &body(0), &config)
            .is_err()
    );
    session.open();
    assert!(
        session
            .control(BEGIN_INITIALIZATION, &body(0), &config)
            .is_ok()
    );
}
