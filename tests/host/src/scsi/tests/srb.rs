// SPDX-License-Identifier: GPL-2.0

//! Request blocks.

use super::*;
use crate::scsi::protocol::{BODY_LEN, status};
use crate::scsi::srb::{CheckedSrb, reject};
use crate::scsi::violation::Violation;

/// A request block as the Linux driver builds it, for READ (10) of a block.
fn read_body() -> [u8; BODY_LEN] {
    let mut body = [0; BODY_LEN];
    body[0] = 52;
    body[4..8].copy_from_slice(&[3, 0, 1, 2]);
    body[8..12].copy_from_slice(&[10, 20, 1, 0]);
    body[12..16].copy_from_slice(&512u32.to_le_bytes());
    body[16..26].copy_from_slice(&cdb10(0x28, 0, 0, 1));
    body[38..40].copy_from_slice(&[0xff, 0x20]);
    body[40..44].copy_from_slice(&0x14au32.to_le_bytes());
    body[44] = 60;
    body
}

fn parse(body: &[u8; BODY_LEN], buffer: usize) -> Result<CheckedSrb, Violation> {
    CheckedSrb::new(body, buffer, MAX_TRANSFER)
}

#[test]
fn fields() {
    let srb = parse(&read_body(), 512).unwrap();
    assert_eq!(
        srb.address(),
        Address {
            path: 0,
            target: 1,
            lun: 2
        }
    );
    assert_eq!((srb.direction(), srb.transfer_len()), (Direction::In, 512));
    assert_eq!(srb.cdb().0, cdb10(0x28, 0, 0, 1));
}

#[test]
fn success_returns_the_request_without_its_command() {
    let body = read_body();
    let (status, answer) = parse(&body, 512).unwrap().answer(&good(256));
    assert_eq!(status, status::SUCCESS);
    let mut wanted = body;
    wanted[2] = 1;
    wanted[9] = 0;
    wanted[12..16].copy_from_slice(&256u32.to_le_bytes());
    wanted[16..36].fill(0);
    assert_eq!(answer, wanted);
}

#[test]
fn errors_carry_sense_and_leave_the_length_alone() {
    let (status, answer) = parse(&read_body(), 512)
        .unwrap()
        .answer(&Sense::LBA_OUT_OF_RANGE.into());
    assert_eq!(status, status::UNSUCCESSFUL);
    assert_eq!(answer[2..4], [0x86, 0x02]);
    assert_eq!(answer[9], 20);
    assert_eq!(answer[12..16], 512u32.to_le_bytes());
    assert_eq!(answer[16..34], Sense::LBA_OUT_OF_RANGE.to_fixed());
    assert_eq!(answer[34..36], [0, 0]);
}

#[test]
fn sense_is_cut_to_the_room_for_it() {
    let mut body = read_body();
    body[9] = 4;
    let (_, answer) = parse(&body, 512)
        .unwrap()
        .answer(&Sense::LBA_OUT_OF_RANGE.into());
    assert_eq!(answer[9], 4);
    assert_eq!(answer[16..20], [0x70, 0, 5, 0]);
    assert_eq!(answer[20..36], [0; 16]);
}

#[test]
fn impossible_fields() {
    let cases: [(&str, usize, &[u8]); 10] = [
        ("length", 0, &[51]),
        ("length", 1, &[1]),
        ("cdb_length", 8, &[0]),
        ("cdb_length", 8, &[17]),
        ("sense_info_length", 9, &[21]),
        ("data_in", 10, &[3]),
        ("srb_flags", 10, &[0]),
        ("srb_flags", 40, &[0xca]),
        ("data_transfer_length", 12, &513u32.to_le_bytes()),
        ("data_transfer_length", 12, &u32::MAX.to_le_bytes()),
    ];
    for (field, at, bytes) in cases {
        let mut body = read_body();
        body[at..at + bytes.len()].copy_from_slice(bytes);
        let violation = parse(&body, 512).unwrap_err();
        assert!(
            matches!(violation, Violation::Srb(name, _) if name == field),
            "{violation}"
        );
    }
    assert!(parse(&read_body(), 511).is_err());
    let mut long = read_body();
    long[12..16].copy_from_slice(&(MAX_TRANSFER + 1).to_le_bytes());
    assert!(parse(&long, usize::MAX).is_err());
}

#[test]
fn data_without_a_direction() {
    let mut body = read_body();
    body[10] = 2;
    body[40] = 0x0a;
    assert!(parse(&body, 512).is_err());
    body[12..16].fill(0);
    assert_eq!(parse(&body, 512).unwrap().direction(), Direction::None);
}

#[test]
fn rejected_requests_keep_their_address() {
    let answer = reject(&read_body());
    assert_eq!(answer[2..8], [6, 0, 3, 0, 1, 2]);
    assert_eq!(answer[16..36], [0; 20]);
}
