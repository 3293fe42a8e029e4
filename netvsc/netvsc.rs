// SPDX-License-Identifier: GPL-2.0

//! Hyper-V virtual network driver, in Rust.

#![deny(unsafe_code)]

use kernel::{
    device::Core,
    prelude::*, //
};
use vmbus::{
    guid::guid,
    DeviceId, //
};

pub(crate) struct Network;

impl vmbus::Driver for Network {
    const NAME: &'static CStr = c"hv_netvsc";
    type IdInfo = ();
    type Data<'bound> = Network;
    const ID_TABLE: vmbus::IdTable<Self::IdInfo> = &DEVICES;

    fn probe<'bound>(
        _dev: &'bound vmbus::Device<Core<'_>>,
        _info: Option<&'bound Self::IdInfo>,
    ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound {
        Err::<Network, _>(ENODEV)
    }
}

vmbus::vmbus_device_table!(
    DEVICES,
    <Network as vmbus::Driver>::IdInfo,
    [(DeviceId::new(guid!("f8615163-df3e-46c5-913f-f2d2f965ed0e")), ())]
);

vmbus::module_vmbus_driver! {
    type: Network,
    name: "hv_netvsc_rust",
    authors: ["The Rust Hyper-V driver authors"],
    description: "Hyper-V virtual network driver, in Rust",
    license: "GPL",
}
