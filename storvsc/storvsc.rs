// SPDX-License-Identifier: GPL-2.0

//! The storage driver of a Hyper-V guest.

#![deny(unsafe_code)]

use kernel::prelude::*;

module! {
    type: StorvscModule,
    name: "hv_storvsc_rust",
    authors: ["The Rust Hyper-V driver authors"],
    description: "Hyper-V virtual storage driver, in Rust",
    license: "GPL",
}

struct StorvscModule;

impl kernel::Module for StorvscModule {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Self)
    }
}
