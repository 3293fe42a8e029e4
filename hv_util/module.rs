// SPDX-License-Identifier: GPL-2.0

//! The module around the driver.

use super::probe::Utilities;
use kernel::{
    driver,
    prelude::*,
    InPlaceModule,
    ModuleMetadata, //
};

module! {
    type: UtilsModule,
    name: "hv_utils_rust",
    authors: ["The Rust Hyper-V driver authors"],
    description: "Hyper-V utility services, in Rust",
    license: "GPL",
}

/// The module. The order of the fields is that of the teardown.
#[pin_data]
pub(crate) struct UtilsModule {
    _farewell: Farewell,
    #[pin]
    _driver: driver::Registration<vmbus::Adapter<Utilities>>,
}

impl InPlaceModule for UtilsModule {
    fn init(module: &'static ThisModule) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            _farewell: Farewell::new(),
            _driver <- driver::Registration::new(<Self as ModuleMetadata>::NAME, module),
        })
    }
}

/// Says that the driver comes, and that it goes.
struct Farewell;

impl Farewell {
    fn new() -> Self {
        pr_info!("Registering HyperV Utility Driver\n");
        Self
    }
}

impl Drop for Farewell {
    fn drop(&mut self) {
        pr_info!("De-Registered HyperV Utility Driver\n");
    }
}
