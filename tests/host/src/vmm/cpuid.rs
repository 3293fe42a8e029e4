// SPDX-License-Identifier: GPL-2.0

//! What a guest's CPUID instruction returns: what KVM supports, with KVM's own leaves replaced by
//! Hyper-V's (TLFS, appendix "CPUID"), and the topology of the guest.

use kvm_bindings::{
    CpuId, KVM_CPUID_FLAG_SIGNIFCANT_INDEX, KVM_MAX_CPUID_ENTRIES, kvm_cpuid_entry2,
};
use kvm_ioctls::Kvm;

use super::config::VmConfig;
use super::error::{Error, Result};
use super::kvm_sys;

/// The leaves that belong to hypervisors.
const HYPERVISOR_LEAVES: std::ops::RangeInclusive<u32> = 0x4000_0000..=0x4000_ffff;

const VENDOR: u32 = 0x4000_0000;
const INTERFACE: u32 = 0x4000_0001;
const VERSION: u32 = 0x4000_0002;
const FEATURES: u32 = 0x4000_0003;
const RECOMMENDATIONS: u32 = 0x4000_0004;
const LIMITS: u32 = 0x4000_0005;
/// The properties of the virtualization stack, which Linux reads without asking for its presence.
const STACK_PROPERTIES: u32 = 0x4000_0082;

/// Leaf 0x40000003 EAX: which registers the guest may use.
mod privileges {
    const RUNTIME: u32 = 1 << 0;
    const REFERENCE_COUNTER: u32 = 1 << 1;
    const SYNIC: u32 = 1 << 2;
    const SYNTHETIC_TIMERS: u32 = 1 << 3;
    const APIC_ACCESS: u32 = 1 << 4;
    const HYPERCALL: u32 = 1 << 5;
    const VP_INDEX: u32 = 1 << 6;
    const RESET: u32 = 1 << 7;
    const REFERENCE_TSC: u32 = 1 << 9;
    const FREQUENCIES: u32 = 1 << 11;

    pub(super) const ALL: u32 = RUNTIME
        | REFERENCE_COUNTER
        | SYNIC
        | SYNTHETIC_TIMERS
        | APIC_ACCESS
        | HYPERCALL
        | VP_INDEX
        | RESET
        | REFERENCE_TSC
        | FREQUENCIES;
}

/// Leaf 0x40000003 EBX: which hypercalls the guest may make: PostMessages and SignalEvents.
const HYPERCALL_PRIVILEGES: u32 = (1 << 4) | (1 << 5);

/// The same for a root partition: CreatePartitions and CpuManagement.
const ROOT_PRIVILEGES: u32 = (1 << 0) | (1 << 12);

/// Leaf 0x40000003 EDX: frequency registers, crash registers, timers that interrupt directly.
const MISCELLANEOUS: u32 = (1 << 8) | (1 << 10) | (1 << 19);

/// Leaf 0x40000004 EAX: use the registers for APIC accesses, expect relaxed timing.
const ADVICE: u32 = (1 << 3) | (1 << 5);

/// Leaf 0x40000004 EAX: do not use automatic end of interrupt.
const ADVICE_NO_AUTO_EOI: u32 = 1 << 9;

/// The CPUID leaves of all virtual processors, but for what tells these apart.
pub(super) struct Template {
    entries: Vec<kvm_cpuid_entry2>,
    cpus: u32,
}

impl Template {
    /// Asks KVM what it supports, and makes a guest as configured of it.
    pub(super) fn new(kvm: &Kvm, config: &VmConfig) -> Result<Self> {
        let native = kvm
            .get_supported_cpuid(KVM_MAX_CPUID_ENTRIES)
            .map_err(Error::kvm("say which CPUID leaves it supports"))?;
        let offered = kvm_sys::supported_hv_cpuid(kvm).map_err(|source| Error::Kvm {
            what: "say which Hyper-V CPUID leaves it supports",
            source,
        })?;
        let mut entries: Vec<_> = native.as_slice().to_vec();
        entries.retain(|entry| !HYPERVISOR_LEAVES.contains(&entry.function));
        if config.hyper_v {
            entries.extend(hyperv_leaves(offered.as_slice(), config.auto_eoi)?);
        }
        if config.root_partition {
            let features = entries.iter_mut().filter(|leaf| leaf.function == FEATURES);
            features.for_each(|leaf| leaf.ebx |= ROOT_PRIVILEGES);
        }
        let cpus = config.cpus;
        Ok(Self { entries, cpus })
    }

    /// The leaves of virtual processor `vp`.
    pub(super) fn for_vp(&self, vp: u32) -> Result<CpuId> {
        let mut entries = self.entries.clone();
        entries.retain(|entry| !matches!(entry.function, 0xb | 0x1f));
        for entry in &mut entries {
            adapt(entry, vp, self.cpus);
        }
        entries.extend(topology(vp, self.cpus));
        CpuId::from_entries(&entries)
            .map_err(|_| Error::Config(format!("{} CPUID entries are too many", entries.len())))
    }
}

