// SPDX-License-Identifier: GPL-2.0

//! What a driver says when it opens a channel, and what it is told afterwards.

use kernel::sync::Arc;

use super::{
    Endpoint,
    Receiver, //
};
use crate::wire::USER_DATA_LEN;

/// How a driver wants to be called for what comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallbackMode {
    /// In a softirq, with the host's interrupts masked until the ring has been emptied: for much
    /// traffic.
    Batched,
    /// In a softirq, for each interrupt.
    Direct,
    /// In the hard interrupt.
    Isr,
    /// In the hard interrupt, with the host's interrupts masked, and only to be told: the driver
    /// takes packets with [`Endpoint::take_packets`] and allows interrupts again with
    /// [`Endpoint::unmask_and_check`].
    Polled,
}

/// How a channel is opened.
#[derive(Clone, Debug)]
pub struct OpenConfig {
    /// The size of the ring to the host, in bytes and with its header: whole pages of the kernel.
    pub send_ring: usize,
    /// The size of the ring from the host, likewise.
    pub receive_ring: usize,
    /// The longest packet that the host may send, descriptor included.
    pub max_packet: u32,
    /// How the handler is called.
    pub mode: CallbackMode,
    /// Data for the device.
    pub user_data: [u8; USER_DATA_LEN],
    /// Whether sub-channels that the host offers are to be opened in the same way, with the same
    /// handler.
    pub subchannels: bool,
}

impl OpenConfig {
    /// The longest packet of devices that do not say.
    pub const DEFAULT_MAX_PACKET: u32 = 4096;
}

/// Whether a handler took all that there was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Progress {
    /// It did.
    Done,
    /// It used up its time, and wants to be called again soon.
    More,
}

/// A driver, for its channels.
///
/// For one endpoint, calls of [`on_event`](Self::on_event) do not overlap; they and those of
/// [`on_interrupt`](Self::on_interrupt) come after [`opened`](Self::opened) and before
/// [`closing`](Self::closing). What is called in process
/// context must not wait for the device's removal.
pub trait Handler: Send + Sync + 'static {
    /// Something may have come in, or there may be room again in a ring that was full. Called in a
    /// softirq, or in a hard interrupt in mode [`CallbackMode::Isr`]; never in mode
    /// [`CallbackMode::Polled`].
    fn on_event(&self, endpoint: &Endpoint, rx: &mut Receiver<'_>) -> Progress {
        let _ = (endpoint, rx);
        Progress::Done
    }

    /// The same in mode [`CallbackMode::Polled`], in a hard interrupt or a softirq, with the host's
    /// interrupts masked.
    fn on_interrupt(&self, endpoint: &Endpoint) {
        let _ = endpoint;
    }

    /// A channel, be it the primary or a sub-channel, is open. Packets may be sent already.
    fn opened(&self, endpoint: &Arc<Endpoint>) {
        let _ = endpoint;
    }

    /// A channel is about to be closed: nothing can be sent and nothing comes in any more. The
    /// driver gives up its references to the endpoint here, and ends its polling, in process
    /// context.
    fn closing(&self, endpoint: &Arc<Endpoint>) {
        let _ = endpoint;
    }

    /// The host interrupts another CPU for the channel from now on. Called in process context.
    fn target_cpu_changed(&self, endpoint: &Arc<Endpoint>, old: u32, new: u32) {
        let _ = (endpoint, old, new);
    }

    /// The host took the offer of the channel back and will answer nothing any more: whoever waits
    /// for it is to be woken. The channel will be closed soon, but not before this has returned.
    /// Called in process context.
    fn rescinded(&self, endpoint: &Arc<Endpoint>) {
        let _ = endpoint;
    }
}
