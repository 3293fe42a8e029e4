// SPDX-License-Identifier: GPL-2.0

//! What is heard of devices of other drivers, and the card that one belongs to.

use super::super::{
    adapter::Adapter,
    net::{
        log::netdev_notice,
        notifier::{
            Event,
            Watcher, //
        },
        rtnl::Held,
        AnyDevice,
        Lower, //
    },
    ops::Network,
};
use kernel::{
    prelude::*,
    sync::Arc, //
};

impl Watcher for Network {
    fn event(device: &AnyDevice, event: Event, held: Held<'_>) {
        if let Some((_, card)) = device.as_driven_by::<Self>(held) {
            if event == Event::Registered {
                // It may be in another namespace now, where its function is to be, too.
                Arc::from(card).follow_function();
            }
            return;
        }
        match event {
            Event::Initialised if card_of(device, held).is_some() => device.mark_lower(held),
            Event::Initialised => (),
            Event::Registered => match card_of(device, held) {
                Some(card) => card.take_function(device, held),
                None => say_that_nobody_wants(device, held),
            },
            Event::Unregistered => with_card_above(device, held, |card| card.let_go(held)),
            Event::GoingDown => with_card_above(device, held, |card| card.leave_function(held)),
            Event::Up | Event::Down | Event::Changed => {
                with_card_above(device, held, |card| card.choose_path(held));
            }
        }
    }
}

/// The first of the cards that `is_it` says so of.
fn find_card(mut is_it: impl FnMut(&Adapter) -> bool, held: Held<'_>) -> Option<Arc<Adapter>> {
    let mut found = None;
    AnyDevice::find(
        |device| {
            let card = device.as_driven_by::<Network>(held).map(|(_, card)| card);
            found = card.filter(|card| is_it(card)).map(Arc::from);
            found.is_some()
        },
        held,
    )?;
    found
}

fn with_card_above(device: &AnyDevice, held: Held<'_>, tell: impl FnOnce(&Adapter)) {
    if let Some(lower) = Lower::<Adapter>::of(device, held) {
        tell(lower.receiver());
    }
}

/// The card whose function a device is: the host called it by the number of the device's PCI slot
/// when it said that there is one, and both have one address. The address alone is enough, as no two
/// cards of a guest have the same.
pub(super) fn card_of(device: &AnyDevice, held: Held<'_>) -> Option<Arc<Adapter>> {
    if !device.is_plain_ethernet() || device.as_driven_by::<Network>(held).is_some() {
        return None;
    }
    let serial = device.pci_slot(held).ok()?;
    let permanent = device.permanent_address();
    // Devices have no permanent address yet when they are initialised.
    let current = device.address(held);
    let has_address = |card: &Adapter| {
        let wanted = card.net.permanent_address();
        permanent == wanted || current == wanted
    };
    find_card(
        |card| card.function.association.is(serial) && has_address(card),
        held,
    )
    .or_else(|| find_card(has_address, held))
}

fn say_that_nobody_wants(device: &AnyDevice, held: Held<'_>) {
    if !device.is_plain_ethernet() {
        return;
    }
    match device.pci_slot(held) {
        Ok(serial) => netdev_notice!(device, "no netdev found for vf serial:{}\n", serial),
        Err(error) if error == ENOENT => netdev_notice!(device, "no PCI slot information\n"),
        Err(error) if error == ENODEV => (),
        Err(_) => netdev_notice!(device, "Invalid vf serial\n"),
    }
}
