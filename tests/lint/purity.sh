#!/bin/sh
# SPDX-License-Identifier: MIT
# The deciding rooms are pure: no clock, file, socket, environment, chance or locale. What their
# objects import is a short list; anything else fails here, with the room, the object and the name.
#   purity.sh BUILD_DIR ROOM...
set -eu
build=$1
shift

allowed='^(fa_[a-z0-9_]+
|mem(cpy|move|set|cmp|chr|rchr|mem)|__mem(cpy|move|set)_chk
|str(len|nlen|cmp|ncmp|chr|rchr|str|spn|cspn|pbrk|cpy|ncpy|cat|ncat|casecmp|ncasecmp|dup|ndup)
|(malloc|calloc|realloc|free)
|v?snprintf|__v?snprintf_chk|__stack_chk_fail|abort|qsort|bsearch|__popcountdi2
|a?(sin|cos|tan)h?|atan2|exp|exp2|expm1|log|log2|log10|log1p|pow|sqrt|cbrt|hypot|fabs|fmin|fmax|fmod
|floor|ceil|round|trunc|rint|nearbyint|ldexp|frexp|scalbn|lround|llround|nextafter
|XXH[0-9A-Za-z_]+|pcre2_[a-z0-9_]+|_GLOBAL_OFFSET_TABLE_)$'
allowed=$(printf %s "$allowed" | tr -d '\n')

status=0
for room; do
    archive=$build/daemon/$room/libfa_$room.a
    if [ ! -f "$archive" ]; then
        echo "purity: room $room has no archive, nothing to check"
        continue
    fi
    if nm -u "$archive" | grep -Eq ' U __(asan|ubsan|tsan|gcov|sanitizer)_'; then
        echo "purity: $room is instrumented, skipped; the hooks and release builds check it"
        continue
    fi
    bad=$(nm -u "$archive" | awk -v allowed="$allowed" '
        /:$/ { object = $0 }
        $1 == "U" && $2 !~ allowed { print "  " object " " $2 }')
    if [ -n "$bad" ]; then
        printf 'purity: room %s imports what a deciding room may not:\n%s\n' "$room" "$bad"
        status=1
    else
        echo "purity: $room is pure"
    fi
done
exit $status
