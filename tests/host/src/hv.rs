// SPDX-License-Identifier: GPL-2.0

//! What a hypervisor and a VMBus server ask of each other.
//!
//! The VMM implements [`Hypervisor`] over KVM; the server implements [`Guest`]. Tests implement
//! either side in memory.

/// The hypervisor, as the VMBus server sees it (TLFS sections 10 and 11).
pub trait Hypervisor: Send + Sync {
    /// Delivers a message to the SINT2 slot of virtual processor `vp`.
    ///
    /// `payload` is at most 240 bytes. Where the slot is taken, the message waits in a queue, in
    /// order, with the slot's message-pending flag set, until the guest writes the EOM register.
    fn post_message(&self, vp: u32, payload: &[u8]);

    /// As [`Self::post_message`], with any header of the slot. For tests.
    fn post_forged(&self, vp: u32, header: Forged, payload: &[u8]) {
        let _ = header;
        self.post_message(vp, payload);
    }

    /// How many messages wait for the slot of `vp`.
    fn waiting_messages(&self, vp: u32) -> usize {
        let _ = vp;
        0
    }

    /// Sets event flag `flag` (0 to 2047) of SINT2 on virtual processor `vp`.
    ///
    /// The interrupt is raised only when the flag was clear before. Returns whether it was.
    fn signal_event(&self, vp: u32, flag: u16) -> bool;

    /// The number of virtual processors.
    fn vp_count(&self) -> u32;

    /// The partition's reference time (TLFS section 12.4), in units of 100 ns.
    fn reference_time(&self) -> u64;
}

/// What the header of a message slot says (TLFS section 11.8), right or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forged {
    /// The type of the message.
    pub kind: u32,
    /// The bytes of its payload.
    pub len: u8,
}

impl Forged {
    /// What is right for a VMBus message of `len` bytes.
    pub fn honest(len: usize) -> Self {
        Self {
            kind: 1,
            len: len as u8,
        }
    }
}

/// Status codes of the two VMBus hypercalls (TLFS appendix B).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum HvStatus {
    /// The call succeeded.
    Success = 0,
    /// A parameter is out of range.
    InvalidParameter = 5,
    /// Out of memory: the caller may try again.
    InsufficientMemory = 11,
    /// There is no such connection, or it is of the other kind.
    InvalidConnectionId = 18,
    /// Out of buffers: the caller may try again.
    InsufficientBuffers = 19,
}

/// The VMBus server, as the hypervisor sees it. Called on the virtual processor's own thread.
pub trait Guest: Send + Sync {
    /// HvCallPostMessage by virtual processor `vp`.
    fn on_post_message(&self, vp: u32, connection: u32, kind: u32, payload: &[u8]) -> HvStatus;

    /// HvCallSignalEvent by virtual processor `vp`.
    fn on_signal_event(&self, vp: u32, connection: u32, flag: u16) -> HvStatus;

    /// The guest was reset, or its SynIC went away: forget the connection.
    fn on_reset(&self);
}
