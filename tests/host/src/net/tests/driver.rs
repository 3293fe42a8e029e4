// SPDX-License-Identifier: GPL-2.0

//! A guest's network driver, on a server without a virtual machine.

use std::sync::{Arc, Mutex, Weak};

use crate::net::backend::{Backend, Frame};
use crate::net::nvsp::{NO_SECTION, kind, message, word};
use crate::net::violation::Violation;
use crate::net::{Card, CardConfig, Version};
use crate::vmbus::channel::{COMPLETION, GpaRange, INBAND, Outgoing, TRANSFER_PAGES};
use crate::vmbus::gpa;
use crate::vmbus::server::ServerConfig;
use crate::vmbus::testing::{FakeGuest, GuestChannel, GuestPacket, OfferSeen};

/// The pages of each of the two buffers.
const BUFFER_PAGES: u64 = 64;

/// A cable on which a test sees the frames.
#[derive(Default)]
pub struct Wire(pub Mutex<Vec<Frame>>);

impl Backend for Wire {
    fn attach(&self, _card: Weak<Card>) {}

    fn transmit(&self, frames: Vec<Frame>) {
        self.0.lock().unwrap().extend(frames);
    }
}

/// A driver with the channels that it opened, the primary one first.
pub struct Driver {
    pub guest: FakeGuest,
    pub card: Arc<Card>,
    pub wire: Arc<Wire>,
    pub offer: OfferSeen,
    pub channels: Vec<GuestChannel>,
    pub receive: GpaRange,
    pub send: GpaRange,
    pub send_gpadl: u32,
    transaction: u64,
}

impl Driver {
    /// A driver that has opened the primary channel and said nothing.
    pub fn open(config: CardConfig) -> Self {
        let wire = Arc::new(Wire::default());
        let card = Card::new(config, wire.clone());
        let mut guest = FakeGuest::new(ServerConfig::default());
        guest.server().add_device(Arc::clone(&card) as _);
        let offer = guest.connect_and_request_offers()[0];
        let channels = vec![guest.open(&offer).unwrap()];
        let mut buffer = || GpaRange {
            len: (BUFFER_PAGES * 4096) as u32,
            offset: 0,
            pfns: guest.allocate(BUFFER_PAGES),
        };
        let (receive, send) = (buffer(), buffer());
        Self {
            guest,
            card,
            wire,
            offer,
            channels,
            receive,
            send,
            send_gpadl: 0,
            transaction: 0,
        }
    }

    /// A driver that has shared its buffers.
    pub fn connected(config: CardConfig, version: Version) -> Self {
        let mut driver = Self::open(config);
        assert_eq!(driver.init(version), 1, "{version}");
        driver.describe(version, 1500);
        driver.share();
        driver
    }

    /// A driver of the newest version that has initialized RNDIS and is up.
    pub fn ready(config: CardConfig) -> Self {
        let mut driver = Self::connected(config, Version::V6_1);
        assert_eq!(driver.request(2, &[1, 0, 0x4000])[1], 0);
        assert_eq!(driver.set(0x0001_010e, &13u32.to_le_bytes()), 0);
        driver
    }

    /// Proposes a version; returns the status.
    pub fn init(&mut self, version: Version) -> u32 {
        let answer = self.ask(&message(kind::INIT, &[version.0, version.0]));
        assert_eq!(word(&answer, 0), Some(kind::INIT_COMPLETE));
        word(&answer, 3).unwrap()
    }

    /// Sends what has no answer: configuration, as far as the version has it, and NDIS's version.
    pub fn describe(&mut self, version: Version, mtu: u32) {
        if version > Version::V1 {
            self.tell(&message(kind::SEND_NDIS_CONFIG, &[mtu + 14, 0, 0xac, 0]));
        }
        self.tell(&message(kind::SEND_NDIS_VERSION, &[6, 30]));
    }

    /// Shares both buffers.
    pub fn share(&mut self) {
        let relid = self.offer.relid;
        let gpadl = self.guest.share(relid, &self.receive.pfns).unwrap();
        let answer = self.ask(&message(kind::SEND_RECEIVE_BUFFER, &[gpadl, 0xcafe]));
        assert_eq!(word(&answer, 1), Some(1));
        self.send_gpadl = self.guest.share(relid, &self.send.pfns).unwrap();
        let answer = self.ask(&message(kind::SEND_SEND_BUFFER, &[self.send_gpadl, 0]));
        assert_eq!((word(&answer, 1), word(&answer, 2)), (Some(1), Some(6144)));
    }

    /// Sends a message and returns the answer.
    pub fn ask(&mut self, message: &[u8]) -> Vec<u8> {
        self.transaction += 1;
        assert!(self.channels[0].send(&self.guest, self.transaction, message));
        let answer = self.wait(0);
        assert_eq!(
            (answer.kind, answer.transaction),
            (COMPLETION, self.transaction)
        );
        answer.payload
    }

    /// Sends a message that has no answer.
    pub fn tell(&self, message: &[u8]) {
        let packet = Outgoing {
            kind: INBAND,
            payload: message.to_vec(),
            ..Outgoing::default()
        };
        assert!(self.channels[0].send_packet(&self.guest, &packet));
    }

    /// Takes the next packet of a channel.
    pub fn wait(&self, channel: usize) -> GuestPacket {
        self.channels[channel].wait(&self.guest).unwrap()
    }

