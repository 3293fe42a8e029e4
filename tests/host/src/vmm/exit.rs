// SPDX-License-Identifier: GPL-2.0

//! How a guest ends.

use std::fmt;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Why a guest ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExitReason {
    /// It switched itself off.
    PowerOff,
    /// It reset itself.
    Reset,
    /// A processor took a triple fault: a reset of the last resort, or a crash.
    TripleFault,
    /// [`Vm::stop`](super::Vm::stop) was called.
    Stopped,
    /// KVM could not go on.
    Failed(String),
}

impl fmt::Display for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PowerOff => f.write_str("the guest switched itself off"),
            Self::Reset => f.write_str("the guest reset itself"),
            Self::TripleFault => f.write_str("a virtual processor took a triple fault"),
            Self::Stopped => f.write_str("the guest was stopped"),
            Self::Failed(why) => write!(f, "KVM could not go on: {why}"),
        }
    }
}

/// What the guest wrote into the crash registers (TLFS, HV_X64_MSR_CRASH_P0 to P4).
///
/// Linux writes an error number, its identity, and the registers RIP, RAX and RSP. KVM does not
/// offer the variant with a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CrashReport {
    /// The five parameters.
    pub parameters: [u64; 5],
}

impl fmt::Display for CrashReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x?}", self.parameters)
    }
}

/// Where the end of a guest is recorded and waited for.
///
/// The first reason counts. The end is complete once no virtual processor runs any more.
#[derive(Debug, Default)]
pub(super) struct EndState {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    reason: Option<ExitReason>,
    complete: bool,
}

impl EndState {
    /// Records why the guest ends.
    pub(super) fn record(&self, reason: ExitReason) {
        self.lock().reason.get_or_insert(reason);
        self.changed.notify_all();
    }

    /// Whether the virtual processors are to stop.
    pub(super) fn is_ending(&self) -> bool {
        self.lock().reason.is_some()
    }

    /// Waits for a reason to end.
    pub(super) fn wait_for_reason(&self) {
        let state = self.lock();
        drop(
            self.changed
                .wait_while(state, |state| state.reason.is_none())
                .unwrap_or_else(PoisonError::into_inner),
        );
    }

    /// Says that no virtual processor runs any more.
    pub(super) fn complete(&self) {
        self.lock().complete = true;
        self.changed.notify_all();
    }

    /// Waits for the complete end, at most until `deadline`.
    pub(super) fn wait(&self, deadline: Option<Instant>) -> Option<ExitReason> {
        let mut state = self.lock();
        while !state.complete {
            state = match deadline {
                None => self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left == Duration::ZERO {
                        return None;
                    }
                    self.changed
                        .wait_timeout(state, left)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
        }
        state.reason.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_reason_counts() {
        let end = EndState::default();
        assert!(!end.is_ending());
        end.record(ExitReason::PowerOff);
        end.record(ExitReason::Stopped);
        assert!(end.is_ending());
        end.wait_for_reason();
        assert_eq!(end.wait(Some(Instant::now())), None);
        end.complete();
        assert_eq!(end.wait(None), Some(ExitReason::PowerOff));
    }
}
