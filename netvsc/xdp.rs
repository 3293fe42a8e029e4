// SPDX-License-Identifier: GPL-2.0

//! XDP: programs that see frames before the stack does.
//!
//! There is one program for all queues, which stays when the channel is closed and opened again. A
//! frame is copied from the receive buffer into a page for it. Frames that the host has coalesced do
//! not fit there, which is why that has to be off.

use super::{
    adapter::Adapter,
    deliver::{
        copy_frame,
        Context, //
    },
    net::{
        log::netdev_err,
        rtnl::Held,
        skb::Skb,
        xdp::{
            Frames,
            Program,
            Reason,
            RxQueue,
            Verdict, //
        },
        Device,
        Features,
        Sent,
        Way, //
    },
    queue::Queue,
    session::Session,
    wire::{
        rsc::Frame,
        Fault, //
    },
};
use kernel::{
    prelude::*,
    sync::rcu, //
};
use vmbus::Endpoint;

/// What is to become of a frame.
pub(super) enum Fate {
    /// It goes to the stack, if there was memory for it.
    Receive(Option<Skb>),
    /// A program has dealt with it.
    Done,
}

impl Adapter {
    /// Whether a program sees frames.
    pub(crate) fn has_xdp(&self, _held: Held<'_>) -> bool {
        !self.xdp.is_empty()
    }

    /// Has another program see frames, or none, and returns the one that did.
    ///
    /// # Errors
    ///
    /// `EOPNOTSUPP` if frames may be too long for that.
    pub(crate) fn set_xdp(
        &self,
        device: &Device,
        program: Option<Program>,
        reason: &Reason<'_>,
        _held: Held<'_>,
    ) -> Result<Option<Program>> {
        // The stack takes the program away when the session has ended, and expects that to work.
        if program.is_some() {
            self.session()?;
        }
        let mtu = device.mtu();
        if program.is_some() && mtu > RxQueue::MAX_MTU {
            netdev_err!(device, "XDP: mtu:{} too large\n", mtu);
            reason.say(c"hv_netvsc: XDP: mtu too large");
            return Err(EOPNOTSUPP);
        }
        if program.is_some() && device.features().contains(Features::LRO) {
            netdev_err!(device, "XDP: not support LRO\n");
            reason.say(c"hv_netvsc: XDP: not support LRO");
            return Err(EOPNOTSUPP);
        }
        Ok(self.xdp.replace(program))
    }

    /// Whether frames of this size can be seen by the program that there is.
    pub(super) fn is_mtu_possible(&self, mtu: u32, held: Held<'_>) -> bool {
        mtu <= RxQueue::MAX_MTU || !self.has_xdp(held)
    }

    /// Sends frames that were redirected here.
    ///
    /// # Errors
    ///
    /// Those of a virtual function. None was sent then.
    pub(crate) fn send_redirected(&self, device: &Device, frames: &mut Frames<'_>) -> Result {
        let guard = rcu::read_lock();
        let Some(session) = self.session.get(&guard) else {
            return Ok(());
        };
        if let Some(past_host) = self.function.way(&guard) {
            if past_host.send_redirected(frames)? {
                return Ok(());
            }
        }
        self.send_as_packets(session, device, frames, &guard);
        Ok(())
    }

    fn send_as_packets(
        &self,
        session: &Session,
        device: &Device,
        frames: &mut Frames<'_>,
        guard: &rcu::Guard,
    ) {
        let cpu = kernel::cpu::CpuId::current().as_u32();
        let index = cpu.checked_rem(device.tx_queues()).unwrap_or(0);
        let (Some(queue), Ok(index)) = (device.tx_queue(index), u16::try_from(index)) else {
            return;
        };
        let way = Way {
            queue,
            index,
            more: false,
        };
        let mut count = 0;
        for skb in frames {
            if let Sent::Busy(skb) = session.transmit(skb, way, guard) {
                self.totals.tx_dropped.increment();
                drop(skb);
            }
            count += 1;
        }
        if let Some(counters) = self.counters.get(usize::from(index)) {
            counters.tx_xdp_xmit.add(count);
        }
    }
}

impl Queue {
    /// Shows a frame to the program.
    ///
    /// # Errors
    ///
    /// There is no memory for it.
    #[inline(never)]
    pub(super) fn ask_program(
        &self,
        frame: &Frame<'_>,
        context: &Context<'_>,
    ) -> Result<Fate, Fault> {
        let (memory, round) = (context.buffer.memory(), context.round);
        let verdict = self
            .xdp
            .run(&self.shared.adapter.xdp, round, frame.len, |room| {
                let [piece] = frame.pieces else {
                    return Err(EINVAL);
                };
                memory.copy_out_uninit(piece.offset, room).ok_or(EINVAL)?;
                Ok(())
            });
        match verdict {
            Some(verdict) => self.follow(verdict, frame, context.endpoint),
            // It was taken away just now.
            None => Ok(Fate::Receive(copy_frame(memory, frame, round))),
        }
    }

    fn follow(
        &self,
        verdict: Verdict,
        frame: &Frame<'_>,
        endpoint: &Endpoint,
    ) -> Result<Fate, Fault> {
        match verdict {
            Verdict::Pass(buffer) => return Ok(Fate::Receive(buffer.into_skb())),
            Verdict::Send(buffer) => {
                let skb = buffer.into_skb().ok_or_else(|| self.no_memory(frame.len))?;
                self.send_back(skb, frame, endpoint);
            }
            Verdict::Redirected => {
                if let Some(counters) = self.counters() {
                    counters.rx_xdp_redirect.add_alone(1);
                    counters.rx_packets.add_alone(1);
                    // CAST: Widening.
                    counters.rx_bytes.add_alone(frame.len as u64);
                }
            }
            Verdict::Drop => {
                if let Some(counters) = self.counters() {
                    counters.rx_xdp_drop.add_alone(1);
                }
            }
        }
        Ok(Fate::Done)
    }

    /// Sends a frame back that a program has seen.
    fn send_back(&self, mut skb: Skb, frame: &Frame<'_>, endpoint: &Endpoint) {
        let totals = &self.shared.adapter.totals;
        if let Some(counters) = self.counters() {
            counters.rx_xdp_tx.add_alone(1);
            counters.rx_packets.add_alone(1);
            // CAST: Widening.
            counters.rx_bytes.add_alone(frame.len as u64);
        }
        let net = self.shared.net();
        let queue = net.tx_queue(self.index.into());
        let (Some(queue), Ok(())) = (queue, skb.turn_around(net)) else {
            totals.tx_dropped.increment();
            return;
        };
        if let Some(vlan) = frame.info.vlan {
            skb.set_vlan(vlan.tci());
        }
        let way = Way {
            queue,
            index: self.index,
            more: false,
        };
        if let Sent::Busy(skb) = self.transmit(skb, way, endpoint) {
            totals.tx_dropped.increment();
            drop(skb);
        }
    }
}
