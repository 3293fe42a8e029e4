// SPDX-License-Identifier: GPL-2.0

//! The channels of a host adapter: opened when the device is bound, and again after hibernation.

use super::{
    controller::Controller,
    setup::{
        Conversation,
        Setup, //
    },
    Kind, //
};
use kernel::{
    device::{
        self,
        Bound, //
    },
    prelude::*,
    sync::Arc, //
};
use vmbus::{
    Device,
    OpenConfig,
    Port, //
};

/// The channels of a host adapter.
pub(crate) struct Line<'bound> {
    device: &'bound device::Device<Bound>,
    kind: Kind,
    config: OpenConfig,
    controller: Arc<Controller>,
    port: Port<'bound>,
}

impl<'bound> Line<'bound> {
    /// Opens the primary channel and sets it up.
    ///
    /// # Errors
    ///
    /// Those of opening a channel, and of the conversation with the host.
    pub(crate) fn open(
        device: &'bound Device<Bound>,
        kind: Kind,
        config: OpenConfig,
        controller: Arc<Controller>,
    ) -> Result<(Self, Setup)> {
        let line = Self {
            device: device.as_ref(),
            kind,
            config,
            controller,
            port: Port::new(device)?,
        };
        let setup = line.connect()?;
        Ok((line, setup))
    }

    fn connect(&self) -> Result<Setup> {
        let handler = self.controller.clone();
        let endpoint = self.port.handle().open(self.config.clone(), handler)?;
        let conversation = Conversation {
            device: self.device,
            endpoint: &endpoint,
            exchange: self.controller.setup(),
        };
        let setup = conversation.set_up()?;
        if self.kind == Kind::Scsi {
            conversation.ask_for_sub_channels(&setup.properties);
        }
        Ok(setup)
    }

    /// Closes the channels. Commands are sent back to the SCSI layer from here on, which has none
    /// while the system sleeps.
    ///
    /// # Errors
    ///
    /// `ETIMEDOUT` if the host does not answer the commands that it was sent.
    pub(crate) fn suspend(&self) -> Result {
        self.controller.drain()?;
        self.port.handle().close();
        Ok(())
    }

    /// Opens them again.
    ///
    /// # Errors
    ///
    /// As [`Self::open`]. Commands fail then.
    pub(crate) fn resume(&self) -> Result {
        let result = self.connect().map(|_| ());
        if result.is_err() {
            self.controller.give_up();
        }
        result
    }
}
