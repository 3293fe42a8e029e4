// SPDX-License-Identifier: GPL-2.0

//! The built-in peer: a host on the other end of the cable that needs no privileges.
//!
//! It has the addresses 10.0.n.1/24 and fd00:n::1/64, where n is the number of its network, 0 if not
//! configured, and in VLAN `v` 10.0.v.1/24 and fd00:v::1/64. It
//! answers ARP and neighbour discovery, echo requests and DHCP (address 15 of the network), and
//! serves over TCP:
//!
//! | port | what |
//! |------|------|
//! | 7    | echo |
//! | 9    | takes everything; at the end answers with the number of bytes and their CRC-32 |
//! | 19   | bytes without end |
//! | 20   | as many bytes or datagrams as the client asks for |
//! | 80   | HTTP: `/bytes/N` is N bytes, `/crc/N` their CRC-32 in hexadecimal |
//!
//! and over UDP an echo on port 7, a sink on port 9, and as many datagrams as asked for on port 20. The bytes of ports 19 and 80 are those of
//! [`pattern`]. All frames are made and answered on one thread.

mod dhcp;
mod exchange;
mod link;
pub mod pattern;
mod services;
mod stack;

use std::sync::{Arc, Condvar, Mutex, Weak};
use std::thread;
use std::time::{Duration, Instant};

use super::backend::{Backend, Frame};
use super::card::Card;
use super::frame::{insert_tag, untag};
use super::ppi::Tag;
use super::session::lock;
use stack::Stack;

/// What a peer is to be like.
#[derive(Clone, Debug)]
pub struct PeerConfig {
    /// Its address on the cable.
    pub mac: [u8; 6],
    /// The longest IP packet that it sends.
    pub mtu: usize,
    /// The number of its network where there is no VLAN.
    pub network: u8,
    /// The VLANs that it is in, besides none.
    pub vlans: Vec<u8>,
}

impl Default for PeerConfig {
    fn default() -> Self {
        Self {
            mac: [0x02, 0, 0, 0, 0, 0xfe],
            mtu: 1500,
            network: 0,
            vlans: Vec::new(),
        }
    }
}

/// See the module.
pub struct Peer {
    shared: Arc<Shared>,
}

struct Shared {
    inbox: Mutex<Inbox>,
    arrived: Condvar,
}

#[derive(Default)]
struct Inbox {
    frames: Vec<Frame>,
    card: Weak<Card>,
    stop: bool,
}

impl Peer {
    /// A peer; it ends when it is dropped.
    pub fn new(config: PeerConfig) -> Arc<Self> {
        let shared = Arc::new(Shared {
            inbox: Mutex::default(),
            arrived: Condvar::new(),
        });
        let worker = Worker::new(Arc::clone(&shared), &config);
        thread::spawn(move || worker.run());
        Arc::new(Self { shared })
    }
}

impl Backend for Peer {
    fn attach(&self, card: Weak<Card>) {
        lock(&self.shared.inbox).card = card;
    }

    fn transmit(&self, frames: Vec<Frame>) {
        lock(&self.shared.inbox).frames.extend(frames);
        self.shared.arrived.notify_one();
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        lock(&self.shared.inbox).stop = true;
        self.shared.arrived.notify_one();
    }
}

/// What the thread works with.
struct Worker {
    shared: Arc<Shared>,
    start: Instant,
    /// The networks, with their tags.
    networks: Vec<(u16, Stack)>,
}

impl Worker {
    fn new(shared: Arc<Shared>, config: &PeerConfig) -> Self {
        let untagged = (0, config.network);
        let vlans = config.vlans.iter().map(|&vlan| (vlan.into(), vlan));
        Self {
            shared,
            start: Instant::now(),
            networks: std::iter::once(untagged)
                .chain(vlans)
                .map(|(tag, network)| (tag, Stack::new(config.mac, config.mtu, network)))
                .collect(),
        }
    }

    fn run(mut self) {
        let mut delay = Duration::ZERO;
        loop {
            let inbox = lock(&self.shared.inbox);
            let idle = |inbox: &mut Inbox| inbox.frames.is_empty() && !inbox.stop;
            let waited = self.shared.arrived.wait_timeout_while(inbox, delay, idle);
            let mut inbox = waited.unwrap_or_else(std::sync::PoisonError::into_inner).0;
            if inbox.stop {
                return;
            }
            let frames = std::mem::take(&mut inbox.frames);
            let card = inbox.card.clone();
            drop(inbox);
            let answers = self.work(frames);
            if let Some(card) = card.upgrade().filter(|_| !answers.is_empty()) {
                card.deliver(answers);
            }
            delay = self.delay();
        }
    }

    /// Takes frames, does what is due, and returns the frames that this makes.
    fn work(&mut self, frames: Vec<Frame>) -> Vec<Frame> {
        for mut frame in frames {
            let vlan = untag(&mut frame).map_or(0, |tag| tag.0 & 0xfff);
            if let Some((_, stack)) = self.networks.iter_mut().find(|network| network.0 == vlan) {
                stack.take(frame);
            }
        }
        let now = self.start.elapsed();
        let mut answers = Vec::new();
        for (vlan, stack) in &mut self.networks {
            for mut frame in stack.work(now) {
                if *vlan != 0 {
                    insert_tag(&mut frame, Tag(*vlan));
                }
                answers.push(frame);
            }
        }
        answers
    }

    /// How long there is nothing to do unless frames arrive.
    fn delay(&mut self) -> Duration {
        const LONGEST: Duration = Duration::from_secs(1);
        let now = self.start.elapsed();
        let delays = self.networks.iter_mut().map(|(_, stack)| stack.delay(now));
        delays.flatten().min().unwrap_or(LONGEST).min(LONGEST)
    }
}
