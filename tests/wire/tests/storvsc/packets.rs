// SPDX-License-Identifier: GPL-2.0

//! What we send, byte by byte, and the form of what comes back.

use crate::wire::{
    DataIn, Operation, Packet, ProtocolVersion, Srb, SrbFlags, INIT_TRANSACTION, MAX_CDB_BYTES,
    PACKET_BYTES, RESET_TRANSACTION, SENSE_BYTES, UNSOLICITED_TRANSACTION,
};
use proptest::prelude::*;
use zerocopy::{FromBytes, IntoBytes};

#[test]
fn transaction_ids() {
    assert_eq!(UNSOLICITED_TRANSACTION, 0);
    assert_eq!(INIT_TRANSACTION, 0xffff_ffff_ffff_fffd);
    assert_eq!(RESET_TRANSACTION, 0xffff_ffff_ffff_fffc);
}

#[test]
fn requests_of_the_set_up() {
    let bytes = |packet: Packet| packet.as_bytes().to_vec();
    let expected = |operation: u8, payload: &[u8]| {
        let mut bytes = vec![operation, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0];
        bytes.extend_from_slice(payload);
        bytes.resize(PACKET_BYTES, 0);
        bytes
    };
    let request = |operation| bytes(Packet::request(operation));
    assert_eq!(request(Operation::BEGIN_INITIALIZATION), expected(7, &[]));
    assert_eq!(request(Operation::END_INITIALIZATION), expected(8, &[]));
    assert_eq!(request(Operation::QUERY_PROPERTIES), expected(10, &[]));
    let versions = ProtocolVersion::PREFERRED.map(|version| bytes(Packet::query_version(version)));
    assert_eq!(versions, [expected(9, &[2, 6]), expected(9, &[0, 6])]);
    assert_eq!(
        bytes(Packet::create_sub_channels(0x102)),
        expected(13, &[2, 1])
    );
    assert_eq!(
        bytes(Packet::reset_bus(3)),
        expected(6, &[0, 0, 0, 0, 0, 3])
    );
}

#[test]
fn a_command() {
    let mut srb = Srb {
        length: Srb::BYTES,
        port: 1,
        path: 2,
        target: 3,
        lun: 4,
        sense_length: 20,
        data_in: DataIn::READ,
        data_transfer_length: 0x0102_0304,
        queue_tag: Srb::UNTAGGED,
        queue_action: Srb::SIMPLE_TAG_REQUEST,
        flags: SrbFlags::DISABLE_SYNCH_TRANSFER
            | SrbFlags::DATA_IN
            | SrbFlags::QUEUE_ACTION
            | SrbFlags::NO_QUEUE_FREEZE,
        timeout: Srb::TIMEOUT_SECONDS,
        ..Srb::default()
    };
    assert!(srb.set_cdb(&[0x28, 0, 9, 8, 7, 6, 0, 5, 4, 0]));
    let packet = {
        let mut packet = Packet::request(Operation::EXECUTE_SRB);
        packet.srb = srb;
        packet
    };
    let mut expected = vec![3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0];
    expected.extend_from_slice(&[52, 0, 0, 0, 1, 2, 3, 4, 10, 20, 1, 0, 4, 3, 2, 1]);
    expected.extend_from_slice(&[0x28, 0, 9, 8, 7, 6, 0, 5, 4, 0]);
    expected.extend_from_slice(&[0; 12]);
    expected.extend_from_slice(&[0xff, 0x20, 0x4a, 1, 0, 0, 60, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(packet.as_bytes(), expected);
    assert_eq!(packet.srb, srb);
}

#[test]
fn the_other_flags() {
    assert_eq!(SrbFlags::DATA_OUT.0, 0x80);
    assert_eq!((DataIn::WRITE.0, DataIn::UNKNOWN.0), (0, 2));
}

#[test]
fn a_command_that_is_too_long() {
    let mut srb = Srb::default();
    assert!(srb.set_cdb(&[0xff; MAX_CDB_BYTES]));
    assert_eq!(srb.cdb_length, 16);
    for length in [MAX_CDB_BYTES + 1, SENSE_BYTES + 1, 300] {
        let mut srb = Srb::default();
        assert!(!srb.set_cdb(&vec![0xff; length]));
        assert_eq!(srb, Srb::default());
    }
}

#[test]
fn properties() {
    let mut bytes = Packet::request(Operation::COMPLETE_IO).as_bytes().to_vec();
    bytes[16..20].copy_from_slice(&[5, 1, 0, 0]);
    bytes[20..28].copy_from_slice(&[0, 0, 0, 0, 0, 0, 8, 0]);
    let properties = |bytes: &[u8]| Packet::parse(bytes).unwrap().properties().unwrap();
    assert_eq!(properties(&bytes).max_channels, 0x105);
    assert_eq!(properties(&bytes).max_transfer_bytes, 512 << 10);
    assert_eq!(properties(&bytes).sub_channels(), 0);
    bytes[20] = 0xff;
    assert_eq!(properties(&bytes).sub_channels(), 0x105);
}

#[test]
fn what_the_host_may_send_on_its_own() {
    let operations = [
        Operation::COMPLETE_IO,
        Operation::REMOVE_DEVICE,
        Operation::ENUMERATE_BUS,
        Operation::FCHBA_DATA,
    ];
    assert_eq!(operations.map(|operation| operation.0), [1, 2, 11, 12]);
}

#[test]
fn only_a_completion_without_an_error_is_success() {
    let mut packet = Packet::request(Operation::COMPLETE_IO);
    assert!(packet.is_success());
    packet.header.status = 1;
    assert!(!packet.is_success());
    assert!(!Packet::request(Operation::ENUMERATE_BUS).is_success());
}

#[test]
fn packets_that_are_too_short() {
    let bytes = [11; PACKET_BYTES + 8];
    for length in 0..PACKET_BYTES {
        assert_eq!(Packet::parse(&bytes[..length]), None);
    }
    assert!(Packet::parse(&bytes[..PACKET_BYTES]).is_some());
    assert!(Packet::parse(&bytes).is_some());
    for length in 0..4 {
        assert_eq!(Packet::parse_operation(&bytes[..length]), None);
    }
    assert_eq!(
        Packet::parse_operation(&[11, 0, 0, 0]),
        Some(Operation::ENUMERATE_BUS)
    );
}

proptest! {
    /// Requests survive the way through bytes.
    #[test]
    fn any_request(bytes: [u8; 52]) {
        let srb = Srb::read_from_bytes(&bytes).unwrap();
        let packet = {
        let mut packet = Packet::request(Operation::EXECUTE_SRB);
        packet.srb = srb;
        packet
    };
        prop_assert_eq!(&packet.as_bytes()[12..], &bytes[..]);
        prop_assert_eq!(packet.srb, srb);
    }
}
