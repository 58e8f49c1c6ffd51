#!/bin/bash
# SPDX-License-Identifier: MIT
# Has spin check the model of escalation and outbox: it keeps its promises, and each fault that can be
# built in breaks the one that it should.
set -euo pipefail
model=$(cd "$(dirname "$0")/../.." && pwd)/daemon/alarms/outbox.pml
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

# claim FAULT NAME: how many errors spin finds
claim() {
    local fair=() said
    spin ${1:+"-D$1"} -a "$model" > spin.log 2>&1 || { cat spin.log >&2; exit 1; }
    gcc -O2 -w -DNFAIR=4 -o pan pan.c
    [ "$2" != owned ] || fair=(-f)
    said=$(./pan -a "${fair[@]}" -N "$2" -m1000000)
    grep -q 'max search depth too small' <<< "$said" && { echo "the search was cut off" >&2; exit 1; }
    sed -n 's/.*errors: \([0-9]*\).*/\1/p' <<< "$said"
}

bad=0
while read -r fault name errors; do
    [ "$fault" != none ] || fault=
    found=$(claim "$fault" "$name")
    [ "$found" = "$errors" ] ||
        { echo "${fault:-the model} $name: ${found:-no} errors, $errors are expected" >&2; bad=1; }
done << 'EOF'
none owned 0
none told 0
none kept 0
MARK_FIRST told 1
REPLY_EARLY kept 1
NO_LOOP owned 1
EOF
exit $bad
