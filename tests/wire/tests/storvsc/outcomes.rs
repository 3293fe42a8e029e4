// SPDX-License-Identifier: GPL-2.0

//! What we make of what a host may answer.

use crate::wire::{
    Event, HostStatus, Outcome, Packet, Reply, Sense, Srb, SrbStatus, PACKET_BYTES, SENSE_BYTES,
};
use proptest::prelude::*;
use zerocopy::FromZeros;

const TEST_UNIT_READY: u8 = 0x00;
const INQUIRY: u8 = 0x12;
const MODE_SENSE_6: u8 = 0x1a;
const READ_10: u8 = 0x28;
const MODE_SENSE_10: u8 = 0x5a;
const ATA_16: u8 = 0x85;
const MAINTENANCE_IN: u8 = 0xa3;

const CHECK_CONDITION: u8 = 0x02;
const BUSY: u8 = 0x08;

const AUTOSENSE: u8 = 0x80;
const FROZEN: u8 = 0x40;

/// Fixed-format sense data with an additional sense code.
fn sense(asc: u8, ascq: u8) -> [u8; SENSE_BYTES] {
    let mut sense = [0; SENSE_BYTES];
    (sense[0], sense[2], sense[7]) = (0x70, 0x06, 10);
    (sense[12], sense[13]) = (asc, ascq);
    sense
}

/// An answer of the host.
fn answer(srb_status: u8, scsi_status: u8, transferred: u32, sense: [u8; SENSE_BYTES]) -> Srb {
    Srb {
        srb_status: SrbStatus(srb_status),
        scsi_status,
        sense_length: 18,
        data_transfer_length: transferred,
        cdb_or_sense: sense,
        ..Srb::default()
    }
}

/// What we make of an answer to a command for 4096 bytes.
fn outcome(opcode: u8, srb: &Srb) -> Outcome<'_> {
    Reply {
        opcode,
        requested: 4096,
        data: &[],
        srb,
    }
    .outcome()
}

#[test]
fn lists_of_units() {
    const REPORT_LUNS: u8 = 0xa0;
    let host_status = |opcode, data: &[u8]| {
        let reply = Reply {
            opcode,
            requested: 4096,
            data,
            srb: &answer(1, 0, 16, [0; SENSE_BYTES]),
        };
        reply.outcome().host_status
    };
    assert!(Reply::is_data_judged(REPORT_LUNS) && !Reply::is_data_judged(READ_10));
    for (length, expected) in [
        (0, HostStatus::Ok),
        (255 * 8, HostStatus::Ok),
        (64 << 10, HostStatus::Ok),
        ((64 << 10) + 1, HostStatus::Error),
        (1 << 31, HostStatus::Error),
        // With the header of eight bytes this would be 0.
        (u32::MAX - 7, HostStatus::Error),
    ] {
        let length = length.to_be_bytes();
        assert_eq!(host_status(REPORT_LUNS, &length), expected, "{length:?}");
        assert_eq!(host_status(READ_10, &length), HostStatus::Ok);
    }
    assert_eq!(host_status(REPORT_LUNS, &[0xff; 3]), HostStatus::Ok);
}

#[test]
fn success() {
    let srb = answer(1, 0, 4096, [0xff; SENSE_BYTES]);
    let expected = Outcome {
        scsi_status: 0,
        host_status: HostStatus::Ok,
        residual: 0,
        sense: &[],
        event: None,
        failed: false,
    };
    assert_eq!(outcome(READ_10, &srb), expected);
    let srb = answer(1, 0, 4000, [0; SENSE_BYTES]);
    assert_eq!(outcome(READ_10, &srb).residual, 96);
    let srb = answer(1, 0, 5000, [0; SENSE_BYTES]);
    assert_eq!(outcome(READ_10, &srb).residual, 0);
    let srb = answer(1, 0, u32::MAX, [0; SENSE_BYTES]);
    assert_eq!(outcome(READ_10, &srb).residual, 0);
}

