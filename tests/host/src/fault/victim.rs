// SPDX-License-Identifier: GPL-2.0

//! A device whose driver is under attack, and its lives: offered, open, taken away, offered again.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::burst;
use super::packet::Ids;
use super::plan::{Plan, Target};
use super::random::Random;
use super::rndis::Indications;
use super::stream::Packets;
use super::tally::{Counts, add};
use crate::net::Card;
use crate::scsi::Controller;
use crate::vmbus::device::{Device, Guid};
use crate::vmbus::server::Server;
use crate::vmbus::status::{ChannelPhase, Status};
use crate::vmbus::sync::lock;

/// How long a driver has to open its device before that is taken away.
const OPEN_LIMIT: Duration = Duration::from_secs(20);
/// How long a guest has to let go of a device, under emulation, while its processors are busy.
const RELEASE_LIMIT: Duration = Duration::from_secs(300);
/// How long packets may lie in a ring before the driver counts as having given up.
const STUCK_LIMIT: Duration = Duration::from_secs(3);
/// How many times as long as the guest took for a burst it is left alone after it, at most: no
/// processor is a match for a host that never stops.
const MAX_REST: u32 = 5;
/// How long a controller is treated with care, so that its disks are found.
const CAREFUL: Duration = Duration::from_secs(2);
/// How long after that requests that were made before may still be under way.
const SETTLE: Duration = Duration::from_millis(200);

/// What is particular about a device.
pub(super) enum Part {
    Controller(Arc<Controller>),
    Card(Arc<Card>, Arc<Mutex<Indications>>),
    Service,
}

/// Where in its life a device is.
enum Phase {
    Offered(Instant),
    Open {
        since: Instant,
        /// The relid, and how often it was opened.
        name: (u32, u32),
        bursts: u32,
        /// Since when there has been something to read.
        undrained: Option<Instant>,
        /// Until when the guest is left alone.
        rest: Instant,
    },
    Leaving(Instant),
}

/// See the module.
pub(super) struct Victim {
    device: Arc<dyn Device>,
    pub(super) instance: Guid,
    pub(super) packets: Arc<Mutex<Packets>>,
    pub(super) part: Part,
    phase: Phase,
    /// Whether the controller does not move data any more.
    aloof: bool,
    life: u32,
    /// How many times as long as the guest took for a burst it is left alone after it.
    rest: u32,
    random: Random,
}

impl Victim {
    pub(super) fn new(
        device: Arc<dyn Device>,
        (target, part): (Target, Part),
        stream: u64,
        plan: &Plan,
        counts: &Arc<Counts>,
    ) -> Self {
        Self {
            instance: device.offer().instance,
            device,
            packets: Arc::new(Mutex::new(Packets::new(target, stream, plan, counts))),
            part,
            phase: Phase::Offered(Instant::now()),
            aloof: false,
            life: plan.life,
            rest: MAX_REST,
            random: Random::stream(plan.seed, stream + 0x100),
        }
    }

    /// Shares the guest's time with `others` that have bursts too.
    pub(super) fn share(&mut self, others: usize) {
        self.rest = (1 + others as u32).min(MAX_REST);
    }

    /// Has the device's packets spoilt from now on.
    pub(super) fn hook(&self, server: &Server) {
        let packets = Arc::clone(&self.packets);
        server.set_tamper(
            self.instance,
            Some(Box::new(move |packet| lock(&packets).meet(packet))),
        );
        if let Part::Card(card, indications) = &self.part {
            let indications = Arc::clone(indications);
            card.set_hook(Some(Box::new(move |it| lock(&indications).meet(it))));
        }
    }

    /// Leaves the device alone again.
    pub(super) fn unhook(&self, server: &Server) {
        server.set_tamper(self.instance, None);
        self.be_careful();
        if let Part::Card(card, _) = &self.part {
            card.set_hook(None);
        }
    }

    /// One look at the device, and something bad done to it unless this is a `calm` moment. An error
    /// says that the guest does not let go of it.
    pub(super) fn beat(
        &mut self,
        server: &Server,
        status: &Status,
        calm: bool,
        counts: &Counts,
    ) -> Result<(), String> {
        match self.phase {
            Phase::Leaving(since) => return self.leaving(server, status, since),
            // Nobody is there: time does not count.
            _ if !status.offers_requested => self.phase = Phase::Offered(Instant::now()),
            Phase::Offered(since) => match self.name(status) {
                // Without data no disk is found.
                Some(_) if self.aloof => self.take_away(server, counts),
                Some(name) => self.begin(name),
                None if since.elapsed() > OPEN_LIMIT => self.take_away(server, counts),
                None => {}
            },
            Phase::Open { name, .. } => match self.name(status) {
                Some(now) if now == name => self.open(server, calm, counts),
                Some(_) => self.phase = Phase::Offered(Instant::now()),
                // Whoever believed a forged rescind has released the relid.
                None => self.take_away(server, counts),
            },
        }
        Ok(())
    }

