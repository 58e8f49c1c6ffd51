# SPDX-License-Identifier: MIT
# Sourced by tests/promise and by its test.

# Writes what stands in the table of one campaign, tab-separated: "kept" or "BROKEN", then the row.
# A campaign that ended before its row is in the table all the same, and so is what could not be
# tried: with a dash in each column, and why.
#   promise_rows NAME STATUS ROWS LOG
promise_rows() {
    local verdict=kept
    [ "$2" = 0 ] || verdict=BROKEN
    sed "s/^/$verdict\t/" "$3"
    if [ "$2" != 0 ] && ! [ -s "$3" ]; then
        printf 'BROKEN\t%s: ended without a row\t-\t-\t-\t-\t-\t\n' "$1"
    fi
    sed -n "s/^SKIPPED: \(.*\)/$verdict\t$1\t-\t-\t-\t-\t-\tnot tried: \1/p" "$4" | uniq
}

# The table's rows for a reader, from those on standard input.
promise_table() {
    awk -F '\t' '{ note = $8; if ($1 == "BROKEN") note = note == "" ? "**broken**" : "**broken**; " note
        printf "| %s | %s | %s | %s | %s | %s | %s |\n", $2, $3, $4, $5, $6, $7, note }'
}
