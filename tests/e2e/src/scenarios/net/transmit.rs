// SPDX-License-Identifier: GPL-2.0

//! Sending where it is not easy: a ring that fills up, tags inside of frames, frames in many pieces,
//! messages of the kernel; and what is counted of all that.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use vmbus_host::net::backend::Capture;
use vmbus_host::net::{Card, CardConfig, Peer, frame};

use super::{INSERT_MODULES, SOON, configure, setup};
use crate::machine::{Lab, Machine, wait_until};

/// More than the smallest ring has room for.
const FLOOD: u64 = 6000;
const TAGGED: u64 = 50;
const SCATTERED: u64 = 5;
const MULTICASTS: u64 = 7;

/// Has the kernel send: `generate INTERFACE COUNT SIZE [SETTING...]`.
const GENERATE: &str = "generate() { eth=$1 count=$2 size=$3; shift 3; g=/proc/net/pktgen; \
                        [ -e $g/$eth ] || echo add_device $eth >$g/kpktgend_0; \
                        for setting in \"count $count\" \"pkt_size $size\" 'delay 0' 'dst 10.0.0.1' 'udp_dst_min 9' 'udp_dst_max 9' \"$@\"; do \
                        echo \"$setting\" >$g/$eth || return 1; done; echo start >$g/pgctrl; }";

/// See the module.
pub fn transmit(lab: &Lab) -> Result<()> {
    let wire = Capture::new(Peer::new(Default::default()));
    let config = CardConfig {
        // Longer frames stay where they are.
        send_section: 1024,
        ..CardConfig::default()
    };
    let card = Card::new(config, wire.clone());
    let mut machine = lab.boot(setup(1, std::slice::from_ref(&card)))?;
    machine.sh(&format!("modprobe {} ring_size=64", lab.driver.netvsc()))?;
    let eth = machine.interface(&card)?;
    configure(&mut machine, &eth, 0)?;
    machine.sh(INSERT_MODULES)?;
    flow_control(&mut machine, &card, &eth)?;
    tags(&mut machine, &card, &wire, &eth)?;
    pieces(&mut machine, &eth)?;
    kernel_messages(&mut machine, &wire, &eth)?;
    statistics(&mut machine, &card, &eth)?;
    machine.end()
}

/// The card takes nothing until the ring is full; what follows waits, and nothing is lost.
fn flow_control(machine: &mut Machine, card: &Card, eth: &str) -> Result<()> {
    let before = card.stats().tx_frames();
    card.pause();
    machine.sh(&format!(
        "({GENERATE}; generate {eth} {FLOOD} 60 >/dev/null) >/dev/null & true"
    ))?;
    machine.until(
        &format!("[ $(ethtool -S {eth} | sed -n 's/^ *stop_queue: //p') -gt 0 ]"),
        "the queue is stopped",
    )?;
    ensure!(
        card.stats().tx_frames() == before,
        "the card has taken frames"
    );
    card.resume();
    wait_until("all frames arrive", SOON, || {
        card.stats().tx_frames() >= before + FLOOD
    })?;
    ensure!(
        machine.counter(eth, "wake_queue")? > 0,
        "no queue was woken"
    );
    for name in ["tx_no_space", "tx_no_memory"] {
        let lost = machine.counter(eth, name)?;
        ensure!(lost == 0, "{name}: {lost}");
    }
    machine.until(
        "ps | grep kpktgend | grep -qv ' R ' && ping -c 1 -W 10 10.0.0.1",
        "the card answers again",
    )
}

/// A tag that is inside of a frame is beside it for the card, and inside again on the wire.
fn tags(machine: &mut Machine, card: &Card, wire: &Capture, eth: &str) -> Result<()> {
    let before = card.stats().tx_tagged;
    wire.take();
    machine.sh(&format!(
        "{GENERATE}; generate {eth} {TAGGED} 200 'vlan_id 5' 'vlan_p 3'"
    ))?;
    let ours = |frame: &Vec<u8>| frame[12..16] == [0x81, 0, 0x60, 5];
    let seen = wire.wait_for(TAGGED as usize, ours, SOON).len() as u64;
    ensure!(seen == TAGGED, "{seen} of {TAGGED} tags on the wire");
    let taken = card.stats().tx_tagged - before;
    ensure!(taken == TAGGED, "{taken} of {TAGGED} tags beside frames");
    let errors = machine.counter(eth, "vlan_error")?;
    ensure!(errors == 0, "{errors} wrong tags");
    Ok(())
}

