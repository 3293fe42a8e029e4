// SPDX-License-Identifier: GPL-2.0

//! What the services have in common.

use super::{
    sys::log,
    wire::{
        Message,
        Negotiation,
        Support,
        Version, //
    },
};
use kernel::{
    device::Bound,
    page::PAGE_SIZE,
    prelude::*,
    sync::Arc, //
};
use vmbus::{
    ratelimit,
    ring,
    wire::USER_DATA_LEN,
    CallbackMode,
    Device,
    Endpoint,
    Handler,
    OpenConfig,
    Port,
    SendError, //
};

/// The services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// See [`shutdown`](super::shutdown).
    Shutdown,
    /// See [`timesync`](super::timesync).
    TimeSync,
    /// See [`heartbeat`](super::heartbeat).
    Heartbeat,
    /// See [`kvp`](super::kvp).
    Kvp,
    /// See [`vss`](super::vss).
    Vss,
}

/// The unit of sizes in this protocol: a page of the host.
const HOST_PAGE: usize = 4096;

/// Complains about the host, at a limited rate.
macro_rules! violation {
    ($($what:tt)*) => {
        if vmbus::ratelimit::allowed() {
            pr_err!($($what)*);
        }
    };
}
pub(crate) use violation;

/// How the channel of a service is opened, with packets of up to `max_packet` bytes.
pub(crate) fn config(max_packet: u32) -> OpenConfig {
    let ring = ring::ring_bytes(3 * HOST_PAGE).next_multiple_of(PAGE_SIZE);
    OpenConfig {
        send_ring: ring,
        receive_ring: ring,
        max_packet,
        // There is little to do, and some services take one message at a time.
        mode: CallbackMode::Direct,
        user_data: [0; USER_DATA_LEN],
        subchannels: false,
    }
}

/// The channel of a service, which is closed while the system hibernates.
pub(crate) struct Line<'bound, H: Handler> {
    config: OpenConfig,
    handler: Arc<H>,
    port: Port<'bound>,
}

impl<'bound, H: Handler> Line<'bound, H> {
    /// Opens the channel of a device.
    ///
    /// # Errors
    ///
    /// Those of opening a channel.
    pub(crate) fn open(
        device: &'bound Device<Bound>,
        config: OpenConfig,
        handler: Arc<H>,
    ) -> Result<Self> {
        let line = Self {
            config,
            handler,
            port: Port::new(device)?,
        };
        line.resume()?;
        Ok(line)
    }

    /// What is told of events of the channel.
    pub(crate) fn handler(&self) -> &H {
        &self.handler
    }

    /// Closes the channel.
    pub(crate) fn suspend(&self) {
        self.port.handle().close();
    }

    /// Opens it again.
    ///
    /// # Errors
    ///
    /// Those of opening a channel.
    pub(crate) fn resume(&self) -> Result {
        let handler = self.handler.clone();
        self.port.handle().open(self.config.clone(), handler)?;
        Ok(())
    }
}

/// Makes a message that proposes versions the answer. Returns the version of the service, if one
/// was agreed upon.
pub(crate) fn negotiate(
    name: &str,
    support: &Support,
    message: &mut Message<'_>,
) -> Option<Version> {
    match support.negotiate(message) {
        Negotiation::Agreed(version) => {
            if log::is_allowed() {
                let (major, minor) = (version.major(), version.minor());
                pr_info!("{} IC version {}.{}\n", name, major, minor);
            }
            Some(version)
        }
        Negotiation::Failed => None,
        Negotiation::Malformed => {
            violation!("{}: Invalid icmsg negotiate\n", name);
            None
        }
    }
}

/// Sends an answer. A host that has left no room for it does not get it.
pub(crate) fn send(name: &str, endpoint: &Endpoint, answer: &[u8], transaction: u64) {
    match endpoint.send_inband(answer, transaction, false) {
        // A channel that is being closed needs no answers.
        Ok(()) | Err(SendError::Closed) => (),
        Err(error) => {
            if ratelimit::allowed() {
                pr_err!("{}: cannot answer: {:?}\n", name, error);
            }
        }
    }
}