    /// Sends RNDIS messages in the guest's own pages; returns the status.
    pub fn send_rndis(&mut self, channel: u32, bytes: &[u8]) -> u32 {
        let range = self.guest.buffer(0x40, bytes.len() as u32, bytes);
        self.carry(channel, NO_SECTION, 0, &[range])
    }

    /// Sends RNDIS messages: `len` bytes of a section, and then ranges; returns the status.
    pub fn carry(&mut self, channel: u32, section: u32, len: u32, ranges: &[GpaRange]) -> u32 {
        self.transaction += 1;
        let carrier = message(kind::SEND_RNDIS_PACKET, &[channel, section, len]);
        let sent = match ranges {
            [] => self.channels[0].send(&self.guest, self.transaction, &carrier),
            _ => self.channels[0].send_gpa(&self.guest, self.transaction, &carrier, ranges),
        };
        assert!(sent, "the ring is full");
        let answer = self.wait(0);
        assert_eq!(
            (answer.kind, answer.transaction),
            (COMPLETION, self.transaction)
        );
        assert_eq!(
            word(&answer.payload, 0),
            Some(kind::SEND_RNDIS_PACKET_COMPLETE)
        );
        word(&answer.payload, 1).unwrap()
    }

    /// Writes into a section of the send buffer.
    pub fn fill_section(&self, section: u32, bytes: &[u8]) {
        let at = section as usize * 6144;
        let ranges = std::slice::from_ref(&self.send);
        gpa::write(self.guest.memory(), ranges, at, bytes).unwrap();
    }

    /// Takes a transfer-page packet, completes it, and returns its messages.
    pub fn receive(&self, channel: usize) -> Vec<Vec<u8>> {
        let packet = self.wait(channel);
        let messages = self.messages(&packet);
        self.give_back(channel, packet.transaction);
        messages
    }

    /// The messages of a transfer-page packet.
    pub fn messages(&self, packet: &GuestPacket) -> Vec<Vec<u8>> {
        assert_eq!((packet.kind, packet.flags), (TRANSFER_PAGES, 1));
        assert_eq!(packet.header[..2], 0xcafe_u16.to_le_bytes());
        let count = word(&packet.header, 1).unwrap() as usize;
        let range = |index| {
            let len = word(&packet.header, 2 + 2 * index).unwrap();
            let at = word(&packet.header, 3 + 2 * index).unwrap();
            let mut bytes = vec![0; len as usize];
            let ranges = std::slice::from_ref(&self.receive);
            gpa::read(self.guest.memory(), ranges, at as usize, &mut bytes).unwrap();
            bytes
        };
        (0..count).map(range).collect()
    }

    /// Completes a transfer-page packet.
    pub fn give_back(&self, channel: usize, transaction: u64) {
        let packet = Outgoing {
            kind: COMPLETION,
            transaction,
            payload: message(kind::SEND_RNDIS_PACKET_COMPLETE, &[1]),
            ..Outgoing::default()
        };
        assert!(self.channels[channel].send_packet(&self.guest, &packet));
        self.channels[channel].signal(&self.guest);
    }

    /// Sends an RNDIS request, and returns the answer's words after its header.
    pub fn request(&mut self, kind: u32, words: &[u32]) -> Vec<u32> {
        let words: Vec<u32> = std::iter::once(77).chain(words.iter().copied()).collect();
        let status = self.send_rndis(1, &crate::net::rndis::words(kind, &words));
        assert_eq!(status, 1);
        let answer = self.receive(0).remove(0);
        assert_eq!(word(&answer, 0), Some(kind | 1 << 31));
        assert_eq!(word(&answer, 1), Some(answer.len() as u32));
        (2..answer.len() / 4)
            .filter_map(|index| word(&answer, index))
            .collect()
    }

    /// Queries an object; returns its status and value.
    pub fn query(&mut self, oid: u32, input: &[u8]) -> (u32, Vec<u8>) {
        let answer = self.with_value(4, oid, input);
        let len = word(&answer, 4).unwrap() as usize;
        (word(&answer, 3).unwrap(), answer[24..24 + len].to_vec())
    }

    /// Sets an object; returns the status.
    pub fn set(&mut self, oid: u32, value: &[u8]) -> u32 {
        word(&self.with_value(5, oid, value), 3).unwrap()
    }

    fn with_value(&mut self, kind: u32, oid: u32, value: &[u8]) -> Vec<u8> {
        let words = [78, oid, value.len() as u32, 20, 0];
        let mut body: Vec<u8> = words
            .iter()
            .flat_map(|word: &u32| word.to_le_bytes())
            .collect();
        body.extend_from_slice(value);
        assert_eq!(
            self.send_rndis(1, &crate::net::rndis::message(kind, &body)),
            1
        );
        self.receive(0).remove(0)
    }

    /// The frames that reached the wire since the last call.
    pub fn sent(&self) -> Vec<Frame> {
        std::mem::take(&mut self.wire.0.lock().unwrap())
    }

    /// Opens the sub-channels that the host offers next.
    pub fn open_sub_channels(&mut self, count: usize) {
        for _ in 0..count {
            let offer = self.guest.next_offer().unwrap();
            let channel = self.guest.open(&offer).unwrap();
            self.channels.push(channel);
        }
    }

    /// Closes the channels, and checks what was wrong with the conversation.
    pub fn finish_with(mut self, violations: &[Violation]) {
        assert_eq!(self.card.violations().first(), violations);
        for channel in self.channels.iter().rev() {
            self.guest.close(channel);
        }
        assert_eq!(self.card.version(), None);
        assert_eq!(self.guest.server().violations(), []);
    }
}
