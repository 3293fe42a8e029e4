#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# mutants.sh [ROUND...]: whether the KUnit suites notice that the code is wrong. Breaks a copy of the
# drivers as mutants.list says, several mutants in a round, and runs the suites: the one that a mutant
# is for has to fail. Says which mutants survived.

. "$(dirname "$0")/../setup/lib.sh"

LIST=$REPO/tests/kunit/mutants.list
WORK=$OUT/mutants

# copy: all that kunit.sh needs.
copy() {
	rm -rf "$WORK"
	mkdir -p "$WORK"
	tar -C "$REPO" --exclude=./out --exclude=./.git --exclude=./tests/target -cf - . | tar -C "$WORK" -xf -
}

mutants() { grep -v '^#' "$LIST" | awk -F '\t+' -v round="$1" '$1 == round'; }

# break_copy FILE EXPRESSION: an expression that changes nothing is of yesterday's code.
break_copy() {
	local before
	before=$(cat "$WORK/$1")
	sed -i -e "$2" "$WORK/$1"
	[ "$before" != "$(cat "$WORK/$1")" ] || die "this changes nothing in $1: $2"
}

# verdict SUITE: what the log says of a suite that ought to have failed.
verdict() {
	local log=$WORK/out/logs/kunit.log
	if ! grep -q 'Starting KUnit Kernel' "$log"; then echo "does not build"
	elif grep -qE "\[FAILED\] $1 =" "$log"; then echo killed
	elif grep -qE "\[PASSED\] $1 =" "$log"; then echo SURVIVED
	else echo "killed (the kernel did not get to the end of $1)"
	fi
}

round() {
	local number suite file expression
	copy
	while IFS=$'\t' read -r number suite file expression; do
		break_copy "$file" "$expression"
	done < <(mutants "$1" | tr -s '\t')
	"$WORK/tests/lab/kunit.sh" >/dev/null 2>&1 || true
	while IFS=$'\t' read -r number suite file expression; do
		printf '%s\t%s\t%s\t%s\t%s\n' "$number" "$(verdict "$suite")" "$suite" "$file" "$expression"
	done < <(mutants "$1" | tr -s '\t')
}

mkdir -p "$OUT"
[ $# -gt 0 ] || set -- $(grep -v '^#' "$LIST" | cut -f 1 | sort -nu)
for number; do round "$number"; done | tee "$OUT/mutants.txt"
say "$(grep -c $'\tkilled' "$OUT/mutants.txt") killed, $(grep -c SURVIVED "$OUT/mutants.txt" || true) survived"
! grep -qE 'SURVIVED|does not build' "$OUT/mutants.txt"
