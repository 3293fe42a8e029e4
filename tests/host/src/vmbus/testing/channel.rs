// SPDX-License-Identifier: GPL-2.0

//! The guest's end of an open channel.

use zerocopy::IntoBytes;

use super::guest::{FakeGuest, PATIENCE};
use super::ring::{GuestPacket, GuestRing};
use crate::hv::{Guest as _, HvStatus};
use crate::vmbus::channel::{COMPLETION_REQUESTED, GPA_DIRECT, GpaRange, INBAND, Outgoing};

/// An open channel of the guest.
#[derive(Debug)]
pub struct GuestChannel {
    /// Its number.
    pub relid: u32,
    /// The GPADL of the rings.
    pub gpadl: u32,
    /// The ring that the guest writes.
    pub outgoing: GuestRing,
    /// The ring that the guest reads.
    pub incoming: GuestRing,
    pub(super) connection: u32,
    pub(super) monitor: Option<u8>,
}

impl GuestChannel {
    /// Sends an in-band packet that wants a completion. Returns whether there was room.
    pub fn send(&self, guest: &FakeGuest, transaction: u64, payload: &[u8]) -> bool {
        self.send_packet(
            guest,
            &Outgoing {
                kind: INBAND,
                flags: COMPLETION_REQUESTED,
                transaction,
                payload: payload.to_vec(),
                ..Outgoing::default()
            },
        )
    }

    /// Sends a GPA-direct packet that wants a completion. Returns whether there was room.
    pub fn send_gpa(
        &self,
        guest: &FakeGuest,
        transaction: u64,
        payload: &[u8],
        ranges: &[GpaRange],
    ) -> bool {
        let mut header = [0u32, ranges.len() as u32].as_bytes().to_vec();
        for range in ranges {
            header.extend_from_slice([range.len, range.offset].as_bytes());
            header.extend_from_slice(range.pfns.as_bytes());
        }
        self.send_packet(
            guest,
            &Outgoing {
                kind: GPA_DIRECT,
                flags: COMPLETION_REQUESTED,
                transaction,
                header,
                payload: payload.to_vec(),
                ..Outgoing::default()
            },
        )
    }

    /// Sends any packet, and signals the host if the ring's rules ask for it.
    pub fn send_packet(&self, guest: &FakeGuest, packet: &Outgoing) -> bool {
        let written = self.outgoing.write(&packet.encode());
        if written == Some(true) {
            self.signal(guest);
        }
        written.is_some()
    }

    /// Signals the host, by monitor page where the offer said so.
    pub fn signal(&self, guest: &FakeGuest) -> HvStatus {
        match self.monitor {
            Some(monitor) => {
                guest.trigger(monitor);
                HvStatus::Success
            }
            None => guest.server().on_signal_event(0, self.connection, 0),
        }
    }

    /// Takes a packet that is there.
    pub fn receive(&self, guest: &FakeGuest) -> Option<GuestPacket> {
        let (packet, signal) = self.incoming.read()?;
        if signal {
            self.signal(guest);
        }
        Some(packet)
    }

    /// Takes a packet, after waiting for the host's signal if there is none.
    pub fn wait(&self, guest: &FakeGuest) -> Option<GuestPacket> {
        loop {
            if let Some(packet) = self.receive(guest) {
                return Some(packet);
            }
            guest.hypervisor().take_event(self.relid as u16, PATIENCE)?;
        }
    }
}
