// SPDX-License-Identifier: GPL-2.0

//! A network device of whatever driver.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)

use super::{
    device::MacAddress,
    rtnl::Held,
    xdp::Program,
    Features, //
};
use core::ptr::{
    self,
    NonNull, //
};
use kernel::{
    error::to_result,
    prelude::*,
    sync::aref::{
        ARef,
        AlwaysRefCounted, //
    },
    types::Opaque, //
};
use vmbus::bindings;

/// `struct net_device`.
///
/// A reference to one that is being unregistered holds that up: it is to be given up when the
/// [`Watcher`](super::notifier::Watcher) hears of it.
#[repr(transparent)]
pub(crate) struct AnyDevice(Opaque<bindings::net_device>);

// SAFETY: All methods may be called from any thread.
unsafe impl Send for AnyDevice {}
// SAFETY: As above.
unsafe impl Sync for AnyDevice {}

// SAFETY: The kernel counts the references.
unsafe impl AlwaysRefCounted for AnyDevice {
    fn inc_ref(&self) {
        // SAFETY: The device is valid.
        unsafe { bindings::hv_rust_net_hold(self.as_raw()) };
    }

    unsafe fn dec_ref(device: NonNull<Self>) {
        // SAFETY: By the safety requirements, there is a reference to give up.
        unsafe { bindings::hv_rust_net_put(device.as_ptr().cast()) };
    }
}

impl AnyDevice {
    /// # Safety
    ///
    /// `raw` must be valid for `'a`.
    #[inline]
    pub(super) unsafe fn from_raw<'a>(raw: *mut bindings::net_device) -> &'a Self {
        // SAFETY: By the safety requirements; the type is transparent.
        unsafe { &*raw.cast() }
    }

    /// For other C that takes devices.
    #[inline]
    pub(crate) fn as_raw(&self) -> *mut bindings::net_device {
        self.0.get()
    }

    /// The first of all devices that `is_it` says so of, which must not sleep.
    pub(crate) fn find<F: FnMut(&Self) -> bool>(is_it: F, _held: Held<'_>) -> Option<ARef<Self>> {
        let mut search = Search { is_it, found: None };
        let context = (&raw mut search).cast();
        // SAFETY: `visit` gets what it wants, for as long as the call lasts.
        unsafe { bindings::hv_rust_net_each(Some(Search::<F>::visit), context) };
        search.found
    }

    /// Its name.
    pub(crate) fn name<'a>(&'a self, _held: Held<'a>) -> &'a str {
        // SAFETY: The device is valid, and its name changes under the RTNL.
        let name: &[c_char; 16] = unsafe { &(*self.as_raw()).name };
        let bytes = name.as_slice();
        // SAFETY: The same bytes.
        let bytes = unsafe { core::slice::from_raw_parts(bytes.as_ptr().cast(), bytes.len()) };
        CStr::from_bytes_until_nul(bytes)
            .ok()
            .and_then(|name| name.to_str().ok())
            .unwrap_or("?")
    }

    /// Whether it is an Ethernet device, and not one that stands for others.
    pub(crate) fn is_plain_ethernet(&self) -> bool {
        // SAFETY: The device is valid.
        unsafe { bindings::hv_rust_net_is_plain_ethernet(self.as_raw()) }
    }

    /// The number that its PCI slot is called by.
    ///
    /// # Errors
    ///
    /// `ENODEV` if it is no PCI device; `ENOENT` if it is in no slot, and `EINVAL` or `ERANGE` if
    /// that is called something else.
    pub(crate) fn pci_slot(&self, _held: Held<'_>) -> Result<u32> {
        let mut number = 0;
        // SAFETY: The device is valid, and is being registered or registered under the RTNL.
        to_result(unsafe { bindings::hv_rust_net_pci_slot(self.as_raw(), &mut number) })?;
        Ok(number)
    }

    /// The address that it was made with; all zero until it is being registered.
    pub(crate) fn permanent_address(&self) -> MacAddress {
        // SAFETY: The device is valid, and this does not change any more.
        let address = unsafe { (&raw const (*self.as_raw()).perm_addr).read() };
        address.first_chunk().copied().unwrap_or_default()
    }

    /// The address of this Ethernet device.
    pub(crate) fn address(&self, _held: Held<'_>) -> MacAddress {
        // SAFETY: The device is valid; there is room for more than this, and it changes under the
        // RTNL.
        unsafe { (*self.as_raw()).dev_addr.cast::<MacAddress>().read() }
    }

    /// Whether the interface is up, or about to be.
    #[inline]
    pub(crate) fn is_running(&self) -> bool {
        self.has_state(bindings::netdev_state_t___LINK_STATE_START)
    }

    /// Whether there is a carrier.
    #[inline]
    pub(crate) fn has_carrier(&self) -> bool {
        !self.has_state(bindings::netdev_state_t___LINK_STATE_NOCARRIER)
    }

    #[inline]
    fn has_state(&self, bit: u32) -> bool {
        // SAFETY: The device is valid; the word changes at any time, hence the volatile read.
        let state = unsafe { (&raw const (*self.as_raw()).state).read_volatile() };
        state & (1 << bit) != 0
    }

    /// How much room its driver wants in front of the data of packets to be sent.
    pub(crate) fn needed_headroom(&self) -> u16 {
        // SAFETY: The device is valid; the value changes at any time, hence the volatile read.
        unsafe { (&raw const (*self.as_raw()).needed_headroom).read_volatile() }
    }

