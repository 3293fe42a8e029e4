// SPDX-License-Identifier: GPL-2.0

//! The server: the guest's counterpart for messages and events.
//!
//! Locks are taken in this order: the state, the outbox; and without the state: delivery, a
//! message hook. Devices are never called with any of them held. Messages leave in the order of
//! the state changes that they tell about, because they enter the outbox under the state's lock.

use std::collections::VecDeque;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, RwLock, Weak};
use std::thread;
use std::time::Duration;

use vm_memory::GuestMemoryMmap;
use zerocopy::{Immutable, IntoBytes};

use super::channel::Channel;
pub use super::config::{IoMode, ServerConfig};
use super::monitor::Poller;
use super::state::State;
use super::stats::{Counters, count};
use super::sync::{lock, read_lock, write_lock};
use super::tamper::Slot;
use super::trace::{Direction, Trace};
use super::violation::{Fault, Violation, Violations};
use super::wire::{self, MAX_RELIDS, OutMessage};
use crate::hv::{Guest, HvStatus, Hypervisor};

/// How often to poll where the configuration does not say.
const POLL_INTERVAL: Duration = Duration::from_millis(1);

/// What channels need of the server.
pub(super) struct Services {
    hypervisor: Arc<dyn Hypervisor>,
    memory: Arc<GuestMemoryMmap>,
    trace: Trace,
    violations: Violations,
    totals: Counters,
}

impl Services {
    pub(super) fn memory(&self) -> &Arc<GuestMemoryMmap> {
        &self.memory
    }

    pub(super) fn hypervisor(&self) -> &dyn Hypervisor {
        &*self.hypervisor
    }

    pub(super) fn totals(&self) -> &Counters {
        &self.totals
    }

    /// Signals the guest. Returns whether the event flag was clear.
    pub(super) fn signal(&self, vp: u32, relid: u32) -> bool {
        u16::try_from(relid).is_ok_and(|flag| self.hypervisor.signal_event(vp, flag))
    }

    /// The guest's reference time, in units of 100 ns.
    pub(super) fn reference_time(&self) -> u64 {
        self.hypervisor.reference_time()
    }

    pub(super) fn violation(&self, violation: Violation) {
        tracing::warn!("guest violation: {violation}");
        self.trace.note(format_args!("violation: {violation}"));
        self.violations.add(violation);
    }
}

/// See the module.
pub struct Server {
    me: Weak<Self>,
    config: ServerConfig,
    services: Arc<Services>,
    state: Mutex<State>,
    changed: Condvar,
    /// Open channels by relid, for events.
    open: RwLock<Vec<Option<Arc<Channel>>>>,
    outbox: Mutex<VecDeque<OutMessage>>,
    delivery: Mutex<()>,
    message_tamper: Slot<OutMessage>,
    worker: Option<Sender<Arc<Channel>>>,
    poller: Arc<Poller>,
}

impl Server {
    /// A server without devices.
    pub fn new(
        hypervisor: Arc<dyn Hypervisor>,
        memory: Arc<GuestMemoryMmap>,
        config: ServerConfig,
    ) -> Arc<Self> {
        let services = Arc::new(Services {
            hypervisor,
            memory,
            trace: Trace::new(config.trace_entries),
            violations: Violations::default(),
            totals: Counters::default(),
        });
        let poller = Arc::new(Poller::default());
        let interval = config.monitor.unwrap_or(POLL_INTERVAL);
        let worker = (config.io == IoMode::Thread).then(start_worker);
        let server = Arc::new_cyclic(|me| Self {
            me: Weak::clone(me),
            config,
            services,
            state: Mutex::default(),
            changed: Condvar::new(),
            open: RwLock::new(vec![None; MAX_RELIDS as usize]),
            outbox: Mutex::default(),
            delivery: Mutex::new(()),
            message_tamper: Slot::default(),
            worker,
            poller,
        });
        server.poller.start(server.weak(), interval);
        server
    }

    /// How the server was configured.
    pub fn config(&self) -> &ServerConfig {
        &self.config
    }

    /// The record of control messages.
    pub fn trace(&self) -> &Trace {
        &self.services.trace
    }

    pub(super) fn memory(&self) -> &GuestMemoryMmap {
        &self.services.memory
    }

    pub(super) fn services(&self) -> &Arc<Services> {
        &self.services
    }

    pub(super) fn weak(&self) -> Weak<Self> {
        Weak::clone(&self.me)
    }

    pub(super) fn poller(&self) -> &Poller {
        &self.poller
    }

    pub(super) fn changed(&self) -> &Condvar {
        &self.changed
    }

    pub(super) fn message_tamper(&self) -> &Slot<OutMessage> {
        &self.message_tamper
    }

    pub(super) fn violations_so_far(&self) -> &Violations {
        &self.services.violations
    }

    pub(super) fn lock_state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(super) fn vp_count(&self) -> u32 {
        self.services.hypervisor.vp_count()
    }

    /// The connection id on which the guest signals channel `relid`.
    pub(super) fn event_connection(&self, relid: u32) -> u32 {
        self.config.event_connection.wrapping_add(relid)
    }