    fn name(&self, status: &Status) -> Option<(u32, u32)> {
        let channel = status.channel(self.instance, 0)?;
        (channel.phase == ChannelPhase::Open).then_some((channel.relid, channel.opens))
    }

    fn begin(&mut self, name: (u32, u32)) {
        self.be_careful();
        self.phase = Phase::Open {
            since: Instant::now(),
            name,
            bursts: 0,
            undrained: None,
            rest: Instant::now(),
        };
    }

    fn open(&mut self, server: &Server, calm: bool, counts: &Counts) {
        let index = self.random.below(3) as u16;
        let channel = server.channel(self.instance, index);
        let Some(channel) = channel.or_else(|| server.channel(self.instance, 0)) else {
            return;
        };
        let Phase::Open {
            since,
            bursts,
            undrained,
            rest,
            ..
        } = &mut self.phase
        else {
            return;
        };
        let since = *since;
        if burst::is_drained(&channel) {
            let took = undrained.take().map(|since| since.elapsed());
            *rest = (*rest).max(Instant::now() + took.unwrap_or_default() * self.rest);
        } else if undrained.get_or_insert_with(Instant::now).elapsed() > STUCK_LIMIT {
            return self.take_away(server, counts);
        }
        if channel.is_broken() {
            return self.take_away(server, counts);
        }
        if !calm && undrained.is_none() && Instant::now() >= *rest {
            *bursts += 1;
            if *bursts > 1 && self.random.one_in(self.life) {
                return self.take_away(server, counts);
            }
            *undrained = Some(Instant::now());
            self.advance(since);
            burst::send(self, &channel, counts);
        }
    }

    /// Gives up care once the disks should be there. The data stop moving first.
    fn advance(&mut self, since: Instant) {
        let age = since.elapsed();
        if let Part::Controller(controller) = &self.part {
            if age < CAREFUL {
                return;
            }
            controller.keep_off(true);
            self.aloof = true;
            if age < CAREFUL + SETTLE {
                return;
            }
        }
        lock(&self.packets).ids = Ids::Any;
    }

    /// The reverse. A controller moves data again only when it is offered the next time.
    fn be_careful(&self) {
        lock(&self.packets).ids = Ids::Nobodys;
    }

    fn take_away(&mut self, server: &Server, counts: &Counts) {
        add(&counts.cycles);
        self.be_careful();
        server.remove_device(self.instance);
        self.phase = Phase::Leaving(Instant::now());
    }

    fn leaving(&mut self, server: &Server, status: &Status, since: Instant) -> Result<(), String> {
        if !self.is_released(status) {
            return match since.elapsed() > RELEASE_LIMIT {
                true => Err(self.complaint(status)),
                false => Ok(()),
            };
        }
        self.offer(server);
        self.hook(server);
        Ok(())
    }

    /// Offers a device again that was taken away, once the guest has let go of it.
    pub(super) fn renew(&mut self, server: &Server) -> Result<(), String> {
        if !server.wait_for(|status| self.is_released(status), RELEASE_LIMIT) {
            return Err(self.complaint(&server.status()));
        }
        self.offer(server);
        Ok(())
    }

    fn is_released(&self, status: &Status) -> bool {
        let mut channels = status.channels.iter();
        channels.all(|channel| channel.instance != self.instance)
    }

    fn complaint(&self, status: &Status) -> String {
        let channels = status.channels.iter();
        let held: Vec<_> = channels
            .filter(|channel| channel.instance == self.instance)
            .collect();
        format!("the guest does not let go of {held:?}")
    }

    fn offer(&mut self, server: &Server) {
        if let Part::Controller(controller) = &self.part {
            controller.keep_off(false);
            self.aloof = false;
        }
        server.add_device(Arc::clone(&self.device));
        self.phase = Phase::Offered(Instant::now());
    }
}

impl Counts {
    /// Counts a write into memory that the guest may be reading.
    pub(super) fn scribbled(&self) {
        self.memory.fetch_add(1, Ordering::Relaxed);
    }
}
