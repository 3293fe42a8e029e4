// SPDX-License-Identifier: GPL-2.0

//! The one place that a service has: a second device of a kind finds it taken.
//!
//! The device for the daemon has one name. The kernel would refuse the second of that name, too,
//! but with a dump of its stack, which a host that offers devices all the time must not cause.

use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Full,
        Release, //
    }, //
};

const FREE: u32 = 0;
const TAKEN: u32 = 1;

/// See the module.
pub(crate) struct Place(Atomic<u32>);

impl Place {
    /// A place that is free.
    pub(crate) const fn new() -> Self {
        Self(Atomic::new(FREE))
    }

    /// Takes the place.
    ///
    /// # Errors
    ///
    /// `EEXIST` if it is taken.
    pub(super) fn take(&'static self) -> Result<Taken> {
        match self.0.cmpxchg(FREE, TAKEN, Full) {
            Ok(_) => Ok(Taken(self)),
            Err(_) => Err(EEXIST),
        }
    }
}

/// A place that was taken. Dropping it makes the place free.
pub(super) struct Taken(&'static Place);

impl Drop for Taken {
    fn drop(&mut self) {
        let Self(Place(state)) = self;
        state.store(FREE, Release);
    }
}
