// SPDX-License-Identifier: GPL-2.0

//! A host whose messages are wrong. Each costs at most the packet that it is in.

use anyhow::{Context as _, Result, ensure};
use vmbus_host::net::nvsp::{self, kind};
use vmbus_host::net::rndis::{self, channel, indicate_status, packet};
use vmbus_host::net::{Card, CardConfig, frame};
use vmbus_host::vmbus::channel::{COMPLETION, INBAND, TRANSFER_PAGES};
use vmbus_host::vmbus::ring::Field;
use vmbus_host::vmbus::tamper::{Outgoing, Ring};

use super::{FETCH, card, configure, setup};
use crate::machine::{Lab, Machine};

/// The size of sections with which a coalesced frame can be longer than the kernel has memory for in one
/// piece.
const SECTION: usize = 60_000;

const WORKS: &str = "ping -c 1 -W 10 10.0.0.1";

/// See the module.
pub fn malformed(lab: &Lab) -> Result<()> {
    let card = card(CardConfig::default());
    let roomy = super::card(CardConfig {
        receive_section: Some(SECTION as u32),
        ..CardConfig::numbered(2)
    });
    let mut machine = lab.boot(setup(1, &[card.clone(), roomy.clone()]))?;
    let eth = machine.load_net(&card)?;
    configure(&mut machine, &eth, 0)?;
    rndis_messages(&mut machine, &card)?;
    nvsp_messages(&mut machine, &card)?;
    ranges(&mut machine, &card)?;
    wrong_index(&mut machine, &card, &eth)?;
    no_memory(&mut machine, &roomy)?;
    machine.sh(&format!("{FETCH}; fetch 500000"))?;
    // What the guest answers to messages that the card did not send is not its fault.
    card.violations().clear();
    machine.sh(&format!(
        "/bin/ip link set {eth} down && rmmod {}",
        lab.driver.netvsc()
    ))?;
    machine.end()
}

fn after(machine: &mut Machine, what: &str) -> Result<()> {
    machine.sh(WORKS).with_context(|| format!("after {what}"))?;
    Ok(())
}

/// A packet with one word replaced.
fn replaced(message: &[u8], at: usize, value: u32) -> Vec<u8> {
    let mut message = message.to_vec();
    message[at..at + 4].copy_from_slice(&value.to_le_bytes());
    message
}

fn rndis_messages(machine: &mut Machine, card: &Card) -> Result<()> {
    let macs = [[2, 0, 0, 0, 0, 0xfe], card.mac()];
    let data = frame::udp(macs, [[10, 0, 0, 1], [10, 0, 0, 15]], [1, 2], b"wrong");
    let right = packet(&[16, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0], &data);
    let max = u32::MAX;
    // Places in the header of a packet, and in its per-packet information from byte 44 on.
    let places = [0, 4, 8, 12, 16, 20, 24, 28, 32, 44, 48, 52];
    let values = [
        0,
        1,
        7,
        8,
        11,
        13,
        40,
        1000,
        0x7fff_ffff,
        0x8000_0000,
        max - 7,
        max,
    ];
    for at in places {
        let messages: Vec<_> = values
            .iter()
            .map(|&value| replaced(&right, at, value))
            .collect();
        for message in messages {
            card.indicate(0, channel::DATA, vec![message.clone()]);
            card.indicate(0, channel::CONTROL, vec![message.clone(), right.clone()]);
        }
        after(machine, &format!("packets with wrong values at byte {at}"))?;
    }
    let others = [
        ("nothing", vec![]),
        ("one byte", vec![1]),
        ("a header", rndis::message(1, &[])),
        (
            "an answer to nothing",
            rndis::words(0x8000_0004, &[1234, 0, 4, 16, 0]),
        ),
        ("an answer without an id", rndis::message(0x8000_0005, &[])),
        ("a long answer", rndis::message(0x8000_0004, &[0xff; 1500])),
        ("an unknown message", rndis::words(77, &[1, 2, 3])),
        ("a request", rndis::words(4, &[1, 2, 3, 4, 5])),
        ("a keepalive", rndis::words(8, &[1])),
        ("an unknown status", indicate_status(0xdead_beef, &[1, 2])),
        ("half an indication", rndis::words(7, &[0x4001_000b])),
        ("a speed outside", rndis::words(7, &[0x4001_0013, 4, max])),
        ("a speed without value", indicate_status(0x4001_0013, &[])),
    ];
    for (what, message) in others {
        for channel in [channel::DATA, channel::CONTROL, 7] {
            card.indicate(0, channel, vec![message.clone()]);
        }
        after(machine, what)?;
    }
    fragments(machine, card, &data)
}

