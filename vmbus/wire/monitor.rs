// SPDX-License-Identifier: GPL-2.0

//! Monitor pages: signals that the host looks for in memory, so that they cost no hypercall.

use zerocopy_derive::{
    FromBytes,
    Immutable,
    IntoBytes,
    KnownLayout, //
};

/// The number of groups of triggers.
pub const GROUPS: usize = 4;

/// The number of triggers in a group.
pub const TRIGGERS: usize = 32;

/// The number of a trigger, less than [`GROUPS`] times [`TRIGGERS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MonitorId(u8);

impl MonitorId {
    /// Trigger `id`, where there is one.
    pub const fn new(id: u8) -> Option<Self> {
        if (id as usize) < GROUPS * TRIGGERS {
            Some(Self(id))
        } else {
            None
        }
    }

    /// The number.
    pub const fn get(self) -> u8 {
        self.0
    }

    /// The group, less than [`GROUPS`].
    pub const fn group(self) -> usize {
        self.0 as usize / TRIGGERS
    }

    /// The position in the group, less than [`TRIGGERS`].
    pub const fn trigger(self) -> usize {
        self.0 as usize % TRIGGERS
    }

    /// The bit of the trigger in its group.
    pub const fn mask(self) -> u32 {
        1 << self.trigger()
    }

    /// Where the word with the pending triggers of the group is in a page.
    pub const fn pending_offset(self) -> usize {
        core::mem::offset_of!(MonitorPage, groups) + self.group() * size_of::<TriggerGroup>()
    }

    /// Where the latency of the trigger, a 16-bit number, is in a page.
    pub const fn latency_offset(self) -> usize {
        core::mem::offset_of!(MonitorPage, latency) + self.0 as usize * size_of::<u16>()
    }

    /// Where the connection that the trigger signals, a 32-bit number, is in a page.
    pub const fn connection_offset(self) -> usize {
        core::mem::offset_of!(MonitorPage, parameter) + self.0 as usize * size_of::<Parameter>()
    }
}

/// A group of triggers.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct TriggerGroup {
    /// Triggers that the host is to look at.
    pub pending: u32,
    /// Triggers that the host looks at.
    pub armed: u32,
}

/// What a trigger signals.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Parameter {
    /// The connection.
    pub connection_id: u32,
    /// The event flag.
    pub flag: u16,
    reserved: u16,
}

/// A monitor page.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct MonitorPage {
    /// The groups that are in use, a bit for each.
    pub trigger_state: u32,
    reserved1: u32,
    /// The triggers.
    pub groups: [TriggerGroup; GROUPS],
    reserved2: [u64; 3],
    /// When the host looks next.
    pub next_check_time: [[i32; TRIGGERS]; GROUPS],
    /// How long a signal may take, in units of 100 ns.
    pub latency: [[u16; TRIGGERS]; GROUPS],
    reserved3: [u64; 32],
    /// What the triggers signal.
    pub parameter: [[Parameter; TRIGGERS]; GROUPS],
    reserved4: [u64; 248],
}

const _: () = assert!(size_of::<MonitorPage>() == super::HV_PAGE_SIZE);
