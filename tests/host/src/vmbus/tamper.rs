// SPDX-License-Identifier: GPL-2.0

//! Ways for a test to make the host misbehave.
//!
//! A hook sees each packet or message before it leaves and says what leaves instead: nothing, the
//! same, something else, or several. It may keep what it got and return it with a later one. Hooks
//! run with the sender's lock held: they must not call the server or the channel.

use std::fmt;
use std::sync::Mutex;

pub use super::packet::Outgoing;
use super::sync::lock;
pub use super::wire::OutMessage;

/// A hook for a device's packets, on its primary and sub-channels.
pub type Tamper = Box<dyn FnMut(Outgoing) -> Vec<Outgoing> + Send>;

/// A hook for control messages.
pub type MessageTamper = Box<dyn FnMut(OutMessage) -> Vec<OutMessage> + Send>;

type Hook<T> = Box<dyn FnMut(T) -> Vec<T> + Send>;

/// A place for a hook.
pub(super) struct Slot<T>(Mutex<Option<Hook<T>>>);

impl<T> Slot<T> {
    pub(super) fn set(&self, hook: Option<Hook<T>>) {
        *lock(&self.0) = hook;
    }

    pub(super) fn apply(&self, item: T) -> Vec<T> {
        match lock(&self.0).as_mut() {
            Some(hook) => hook(item),
            None => vec![item],
        }
    }
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> fmt::Debug for Slot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").finish_non_exhaustive()
    }
}

/// One of a channel's two rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ring {
    /// The ring that the guest writes.
    FromGuest,
    /// The ring that the guest reads.
    ToGuest,
}
