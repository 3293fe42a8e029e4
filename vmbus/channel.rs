// SPDX-License-Identifier: GPL-2.0

//! Channels: what the host offers, and what drivers open.
//!
//! A [`Channel`] stands for one offer, from the offer message until nothing refers to it any more.
//! When its last reference goes, the relid is released, and the host may use it for another
//! channel. While a driver has it open there is an [`Endpoint`], which is what can send and
//! receive: a channel that is not open has nothing to send with.
//!
//! A device has one primary channel and any number of sub-channels. The primary has a list of its
//! sub-channels, and a sub-channel keeps its primary alive until it is taken off that list: when
//! the host rescinds it, or when the primary goes.
//!
//! Locks of a channel, in the order in which they nest: `presence` (held while a driver probes or
//! lets go), the members of an [`open::Group`], `endpoint`. `device`, `group` and `subchannels` are
//! held for a moment only, with nothing inside. All are mutexes; interrupts take none. Attributes
//! in sysfs take `endpoint` and `subchannels`, so these are never held while files are removed.

mod affinity;
mod buffer;
mod config;
mod endpoint;
#[expect(unsafe_code, reason = "lets interrupts refer to endpoints")]
mod events;
mod gpadl;
mod lifecycle;
mod line;
mod open;
mod poll;
mod port;
mod send;
mod stats;
#[cfg(CONFIG_HYPERV_RUST_KUNIT_TEST)]
#[expect(unsafe_code, reason = "knows for how long pages are shared")]
pub(crate) mod testing;
#[cfg(CONFIG_HYPERV_RUST_KUNIT_TEST)]
mod tests;

pub use self::{
    buffer::SharedBuffer,
    config::{
        CallbackMode,
        Handler,
        OpenConfig,
        Progress, //
    },
    endpoint::{
        Endpoint,
        Receiver, //
    },
    open::OpenChannel,
    port::{
        Port,
        PortHandle, //
    },
    send::Together,
    stats::{
        Counter,
        Stats, //
    }, //
};
pub(crate) use self::{
    events::EventTable,
    lifecycle::{
        ARRIVAL,
        REMOVAL, //
    }, //
    line::Line,
};
pub use crate::{
    ring::{
        Direction,
        Packet,
        RingDebug,
        SendError, //
    },
    wire::packet::{
        GpaList,
        GpaRange, //
    },
};

use kernel::{
    impl_has_work, new_mutex, new_spinlock_irq,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            Acquire,
            Full,
            Release, //
        },
        Arc,
        Mutex,
        SpinLockIrq, //
    },
    workqueue::{
        new_work,
        Work, //
    },
};

use crate::{
    bus,
    connection::{
        Connection,
        Lease, //
    },
    guid::Guid,
    hv,
    sync::Atomic,
    wire::{
        device_type::DeviceType,
        monitor::MonitorId,
        offer::Offer, //
    },
};

/// How far a channel is, as the `state` attribute in sysfs numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum ChannelState {
    /// The host offered it.
    Offered = 0,
    /// A driver is opening it.
    Opening = 1,
    /// It has been set up, and no driver has it open.
    Closed = 2,
    /// A driver has it open.
    Opened = 3,
}

/// A channel that the host offered.
#[pin_data]
pub struct Channel {
    /// The first offer. What of it does not last is in `claim`.
    offer: Offer,
    device_type: DeviceType,
    connection: Arc<Connection>,
    primary: Option<Arc<Channel>>,
    state: Atomic<u32>,
    rescinded: Atomic<bool>,
    cpu: hv::CpuShare,
    stats: Stats,
    #[pin]
    presence: Mutex<lifecycle::Presence>,
    /// The device, from the moment on that a driver opened its channel: sub-channels need it while
    /// it is still being registered.
    #[pin]
    device: Mutex<Option<ARef<bus::Device>>>,
    #[pin]
    group: Mutex<Option<Arc<open::Group>>>,
    #[pin]
    endpoint: Mutex<Option<Arc<Endpoint>>>,
    #[pin]
    subchannels: Mutex<KVec<Arc<Channel>>>,
    #[pin]
    arrival: Work<Channel, ARRIVAL>,
    #[pin]
    removal: Work<Channel, REMOVAL>,
    // Last: the relid is free when nothing else of the channel is left.
    #[pin]
    claim: SpinLockIrq<line::Claim>,
}