#[test]
fn success_with_flags_is_success() {
    for flags in [AUTOSENSE, FROZEN, AUTOSENSE | FROZEN] {
        let srb = answer(1 | flags, 0, 4000, [0; SENSE_BYTES]);
        let outcome = outcome(READ_10, &srb);
        assert_eq!(
            (outcome.host_status, outcome.scsi_status),
            (HostStatus::Ok, 0)
        );
        assert_eq!(outcome.residual, 96);
    }
}

#[test]
fn commands_that_hosts_mishandle_never_fail() {
    for opcode in [INQUIRY, MODE_SENSE_6, MODE_SENSE_10] {
        for status in [0x04, 0x06, 0x12, 0x20, 0x84, 0xff, 0] {
            let srb = answer(status, CHECK_CONDITION, 36, sense(0x24, 0));
            let outcome = outcome(opcode, &srb);
            assert_eq!(
                (outcome.host_status, outcome.scsi_status),
                (HostStatus::Ok, 0)
            );
            assert_eq!(outcome.residual, 4096 - 36);
            assert_eq!(outcome.event, None);
            assert!(outcome.sense.is_empty());
            assert!(!outcome.failed);
        }
    }
    let srb = answer(0x04, 0, 36, [0; SENSE_BYTES]);
    assert_eq!(outcome(MAINTENANCE_IN, &srb).host_status, HostStatus::Error);
}

#[test]
fn sense_is_for_the_scsi_layer() {
    let data = sense(0x21, 0x00);
    let srb = answer(0x04 | AUTOSENSE, CHECK_CONDITION, 100, data);
    let expected = Outcome {
        scsi_status: CHECK_CONDITION,
        host_status: HostStatus::Ok,
        residual: 4096,
        sense: &data[..18],
        event: None,
        failed: true,
    };
    assert_eq!(outcome(READ_10, &srb), expected);
}

#[test]
fn sense_counts_only_with_both_marks() {
    let data = sense(0x2a, 0x09);
    for srb in [
        answer(0x04, CHECK_CONDITION, 0, data),
        answer(0x04 | AUTOSENSE, 0, 0, data),
        answer(0x04 | AUTOSENSE, BUSY, 0, data),
    ] {
        let outcome = outcome(READ_10, &srb);
        assert_eq!(outcome.host_status, HostStatus::Error);
        assert_eq!((outcome.sense, outcome.event), (&[][..], None));
    }
}

#[test]
fn sense_longer_than_there_is_room_for() {
    let mut srb = answer(0x04 | AUTOSENSE, CHECK_CONDITION, 0, sense(0x21, 0));
    srb.sense_length = 255;
    assert_eq!(outcome(READ_10, &srb).sense.len(), SENSE_BYTES);
}

#[test]
fn a_changed_device_is_looked_at_again() {
    let verdict = |asc, ascq| {
        let srb = answer(0x04 | AUTOSENSE, CHECK_CONDITION, 0, sense(asc, ascq));
        let outcome = outcome(READ_10, &srb);
        (outcome.host_status, outcome.event)
    };
    let again = (HostStatus::Requeue, Some(Event::Rescan));
    let leave = (HostStatus::Ok, None);
    assert_eq!(verdict(0x2a, 0x09), again);
    assert_eq!(verdict(0x2a, 0x01), leave);
    assert_eq!(verdict(0x3f, 0x00), again);
    assert_eq!(verdict(0x3f, 0x01), again);
    assert_eq!(verdict(0x3f, 0x03), leave);
    assert_eq!(verdict(0x3f, 0x0e), leave);
}

#[test]
fn a_missing_unit_is_removed() {
    for flags in [0, AUTOSENSE, FROZEN] {
        let srb = answer(0x20 | flags, 0, 0, [0; SENSE_BYTES]);
        let outcome = outcome(TEST_UNIT_READY, &srb);
        assert_eq!(outcome.host_status, HostStatus::NoConnect);
        assert_eq!(outcome.event, Some(Event::Remove));
    }
}

#[test]
fn errors_without_sense() {
    for status in [0x02, 0x04, 0x06, 0x09, 0x0a, 0x0e, 0x12, 0x30] {
        let srb = answer(status, 0, 0, [0; SENSE_BYTES]);
        let host_status = |opcode| outcome(opcode, &srb).host_status;
        assert_eq!(host_status(READ_10), HostStatus::Error);
        assert_eq!(host_status(TEST_UNIT_READY), HostStatus::Ok);
        assert_eq!(host_status(ATA_16), HostStatus::Passthrough);
        assert_eq!(host_status(0xa1), HostStatus::Passthrough);
    }
}

