// SPDX-License-Identifier: GPL-2.0

//! Offloads of the guest's frames.

use super::{tcp_frame, udp_frame};
use crate::net::frame::{ETHERNET, Ip, be16, be32, set16, untag, wrong_checksum};
use crate::net::offload::{Both, Enabled};
use crate::net::ppi::{ChecksumRequest, LargeSend, Tag, TransmitInfo};
use crate::net::segment::{Limits, apply};
use crate::net::violation::Violation;

const LIMITS: Limits = Limits {
    enabled: Enabled {
        ip4: BOTH,
        tcp: [BOTH; 2],
        udp: [BOTH; 2],
        large_send: [true; 2],
        coalescing: [false; 2],
    },
    frame: 1514,
    large_send: 65536,
    any_checksum: false,
};
const BOTH: Both = Both {
    transmit: true,
    receive: true,
};

/// A frame whose checksum is left to the card, and the request for it.
fn prepared(mut frame: Vec<u8>) -> (Vec<u8>, TransmitInfo) {
    let ip = Ip::find(&frame).unwrap();
    let sum = ip.pseudo_sum(&frame, frame.len() - ip.transport);
    set16(&mut frame, ip.checksum_at().unwrap(), sum);
    let protocol = if ip.protocol == 6 { 4 } else { 8 };
    let version = if ip.v6 { 2 } else { 1 };
    let value = version | protocol | (ip.transport as u32) << 16;
    let info = TransmitInfo {
        checksum: Some(ChecksumRequest { value }),
        ..TransmitInfo::default()
    };
    (frame, info)
}

/// A frame that is to be cut, and the request for that.
fn large(v6: bool, payload: &[u8], mss: usize) -> (Vec<u8>, TransmitInfo) {
    let mut frame = tcp_frame(v6, u32::MAX - 1000, 0x99, payload);
    let ip = Ip::find(&frame).unwrap();
    let sum = ip.pseudo_sum(&frame, 0);
    set16(&mut frame, ip.transport + 16, sum);
    set16(&mut frame, ETHERNET + if v6 { 4 } else { 2 }, 0);
    if !v6 {
        set16(&mut frame, ETHERNET + 10, 0);
    }
    let info = TransmitInfo {
        large_send: Some(LargeSend {
            mss,
            transport_offset: ip.transport,
            v2: true,
            ipv6: v6,
        }),
        ..TransmitInfo::default()
    };
    (frame, info)
}

#[test]
fn checksums_are_filled_in() {
    for right in [
        tcp_frame(false, 1, 16, b"odd"),
        tcp_frame(true, 1, 16, b"even"),
        udp_frame(false, b"datagram"),
        udp_frame(true, b""),
    ] {
        let (frame, info) = prepared(right.clone());
        assert_eq!(apply(&frame, &info, &LIMITS).unwrap(), [right]);
    }
}

#[test]
fn checksums_of_the_guest_are_verified() {
    let plain = TransmitInfo::default();
    let mut wrong = tcp_frame(false, 1, 16, b"data");
    let sent = apply(&wrong, &plain, &LIMITS).unwrap();
    assert_eq!(sent, std::slice::from_ref(&wrong));
    *wrong.last_mut().unwrap() ^= 1;
    assert_eq!(
        apply(&wrong, &plain, &LIMITS),
        Err(Violation::Checksum("TCP"))
    );
    let any = Limits {
        any_checksum: true,
        ..LIMITS
    };
    let sent = apply(&wrong, &plain, &any).unwrap();
    assert_eq!(sent, std::slice::from_ref(&wrong));
    wrong[ETHERNET + 8] = 1;
    assert_eq!(
        apply(&wrong, &plain, &LIMITS),
        Err(Violation::Checksum("IPv4 header"))
    );
}