/// The Hyper-V leaves, or what KVM lacks for them.
fn hyperv_leaves(offered: &[kvm_cpuid_entry2], auto_eoi: bool) -> Result<Vec<kvm_cpuid_entry2>> {
    let find = |function| {
        offered
            .iter()
            .find(|entry| entry.function == function)
            .copied()
            .unwrap_or(kvm_cpuid_entry2 {
                function,
                ..Default::default()
            })
    };
    let advice = if auto_eoi {
        ADVICE
    } else {
        ADVICE | ADVICE_NO_AUTO_EOI
    };
    let features = find(FEATURES);
    let recommendations = find(RECOMMENDATIONS);
    check(FEATURES, "EAX", privileges::ALL, features.eax)?;
    check(FEATURES, "EBX", HYPERCALL_PRIVILEGES, features.ebx)?;
    check(FEATURES, "EDX", MISCELLANEOUS, features.edx)?;
    check(RECOMMENDATIONS, "EAX", advice, recommendations.eax)?;

    let leaf = |function, [eax, ebx, ecx, edx]: [u32; 4]| kvm_cpuid_entry2 {
        function,
        eax,
        ebx,
        ecx,
        edx,
        ..Default::default()
    };
    let [name0, name1, name2] = [*b"Micr", *b"osof", *b"t Hv"].map(u32::from_le_bytes);
    Ok(vec![
        leaf(VENDOR, [LIMITS, name0, name1, name2]),
        leaf(INTERFACE, [u32::from_le_bytes(*b"Hv#1"), 0, 0, 0]),
        find(VERSION),
        leaf(
            FEATURES,
            [privileges::ALL, HYPERCALL_PRIVILEGES, 0, MISCELLANEOUS],
        ),
        // No number of spins after which a guest is to tell the hypervisor.
        leaf(RECOMMENDATIONS, [advice, u32::MAX, 0, 0]),
        find(LIMITS),
        leaf(STACK_PROPERTIES, [0; 4]),
    ])
}

/// Refuses `wanted` bits that are not in `offered`.
fn check(leaf: u32, register: &'static str, wanted: u32, offered: u32) -> Result<()> {
    match wanted & !offered {
        0 => Ok(()),
        missing => Err(Error::MissingFeature {
            leaf,
            register,
            missing,
        }),
    }
}

/// Changes what tells processors apart, and what a guest is better off without.
fn adapt(entry: &mut kvm_cpuid_entry2, vp: u32, cpus: u32) {
    match entry.function {
        0x1 => {
            entry.ebx = (entry.ebx & 0xffff) | (cpus << 16) | (vp << 24);
            entry.ecx |= 1 << 31; // a hypervisor is present
            if cpus > 1 {
                entry.edx |= 1 << 28; // more than one processor in the package
            }
        }
        0x4 => entry.eax = (entry.eax & 0x03ff_ffff) | (cpus.next_power_of_two() - 1) << 26,
        // Five-level page tables only lengthen the walk.
        0x7 if entry.index == 0 => entry.ecx &= !(1 << 16),
        0x8000_0008 => {
            entry.ecx = (entry.ecx & !0xf0ff) | (id_bits(cpus) << 12) | (cpus - 1);
        }
        0x8000_001e => (entry.eax, entry.ebx, entry.ecx) = (vp, vp, 0),
        _ => {}
    }
}

/// Leaf 0xb: one thread a core, `cpus` cores in the one package.
fn topology(vp: u32, cpus: u32) -> [kvm_cpuid_entry2; 3] {
    let level = |index, eax, ebx, ecx| kvm_cpuid_entry2 {
        function: 0xb,
        index,
        flags: KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
        eax,
        ebx,
        ecx,
        edx: vp,
        ..Default::default()
    };
    [
        level(0, 0, 1, 1 << 8),
        level(1, id_bits(cpus), cpus, 2 << 8 | 1),
        level(2, 0, 0, 2),
    ]
}

/// How many bits the numbers of `cpus` processors take.
fn id_bits(cpus: u32) -> u32 {
    cpus.next_power_of_two().trailing_zeros()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn everything() -> Vec<kvm_cpuid_entry2> {
        [
            VENDOR,
            INTERFACE,
            VERSION,
            FEATURES,
            RECOMMENDATIONS,
            LIMITS,
        ]
        .map(|function| kvm_cpuid_entry2 {
            function,
            eax: !0,
            ebx: !0,
            ecx: !0,
            edx: !0,
            ..Default::default()
        })
        .to_vec()
    }

    #[test]
    fn guest_sees_hyperv() {
        let leaves = hyperv_leaves(&everything(), false).unwrap();
        let bytes: Vec<u8> = [leaves[0].ebx, leaves[0].ecx, leaves[0].edx]
            .iter()
            .flat_map(|register| register.to_le_bytes())
            .collect();
        assert_eq!(bytes, b"Microsoft Hv");
        assert_eq!(leaves[1].eax, 0x3123_7648);
    }

    #[test]
    fn auto_eoi_is_a_hint() {
        let advice = |auto_eoi| hyperv_leaves(&everything(), auto_eoi).unwrap()[4].eax;
        assert_eq!(advice(false) ^ advice(true), 1 << 9);
    }

    #[test]
    fn lacking_kvm_is_told() {
        let mut offered = everything();
        offered[3].ebx = 0;
        let error = hyperv_leaves(&offered, false).unwrap_err();
        assert!(
            error.to_string().contains("0x40000003 EBX: 0x30"),
            "{error}"
        );
    }

    #[test]
    fn bits_of_processor_numbers() {
        assert_eq!([1, 2, 3, 4, 8].map(id_bits), [0, 1, 2, 2, 3]);
    }
}
