// SPDX-License-Identifier: GPL-2.0

//! Who waits for which answer of the host.

use kernel::{
    new_spinlock_irq,
    prelude::*,
    rbtree::{
        RBTree,
        RBTreeNodeReservation, //
    },
    sync::{
        Arc,
        SpinLockIrq, //
    }, //
};

use super::{
    Connection,
    REPLY_LIMIT, //
};
use crate::sync::Completion;

/// What is waited for. Only one at a time waits for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    /// The answer to the proposed version.
    Version,
    /// Channel of this relid opened.
    Opened(u32),
    /// Channel of this relid moved to another CPU.
    Modified(u32),
    /// Memory of this name shared.
    GpadlCreated(u32),
    /// Memory of this name not shared any more.
    GpadlTorndown(u32),
}

/// How waiting ended.
#[derive(Clone, Copy)]
enum Outcome {
    /// The host answered; 0 is success everywhere.
    Status(u32),
    /// There will be no answer.
    Aborted,
}

struct Waiter {
    relid: Option<u32>,
    outcome: Option<Outcome>,
    done: Arc<Completion>,
}

impl Waiter {
    fn finish(&mut self, outcome: Outcome) {
        if self.outcome.is_none() {
            self.outcome = Some(outcome);
            self.done.complete_all();
        }
    }
}

/// All who wait.
#[pin_data]
pub(crate) struct Requests {
    #[pin]
    waiters: SpinLockIrq<RBTree<Key, Waiter>>,
}

impl Requests {
    pub(super) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            waiters <- new_spinlock_irq!(RBTree::new(), "Requests::waiters"),
        })
    }

    /// The host answered. Callable from any context; nothing happens when nobody waits for it.
    pub(super) fn answer(&self, key: Key, status: u32) {
        if let Some(waiter) = self.waiters.lock().get_mut(&key) {
            waiter.finish(Outcome::Status(status));
        }
    }

    /// Ends all waiting on behalf of a channel.
    pub(crate) fn abort(&self, relid: u32) {
        self.abort_if(|waiter| waiter.relid == Some(relid));
    }

    /// Ends all waiting.
    pub(super) fn abort_all(&self) {
        self.abort_if(|_| true);
    }

    fn abort_if(&self, fits: impl Fn(&Waiter) -> bool) {
        let mut waiters = self.waiters.lock();
        let waiters = waiters.values_mut().filter(|waiter| fits(waiter));
        waiters.for_each(|waiter| waiter.finish(Outcome::Aborted));
    }
}

/// An answer that is waited for.
pub(crate) struct Pending<'a> {
    requests: &'a Requests,
    key: Key,
    done: Arc<Completion>,
}

impl Connection {
    /// Announces that an answer is waited for. To be called before the question is asked.
    ///
    /// # Errors
    ///
    /// `EBUSY` when somebody waits for it already; `ENOMEM`.
    pub(crate) fn expect(&self, key: Key, relid: Option<u32>) -> Result<Pending<'_>> {
        let done = Arc::pin_init(Completion::new(), GFP_KERNEL)?;
        let node = RBTreeNodeReservation::new(GFP_KERNEL)?;
        let waiter = Waiter {
            relid,
            outcome: None,
            done: done.clone(),
        };
        let requests = &self.requests;
        let mut waiters = requests.waiters.lock();
        if waiters.get(&key).is_some() {
            return Err(EBUSY);
        }
        waiters.insert(node.into_node(key, waiter));
        drop(waiters);
        Ok(Pending {
            requests,
            key,
            done,
        })
    }
}

impl Pending<'_> {
    /// Waits for the answer, which is a status that is 0 for success. May sleep.
    ///
    /// # Errors
    ///
    /// `ENODEV` when there will be no answer; `ETIMEDOUT` when there was none for too long.
    pub(crate) fn wait(self) -> Result<u32> {
        self.done.wait_timeout(REPLY_LIMIT);
        let waiters = self.requests.waiters.lock();
        match waiters.get(&self.key).and_then(|waiter| waiter.outcome) {
            Some(Outcome::Status(status)) => Ok(status),
            Some(Outcome::Aborted) => Err(ENODEV),
            None => {
                pr_err!("no answer from the host: {:?}\n", self.key);
                Err(ETIMEDOUT)
            }
        }
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        let node = self.requests.waiters.lock().remove_node(&self.key);
        // Freed without the lock.
        drop(node);
    }
}
