// SPDX-License-Identifier: GPL-2.0

//! The hypervisor, as far as the bus needs it: hypercalls, pages shared with the host, the
//! synthetic interrupt controller of each CPU, and the CPUs themselves.
//!
//! Nothing here knows what a channel is. What comes in goes to a [`Sink`].
//!
//! C headers: [`arch/x86/include/asm/mshyperv.h`](srctree/arch/x86/include/asm/mshyperv.h),
//! [`arch/arm64/include/asm/mshyperv.h`](srctree/arch/arm64/include/asm/mshyperv.h),
//! [`include/asm-generic/mshyperv.h`](srctree/include/asm-generic/mshyperv.h)

mod affinity;
#[expect(unsafe_code, reason = "asks the kernel about CPUs")]
pub(crate) mod cpu;
#[expect(
    unsafe_code,
    reason = "works on what the interrupt handler of a CPU uses"
)]
mod cpus;
#[expect(unsafe_code, reason = "hooks into the end of the kernel")]
mod crash;
#[expect(unsafe_code, reason = "registers callbacks for CPUs that come and go")]
mod hotplug;
#[expect(unsafe_code, reason = "calls the hypervisor")]
mod hypercall;
#[expect(unsafe_code, reason = "installs an interrupt handler")]
mod interrupt;
#[expect(unsafe_code, reason = "owns pages that the host writes to")]
mod page;
#[expect(
    unsafe_code,
    reason = "looks at the kernel's description of the hypervisor"
)]
mod partition;
#[expect(unsafe_code, reason = "finds the device that the bus hangs from")]
mod platform;
#[expect(unsafe_code, reason = "hooks into power management")]
mod power;
#[expect(unsafe_code, reason = "accesses the registers of the SynIC")]
mod synic;
#[cfg(CONFIG_HYPERV_RUST_KUNIT_TEST)]
#[expect(unsafe_code, reason = "takes hypercalls")]
pub(crate) mod testing;

pub(crate) use affinity::{
    Affinity,
    CpuShare, //
};
pub(crate) use cpus::{
    Cpus,
    Disposition,
    Sink, //
};
pub(crate) use crash::{
    LastRites,
    Mortal, //
};
pub(crate) use hypercall::{
    post_message,
    signal_event, //
};
pub(crate) use interrupt::Synic;
pub(crate) use page::SharedPage;
pub(crate) use partition::{
    address_of_shared,
    check,
    target_vtl,
    Fitness, //
};
pub(crate) use platform::{
    Root,
    RootDriver, //
};
pub(crate) use power::{
    Sleeper,
    SystemSleep, //
};

/// The CPU that the host sends messages to, and that channels without need for speed interrupt.
pub(crate) const CONNECT_CPU: u32 = 0;