#[test]
fn an_unknown_code_is_an_error_unless_the_device_spoke() {
    for status in [0x00, 0x05, 0x11, 0x3f] {
        let srb = answer(status, 0, 4096, [0; SENSE_BYTES]);
        let result = outcome(READ_10, &srb);
        assert_eq!(result.host_status, HostStatus::Error);
        assert_eq!(result.residual, 4096);
        let srb = answer(status, BUSY, 0, [0; SENSE_BYTES]);
        let result = outcome(READ_10, &srb);
        assert_eq!(
            (result.host_status, result.scsi_status),
            (HostStatus::Ok, BUSY)
        );
    }
}

#[test]
fn what_an_overrun_transferred_counts() {
    for (status, residual) in [
        (0x12, 96),
        (0x12 | AUTOSENSE, 96),
        (0x04, 4096),
        (0x02, 4096),
    ] {
        let srb = answer(status, 0, 4000, [0; SENSE_BYTES]);
        assert_eq!(outcome(READ_10, &srb).residual, residual);
    }
}

#[test]
fn formats_of_sense_data() {
    let parsed = |bytes: &[u8]| Sense::parse(bytes).map(|sense| (sense.key, sense.asc, sense.ascq));
    assert_eq!(parsed(&sense(1, 2)), Some((6, 1, 2)));
    assert_eq!(parsed(&[0x72, 0xf5, 1, 2]), Some((5, 1, 2)));
    assert_eq!(parsed(&[0xf0, 0, 0x83]), Some((3, 0, 0)));
    assert_eq!(parsed(&[]), None);
    assert_eq!(parsed(&[0x00; 20]), None);
    assert_eq!(parsed(&[0x6f; 20]), None);
    // The additional length ends before the codes.
    let mut short = sense(1, 2);
    short[7] = 4;
    assert_eq!(parsed(&short), Some((6, 0, 0)));
    short[7] = 5;
    assert_eq!(parsed(&short), Some((6, 1, 0)));
    assert_eq!(Sense::parse(&[0xf1]).unwrap().response, 0x71);
}

proptest! {
    /// Whatever a host answers, nothing panics, and what follows stays within bounds.
    #[test]
    fn any_answer(
        bytes in proptest::collection::vec(any::<u8>(), 0..PACKET_BYTES * 2),
        opcode: u8,
        requested: u32,
        data: [u8; Reply::JUDGED_DATA],
    ) {
        let _ = Packet::parse_operation(&bytes);
        let packet = Packet::parse(&bytes);
        prop_assert_eq!(packet.is_some(), bytes.len() >= PACKET_BYTES);
        let Some(packet) = packet else { return Ok(()) };
        let _ = packet.properties().map(|properties| properties.sub_channels());
        let srb = packet.srb;
        let outcome = Reply { opcode, requested, data: &data, srb: &srb }.outcome();
        prop_assert!(outcome.residual <= requested);
        prop_assert!(outcome.sense.len() <= SENSE_BYTES);
        prop_assert!(outcome.failed || outcome.host_status == HostStatus::Ok);
        let _ = Sense::parse(outcome.sense);
    }

    /// A host cannot have a failed read taken for a good one.
    #[test]
    fn no_error_is_lost(srb_status: u8, scsi_status: u8, transferred: u32) {
        let srb = answer(srb_status, scsi_status, transferred, [0; SENSE_BYTES]);
        let outcome = outcome(READ_10, &srb);
        let good = outcome.host_status == HostStatus::Ok && outcome.scsi_status == 0;
        prop_assert_eq!(good, srb_status & 0x3f == 1 && scsi_status == 0);
    }
}

#[test]
fn zeros_are_no_answer() {
    let packet = Packet::new_zeroed();
    assert!(!packet.is_success());
    let srb = packet.srb;
    assert_eq!(outcome(READ_10, &srb).host_status, HostStatus::Error);
}
