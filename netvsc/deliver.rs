// SPDX-License-Identifier: GPL-2.0

//! Frames of the host, on their way to the stack.

use super::{
    buffers::ReceiveBuffer,
    counter::QueueCounters,
    net::{
        napi::Round,
        skb::Skb,
        Device,
        Features, //
    },
    queue::Queue,
    wire::{
        info::FrameInfo,
        rsc::{
            Frame,
            Piece, //
        },
        Fault, //
    },
    xdp::Fate,
};
use kernel::prelude::*;
use vmbus::{
    ring::HostMemory,
    Endpoint, //
};

/// What is the same for all frames of a round.
pub(super) struct Context<'a> {
    /// The round.
    pub(super) round: &'a Round<'a>,
    /// The channel that is polled.
    pub(super) endpoint: &'a Endpoint,
    /// Where the frames are.
    pub(super) buffer: &'a ReceiveBuffer,
    /// Whom they are for.
    net: &'a Device,
    /// What is switched on there; [`None`] if the interface is down.
    features: Option<Features>,
}

impl<'a> Context<'a> {
    /// For a round.
    #[inline]
    pub(super) fn new(
        queue: &'a Queue,
        round: &'a Round<'a>,
        endpoint: &'a Endpoint,
        buffer: &'a ReceiveBuffer,
    ) -> Self {
        let net = queue.shared.net();
        Self {
            round,
            endpoint,
            buffer,
            net,
            features: net.is_running().then(|| net.features()),
        }
    }
}

/// What was delivered and is not counted yet.
#[derive(Default)]
pub(super) struct Tally {
    packets: u64,
    bytes: u64,
    multicast: u64,
}

impl Tally {
    /// Counts it.
    #[inline]
    pub(super) fn settle(&mut self, counters: Option<&QueueCounters>) {
        if self.packets == 0 {
            return;
        }
        let Self {
            packets,
            bytes,
            multicast,
        } = core::mem::take(self);
        if let Some(counters) = counters {
            counters.rx_packets.add_alone(packets);
            counters.rx_bytes.add_alone(bytes);
            counters.rx_multicast.add_alone(multicast);
        }
    }
}

impl Queue {
    /// Gives a frame that came as a whole to the stack.
    ///
    /// # Errors
    ///
    /// There is no memory for it, or it is no frame of Ethernet.
    #[inline(always)]
    pub(super) fn deliver(
        &self,
        piece: Piece,
        info: &FrameInfo,
        tally: &mut Tally,
        context: &Context<'_>,
    ) -> Result<(), Fault> {
        if !self.shared.adapter.xdp.is_empty() {
            return self.deliver_parts(&Frame::whole(&piece, info), tally, context);
        }
        let Some(features) = context.features else {
            return Ok(());
        };
        let memory = context.buffer.memory();
        let skb = context.round.new_skb(piece.len, |room| {
            memory.copy_out_uninit(piece.offset, room).map(|_| ())
        });
        self.hand_over(skb, piece.len, info, features, tally, context)
    }

    /// Gives a frame to the stack, unless a program wants something else.
    ///
    /// # Errors
    ///
    /// As [`Self::deliver`].
    #[inline(never)]
    pub(super) fn deliver_parts(
        &self,
        frame: &Frame<'_>,
        tally: &mut Tally,
        context: &Context<'_>,
    ) -> Result<(), Fault> {
        let Some(features) = context.features else {
            return Ok(());
        };
        let skb = if self.shared.adapter.xdp.is_empty() {
            copy_frame(context.buffer.memory(), frame, context.round)
        } else {
            match self.ask_program(frame, context)? {
                Fate::Receive(skb) => skb,
                Fate::Done => return Ok(()),
            }
        };
        self.hand_over(skb, frame.len, frame.info, features, tally, context)
    }

    #[inline(always)]
    fn hand_over(
        &self,
        skb: Option<Skb>,
        len: usize,
        info: &FrameInfo,
        features: Features,
        tally: &mut Tally,
        context: &Context<'_>,
    ) -> Result<(), Fault> {
        let Some(mut skb) = skb else {
            return Err(self.no_memory(len));
        };
        describe(&mut skb, info, context.net, features).map_err(|_| Fault::Short(len))?;
        skb.set_rx_queue(self.index);
        tally.packets = tally.packets.wrapping_add(1);
        // CAST: Widening.
        tally.bytes = tally.bytes.wrapping_add(len as u64);
        tally.multicast = tally.multicast.wrapping_add(skb.is_for_many().into());
        context.round.receive(skb);
        Ok(())
    }

    #[cold]
    pub(super) fn no_memory(&self, len: usize) -> Fault {
        self.shared.adapter.totals.rx_no_memory.increment();
        Fault::Short(len)
    }
}

/// Tells the stack what the host said about a frame.
///
/// # Errors
///
/// `EINVAL` if there is no header where one should be.
#[inline(always)]
fn describe(skb: &mut Skb, info: &FrameInfo, net: &Device, features: Features) -> Result {
    const ETH_P_IP: u16 = 0x0800;

    skb.take_ethernet_header(net)?;
    if let Some(checksum) = info.checksum {
        if checksum.is_ip_missing() && skb.protocol() == ETH_P_IP {
            skb.compute_ip_checksum()?;
        }
        if checksum.is_transport_right() && features.contains(Features::RXCSUM) {
            skb.set_checksum_good();
        }
    }
    if let Some(hash) = info.hash.filter(|_| features.contains(Features::RXHASH)) {
        skb.set_hash(hash);
    }
    if let Some(vlan) = info.vlan {
        skb.set_vlan(vlan.tci());
    }
    Ok(())
}

/// Copies a frame into a packet for the stack; [`None`] if there is no memory.
pub(super) fn copy_frame(memory: &HostMemory, frame: &Frame<'_>, round: &Round<'_>) -> Option<Skb> {
    round.new_skb(frame.len, |mut room| {
        for piece in frame.pieces {
            let (place, rest) = room.split_at_mut_checked(piece.len)?;
            memory.copy_out_uninit(piece.offset, place)?;
            room = rest;
        }
        room.is_empty().then_some(())
    })
}
