// SPDX-License-Identifier: GPL-2.0

//! The engine against a guest in memory.

use std::sync::Arc;
use std::time::Duration;

use super::{Engine, Plan, Target, Victims};
use crate::ic::Services;
use crate::vmbus::ring::Field;
use crate::vmbus::server::ServerConfig;
use crate::vmbus::status::Status;
use crate::vmbus::testing::FakeGuest;

const SOON: Duration = Duration::from_secs(20);

/// A service whose channel is open, and an attack on it that spoils only what `plan` says.
#[test]
fn bursts_reach_the_guest_and_the_device_comes_back_sane() {
    let mut guest = FakeGuest::new(ServerConfig::default());
    let services = Services::new();
    let link = services.heartbeat.link();
    guest.server().add_device(Arc::clone(link) as _);
    let offers = guest.connect_and_request_offers();
    let plan = Plan {
        replace: 0,
        beside: 0,
        life: 0,
        targets: vec![Target::Utilities],
        ..Plan::new(3)
    };
    let victims = Victims {
        links: vec![Arc::clone(link)],
        ..Victims::default()
    };
    let engine = Engine::start(plan, guest.server(), &victims);
    let channel = guest.open(&offers[0]).expect("the device accepts");
    // What is spoilt is made of the negotiation. The guest throws everything away.
    let flag = channel.relid as u16;
    while engine.tally().spoilt(Target::Utilities) < 50 {
        let signalled = guest.hypervisor().take_event(flag, SOON);
        signalled.expect("a signal about what is in the ring");
        let write = channel.incoming.get(Field::WriteIndex);
        channel.incoming.set(Field::ReadIndex, write);
    }
    assert!(engine.tally().spoilt(Target::Utilities) >= 50);
    assert_eq!(engine.tally().spoilt(Target::Bus), 0);
    assert!(!engine.last().is_empty() && engine.complaint().is_none());

    let server = Arc::clone(guest.server());
    let relid = offers[0].relid;
    let stopping = std::thread::spawn(move || engine.stop());
    let rescinded = |status: &Status| {
        status.channel(offers[0].instance, 0).is_none() && status.holds_relid(relid)
    };
    assert!(server.wait_for(rescinded, SOON));
    guest.release(relid);
    assert_eq!(stopping.join().expect("no panic"), Ok(()));
    assert!(server.wait_for(|status| status.channel(link.instance(), 0).is_some(), SOON));
}
