// SPDX-License-Identifier: GPL-2.0

//! The ring to the host.

use super::{
    mapping::RingMemory,
    writer::{
        SendError,
        Writer, //
    }, //
};
use kernel::{
    prelude::*,
    sync::Arc, //
};

/// Our end of the ring to the host. Whoever has it is alone: callers lock.
pub type Outgoing = Writer<Arc<RingMemory>>;

impl From<SendError> for Error {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Full => EAGAIN,
            SendError::Closed => ENODEV,
            SendError::Corrupt => EIO,
            SendError::TooLong => EINVAL,
        }
    }
}
