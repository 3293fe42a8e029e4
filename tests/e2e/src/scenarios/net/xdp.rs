// SPDX-License-Identifier: GPL-2.0

//! XDP: every verdict, what refuses a program, and that one survives changes of the card.

use std::sync::Arc;

use anyhow::{Result, ensure};
use vmbus_host::net::backend::{Capture, Frame, Nobody};
use vmbus_host::net::frame;
use vmbus_host::net::{Card, CardConfig, Peer};

use super::{FETCH, SOON, configure, setup};
use crate::machine::{Lab, Machine};

const PORT: u16 = 9999;

/// How many frames [`frames`] are.
pub(super) const FRAMES: usize = 20;

/// See the module.
pub fn xdp(lab: &Lab) -> Result<()> {
    let wire = Capture::new(Peer::new(Default::default()));
    let other_wire = Capture::new(Arc::new(Nobody));
    let config = CardConfig {
        queues: 2,
        ..CardConfig::default()
    };
    let card = Card::new(config, wire.clone());
    let other = Card::new(CardConfig::numbered(2), other_wire.clone());
    let mut machine = lab.boot(setup(2, &[card.clone(), other.clone()]))?;
    let eth = machine.load_net(&card)?;
    let eth2 = machine.interface(&other)?;
    configure(&mut machine, &eth, 0)?;
    // So that one queue has all the frames.
    machine.sh(&format!("ethtool -L {eth} combined 1"))?;
    attach_rules(&mut machine, &eth)?;

    let mut test = Test {
        machine: &mut machine,
        card: &card,
        eth: &eth,
    };
    test.attach("pass")?;
    test.machine.sh(&format!("{FETCH}; fetch 100000"))?;
    for verdict in ["drop", "aborted", "unknown"] {
        test.attach(verdict)?;
        test.count("xdp_drop", "packets that are dropped")?;
    }

    test.attach("tx")?;
    wire.take();
    test.count("xdp_tx", "packets that are sent back")?;
    let back = wire.wait_for(FRAMES, |frame| is_ours(frame), SOON).len();
    ensure!(back >= FRAMES, "{back} of {FRAMES} packets come back");

    test.machine.sh(&format!(
        "ethtool -K {eth2} lro off && /bin/ip link set {eth2} up && {}",
        attach(&eth2, "pass")
    ))?;
    test.attach("redirect")?;
    other_wire.take();
    test.count("xdp_redirect", "packets that are redirected")?;
    let sent = test.machine.counter(&eth2, "tx_queue_0_xdp_xmit")?;
    ensure!(sent >= FRAMES as u64, "{sent} redirected packets sent");

    // The program stays where it is when the queues are made anew.
    test.attach("drop")?;
    let change = format!(
        "ethtool -G {eth} rx 500 && ethtool -L {eth} combined 2 && ethtool -L {eth} combined 1 && \
         /bin/ip link set {eth} mtu 1400 && /bin/ip link set {eth} mtu 1500 && ! /bin/ip link set {eth} mtu 4000"
    );
    test.machine.sh(&change)?;
    test.count("xdp_drop", "packets that are dropped after a change")?;
    test.machine.sh(&format!(
        "/bin/ip link set {eth} xdp off && {FETCH}; fetch 100000"
    ))?;
    machine.end()
}

/// Neither with LRO nor with frames longer than a page.
fn attach_rules(machine: &mut Machine, eth: &str) -> Result<()> {
    let attach = attach(eth, "pass");
    let refused = machine.run(&attach)?;
    ensure!(
        refused.status != 0 && refused.text.contains("LRO"),
        "with LRO: {}",
        refused.text
    );
    machine.sh(&format!(
        "ethtool -K {eth} lro off && /bin/ip link set {eth} mtu 4000"
    ))?;
    let refused = machine.run(&attach)?;
    ensure!(
        refused.status != 0 && refused.text.contains("mtu"),
        "with a large MTU: {}",
        refused.text
    );
    machine.sh(&format!("/bin/ip link set {eth} mtu 1500 && {attach}"))?;
    let lro = machine.run(&format!("ethtool -K {eth} lro on"))?;
    machine.sh(&format!(
        "ethtool -k {eth} | grep -q 'large-receive-offload: off'"
    ))?;
    let _ = lro;
    Ok(())
}

struct Test<'a> {
    machine: &'a mut Machine,
    card: &'a Card,
    eth: &'a str,
}

impl Test<'_> {
    /// Replaces the program.
    fn attach(&mut self, verdict: &str) -> Result<()> {
        let eth = self.eth;
        let attach = attach(eth, verdict);
        self.machine
            .sh(&format!("/bin/ip link set {eth} xdp off; {attach}"))?;
        Ok(())
    }

    /// Sends frames that the program is for, and waits until the queue's counter has them all.
    fn count(&mut self, name: &str, what: &str) -> Result<()> {
        let eth = self.eth;
        let name = format!("rx_queue_0_{name}");
        let before = self.machine.counter(eth, &name)?;
        self.card.deliver(frames(self.card));
        let wanted = before + FRAMES as u64;
        self.machine.until_counted(eth, &name, wanted, what)?;
        self.machine.sh("ping -c 1 -W 10 10.0.0.1")?;
        Ok(())
    }
}

/// The shell's command to put one of the programs on an interface, in the place of any other.
pub(super) fn attach(interface: &str, verdict: &str) -> String {
    format!("/bin/ip -force link set {interface} xdpdrv obj /verdicts.o sec xdp_{verdict}")
}

/// Frames for a card that the programs are for.
pub(super) fn frames(card: &Card) -> Vec<Frame> {
    let macs = [[2, 0, 0, 0, 0, 0xfe], card.mac()];
    let addresses = [[10, 0, 0, 1], [10, 0, 0, 15]];
    let frame = |index| frame::udp(macs, addresses, [5000, PORT], &[index as u8; 200]);
    (0..FRAMES).map(frame).collect()
}

/// Whether a frame is one of [`frames`].
fn is_ours(frame: &[u8]) -> bool {
    frame.get(36..38) == Some(&PORT.to_be_bytes()[..]) && frame.get(23) == Some(&frame::UDP)
}
