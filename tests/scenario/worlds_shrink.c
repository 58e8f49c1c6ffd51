/* SPDX-License-Identifier: MIT */
/* Makes a failing world smaller while it fails in the same way: whole reloads first, then people
 * with all that names them, then chunks of lines down to single ones. What the parser or the
 * configuration's proof refuses fails in another way, so nothing has to be known of the language.
 */
#include "worlds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct shrink {
    char **lines; /* owned */
    bool *gone;
    size_t count, cap;
    char *wanted; /* owned: the kind of failure */
    bool steady;
    double until;
};

static double seconds_now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

void worlds_judge(const char *name, const char *text, bool steady, struct fa_lab_result *ret_result)
{
    struct fa_script script;
    struct fa_err err;
    *ret_result = (struct fa_lab_result){0};
    if (fa_script_parse(name, fa_str_of(text), &script, &err) != 0) {
        ret_result->failed = true;
        ret_result->line = err.line;
        snprintf(ret_result->failure, sizeof ret_result->failure, "no scenario: %.900s", err.text);
        return;
    }
    fa_lab_judge(&script, steady, ret_result);
    fa_script_done(&script);
}

/* "invariant 3 (always a next step)", or the first words. */
static char *kind_of(const char *failure)
{
    const char *colon = strstr(failure, "): ");
    size_t len = colon != NULL ? (size_t)(colon - failure) : strcspn(failure, ":;");
    return fa_xstrndup(failure, len);
}

static char *join(const struct shrink *s)
{
    struct fa_buf buf;
    fa_buf_init(&buf, (size_t)4 << 20);
    for (size_t i = 0; i < s->count; i++) {
        if (!s->gone[i]) {
            fa_buf_printf(&buf, "%s\n", s->lines[i]);
        }
    }
    return fa_buf_take(&buf);
}

static bool still_fails(const struct shrink *s)
{
    struct fa_lab_result result;
    char *text = join(s);
    worlds_judge("world.fas", text, s->steady, &result);
    free(text);
    char *kind = kind_of(result.failure);
    bool same = result.failed && strcmp(kind, s->wanted) == 0;
    free(kind);
    fa_lab_result_done(&result);
    return same;
}

static bool has_time(const struct shrink *s)
{
    return seconds_now() < s->until;
}

/* Takes lines from..to out; puts them back when it does not fail without them. */
static bool try_without(struct shrink *s, size_t from, size_t to)
{
    bool *before = fa_xcalloc(s->count + 1, sizeof *before);
    bool any = false;
    memcpy(before, s->gone, s->count * sizeof *before);
    for (size_t i = from; i < to && i < s->count; i++) {
        bool frame = strcmp(s->lines[i], "END") == 0 || strstr(s->lines[i], "<<END") != NULL;
        bool goes = !s->gone[i] && (!frame || to - from == 1);
        any = any || goes;
        s->gone[i] = s->gone[i] || goes;
    }
    bool smaller = any && has_time(s) && still_fails(s);
    if (!smaller) {
        memcpy(s->gone, before, s->count * sizeof *before);
    }
    free(before);
    return smaller;
}

static void drop_reloads(struct shrink *s)
{
    for (size_t i = 0; i < s->count && has_time(s); i++) {
        if (s->gone[i] || strstr(s->lines[i], "reload") == NULL) {
            continue;
        }
        size_t end = i;
        while (end < s->count && strcmp(s->lines[end], "END") != 0) {
            end++;
        }
        bool *before = fa_xcalloc(s->count + 1, sizeof *before);
        memcpy(before, s->gone, s->count * sizeof *before);
        for (size_t k = i; k <= end && k < s->count; k++) {
            s->gone[k] = true;
        }
        if (!still_fails(s)) {
            memcpy(s->gone, before, s->count * sizeof *before);
        }
        free(before);
    }
}

/* ---- people ---- */

static bool names(const char *line, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = strstr(line, name); at != NULL; at = strstr(at + 1, name)) {
        bool begins = at == line || strchr(" =,\"", at[-1]) != NULL;
        if (begins && strchr(" ,\"\n", at[len]) != NULL) {
            return true;
        }
    }
    return false;
}

