// SPDX-License-Identifier: GPL-2.0

//! Interrupt routing: ISA interrupts go to both interrupt controllers, and each processor's SINT2
//! has an interrupt number of its own.

use std::io;
use std::sync::Arc;

use kvm_bindings::{
    KVM_IRQ_ROUTING_HV_SINT, KVM_IRQ_ROUTING_IRQCHIP, KVM_IRQCHIP_IOAPIC, KVM_IRQCHIP_PIC_MASTER,
    KVM_IRQCHIP_PIC_SLAVE, KvmIrqRouting, kvm_irq_routing_entry, kvm_msi,
};
use kvm_ioctls::VmFd;

use super::error::{Error, Result};

/// The SINT that VMBus uses.
pub(super) const VMBUS_SINT: u32 = 2;

/// The number of pins of the I/O APIC.
const IO_APIC_PINS: u32 = 24;

/// The number of ISA interrupts.
const ISA_IRQS: u32 = 16;

/// The I/O APIC pin of the timer, whose ISA interrupt is 0.
pub(super) const TIMER_PIN: u32 = 2;

/// Where message-signalled interrupts go, and what says that one is not maskable.
const MSI_ADDRESS: u32 = 0xfee0_0000;
const MSI_NMI: u32 = 4 << 8;

/// Sends a non-maskable interrupt to virtual processor 0.
pub(super) fn send_nmi(vm: &VmFd) -> Result<()> {
    let nmi = kvm_msi {
        address_lo: MSI_ADDRESS,
        data: MSI_NMI,
        ..Default::default()
    };
    vm.signal_msi(nmi)
        .map_err(Error::kvm("send a non-maskable interrupt"))?;
    Ok(())
}

/// The interrupt number of SINT2 on `vp`.
pub(super) fn sint_gsi(vp: u32) -> u32 {
    IO_APIC_PINS + vp
}

/// Tells KVM the routing; the processors must have their SynICs already.
pub(super) fn set_routing(vm: &VmFd, cpus: u32) -> Result<()> {
    let entries: Vec<_> = pic().chain(io_apic()).chain(sints(cpus)).collect();
    let routing = KvmIrqRouting::from_entries(&entries)
        .map_err(|_| Error::Memory("no room for the interrupt routing".to_owned()))?;
    vm.set_gsi_routing(&routing)
        .map_err(Error::kvm("route interrupts"))
}

fn pic() -> impl Iterator<Item = kvm_irq_routing_entry> {
    // Pin 2 of the first controller is the second controller.
    (0..ISA_IRQS).filter(|&irq| irq != 2).map(|irq| match irq {
        0..8 => chip(irq, KVM_IRQCHIP_PIC_MASTER, irq),
        _ => chip(irq, KVM_IRQCHIP_PIC_SLAVE, irq - 8),
    })
}

fn io_apic() -> impl Iterator<Item = kvm_irq_routing_entry> {
    (0..IO_APIC_PINS).filter_map(|gsi| match gsi {
        0 => Some(chip(0, KVM_IRQCHIP_IOAPIC, TIMER_PIN)),
        TIMER_PIN => None,
        _ => Some(chip(gsi, KVM_IRQCHIP_IOAPIC, gsi)),
    })
}

fn chip(gsi: u32, irqchip: u32, pin: u32) -> kvm_irq_routing_entry {
    let mut entry = kvm_irq_routing_entry {
        gsi,
        type_: KVM_IRQ_ROUTING_IRQCHIP,
        ..Default::default()
    };
    entry.u.irqchip.irqchip = irqchip;
    entry.u.irqchip.pin = pin;
    entry
}

fn sints(cpus: u32) -> impl Iterator<Item = kvm_irq_routing_entry> {
    (0..cpus).map(|vp| {
        let mut entry = kvm_irq_routing_entry {
            gsi: sint_gsi(vp),
            type_: KVM_IRQ_ROUTING_HV_SINT,
            ..Default::default()
        };
        entry.u.hv_sint.vcpu = vp;
        entry.u.hv_sint.sint = VMBUS_SINT;
        entry
    })
}

/// An edge-triggered interrupt line.
///
/// KVM delivers it within the system call, with no thread in between.
#[derive(Clone)]
pub(super) struct IrqLine {
    vm: Arc<VmFd>,
    gsi: u32,
}

impl IrqLine {
    /// The line of interrupt `gsi`.
    pub(super) fn new(vm: Arc<VmFd>, gsi: u32) -> Self {
        Self { vm, gsi }
    }

    /// Raises the interrupt and lets go of the line.
    pub(super) fn pulse(&self) -> io::Result<()> {
        for level in [true, false] {
            self.vm
                .set_irq_line(self.gsi, level)
                .map_err(|error| io::Error::from_raw_os_error(error.errno()))?;
        }
        Ok(())
    }
}

impl vm_superio::Trigger for IrqLine {
    type E = io::Error;

    fn trigger(&self) -> io::Result<()> {
        self.pulse()
    }
}
