# SPDX-License-Identifier: GPL-2.0
# Sourced by scripts: how to speak.

say()  { printf '%s %s\n' "==>" "$*"; }
warn() { printf '%s\n' "warning: $*" >&2; }
die()  { printf '%s\n' "error: $*" >&2; exit 1; }
