// SPDX-License-Identifier: GPL-2.0

//! NVSP and RNDIS: what the host answers, indicates and sends.

#![no_main]

use fuzz_drivers::Input;
use libfuzzer_sys::fuzz_target;
use wire::{
    answer::{expect_rndis, Answer, Notice},
    frame::Parts,
    info::FrameInfo,
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
    if let Ok(parts) = Parts::parse(bytes, bytes.len()) {
        assert!(bytes.get(parts.frame).is_some());
        let _ = bytes.get(parts.info).map(FrameInfo::parse);
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
    let _ = FrameInfo::parse(bytes);
    let _ = rss::Capabilities::parse(bytes);
    if let Some(capabilities) = Capabilities::parse(bytes) {
        let offloads = Offloads::of(&capabilities, version);
        let _ = Parameters::new(&offloads, true).for_version(version);
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
        if let Ok(Some(frame)) = assembly.add(piece, &info, input.byte() % 4 == 0) {
            let sum: usize = frame.pieces.iter().map(|piece| piece.len).sum();
            assert_eq!(sum, frame.len);
        }
    }
}
