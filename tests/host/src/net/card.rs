// SPDX-License-Identifier: GPL-2.0

//! The card, as the VMBus server and as a test sees it. What it does with packets is in `service`,
//! `transmit` and `receive`.

use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::time::Duration;

use super::backend::{Backend, Frame};
use super::config::CardConfig;
use super::function::Function;
use super::nvsp::{self, CLASS, Version, kind};
use super::offload::Enabled;
use super::receive::{Group, Hook, ReceiveBuffer};
use super::rndis::{channel, indicate_status, status};
use super::rss::Rss;
use super::session::{Session, lock};
use super::stats::Stats;
use super::transmit::complete;
use super::violation::Violations;
use crate::vmbus::channel::{Channel, INBAND};
use crate::vmbus::device::{Device, Guid, Offer};

/// `chn_flags` of an offer: the guest is to enumerate the device.
const OFFER_ENUMERATE: u16 = 1;

/// A network card.
///
/// Give an `Arc` of it to the VMBus server as a [`Device`] and keep another to watch it and to
/// disturb the guest.
pub struct Card {
    pub(super) config: CardConfig,
    pub(super) session: Mutex<Session>,
    pub(super) violations: Violations,
    backend: Arc<dyn Backend>,
    function: Mutex<Weak<Function>>,
    /// Taken after each batch, so that none ends between a look and a wait.
    batches: Mutex<()>,
    batch_done: Condvar,
}

impl Card {
    /// A card with `backend` on the other end of its cable.
    pub fn new(config: CardConfig, backend: Arc<dyn Backend>) -> Arc<Self> {
        let card = Arc::new(Self {
            session: Mutex::new(Session::new(&config)),
            config,
            violations: Violations::default(),
            backend,
            function: Mutex::default(),
            batches: Mutex::default(),
            batch_done: Condvar::new(),
        });
        card.backend.attach(Arc::downgrade(&card));
        card
    }

    /// What the card was made to be like.
    pub fn config(&self) -> &CardConfig {
        &self.config
    }

    /// The instance, by which the server knows it.
    pub fn instance(&self) -> Guid {
        self.config.instance
    }

    /// The version agreed on.
    pub fn version(&self) -> Option<Version> {
        lock(&self.session).version
    }

    /// The capabilities that the guest told of.
    pub fn capabilities(&self) -> u64 {
        lock(&self.session).capabilities
    }

    /// The version of NDIS that the guest told of.
    pub fn ndis_version(&self) -> Option<(u32, u32)> {
        lock(&self.session).ndis
    }

    /// Whether the guest has initialized RNDIS, and not halted it since.
    pub fn is_initialized(&self) -> bool {
        lock(&self.session).initialized
    }

    /// The packet filter, 0 while the interface is down.
    pub fn filter(&self) -> u32 {
        lock(&self.session).filter
    }

    /// The address in use.
    pub fn mac(&self) -> [u8; 6] {
        lock(&self.session).mac
    }

    /// The MTU that the guest told of.
    pub fn mtu(&self) -> u32 {
        lock(&self.session).mtu
    }

    /// The offloads that the guest has switched on.
    pub fn enabled(&self) -> Enabled {
        lock(&self.session).enabled
    }

    /// The receive side scaling that the guest has set.
    pub fn rss(&self) -> Option<Rss> {
        lock(&self.session).rss.clone()
    }

    /// How many queues are open.
    pub fn open_queues(&self) -> usize {
        lock(&self.session).channels.iter().flatten().count()
    }

    /// Whether the guest's data take the way of a virtual function.
    pub fn vf_path(&self) -> bool {
        lock(&self.session).vf_path
    }

    /// The counters.
    pub fn stats(&self) -> Stats {
        lock(&self.session).stats.clone()
    }

    /// What the guest did that it may not do.
    pub fn violations(&self) -> &Violations {
        &self.violations
    }

    /// Plugs the cable in or out, and tells a guest that is there.
    pub fn set_link(&self, up: bool) {
        lock(&self.session).link = up;
        let connect = [status::MEDIA_DISCONNECT, status::MEDIA_CONNECT][usize::from(up)];
        self.control(indicate_status(connect, &[]));
    }

    /// Changes the speed, and tells a guest that is there; in Mbit/s.
    pub fn set_speed(&self, speed: u32) {
        lock(&self.session).speed = speed;
        let units = speed.saturating_mul(10_000);
        self.control(indicate_status(status::LINK_SPEED_CHANGE, &[units]));
    }

    /// Tells the guest that it is in another network now.
    pub fn change_network(&self) {
        self.control(indicate_status(status::NETWORK_CHANGE, &[]));
    }

    /// Tells the guest that a virtual function comes or goes. Returns whether it is there.
    pub fn associate_vf(&self, present: bool, serial: u32) -> bool {
        let message = nvsp::message(kind::SEND_VF_ASSOCIATION, &[present.into(), serial]);
        self.send(0, INBAND, 0, &message)
    }

    /// Says which function the card has.
    pub(super) fn set_function(&self, function: Weak<Function>) {
        *lock(&self.function) = function;
    }

    /// The function, if frames for the guest are to come that way.
    pub(super) fn chosen_function(&self) -> Option<Arc<Function>> {
        let function = lock(&self.function).upgrade();
        function.filter(|_| self.vf_path())
    }

