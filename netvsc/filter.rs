// SPDX-License-Identifier: GPL-2.0

//! Which frames the host lets through.

use super::{
    adapter::{
        Adapter,
        FILTER, //
    },
    net::RxMode,
    wire::request::Filter,
};
use kernel::{
    prelude::*,
    sync::{
        atomic::Relaxed,
        Arc, //
    },
    workqueue::WorkItem,
};

/// What the host lets through when the interface goes up.
const INITIAL: Filter = Filter::DIRECTED
    .with(Filter::BROADCAST)
    .with(Filter::ALL_MULTICAST);

fn filter_of(mode: RxMode) -> Filter {
    if mode.promiscuous {
        return Filter::PROMISCUOUS;
    }
    let filter = Filter::DIRECTED.with(Filter::BROADCAST);
    if mode.all_multicast || mode.multicast {
        filter.with(Filter::ALL_MULTICAST)
    } else {
        filter
    }
}

impl Adapter {
    /// Has the host let other frames through, soon. In atomic context.
    pub(crate) fn want_frames(self: &Arc<Self>, mode: RxMode) {
        self.filter.store(filter_of(mode).0, Relaxed);
        let _ = self.queue.enqueue::<_, FILTER>(self.clone());
    }

    /// Has the host let frames through.
    ///
    /// # Errors
    ///
    /// `ENODEV` if there is no session, and those of requests.
    pub(crate) fn open_filter(&self) -> Result {
        let mut filtering = self.filtering.lock();
        self.session()?.set_filter(INITIAL)?;
        *filtering = true;
        Ok(())
    }

    /// Has the host let nothing through.
    ///
    /// # Errors
    ///
    /// Those of requests.
    pub(crate) fn close_filter(&self) -> Result {
        let mut filtering = self.filtering.lock();
        *filtering = false;
        match self.session()?.set_filter(Filter::NONE) {
            // The device is gone, and nothing comes through.
            Err(error) if error == ENODEV => Ok(()),
            result => result,
        }
    }
}

impl WorkItem<FILTER> for Adapter {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        let filtering = this.filtering.lock();
        let Ok(session) = this.session() else { return };
        if *filtering {
            // The next change, or the next time that the interface goes up, is another chance.
            let _ = session.set_filter(Filter(this.filter.load(Relaxed)));
        }
    }
}
