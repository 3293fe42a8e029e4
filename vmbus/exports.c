// SPDX-License-Identifier: GPL-2.0
/* Exports the Rust API of the bus to the drivers built with it; compare rust/exports.c. */
#include <linux/export.h>

#include "exports_generated.h"