#[test]
fn wrong_requests_are_refused() {
    let (frame, mut info) = prepared(tcp_frame(false, 1, 16, b"data"));
    let value = info.checksum.unwrap().value;
    for wrong in [value ^ 3, value ^ 12, value | 8, value + (1 << 16)] {
        info.checksum = Some(ChecksumRequest { value: wrong });
        let done = apply(&frame, &info, &LIMITS);
        assert!(
            matches!(done, Err(Violation::Offload(_))),
            "{wrong:#x}: {done:?}"
        );
    }
    info.checksum = Some(ChecksumRequest { value });
    let off = Limits {
        enabled: Enabled::default(),
        ..LIMITS
    };
    assert!(matches!(
        apply(&frame, &info, &off),
        Err(Violation::Offload(_))
    ));
}

#[test]
fn large_frames_are_cut() {
    let payload: Vec<u8> = (0..5000u32).map(|at| at as u8).collect();
    for v6 in [false, true] {
        let (frame, info) = large(v6, &payload, 1400);
        let frames = apply(&frame, &info, &LIMITS).unwrap();
        assert_eq!(frames.len(), 4);
        let mut joined = Vec::new();
        for (index, frame) in frames.iter().enumerate() {
            assert_eq!(wrong_checksum(frame), None);
            let ip = Ip::find(frame).unwrap();
            assert_eq!(ip.end, frame.len());
            let sequence = (u32::MAX - 1000).wrapping_add(1400 * index as u32);
            assert_eq!(be32(frame, ip.transport + 4), Some(sequence));
            // FIN and PSH only in the last, CWR only in the first.
            let flags = 0x10 | if index == 3 { 9 } else { 0 } | if index == 0 { 0x80 } else { 0 };
            assert_eq!(frame[ip.transport + 13], flags);
            if !v6 {
                assert_eq!(be16(frame, ETHERNET + 4), Some(9 + index as u16));
            }
            joined.extend_from_slice(&frame[ip.transport + 20..]);
        }
        assert_eq!(joined, payload);
    }
}

#[test]
fn impossible_large_frames_are_refused() {
    let refused = |change: &dyn Fn(&mut Vec<u8>, &mut LargeSend)| {
        let (mut frame, mut info) = large(false, &[7; 3000], 1400);
        let mut send = info.large_send.unwrap();
        change(&mut frame, &mut send);
        info.large_send = Some(send);
        let done = apply(&frame, &info, &LIMITS);
        assert!(matches!(done, Err(Violation::Offload(_))), "{done:?}");
    };
    refused(&|_, send| send.mss = 0);
    refused(&|_, send| send.v2 = false);
    refused(&|_, send| send.ipv6 = true);
    refused(&|_, send| send.transport_offset = 30);
    refused(&|frame, _| frame[ETHERNET + 9] = 17);
    refused(&|frame, _| frame[ETHERNET + 20 + 12] = 0x40);
    refused(&|frame, _| frame.truncate(40));
    refused(&|frame, _| frame[ETHERNET + 20 + 16] ^= 1);
}

#[test]
fn tags_are_inserted() {
    let right = tcp_frame(false, 1, 16, b"data");
    let info = TransmitInfo {
        tag: Some(Tag(0x2abc)),
        ..TransmitInfo::default()
    };
    let mut tagged = apply(&right, &info, &LIMITS).unwrap().remove(0);
    assert_eq!(tagged[12..16], [0x81, 0x00, 0x2a, 0xbc]);
    assert_eq!(untag(&mut tagged), Some(Tag(0x2abc)));
    assert_eq!(tagged, right);
}

#[test]
fn lengths_have_limits() {
    let plain = TransmitInfo::default();
    for len in [0, 13] {
        let refused = apply(&vec![0; len], &plain, &LIMITS);
        assert_eq!(refused, Err(Violation::FrameLength(len)));
    }
    assert_eq!(apply(&[0; 1519], &plain, &LIMITS), Ok(Vec::new()));
    let (frame, info) = large(false, &[7; 3000], 1461);
    assert_eq!(apply(&frame, &info, &LIMITS), Ok(Vec::new()));
    assert!(apply(&[0; 14], &plain, &LIMITS).is_ok());
}
