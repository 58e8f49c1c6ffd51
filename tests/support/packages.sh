# SPDX-License-Identifier: MIT
# Sourced by etc/demo and tests/run. Needs $root, the checkout.
#
#   need_packages PART...   installs what is missing of these parts of tests/packages. Without the
#                           rights to do so it prints the exact line for somebody who has them, and
#                           ends.

packages_of() {
    sed 's/#.*//' "$root/tests/packages" |
        awk -v parts=" $* " 'index(parts, " " $1 " ") { for (i = 2; i <= NF; i++) print $i }' |
        sort -u
}

packages_missing() {
    packages_of "$@" | while read -r package; do
        # Only "installed" counts: removed ones whose configuration is left are known to dpkg too.
        if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null)" != installed ]; then
            printf '%s ' "$package"
        fi
    done
}

need_packages() {
    missing=$(packages_missing "$@")
    if [ -z "$missing" ]; then
        return 0
    fi
    if [ "$(id -u)" = 0 ]; then
        as_root=
    elif command -v sudo > /dev/null && sudo -n true 2> /dev/null; then
        as_root=sudo
    else
        printf 'Debian packages are missing. As root:\n\n    apt-get update && apt-get install -y --no-install-recommends %s\n\n' \
            "${missing% }" >&2
        exit 77
    fi
    printf 'Installing what is missing: %s\n' "${missing% }"
    log=$(mktemp)
    # shellcheck disable=SC2086 # both are lists of words
    if ! { $as_root apt-get update -q &&
        $as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get install -q -y --no-install-recommends $missing; } > "$log" 2>&1; then
        tail -n 20 "$log" >&2
        printf 'apt-get failed; the whole log: %s\n' "$log" >&2
        exit 1
    fi
    rm -f "$log"
}
