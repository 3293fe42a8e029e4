// SPDX-License-Identifier: GPL-2.0

//! Memory that is shared with the host: names for it, and the rings of a channel.

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

/// Memory that the host has access to, by a name.
///
/// It is whoever owns this that owns the memory, and asks with [`Self::end`] whether it may be used
/// for something else.
pub(super) struct Gpadl {
    channel: Arc<Channel>,
    handle: u32,
    host_has_access: bool,
}

impl Gpadl {
    /// Shares pages with the device behind `channel`. On an error that is not [`EDQUOT`] or
    /// [`EINVAL`], the host may have got access all the same: `Err` has what to end.
    ///
    /// # Errors
    ///
    /// `ENODEV` when the channel is rescinded; `EDQUOT` when the host does not want any more;
    /// `ETIMEDOUT` when it does not answer; `EINVAL` for no pages or too many; `ENOMEM`; errors of
    /// sending messages.
    pub(super) fn share(
        channel: &Arc<Channel>,
        pfns: impl ExactSizeIterator<Item = u64>,
    ) -> (Self, Result) {
        let mut gpadl = Self {
            channel: channel.clone(),
            handle: channel.connection.new_gpadl(),
            host_has_access: false,
        };
        let result = gpadl.create(pfns);
        (gpadl, result)
    }

    fn create(&mut self, pfns: impl ExactSizeIterator<Item = u64>) -> Result {
        let channel = self.channel.clone();
        let messages = GpadlMessages::new(channel.relid(), self.handle, pfns).ok_or(EINVAL)?;
        let pending = channel.expect(Key::GpadlCreated(self.handle))?;
        // From the first message on: to be undone when any of what follows fails.
        self.host_has_access = true;
        for message in messages {
            channel.connection.post_bytes(message.as_bytes())?;
        }
        match pending.wait()? {
            0 => Ok(()),
            status => {
                pr_err!("Failed to establish GPADL: err = {:#x}\n", status);
                self.host_has_access = false;
                Err(EDQUOT)
            }
        }
    }

    /// The name of the memory.
    pub(super) fn handle(&self) -> u32 {
        self.handle
    }

    /// Ends the sharing of what the log calls `what`. Returns whether the host will not use the
    /// memory any more; if not, it must never be freed.
    #[must_use]
    pub(super) fn end(&mut self, what: &str) -> bool {
        if !core::mem::replace(&mut self.host_has_access, false) {
            return true;
        }
        match self.tear_down() {
            Ok(()) => true,
            // The host gave the channel up, and the memory with it.
            Err(error) if error == ENODEV => true,
            Err(error) => {
                let (relid, error) = (self.channel.relid(), error.to_errno());
                pr_err!(
                    "channel {}: the host keeps the {} ({})\n",
                    relid,
                    what,
                    error
                );
                false
            }
        }
    }

    fn tear_down(&self) -> Result {
        let channel = &self.channel;
        let pending = channel.expect(Key::GpadlTorndown(self.handle))?;
        let message = GpadlTeardown::new(channel.relid(), self.handle);
        channel.connection.post(&message)?;
        pending.wait().map(|_| ())
    }
}

/// Rings that the host has access to. Dropping this ends that, or else never frees their memory.
pub(super) struct SharedRings {
    rings: RingPages,
    gpadl: Gpadl,
}

impl SharedRings {
    /// Shares `rings` with the device behind `channel`.
    ///
    /// # Errors
    ///
    /// Those of [`Gpadl::share`].
    pub(super) fn share(channel: &Arc<Channel>, rings: &RingPages) -> Result<Self> {
        let (gpadl, result) = Gpadl::share(channel, rings.pfns());
        let shared = Self {
            rings: rings.clone(),
            gpadl,
        };
        result.map(|()| shared)
    }

    /// Has the host open the channel with these rings.
    ///
    /// # Errors
    ///
    /// `ENODEV` when the channel is rescinded; `EAGAIN` when the host does not want it opened,
    /// `ETIMEDOUT` when it does not answer; `ENOMEM`; errors of sending messages.
    pub(super) fn open(&self, user_data: &[u8; USER_DATA_LEN]) -> Result {
        let channel = &self.gpadl.channel;
        let relid = channel.relid();
        let message = OpenChannel::new(&OpenParameters {
            relid,
            open_id: relid,
            ring_gpadl: self.gpadl.handle(),
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
}

impl Drop for SharedRings {
    fn drop(&mut self) {
        if !self.gpadl.end("ring buffer") {
            self.rings.leak();
        }
    }
}
