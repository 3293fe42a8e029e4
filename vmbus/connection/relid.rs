// SPDX-License-Identifier: GPL-2.0

//! Who a relid belongs to.
//!
//! An offer claims its relid, for which it gets a [`Lease`]. The channel made from it has the lease
//! in it, and is *active*, that is, can be found by its relid, until it is removed. When the lease
//! is dropped, which can happen in any context, a work item tells the host that the relid is free.

use kernel::{
    new_spinlock_irq,
    prelude::*,
    sync::{
        atomic::{
            Relaxed, //
        },
        Arc,
        SpinLockIrq, //
    },
    workqueue::WorkItem, //
};

use super::Connection;
use crate::{
    channel::Channel,
    guid::Guid,
    sync::{
        Atomic,
        Completion, //
    },
    wire::{
        message::RelidReleased,
        MAX_RELIDS, //
    }, //
};

/// The number of the work item that releases relids.
pub(super) const WORK: u64 = 1;

/// What is known of a relid.
enum Entry {
    /// The host may offer a channel by it.
    Free,
    /// It belongs to a channel that is not active.
    Claimed,
    /// It belongs to this channel.
    Active(Arc<Channel>),
    /// It belongs to no channel any more, which the host does not know yet.
    Returned,
}

struct Entries {
    entries: KVec<Entry>,
    /// How many are not free.
    used: usize,
}

impl Entries {
    fn get(&mut self, relid: u32) -> Option<&mut Entry> {
        self.entries.get_mut(usize::try_from(relid).ok()?)
    }
}

/// The relids of a connection.
#[pin_data]
pub(crate) struct Table {
    #[pin]
    entries: SpinLockIrq<Entries>,
    /// No relid above this one was ever claimed. Written with the lock held only.
    highest: Atomic<u32>,
    /// Happens whenever the last relid is free again.
    #[pin]
    idle: Completion,
}

/// The right to a relid.
pub(crate) struct Lease {
    connection: Arc<Connection>,
    relid: u32,
}

impl Table {
    /// Where all relids are free.
    pub(super) fn new() -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            entries <- {
                let mut entries = KVec::with_capacity(MAX_RELIDS, GFP_KERNEL)?;
                for _ in 0..MAX_RELIDS {
                    entries.push(Entry::Free, GFP_KERNEL)?;
                }
                new_spinlock_irq!(Entries { entries, used: 0 }, "relid::Table")
            },
            highest: Atomic::new(0),
            idle <- Completion::new(),
        }? Error)
    }

    /// No relid above this one was ever claimed.
    #[inline]
    pub(super) fn highest(&self) -> u32 {
        self.highest.load(Relaxed)
    }

    /// The active channel of a relid.
    pub(super) fn get(&self, relid: u32) -> Option<Arc<Channel>> {
        match self.entries.lock().get(relid)? {
            Entry::Active(channel) => Some(channel.clone()),
            _ => None,
        }
    }

    /// Makes a channel findable.
    pub(super) fn activate(&self, channel: &Arc<Channel>) {
        let mut entries = self.entries.lock();
        if let Some(entry @ Entry::Claimed) = entries.get(channel.relid()) {
            *entry = Entry::Active(channel.clone());
        }
    }

    /// Makes a channel not findable any more, if it is.
    pub(crate) fn deactivate(&self, channel: &Arc<Channel>) {
        let mut entries = self.entries.lock();
        let old = match entries.get(channel.relid()) {
            Some(entry @ Entry::Active(_)) => core::mem::replace(entry, Entry::Claimed),
            _ => return,
        };
        // The caller has another reference, so that this is not the end of the channel.
        drop(entries);
        drop(old);
    }

    /// Calls `f` for each active channel until that fails.
    pub(super) fn try_for_each(&self, mut f: impl FnMut(&Arc<Channel>) -> Result) -> Result {
        (1..=self.highest())
            .filter_map(|relid| self.get(relid))
            .try_for_each(|channel| f(&channel))
    }

    /// The first active primary channel that fits.
    fn find_primary(&self, fits: impl Fn(&Arc<Channel>) -> bool) -> Option<Arc<Channel>> {
        let entries = self.entries.lock();
        let mut channels = entries.entries.iter().filter_map(|entry| match entry {
            Entry::Active(channel) if channel.primary().is_none() => Some(channel),
            _ => None,
        });
        channels.find(|channel| fits(channel)).cloned()
    }

    /// The primary channel of a device that is there.
    pub(super) fn primary_of(&self, class: Guid, instance: Guid) -> Option<Arc<Channel>> {
        self.find_primary(|channel| {
            !channel.is_rescinded() && channel.class() == class && channel.instance() == instance
        })
    }

    /// A primary channel that was rescinded, and is not removed yet, for the same device as that of
    /// `channel`.
    pub(crate) fn predecessor(&self, channel: &Arc<Channel>) -> Option<Arc<Channel>> {
        self.find_primary(|other| {
            other.is_rescinded()
                && !Arc::ptr_eq(other, channel)
                && other.instance() == channel.instance()
        })
    }

    /// Waits until all relids are free. May sleep.
    pub(super) fn wait_until_idle(&self) {
        const NOTICE: core::time::Duration = core::time::Duration::from_secs(10);

        loop {
            self.idle.reinit();
            let used = self.entries.lock().used;
            if used == 0 {
                return;
            }
            if !self.idle.wait_timeout(NOTICE) {
                pr_notice!("waiting for {} channels to be released\n", used);
            }
        }
    }
}

impl Connection {
    /// Claims a relid for a channel; [`None`] when it belongs to one.
    pub(super) fn claim(self: &Arc<Self>, relid: u32) -> Option<Lease> {
        let mut entries = self.relids.entries.lock();
        let entry @ Entry::Free = entries.get(relid)? else {
            return None;
        };
        *entry = Entry::Claimed;
        entries.used += 1;
        let highest = &self.relids.highest;
        highest.store(highest.load(Relaxed).max(relid), Relaxed);
        Some(Lease {
            connection: self.clone(),
            relid,
        })
    }

    /// Takes the next returned relid and makes it free.
    fn next_returned(&self) -> Option<u32> {
        let mut entries = self.relids.entries.lock();
        let index = entries
            .entries
            .iter()
            .position(|entry| matches!(entry, Entry::Returned))?;
        *entries.entries.get_mut(index)? = Entry::Free;
        entries.used = entries.used.saturating_sub(1);
        if entries.used == 0 {
            self.relids.idle.complete_all();
        }
        u32::try_from(index).ok()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(entry) = self.connection.relids.entries.lock().get(self.relid) {
            *entry = Entry::Returned;
        }
        let work = self.connection.clone();
        // Fails where the work item is to run anyway.
        let _ = self.connection.queues.control.enqueue::<_, WORK>(work);
    }
}

impl WorkItem<WORK> for Connection {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        while let Some(relid) = this.next_returned() {
            if !this.is_connected() {
                continue;
            }
            if let Err(error) = this.post(&RelidReleased::new(relid)) {
                let error = error.to_errno();
                pr_err!("unable to release relid {} ({})\n", relid, error);
            }
        }
    }
}