    pub(super) fn violation(&self, relid: impl Into<Option<u32>>, fault: Fault) {
        self.services.violation(Violation {
            relid: relid.into(),
            fault,
        });
    }

    /// Puts a message for the guest into the outbox; nothing without a connection.
    pub(super) fn post(&self, state: &State, kind: u32, body: &(impl IntoBytes + Immutable)) {
        if let Some(connection) = &state.connection {
            self.post_to(connection.target_vp, kind, body);
        }
    }

    /// Puts a message for virtual processor `vp` into the outbox.
    pub(super) fn post_to(&self, vp: u32, kind: u32, body: &(impl IntoBytes + Immutable)) {
        self.enqueue(OutMessage {
            vp,
            bytes: wire::message(kind, body),
        });
    }

    pub(super) fn enqueue(&self, message: OutMessage) {
        lock(&self.outbox).push_back(message);
    }

    /// Delivers what is in the outbox and wakes those who wait for a state. Called without the
    /// state's lock, after each change.
    pub(super) fn deliver(&self) {
        let turn = lock(&self.delivery);
        loop {
            let next = lock(&self.outbox).pop_front();
            let Some(message) = next else {
                break;
            };
            for message in self.message_tamper.apply(message) {
                self.trace()
                    .message(Direction::Out, message.vp, &message.bytes);
                count(&self.services.totals.messages_out);
                self.services
                    .hypervisor
                    .post_message(message.vp, &message.bytes);
            }
        }
        drop(turn);
        // Waiters look at the state under its lock: taking it once means that none of them is
        // between looking and sleeping.
        drop(self.lock_state());
        self.changed.notify_all();
    }

    /// Makes `channel` reachable for events, or its relid unreachable.
    pub(super) fn route(&self, relid: u32, channel: Option<&Arc<Channel>>) {
        if let Some(entry) = write_lock(&self.open).get_mut(relid as usize) {
            *entry = channel.cloned();
        }
    }

    /// Ends channels that the guest does not have any more.
    pub(super) fn end(&self, channels: &[Arc<Channel>]) {
        for channel in channels {
            self.route(channel.relid(), None);
            channel.close();
        }
    }

    /// Lets the device look at the channel.
    pub(super) fn dispatch(&self, channel: &Arc<Channel>) {
        match &self.worker {
            None => channel.device_signalled(),
            Some(worker) => {
                if channel.schedule() {
                    // The worker lives as long as the server.
                    let _ = worker.send(Arc::clone(channel));
                }
            }
        }
    }

    fn signalled(&self, connection: u32, flag: u16) -> HvStatus {
        let relid = connection.wrapping_sub(self.config.event_connection);
        let channel = read_lock(&self.open).get(relid as usize).cloned();
        let Some(channel) = channel.filter(|_| relid != 0) else {
            self.violation(None, Fault::Connection(connection));
            return HvStatus::InvalidConnectionId;
        };
        let Some(channel) = channel else {
            return self.signalled_closed(relid);
        };
        if flag != 0 {
            self.violation(relid, Fault::EventFlag(flag));
            return HvStatus::InvalidParameter;
        }
        channel.count_signal(false);
        self.dispatch(&channel);
        HvStatus::Success
    }

    /// A signal may cross the rescind, but not come before the open or after the close.
    fn signalled_closed(&self, relid: u32) -> HvStatus {
        let crossed = self
            .lock_state()
            .offers
            .get(&relid)
            .is_some_and(|offer| offer.revoked);
        if !crossed {
            self.violation(relid, Fault::SignalWhileClosed);
        }
        HvStatus::InvalidConnectionId
    }
}

/// Starts the thread for [`IoMode::Thread`]; it ends with the sender.
fn start_worker() -> Sender<Arc<Channel>> {
    let (sender, receiver) = mpsc::channel::<Arc<Channel>>();
    thread::spawn(move || {
        receiver
            .iter()
            .for_each(|channel| channel.device_signalled())
    });
    sender
}

impl Guest for Server {
    fn on_post_message(&self, vp: u32, connection: u32, kind: u32, payload: &[u8]) -> HvStatus {
        count(&self.services.totals.messages_in);
        self.trace().message(Direction::In, vp, payload);
        if kind != 1 || payload.len() > wire::MAX_MESSAGE {
            self.violation(
                None,
                Fault::Malformed {
                    kind,
                    len: payload.len(),
                },
            );
            return HvStatus::InvalidParameter;
        }
        let status = self.on_message(vp, connection, payload);
        self.deliver();
        status
    }

    fn on_signal_event(&self, _vp: u32, connection: u32, flag: u16) -> HvStatus {
        self.signalled(connection, flag)
    }

    fn on_reset(&self) {
        let channels = {
            let mut state = self.lock_state();
            if state.connection.is_none() {
                return;
            }
            state.resets += 1;
            state.disconnect()
        };
        self.trace().note("reset");
        self.end(&channels);
        self.after_change();
    }
}

impl Server {
    /// To be called after channels were opened or closed, without the state's lock.
    pub(super) fn after_change(&self) {
        let state = self.lock_state();
        self.update_polling(&state);
        drop(state);
        self.deliver();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.poller.stop();
        let channels = self.lock_state().disconnect();
        self.end(&channels);
    }
}
