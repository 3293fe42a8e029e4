// SPDX-License-Identifier: GPL-2.0

//! A primary channel that is opened and closed many times while a driver is bound.
//!
//! [`OpenChannel`](super::OpenChannel) is open as long as it exists, and cannot outlive the time for
//! which a device is bound. A driver that closes the channel and opens it again when somebody asks
//! it to, from a callback of some subsystem, cannot keep one there. It keeps a [`PortHandle`], which
//! is good for as long as the [`Port`] exists that is among the driver's data.

use core::marker::PhantomData;

use kernel::{
    device::Bound,
    new_mutex,
    prelude::*,
    sync::{
        aref::ARef,
        Arc,
        Mutex, //
    }, //
};

use super::{
    open::{
        close_group,
        open_group,
        Group, //
    },
    Channel,
    Endpoint,
    Handler,
    OpenConfig, //
};
use crate::bus::Device;

enum State {
    Closed,
    Open(Arc<Group>),
    /// The driver is not bound any more.
    Revoked,
}

#[pin_data]
struct Inner {
    device: ARef<Device>,
    #[pin]
    state: Mutex<State>,
}

impl Inner {
    fn close(&self, next: State) {
        let mut state = self.state.lock();
        if let State::Open(group) = &*state {
            close_group(self.device.channel(), group);
        }
        if !matches!(*state, State::Revoked) {
            *state = next;
        }
    }
}

/// The right of a bound driver to open its primary channel. Dropping this closes it for good; after
/// that no handler is called any more.
pub struct Port<'bound> {
    inner: Arc<Inner>,
    _device: PhantomData<&'bound Device<Bound>>,
}

impl<'bound> Port<'bound> {
    /// The port of a device.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn new(device: &'bound Device<Bound>) -> Result<Self> {
        let device: &Device = device;
        let init = pin_init!(Inner {
            device: ARef::from(device),
            state <- new_mutex!(State::Closed, "Port::state"),
        });
        Ok(Self {
            inner: Arc::pin_init(init, GFP_KERNEL)?,
            _device: PhantomData,
        })
    }

    /// A handle.
    pub fn handle(&self) -> PortHandle {
        PortHandle(self.inner.clone())
    }
}

impl Drop for Port<'_> {
    fn drop(&mut self) {
        self.inner.close(State::Revoked);
    }
}

/// Opens and closes the primary channel of a device.
#[derive(Clone)]
pub struct PortHandle(Arc<Inner>);

impl PortHandle {
    /// Opens the channel; sub-channels are opened as the host offers them.
    ///
    /// # Errors
    ///
    /// `ENODEV` when the driver is not bound any more, or the channel is rescinded; `EINVAL` when
    /// it is open already, or a size is wrong; `EDQUOT` and `EAGAIN` when the host does not want to
    /// open it, `ETIMEDOUT` when it does not answer; `ENOMEM`.
    pub fn open<H: Handler>(&self, config: OpenConfig, handler: Arc<H>) -> Result<Arc<Endpoint>> {
        let mut state = self.0.state.lock();
        match *state {
            State::Closed => (),
            State::Open(_) => return Err(EINVAL),
            State::Revoked => return Err(ENODEV),
        }
        let (group, primary) = open_group(&self.0.device, config, handler)?;
        *state = State::Open(group);
        Ok(primary)
    }

    /// Closes the channel, if it is open, and its sub-channels before it. Afterwards the handler is
    /// not called any more.
    pub fn close(&self) {
        self.0.close(State::Closed);
    }

    /// The channel.
    pub fn channel(&self) -> &Arc<Channel> {
        self.0.device.channel()
    }

    /// The device.
    pub fn device(&self) -> &Device {
        &self.0.device
    }
}