/* The line of a configuration without the quoted name, in a new text. */
static char *without(const char *line, const char *name)
{
    static const struct {
        const char *before, *behind, *keep;
    } forms[] = {{"\"", "\", ", ""},
                 {", \"", "\"", ""},
                 {" manager = \"", "\";", ""},
                 {"[ \"", "\" ]", "[ ]"}};
    char *text = fa_xstrdup(line);
    for (size_t f = 0; f < sizeof forms / sizeof forms[0]; f++) {
        char form[64];
        snprintf(form, sizeof form, "%s%s%s", forms[f].before, name, forms[f].behind);
        for (char *at = strstr(text, form); at != NULL; at = strstr(text, form)) {
            size_t len = strlen(form), kept = strlen(forms[f].keep);
            memmove(at + kept, at + len, strlen(at + len) + 1);
            memcpy(at, forms[f].keep, kept);
        }
    }
    return text;
}

static void try_without_person(struct shrink *s, const char *name)
{
    bool *before = fa_xcalloc(s->count + 1, sizeof *before);
    char **lines = fa_xcalloc(s->count + 1, sizeof *lines);
    char entry[64];
    snprintf(entry, sizeof entry, "{ name = \"%s\";", name);
    memcpy(before, s->gone, s->count * sizeof *before);
    memcpy(lines, s->lines, s->count * sizeof *lines);
    for (size_t i = 0; i < s->count; i++) {
        bool is_config = strstr(s->lines[i], "{ name =") != NULL;
        if (strstr(s->lines[i], entry) != NULL || (!is_config && names(s->lines[i], name))) {
            s->gone[i] = true;
        } else if (is_config && names(s->lines[i], name)) {
            s->lines[i] = without(s->lines[i], name);
        }
    }
    bool smaller = has_time(s) && still_fails(s);
    for (size_t i = 0; i < s->count; i++) {
        if (s->lines[i] != lines[i]) {
            free(smaller ? lines[i] : s->lines[i]);
            s->lines[i] = smaller ? s->lines[i] : lines[i];
        }
    }
    if (!smaller) {
        memcpy(s->gone, before, s->count * sizeof *before);
    }
    free(before);
    free(lines);
}

static void drop_people(struct shrink *s)
{
    for (size_t i = 0; i < s->count && has_time(s); i++) {
        char name[32];
        if (!s->gone[i] && sscanf(s->lines[i], ", { name = \"%31[a-z]\"", name) == 1 &&
            strstr(s->lines[i], "plugin") == NULL) {
            try_without_person(s, name);
        }
    }
}

/* ---- lines ---- */

static void drop_lines(struct shrink *s)
{
    for (size_t chunk = s->count / 2; chunk > 0 && has_time(s); chunk /= 2) {
        for (size_t at = 0; at < s->count && has_time(s); at += chunk) {
            try_without(s, at, at + chunk);
        }
    }
    for (bool smaller = true; smaller && has_time(s);) {
        smaller = false;
        for (size_t i = s->count; i-- > 0 && has_time(s);) {
            smaller = (!s->gone[i] && try_without(s, i, i + 1)) || smaller;
        }
    }
}

char *worlds_shrink(const char *text, bool steady, double seconds)
{
    struct shrink s = {.steady = steady, .until = seconds_now() + seconds};
    struct fa_lab_result result;
    struct fa_str rest = fa_str_of(text);
    worlds_judge("world.fas", text, steady, &result);
    s.wanted = kind_of(result.failure);
    fa_lab_result_done(&result);
    while (rest.len > 0) {
        struct fa_str line = fa_str_cut(rest, '\n', &rest);
        s.lines = fa_xgrow(s.lines, s.count, &s.cap, sizeof s.lines[0]);
        s.lines[s.count++] = fa_xstrndup(line.ptr, line.len);
    }
    s.gone = fa_xcalloc(s.count + 1, sizeof *s.gone);
    drop_reloads(&s);
    drop_lines(&s);
    drop_people(&s);
    drop_lines(&s);
    char *small = join(&s);
    for (size_t i = 0; i < s.count; i++) {
        free(s.lines[i]);
    }
    free(s.lines);
    free(s.gone);
    free(s.wanted);
    return small;
}
