// SPDX-License-Identifier: GPL-2.0

//! NVSP and RNDIS: what the host answers, indicates and sends.

#![no_main]

use fuzz_drivers::Input;
use libfuzzer_sys::fuzz_target;
use zerocopy::FromBytes;
use wire::{
    answer::{expect_rndis, Answer, Notice},
    frame::{Head, Parts},
    info::{FrameInfo, Info, INFO_LEN},
    nvsp::Version,
    offload::{Capabilities, Offloads, Parameters},
    request::{self, answered},
    rndis::{Header, Indication},
    rsc::{Assembly, Piece},
    rss,
};

#[expect(dead_code, unused_imports, reason = "what is sent is not of interest")]
#[path = "../../../../../netvsc/wire/mod.rs"]
mod wire;

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input::new(bytes);
    let version = Version::PREFERRED[usize::from(input.byte()) % Version::PREFERRED.len()];
    let what = input.byte();
    let bytes = input.rest();
    match what % 4 {
        0 => nvsp(bytes, version),
        1 => rndis(bytes, version),
        2 => values(bytes, version),
        _ => pieces(bytes),
    }
});

fn nvsp(bytes: &[u8], version: Version) {
    let _ = expect_rndis(bytes);
    let _ = Notice::parse(bytes, version);
    let buffer = bytes.len() << 12;
    match Answer::parse(bytes) {
        Ok(Answer::ReceiveBuffer(answer)) => {
            if let Some(sections) = answer.sections(buffer) {
                assert!(sections.len as usize * sections.count as usize <= buffer);
            }
        }
        Ok(Answer::SendBuffer(answer)) => {
            if let Some(sections) = answer.sections(buffer) {
                assert!(sections.len as usize * sections.count as usize <= buffer);
            }
        }
        _ => {}
    }
}

fn rndis(bytes: &[u8], version: Version) {
    let _ = answered(bytes);
    if let Ok(header) = Header::parse(bytes, bytes.len()) {
        let _ = Indication::parse(&header, bytes);
    }
    let head = Head::read_from_prefix(bytes).map(|(head, _)| head).ok();
    if let Some(Ok(parts)) = head.map(|head| Parts::parse(&head.packet, bytes.len())) {
        let of = |piece: Piece| &bytes[piece.offset..][..piece.len];
        of(parts.frame);
        information(of(parts.info));
    }
    let Ok(answer) = request::Answer::parse(bytes) else {
        return;
    };
    let _ = answer.set();
    if let Ok(complete) = answer.initialize() {
        complete.alignment();
        complete.packets();
    }
    if let Ok(Ok(value)) = answer.query() {
        values(value, version);
    }
}

fn values(bytes: &[u8], version: Version) {
    information(bytes);
    let _ = rss::Capabilities::parse(bytes);
    if let Some(capabilities) = Capabilities::parse(bytes) {
        let offloads = Offloads::of(&capabilities, version);
        let _ = Parameters::new(&offloads, true).for_version(version);
    }
}

/// What is read the short way is what is read the long way.
fn information(list: &[u8]) {
    let (pieces, rest) = list.as_chunks::<INFO_LEN>();
    let pieces = pieces.iter().filter_map(|piece| Info::read_from_bytes(piece).ok());
    let mut plain = FrameInfo::default();
    if rest.is_empty() && plain.read_plain(pieces) {
        assert_eq!(FrameInfo::parse(list), Ok(plain));
    }
}

/// Parts of coalesced frames in any order.
fn pieces(bytes: &[u8]) {
    let mut assembly = Assembly::new(vec![Piece::default(); 4]);
    let mut input = Input::new(bytes);
    while !input.is_empty() {
        let piece = Piece {
            len: input.word() as usize % 70_000,
            ..Piece::default()
        };
        let len = usize::from(input.byte()) % 64;
        let info = FrameInfo::parse(input.take(len)).unwrap_or_default();
        let is_last = input.byte() % 4 == 0;
        let Some(part) = info.part() else {
            assembly.reset();
            continue;
        };
        if let Ok(Some(frame)) = assembly.add(part, piece, &info, is_last) {
            let sum: usize = frame.pieces.iter().map(|piece| piece.len).sum();
            assert_eq!(sum, frame.len);
        }
    }
}
