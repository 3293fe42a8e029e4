// SPDX-License-Identifier: GPL-2.0

//! The module around the driver.

use super::{
    net::notifier::Watch,
    ops::Network, //
};
use kernel::{
    driver,
    prelude::*,
    InPlaceModule,
    ModuleMetadata, //
};

/// The module. The order of the fields is that of the teardown: virtual functions go before the
/// cards that they belong to, and none is missed of those that come after the first card.
#[pin_data]
pub(crate) struct NetworkModule {
    _watch: Watch<Network>,
    #[pin]
    _driver: driver::Registration<vmbus::Adapter<Network>>,
}

impl InPlaceModule for NetworkModule {
    fn init(module: &'static ThisModule) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            _watch: Watch::new()?,
            _driver <- driver::Registration::new(<Self as ModuleMetadata>::NAME, module),
        })
    }
}
