// SPDX-License-Identifier: GPL-2.0

//! Who a relid belongs to.
//!
//! An offer claims its relid, for which it gets a [`Lease`]. The channel made from it has the lease
//! in it, and is *active*, that is, can be found by its relid, until it is removed. When the lease
//! is dropped, which can happen in any context, a work item tells the host that the relid is free.
//!
//! The end of the connection ends all leases. Where the channels live on, because the system only
//! sleeps, those that were active are *former* ones: the host knows nothing of them any more, and
//! they are found by their device. It may offer them again, by other relids.

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

/// Room for former channels.
pub(super) type Former = KVVec<Arc<Channel>>;

struct Entries {
    entries: KVec<Entry>,
    /// Channels of an earlier connection.
    former: Former,
    /// The number of this connection, and of all leases that count.
    epoch: u32,
    /// How many leases there are, or were until the host is told.
    used: usize,
    /// How many leases of earlier connections have been dropped lately.
    expired: usize,
}

impl Entries {
    fn get(&mut self, relid: u32) -> Option<&mut Entry> {
        self.entries.get_mut(usize::try_from(relid).ok()?)
    }

    /// The active channels.
    fn active(&self) -> impl Iterator<Item = &Arc<Channel>> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Active(channel) => Some(channel),
            _ => None,
        })
    }

    /// Takes `count` leases off the books; returns whether these were the last ones.
    fn settle(&mut self, count: usize) -> bool {
        self.used = self.used.saturating_sub(count);
        count != 0 && self.used == 0
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
    epoch: u32,
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
                let entries = Entries {
                    entries,
                    former: Former::new(),
                    epoch: 0,
                    used: 0,
                    expired: 0,
                };
                new_spinlock_irq!(entries, "relid::Table")
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
    pub(crate) fn get(&self, relid: u32) -> Option<Arc<Channel>> {
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
        let is_it = |other: &Arc<Channel>| Arc::ptr_eq(other, channel);
        let mut entries = self.entries.lock();
        // The caller has another reference, so that this is not the end of the channel.
        if let Some(entry) = entries.get(channel.relid()) {
            if matches!(entry, Entry::Active(other) if is_it(other)) {
                let old = core::mem::replace(entry, Entry::Claimed);
                drop(entries);
                drop(old);
                return;
            }
        }
        if let Some(index) = entries.former.iter().position(is_it) {
            let old = entries.former.remove(index);
            drop(entries);
            drop(old);
        }
    }

    /// Calls `f` for each channel that can be found until that fails.
    pub(super) fn try_for_each(&self, mut f: impl FnMut(&Arc<Channel>) -> Result) -> Result {
        let former = |index| self.entries.lock().former.get(index).cloned();
        let count = self.entries.lock().former.len();
        let active = (1..=self.highest()).filter_map(|relid| self.get(relid));
        // From the end, since `f` may remove them.
        let former = (0..count).rev().filter_map(former);
        Iterator::chain(active, former).try_for_each(|channel| f(&channel))
    }

    /// The active primary channel of a device that is there.
    pub(super) fn primary_of(&self, class: Guid, instance: Guid) -> Option<Arc<Channel>> {
        let entries = self.entries.lock();
        let mut channels = entries.active();
        let channel = channels.find(|channel| channel.is_primary_of(class, instance));
        channel.cloned()
    }

    /// Gives out the former primary channel of a device, whose place is free then.
    pub(super) fn take_former(&self, class: Guid, instance: Guid) -> Option<Arc<Channel>> {
        let mut entries = self.entries.lock();
        let mut former = entries.former.iter();
        let index = former.position(|channel| channel.is_primary_of(class, instance))?;
        entries.former.remove(index).ok()
    }

    /// Whether the host has yet to offer a channel again.
    pub(super) fn is_former(&self, channel: &Arc<Channel>) -> bool {
        let entries = self.entries.lock();
        let mut former = entries.former.iter();
        former.any(|other| Arc::ptr_eq(other, channel))
    }

    /// Room for all channels that there can be.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(super) fn room(&self) -> Result<Former> {
        let former = self.entries.lock().former.len();
        Ok(Former::with_capacity(MAX_RELIDS + former, GFP_KERNEL)?)
    }

    /// Makes all channels former ones, after the end of the connection.
    pub(super) fn end_leases(&self, mut room: Former) {
        let mut guard = self.entries.lock();
        let entries = &mut *guard;
        core::mem::swap(&mut entries.former, &mut room);
        for entry in &mut entries.entries {
            match core::mem::replace(entry, Entry::Free) {
                Entry::Active(channel) => keep(&mut entries.former, channel),
                Entry::Returned => entries.expired += 1,
                Entry::Free | Entry::Claimed => (),
            }
        }
        room.drain_all()
            .for_each(|channel| keep(&mut entries.former, channel));
        entries.former.iter().for_each(|channel| channel.hang_up());
        entries.epoch = entries.epoch.wrapping_add(1);
        drop(guard);
        drop(room);
    }

    /// A primary channel that was rescinded, and is not removed yet, for the same device as that of
    /// `channel`.
    pub(crate) fn predecessor(&self, channel: &Arc<Channel>) -> Option<Arc<Channel>> {
        let entries = self.entries.lock();
        let mut channels = Iterator::chain(entries.active(), entries.former.iter());
        let predecessor = channels.find(|other| {
            other.primary().is_none()
                && other.is_rescinded()
                && !Arc::ptr_eq(other, channel)
                && other.instance() == channel.instance()
        });
        predecessor.cloned()
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

/// Adds a channel to those that there is room for.
fn keep(former: &mut Former, channel: Arc<Channel>) {
    let kept = former.push_within_capacity(channel);
    debug_assert!(kept.is_ok());
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
        let epoch = entries.epoch;
        let highest = &self.relids.highest;
        highest.store(highest.load(Relaxed).max(relid), Relaxed);
        Some(Lease {
            connection: self.clone(),
            relid,
            epoch,
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
        if entries.settle(1) {
            self.relids.idle.complete_all();
        }
        u32::try_from(index).ok()
    }

    /// Forgets leases of earlier connections, of which there is nothing to tell the host.
    fn forget_expired(&self) {
        let mut entries = self.relids.entries.lock();
        let expired = core::mem::take(&mut entries.expired);
        if entries.settle(expired) {
            self.relids.idle.complete_all();
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        {
            let mut entries = self.connection.relids.entries.lock();
            if entries.epoch != self.epoch {
                entries.expired += 1;
            } else if let Some(entry) = entries.get(self.relid) {
                *entry = Entry::Returned;
            }
        }
        let work = self.connection.clone();
        // Fails where the work item is to run anyway.
        let _ = self.connection.queues.control.enqueue::<_, WORK>(work);
    }
}

impl WorkItem<WORK> for Connection {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        this.forget_expired();
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