/// A part of a coalesced frame: bit 1 of the flags is for the first one, bit 2 for the last one.
fn fragment(flags: u32, data: &[u8]) -> Vec<u8> {
    let info = [16u32, 0x8000_0001, 12, 1 | flags << 8];
    let info: Vec<u8> = info.iter().flat_map(|word| word.to_le_bytes()).collect();
    packet(&info, data)
}

/// Fragments of a coalesced frame without beginning, without end, and too many.
fn fragments(machine: &mut Machine, card: &Card, data: &[u8]) -> Result<()> {
    let part = |flags: u32| fragment(flags, data);
    let (first, middle, last) = (part(3), part(1), part(5));
    let cases = [
        vec![middle.clone()],
        vec![last.clone()],
        vec![first.clone()],
        vec![first.clone(), first.clone(), middle.clone()],
        vec![last, first.clone()],
        std::iter::once(first)
            .chain(std::iter::repeat_n(middle, 600))
            .collect(),
    ];
    for (number, messages) in cases.into_iter().enumerate() {
        card.indicate(0, channel::DATA, messages);
        after(machine, &format!("fragments, case {number}"))?;
    }
    Ok(())
}

/// A frame of several megabytes is dropped, and counted.
fn no_memory(machine: &mut Machine, card: &Card) -> Result<()> {
    const PARTS: usize = 100;
    let eth = machine.interface(card)?;
    machine.sh(&format!("/bin/ip link set {eth} up"))?;
    let data = vec![0; SECTION - 100];
    let part = |index: usize| match index {
        0 => fragment(3, &data),
        index if index == PARTS - 1 => fragment(5, &data),
        _ => fragment(1, &data),
    };
    card.indicate(0, channel::DATA, (0..PARTS).map(part).collect());
    machine.until(
        &format!("[ $(ethtool -S {eth} | sed -n 's/^ *rx_no_memory: //p') = 1 ]"),
        "the frame is counted",
    )?;
    card.violations().clear();
    after(machine, "a frame that there is no memory for")
}

