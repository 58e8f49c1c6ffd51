#!/bin/sh
# SPDX-License-Identifier: MIT
# Proves that the scenarios can fail: for each row of MUTANTS the code that keeps an invariant is
# disabled in a scratch copy of the tree, and each test that the row names must fail then.
#   tests/scenario/mutants.sh [--survey | --worlds COUNT] [PATTERN]   only rows that contain PATTERN
# --survey prints which scenarios fail for a row instead of judging it; --worlds what the first COUNT
# random worlds make of it.
# Tests are scenarios by name, unit:NAME for tests/unit/NAME.c, or worlds:COUNT for that many worlds.
set -eu
source=$(cd "$(dirname "$0")/../.." && pwd)
survey=no
worlds=
case ${1-} in
--survey)
    survey=yes
    shift
    ;;
--worlds)
    survey=worlds
    worlds=$2
    shift 2
    ;;
esac
pattern=${1-}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM

tree=$scratch/tree
mkdir "$tree"
(cd "$source" && tar -cf - --exclude='./build*' --exclude=./.git .) | tar -xf - -C "$tree"
rows=$tree/tests/scenario/MUTANTS

# One optimisation level down: what counts is the time to build.
cmake -G Ninja -S "$tree" -B "$scratch/build" -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_C_FLAGS_RELEASE=-O1 >"$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }
units=$(sed -n '/^#/d; s/.*|//p' "$rows" | tr ' ' '\n' | sed -n 's/^unit://p' | sort -u)
build()
{
    # shellcheck disable=SC2046,SC2086
    ninja -C "$scratch/build" firealarm-calendar worlds $([ -n "$worlds" ] || echo fa_play $units) >"$scratch/log" 2>&1
}
build || { cat "$scratch/log"; exit 1; }

export FIREALARM_CALENDAR=$scratch/build/daemon/calendar/firealarm-calendar
passes()
{
    case $1 in
    unit:*) (cd "$scratch" && FA_SOURCE_DIR=$tree FA_BUILD_DIR=$scratch/build \
        timeout 60 "$scratch/build/tests/unit/${1#unit:}" >/dev/null 2>&1) ;;
    worlds:*) timeout 300 "$scratch/build/tests/scenario/worlds" --seeds "${1#worlds:}" --shrink 0 \
        >"$scratch/story" 2>&1 ;;
    *) timeout 60 "$scratch/build/tests/scenario/fa_play" --restart-everywhere \
        "$tree/tests/scenario/$1.fas" >/dev/null 2>&1 ;;
    esac
}

trim()
{
    echo "$1" | sed 's/^ *//; s/ *$//'
}

failed=0
count=0
while IFS='|' read -r invariant file edit tests; do
    case $invariant in '#'* | '') continue ;; esac
    case "$invariant|$file|$edit|$tests" in *"$pattern"*) ;; *) continue ;; esac
    invariant=$(trim "$invariant")
    file=$(trim "$file")
    edit=$(trim "$edit")
    count=$((count + 1))
    cp "$tree/$file" "$scratch/kept"
    sed -i "$edit" "$tree/$file"
    if cmp -s "$tree/$file" "$scratch/kept"; then
        echo "FAILED  $invariant: the edit changes nothing in $file: $edit"
        failed=$((failed + 1))
    elif ! build; then
        echo "FAILED  $invariant: $file does not build after: $edit"
        sed -n '/error:/p' "$scratch/log" | head -3
        failed=$((failed + 1))
    elif [ $survey = yes ]; then
        echo "== $invariant $file: $edit"
        for scenario in "$tree"/tests/scenario/*.fas; do
            name=$(basename "$scenario" .fas)
            passes "$name" || echo "  $name"
        done
    elif [ $survey = worlds ]; then
        echo "== $invariant $file: $edit"
        if passes "worlds:$worlds"; then
            echo "  none of $worlds worlds fails"
        else
            sed -n '/^FAILED/p; /abort/p' "$scratch/story"
        fi
    else
        for test in $tests; do
            if passes "$test"; then
                echo "FAILED  $invariant: $test passes without it ($file: $edit)"
                failed=$((failed + 1))
            fi
        done
    fi
    cp "$scratch/kept" "$tree/$file"
    touch "$tree/$file"
done <"$rows"
build
for test in $(sed -n '/^#/d; s/.*|//p' "$rows" | tr ' ' '\n' | sort -u); do
    if [ $survey = no ] && [ -z "$pattern" ] && ! passes "$test"; then
        echo "FAILED  $test fails in the tree as it is"
        failed=$((failed + 1))
    fi
done
echo "$count mutants, $failed failures"
[ $failed = 0 ]
