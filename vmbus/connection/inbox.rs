// SPDX-License-Identifier: GPL-2.0

//! Offers and rescinds on their way from the softirq that takes messages to the queue `control`.
//!
//! There is room for a few, and no memory is allocated. When there is no room, the message stays
//! where the host put it, and the host keeps those that follow. Nothing is lost that way, and a
//! host that sends very many makes itself wait.

use kernel::{
    new_spinlock_irq,
    prelude::*,
    sync::{
        Arc,
        SpinLockIrq, //
    },
    workqueue::WorkItem, //
};

use super::Connection;
use crate::{
    hv::{
        Disposition,
        Synic, //
    },
    wire::offer::Offer,
};

/// The number of the work item that empties the inbox.
pub(super) const WORK: u64 = 0;

/// How much there is room for.
const CAPACITY: usize = 32;

/// What is on its way.
pub(super) enum Notice {
    /// A channel is there.
    Offer(Offer),
    /// The channel of a relid goes away.
    Rescind(u32),
}

struct Queue {
    notices: [Option<Notice>; CAPACITY],
    first: usize,
    len: usize,
    /// The CPU on which a message waits for room.
    waiting: Option<u32>,
}

/// The queue, first in, first out.
#[pin_data]
pub(super) struct Inbox {
    #[pin]
    queue: SpinLockIrq<KBox<Queue>>,
}

impl Inbox {
    pub(super) fn new() -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            queue <- {
                let queue = Queue {
                    notices: [const { None }; CAPACITY],
                    first: 0,
                    len: 0,
                    waiting: None,
                };
                new_spinlock_irq!(KBox::new(queue, GFP_KERNEL)?, "Inbox::queue")
            },
        }? Error)
    }

    /// Puts a notice in, unless there is no room; then a message that came to `cpu` is to wait.
    fn push(&self, cpu: u32, notice: Notice) -> Disposition {
        let mut queue = self.queue.lock();
        if queue.len == CAPACITY {
            queue.waiting = Some(cpu);
            return Disposition::Later;
        }
        let index = (queue.first + queue.len) % CAPACITY;
        if let Some(slot) = queue.notices.get_mut(index) {
            *slot = Some(notice);
        }
        queue.len += 1;
        Disposition::Taken
    }

    /// Takes the oldest notice out, and the CPU on which a message waits for the room.
    fn pop(&self) -> Option<(Notice, Option<u32>)> {
        let mut queue = self.queue.lock();
        let first = queue.first;
        let notice = queue.notices.get_mut(first)?.take()?;
        queue.first = (first + 1) % CAPACITY;
        queue.len -= 1;
        Some((notice, queue.waiting.take()))
    }
}

impl Connection {
    /// Has a notice handled soon. Runs in a softirq, on `cpu`.
    pub(super) fn notify(this: &Arc<Self>, cpu: u32, notice: Notice) -> Disposition {
        let disposition = this.inbox.push(cpu, notice);
        // Fails where the work item is to run anyway.
        let _ = this.queues.control.enqueue::<_, WORK>(this.clone());
        disposition
    }
}

impl WorkItem<WORK> for Connection {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        while let Some((notice, waiting)) = this.inbox.pop() {
            if let Some(cpu) = waiting {
                Synic::<Connection>::resume(cpu);
            }
            // Left from before the end of the connection.
            if !this.is_connected() {
                continue;
            }
            match notice {
                Notice::Offer(offer) => this.on_offer(offer),
                Notice::Rescind(relid) => this.on_rescind(relid),
            }
        }
    }
}

#[cfg(CONFIG_HYPERV_RUST_KUNIT_TEST)]
#[kunit_tests(hv_vmbus_inbox)]
mod tests {
    use super::*;

    #[test]
    fn first_in_first_out() -> Result {
        let inbox = KBox::pin_init(Inbox::new(), GFP_KERNEL)?;
        for _ in 0..5 {
            for relid in 0..20 {
                assert_eq!(inbox.push(0, Notice::Rescind(relid)), Disposition::Taken);
            }
            for wanted in 0..20 {
                let notice = inbox.pop();
                assert!(matches!(notice, Some((Notice::Rescind(relid), None)) if relid == wanted));
            }
            assert!(inbox.pop().is_none());
        }
        Ok(())
    }

    #[test]
    fn full_until_one_is_taken() -> Result {
        let inbox = KBox::pin_init(Inbox::new(), GFP_KERNEL)?;
        for _ in 0..CAPACITY {
            assert_eq!(inbox.push(0, Notice::Rescind(1)), Disposition::Taken);
        }
        assert_eq!(inbox.push(3, Notice::Rescind(2)), Disposition::Later);
        assert!(matches!(inbox.pop(), Some((_, Some(3)))));
        assert!(matches!(inbox.pop(), Some((_, None))));
        assert_eq!(inbox.push(3, Notice::Rescind(2)), Disposition::Taken);
        Ok(())
    }
}
