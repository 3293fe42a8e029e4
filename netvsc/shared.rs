// SPDX-License-Identifier: GPL-2.0

//! What the queues of a session have in common.

use super::{
    adapter::Adapter,
    buffers::{
        ReceiveBuffer,
        SendBuffer, //
    },
    control::Control,
    net::Device,
    patience::PATIENCE,
    wire::{
        nvsp::{
            Answer,
            Version, //
        },
        offload::Offloads,
        Fault, //
    },
};
use core::time::Duration;
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Full,
            Relaxed, //
        },
        Arc,
    },
};
use vmbus::{
    ratelimit,
    sync::{
        Atomic,
        Completion,
        Exchange, //
        SetOnce,
    },
};

/// How frames are put into messages.
#[derive(Clone, Copy)]
pub(crate) struct Packing {
    /// How many frames may be in one message.
    pub(crate) max_frames: u32,
    /// A multiple of how many bytes all but the last of these are to be: a power of 2.
    pub(crate) alignment: usize,
}

/// What the queues of a session have in common.
#[pin_data]
pub(crate) struct Shared {
    /// The device.
    pub(crate) adapter: Arc<Adapter>,
    version: Atomic<u32>,
    /// Where messages of the set-up are answered.
    #[pin]
    pub(crate) setup: Exchange<Answer>,
    /// Where RNDIS requests are.
    #[pin]
    pub(crate) control: Control,
    /// Where the host puts what it receives.
    pub(crate) receive: SetOnce<ReceiveBuffer>,
    /// Where small frames are copied to.
    pub(crate) send: SetOnce<SendBuffer>,
    /// How frames are put into messages.
    pub(crate) packing: SetOnce<Packing>,
    /// What the host does for us.
    pub(crate) offloads: SetOnce<Offloads>,
    /// Whether queues that were stopped may be woken.
    sending: Atomic<bool>,
    /// The session is about to end.
    draining: Atomic<bool>,
    /// The host has taken the device away.
    gone: Atomic<bool>,
    /// How many packets the host has not completed.
    #[pin]
    drained: Completion,
}

impl Shared {
    /// Begins with nothing.
    pub(super) fn new(adapter: Arc<Adapter>) -> impl PinInit<Self, Error> {
        let node = adapter.port.channel().numa_node();
        let net = adapter.net.clone();
        try_pin_init!(Self {
            adapter,
            version: Atomic::new(0),
            setup <- Exchange::new(PATIENCE),
            control <- Control::new(net, node),
            receive: SetOnce::new(),
            send: SetOnce::new(),
            packing: SetOnce::new(),
            offloads: SetOnce::new(),
            sending: Atomic::new(false),
            draining: Atomic::new(false),
            gone: Atomic::new(false),
            drained <- Completion::new(),
        })
    }

    /// The device, for the stack.
    #[inline]
    pub(crate) fn net(&self) -> &Device {
        &self.adapter.net
    }

    /// The version of the protocol.
    pub(crate) fn version(&self) -> Version {
        Version(self.version.load(Relaxed))
    }

    /// Sets the version of the protocol.
    pub(super) fn set_version(&self, version: Version) {
        self.version.store(version.0, Relaxed);
    }

    /// Whether queues that were stopped may be woken.
    #[inline]
    pub(crate) fn is_sending(&self) -> bool {
        self.sending.load(Relaxed)
    }

    /// Says whether queues that were stopped may be woken.
    pub(crate) fn set_sending(&self, sending: bool) {
        self.sending.xchg(sending, Full);
    }

    /// Whether the session is about to end.
    #[inline]
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Relaxed)
    }

    /// From now on, [`Self::drained`] is to be called when a queue has nothing left.
    pub(super) fn drain(&self) {
        self.draining.xchg(true, Full);
    }

    /// A queue has nothing left.
    pub(super) fn drained(&self) {
        self.drained.complete();
    }

    /// Waits until a queue has nothing left, or some time has passed.
    pub(super) fn wait_drained(&self, limit: Duration) {
        self.drained.wait_timeout(limit);
    }

    /// The host will not answer any more: ends everything that waits for it.
    pub(super) fn give_up(&self) {
        self.gone.xchg(true, Full);
        self.setup.abort();
        self.control.abort();
        self.drained.complete_all();
    }

    /// Whether the host will not answer any more.
    pub(super) fn is_gone(&self) -> bool {
        self.gone.load(Relaxed)
    }

    /// Counts what the host did wrong, and says so at a limited rate.
    #[cold]
    pub(crate) fn report(&self, what: &str, fault: Fault) {
        self.adapter.totals.faults.increment();
        if ratelimit::allowed() {
            crate::net::log::netdev_err!(self.net(), "invalid {}: {:?}\n", what, fault);
        }
    }
}
