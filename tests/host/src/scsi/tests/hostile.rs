// SPDX-License-Identifier: GPL-2.0

//! Commands from a guest that is broken or means harm: nothing panics, nothing is written beyond
//! the buffer, and what is reported as transferred fits the buffer.

use proptest::prelude::*;

use super::*;
use crate::scsi::ControllerConfig;
use crate::scsi::protocol::BODY_LEN;
use crate::scsi::session::Session;
use crate::scsi::srb::{CheckedSrb, reject};

fn direction() -> impl Strategy<Value = Direction> {
    prop_oneof![
        Just(Direction::In),
        Just(Direction::Out),
        Just(Direction::None)
    ]
}

fn rig() -> Rig {
    let rig = Rig::blocks(64);
    rig.add(0, 1, Disk::memory(4096).unwrap().with_write_protection());
    rig.add(0, 2, Disk::memory(1 << 40).unwrap());
    rig
}

/// Operation codes that are known, so that random bytes reach beyond the dispatch.
fn opcode() -> impl Strategy<Value = u8> {
    prop_oneof![
        any::<u8>(),
        prop::sample::select(
            &[
                0x00, 0x03, 0x08, 0x0a, 0x12, 0x1a, 0x1b, 0x25, 0x28, 0x2a, 0x2f, 0x35, 0x41, 0x42,
                0x5a, 0x88, 0x8a, 0x8f, 0x91, 0x93, 0x9e, 0xa0, 0xa8, 0xaa
            ][..]
        ),
    ]
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn random_commands(
        lun in 0u8..5,
        opcode in opcode(),
        mut command in prop::collection::vec(prop_oneof![3 => Just(0), 1 => any::<u8>()], 0..=16),
        direction in direction(),
        mut data in prop::collection::vec(any::<u8>(), 0..3000),
    ) {
        if let Some(first) = command.first_mut() {
            *first = opcode;
        }
        let before = data.clone();
        let outcome = rig().run_at((0, lun), &command, direction, &mut data);
        let done = outcome.transferred.unwrap_or(0) as usize;
        prop_assert!(done <= before.len());
        prop_assert_eq!(outcome.sense.is_some(), outcome.scsi_status == 2);
        prop_assert_eq!(outcome.sense.is_some(), outcome.srb_status & 0x80 != 0);
        if direction != Direction::In {
            prop_assert_eq!(data, before);
        }
    }

    #[test]
    fn random_request_blocks(body: [u8; BODY_LEN], buffer in 0usize..100_000) {
        match CheckedSrb::new(&body, buffer, MAX_TRANSFER) {
            Ok(srb) => {
                prop_assert!(srb.transfer_len() <= buffer);
                srb.answer(&Sense::MISCOMPARE.into());
                srb.answer(&good(usize::MAX));
            }
            Err(_) => {
                reject(&body);
            }
        }
    }

    #[test]
    fn plausible_request_blocks(mut body: [u8; BODY_LEN], direction in 0u8..3, buffer in 0u32..5000) {
        body[..2].copy_from_slice(&[52, 0]);
        body[8] = body[8] % 16 + 1;
        body[9] %= 21;
        body[10] = direction;
        body[12..16].copy_from_slice(&(if direction == 2 { 0 } else { buffer }).to_le_bytes());
        body[40] = [0x80, 0x40, 0][usize::from(direction)];
        let srb = CheckedSrb::new(&body, buffer as usize, MAX_TRANSFER).unwrap();
        let rig = rig();
        let mut data = vec![0; srb.transfer_len()];
        let outcome = rig.run_at(srb.address(), srb.cdb().0, srb.direction(), &mut data);
        let (_, answer) = srb.answer(&outcome);
        prop_assert_eq!(answer[4..9].to_vec(), body[4..9].to_vec());
    }

    #[test]
    fn random_conversations(operations in prop::collection::vec((0u32..16, 0u16..4), 0..40)) {
        let config = ControllerConfig { max_sub_channels: 2, ..ControllerConfig::default() };
        let mut session = Session::new();
        for (operation, field) in operations {
            let mut body = [0; BODY_LEN];
            body[..2].copy_from_slice(&(if operation == 9 { 0x600 + field } else { field }).to_le_bytes());
            if operation == 0 {
                session.open();
            } else {
                let _ = session.control(operation, &body, &config);
            }
            prop_assert!(session.sub_channels() <= 2);
        }
    }
}
