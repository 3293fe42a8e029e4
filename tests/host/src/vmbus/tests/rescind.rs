// SPDX-License-Identifier: GPL-2.0

//! Taking devices away, in each state, and offering them again.

use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Barrier, mpsc};

use super::*;
use crate::vmbus::device::{Device, Offer};
use crate::vmbus::status::ChannelPhase;
use crate::vmbus::violation::Fault;
use crate::vmbus::wire::{self, kind};

#[test]
fn before_the_contact() {
    let mut guest = FakeGuest::new(ServerConfig::default());
    guest.server().add_device(EchoDevice::new(1));
    assert!(guest.server().remove_device(EchoDevice::instance(1)));
    assert!(!guest.server().remove_device(EchoDevice::instance(1)));
    assert!(guest.connect_and_request_offers().is_empty());
}

#[test]
fn while_offered() {
    let (mut guest, device, offer) = guest_with_device(ServerConfig::default());
    guest.server().remove_device(offer.instance);
    assert!(guest.wait_rescind(offer.relid));
    assert!(guest.server().status().holds_relid(offer.relid));
    guest.open(&offer).unwrap_err();
    guest.release(offer.relid);
    let server = Arc::clone(guest.server());
    assert!(server.wait_for(|status| !status.holds_relid(offer.relid), SOON));
    assert_eq!(device.closed.load(SeqCst), 0);
    assert_clean(&guest);
}

#[test]
fn while_open_and_again() {
    let (mut guest, device, mut offer) = guest_with_device(ServerConfig::default());
    for round in 1..=50 {
        let channel = guest.open(&offer).unwrap();
        ping(&guest, &channel, round);
        assert!(guest.server().remove_device(offer.instance));
        assert_eq!(device.closed.load(SeqCst), round);
        assert!(guest.wait_rescind(offer.relid));
        // Linux closes a rescinded channel, and may or may not end the sharing.
        if round % 2 == 0 {
            guest.close(&channel);
        }
        assert!(guest.server().add_device(Arc::clone(&device) as _));
        let next = guest.next_offer().unwrap();
        assert_ne!(next.relid, offer.relid);
        let phases: Vec<_> = guest
            .server()
            .status()
            .channels
            .iter()
            .map(|channel| channel.phase)
            .collect();
        assert!(phases.contains(&ChannelPhase::Rescinded));
        guest.release(offer.relid);
        offer = next;
    }
    assert_eq!(guest.server().status().gpadls, 0);
    assert_eq!(guest.server().status().channels.len(), 1);
    assert_clean(&guest);
}

#[test]
fn rapidly_without_the_guest_answering() {
    let (mut guest, device, first) = guest_with_device(ServerConfig::default());
    guest.server().remove_device(first.instance);
    let mut relids = vec![first.relid];
    for _ in 0..100 {
        guest.server().add_device(Arc::clone(&device) as _);
        guest.server().remove_device(first.instance);
        relids.push(guest.next_offer().unwrap().relid);
    }
    for relid in relids {
        assert!(guest.wait_rescind(relid));
        guest.release(relid);
    }
    assert!(guest.server().status().channels.is_empty());
    assert_clean(&guest);
}

#[test]
fn with_subchannels() {
    let (mut guest, device, offer) = guest_with_device(ServerConfig::default());
    guest.open(&offer).unwrap();
    host_channel(&guest).offer_subchannels(2);
    let subs = [guest.next_offer().unwrap(), guest.next_offer().unwrap()];
    guest.open(&subs[0]).unwrap();
    guest.server().remove_device(offer.instance);
    assert_eq!(device.closed.load(SeqCst), 2);
    for relid in [subs[1].relid, subs[0].relid, offer.relid] {
        let rescind: wire::Relid = guest.wait_message(kind::RESCIND_OFFER).unwrap();
        assert_eq!(rescind.relid.get(), relid, "sub-channels go first");
    }
    assert_clean(&guest);
}

/// A device whose open waits until the test lets it go on.
struct SlowDevice {
    entered: mpsc::SyncSender<()>,
    leave: Barrier,
    echo: Arc<EchoDevice>,
}

impl Device for SlowDevice {
    fn offer(&self) -> Offer {
        self.echo.offer()
    }

    fn opened(&self, channel: &Arc<Channel>, user_data: &[u8]) -> u32 {
        self.entered.send(()).unwrap();
        self.leave.wait();
        self.echo.opened(channel, user_data)
    }

    fn signalled(&self, channel: &Arc<Channel>) {
        self.echo.signalled(channel);
    }

    fn closed(&self, channel: &Arc<Channel>) {
        self.echo.closed(channel);
    }
}

#[test]
fn while_opening() {
    let (entered, wait_entered) = mpsc::sync_channel(0);
    let echo = EchoDevice::new(1);
    let device = Arc::new(SlowDevice {
        entered,
        leave: Barrier::new(2),
        echo: Arc::clone(&echo),
    });
    let mut guest = FakeGuest::new(ServerConfig::default());
    guest.server().add_device(Arc::clone(&device) as _);
    let offer = guest.connect_and_request_offers()[0];
    let server = Arc::clone(guest.server());

    std::thread::scope(|scope| {
        let opener = scope.spawn(|| guest.open(&offer).map(|_| ()));
        wait_entered.recv().unwrap();
        let remover = scope.spawn(|| server.remove_device(offer.instance));
        let rescinded = |phase| phase == ChannelPhase::Rescinded;
        assert!(
            server.wait_for(
                |it| it.channels.iter().all(|it| rescinded(it.phase)),
                BRIEFLY
            ) || server
                .status()
                .channels
                .iter()
                .all(|it| rescinded(it.phase))
        );
        device.leave.wait();
        opener.join().unwrap().unwrap_err();
        assert!(remover.join().unwrap());
    });
    assert_eq!(echo.opened.load(SeqCst), 1);
    assert_eq!(echo.closed.load(SeqCst), 1);
    assert!(guest.wait_rescind(offer.relid));
    guest.release(offer.relid);
    assert!(guest.server().status().channels.is_empty());
    assert_clean(&guest);
}

#[test]
fn the_client_may_release_an_offer_it_does_not_want() {
    let (guest, _, offer) = guest_with_device(ServerConfig::default());
    guest.release(offer.relid);
    assert!(guest.server().status().channels.is_empty());
    assert_clean(&guest);
}

#[test]
fn releasing_is_checked() {
    let (mut guest, device, offer) = guest_with_device(ServerConfig::default());
    guest.release(77);
    guest.open(&offer).unwrap();
    guest.release(offer.relid);
    assert_eq!(device.closed.load(SeqCst), 1);
    let faults: Vec<_> = guest
        .server()
        .violations()
        .into_iter()
        .map(|it| it.fault)
        .collect();
    assert_eq!(
        faults,
        [
            Fault::UnknownRelid(kind::RELID_RELEASED),
            Fault::ReleasedWhileOpen
        ]
    );
}

#[test]
fn relids_run_out() {
    let (mut guest, device, first) = guest_with_device(ServerConfig::default());
    for _ in 1..2047 {
        guest.server().remove_device(first.instance);
        guest.server().add_device(Arc::clone(&device) as _);
    }
    let full = guest.server().status().channels.len();
    guest.server().remove_device(first.instance);
    guest.server().add_device(Arc::clone(&device) as _);
    assert_eq!((full, guest.server().status().channels.len()), (2047, 2047));
    while guest.has_message(kind::OFFER_CHANNEL) {
        assert!((1..2048).contains(&guest.next_offer().unwrap().relid));
    }
}
