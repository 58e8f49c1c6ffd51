#!/bin/bash
# SPDX-License-Identifier: MIT
# The promise table hides nothing: what broke, what ended before its row and what could not be tried
# each has a line.
#   promise_test.sh FOLDER_OF_SUPPORT
set -eu
. "$1/promise_rows.sh"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
printf 'a full disk\t3\t0\t0\t1 (at most 2)\t0\tby filings\n' > row
: > none
: > log
printf 'a line\nSKIPPED: only root can mount\nSKIPPED: only root can mount\n' > skipped
{
    promise_rows full 0 row log
    promise_rows full 1 row log
    promise_rows died 134 none log
    promise_rows mounts 0 none skipped
    promise_rows half 0 row skipped
} | promise_table > table
diff -u - table << 'END'
| a full disk | 3 | 0 | 0 | 1 (at most 2) | 0 | by filings |
| a full disk | 3 | 0 | 0 | 1 (at most 2) | 0 | **broken**; by filings |
| died: ended without a row | - | - | - | - | - | **broken** |
| mounts | - | - | - | - | - | not tried: only root can mount |
| a full disk | 3 | 0 | 0 | 1 (at most 2) | 0 | by filings |
| half | - | - | - | - | - | not tried: only root can mount |
END
