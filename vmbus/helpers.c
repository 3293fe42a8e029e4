// SPDX-License-Identifier: GPL-2.0
/* C macros, inline functions and per-CPU data of the kernel, made callable from Rust. */
#include <linux/hyperv.h>
#include <asm/mshyperv.h>

u64 hv_rust_fast_hypercall8(u16 control, u64 input)
{
	return hv_do_fast_hypercall8(control, input);
}
