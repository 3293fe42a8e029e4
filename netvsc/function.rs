// SPDX-License-Identifier: GPL-2.0

//! A virtual function (SR-IOV): the hardware's own way past the host, in a PCI device of its own.
//!
//! While there is one that belongs to a network card, frames take that way behind the card's
//! interface. The function may go at any moment, for good or while the machine moves to another
//! host, and frames go through the host again.
//!
//! - [`watch`] hears of devices, and finds the card that one belongs to;
//! - [`pairing`] takes one, sets it up, and lets it go;
//! - [`path`] tells the host which way frames are to take;
//! - [`settings`] has the function follow what users set of the card.
//!
//! Everything changes under the RTNL. Nothing waits for the host but the change of the path, which
//! does so for a limited time: what the host says later is acted on when it says it.

mod pairing;
mod path;
mod settings;
mod watch;

use super::{
    adapter::Adapter,
    counter::FunctionCounters,
    net::{
        rtnl::Held,
        skb::{
            Borrowed,
            Skb, //
        },
        xdp::Frames,
        AnyDevice,
        Lower,
        Receiver, //
    },
    sys::Published,
};
use kernel::{
    cpu::CpuId,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::Relaxed,
        rcu, //
    },
};
use vmbus::sync::Atomic;

/// What a card knows of its virtual function.
pub(crate) struct Function {
    /// The device, while there is one.
    lower: Published<Lower<Adapter>>,
    /// Whether frames take its way, as the host was told.
    is_chosen: Atomic<bool>,
    /// Whether it was set up since it came.
    is_set_up: Atomic<bool>,
    /// Which of the flags that are counted the card has passed on, as bits of [`settings`].
    flags: Atomic<u32>,
    /// How large a packet the card itself has cut into segments.
    segments: Atomic<u32>,
    association: path::Association,
    /// What is counted, by processors.
    counters: KVec<FunctionCounters>,
}

impl Function {
    /// Knows of none.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            lower: Published::new(),
            is_chosen: Atomic::new(false),
            is_set_up: Atomic::new(false),
            flags: Atomic::new(0),
            segments: Atomic::new(0),
            association: path::Association::none(),
            counters: FunctionCounters::for_cpus()?,
        })
    }

    /// The way past the host, if frames can take it now.
    #[inline]
    pub(crate) fn way<'a>(&'a self, guard: &'a rcu::Guard) -> Option<Way<'a>> {
        if !self.is_chosen.load(Relaxed) {
            return None;
        }
        let lower = self.lower.get(guard).filter(|lower| lower.is_usable())?;
        Some(Way {
            lower,
            counters: self.counters_here()?,
        })
    }

    /// The device, while there is one.
    pub(crate) fn device(&self, _held: Held<'_>) -> Option<ARef<AnyDevice>> {
        Some(ARef::from(self.lower.share()?.device()))
    }

    /// The queue that the function has for a frame, if there is a function.
    #[inline]
    pub(crate) fn pick_queue(&self, skb: &mut Borrowed<'_>) -> Option<u16> {
        let guard = rcu::read_lock();
        Some(self.lower.get(&guard)?.pick_queue(skb))
    }

    #[inline]
    fn counters_here(&self) -> Option<&FunctionCounters> {
        // CAST: Widening.
        self.counters.get(CpuId::current().as_u32() as usize)
    }

    /// What was counted on a processor.
    pub(crate) fn counters_of(&self, cpu: u32) -> Option<&FunctionCounters> {
        // CAST: Widening.
        self.counters.get(cpu as usize)
    }

    /// The sum of what was counted.
    pub(crate) fn sum(&self, read: fn(&FunctionCounters) -> u64) -> u64 {
        self.counters
            .iter()
            .fold(0, |sum, counters| sum.wrapping_add(read(counters)))
    }
}

/// The way past the host.
pub(crate) struct Way<'a> {
    lower: &'a Lower<Adapter>,
    counters: &'a FunctionCounters,
}

impl Way<'_> {
    /// Sends a frame.
    #[inline]
    pub(crate) fn send(self, skb: Skb) {
        let len = skb.len();
        if self.lower.send(skb).is_ok() {
            self.counters.tx_packets.increment();
            self.counters.tx_bytes.add(len.into());
        } else {
            self.counters.tx_dropped.increment();
        }
    }

    /// Sends frames that were redirected to the card, if the function takes such frames: returns
    /// whether it does.
    ///
    /// # Errors
    ///
    /// Those of its driver. None was sent then.
    pub(crate) fn send_redirected(self, frames: &mut Frames<'_>) -> Result<bool> {
        frames.send_through(self.lower.device())
    }
}

impl Receiver for Adapter {
    #[inline]
    fn received(&self, len: u32) {
        if let Some(counters) = self.function.counters_here() {
            counters.rx_packets.increment();
            counters.rx_bytes.add(len.into());
        }
    }
}
