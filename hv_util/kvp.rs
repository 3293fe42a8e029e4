// SPDX-License-Identifier: GPL-2.0

//! Key-value pairs, and the addresses of network cards: `hv_kvp_daemon` has them.

use super::{
    daemon::{
        MessageLen,
        Place,
        Protocol,
        Registration,
        Request, //
    },
    service::violation,
    wire::{
        kvp::{
            self,
            layout::Operation,
            Daemon, //
        },
        Kind,
        Status,
        Support, //
    },
};
use core::time::Duration;
use kernel::prelude::*;

/// The service.
pub(crate) struct Kvp;

impl Kvp {
    /// How long the daemon may take.
    const PATIENCE: Duration = Duration::from_secs(30);

    fn empty_message() -> Result<KVec<u8>> {
        Ok(KVec::from_elem(0, kvp::MESSAGE_BYTES, GFP_KERNEL)?)
    }
}

impl Protocol for Kvp {
    const NAME: &'static str = "KVP";
    const DEVICE: &'static CStr = c"vmbus/hv_kvp";
    const MAX_PACKET: u32 = 4 * 4096;
    const SUPPORT: Support = Support {
        frameworks: &[Support::FRAMEWORK, Support::FRAMEWORK_2008],
        services: kvp::VERSIONS,
    };
    const KIND: Kind = Kind::KVP_EXCHANGE;
    const MESSAGE_LEN: MessageLen = MessageLen::AtLeast(kvp::MESSAGE_BYTES);
    const WAITS_FOR_DAEMON: bool = true;
    type Daemon = Daemon;

    fn place() -> &'static Place {
        static PLACE: Place = Place::new();
        &PLACE
    }

    fn registers_again(_message: &[u8]) -> bool {
        false
    }

    fn register(message: &[u8]) -> Result<Registration<Daemon>> {
        let daemon = Daemon::parse(message).map_err(|number| {
            pr_info!("KVP: incompatible daemon\n");
            pr_info!(
                "KVP: KVP version: {}, Daemon version: {}\n",
                Operation::REGISTER.0,
                number
            );
            EINVAL
        })?;
        if daemon == Daemon::Legacy {
            pr_info!("KVP: IP injection functionality not available\n");
            pr_info!("KVP: Upgrade the KVP daemon\n");
        }
        let mut greeting = Self::empty_message()?;
        kvp::greeting(daemon, &mut greeting).map_err(|_| EINVAL)?;
        Ok(Registration {
            daemon,
            greeting: Some(greeting),
        })
    }

    fn request(body: &mut [u8]) -> Request {
        let Ok(mut question) = Self::empty_message() else {
            return Request::Answered(Status::FAIL);
        };
        match kvp::question(body, &mut question) {
            Ok(()) => Request::Ask {
                question,
                patience: Self::PATIENCE,
            },
            Err(refusal) => {
                violation!("KVP: Invalid request: {:?}\n", refusal);
                Request::Answered(Status::FAIL)
            }
        }
    }

    fn amends() -> Option<KVec<u8>> {
        None
    }

    fn timed_out() {}

    fn answer(daemon: Daemon, message: &[u8], body: &mut [u8]) -> Status {
        kvp::answer(daemon, message, body)
    }
}
