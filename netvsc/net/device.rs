// SPDX-License-Identifier: GPL-2.0

//! A network device, as anyone may hold it.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)

use super::{
    any::AnyDevice,
    ops::RxMode,
    queue::TxQueue,
    rtnl::Held, //
};
use core::{
    mem::offset_of,
    ops::Deref,
    ptr::NonNull, //
};
use kernel::{
    device,
    error::to_result,
    prelude::*,
    sync::{
        aref::{
            ARef,
            AlwaysRefCounted, //
        },
        atomic::{
            Relaxed, //
        },
        rcu,
        Refcount, //
    },
    types::Opaque, //
};
use vmbus::bindings;
use vmbus::sync::Atomic;

/// An Ethernet address.
pub(crate) type MacAddress = [u8; 6];

/// What this abstraction keeps in every device, ahead of what depends on the driver.
pub(super) struct Common {
    /// The [`ARef`]s to the device, whose memory is freed with the last of them.
    references: Refcount,
    /// Whether the device is about to be or is registered, and not being taken away. Changed to
    /// false one RCU grace period before the device is taken away.
    alive: Atomic<bool>,
    message_level: Atomic<u32>,
    /// How many statistics there were when somebody asked last. Under the RTNL.
    statistics: Atomic<u32>,
    /// How many entries the table has that spreads received packets over the queues. Under the
    /// RTNL.
    rss_table_len: Atomic<u32>,
    /// The parent, which `struct net_device` refers to beyond the device's removal.
    _parent: ARef<device::Device>,
}

impl Common {
    pub(super) fn new(parent: ARef<device::Device>) -> Self {
        Self {
            references: Refcount::new(1),
            alive: Atomic::new(true),
            message_level: Atomic::new(0),
            statistics: Atomic::new(0),
            rss_table_len: Atomic::new(0),
            _parent: parent,
        }
    }
}

/// `struct net_device`, allocated by [`NewDevice`](super::NewDevice) and reference counted.
///
/// Methods that change the configuration want to see that the [RTNL](super::rtnl) is held. All may
/// be called before the device is registered and after it was unregistered; they have no effect
/// then where there is nothing to be done.
#[repr(transparent)]
pub(crate) struct Device(Opaque<bindings::net_device>);

// SAFETY: All methods may be called from any thread.
unsafe impl Send for Device {}
// SAFETY: As above.
unsafe impl Sync for Device {}

// SAFETY: `references` counts.
unsafe impl AlwaysRefCounted for Device {
    fn inc_ref(&self) {
        self.common().references.inc();
    }

    unsafe fn dec_ref(device: NonNull<Self>) {
        let raw = device.as_ptr().cast();
        let common = Self::common_of(raw);
        // SAFETY: By the safety requirements, there is a reference to give up.
        if unsafe { (*common).references.dec_and_test() } {
            // SAFETY: `NewDevice` initialised it, and nobody can refer to it any more.
            let common = unsafe { common.read() };
            // SAFETY: The device was allocated by `alloc_etherdev_mqs()` and is not registered:
            // a `Registration` has a reference.
            unsafe { bindings::free_netdev(raw) };
            // With it the reference to the parent.
            drop(common);
        }
    }
}

impl Deref for Device {
    type Target = AnyDevice;

    fn deref(&self) -> &AnyDevice {
        // SAFETY: It is valid at least as long as the reference.
        unsafe { AnyDevice::from_raw(self.0.get()) }
    }
}

impl Device {
    /// Where the data of the abstraction and of the driver is in a device.
    #[inline]
    pub(super) fn private_of(raw: *mut bindings::net_device) -> *mut u8 {
        raw.cast::<u8>()
            .wrapping_add(offset_of!(bindings::net_device, priv_))
    }

    #[inline]
    fn common_of(raw: *mut bindings::net_device) -> *mut Common {
        Self::private_of(raw).cast()
    }

    /// # Safety
    ///
    /// `raw` must have been set up by [`NewDevice`](super::NewDevice) and be valid for `'a`.
    #[inline]
    pub(super) unsafe fn from_raw<'a>(raw: *mut bindings::net_device) -> &'a Self {
        // SAFETY: By the safety requirements; the type is transparent.
        unsafe { &*raw.cast() }
    }

    fn common(&self) -> &Common {
        // SAFETY: `NewDevice` set it up, and it lives as long as the device.
        unsafe { &*Self::common_of(self.as_raw()) }
    }

    /// Has [`carrier_on`](Self::carrier_on) and [`carrier_off`](Self::carrier_off) do nothing from
    /// the return of this on. May sleep.
    pub(super) fn set_dead(&self) {
        self.common().alive.store(false, Relaxed);
        rcu::synchronize_rcu();
    }

    /// Whether the device is registered.
    pub(crate) fn is_registered(&self, _held: Held<'_>) -> bool {
        // SAFETY: The device is valid, and its state changes under the RTNL.
        let state = unsafe { (*self.as_raw()).reg_state };
        u32::from(state) == bindings::netdev_reg_state_NETREG_REGISTERED
    }

    /// Says that there is a carrier. Callable in any context.
    pub(crate) fn carrier_on(&self) {
        let _guard = rcu::read_lock();
        if self.common().alive.load(Relaxed) {
            // SAFETY: The device is not being taken away, at least until the guard is dropped.
            unsafe { bindings::netif_carrier_on(self.as_raw()) };
        }
    }