    /// Puts frames on the wire.
    pub(super) fn to_wire(&self, frames: Vec<Frame>) {
        if !frames.is_empty() {
            self.backend.transmit(frames);
        }
    }

    /// Sends a packet that the guest did not ask for, of any content, on a queue's channel. Returns
    /// whether it is open.
    pub fn send(&self, queue: usize, kind: u16, transaction: u64, payload: &[u8]) -> bool {
        let channel = lock(&self.session).channels.get(queue).cloned().flatten();
        let Some(channel) = channel else {
            return false;
        };
        channel.send(kind, 0, transaction, payload);
        channel.flush();
        true
    }

    /// Sends an RNDIS control message to the guest, of any content.
    pub fn control(&self, message: Vec<u8>) {
        self.indicate(0, channel::CONTROL, vec![message]);
    }

    /// Sends RNDIS messages of any content through the receive buffer, in one packet.
    pub fn indicate(&self, queue: usize, channel: u32, messages: Vec<Vec<u8>>) {
        let mut session = lock(&self.session);
        session.enqueue(queue, Group::raw(channel, messages));
        session.push_all(self.config.max_ranges);
    }

    /// Sets or removes a hook that sees RNDIS messages before they enter the receive buffer, and may
    /// change them. It runs with the card's lock held: it must not call the card.
    pub fn set_hook(&self, hook: Option<Hook>) {
        lock(&self.session).hook = hook;
    }

    /// From now on nothing is taken from the guest's rings, until [`Card::resume`].
    pub fn pause(&self) {
        lock(&self.session).paused = true;
    }

    /// Takes what is in the rings, and goes on with that.
    pub fn resume(&self) {
        let channels = {
            let mut session = lock(&self.session);
            session.paused = false;
            session.channels.clone()
        };
        for channel in channels.into_iter().flatten() {
            channel.device_signalled();
        }
    }

    /// Overwrites bytes of the receive buffer, whatever is there. Returns whether there is one that long.
    pub fn scribble(&self, at: usize, bytes: &[u8]) -> bool {
        let session = lock(&self.session);
        let receive = session.receive.as_ref();
        receive.is_some_and(|receive| receive.scribble(at, bytes))
    }

    /// The sections of the receive buffer that the guest has now, by their place and length.
    pub fn sections_in_use(&self) -> Vec<(usize, usize)> {
        let session = lock(&self.session);
        session
            .receive
            .as_ref()
            .map_or_else(Vec::new, ReceiveBuffer::in_use)
    }

    /// From now on the guest's packets are taken, and not completed before [`Card::release`].
    pub fn hold(&self) {
        lock(&self.session).held.get_or_insert_default();
    }

    /// Completes what was held back, and holds back no more. Returns how many there were.
    pub fn release(&self) -> usize {
        let held = lock(&self.session).take_held();
        for it in &held {
            complete(&it.channel, it.transaction, it.status);
            it.channel.flush();
        }
        held.len()
    }

    /// How many completions are held back.
    pub fn held(&self) -> usize {
        lock(&self.session).held.as_ref().map_or(0, Vec::len)
    }

    /// Waits until `condition` holds or `timeout` has passed; returns whether it holds. It is
    /// looked at after every batch of packets.
    pub fn wait_for(&self, condition: impl Fn(&Self) -> bool, timeout: Duration) -> bool {
        let batches = lock(&self.batches);
        let (_batches, waited) = self
            .batch_done
            .wait_timeout_while(batches, timeout, |()| !condition(self))
            .unwrap_or_else(PoisonError::into_inner);
        !waited.timed_out()
    }

    pub(super) fn end_batch(&self) {
        drop(lock(&self.batches));
        self.batch_done.notify_all();
    }
}

impl Device for Card {
    fn offer(&self) -> Offer {
        Offer {
            class: CLASS,
            instance: self.config.instance,
            flags: OFFER_ENUMERATE,
            user_defined: [0; 120],
            monitored: false,
        }
    }

    fn opened(&self, channel: &Arc<Channel>, _user_data: &[u8]) -> u32 {
        let index = usize::from(channel.subchannel_index());
        let mut session = lock(&self.session);
        if index == 0 {
            session.restart(&self.config);
        }
        if let Some(place) = session.channels.get_mut(index) {
            *place = Some(Arc::clone(channel));
        }
        self.send_table(&session, index);
        0
    }

    fn signalled(&self, channel: &Arc<Channel>) {
        if lock(&self.session).paused {
            return;
        }
        let mut wire: Vec<Frame> = Vec::new();
        while let Some(packet) = channel.receive() {
            self.handle(channel, &packet, &mut wire);
        }
        lock(&self.session).push_all(self.config.max_ranges);
        channel.flush();
        self.to_wire(wire);
        self.end_batch();
    }

    fn closed(&self, channel: &Arc<Channel>) {
        let index = usize::from(channel.subchannel_index());
        let mut session = lock(&self.session);
        // The card may have been offered and opened once more meanwhile.
        if let Some(place) = session.channels.get_mut(index)
            && place.as_ref().is_some_and(|it| Arc::ptr_eq(it, channel))
        {
            *place = None;
            if index == 0 {
                session.restart(&self.config);
            }
        }
        drop(session);
        self.end_batch();
    }

    /// The C driver waits without limit for the completion of what it has sent.
    fn lingers(&self) -> bool {
        true
    }

    fn violations(&self) -> Vec<String> {
        let first = self.violations.first();
        first.iter().map(ToString::to_string).collect()
    }
}
