// SPDX-License-Identifier: GPL-2.0

//! The conversation that sets a channel up.

use super::{
    exchange::Exchange,
    sys::cpus,
    wire::{
        ChannelProperties,
        Operation,
        Packet,
        ProtocolVersion, //
    },
};
use kernel::{
    device::Device,
    prelude::*, //
};
use vmbus::Endpoint;

/// What was agreed on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    /// The version of the protocol.
    pub(crate) version: ProtocolVersion,
    /// What the host says about the channel.
    pub(crate) properties: ChannelProperties,
}

/// One side of the conversation.
pub(crate) struct Conversation<'a> {
    /// Where to log.
    pub(crate) device: &'a Device,
    /// The primary channel.
    pub(crate) endpoint: &'a Endpoint,
    /// Where the answers come.
    pub(crate) exchange: &'a Exchange,
}

impl Conversation<'_> {
    /// Sets the primary channel up.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the host refuses something or talks no version that we do, and those of
    /// [`Exchange::execute`].
    pub(crate) fn set_up(&self) -> Result<Setup> {
        self.expect_success(Operation::BEGIN_INITIALIZATION)?;
        let version = self.negotiate()?;
        let properties = self
            .expect_success(Operation::QUERY_PROPERTIES)?
            .properties()
            .ok_or(EINVAL)?;
        self.expect_success(Operation::END_INITIALIZATION)?;
        Ok(Setup {
            version,
            properties,
        })
    }

    fn expect_success(&self, operation: Operation) -> Result<Packet> {
        let answer = self
            .exchange
            .execute(self.endpoint, &Packet::request(operation))?;
        if answer.is_success() {
            Ok(answer)
        } else {
            Err(EINVAL)
        }
    }

    fn negotiate(&self) -> Result<ProtocolVersion> {
        for version in ProtocolVersion::PREFERRED {
            let answer = self
                .exchange
                .execute(self.endpoint, &Packet::query_version(version))?;
            if answer.is_success() {
                return Ok(version);
            }
            if answer.header.operation != Operation::COMPLETE_IO {
                return Err(EINVAL);
            }
        }
        dev_err!(self.device, "Obsolete Hyper-V version\n");
        Err(EINVAL)
    }

    /// Asks for sub-channels: one for each further CPU if the host would make that many. Without
    /// them all the same works, if slower.
    pub(crate) fn ask_for_sub_channels(&self, properties: &ChannelProperties) {
        let others = u16::try_from(cpus::online() - 1).unwrap_or(u16::MAX);
        let count = properties.sub_channels().min(others);
        if count == 0 {
            return;
        }
        match self
            .exchange
            .execute(self.endpoint, &Packet::create_sub_channels(count))
        {
            Ok(answer) if answer.is_success() => (),
            Ok(answer) => dev_err!(
                self.device,
                "Failed to create sub-channel: op={}, host=0x{:x}\n",
                answer.header.operation.0,
                answer.header.status
            ),
            Err(ETIMEDOUT) => {
                dev_err!(self.device, "Failed to create sub-channel: timed out\n");
            }
            Err(error) => dev_err!(
                self.device,
                "Failed to create sub-channel: err={}\n",
                error.to_errno()
            ),
        }
    }
}