    /// How large a packet the device cuts into segments.
    pub(crate) fn tso_max_size(&self) -> u32 {
        // SAFETY: The device is valid; the value changes at any time, hence the volatile read.
        unsafe { (&raw const (*self.as_raw()).tso_max_size).read_volatile() }
    }

    /// Says that it is the part of another device, and that protocols are to give it no addresses.
    pub(crate) fn mark_lower(&self, _held: Held<'_>) {
        // SAFETY: The device is valid, and the RTNL is held.
        unsafe { bindings::hv_rust_net_mark_lower(self.as_raw()) };
    }

    /// Whether both are in one namespace.
    pub(crate) fn is_beside(&self, other: &Self, _held: Held<'_>) -> bool {
        // SAFETY: Both are valid, and are moved under the RTNL.
        unsafe { bindings::hv_rust_net_same_namespace(self.as_raw(), other.as_raw()) }
    }

    /// Moves the device to the namespace of another.
    ///
    /// # Errors
    ///
    /// Those of `dev_change_net_namespace()`.
    pub(crate) fn move_beside(&self, other: &Self, _held: Held<'_>) -> Result {
        // SAFETY: Both are valid, and the RTNL is held.
        to_result(unsafe { bindings::hv_rust_net_join_namespace(self.as_raw(), other.as_raw()) })
    }

    /// Has the interface go up.
    ///
    /// # Errors
    ///
    /// Those of the driver.
    pub(crate) fn open(&self, _held: Held<'_>) -> Result {
        // SAFETY: The device is valid, and the RTNL is held.
        to_result(unsafe { bindings::dev_open(self.as_raw(), ptr::null_mut()) })
    }

    /// Has the interface go down.
    pub(crate) fn close(&self, _held: Held<'_>) {
        // SAFETY: The device is valid, and the RTNL is held.
        unsafe { bindings::dev_close(self.as_raw()) };
    }

    /// Has frames have another size.
    ///
    /// # Errors
    ///
    /// Those of the driver, and `EINVAL` if it cannot have that size.
    pub(crate) fn change_mtu(&self, mtu: u32, _held: Held<'_>) -> Result {
        // SAFETY: The device is valid, and the RTNL is held.
        to_result(unsafe { bindings::dev_set_mtu(self.as_raw(), c_int::try_from(mtu)?) })
    }

    /// Has the device have another address.
    ///
    /// # Errors
    ///
    /// Those of the driver.
    pub(crate) fn change_address(&self, address: &MacAddress, _held: Held<'_>) -> Result {
        // SAFETY: The device is valid, so are as many bytes, and the RTNL is held.
        to_result(unsafe { bindings::hv_rust_net_set_address(self.as_raw(), address.as_ptr()) })
    }

    /// Has the device have these features, as far as it can.
    pub(crate) fn want_features(&self, features: Features, _held: Held<'_>) {
        // SAFETY: The device is valid, and the RTNL is held.
        unsafe { bindings::hv_rust_net_want_features(self.as_raw(), features.0) };
    }

    /// Has the device receive everything, or counts one less that wants that.
    ///
    /// # Errors
    ///
    /// `EOVERFLOW` if it is already for too many reasons.
    pub(crate) fn count_promiscuous(&self, more: bool, _held: Held<'_>) -> Result {
        // SAFETY: The device is valid, and the RTNL is held.
        to_result(unsafe { bindings::dev_set_promiscuity(self.as_raw(), by(more)) })
    }

    /// The same for everything that is for many.
    ///
    /// # Errors
    ///
    /// As [`Self::count_promiscuous`].
    pub(crate) fn count_all_multicast(&self, more: bool, _held: Held<'_>) -> Result {
        // SAFETY: The device is valid, and the RTNL is held.
        to_result(unsafe { bindings::dev_set_allmulti(self.as_raw(), by(more)) })
    }

    /// Has an XDP program, or none any more, see the packets of the device, if its driver can do that.
    ///
    /// # Errors
    ///
    /// Those of the driver.
    pub(crate) fn give_program(&self, program: Option<&Program>, _held: Held<'_>) -> Result {
        let raw = program.map_or(ptr::null_mut(), Program::as_raw);
        // SAFETY: Both are valid, and the RTNL is held.
        to_result(unsafe { bindings::hv_rust_net_give_program(self.as_raw(), raw.cast()) })
    }
}

const fn by(more: bool) -> c_int {
    if more {
        1
    } else {
        -1
    }
}

/// A search among all devices.
struct Search<F> {
    is_it: F,
    found: Option<ARef<AnyDevice>>,
}

impl<F: FnMut(&AnyDevice) -> bool> Search<F> {
    /// Looks at a device; returns whether to go on.
    ///
    /// # Safety
    ///
    /// `raw` must be valid during the call, and `context` be a search that nobody else uses.
    unsafe extern "C" fn visit(raw: *mut bindings::net_device, context: *mut c_void) -> bool {
        // SAFETY: By the safety requirements.
        let search = unsafe { &mut *context.cast::<Self>() };
        // SAFETY: By the safety requirements.
        let device = unsafe { AnyDevice::from_raw(raw) };
        let is_it = (search.is_it)(device);
        search.found = is_it.then(|| ARef::from(device));
        !is_it
    }
}
