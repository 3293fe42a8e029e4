// SPDX-License-Identifier: GPL-2.0

//! Whether this machine can run Hyper-V guests.

use std::io;

use kvm_ioctls::{Cap, Kvm};

/// Why this machine cannot run Hyper-V guests.
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    /// There is no /dev/kvm.
    #[error(
        "there is no /dev/kvm: the processor's virtualization is off or hidden, or the module \
         kvm_intel or kvm_amd is not loaded"
    )]
    NoKvm,

    /// /dev/kvm cannot be opened.
    #[error("/dev/kvm cannot be opened ({0}): is this user in the group kvm?")]
    Denied(io::Error),

    /// It is not the KVM that we know.
    #[error("/dev/kvm speaks version {0} of its interface, not 12")]
    Version(i32),

    /// A capability is missing.
    #[error(
        "this KVM lacks {0}: it cannot be a Hyper-V host (its kernel may have been built without \
         CONFIG_KVM_HYPERV)"
    )]
    Missing(&'static str),
}

/// What has to be there.
const NEEDED: [(Cap, &str); 4] = [
    (Cap::Hyperv, "KVM_CAP_HYPERV"),
    (Cap::HypervSynic2, "KVM_CAP_HYPERV_SYNIC2"),
    (Cap::Irqchip, "KVM_CAP_IRQCHIP"),
    (Cap::IrqfdResample, "KVM_CAP_IRQFD_RESAMPLE"),
];

/// KVM_CAP_SYS_HYPERV_CPUID, which `kvm_ioctls::Cap` does not name.
const SYS_HYPERV_CPUID: libc::c_ulong = kvm_bindings::KVM_CAP_SYS_HYPERV_CPUID as libc::c_ulong;

/// Says whether a guest can be run, and if not, why.
///
/// # Errors
///
/// The first thing that is missing. A /dev/kvm may well be there without being of use.
pub fn kvm_has_hyperv() -> Result<(), Reason> {
    open().map(drop)
}

/// Opens /dev/kvm and looks whether it has what is needed.
pub(super) fn open() -> Result<Kvm, Reason> {
    let kvm = Kvm::new().map_err(|error| match error.errno() {
        libc::ENOENT | libc::ENODEV | libc::ENXIO => Reason::NoKvm,
        errno => Reason::Denied(io::Error::from_raw_os_error(errno)),
    })?;
    match kvm.get_api_version() {
        12 => {}
        version => return Err(Reason::Version(version)),
    }
    for (cap, name) in NEEDED {
        if !kvm.check_extension(cap) {
            return Err(Reason::Missing(name));
        }
    }
    if kvm.check_extension_raw(SYS_HYPERV_CPUID) <= 0 {
        return Err(Reason::Missing("KVM_CAP_SYS_HYPERV_CPUID"));
    }
    Ok(kvm)
}
