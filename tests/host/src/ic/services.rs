// SPDX-License-Identifier: GPL-2.0

//! All services of a virtual machine.

use std::sync::Arc;

use super::link::Link;
use super::{Heartbeat, Kvp, Shutdown, TimeSync, Vss};
use crate::vmbus::device::Device;

/// One of each.
#[derive(Clone, Default)]
pub struct Services {
    /// Shutdown, reboot, hibernation.
    pub shutdown: Arc<Shutdown>,
    /// Signs of life.
    pub heartbeat: Arc<Heartbeat>,
    /// The time.
    pub timesync: Arc<TimeSync>,
    /// Keys and values, and addresses.
    pub kvp: Arc<Kvp>,
    /// Snapshots.
    pub vss: Arc<Vss>,
}

impl Services {
    /// New ones, to be given to one virtual machine.
    pub fn new() -> Self {
        Self::default()
    }

    /// Their channels.
    pub fn links(&self) -> [&Arc<Link>; 5] {
        [
            self.shutdown.link(),
            self.heartbeat.link(),
            self.timesync.link(),
            self.kvp.link(),
            self.vss.link(),
        ]
    }

    /// The devices to be offered.
    pub fn devices(&self) -> Vec<Arc<dyn Device>> {
        let link = |link: &Arc<Link>| Arc::clone(link) as Arc<dyn Device>;
        self.links().into_iter().map(link).collect()
    }
}