    /// Says that there is no carrier. Callable in any context.
    pub(crate) fn carrier_off(&self) {
        let _guard = rcu::read_lock();
        if self.common().alive.load(Relaxed) {
            // SAFETY: As in `carrier_on()`.
            unsafe { bindings::netif_carrier_off(self.as_raw()) };
        }
    }

    /// Which packets the stack wants to see.
    pub(crate) fn rx_mode(&self) -> RxMode {
        // SAFETY: The device is valid; the values change at any time, hence the volatile reads.
        let flags = unsafe { (&raw const (*self.as_raw()).flags).read_volatile() };
        // SAFETY: As above.
        let multicast = unsafe { (&raw const (*self.as_raw()).mc.count).read_volatile() };
        RxMode {
            promiscuous: flags & bindings::net_device_flags_IFF_PROMISC != 0,
            all_multicast: flags & bindings::net_device_flags_IFF_ALLMULTI != 0,
            multicast: multicast != 0,
        }
    }

    /// Has the network learn anew where this device is: gratuitous ARP and the like.
    pub(crate) fn notify_peers(&self, held: Held<'_>) {
        if self.is_registered(held) {
            // SAFETY: The device is registered, and the RTNL is held.
            unsafe { bindings::__netdev_notify_peers(self.as_raw()) };
        }
    }

    /// Stops all queues for good, until [`attach`](Self::attach): the hardware is not usable.
    pub(crate) fn detach(&self, held: Held<'_>) {
        if self.is_registered(held) {
            // SAFETY: The device is registered.
            unsafe { bindings::netif_device_detach(self.as_raw()) };
        }
    }

    /// The opposite of [`detach`](Self::detach).
    pub(crate) fn attach(&self, held: Held<'_>) {
        if self.is_registered(held) {
            // SAFETY: The device is registered.
            unsafe { bindings::netif_device_attach(self.as_raw()) };
        }
    }

    /// How many queues send.
    #[inline]
    pub(crate) fn tx_queues(&self) -> u32 {
        // SAFETY: The device is valid; the value changes at any time, hence the volatile read.
        unsafe { (&raw const (*self.as_raw()).real_num_tx_queues).read_volatile() }
    }

    /// Sets how many of the allocated queues are in use.
    ///
    /// # Errors
    ///
    /// `EINVAL` if there are not that many, and `ENOMEM`.
    pub(crate) fn set_queues(&self, tx: u32, rx: u32, _held: Held<'_>) -> Result {
        // SAFETY: The device is valid, and the RTNL is held.
        to_result(unsafe { bindings::netif_set_real_num_tx_queues(self.as_raw(), tx) })?;
        // SAFETY: As above.
        to_result(unsafe { bindings::netif_set_real_num_rx_queues(self.as_raw(), rx) })
    }

    /// One of the allocated queues for sending.
    #[inline]
    pub(crate) fn tx_queue(&self, index: u32) -> Option<TxQueue<'_>> {
        // SAFETY: The device is valid, and this never changes.
        let (count, queues) = unsafe { ((*self.as_raw()).num_tx_queues, (*self.as_raw())._tx) };
        // SAFETY: There are so many queues, and they live as long as the device.
        // CAST: From 32 to 64 bits.
        (index < count).then(|| unsafe { TxQueue::from_raw(queues.add(index as usize)) })
    }

    /// Stops all queues and waits for those that are sending right now.
    pub(crate) fn stop_queues(&self) {
        // SAFETY: The device is valid.
        unsafe { bindings::hv_rust_net_tx_disable(self.as_raw()) };
    }

    /// Has all queues that are in use go on.
    pub(crate) fn wake_queues(&self) {
        (0..self.tx_queues())
            .filter_map(|index| self.tx_queue(index))
            .for_each(TxQueue::wake);
    }

    /// How many entries the table has that spreads received packets over the queues.
    pub(super) fn rss_table_len(&self, _held: Held<'_>) -> u32 {
        self.common().rss_table_len.load(Relaxed)
    }

    /// Sets how many entries the table has that spreads received packets over the queues; 0 if
    /// there is no such table.
    pub(crate) fn set_rss_table_len(&self, len: u32, _held: Held<'_>) {
        self.common().rss_table_len.store(len, Relaxed);
    }

    /// How many statistics there were when somebody asked last.
    pub(super) fn statistics(&self, _held: Held<'_>) -> u32 {
        self.common().statistics.load(Relaxed)
    }

    /// Notes how many statistics there are.
    pub(super) fn set_statistics(&self, count: u32, _held: Held<'_>) {
        self.common().statistics.store(count, Relaxed);
    }

    /// Whether users have set which received packet goes into which queue.
    pub(crate) fn is_rss_configured(&self, _held: Held<'_>) -> bool {
        // SAFETY: The device is valid, and the RTNL is held.
        unsafe { bindings::netif_is_rxfh_configured(self.as_raw()) }
    }

    /// What to log, bits of `enum netif_msg`.
    #[inline]
    pub(crate) fn message_level(&self) -> u32 {
        self.common().message_level.load(Relaxed)
    }

    /// Sets what to log.
    pub(crate) fn set_message_level(&self, level: u32) {
        self.common().message_level.store(level, Relaxed);
    }
}

/// How many queues a device is to have if nobody says how many.
pub(crate) fn default_rss_queues() -> u32 {
    // SAFETY: Callable at any time.
    unsafe { bindings::netif_get_num_default_rss_queues() }
        .try_into()
        .unwrap_or(1)
}
