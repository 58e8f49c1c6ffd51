/* SPDX-License-Identifier: MIT */
/* The files of one configuration while they are read, and what is wrong with them. */
#ifndef FA_CONFIG_FAULTS_H
#define FA_CONFIG_FAULTS_H

#include "base/panic.h"
#include "config/config.h"
#include "config/scan.h"

#include <libconfig.h>

#define FA_FAULTS_MAX   500u /* told one by one; a last one says that there are more */
#define FA_WARNINGS_MAX 100u

/* One file. The tree stays until the proof is done: settings know their line. */
struct fa_file {
    char *name;         /* as messages show it */
    struct fa_str text; /* borrowed from files->joined */
    struct fa_scan scan;
    config_t tree;
    bool is_read; /* tree is initialised and holds the file */
};

/* The text of a calendar beside the files. */
struct fa_file_calendar {
    char *path, *text; /* owned */
    size_t len;
    bool is_kept; /* it came with the kept copy */
};

struct fa_files {
    char *base;   /* absolute directory that "./" stands for */
    char *joined; /* owned: all texts with markers, see files.c */
    struct fa_file *files;
    size_t count;
    struct fa_file_calendar *calendars;
    size_t calendar_count;
    struct fa_file_mark directory_mark;
    bool is_on_disk; /* found there, not taken from a text: what they refer to is read too */
};

struct fa_faults {
    fa_config_fault_fn *fn;
    void *ctx;
    const struct fa_files *files;
    size_t count; /* that refuse */
    size_t warnings;
    size_t people_count; /* of these, in people, teams and channels */
    size_t unread_files; /* for errors of grammar: what they hold is not known */
};

/* `at` may be NULL: the main file as a whole. */
void fa_fault(struct fa_faults *faults, const config_setting_t *at, int code, const char *fmt, ...)
    FA_PRINTF(4, 5);
/* At the member `key` of the group `at`, or at the group if it has none. */
void fa_fault_key(struct fa_faults *faults, const config_setting_t *at, const char *key, int code,
                  const char *fmt, ...) FA_PRINTF(5, 6);
void fa_warn(struct fa_faults *faults, const config_setting_t *at, const char *fmt, ...)
    FA_PRINTF(3, 4);
/* One that was made elsewhere, with its place. */
void fa_fault_err(struct fa_faults *faults, const struct fa_err *err);
/* " (did you mean 'word'?)" or "", in buf. */
const char *fa_did_you_mean(const char *word, const char *const *candidates, size_t count,
                            char buf[96]);

const char *fa_file_of(const struct fa_faults *faults, const config_setting_t *at);
uint32_t fa_line_of(const config_setting_t *at);
/* "FILE:LINE" of a setting, in buf. */
const char *fa_place_of(const struct fa_faults *faults, const config_setting_t *at, char buf[200]);

/* "./x" and "../x" from the files' base; all else is copied. */
char *fa_files_resolve(const struct fa_files *files, const char *path);

/* Reads a plain file of at most buf->max bytes that not everybody can write; the error names no
 * path. */
int fa_files_read_plain(const char *path, struct fa_buf *buf, struct fa_err *err) FA_MUST_CHECK;
/* files.c: reads PATH, rules.d/ and conf.d/ beside it into files->joined. FA_EINVAL after faults.
 */
int fa_files_load(struct fa_files *files, const char *path, struct fa_faults *faults) FA_MUST_CHECK;
/* Takes a text as fa_files_load would have joined it, or a plain one. */
int fa_files_take(struct fa_files *files, const char *name, struct fa_str text,
                  struct fa_faults *faults) FA_MUST_CHECK;
/* Reads a calendar's file, unless it was read or the kept copy holds it (and is not to be read
 * `fresh`). The error names no path: the caller does. */
int fa_files_read_calendar(struct fa_files *files, const char *path, bool fresh,
                           struct fa_err *err) FA_MUST_CHECK;
/* What was read, borrowed; without ptr: nothing was. */
struct fa_str fa_files_calendar(const struct fa_files *files, const char *path, bool fresh);
/* The same with what lies elsewhere, in place of the file. */
int fa_files_take_calendar(struct fa_files *files, const char *path, const struct fa_buf *text,
                           struct fa_err *err) FA_MUST_CHECK;
/* The text to keep: what was joined, and the calendars that were read. The caller frees it. */
char *fa_files_source(struct fa_files *files);
/* Scans and parses every file. */
void fa_files_parse(struct fa_files *files, struct fa_faults *faults);
/* The path that the key `directory` says, after fa_files_parse(); NULL: none. The caller frees it.
 */
char *fa_files_directory(const struct fa_files *files);
/* Initialises buf and reads such a file into it. FA_EINVAL after a fault. */
int fa_files_read_directory(const char *path, struct fa_buf *buf,
                            struct fa_faults *faults) FA_MUST_CHECK;
/* Once: adds the text as a further file, parsed. */
void fa_files_add_directory(struct fa_files *files, const char *path, struct fa_str text,
                            struct fa_faults *faults);
void fa_files_done(struct fa_files *files);

#endif
