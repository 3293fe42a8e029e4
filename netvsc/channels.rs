// SPDX-License-Identifier: GPL-2.0

//! The channels of a session: sub-channels, and what the bus says about each.

use super::{
    net::{
        log::{
            netdev_err,
            netdev_warn, //
        },
        rtnl::Held, //
    },
    session::{
        new_queue,
        Session, //
    },
    wire::{
        nvsp::{
            Answer,
            Message,
            Status, //
        },
        Fault, //
    },
};
use core::time::Duration;
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Full,
            Relaxed, //
        },
        Arc, //
    },
};
use vmbus::{
    Endpoint,
    Handler, //
};

/// How long the host may take to offer sub-channels.
const SUBCHANNEL_PATIENCE: Duration = Duration::from_secs(30);

impl Session {
    /// Asks for sub-channels, and waits until they are open. Without them all the same works, if
    /// slower.
    ///
    /// # Errors
    ///
    /// `EIO` if the host does not want to; `EINVAL` if it would make more than were asked for, and
    /// those of talking to it.
    pub(super) fn open_subchannels(&self, endpoint: &Endpoint, queues: u32) -> Result<u32> {
        let mut others = KVec::new();
        for index in 1..queues {
            let queue = new_queue(self.shared(), u16::try_from(index)?)?;
            queue.napi().queue().prepare()?;
            others.push(queue, GFP_KERNEL)?;
        }
        self.others.populate(others);
        let wanted = queues.saturating_sub(1);
        let answer = self.ask(endpoint, &Message::allocate_subchannels(wanted))?;
        let granted = match answer {
            Answer::Subchannels(complete) if complete.status == Status::SUCCESS => complete.count,
            _ => {
                netdev_err!(self.shared().net(), "sub channel request failed\n");
                return Err(EIO);
            }
        };
        if granted > wanted {
            netdev_err!(
                self.shared().net(),
                "invalid number of allocated sub channel\n"
            );
            return Err(EINVAL);
        }
        self.wait_for_channels(granted + 1)
    }

    /// Waits until so many channels are open; returns how many are if the host takes too long.
    fn wait_for_channels(&self, wanted: u32) -> Result<u32> {
        loop {
            let open = self.open.load(Relaxed);
            if open >= wanted {
                return Ok(wanted);
            }
            if self.shared().is_gone() {
                return Err(ENODEV);
            }
            if !self.opened.wait_timeout(SUBCHANNEL_PATIENCE) {
                let net = self.shared().net();
                netdev_warn!(net, "only {} of {} channels are open\n", open, wanted);
                return Ok(open);
            }
        }
    }

    /// Has users and the stack see so many queues.
    pub(super) fn show_queues(&self, queues: u32, held: Held<'_>) -> Result {
        self.queues.store(queues, Relaxed);
        self.shared().net().set_queues(queues, queues, held)?;
        for (index, queue) in (0..).zip(self.all()) {
            if u32::from(index) < queues {
                queue.show(index, held)?;
            }
        }
        Ok(())
    }
}

impl Handler for Session {
    fn on_interrupt(&self, endpoint: &Endpoint) {
        let index = endpoint.channel().subchannel_index();
        if let Some(queue) = self.enabled(index.into()) {
            queue.napi().schedule(|| ());
        }
    }

    fn opened(&self, endpoint: &Arc<Endpoint>) {
        let index = endpoint.channel().subchannel_index();
        let Some(queue) = self.queue(index.into()) else {
            self.shared()
                .report("sub-channel", Fault::Count(index.into()));
            return;
        };
        queue.endpoint.replace(Some(endpoint.clone()));
        self.open.fetch_add(1u32, Full);
        self.opened.complete();
    }

    fn closing(&self, endpoint: &Arc<Endpoint>) {
        let index = endpoint.channel().subchannel_index();
        if let Some(queue) = self.queue(index.into()) {
            drop(queue.endpoint.replace(None));
        }
    }

    fn rescinded(&self, endpoint: &Arc<Endpoint>) {
        if endpoint.channel().subchannel_index() == 0 {
            self.shared().give_up();
        }
    }
}
