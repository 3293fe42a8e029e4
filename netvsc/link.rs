// SPDX-License-Identifier: GPL-2.0

//! The link, which goes up and down as the host says.
//!
//! User space is told of changes of the carrier at most once a second, and then what is true at
//! that moment. So changes are made one at a time, with some time in between: otherwise a link that
//! was down for a moment only, and leads to another network since, would never have been down.

use super::{
    adapter::{
        Adapter,
        LINK, //
    },
    net::rtnl::{
        self,
        Held, //
    },
    wire::rndis::Indication,
};
use core::time::Duration;
use kernel::{
    sync::{
        atomic::Relaxed,
        Arc, //
    },
    workqueue::WorkItem,
};

/// The time between two changes.
const INTERVAL: Duration = Duration::from_secs(2);

/// How many changes are kept.
const EVENTS: usize = 16;

/// A change.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Event {
    Up,
    Down,
    /// Down for a moment, at least.
    Change,
}

/// The link, and what is to happen to it.
pub(crate) struct LinkState {
    is_down: bool,
    events: [Event; EVENTS],
    first: usize,
    count: usize,
}

impl LinkState {
    /// A link that is up.
    pub(crate) const fn new() -> Self {
        Self {
            is_down: false,
            events: [Event::Up; EVENTS],
            first: 0,
            count: 0,
        }
    }

    /// Whether it is up.
    pub(crate) fn is_up(&self) -> bool {
        !self.is_down
    }

    /// Sets whether it is up, at the beginning of a session.
    pub(crate) fn set(&mut self, is_up: bool) {
        self.is_down = !is_up;
    }

    /// Adds a change. When there are too many the last one gives way: it is where they lead to that
    /// matters then.
    fn push(&mut self, event: Event) {
        self.count = (self.count + 1).min(EVENTS);
        let last = (self.first + self.count - 1) % EVENTS;
        if let Some(place) = self.events.get_mut(last) {
            *place = event;
        }
    }

    /// Has a change come before all others.
    fn push_front(&mut self, event: Event) {
        self.first = (self.first + EVENTS - 1) % EVENTS;
        self.count = (self.count + 1).min(EVENTS);
        if let Some(place) = self.events.get_mut(self.first) {
            *place = event;
        }
    }

    fn pop(&mut self) -> Option<Event> {
        self.count = self.count.checked_sub(1)?;
        let event = self.events.get(self.first).copied();
        self.first = (self.first + 1) % EVENTS;
        event
    }
}

impl Adapter {
    /// Takes note of what the host says about the link. In atomic context.
    pub(crate) fn link_changed(self: &Arc<Self>, indication: Indication) {
        let event = match indication {
            Indication::Connected => Event::Up,
            Indication::Disconnected => Event::Down,
            Indication::NetworkChanged => Event::Change,
            Indication::Speed(speed) => return self.set_speed(speed),
            Indication::Other => return,
        };
        self.link.lock().push(event);
        let _ = self.queue.enqueue::<_, LINK>(self.clone());
    }

    /// Takes note of the speed, in units of 100 bits a second.
    pub(crate) fn set_speed(&self, speed: u32) {
        const UNITS_IN_MEGABIT: u32 = 10_000;

        self.speed.store(speed / UNITS_IN_MEGABIT, Relaxed);
    }

    /// Says that the link is up, and sends, if it is.
    pub(crate) fn follow_link(&self) {
        let is_up = self.link.lock().is_up();
        if is_up {
            self.net.carrier_on();
            self.start_sending();
        }
    }

    /// Allows packets to be sent.
    pub(crate) fn start_sending(&self) {
        if let Ok(session) = self.session() {
            session.shared().set_sending(true);
        }
        self.net.wake_queues();
    }

    /// Has no more packets be sent.
    pub(crate) fn stop_sending(&self) {
        if let Ok(session) = self.session() {
            session.shared().set_sending(false);
        }
        self.net.stop_queues();
    }

    /// Makes one change. Returns whether there was one.
    fn change_link(&self, held: Held<'_>) -> bool {
        if self.session().is_err() {
            return false;
        }
        let (event, was_up) = {
            let mut link = self.link.lock();
            let Some(event) = link.pop() else {
                return false;
            };
            let was_up = link.is_up();
            link.set(event == Event::Up);
            if event == Event::Change && was_up {
                link.push_front(Event::Up);
            }
            (event, was_up)
        };
        match (event, was_up) {
            (Event::Up, true) => self.net.notify_peers(held),
            (Event::Up, false) => {
                self.net.carrier_on();
                self.start_sending();
            }
            (Event::Down | Event::Change, true) => {
                self.net.carrier_off();
                self.stop_sending();
            }
            (Event::Down | Event::Change, false) => (),
        }
        true
    }
}

impl WorkItem<LINK> for Adapter {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        loop {
            let changed = {
                let rtnl = rtnl::lock();
                this.change_link(rtnl.held())
            };
            if !changed || this.going.wait_timeout(INTERVAL) {
                return;
            }
        }
    }
}
