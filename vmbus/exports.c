// SPDX-License-Identifier: GPL-2.0
/* Exports the Rust API of the bus to the drivers built with it; compare rust/exports.c. */
#include <linux/export.h>

#define EXPORT_SYMBOL_RUST_HV(sym) extern int sym; EXPORT_SYMBOL_FOR_MODULES(sym, "hv_*_rust")

#include "exports_generated.h"
