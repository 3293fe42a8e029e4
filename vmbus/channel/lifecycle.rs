// SPDX-License-Identifier: GPL-2.0

//! What becomes of a channel between its offer and its end.
//!
//! Both steps are work items of the channel: the *arrival* registers the device of a primary
//! channel, which may probe it, or opens a sub-channel for a driver that wants it; the *removal*
//! undoes that when the host rescinds the channel. A channel may be rescinded before it has
//! arrived: then it never does.

use kernel::{
    prelude::*,
    sync::{
        aref::ARef,
        Arc, //
    },
    workqueue::WorkItem,
};

use super::{
    Channel,
    ChannelState, //
};
use crate::{
    bus::Device,
    connection::{
        Key,
        Pending, //
    }, //
};

/// The number of the work item for the arrival.
pub(crate) const ARRIVAL: u64 = 0;

/// The number of the work item for the removal.
pub(crate) const REMOVAL: u64 = 1;

/// Whether a channel has arrived.
pub(super) enum Presence {
    /// Not yet.
    Expected,
    /// It is the primary channel of this device, which is registered.
    Device(ARef<Device>),
    /// It is a sub-channel.
    Subchannel,
    /// It never will, or not again.
    Gone,
}

impl WorkItem<ARRIVAL> for Channel {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        this.arrive();
    }
}

impl WorkItem<REMOVAL> for Channel {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        this.remove();
    }
}

impl Channel {
    fn arrive(self: &Arc<Self>) {
        if self.primary().is_none() {
            self.displace_predecessors();
        }
        let mut presence = self.presence.lock();
        if self.is_rescinded() {
            *presence = Presence::Gone;
            return;
        }
        self.set_state(ChannelState::Closed);
        *presence = match self.primary() {
            None => self.register(),
            Some(primary) => {
                self.join(primary);
                Presence::Subchannel
            }
        };
    }

    /// The host may offer a device again before we are done with removing it.
    fn displace_predecessors(self: &Arc<Self>) {
        let relids = self.connection.relids();
        while let Some(predecessor) = relids.predecessor(self) {
            predecessor.vanish();
            relids.deactivate(&predecessor);
        }
    }

    /// Registers the device of a primary channel. Returns when a driver that is there has probed
    /// it, unless that wants to be probed later.
    fn register(self: &Arc<Self>) -> Presence {
        let root = self.connection.root().device();
        match Device::register(self.clone(), root) {
            Ok(device) => Presence::Device(device),
            Err(_) => {
                let relid = self.relid();
                pr_err!("unable to add child device object (relid {})\n", relid);
                self.connection.relids().deactivate(self);
                Presence::Gone
            }
        }
    }

    /// Undoes the arrival, after waiting for its end: for a driver that probes the device, say.
    fn vanish(&self) {
        let mut presence = self.presence.lock();
        match core::mem::replace(&mut *presence, Presence::Gone) {
            Presence::Device(device) => device.unregister(),
            Presence::Subchannel => {
                if let Some(primary) = self.primary() {
                    self.leave(primary);
                }
            }
            Presence::Expected | Presence::Gone => {}
        }
        let device = self.device.lock().take();
        drop(device);
    }

    /// Has user space see the relid that the channel got when it was offered again.
    pub(crate) fn rename_directory(&self) {
        if let Presence::Device(device) = &*self.presence.lock() {
            if let Err(error) = device.rename_channel(self) {
                let (relid, error) = (self.relid(), error.to_errno());
                pr_err!("unable to rename the directory of channel {relid} ({error})\n");
            }
        }
    }

    /// Removes a channel that was rescinded, or whose bus goes away.
    pub(crate) fn remove(self: &Arc<Self>) {
        self.vanish();
        match self.primary() {
            // Whatever sub-channels are left are on their own until they are rescinded, too.
            None => {
                let subchannels = core::mem::take(&mut *self.subchannels.lock());
                drop(subchannels);
            }
            Some(primary) => primary.remove_subchannel(self),
        }
        self.connection.relids().deactivate(self);
    }

    /// Tells those who wait for the host on behalf of this channel that there is nothing to wait
    /// for any more.
    pub(crate) fn give_up(&self) {
        self.connection.requests().abort(self.relid());
        // Held until the driver has returned, so that it is not closed, and unloaded, before that.
        let endpoint = self.endpoint.lock();
        if let Some(endpoint) = &*endpoint {
            endpoint.handler().rescinded(endpoint);
        }
    }

    /// Announces that an answer of the host about this channel is waited for.
    ///
    /// # Errors
    ///
    /// `ENODEV` when there will be none; `ENOMEM`.
    pub(super) fn expect(&self, key: Key) -> Result<Pending<'_>> {
        let pending = self.connection.expect(key, Some(self.relid()))?;
        // The host rescinds, and then we end the waiting; we begin to wait, and then look whether
        // it has. One of the two ends this wait.
        if self.is_rescinded() {
            return Err(ENODEV);
        }
        Ok(pending)
    }
}