impl_has_work! {
    impl HasWork<Self, ARRIVAL> for Channel { self.arrival }
    impl HasWork<Self, REMOVAL> for Channel { self.removal }
}

impl Channel {
    /// Makes the channel of an offer. `primary` is that of its device, unless it is that itself.
    pub(crate) fn new(
        offer: Offer,
        primary: Option<Arc<Self>>,
        cpu: hv::CpuShare,
        connection: Arc<Connection>,
        lease: Lease,
    ) -> Result<Arc<Self>> {
        let device_type = DeviceType::of(&offer.class).unwrap_or(DeviceType::Unknown);
        let claim = line::Claim::new(Line::of(&offer), lease);
        let init = pin_init!(Self {
            offer,
            device_type,
            connection,
            primary,
            state: Atomic::new(ChannelState::Offered as u32),
            rescinded: Atomic::new(false),
            cpu,
            stats: Stats::new(),
            presence <- new_mutex!(lifecycle::Presence::Expected, "Channel::presence"),
            device <- new_mutex!(None, "Channel::device"),
            group <- new_mutex!(None, "Channel::group"),
            endpoint <- new_mutex!(None, "Channel::endpoint"),
            subchannels <- new_mutex!(KVec::new(), "Channel::subchannels"),
            arrival <- new_work!("Channel::arrival"),
            removal <- new_work!("Channel::removal"),
            claim <- new_spinlock_irq!(claim, "Channel::claim"),
        });
        Arc::pin_init(init, GFP_KERNEL)
    }

    /// The number by which host and guest refer to the channel: another one after hibernation, and
    /// none meanwhile. That of a channel that is open is [`Endpoint::relid`].
    #[inline]
    pub fn relid(&self) -> u32 {
        self.line().relid
    }

    /// The class of the device.
    pub fn class(&self) -> Guid {
        self.offer.class
    }

    /// The device.
    pub fn instance(&self) -> Guid {
        self.offer.instance
    }

    /// 0 for the primary channel of a device.
    #[inline]
    pub fn subchannel_index(&self) -> u16 {
        self.offer.subchannel_index
    }

    /// Data of the device's own protocol that came with the offer.
    pub fn user_defined(&self) -> &[u8] {
        &self.offer.user_defined
    }

    /// How much address space for I/O the device wants, in MiB.
    pub fn mmio_megabytes(&self) -> u16 {
        self.offer.mmio_megabytes
    }

    /// The class of the device, if the bus knows it.
    pub fn device_type(&self) -> DeviceType {
        self.device_type
    }

    /// Whether the channel is one connection of a Hyper-V socket.
    pub fn is_socket(&self) -> bool {
        self.offer.is_socket()
    }

    /// How far the channel is.
    pub fn state(&self) -> ChannelState {
        match self.state.load(Acquire) {
            0 => ChannelState::Offered,
            1 => ChannelState::Opening,
            3 => ChannelState::Opened,
            _ => ChannelState::Closed,
        }
    }

    /// Whether the host took the offer back.
    #[inline]
    pub fn is_rescinded(&self) -> bool {
        self.rescinded.load(Acquire)
    }

    /// The trigger in the monitor page, where the host is signalled through that.
    pub fn monitor_id(&self) -> Option<u8> {
        self.line().monitor.map(MonitorId::get)
    }

    /// The pending triggers of the group that the channel's trigger is in, in the page for signals
    /// of `direction`. This and the like are 0 for a channel without a trigger.
    pub fn monitor_pending(&self, direction: Direction) -> u32 {
        self.monitored(|monitor| {
            let page = self.connection.monitor_page(direction);
            page.load_u32(monitor.pending_offset())
        })
    }