/// Frames in more pieces than a packet of the ring can have. They are made of large pages, which a kernel
/// with PREEMPT_RT has not.
fn pieces(machine: &mut Machine, eth: &str) -> Result<()> {
    let pages = "/sys/kernel/mm/transparent_hugepage";
    if machine.run(&format!("test -d {pages}"))?.status != 0 {
        return Ok(());
    }
    // A guest with so little memory has none of its own accord.
    machine.sh(&format!(
        "echo madvise >{pages}/enabled && scatter 10.0.0.1 7 {SCATTERED}"
    ))?;
    let scattered = machine.counter(eth, "tx_scattered")?;
    ensure!(
        scattered >= SCATTERED,
        "{scattered} of {SCATTERED} frames were put into one piece"
    );
    let lost = machine.counter(eth, "tx_too_big")?;
    ensure!(lost == 0, "{lost} frames are too big");
    Ok(())
}

/// The kernel sends its log itself, from whatever context it is in.
fn kernel_messages(machine: &mut Machine, wire: &Arc<Capture>, eth: &str) -> Result<()> {
    const TEXT: &str = "a line for the network console";
    machine.sh(&format!(
        "insmod /test-modules/netconsole.ko netconsole=6665@10.0.0.15/{eth},9@10.0.0.1/"
    ))?;
    wire.take();
    machine.sh(&format!(
        "for i in 1 2 3; do echo \"<1>{TEXT} $i\" >/dev/kmsg; done"
    ))?;
    let number = |frame: &Vec<u8>| {
        let at = frame
            .windows(TEXT.len())
            .position(|text| text == TEXT.as_bytes())?;
        frame.get(at + TEXT.len() + 1).copied()
    };
    let lines = wire.wait_for(3, |frame| number(frame).is_some(), SOON);
    let seen: Vec<u8> = lines.iter().filter_map(number).collect();
    ensure!(seen == b"123", "lines {seen:?} arrived");
    machine.sh("rmmod netconsole && ping -c 1 -W 10 10.0.0.1")?;
    Ok(())
}

/// What the interface counts is what the card counts.
fn statistics(machine: &mut Machine, card: &Card, eth: &str) -> Result<()> {
    let shown = |machine: &mut Machine, name: &str| -> Result<u64> {
        let text = machine.sh(&format!("cat /sys/class/net/{eth}/statistics/{name}"))?;
        text.parse().with_context(|| format!("{name}: '{text}'"))
    };
    let before = shown(machine, "multicast")?;
    let group = [[2, 0, 0, 0, 0, 0xfe], [1, 0, 0x5e, 0, 0, 1]];
    let addresses = [[10, 0, 0, 1], [224, 0, 0, 1]];
    let frame = |_| frame::udp(group, addresses, [5000, 5001], &[0; 100]);
    card.deliver((0..MULTICASTS).map(frame).collect());
    machine.until(
        &format!(
            "[ $(cat /sys/class/net/{eth}/statistics/multicast) -ge {} ]",
            before + MULTICASTS
        ),
        "multicasts are counted",
    )?;
    // A packet of either side may be between the two looks.
    let mut last = String::new();
    for _ in 0..5 {
        let (rx, tx) = (shown(machine, "rx_packets")?, shown(machine, "tx_packets")?);
        let bytes = shown(machine, "rx_bytes")?;
        let stats = card.stats();
        let sent = stats.queues[0].tx_packets;
        if (rx, tx) == (stats.rx_packets(), sent) && bytes == stats.queues[0].rx_bytes {
            return Ok(());
        }
        last = format!("{rx} packets of {bytes} bytes received, {tx} sent; the card: {stats:?}");
    }
    anyhow::bail!("{last}");
}
