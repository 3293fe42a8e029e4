// SPDX-License-Identifier: GPL-2.0

//! The engine: who is attacked, and the thread that does it.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::bus::Messages;
use super::plan::{Plan, Target};
use super::random::Random;
use super::rndis::Indications;
use super::tally::{Counts, Tally, add};
use super::victim::{Part, Victim};
use crate::ic::{Link, Pulse};
use crate::net::Card;
use crate::scsi::Controller;
use crate::vmbus::server::Server;
use crate::vmbus::sync::lock;
use crate::vmbus::wire::MAX_RELIDS;

/// How long the engine rests between two bursts.
const REST: Duration = Duration::from_millis(1);
/// Of this time...
const ROUND: Duration = Duration::from_millis(1500);
/// ...so much is for bursts. In the rest honest packets are in the majority, and get drivers into deeper
/// states.
const WILD: Duration = Duration::from_millis(1100);
/// One beat in so many signals a channel without a reason.
const SIGNAL_EVERY: u32 = 16;

/// The devices whose drivers are attacked. All of them are on the bus already.
#[derive(Clone, Default)]
pub struct Victims {
    /// A SCSI controller.
    pub controller: Option<Arc<Controller>>,
    /// A network card.
    pub card: Option<Arc<Card>>,
    /// Utility services.
    pub links: Vec<Arc<Link>>,
}

/// An attack that goes on until this is dropped.
pub struct Engine {
    plan: Plan,
    counts: Arc<Counts>,
    complaint: Arc<Mutex<Option<String>>>,
    attack: Arc<Mutex<Attack>>,
    pulse: Option<Pulse>,
}

impl Engine {
    /// Begins.
    pub fn start(plan: Plan, server: &Arc<Server>, victims: &Victims) -> Self {
        let counts = Arc::<Counts>::default();
        let complaint = Arc::<Mutex<Option<String>>>::default();
        let attack = Attack::new(&plan, server, victims, &counts);
        let attack = Arc::new(Mutex::new(attack));
        let (place, theirs) = (Arc::clone(&complaint), Arc::clone(&attack));
        let pulse = Pulse::every(REST, move || {
            if let Err(what) = lock(&theirs).beat() {
                *lock(&place) = Some(what);
            }
        });
        Self {
            plan,
            counts,
            complaint,
            attack,
            pulse: Some(pulse),
        }
    }

    /// Ends the attack: the devices are taken away once more, and offered by a host that is in its
    /// right mind.
    ///
    /// # Errors
    ///
    /// In words, where the guest does not let go of a device.
    pub fn stop(mut self) -> Result<(), String> {
        self.pulse = None;
        let mut attack = lock(&self.attack);
        attack.unhook();
        attack.renew()
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What was done so far.
    pub fn tally(&self) -> Tally {
        self.counts.tally()
    }

    /// The last changes in words, oldest first.
    pub fn last(&self) -> Vec<String> {
        self.counts.last()
    }

    /// What the guest fails to do although it must, whatever the host does.
    pub fn complaint(&self) -> Option<String> {
        lock(&self.complaint).clone()
    }
}

/// What the thread does.
struct Attack {
    server: Arc<Server>,
    victims: Vec<Victim>,
    messages: Option<Arc<Mutex<Messages>>>,
    counts: Arc<Counts>,
    random: Random,
    round: Instant,
}

impl Attack {
    fn new(plan: &Plan, server: &Arc<Server>, of: &Victims, counts: &Arc<Counts>) -> Self {
        let messages = plan
            .has(Target::Bus)
            .then(|| Arc::new(Mutex::new(Messages::new(plan, counts))));
        if let Some(messages) = messages.clone() {
            server.set_message_tamper(Some(Box::new(move |it| lock(&messages).meet(it))));
        }
        let victims = victims(plan, of, counts);
        victims.iter().for_each(|victim| victim.hook(server));
        Self {
            server: Arc::clone(server),
            victims,
            messages,
            counts: Arc::clone(counts),
            random: Random::stream(plan.seed, 99),
            round: Instant::now(),
        }
    }

    fn beat(&mut self) -> Result<(), String> {
        if self.round.elapsed() > ROUND {
            self.round = Instant::now();
        }
        let calm = self.round.elapsed() > WILD;
        let status = self.server.status();
        for victim in &mut self.victims {
            victim.beat(&self.server, &status, calm, &self.counts)?;
        }
        if calm || !status.offers_requested {
            return Ok(());
        }
        if let Some(messages) = &self.messages {
            lock(messages).burst(&self.server, &status);
        }
        if self.random.one_in(SIGNAL_EVERY) {
            let vp = self.random.below(self.server.processors() as usize) as u32;
            let relid = match self.random.pick(&status.channels) {
                Some(channel) if self.random.one_in(2) => channel.relid,
                _ => self.random.below(MAX_RELIDS as usize) as u32,
            };
            self.server.inject_signal(vp, relid);
            add(&self.counts.signals);
        }
        Ok(())
    }
}

impl Attack {
    fn unhook(&self) {
        self.server.set_message_tamper(None);
        for victim in &self.victims {
            victim.unhook(&self.server);
        }
    }

    fn renew(&mut self) -> Result<(), String> {
        for victim in &self.victims {
            self.server.remove_device(victim.instance);
        }
        let mut victims = self.victims.iter_mut();
        victims.try_for_each(|victim| victim.renew(&self.server))
    }
}

impl Drop for Attack {
    fn drop(&mut self) {
        self.unhook();
    }
}

/// The devices that `plan` wants attacked; each has numbers of its own for its streams.
fn victims(plan: &Plan, of: &Victims, counts: &Arc<Counts>) -> Vec<Victim> {
    let mut victims = Vec::new();
    let controller = of.controller.as_ref().filter(|_| plan.has(Target::Storage));
    if let Some(controller) = controller {
        let part = Part::Controller(Arc::clone(controller));
        let what = (Target::Storage, part);
        victims.push(Victim::new(controller.clone(), what, 1, plan, counts));
    }
    if let Some(card) = of.card.as_ref().filter(|_| plan.has(Target::Network)) {
        let indications = Indications::new(3, plan, counts);
        let part = Part::Card(Arc::clone(card), Arc::new(Mutex::new(indications)));
        victims.push(Victim::new(
            card.clone(),
            (Target::Network, part),
            2,
            plan,
            counts,
        ));
    }
    let links = of.links.iter().filter(|_| plan.has(Target::Utilities));
    for (link, stream) in links.zip(10..) {
        let what = (Target::Utilities, Part::Service);
        victims.push(Victim::new(link.clone(), what, stream, plan, counts));
    }
    let others = victims.len().saturating_sub(1);
    victims.iter_mut().for_each(|victim| victim.share(others));
    victims
}
