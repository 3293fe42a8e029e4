// SPDX-License-Identifier: GPL-2.0

//! What kind of virtual machine this is.

use kernel::prelude::*;

use crate::bindings;

/// What this machine means for the bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fitness {
    /// There is a host to connect to.
    Guest,
    /// This is the root partition, which is nobody's guest.
    Root,
}

/// Looks whether this machine has a bus.
///
/// # Errors
///
/// `ENODEV` when the hypervisor is not Hyper-V, or the machine does not trust its host with
/// ordinary memory: sharing memory with the host then takes more than the bus does.
pub(crate) fn check() -> Result<Fitness> {
    // SAFETY: No requirements.
    if !unsafe { bindings::hv_is_hyperv_initialized() } {
        return Err(ENODEV);
    }
    // SAFETY: No requirements.
    if unsafe { bindings::hv_rust_root_partition() } {
        return Ok(Fitness::Root);
    }
    // SAFETY: No requirements.
    if unsafe { bindings::hv_is_isolation_supported() } {
        pr_err!("confidential virtual machines are not supported\n");
        return Err(ENODEV);
    }
    Ok(Fitness::Guest)
}

/// The virtual trust level that we run at.
pub(crate) fn target_vtl() -> u8 {
    // SAFETY: Written once, long before modules are loaded.
    unsafe { bindings::ms_hyperv.vtl }
}

/// The address at which the host is to see the shared page at `address`.
pub(crate) fn address_of_shared(address: u64) -> u64 {
    // SAFETY: Written once, long before modules are loaded.
    address | unsafe { bindings::ms_hyperv.shared_gpa_boundary }
}
