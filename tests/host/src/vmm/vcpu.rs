// SPDX-License-Identifier: GPL-2.0

//! Makes virtual processors.

use kvm_bindings::{
    KVM_CAP_HYPERV_SYNIC2, Msrs, kvm_enable_cap, kvm_fpu, kvm_lapic_state, kvm_msr_entry,
};
use kvm_ioctls::{VcpuFd, VmFd};

use super::boot::{self, Entry};
use super::cpuid::Template;
use super::error::{Error, Result};

/// IA32_MISC_ENABLE, and its bit for fast string operations.
const MSR_MISC_ENABLE: (u32, u64) = (0x1a0, 1);
/// MTRRdefType: range registers on, write-back by default.
const MSR_MTRR_DEF_TYPE: (u32, u64) = (0x2ff, 1 << 11 | 6);

/// The local APIC's registers of its two pins.
const LAPIC_LINT0: usize = 0x350;
const LAPIC_LINT1: usize = 0x360;
/// Delivery modes in those registers.
const DELIVER_NMI: u32 = 4 << 8;
const DELIVER_EXTINT: u32 = 7 << 8;

/// Makes virtual processor `vp`, which KVM starts with `entry` where there is one, and which
/// otherwise waits for another processor to start it.
pub(super) fn create(vm: &VmFd, vp: u32, cpuid: &Template, entry: Option<Entry>) -> Result<VcpuFd> {
    let vcpu = vm
        .create_vcpu(vp.into())
        .map_err(Error::kvm("make a virtual processor"))?;
    vcpu.set_cpuid2(&cpuid.for_vp(vp)?)
        .map_err(Error::kvm("set the CPUID leaves"))?;
    vcpu.enable_cap(&kvm_enable_cap {
        cap: KVM_CAP_HYPERV_SYNIC2,
        ..Default::default()
    })
    .map_err(Error::kvm("give a virtual processor a SynIC"))?;
    set_msrs(&vcpu)?;
    vcpu.set_fpu(&kvm_fpu {
        fcw: 0x37f,
        mxcsr: 0x1f80,
        ..Default::default()
    })
    .map_err(Error::kvm("set the floating-point state"))?;
    connect_pins(&vcpu)?;
    if let Some(entry) = entry {
        set_entry(&vcpu, entry)?;
    }
    Ok(vcpu)
}

fn set_msrs(vcpu: &VcpuFd) -> Result<()> {
    let entries = [MSR_MISC_ENABLE, MSR_MTRR_DEF_TYPE].map(|(index, data)| kvm_msr_entry {
        index,
        data,
        ..Default::default()
    });
    let msrs = Msrs::from_entries(&entries)
        .map_err(|_| Error::Memory("no room for a list of MSRs".to_owned()))?;
    let done = vcpu.set_msrs(&msrs).map_err(Error::kvm("set MSRs"))?;
    match entries.get(done) {
        None => Ok(()),
        Some(refused) => Err(Error::Kvm {
            what: "set an MSR",
            source: std::io::Error::other(format!("it refuses {:#x}", refused.index)),
        }),
    }
}

/// Connects the pins of the local APIC as the MADT says.
fn connect_pins(vcpu: &VcpuFd) -> Result<()> {
    let mut lapic = vcpu
        .get_lapic()
        .map_err(Error::kvm("read the local APIC"))?;
    set_delivery(&mut lapic, LAPIC_LINT0, DELIVER_EXTINT);
    set_delivery(&mut lapic, LAPIC_LINT1, DELIVER_NMI);
    vcpu.set_lapic(&lapic)
        .map_err(Error::kvm("set the local APIC"))
}

fn set_delivery(lapic: &mut kvm_lapic_state, offset: usize, mode: u32) {
    for (register, byte) in lapic.regs[offset..].iter_mut().zip(mode.to_le_bytes()) {
        *register = byte as _;
    }
}

fn set_entry(vcpu: &VcpuFd, entry: Entry) -> Result<()> {
    let mut sregs = vcpu
        .get_sregs()
        .map_err(Error::kvm("read the system registers"))?;
    boot::long_mode(&mut sregs);
    vcpu.set_sregs(&sregs)
        .map_err(Error::kvm("set the system registers"))?;
    vcpu.set_regs(&boot::registers(entry))
        .map_err(Error::kvm("set the general registers"))
}
