// SPDX-License-Identifier: GPL-2.0

//! Changes for which the channel has to be closed and opened again: another size of frames, other
//! buffers, another number of queues. If the device does not come up with the new settings, it is
//! set up with the old ones again.

use super::{
    adapter::{
        Adapter,
        Settings, //
    },
    buffers::Wanted,
    net::{
        log::netdev_err,
        rtnl::Held, //
    },
    session::Session,
};
use kernel::{
    prelude::*,
    sync::{
        Arc,
        ArcBorrow, //
    },
};

impl Settings {
    /// What the host made of the last settings is what is kept.
    fn keep(&mut self, session: &Session) {
        self.queues = session.queues();
        if let Some(receive) = session.shared().receive.as_ref() {
            self.receive = Wanted::from(receive.sections);
        }
        if let Some(send) = session.shared().send.as_ref() {
            self.send = Wanted::from(send.sections);
        }
    }
}

impl Adapter {
    /// Ends the session, in an orderly way.
    ///
    /// # Errors
    ///
    /// `ENODEV` if there is none; `ETIMEDOUT` if the host does not take what it was sent; those of
    /// requests. The session goes on then.
    fn detach(&self, held: Held<'_>) -> Result {
        let session = self.session()?;
        if self.net.is_running() {
            self.stop_sending();
            self.close_filter().inspect_err(|error| {
                let errno = error.to_errno();
                netdev_err!(&self.net, "unable to close device (ret {}).\n", errno);
            })?;
            session.wait_until_empty().inspect_err(|_| {
                netdev_err!(&self.net, "Ring buffer not empty after closing rndis\n");
            })?;
        }
        drop(session);
        self.net.detach(held);
        self.disconnect(held);
        Ok(())
    }

    /// Begins another session.
    ///
    /// # Errors
    ///
    /// Those of [`Session::begin`]. There is none then.
    fn attach(self: &Arc<Self>, settings: &mut Settings, held: Held<'_>) -> Result {
        let session = Session::begin(self, settings, held)?;
        session.shared().set_sending(true);
        self.net.attach(held);
        self.net.carrier_off();
        if self.net.is_running() {
            let opened = self.open_filter();
            if opened.is_err() {
                self.net.detach(held);
                self.disconnect(held);
            }
            opened?;
            self.follow_link();
        }
        self.choose_path(held);
        Ok(())
    }

    /// Makes a change between two sessions, and undoes it if there is no second one.
    fn change(
        self: &Arc<Self>,
        what: &str,
        held: Held<'_>,
        mut swap: impl FnMut(&mut Settings),
    ) -> Result {
        let mut settings = self.settings.lock();
        settings.keep(&*self.session()?);
        self.detach(held)?;
        swap(&mut settings);
        let result = self.attach(&mut settings, held);
        if result.is_err() {
            swap(&mut settings);
            if self.attach(&mut settings, held).is_err() {
                netdev_err!(&self.net, "restoring {} failed\n", what);
            }
        }
        result
    }

    /// Ends the session before the system hibernates.
    ///
    /// # Errors
    ///
    /// Those of ending a session. It goes on then.
    pub(crate) fn suspend(&self, held: Held<'_>) -> Result {
        // Without a session there may be one after the system has woken up.
        let Ok(session) = self.session() else {
            return Ok(());
        };
        self.settings.lock().keep(&session);
        let result = self.detach(held);
        if result.is_err() && session.shared().is_gone() {
            self.net.detach(held);
            self.disconnect(held);
            return Ok(());
        }
        if result.is_err() && self.net.is_running() {
            let _ = self.open_filter();
            self.follow_link();
        }
        result
    }

    /// Begins another session with the same settings.
    ///
    /// # Errors
    ///
    /// Those of [`Session::begin`]. There is none then.
    pub(crate) fn resume(self: &Arc<Self>, held: Held<'_>) -> Result {
        let mut settings = self.settings.lock();
        self.attach(&mut settings, held)?;
        drop(settings);
        self.look_for_function(held);
        Ok(())
    }

    /// Frames are to have another size.
    ///
    /// # Errors
    ///
    /// Those of ending a session and of beginning another.
    pub(crate) fn change_mtu(self: ArcBorrow<'_, Self>, mtu: u32, held: Held<'_>) -> Result {
        let this = Arc::from(self);
        let mut other = mtu;
        this.change("mtu", held, |_| {
            let mtu = core::mem::replace(&mut other, this.net.mtu());
            this.net.set_mtu(mtu, held);
        })
    }

    /// There are to be so many queues.
    ///
    /// # Errors
    ///
    /// As [`Self::change_mtu`].
    pub(crate) fn change_queues(self: ArcBorrow<'_, Self>, queues: u32, held: Held<'_>) -> Result {
        let mut other = queues;
        Arc::from(self).change("channel setting", held, |settings| {
            core::mem::swap(&mut settings.queues, &mut other);
        })
    }

    /// The buffers are to have so many sections.
    ///
    /// # Errors
    ///
    /// As [`Self::change_mtu`].
    pub(crate) fn change_sections(
        self: ArcBorrow<'_, Self>,
        receive: u32,
        send: u32,
        held: Held<'_>,
    ) -> Result {
        let mut other = (receive, send);
        Arc::from(self).change("ringparam", held, |settings| {
            core::mem::swap(&mut settings.receive.count, &mut other.0);
            core::mem::swap(&mut settings.send.count, &mut other.1);
        })
    }

    /// The host is to spread flows in another way.
    ///
    /// # Errors
    ///
    /// `EOPNOTSUPP` if it does not spread them at all; `EINVAL` if there are no such queues, or it
    /// does not want to; those of requests. All is as before then.
    pub(crate) fn change_spread(&self, table: Option<&[u32]>, key: Option<&[u8]>) -> Result {
        let session = self.session()?;
        let mut settings = self.settings.lock();
        let spread = &mut settings.spread;
        if spread.table.is_empty() {
            return Err(EOPNOTSUPP);
        }
        let mut new_table = KVec::new();
        match table {
            None => new_table.extend_from_slice(&spread.table, GFP_KERNEL)?,
            Some(table) => {
                for &to in table.iter().take(spread.table.len()) {
                    if to >= session.queues() {
                        return Err(EINVAL);
                    }
                    new_table.push(u16::try_from(to)?, GFP_KERNEL)?;
                }
            }
        }
        let new_key = match key {
            None => spread.key,
            Some(key) => key.try_into().map_err(|_| EINVAL)?,
        };
        session.set_spread(&new_table, &new_key)?;
        spread.table = new_table;
        spread.key = new_key;
        Ok(())
    }
}
