// SPDX-License-Identifier: GPL-2.0

//! What the host answers to SCSI commands.

#![no_main]

use fuzz_drivers::Input;
use libfuzzer_sys::fuzz_target;
use wire::{Packet, Reply, Sense};

#[expect(dead_code, unused_imports, reason = "what is sent is not of interest")]
#[path = "../../../../../storvsc/wire/mod.rs"]
mod wire;

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input::new(bytes);
    let (opcode, requested) = (input.byte(), input.word());
    let bytes = input.rest();
    Packet::parse_operation(bytes);
    if let Some(sense) = Sense::parse(bytes) {
        sense.is_device_change();
    }
    let Some(packet) = Packet::parse(bytes) else {
        return;
    };
    packet.is_success();
    packet.properties();
    let outcome = Reply {
        opcode,
        requested,
        data: bytes,
        srb: &packet.srb,
    }
    .outcome();
    assert!(outcome.residual <= requested);
    if let Some(sense) = Sense::parse(outcome.sense) {
        sense.is_device_change();
    }
});
