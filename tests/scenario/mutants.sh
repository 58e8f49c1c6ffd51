#!/bin/sh
# SPDX-License-Identifier: MIT
# Proves that the scenarios can fail: for each row of MUTANTS the code that keeps an invariant is
# disabled in a scratch copy of the tree, and each test that the row names must fail then.
#   tests/scenario/mutants.sh [--check | --survey | --worlds COUNT] [PATTERN]
# PATTERN: only rows that contain it. --check looks only whether each row fits the code as it is, which
# takes no time; --survey prints which scenarios fail for a row instead of judging it; --worlds what the
# first COUNT random worlds make of it.
# Tests are scenarios by name, unit:NAME for tests/unit/NAME.c, or worlds:COUNT for that many worlds.
set -eu
source=$(cd "$(dirname "$0")/../.." && pwd)
mode=judge
worlds=
case ${1-} in
--check | --survey)
    mode=${1#--}
    shift
    ;;
--worlds)
    mode=worlds
    worlds=$2
    shift 2
    ;;
esac
pattern=${1-}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM

tree=$source
if [ $mode != check ]; then
    tree=$scratch/tree
    mkdir "$tree"
    (cd "$source" && tar -cf - --exclude='./build*' --exclude=./.git .) | tar -xf - -C "$tree"
    # One optimisation level down: what counts is the time to build. With the hooks, for without them
    # a test that needs the clock fails, whatever the code.
    cmake -G Ninja -S "$tree" -B "$scratch/build" -DCMAKE_BUILD_TYPE=Release -DFA_TEST_HOOKS=ON \
        -DCMAKE_C_FLAGS_RELEASE=-O1 >"$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }
fi
rows=$tree/tests/scenario/MUTANTS
units=$(sed -n '/^#/d; s/.*|//p' "$rows" | tr ' ' '\n' | sed -n 's/^unit://p' | sort -u)
build()
{
    [ $mode != check ] || return 0
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
    printf '%s\n' "$1" | sed 's/^ *//; s/ *$//'
}

# The edited file is in $scratch/edited; false, and why, when the row does not fit the code.
fits()
{
    case $tests in *'|'*) echo "a | within the edit" && return 1 ;; esac
    sed "$edit" "$tree/$file" 2>&1 >"$scratch/edited" || return 1
    ! cmp -s "$tree/$file" "$scratch/edited" || { echo "the edit changes nothing" && return 1; }
}

failed=0
fault()
{
    echo "FAILED  $1"
    failed=$((failed + 1))
}

judge()
{
    if ! build; then
        fault "$invariant: $file does not build after: $edit"
        sed -n '/error:/p' "$scratch/log" | head -3
        return
    fi
    case $mode in
    survey)
        echo "== $invariant $file: $edit"
        for scenario in "$tree"/tests/scenario/*.fas; do
            name=$(basename "$scenario" .fas)
            passes "$name" || echo "  $name"
        done
        ;;
    worlds)
        echo "== $invariant $file: $edit"
        if passes "worlds:$worlds"; then
            echo "  none of $worlds worlds fails"
        else
            sed -n '/^FAILED/p; /abort/p' "$scratch/story"
        fi
        ;;
    judge)
        for test in $tests; do
            ! passes "$test" || fault "$invariant: $test passes without it ($file: $edit)"
        done
        ;;
    esac
}

count=0
while IFS='|' read -r invariant file edit tests; do
    case $invariant in '#'* | '') continue ;; esac
    case "$invariant|$file|$edit|$tests" in *"$pattern"*) ;; *) continue ;; esac
    invariant=$(trim "$invariant")
    file=$(trim "$file")
    edit=$(trim "$edit")
    count=$((count + 1))
    if ! fits >"$scratch/why"; then
        fault "$invariant: $(cat "$scratch/why") in $file: $edit"
    elif [ $mode != check ]; then
        cp "$tree/$file" "$scratch/kept"
        cp "$scratch/edited" "$tree/$file"
        judge
        cp "$scratch/kept" "$tree/$file"
        touch "$tree/$file"
    fi
done <"$rows"
build
for test in $(sed -n '/^#/d; s/.*|//p' "$rows" | tr ' ' '\n' | sort -u); do
    if [ $mode = judge ] && [ -z "$pattern" ] && ! passes "$test"; then
        fault "$test fails in the tree as it is"
    fi
done
echo "$count mutants, $failed failures"
[ $failed = 0 ]
