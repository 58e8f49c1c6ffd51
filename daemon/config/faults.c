/* SPDX-License-Identifier: MIT */
/* Turns a setting and some words into an error with file and line, and counts. libconfig knows a
 * setting's line but, for a text, not its file: that is found by the tree it belongs to. */
#include "config/faults.h"

#include <stdlib.h>
#include <string.h>

const char *fa_file_of(const struct fa_faults *faults, const config_setting_t *at)
{
    for (size_t i = 0; at != NULL && i < faults->files->count; i++) {
        if (at->config == &faults->files->files[i].tree) {
            return faults->files->files[i].name;
        }
    }
    return faults->files->count > 0 ? faults->files->files[0].name : NULL;
}

uint32_t fa_line_of(const config_setting_t *at)
{
    return at == NULL || at->parent == NULL ? 0 : at->line;
}

const char *fa_place_of(const struct fa_faults *faults, const config_setting_t *at, char buf[200])
{
    const char *file = fa_file_of(faults, at);
    snprintf(buf, 200, "%s:%u", file != NULL ? file : "?", fa_line_of(at));
    return buf;
}

/* Is the setting within what the directory is made of? */
static bool is_about_people(const config_setting_t *at)
{
    static const char *const lists[] = {"people", "teams", "channels", "models", "accounts"};
    while (at != NULL && at->parent != NULL && at->parent->parent != NULL) {
        at = at->parent;
    }
    for (size_t i = 0; at != NULL && at->name != NULL && i < sizeof lists / sizeof lists[0]; i++) {
        if (strcmp(at->name, lists[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void tell(struct fa_faults *faults, bool is_warning, const struct fa_err *err)
{
    size_t *count = is_warning ? &faults->warnings : &faults->count;
    size_t max = is_warning ? FA_WARNINGS_MAX : FA_FAULTS_MAX;
    struct fa_err last;
    if (*count == max) {
        fa_err_set(&last, FA_ETOOBIG, "more than %zu %s: the others are not listed", max,
                   is_warning ? "warnings" : "faults");
        err = &last;
    }
    if (*count <= max) {
        faults->fn(faults->ctx, is_warning, err);
    }
    *count += 1;
}

static void tell_at(struct fa_faults *faults, bool is_warning, const config_setting_t *at, int code,
                    const char *fmt, va_list args)
{
    struct fa_err err;
    char text[sizeof err.text];
    vsnprintf(text, sizeof text, fmt, args);
    fa_err_at(&err, code, fa_file_of(faults, at), fa_line_of(at), 0, "%s", text);
    if (!is_warning && is_about_people(at)) {
        faults->people_count++;
    }
    tell(faults, is_warning, &err);
}

void fa_fault(struct fa_faults *faults, const config_setting_t *at, int code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    tell_at(faults, false, at, code, fmt, args);
    va_end(args);
}

void fa_fault_key(struct fa_faults *faults, const config_setting_t *at, const char *key, int code,
                  const char *fmt, ...)
{
    const config_setting_t *member = at != NULL ? config_setting_get_member(at, key) : NULL;
    va_list args;
    va_start(args, fmt);
    tell_at(faults, false, member != NULL ? member : at, code, fmt, args);
    va_end(args);
}

void fa_warn(struct fa_faults *faults, const config_setting_t *at, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    tell_at(faults, true, at, 0, fmt, args);
    va_end(args);
}

void fa_fault_err(struct fa_faults *faults, const struct fa_err *err)
{
    tell(faults, false, err);
}

const char *fa_did_you_mean(const char *word, const char *const *candidates, size_t count,
                            char buf[96])
{
    const char *near = fa_suggest(word, candidates, count);
    buf[0] = '\0';
    if (near != NULL) {
        snprintf(buf, 96, " (did you mean '%.70s'?)", near);
    }
    return buf;
}

char *fa_files_resolve(const struct fa_files *files, const char *path)
{
    bool here = strncmp(path, "./", 2) == 0;
    if (!here && strncmp(path, "../", 3) != 0) {
        return fa_xstrdup(path);
    }
    const char *rest = here ? path + 2 : path;
    size_t size = strlen(files->base) + strlen(rest) + 2;
    char *out = fa_xmalloc(size);
    snprintf(out, size, "%s/%s", strcmp(files->base, "/") == 0 ? "" : files->base, rest);
    return out;
}
