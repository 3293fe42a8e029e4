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

/// The registration of a primary channel's device.
pub(super) enum Registration {
    /// It has not happened yet.
    Pending,
    /// It has.
    Registered(ARef<Device>),
    /// It will not happen, or not again.
    Gone,
}

impl WorkItem<ARRIVAL> for Channel {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        match this.primary() {
            None => this.register(),
            Some(primary) => {
                this.set_state(ChannelState::Closed);
                this.join(primary);
            }
        }
    }
}

impl WorkItem<REMOVAL> for Channel {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        this.remove();
    }
}

impl Channel {
    /// Registers the device of a primary channel. Returns when a driver that is there has probed
    /// it, unless that wants to be probed later.
    fn register(self: &Arc<Self>) {
        // The host may offer a device again before we are done with removing it.
        while let Some(predecessor) = self.connection.relids().predecessor(self) {
            predecessor.unregister();
            self.connection.relids().deactivate(&predecessor);
        }
        let mut registration = self.registration.lock();
        if self.is_rescinded() {
            *registration = Registration::Gone;
            return;
        }
        self.set_state(ChannelState::Closed);
        let root = self.connection.root().device();
        *registration = match Device::register(self.clone(), root) {
            Ok(device) => Registration::Registered(device),
            Err(_) => {
                pr_err!(
                    "unable to add child device object (relid {})\n",
                    self.relid()
                );
                self.connection.relids().deactivate(self);
                Registration::Gone
            }
        };
    }

    /// Unregisters the device of a primary channel, after waiting for a driver that probes it.
    fn unregister(&self) {
        let mut registration = self.registration.lock();
        let old = core::mem::replace(&mut *registration, Registration::Gone);
        if let Registration::Registered(device) = old {
            device.unregister();
        }
        let device = self.device.lock().take();
        drop(device);
    }

    /// Removes a channel that was rescinded, or whose bus goes away.
    pub(crate) fn remove(self: &Arc<Self>) {
        match self.primary() {
            None => {
                self.unregister();
                // Whatever sub-channels are left are on their own until they are rescinded, too.
                let subchannels = core::mem::take(&mut *self.subchannels.lock());
                drop(subchannels);
            }
            Some(primary) => {
                self.leave(primary);
                let mut subchannels = primary.subchannels.lock();
                let position = subchannels.iter().position(|sub| Arc::ptr_eq(sub, self));
                let removed = position.map(|position| subchannels.remove(position));
                drop(subchannels);
                drop(removed);
            }
        }
        self.connection.relids().deactivate(self);
    }

    /// Tells those who wait for the host on behalf of this channel that there is nothing to wait
    /// for any more.
    pub(crate) fn give_up(&self) {
        self.connection.requests().abort(self.relid());
        let endpoint = self.endpoint.lock().clone();
        if let Some(endpoint) = endpoint {
            endpoint.handler().rescinded(&endpoint);
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
