// SPDX-License-Identifier: GPL-2.0

//! The module around the bus crate.

#![deny(unsafe_code)]

use kernel::prelude::*;

module! {
    type: VmbusModule,
    name: "hv_vmbus_rust",
    authors: ["The Rust Hyper-V driver authors"],
    description: "Hyper-V VMBus, in Rust",
    license: "GPL",
}

struct VmbusModule {
    _session: vmbus::Session,
}

impl kernel::Module for VmbusModule {
    fn init(module: &'static ThisModule) -> Result<Self> {
        Ok(Self {
            _session: vmbus::Session::start(module)?,
        })
    }
}
