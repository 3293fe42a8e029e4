// SPDX-License-Identifier: GPL-2.0

//! The first part of a session: the version, and the buffers.

use super::{
    adapter::Settings,
    buffers::{
        ReceiveBuffer,
        SendBuffer,
        MAX_RECEIVE,
        MAX_RECEIVE_OLD,
        MAX_SEND, //
    },
    net::log::{
        netdev_dbg,
        netdev_err, //
    },
    session::Session,
    wire::nvsp::{
        Answer,
        Capabilities,
        Message,
        Status,
        Version, //
    },
};
use kernel::prelude::*;
use vmbus::{
    Endpoint,
    SharedBuffer, //
};

/// The length of the header of a frame.
const ETH_HLEN: u32 = 14;

impl Session {
    /// Agrees on a version, and shares the buffers.
    ///
    /// # Errors
    ///
    /// `EPROTO` if the host talks no version that we do; `EINVAL` if it does not want the buffers;
    /// and those of sharing memory and of talking to the host.
    pub(super) fn connect(&self, endpoint: &Endpoint, settings: &Settings) -> Result {
        let version = self.negotiate(endpoint)?;
        self.shared().set_version(version);
        if version != Version::V1 {
            self.tell(endpoint, &self.ndis_config(version))?;
        }
        self.tell(endpoint, &Message::ndis_version(version))?;
        self.share_receive_buffer(endpoint, settings, version)?;
        self.share_send_buffer(endpoint, settings)
    }

    fn negotiate(&self, endpoint: &Endpoint) -> Result<Version> {
        for version in Version::PREFERRED {
            match self.ask(endpoint, &Message::init(version))? {
                Answer::Init(complete) if complete.status == Status::SUCCESS => {
                    let net = self.shared().net();
                    netdev_dbg!(net, "Negotiated NVSP version:{:x}\n", version.0);
                    return Ok(version);
                }
                _ => (),
            }
        }
        Err(EPROTO)
    }

    fn ndis_config(&self, version: Version) -> Message {
        let mut capabilities = Capabilities::IEEE8021Q;
        if version >= Version::V5 {
            // Without the second, there is no word of changes of the link's speed.
            capabilities = capabilities
                .with(Capabilities::SRIOV)
                .with(Capabilities::TEAMING);
        }
        if version >= Version::V6_1 {
            capabilities = capabilities.with(Capabilities::RSC);
        }
        let frame = self.shared().net().mtu().saturating_add(ETH_HLEN);
        Message::ndis_config(frame, capabilities)
    }

    fn share_receive_buffer(
        &self,
        endpoint: &Endpoint,
        settings: &Settings,
        version: Version,
    ) -> Result {
        let most = if version <= Version::V2 {
            MAX_RECEIVE_OLD
        } else {
            MAX_RECEIVE
        };
        let channel = self.shared().adapter.port.channel();
        let buffer = SharedBuffer::new(channel, settings.receive.bytes(most))?;
        let message = Message::send_receive_buffer(buffer.gpadl());
        let answer = match self.ask(endpoint, &message)? {
            Answer::ReceiveBuffer(answer) if answer.status == Status::SUCCESS => answer,
            other => return Err(self.refused("receive", other)),
        };
        let Some(sections) = answer.sections(buffer.memory().size()) else {
            return Err(self.refused("receive", Answer::ReceiveBuffer(answer)));
        };
        let buffer = ReceiveBuffer::new(buffer, sections);
        self.shared().receive.populate(buffer);
        self.prepare_primary()
    }

    fn share_send_buffer(&self, endpoint: &Endpoint, settings: &Settings) -> Result {
        let channel = self.shared().adapter.port.channel();
        let buffer = SharedBuffer::new(channel, settings.send.bytes(MAX_SEND))?;
        let message = Message::send_send_buffer(buffer.gpadl());
        let answer = match self.ask(endpoint, &message)? {
            Answer::SendBuffer(answer) if answer.status == Status::SUCCESS => answer,
            other => return Err(self.refused("send", other)),
        };
        let Some(sections) = answer.sections(buffer.memory().size()) else {
            return Err(self.refused("send", Answer::SendBuffer(answer)));
        };
        let buffer = SendBuffer::new(buffer, sections)?;
        self.shared().send.populate(buffer);
        Ok(())
    }

    fn refused(&self, which: &str, answer: Answer) -> Error {
        netdev_err!(
            self.shared().net(),
            "Unable to complete {} buffer initialization with NetVsp: {:?}\n",
            which,
            answer
        );
        EINVAL
    }

    /// Takes the buffers back, before the channel is closed.
    ///
    /// # Errors
    ///
    /// Those of sending. The buffers are given back all the same when the channel is closed.
    pub(super) fn revoke(&self, endpoint: &Endpoint) -> Result {
        let mut result = Ok(());
        if self.shared().receive.as_ref().is_some() {
            result = self.tell(endpoint, &Message::revoke_receive_buffer());
        }
        if self.shared().send.as_ref().is_some() {
            result = result.and(self.tell(endpoint, &Message::revoke_send_buffer()));
        }
        result
    }
}
