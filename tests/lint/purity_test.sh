#!/bin/sh
# SPDX-License-Identifier: MIT
# A lint that cannot fail is none: an object that reads the clock must be found.
#   purity_test.sh CC LINT
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/daemon/bad" "$dir/daemon/good"
echo '#include <time.h>
#include <stdlib.h>
long fa_bad(void); long fa_bad(void) { return (long)time(NULL) + (long)strtod("1", NULL); }' \
    >"$dir/bad.c"
echo '#include <string.h>
long fa_good(const char *a); long fa_good(const char *a) { return (long)strlen(a); }' >"$dir/good.c"
for name in bad good; do
    "$1" -c -fno-builtin -o "$dir/$name.o" "$dir/$name.c"
    ar rc "$dir/daemon/$name/libfa_$name.a" "$dir/$name.o"
done
"$2" "$dir" good
if out=$("$2" "$dir" good bad); then
    echo "the clock was not noticed: $out"
    exit 1
fi
for name in time strtod bad.o; do
    case $out in
    *"$name"*) ;;
    *)
        echo "\"$name\" is not in: $out"
        exit 1
        ;;
    esac
done
