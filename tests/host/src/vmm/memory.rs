// SPDX-License-Identifier: GPL-2.0

//! Guest memory: anonymous mappings that KVM knows.

use kvm_bindings::kvm_userspace_memory_region;
use kvm_ioctls::VmFd;
use vm_memory::{GuestAddress, GuestMemoryBackend, GuestMemoryMmap, GuestMemoryRegion};

use super::error::{Error, Result};
use super::{kvm_sys, layout};

/// Allocates `size` bytes.
pub(super) fn allocate(size: u64) -> Result<GuestMemoryMmap> {
    let ranges = layout::memory_ranges(size)
        .into_iter()
        .map(|(start, size)| {
            Ok((
                GuestAddress(start),
                usize::try_from(size).map_err(Error::memory)?,
            ))
        })
        .collect::<Result<Vec<_>>>()?;
    let memory = GuestMemoryMmap::from_ranges(&ranges).map_err(Error::memory)?;
    for region in memory.iter() {
        kvm_sys::advise_huge_pages(region);
    }
    Ok(memory)
}

/// Makes `memory` the memory of `vm`.
pub(super) fn register(vm: &VmFd, memory: &GuestMemoryMmap) -> Result<()> {
    for (slot, region) in (0..).zip(memory.iter()) {
        let region = kvm_userspace_memory_region {
            slot,
            flags: 0,
            guest_phys_addr: region.start_addr().0,
            memory_size: region.len(),
            userspace_addr: region.as_ptr() as u64,
        };
        // SAFETY: The mapping is `region.len()` bytes long, the regions do not overlap, and `Vm`
        // holds `memory` for as long as the virtual machine exists.
        unsafe { vm.set_user_memory_region(region) }
            .map_err(Error::kvm("give the guest its memory"))?;
    }
    Ok(())
}
