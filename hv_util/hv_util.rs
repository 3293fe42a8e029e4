// SPDX-License-Identifier: GPL-2.0

//! Hyper-V utility services, in Rust.

#![deny(unsafe_code)]

use kernel::{
    device::Core,
    prelude::*, //
};
use vmbus::{
    guid::guid,
    DeviceId, //
};

pub(crate) struct Utilities;

impl vmbus::Driver for Utilities {
    const NAME: &'static CStr = c"hv_utils";
    type IdInfo = ();
    type Data<'bound> = Utilities;
    const ID_TABLE: vmbus::IdTable<Self::IdInfo> = &DEVICES;

    fn probe<'bound>(
        _dev: &'bound vmbus::Device<Core<'_>>,
        _info: Option<&'bound Self::IdInfo>,
    ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound {
        Err::<Utilities, _>(ENODEV)
    }
}

vmbus::vmbus_device_table!(
    DEVICES,
    <Utilities as vmbus::Driver>::IdInfo,
    [(DeviceId::new(guid!("0e0b6031-5213-4934-818b-38d90ced39db")), ())]
);

vmbus::module_vmbus_driver! {
    type: Utilities,
    name: "hv_utils_rust",
    authors: ["The Rust Hyper-V driver authors"],
    description: "Hyper-V utility services, in Rust",
    license: "GPL",
}
