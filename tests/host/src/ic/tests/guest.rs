// SPDX-License-Identifier: GPL-2.0

//! A guest that has one service open. What it answers is written byte by byte, not with the host's
//! own structures.

use std::sync::Arc;
use std::thread;

use crate::ic::Link;
use crate::vmbus::channel::{INBAND, Outgoing};
use crate::vmbus::server::ServerConfig;
use crate::vmbus::testing::{FakeGuest, GuestChannel, GuestPacket};

/// Where fields are in a payload.
const KIND: usize = 12;
const SIZE: usize = 18;
const STATUS: usize = 20;
const FLAGS: usize = 25;
/// Where the body begins.
pub(super) const BODY: usize = 28;

/// What a guest makes of a request's payload.
pub(super) type Change<'a> = &'a dyn Fn(&mut Vec<u8>);

/// See the module.
pub(super) struct ServiceGuest {
    pub(super) guest: FakeGuest,
    pub(super) channel: GuestChannel,
}

impl ServiceGuest {
    /// Finds the service and opens it.
    pub(super) fn open(link: &Arc<Link>) -> Self {
        let mut guest = FakeGuest::new(ServerConfig::default());
        guest.server().add_device(link.clone());
        let offers = guest.connect_and_request_offers();
        let channel = guest.open(&offers[0]).expect("the service opens");
        Self { guest, channel }
    }

    /// The same, with the newest versions agreed on.
    pub(super) fn ready(link: &Arc<Link>) -> Self {
        let this = Self::open(link);
        let packet = this.receive();
        let counts = [half(&packet.payload, BODY), half(&packet.payload, BODY + 2)];
        let version = |index: u16| {
            let at = BODY + 8 + 4 * usize::from(index);
            [half(&packet.payload, at), half(&packet.payload, at + 2)]
        };
        let chosen = [version(counts[0] - 1), version(counts[0] + counts[1] - 1)];
        this.choose(&packet, [1, 1], chosen);
        this
    }

    /// Waits for a packet.
    pub(super) fn receive(&self) -> GuestPacket {
        self.channel.wait(&self.guest).expect("a packet")
    }

    /// Answers a negotiation with these counts and versions.
    pub(super) fn choose(&self, packet: &GuestPacket, counts: [u16; 2], versions: [[u16; 2]; 2]) {
        self.answer(packet, |payload| {
            set_half(payload, SIZE, 16);
            set_half(payload, BODY, counts[0]);
            set_half(payload, BODY + 2, counts[1]);
            for (number, version) in versions.into_iter().enumerate() {
                set_half(payload, BODY + 8 + 4 * number, version[0]);
                set_half(payload, BODY + 10 + 4 * number, version[1]);
            }
        });
    }

    /// Answers a packet with itself, as `change` makes it.
    pub(super) fn answer(&self, packet: &GuestPacket, change: impl FnOnce(&mut Vec<u8>)) {
        let mut payload = packet.payload.clone();
        payload[FLAGS] = 5;
        change(&mut payload);
        self.send(packet.transaction, payload);
    }

    /// Sends a packet.
    pub(super) fn send(&self, transaction: u64, payload: Vec<u8>) {
        let packet = Outgoing {
            kind: INBAND,
            transaction,
            payload,
            ..Outgoing::default()
        };
        assert!(self.channel.send_packet(&self.guest, &packet));
    }

    /// Calls the host on another thread and answers `changes.len()` requests meanwhile.
    pub(super) fn serve<T: Send>(
        &self,
        host: impl FnOnce() -> T + Send,
        changes: &[Change<'_>],
    ) -> T {
        thread::scope(|scope| {
            let host = scope.spawn(host);
            for change in changes {
                self.answer(&self.receive(), change);
            }
            host.join().expect("the host does not panic")
        })
    }
}

/// The kind of a message.
pub(super) fn kind(payload: &[u8]) -> u16 {
    half(payload, KIND)
}

/// Sets the status of an answer.
pub(super) fn set_status(payload: &mut [u8], status: u32) {
    payload[STATUS..STATUS + 4].copy_from_slice(&status.to_le_bytes());
}

pub(super) fn half(payload: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([payload[at], payload[at + 1]])
}

pub(super) fn set_half(payload: &mut [u8], at: usize, value: u16) {
    payload[at..at + 2].copy_from_slice(&value.to_le_bytes());
}
