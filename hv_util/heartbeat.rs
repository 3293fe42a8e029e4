// SPDX-License-Identifier: GPL-2.0

//! Tells the host that the guest is alive.

use super::{
    responder::Service,
    wire::{
        heartbeat,
        Kind,
        Message,
        Support,
        TooShort,
        Version, //
    },
};
use core::convert::Infallible;

/// The service.
pub(crate) struct Heartbeat;

impl Service for Heartbeat {
    const NAME: &'static str = "Heartbeat";
    const SUPPORT: Support = Support {
        frameworks: &[Support::FRAMEWORK, Support::FRAMEWORK_2008],
        services: heartbeat::VERSIONS,
    };
    const KIND: Kind = Kind::HEARTBEAT;
    type Consequence = Infallible;

    fn respond(
        &self,
        _version: Option<Version>,
        message: &mut Message<'_>,
    ) -> Result<Option<Infallible>, TooShort> {
        heartbeat::count_up(message.body)?;
        Ok(None)
    }

    fn follow(&self, consequence: Infallible) {
        match consequence {}
    }
}
