/* SPDX-License-Identifier: MIT */
/* Groups as tables: one row for each key says its type, place, default, range and meaning. The
 * tables read the files, suggest the near key for an unknown one, and print the reference. */
#ifndef FA_CONFIG_KEYS_H
#define FA_CONFIG_KEYS_H

#include "config/faults.h"

#define FA_KEYS_MAX  40u   /* rows of one table */
#define FA_ITEMS_MAX 5000u /* of one list without a max; the proof compares each with each */

/* The C type at `offset`; a second member, where there is one, at `offset2`. */
enum fa_key_type {
    FA_KEY_TEXT,     /* char *; min..max bytes */
    FA_KEY_NAME,     /* char *: what others refer to */
    FA_KEY_PATH,     /* char *, absolute */
    FA_KEY_DURATION, /* fa_time, written "15m" */
    FA_KEY_MEASURED, /* the same, or "2 business days"; its enum fa_measure at offset2 */
    FA_KEY_U32,      /* uint32_t */
    FA_KEY_REAL,     /* double; bool at offset2 says that it was given */
    FA_KEY_BOOL,     /* bool; another at offset2, if any, says that it was given */
    FA_KEY_CHOICE,   /* uint32_t: the place among `choices` */
    FA_KEY_MODE,     /* uint32_t, written "0660" */
    FA_KEY_TEXTS,    /* char **, size_t: one text or a list of them; min..max of them */
    FA_KEY_U32S,     /* uint32_t *, size_t */
    FA_KEY_PAIRS,    /* struct fa_rule_match *, size_t: a group of texts */
    FA_KEY_CHOSEN,   /* the same, where each may be a list: its name comes again for each text */
    FA_KEY_GROUP,    /* a struct that begins with its setting */
    FA_KEY_GROUPS,   /* an array of such structs, size_t */
    FA_KEY_REFUSED,  /* known, and not to be used: help says why */
};

#define FA_KEY_REQUIRED   1u
#define FA_KEY_LINES      2u /* may hold newlines */
#define FA_KEY_CREDENTIAL 4u /* a path may also be the plain name of a credential */

struct fa_section;

struct fa_key {
    const char *name;
    enum fa_key_type type;
    uint32_t flags;
    size_t offset, offset2;
    int64_t min, max;                 /* both 0: no limit */
    const char *def;                  /* as it would be written without quotes; NULL: none */
    const char *choices;              /* separated by blanks */
    const struct fa_section *section; /* of GROUP and GROUPS */
    const char *help;
};

/* Where keys go that the table does not know: a plugin's own. */
struct fa_given_list {
    struct fa_option_given *items; /* name, text and file are owned */
    size_t count;
};

struct fa_section {
    const char *what; /* "a person" */
    const struct fa_key *keys;
    size_t key_count;
    size_t size;  /* of the struct; its first member is const config_setting_t * */
    bool is_open; /* unknown keys go to the fa_given_list at given_offset */
    size_t given_offset;
    const char *help;
};

/* What was seen of a section, for defaults, required keys and keys given twice in two files. */
struct fa_seen {
    const config_setting_t *at[FA_KEYS_MAX];
    bool meant[FA_KEYS_MAX]; /* by an unknown key: not missing on top */
};

/* Reads the members of group `at` into the zeroed struct `item`. */
void fa_keys_read(struct fa_faults *faults, const struct fa_section *section,
                  const config_setting_t *at, void *item);
/* The two halves of it, for a section that is spread over several files. */
void fa_keys_members(struct fa_faults *faults, const struct fa_section *section,
                     const config_setting_t *at, void *item, struct fa_seen *seen);
void fa_keys_finish(struct fa_faults *faults, const struct fa_section *section,
                    const config_setting_t *at, void *item, const struct fa_seen *seen);
/* Frees what the rows own. */
void fa_keys_free(const struct fa_section *section, void *item);
void fa_given_free(struct fa_given_list *given);

#endif
