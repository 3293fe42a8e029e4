// SPDX-License-Identifier: GPL-2.0

//! The rings of a channel, shared with the host.

use kernel::{
    prelude::*,
    sync::Arc, //
};

use super::Channel;
use crate::{
    connection::Key,
    hv,
    ring::RingPages,
    wire::{
        gpadl::GpadlMessages,
        message::{
            CloseChannel,
            GpadlTeardown,
            OpenChannel, //
        },
        open::OpenParameters,
        USER_DATA_LEN, //
    },
};

/// Rings that the host has access to. Dropping this ends that, or else never frees their memory.
pub(super) struct SharedRings {
    channel: Arc<Channel>,
    rings: RingPages,
    gpadl: u32,
    host_has_access: bool,
}

impl SharedRings {
    /// Shares `rings` with the device behind `channel`.
    ///
    /// # Errors
    ///
    /// `ENODEV` when the channel is rescinded; `EDQUOT` when the host does not want any more;
    /// `ETIMEDOUT` when it does not answer; `EINVAL`, `ENOMEM`; errors of sending messages.
    pub(super) fn share(channel: &Arc<Channel>, rings: &RingPages) -> Result<Self> {
        let gpadl = channel.connection.new_gpadl();
        let messages = GpadlMessages::new(channel.relid(), gpadl, rings.pfns()).ok_or(EINVAL)?;
        let pending = channel.expect(Key::GpadlCreated(gpadl))?;
        let mut shared = Self {
            channel: channel.clone(),
            rings: rings.clone(),
            gpadl,
            // From the first message on: to be undone when any of what follows fails.
            host_has_access: true,
        };
        for message in messages {
            channel.connection.post_bytes(message.as_bytes())?;
        }
        match pending.wait()? {
            0 => Ok(shared),
            status => {
                pr_err!("Failed to establish GPADL: err = {:#x}\n", status);
                shared.host_has_access = false;
                Err(EDQUOT)
            }
        }
    }

    /// Has the host open the channel with these rings.
    ///
    /// # Errors
    ///
    /// `ENODEV` when the channel is rescinded; `EAGAIN` when the host does not want it opened,
    /// `ETIMEDOUT` when it does not answer; `ENOMEM`; errors of sending messages.
    pub(super) fn open(&self, user_data: &[u8; USER_DATA_LEN]) -> Result {
        let channel = &self.channel;
        let relid = channel.relid();
        let message = OpenChannel::new(&OpenParameters {
            relid,
            open_id: relid,
            ring_gpadl: self.gpadl,
            target_vp: hv::cpu::virtual_processor(channel.target_cpu()),
            downstream_offset: self.rings.downstream_offset(),
            user_data,
        });
        let pending = channel.expect(Key::Opened(relid))?;
        channel.connection.post(&message)?;
        let result = pending.wait();
        if result == Err(ETIMEDOUT) {
            // It may yet open the channel.
            channel.connection.post(&CloseChannel::new(relid))?;
        }
        match result? {
            0 => Ok(()),
            _ => Err(EAGAIN),
        }
    }

    fn tear_down(&self) -> Result {
        let channel = &self.channel;
        let pending = channel.expect(Key::GpadlTorndown(self.gpadl))?;
        let message = GpadlTeardown::new(channel.relid(), self.gpadl);
        channel.connection.post(&message)?;
        pending.wait().map(|_| ())
    }
}

impl Drop for SharedRings {
    fn drop(&mut self) {
        if !self.host_has_access {
            return;
        }
        match self.tear_down() {
            Ok(()) => {}
            // The host gave the channel up, and the memory with it.
            Err(error) if error == ENODEV => {}
            Err(error) => {
                let (relid, error) = (self.channel.relid(), error.to_errno());
                pr_err!(
                    "channel {}: the host keeps the ring buffer ({})\n",
                    relid,
                    error
                );
                self.rings.leak();
            }
        }
    }
}
