// SPDX-License-Identifier: GPL-2.0

//! What a driver owns: an open primary channel, and the sub-channels that came with it.

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
    Channel,
    Endpoint,
    Handler,
    OpenConfig, //
};
use crate::bus::Device;

/// The channels that a driver has open.
#[pin_data]
pub(super) struct Group {
    config: OpenConfig,
    #[pin]
    members: Mutex<Members>,
}

struct Members {
    /// None from the moment on that the driver wants no more: who still has the group then, has
    /// nothing of a driver that may be unloaded.
    handler: Option<Arc<dyn Handler>>,
    /// The endpoints, the primary's first. None before that is open.
    endpoints: KVec<Arc<Endpoint>>,
}

impl Members {
    fn open(&mut self, channel: &Arc<Channel>, config: &OpenConfig) -> Result<Arc<Endpoint>> {
        let handler = self.handler.clone().ok_or(ENODEV)?;
        self.endpoints.reserve(1, GFP_KERNEL)?;
        let endpoint = Endpoint::open(channel, config, handler)?;
        self.endpoints.push(endpoint.clone(), GFP_KERNEL)?;
        channel.connection.events().publish(&endpoint);
        Ok(endpoint)
    }
}

impl Group {
    fn new(config: OpenConfig, handler: Arc<dyn Handler>) -> Result<Arc<Self>> {
        let members = Members {
            handler: Some(handler),
            endpoints: KVec::new(),
        };
        let init = pin_init!(Self {
            config,
            members <- new_mutex!(members, "Group::members"),
        });
        Arc::pin_init(init, GFP_KERNEL)
    }

    /// Opens the primary channel, before which sub-channels have to wait.
    fn open_primary(&self, channel: &Arc<Channel>) -> Result<Arc<Endpoint>> {
        self.members.lock().open(channel, &self.config)
    }

    /// Opens a sub-channel, unless the driver has no more use for it.
    fn open_subchannel(&self, channel: &Arc<Channel>) -> Result {
        if !self.config.subchannels {
            return Ok(());
        }
        let mut members = self.members.lock();
        if !members.endpoints.is_empty() {
            members.open(channel, &self.config)?;
        }
        Ok(())
    }

    /// Closes a channel, if it is open.
    fn close_subchannel(&self, channel: &Channel) {
        let endpoints = &mut self.members.lock().endpoints;
        let position = endpoints
            .iter()
            .position(|endpoint| core::ptr::eq(endpoint.channel(), channel));
        if let Some(Ok(endpoint)) = position.map(|position| endpoints.remove(position)) {
            channel.connection.events().retire(&[endpoint.clone()]);
            endpoint.close();
        }
    }

    /// Closes all channels, the primary last.
    fn close(&self, primary: &Channel) {
        let mut members = self.members.lock();
        let handler = members.handler.take();
        let mut endpoints = core::mem::take(&mut members.endpoints);
        primary.connection.events().retire(&endpoints);
        while let Some(endpoint) = endpoints.pop() {
            endpoint.close();
        }
        drop(members);
        drop(handler);
    }
}

impl Channel {
    /// Makes a sub-channel known to user space, and opens it if a driver wants that.
    pub(super) fn join(self: &Arc<Self>, primary: &Channel) {
        let relid = self.relid();
        if let Some(device) = primary.current_device() {
            if let Err(error) = device.add_channel(self) {
                let error = error.to_errno();
                pr_err!(
                    "unable to add the directory of channel {} ({})\n",
                    relid,
                    error
                );
            }
        }
        if let Some(group) = primary.current_group() {
            if let Err(error) = group.open_subchannel(self) {
                let error = error.to_errno();
                pr_err!("unable to open channel {} ({})\n", relid, error);
            }
        }
    }

    /// Undoes [`Self::join`].
    pub(super) fn leave(&self, primary: &Channel) {
        if let Some(group) = primary.current_group() {
            group.close_subchannel(self);
        }
        if let Some(device) = primary.current_device() {
            device.remove_channel(self);
        }
    }

    fn current_device(&self) -> Option<ARef<Device>> {
        self.device.lock().clone()
    }

    fn current_group(&self) -> Option<Arc<Group>> {
        self.group.lock().clone()
    }
}

/// An open primary channel, with the sub-channels that were opened for it. Dropping this closes
/// them, the primary last; after that the handler is not called any more.
pub struct OpenChannel<'bound, H: Handler> {
    channel: Arc<Channel>,
    group: Arc<Group>,
    primary: Arc<Endpoint>,
    _device: PhantomData<&'bound Device<Bound>>,
    _handler: PhantomData<fn(H)>,
}

impl<'bound, H: Handler> OpenChannel<'bound, H> {
    /// Opens the primary channel of a device.
    ///
    /// # Errors
    ///
    /// `EINVAL` when it is open already, or a size is wrong; `ENODEV` when it is rescinded;
    /// `EDQUOT` and `EAGAIN` when the host does not want to open it, `ETIMEDOUT` when it does not
    /// answer; `ENOMEM`.
    pub fn open(
        device: &'bound Device<Bound>,
        config: OpenConfig,
        handler: Arc<H>,
    ) -> Result<Self> {
        let (group, primary) = open_group(device, config, handler)?;
        Ok(Self {
            channel: device.channel().clone(),
            group,
            primary,
            _device: PhantomData,
            _handler: PhantomData,
        })
    }

    /// The primary channel.
    pub fn primary(&self) -> &Arc<Endpoint> {
        &self.primary
    }
}

impl<H: Handler> Drop for OpenChannel<'_, H> {
    fn drop(&mut self) {
        close_group(&self.channel, &self.group);
    }
}

/// What of [`OpenChannel::open`] does not depend on its type.
#[inline(never)]
pub(super) fn open_group(
    device: &Device,
    config: OpenConfig,
    handler: Arc<dyn Handler>,
) -> Result<(Arc<Group>, Arc<Endpoint>)> {
    let channel = device.channel();
    let group = Group::new(config, handler)?;
    *channel.device.lock() = Some(ARef::from(device));
    {
        let mut current = channel.group.lock();
        if current.is_some() {
            return Err(EINVAL);
        }
        *current = Some(group.clone());
    }
    let result = group.open_primary(channel);
    if result.is_err() {
        close_group(channel, &group);
    }
    Ok((group, result?))
}

/// What of dropping an [`OpenChannel`] does not depend on its type.
#[inline(never)]
pub(super) fn close_group(channel: &Channel, group: &Group) {
    group.close(channel);
    *channel.group.lock() = None;
}
