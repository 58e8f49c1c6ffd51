/* SPDX-License-Identifier: MIT */
/* People, teams and accounts as records of keys and texts: what an import reads from somewhere,
 * compares with what was imported before, and writes as the directory's file. Which keys there are,
 * and of which type, say the tables that read the configuration. */
#ifndef FA_CONFIG_ROSTER_H
#define FA_CONFIG_ROSTER_H

#include "base/buf.h"

#include <stdint.h>

enum fa_roster_kind { FA_ROSTER_PERSON, FA_ROSTER_TEAM, FA_ROSTER_ACCOUNT, FA_ROSTER__COUNT };

struct fa_key;

struct fa_roster_field {
    const struct fa_key *key;
    char **texts; /* owned; of channels: channel and address in turn, "" for none */
    size_t count;
    uint32_t line; /* where it was read; 0: unknown */
    char *column;  /* owned: what it is called there */
};

struct fa_roster_record {
    enum fa_roster_kind kind;
    char *name;       /* owned; what the field "name" says, "" before it was set */
    const char *file; /* borrowed */
    uint32_t line;
    struct fa_roster_field *fields; /* owned */
    size_t count;
};

struct fa_roster {
    struct fa_roster_record *records; /* owned */
    size_t count, cap;
};

/* A line of the written file: which record and which of its fields; no field: the record's own. */
struct fa_roster_line {
    const struct fa_roster_record *record; /* NULL: neither */
    const struct fa_roster_field *field;
};

void fa_roster_done(struct fa_roster *roster);
/* "person" and "people". */
const char *fa_roster_word(enum fa_roster_kind kind);
const char *fa_roster_list(enum fa_roster_kind kind);
/* FA_ENOTFOUND with a suggestion, FA_EUNSUPPORTED a key that no import can give. */
int fa_roster_key(enum fa_roster_kind kind, struct fa_str name, const struct fa_key **ret_key,
                  struct fa_err *err) FA_MUST_CHECK;
/* Is it a list, so that several texts may be said? */
bool fa_roster_is_list(const struct fa_key *key);
bool fa_roster_is_channels(const struct fa_key *key);

/* Valid until the next one is added. */
struct fa_roster_record *fa_roster_add(struct fa_roster *roster, enum fa_roster_kind kind,
                                       const char *file, uint32_t line);
/* The record's field of that key, made if it is not there yet. */
struct fa_roster_field *fa_roster_field(struct fa_roster_record *record, const struct fa_key *key,
                                        uint32_t line, const char *column);
/* Adds one text to the record's field, with the type looked at: FA_EINVAL a number or a yes and no
 * that is none, or no UTF-8; FA_EEXISTS a second text of what is no list. */
int fa_roster_put(struct fa_roster_record *record, struct fa_roster_field *field,
                  struct fa_str text, struct fa_err *err) FA_MUST_CHECK;

/* Adds copies of the other's records of that kind. */
void fa_roster_keep(struct fa_roster *roster, const struct fa_roster *other,
                    enum fa_roster_kind kind);
/* Adds what a directory's file holds. FA_EPARSE: it is none. */
int fa_roster_parse(struct fa_roster *roster, const char *file, struct fa_str text,
                    struct fa_err *err) FA_MUST_CHECK;
/* Writes one key on a line; *ret_lines[n] is line n + 1, *ret_count of them, to be freed. */
void fa_roster_write(const struct fa_roster *roster, struct fa_buf *out,
                     struct fa_roster_line **ret_lines, size_t *ret_count);

/* All records in the order of kind and name, for walking two of them side by side; to be freed. */
const struct fa_roster_record **fa_roster_sorted(const struct fa_roster *roster);
/* -1, 0, 1 by kind and name. */
int fa_roster_order(const struct fa_roster_record *a, const struct fa_roster_record *b);
/* Calls `differs` for each key that the two do not say alike; how many. */
size_t fa_roster_compare(const struct fa_roster_record *a, const struct fa_roster_record *b,
                         void (*differs)(void *ctx, const char *key), void *ctx);

#endif
