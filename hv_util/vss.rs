// SPDX-License-Identifier: GPL-2.0

//! Snapshots: `hv_vss_daemon` freezes file systems and thaws them.

use super::{
    daemon::{
        MessageLen,
        Place,
        Protocol,
        Registration,
        Request, //
    },
    service::violation,
    sys::log,
    wire::{
        vss::{
            self,
            Operation, //
        },
        Kind,
        Status,
        Support,
        TooShort, //
    },
};
use core::time::Duration;
use kernel::prelude::*;

/// The service.
pub(crate) struct Vss;

impl Vss {
    /// How long the daemon may take to freeze all file systems.
    const FREEZE_PATIENCE: Duration = Duration::from_secs(15 * 60);

    /// How long it may take for anything else.
    const PATIENCE: Duration = Duration::from_secs(30);

    fn copy(message: &[u8]) -> Result<KVec<u8>> {
        let mut copy = KVec::with_capacity(message.len(), GFP_KERNEL)?;
        copy.extend_from_slice(message, GFP_KERNEL)?;
        Ok(copy)
    }

    fn ask(operation: Operation) -> Request {
        let Ok(question) = Self::copy(&vss::question(operation)) else {
            return Request::Answered(Status::FAIL);
        };
        let patience = match operation {
            Operation::FREEZE => Self::FREEZE_PATIENCE,
            _ => Self::PATIENCE,
        };
        Request::Ask { question, patience }
    }
}

impl Protocol for Vss {
    const NAME: &'static str = "VSS";
    const DEVICE: &'static CStr = c"vmbus/hv_vss";
    const MAX_PACKET: u32 = 2 * 4096;
    const SUPPORT: Support = vss::SUPPORT;
    const KIND: Kind = Kind::VSS;
    const MESSAGE_LEN: MessageLen = MessageLen::Exactly(vss::MESSAGE_BYTES);
    const WAITS_FOR_DAEMON: bool = false;
    /// All daemons are alike once they have registered.
    type Daemon = ();

    fn place() -> &'static Place {
        static PLACE: Place = Place::new();
        &PLACE
    }

    fn registers_again(message: &[u8]) -> bool {
        matches!(
            vss::operation(message),
            Some(Operation::REGISTER | Operation::REGISTER_LEGACY)
        )
    }

    fn register(message: &[u8]) -> Result<Registration<()>> {
        let operation = vss::operation(message).ok_or(EINVAL)?;
        let greeting = match operation {
            Operation::REGISTER => Some(Self::copy(&vss::greeting())?),
            Operation::REGISTER_LEGACY => None,
            _ => return Err(EINVAL),
        };
        pr_info!("VSS: userspace daemon ver. {} connected\n", operation.0);
        Ok(Registration {
            daemon: (),
            greeting,
        })
    }

    fn request(body: &mut [u8]) -> Request {
        match vss::Request::parse(body) {
            Ok(vss::Request::ForDaemon(operation)) => Self::ask(operation),
            Ok(vss::Request::Done) => Request::Answered(Status::OK),
            Err(TooShort) => {
                violation!("Invalid VSS msg. Packet length too small: {}\n", body.len());
                Request::Answered(Status::FAIL)
            }
        }
    }

    /// File systems that were being frozen are thawed.
    fn amends() -> Option<KVec<u8>> {
        Self::copy(&vss::question(Operation::THAW)).ok()
    }

    fn timed_out() {
        if log::is_allowed() {
            pr_warn!("VSS: timeout waiting for daemon to reply\n");
        }
    }

    fn answer(_daemon: (), message: &[u8], body: &mut [u8]) -> Status {
        vss::answer(message, body)
    }
}