fn nvsp_messages(machine: &mut Machine, card: &Card) -> Result<()> {
    let table = |count: u32, offset: u32| {
        let mut message = nvsp::send_table(1);
        message[4..8].copy_from_slice(&count.to_le_bytes());
        message[8..12].copy_from_slice(&offset.to_le_bytes());
        message
    };
    let mut cases = vec![
        (INBAND, 0, vec![]),
        (INBAND, 0, vec![0x86; 2]),
        (
            INBAND,
            0,
            nvsp::short_message(kind::SEND_INDIRECTION_TABLE, &[]),
        ),
        (INBAND, 0, table(17, 40)),
        (INBAND, 0, table(0, 40)),
        (INBAND, 0, table(u32::MAX, 40)),
        (INBAND, 0, table(16, 44)),
        (INBAND, 0, table(16, u32::MAX - 3)),
        (INBAND, 0, [table(16, 40), vec![0xff; 64]].concat()),
        (
            INBAND,
            0,
            nvsp::short_message(kind::SEND_VF_ASSOCIATION, &[1]),
        ),
        (INBAND, 0, nvsp::message(9999, &[])),
        (INBAND, 0, nvsp::message(kind::INIT_COMPLETE, &[1, 2, 3])),
        (0x55, 1, nvsp::message(kind::INIT, &[])),
        (
            TRANSFER_PAGES,
            1,
            nvsp::message(kind::SEND_RNDIS_PACKET, &[]),
        ),
    ];
    for transaction in [0, 1, 77, 100_000, u64::MAX - 1, u64::MAX] {
        for message in [
            vec![],
            vec![0x6c, 0],
            nvsp::short_message(kind::SEND_RNDIS_PACKET_COMPLETE, &[]),
            nvsp::short_message(kind::SEND_RNDIS_PACKET_COMPLETE, &[1]),
            nvsp::short_message(kind::SEND_RNDIS_PACKET_COMPLETE, &[99]),
            nvsp::message(kind::INIT_COMPLETE, &[0x60001, 0, 1]),
            nvsp::message(kind::SEND_RECEIVE_BUFFER_COMPLETE, &[1, 1, 0, 1, 1]),
            nvsp::message(kind::SUBCHANNEL, &[1, 60]),
            nvsp::message(4242, &[1]),
        ] {
            cases.push((COMPLETION, transaction, message));
        }
    }
    for (kind, transaction, payload) in cases {
        card.send(0, kind, transaction, &payload);
        let what =
            format!("a packet of kind {kind:#x}, transaction {transaction:#x}: {payload:x?}");
        after(machine, &what)?;
    }
    Ok(())
}

/// An index outside of the ring from the guest, which cannot answer then. It must not try all the time.
fn wrong_index(machine: &mut Machine, card: &Card, eth: &str) -> Result<()> {
    /// Without end there would be many thousands.
    const TRIES: u64 = 300;
    let channel = machine.server.channel(card.instance(), 0);
    let channel = channel.context("the card's channel")?;
    let (ring, field) = (Ring::FromGuest, Field::ReadIndex);
    let before = machine.counter(eth, "rx_comp_busy")?;
    let right = channel.peek(ring, field).context("the index")?;
    channel.poke(ring, field, u32::MAX);
    card.set_link(true);
    machine.sh("usleep 1000000")?;
    let tries = machine.counter(eth, "rx_comp_busy")? - before;
    channel.poke(ring, field, right);
    card.set_link(true);
    ensure!(
        (1..TRIES).contains(&tries),
        "the guest tried {tries} times to answer"
    );
    after(machine, "an index outside of the ring")
}

/// Transfer-page packets whose ranges are not where they should be.
fn ranges(machine: &mut Machine, card: &Card) -> Result<()> {
    type Spoil = fn(&mut Outgoing);
    let cases: [(&str, Spoil); 9] = [
        ("another buffer", |it| it.header[0] ^= 1),
        ("no ranges", |it| it.header[4..8].fill(0)),
        ("too many ranges", |it| it.header[4] = 200),
        ("4 thousand million ranges", |it| it.header[4..8].fill(0xff)),
        ("a length beyond a section", |it| {
            it.header[8..12].copy_from_slice(&9000u32.to_le_bytes())
        }),
        ("the largest length", |it| it.header[8..12].fill(0xff)),
        ("an offset beyond the buffer", |it| {
            it.header[12..16].fill(0xff)
        }),
        ("no header", |it| it.header.clear()),
        ("no message", |it| it.payload.clear()),
    ];
    let instance = card.instance();
    for (what, spoil) in cases {
        let mut spoilt = 0;
        machine.server.set_tamper(
            instance,
            Some(Box::new(move |packet| {
                let mut packets = vec![packet];
                if packets[0].kind == TRANSFER_PAGES && spoilt < 3 {
                    spoilt += 1;
                    let mut bad = packets[0].clone();
                    // A number that the card does not know, so that it misses nothing.
                    bad.transaction = u64::MAX - spoilt;
                    spoil(&mut bad);
                    packets.insert(0, bad);
                }
                packets
            })),
        );
        let done = after(machine, what);
        machine.server.set_tamper(instance, None);
        done?;
    }
    Ok(())
}
