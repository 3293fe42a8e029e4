// SPDX-License-Identifier: GPL-2.0

//! The DSDT: the VMBus device under the one that owns Hyper-V's MMIO windows, the serial ports,
//! and sleep states.
//!
//! Linux' `vmbus_acpi_add()` takes the windows from the nearest ancestor of the VMBus device that
//! has "address" descriptors in its _CRS.

use acpi_tables::Aml;
use acpi_tables::aml::{
    AddressSpace, AddressSpaceCacheable, Device, EISAName, IO, Interrupt, Name, Package, Path,
    ResourceTemplate, Scope, ZERO,
};
use acpi_tables::sdt::Sdt;

use super::{OEM_ID, OEM_REVISION, OEM_TABLE_ID};
use crate::vmm::config::VmConfig;
use crate::vmm::layout;
use crate::vmm::ports::{SerialPlace, power};

/// The length of an ACPI table's header.
const HEADER: u32 = 36;

/// A device is there, decoding, to be shown, and working.
const PRESENT: u8 = 0xf;

/// The table.
pub(super) fn build(config: &VmConfig) -> Sdt {
    let mut dsdt = Sdt::new(*b"DSDT", HEADER, 2, OEM_ID, OEM_TABLE_ID, OEM_REVISION);
    vmbus(&mut dsdt, config.memory);
    serial(&mut dsdt, &SerialPlace::CONSOLE);
    if config.agent {
        serial(&mut dsdt, &SerialPlace::AGENT);
    }
    sleep_state(&mut dsdt, "_S5_", power::SLEEP_TYPE_OFF);
    if config.hibernation {
        sleep_state(&mut dsdt, "_S4_", power::SLEEP_TYPE_DISK);
    }
    dsdt
}

fn vmbus(dsdt: &mut Sdt, memory: u64) {
    let low = layout::LOW_MMIO;
    let high = layout::high_mmio(memory);
    let cacheable = AddressSpaceCacheable::NotCacheable;
    Scope::new(
        "\\_SB_".into(),
        vec![&Device::new(
            "VMOD".into(),
            vec![
                &Name::new("_HID".into(), &"ACPI0004"),
                &Name::new("_UID".into(), &ZERO),
                &Name::new(
                    "_CRS".into(),
                    &ResourceTemplate::new(vec![
                        &AddressSpace::new_memory(cacheable, true, *low.start(), *low.end(), None),
                        &AddressSpace::new_memory(
                            cacheable,
                            true,
                            *high.start(),
                            *high.end(),
                            None,
                        ),
                    ]),
                ),
                &Device::new(
                    "VMBS".into(),
                    vec![
                        &Name::new("_HID".into(), &"VMBus"),
                        &Name::new("_UID".into(), &ZERO),
                        &Name::new("_STA".into(), &PRESENT),
                        &Name::new("_CRS".into(), &ResourceTemplate::new(vec![])),
                    ],
                ),
            ],
        )],
    )
    .to_aml_bytes(dsdt);
}

fn serial(dsdt: &mut Sdt, place: &SerialPlace) {
    let port = place.port;
    Scope::new(
        "\\_SB_".into(),
        vec![&Device::new(
            Path::new(place.name),
            vec![
                &Name::new("_HID".into(), &EISAName::new("PNP0501")),
                &Name::new("_UID".into(), &place.unit),
                &Name::new(
                    "_CRS".into(),
                    &ResourceTemplate::new(vec![
                        &IO::new(port, port, 0, SerialPlace::LENGTH),
                        &Interrupt::new(true, true, false, false, place.irq),
                    ]),
                ),
            ],
        )],
    )
    .to_aml_bytes(dsdt);
}

fn sleep_state(dsdt: &mut Sdt, name: &str, sleep_type: u8) {
    Name::new(name.into(), &Package::new(vec![&sleep_type])).to_aml_bytes(dsdt);
}
