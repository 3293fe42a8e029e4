// SPDX-License-Identifier: GPL-2.0
/* C macros and inline functions made callable from Rust. */
#include <linux/module.h>
