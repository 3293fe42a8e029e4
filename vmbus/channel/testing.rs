// SPDX-License-Identifier: GPL-2.0

//! Open channels with the host's end of the rings, for tests.

use super::{
    CallbackMode,
    Channel,
    Endpoint,
    Handler,
    OpenConfig, //
};
use crate::{
    connection::testing::{
        Bench,
        Host, //
    },
    guid::Guid,
    ring::{
        reader::Reader,
        testing::HostRing,
        writer::{
            Draft,
            Writer, //
        },
        SendError,
        Signal, //
    },
    wire::{
        message::MessageType,
        packet::Kind,
        USER_DATA_LEN, //
    },
};
use kernel::{
    page::PAGE_SIZE,
    prelude::*,
    sync::{
        rcu,
        Arc, //
    }, //
};

/// A packet of the guest.
pub struct Received {
    /// What kind it is.
    pub kind: Kind,
    /// [`COMPLETION_REQUESTED`](crate::wire::packet::COMPLETION_REQUESTED) or 0.
    pub flags: u16,
    /// Its name, or that of what it completes.
    pub transaction: u64,
    /// What is between descriptor and payload.
    pub header: KVec<u8>,
    /// The payload, filled up.
    pub payload: KVec<u8>,
}

/// A channel that is open until this is dropped, and the host's end of it.
pub struct Open {
    // In this order: the host lets go of the rings first.
    reader: Reader<HostRing, KVec<u8>>,
    writer: Writer<HostRing>,
    endpoint: Arc<Endpoint>,
    host: Arc<Host>,
}

impl Bench {
    /// Has the host offer the primary channel of a device.
    ///
    /// # Errors
    ///
    /// `ENODEV` when the guest makes no channel of the offer.
    pub fn offer(&self, relid: u32) -> Result<Arc<Channel>> {
        self.host.offer(relid, instance(relid), 0);
        self.settle();
        self.connection().relids().get(relid).ok_or(ENODEV)
    }

    /// Has the host take it back, and waits until the guest has done all that follows.
    pub fn rescind(&self, relid: u32) {
        self.host.rescind(relid);
        self.settle();
    }

    /// Opens a channel with rings of four pages each.
    ///
    /// # Errors
    ///
    /// Those of opening a channel.
    pub fn open<H: Handler>(
        &self,
        channel: &Arc<Channel>,
        mode: CallbackMode,
        handler: Arc<H>,
    ) -> Result<Open> {
        let config = OpenConfig {
            send_ring: 4 * PAGE_SIZE,
            receive_ring: 4 * PAGE_SIZE,
            max_packet: OpenConfig::DEFAULT_MAX_PACKET,
            mode,
            user_data: [0; USER_DATA_LEN],
            subchannels: false,
        };
        let endpoint = Endpoint::open(channel, &config, handler)?;
        self.connection().events().publish(&endpoint);
        Open::new(endpoint, &self.host)
    }
}

/// The device whose primary channel is offered by a relid.
pub(crate) fn instance(relid: u32) -> Guid {
    let mut bytes = [0x5a; 16];
    bytes[..4].copy_from_slice(&relid.to_le_bytes());
    Guid::from_bytes(bytes)
}

impl Open {
    fn new(endpoint: Arc<Endpoint>, host: &Arc<Host>) -> Result<Self> {
        let message = host.last(MessageType::OPEN_CHANNEL).ok_or(ENODEV)?;
        let pages = host.pages(message.word(16))?;
        // CAST: Widening.
        let middle = message.word(24) as usize;
        let (outgoing, incoming) = pages.split_at_checked(middle).ok_or(EINVAL)?;
        // SAFETY: The endpoint, which is dropped afterwards, has the rings.
        let outgoing = unsafe { HostRing::new(outgoing) }?;
        // SAFETY: As above.
        let incoming = unsafe { HostRing::new(incoming) }?;
        Ok(Self {
            reader: Reader::new(outgoing, KVec::from_elem(0, 4 * PAGE_SIZE, GFP_KERNEL)?),
            writer: Writer::new(incoming),
            endpoint,
            host: host.clone(),
        })
    }

    /// The guest's end.
    pub fn endpoint(&self) -> &Arc<Endpoint> {
        &self.endpoint
    }

    /// How often the host was signalled, by whatever channel.
    pub fn signals(&self) -> u32 {
        self.host.signals()
    }

    /// Takes the guest's next packet.
    pub fn take(&mut self) -> Option<Received> {
        let found = self.reader.advance().ok()??;
        let packet = self.reader.packet(found);
        let received = Received {
            kind: packet.kind,
            flags: packet.flags,
            transaction: packet.transaction,
            header: copy(packet.header)?,
            payload: copy(packet.payload)?,
        };
        let _ = self.reader.finish();
        Some(received)
    }

    /// Sends a packet. Returns whether the guest is to be interrupted.
    ///
    /// # Errors
    ///
    /// As for a guest that sends one.
    pub fn send(
        &mut self,
        kind: Kind,
        transaction: u64,
        header: &[u8],
        payload: &[u8],
    ) -> Result<bool, SendError> {
        self.writer
            .send(&Draft {
                kind,
                flags: 0,
                transaction,
                header: [header, &[]],
                payload,
            })
            .map(Signal::is_needed)
    }

    /// The host's end of the ring to the guest.
    pub(crate) fn incoming(&self) -> &HostRing {
        self.writer.shared()
    }

    /// The host's end of the ring from the guest.
    pub(crate) fn outgoing(&self) -> &HostRing {
        self.reader.shared()
    }

    /// Interrupts the guest, and waits until it has done what follows at once.
    pub fn interrupt(&self) {
        let events = self.endpoint.channel.connection.events();
        events.deliver(self.endpoint.relid(), &rcu::read_lock());
        self.endpoint.tasklet.kill();
    }
}

fn copy(bytes: &[u8]) -> Option<KVec<u8>> {
    let mut copy = KVec::new();
    copy.extend_from_slice(bytes, GFP_KERNEL).ok()?;
    Some(copy)
}

impl Drop for Open {
    fn drop(&mut self) {
        let events = self.endpoint.channel.connection.events();
        events.retire(&[self.endpoint.clone()]);
        self.endpoint.close();
    }
}
