// SPDX-License-Identifier: GPL-2.0

//! Packets that are to become segments, cut by the card and by the kernel: the wire shows the same.
//! Each is one packet that a program hands to the kernel in one piece (`tests/guest/tools/large.c`), so
//! that it does not matter how fast anybody is.

use anyhow::{Context as _, Result, ensure};
use vmbus_host::net::backend::{Capture, Frame};
use vmbus_host::net::frame::{Ip, be32, wrong_checksum};
use vmbus_host::net::{Card, Stats};

use super::SOON;
use crate::machine::Machine;

/// Of such, four fit into a section of the send buffer, and the start of another.
const SEGMENT: usize = 1300;
const BYTES: usize = 20_000;
const SEGMENTS: usize = BYTES.div_ceil(SEGMENT);

/// Where the program sends it.
const NOBODY: [u8; 6] = [2, 0, 0, 0, 0, 0x99];
/// TCP's first sequence number there.
const SEQUENCE: u32 = 0xffff_f000;

/// Settings of the interface, the more it computes itself the later.
const SETTINGS: [&str; 3] = ["tx on", "tso off tx-tcp6-segmentation off", "tx off"];

/// See the module.
pub fn segmentation(machine: &mut Machine, card: &Card, wire: &Capture, eth: &str) -> Result<()> {
    for protocol in ["tcp 4", "tcp 6", "udp 4", "udp 6"] {
        let mut first = None;
        for setting in SETTINGS {
            machine.sh(&format!("ethtool -K {eth} {setting}"))?;
            let what = || format!("{protocol} with {setting}");
            let before = card.stats();
            wire.take();
            machine.sh(&format!("large {eth} {protocol} {SEGMENT} {BYTES}"))?;
            let frames = wire.wait_for(SEGMENTS, |frame| frame.starts_with(&NOBODY), SOON);
            whole(&frames).with_context(what)?;
            let by_card = setting == "tx on" && protocol.starts_with("tcp");
            counted(&before, &card.stats(), by_card, setting).with_context(what)?;
            let same = first.get_or_insert_with(|| frames.clone()) == &frames;
            ensure!(same, "{}: other frames than with tx on", what());
        }
        machine.sh(&format!(
            "ethtool -K {eth} tx on tso on tx-tcp6-segmentation on"
        ))?;
    }
    Ok(())
}

/// The segments have the packet's bytes, in order, and right checksums.
fn whole(frames: &[Frame]) -> Result<()> {
    let mut bytes = Vec::new();
    for frame in frames {
        ensure!(
            wrong_checksum(frame).is_none(),
            "wrong checksum: {frame:x?}"
        );
        let ip = Ip::find(frame).context("a frame without IP")?;
        let tcp = ip.protocol == vmbus_host::net::frame::TCP;
        if tcp {
            let wanted = SEQUENCE.wrapping_add(bytes.len() as u32);
            ensure!(
                be32(frame, ip.transport + 4) == Some(wanted),
                "sequence of {frame:x?}"
            );
        }
        let payload = &frame[ip.transport + if tcp { 20 } else { 8 }..ip.end];
        let wanted = SEGMENT.min(BYTES - bytes.len());
        ensure!(
            payload.len() == wanted,
            "{} bytes, not {wanted}",
            payload.len()
        );
        bytes.extend_from_slice(payload);
    }
    let pattern = (0..BYTES).map(|at| (at % 251) as u8);
    ensure!(
        bytes.iter().copied().eq(pattern),
        "other bytes than were sent"
    );
    Ok(())
}

/// Who cut it and who computed the checksums.
fn counted(before: &Stats, after: &Stats, by_card: bool, setting: &str) -> Result<()> {
    let large = after.tx_large - before.tx_large;
    ensure!(large == u64::from(by_card), "{large} large sends");
    let checksums = (after.tx_checksums - before.tx_checksums) as usize;
    let wanted = if by_card || setting == "tx off" {
        0
    } else {
        SEGMENTS
    };
    ensure!(
        checksums == wanted,
        "{checksums} checksums left to the card, not {wanted}"
    );
    if !by_card {
        together(before, after)?;
    }
    Ok(())
}

/// Of segments that the stack makes and hands over together, several are in a message, and the start
/// of one that does not fit behind others, too.
fn together(before: &Stats, after: &Stats) -> Result<()> {
    let packets = after.queues[0].tx_packets - before.queues[0].tx_packets;
    let messages = after.queues[0].tx_messages - before.queues[0].tx_messages;
    ensure!(
        2 * messages <= packets,
        "{packets} packets in {messages} messages"
    );
    let partial = after.tx_partial - before.tx_partial;
    ensure!(partial > 0, "no start of a frame is behind others");
    Ok(())
}
