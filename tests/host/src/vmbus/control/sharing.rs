// SPDX-License-Identifier: GPL-2.0

//! Sharing memory and ending it.

use super::INVALID;
use crate::vmbus::gpadl::Progress;
use crate::vmbus::server::Server;
use crate::vmbus::state::{Offer, State};
use crate::vmbus::violation::Fault;
use crate::vmbus::wire::{self, kind};

impl Server {
    pub(super) fn gpadl(&self, step: impl FnOnce(&Self, &mut State) -> Progress) {
        let mut state = self.lock_state();
        let (relid, gpadl, result) = match step(self, &mut state) {
            Progress::Incomplete => return,
            Progress::Ignored(fault) => {
                drop(state);
                return self.violation(None, fault);
            }
            Progress::Complete {
                relid,
                gpadl,
                result,
            } => (relid, gpadl, result),
        };
        let known = state.offers.contains_key(&relid);
        if !known && result.is_ok() {
            state.gpadls.remove(relid, gpadl);
        }
        let result = match known {
            true => result,
            false => Err(Fault::UnknownRelid(kind::GPADL_HEADER)),
        };
        let status = if result.is_ok() { 0 } else { INVALID };
        let created = wire::GpadlCreated {
            relid: relid.into(),
            gpadl: gpadl.into(),
            status: status.into(),
        };
        self.post(&state, kind::GPADL_CREATED, &created);
        drop(state);
        if let Err(fault) = result {
            self.violation(relid, fault);
        }
    }

    pub(super) fn gpadl_teardown(&self, teardown: &wire::GpadlTeardown) {
        let (relid, handle) = (teardown.relid.get(), teardown.gpadl.get());
        let mut state = self.lock_state();
        let user = state
            .offers
            .get_mut(&relid)
            .filter(|offer| offer.ring_gpadl == handle);
        let channel = user.and_then(Offer::take_channel);
        let used = state.gpadls.is_used(handle);
        let known = state.gpadls.remove(relid, handle);
        drop(state);
        if used {
            self.violation(relid, Fault::GpadlInUse(handle));
        }
        if !known {
            self.violation(relid, Fault::UnknownGpadl(handle));
        }
        if let Some(channel) = channel {
            self.violation(relid, Fault::GpadlInUse(handle));
            self.end(&[channel]);
            self.after_change();
        }
        let torndown = wire::GpadlTorndown {
            gpadl: handle.into(),
        };
        self.post(&self.lock_state(), kind::GPADL_TORNDOWN, &torndown);
    }
}
