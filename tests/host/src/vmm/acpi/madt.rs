// SPDX-License-Identifier: GPL-2.0

//! The MADT: processors and interrupt controllers.

use acpi_tables::madt::{
    EnabledStatus, IoApic, LocalInterruptController, MADT, ProcessorLocalApic,
};
use acpi_tables::{Aml, AmlSink};
use zerocopy::{Immutable, IntoBytes};

use super::{OEM_ID, OEM_REVISION, OEM_TABLE_ID, SCI};
use crate::vmm::{irq, layout};

/// Polarity and trigger of an interrupt: as the bus has it; level-triggered, active high.
const AS_BUS: u16 = 0;
const LEVEL_HIGH: u16 = 0b1101;

/// "Interrupt source override": an ISA interrupt that is not on the pin of its own number.
#[derive(Clone, IntoBytes, Immutable)]
#[repr(C, packed)]
struct SourceOverride {
    kind: u8,
    length: u8,
    bus: u8,
    source: u8,
    gsi: u32,
    flags: u16,
}

/// "Local APIC NMI": LINT1 of all processors.
#[derive(Clone, IntoBytes, Immutable)]
#[repr(C, packed)]
struct LocalNmi {
    kind: u8,
    length: u8,
    processor: u8,
    flags: u16,
    pin: u8,
}

macro_rules! plain_aml {
    ($type:ty) => {
        impl Aml for $type {
            fn to_aml_bytes(&self, sink: &mut dyn AmlSink) {
                sink.vec(self.as_bytes());
            }
        }
    };
}

plain_aml!(SourceOverride);
plain_aml!(LocalNmi);

impl SourceOverride {
    fn new(source: u8, gsi: u32, flags: u16) -> Self {
        Self {
            kind: 2,
            length: size_of::<Self>() as u8,
            bus: 0,
            source,
            gsi,
            flags,
        }
    }
}

/// The table for `cpus` processors, whose APIC ids are their numbers.
pub(super) fn build(cpus: u32) -> MADT {
    let controller = LocalInterruptController::Address(layout::LOCAL_APIC);
    let mut madt = MADT::new(OEM_ID, OEM_TABLE_ID, OEM_REVISION, controller);
    for cpu in (0..=u8::MAX).take(cpus as usize) {
        madt.add_structure(ProcessorLocalApic::new(cpu, cpu, EnabledStatus::Enabled));
    }
    madt.add_structure(IoApic::new(0, layout::IO_APIC, 0));
    madt.add_structure(SourceOverride::new(0, irq::TIMER_PIN, AS_BUS));
    madt.add_structure(SourceOverride::new(SCI as u8, SCI.into(), LEVEL_HIGH));
    madt.add_structure(LocalNmi {
        kind: 4,
        length: size_of::<LocalNmi>() as u8,
        processor: 0xff,
        flags: AS_BUS,
        pin: 1,
    });
    madt
}