    /// How long a signal may take, in units of 100 ns.
    pub fn monitor_latency(&self, direction: Direction) -> u32 {
        self.monitored(|monitor| {
            let page = self.connection.monitor_page(direction);
            page.load_u16(monitor.latency_offset()).into()
        })
    }

    /// The connection that the trigger signals.
    pub fn monitor_conn_id(&self, direction: Direction) -> u32 {
        const CONNECTION_ID_MASK: u32 = 0xff_ffff;

        self.monitored(|monitor| {
            let page = self.connection.monitor_page(direction);
            page.load_u32(monitor.connection_offset()) & CONNECTION_ID_MASK
        })
    }

    fn monitored(&self, read: impl FnOnce(MonitorId) -> u32) -> u32 {
        self.line().monitor.map_or(0, read)
    }

    /// The connection that signals of the guest go to.
    pub fn connection_id(&self) -> u32 {
        self.line().connection
    }

    /// The CPU that the host interrupts.
    #[inline]
    pub fn target_cpu(&self) -> u32 {
        self.cpu.get()
    }

    /// The memory node of that CPU.
    pub fn numa_node(&self) -> i32 {
        hv::cpu::node(self.target_cpu())
    }

    /// A look at one of the rings.
    ///
    /// # Errors
    ///
    /// `EINVAL` when the channel is not open.
    pub fn ring_debug(&self, direction: Direction) -> Result<RingDebug> {
        let endpoint = self.endpoint.lock();
        let endpoint = endpoint.as_ref().ok_or(EINVAL)?;
        Ok(endpoint.ring_debug(direction))
    }

    /// What the channel counts.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Calls `f` for each sub-channel, in the order of offers.
    pub fn for_each_subchannel(&self, mut f: impl FnMut(&Channel)) {
        self.subchannels
            .lock()
            .iter()
            .for_each(|channel| f(channel));
    }

    /// Tells whether this channel or one of its device's others interrupts `cpu`.
    pub(crate) fn uses_cpu(&self, cpu: u32) -> bool {
        let subchannels = self.subchannels.lock();
        self.target_cpu() == cpu || subchannels.iter().any(|sub| sub.target_cpu() == cpu)
    }

    /// Whether this is the primary channel of a device, and still offered.
    pub(crate) fn is_primary_of(&self, class: Guid, instance: Guid) -> bool {
        !self.is_rescinded()
            && self.primary.is_none()
            && self.class() == class
            && self.instance() == instance
    }

    /// The primary channel of the device, unless this is it.
    pub(crate) fn primary(&self) -> Option<&Arc<Channel>> {
        self.primary.as_ref()
    }

    /// Enters a channel on the list of this one's sub-channels.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn add_subchannel(&self, channel: &Arc<Channel>) -> Result {
        let mut subchannels = self.subchannels.lock();
        subchannels.push(channel.clone(), GFP_KERNEL)?;
        Ok(())
    }

    /// Takes a channel off that list.
    fn remove_subchannel(&self, channel: &Arc<Channel>) {
        let mut subchannels = self.subchannels.lock();
        let position = subchannels.iter().position(|sub| Arc::ptr_eq(sub, channel));
        let removed = position.map(|position| subchannels.remove(position));
        // Dropped without the lock.
        drop(subchannels);
        drop(removed);
    }

    fn set_state(&self, state: ChannelState) {
        self.state.store(state as u32, Release);
    }

    /// Goes from one state to another, if it is in the first.
    fn change_state(&self, from: ChannelState, to: ChannelState) -> Result {
        let result = self.state.cmpxchg(from as u32, to as u32, Full);
        result.map(|_| ()).map_err(|_| EINVAL)
    }

    /// Notes that the host took the offer back; returns whether that is new.
    pub(crate) fn set_rescinded(&self) -> bool {
        !self.rescinded.xchg(true, Full)
    }
}
