// SPDX-License-Identifier: GPL-2.0

//! The registers of a CPU's synthetic interrupt controller.
//!
//! A register belongs to the CPU that accesses it, so everything here acts on the current one.
//!
//! C header: [`include/hyperv/hvgdk_mini.h`](srctree/include/hyperv/hvgdk_mini.h)

use crate::{
    bindings,
    wire::{
        synic::MESSAGE_SINT,
        HV_PAGE_SIZE, //
    },
};

/// SIMP, SIEFP, SCONTROL: in use.
const ENABLE: u64 = 1;
/// SIMP, SIEFP: the bits of the page's address.
const PAGE_MASK: u64 = !(HV_PAGE_SIZE as u64 - 1);
/// SINT: the bits of the interrupt vector.
const SINT_VECTOR_MASK: u64 = 0xff;
/// SINT: no interrupts.
const SINT_MASKED: u64 = 1 << 16;
/// SINT: the end of an interrupt needs not be written to a register.
const SINT_AUTO_EOI: u64 = 1 << 17;
/// The register of our synthetic interrupt.
const SINT: u32 = bindings::SYNIC_SINT0 + MESSAGE_SINT as u32;

fn update(register: u32, change: impl FnOnce(u64) -> u64) {
    // SAFETY: The registers of the SynIC can be read by every guest of Hyper-V.
    let old = unsafe { bindings::hv_rust_register(register) };
    // SAFETY: The callers, all in this file, hand over pages that the host may write to.
    unsafe { bindings::hv_rust_set_register(register, change(old)) };
}

/// Has the host deliver messages and event flags to this CPU.
///
/// # Safety
///
/// The addresses are those of pages that the host may write to until [`disable`] has run on this
/// CPU. The handler of the interrupt is installed.
pub(super) unsafe fn enable(messages: u64, events: u64) {
    // SAFETY: No requirements.
    let (vector, auto_eoi) = unsafe {
        (
            u64::from(bindings::hv_rust_interrupt_number()),
            bindings::hv_rust_use_auto_eoi(),
        )
    };
    update(bindings::SYNIC_SIMP, |old| {
        old & !PAGE_MASK | messages | ENABLE
    });
    update(bindings::SYNIC_SIEFP, |old| {
        old & !PAGE_MASK | events | ENABLE
    });
    unmask_interrupt();
    update(SINT, |old| {
        let kept = old & !(SINT_VECTOR_MASK | SINT_MASKED | SINT_AUTO_EOI);
        kept | vector | if auto_eoi { SINT_AUTO_EOI } else { 0 }
    });
    update(bindings::SYNIC_SCONTROL, |old| old | ENABLE);
}

/// Ends the delivery.
pub(super) fn disable() {
    update(SINT, |old| old | SINT_MASKED);
    update(bindings::SYNIC_SIMP, |old| old & !(PAGE_MASK | ENABLE));
    update(bindings::SYNIC_SIEFP, |old| old & !(PAGE_MASK | ENABLE));
    update(bindings::SYNIC_SCONTROL, |old| old & !ENABLE);
}

/// Has this CPU take the interrupt that the SynIC raises, where it is one that can be masked.
fn unmask_interrupt() {
    // SAFETY: There is a handler from before [`enable`] is called to after [`disable`] is.
    unsafe { bindings::hv_rust_interrupt_unmask() };
}

/// Undoes what [`enable`] did to the interrupt, for a CPU that goes offline.
pub(super) fn mask_interrupt() {
    // SAFETY: As in `unmask_interrupt`.
    unsafe { bindings::hv_rust_interrupt_mask() };
}

/// Tells the hypervisor that this CPU's message slots are free for the messages that wait.
pub(super) fn end_of_message() {
    // SAFETY: Writing the register has no effect on memory but on the message page.
    unsafe { bindings::hv_rust_set_register(bindings::SYNIC_EOM, 0) };
}
