// SPDX-License-Identifier: GPL-2.0

//! What happens to network devices of other drivers.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)

use super::{
    any::AnyDevice,
    rtnl::Held, //
};
use core::marker::PhantomData;
use kernel::{
    error::to_result,
    prelude::*,
    types::Opaque, //
};
use vmbus::bindings;

/// What happened to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Its driver has initialised it; nobody sees it yet.
    Initialised,
    /// It was registered, or moved to another namespace.
    Registered,
    /// It is being unregistered, or moved to another namespace.
    Unregistered,
    /// It is up.
    Up,
    /// It is about to go down.
    GoingDown,
    /// It is down.
    Down,
    /// Its carrier came or went, or its flags changed.
    Changed,
}

impl Event {
    fn from_raw(raw: c_ulong) -> Option<Self> {
        Some(match u32::try_from(raw).ok()? {
            bindings::netdev_cmd_NETDEV_POST_INIT => Self::Initialised,
            bindings::netdev_cmd_NETDEV_REGISTER => Self::Registered,
            bindings::netdev_cmd_NETDEV_UNREGISTER => Self::Unregistered,
            bindings::netdev_cmd_NETDEV_UP => Self::Up,
            bindings::netdev_cmd_NETDEV_GOING_DOWN => Self::GoingDown,
            bindings::netdev_cmd_NETDEV_DOWN => Self::Down,
            bindings::netdev_cmd_NETDEV_CHANGE => Self::Changed,
            _ => return None,
        })
    }
}

/// Who wants to know.
pub(crate) trait Watcher: 'static {
    /// Something happened to a device. Its own lock may be held.
    fn event(device: &AnyDevice, event: Event, held: Held<'_>);
}

/// A watcher that is told of all events until this is dropped.
///
/// At the beginning it is as if all devices came, and went up where they are; at the end, as if
/// they went.
pub(crate) struct Watch<W> {
    block: Pin<KBox<Opaque<bindings::notifier_block>>>,
    _watcher: PhantomData<W>,
}

// SAFETY: A watch may be ended by any thread.
unsafe impl<W> Send for Watch<W> {}
// SAFETY: A shared reference allows nothing.
unsafe impl<W> Sync for Watch<W> {}

impl<W: Watcher> Watch<W> {
    /// Begins to watch. The RTNL must not be held.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new() -> Result<Self> {
        let mut block: bindings::notifier_block = pin_init::zeroed();
        block.notifier_call = Some(Self::notify);
        let block = KBox::pin(Opaque::new(block), GFP_KERNEL)?;
        // SAFETY: The block stays where it is until it is unregistered.
        to_result(unsafe { bindings::register_netdevice_notifier(block.get()) })?;
        Ok(Self {
            block,
            _watcher: PhantomData,
        })
    }

    /// # Safety
    ///
    /// As called for an event of a network device.
    unsafe extern "C" fn notify(
        _: *mut bindings::notifier_block,
        event: c_ulong,
        info: *mut c_void,
    ) -> c_int {
        if let Some(event) = Event::from_raw(event) {
            let info = info.cast::<bindings::netdev_notifier_info>();
            // SAFETY: By the safety requirements.
            let device = unsafe { AnyDevice::from_raw((*info).dev) };
            // SAFETY: These events come with the RTNL held.
            W::event(device, event, unsafe { Held::assume() });
        }
        // CAST: A small constant.
        bindings::NOTIFY_DONE as c_int
    }
}

impl<W> Drop for Watch<W> {
    fn drop(&mut self) {
        // SAFETY: It was registered when this was made.
        unsafe { bindings::unregister_netdevice_notifier(self.block.get()) };
    }
}
