/* SPDX-License-Identifier: MIT */
/* What the three kinds of plugin share. A plugin is a shared object that exports one const data
 * symbol (firealarm_decoder, firealarm_notifier or firealarm_store) and links nothing of ours.
 *
 * Rules of the contract, for all structs below:
 *  - `abi` is the first member and must equal the host's: it changes only on incompatible change.
 *  - `size` is sizeof the struct as the plugin was compiled; members past it are absent. New
 *    members are only ever appended.
 *  - fixed-width integers, no bit-fields, no enums, no bool, no #ifdef; no libevent, curl or
 *    sqlite type crosses.
 *  - a text is {ptr, len}; it is valid until the call returns and not NUL-terminated unless said.
 *  - a plugin keeps its state in *self, has no mutable globals, starts no thread and never blocks
 *    (a store may block: it runs on the writer thread).
 */
#ifndef FIREALARM_PLUGIN_H
#define FIREALARM_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

struct firealarm_text {
    const char *ptr;
    size_t len;
};

#define FIREALARM_TEXT(literal) ((struct firealarm_text){(literal), sizeof(literal) - 1})

/* Where a failing function says why, in words for the operator; NUL-terminated. */
struct firealarm_error {
    char text[256];
};

/* An option of the plugin's own configuration group. The host parses, checks the range, applies
 * the default and refuses unknown names with a suggestion. */
#define FIREALARM_OPT_TEXT     1u /* struct firealarm_text */
#define FIREALARM_OPT_INT      2u /* int64, min..max */
#define FIREALARM_OPT_DURATION 3u /* int64 milliseconds, written "15m", min..max */
#define FIREALARM_OPT_BOOL     4u /* int64 0 or 1 */
#define FIREALARM_OPT_SECRET                                                                       \
    5u                          /* text: a file's path or credential's name; the value given to    \
                                   create() is the content, less one trailing newline */
#define FIREALARM_OPT_CHOICE 6u /* text, one of `choices` separated by blanks */

#define FIREALARM_OPT_REQUIRED 1u

struct firealarm_option {
    const char *name; /* NULL ends the table */
    uint32_t type, flags;
    const char *default_text; /* as it would be written; NULL: none */
    int64_t min, max;         /* both 0: no range */
    const char *choices;      /* FIREALARM_OPT_CHOICE only */
    const char *help;         /* one line */
};

/* The parsed options: values[i] belongs to options[i] of the plugin's table. A text that was not
 * given and has no default has a NULL ptr. */
struct firealarm_value {
    struct firealarm_text text;
    int64_t number;
};
struct firealarm_settings {
    const char *name; /* the instance's name in the configuration */
    const struct firealarm_value *values;
    uint32_t count;
};

/* The host's side, append-only. Levels as in syslog: 3 error, 4 warning, 6 info, 7 debug. Logged
 * text must carry no names, labels or content: ids and codes only. */
struct firealarm_host {
    uint32_t abi, size;
    void (*log)(void *ctx, uint32_t level, const char *text);
    void *ctx;
};

#define FIREALARM_HOST_ABI 1u

#if defined(__GNUC__)
#define FIREALARM_EXPORT __attribute__((visibility("default")))
#else
#define FIREALARM_EXPORT
#endif

#endif
