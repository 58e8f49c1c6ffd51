/* SPDX-License-Identifier: MIT */
/* The command: reads scenarios, plays each twice (the same events and times must give the same
 * actions, invariant 8), and with --restart-everywhere once more with restarts. What is printed of
 * each is report.c's. */
#include "lab/lab.h"
#include "lab/world.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SCENARIO_MAX ((size_t)4 << 20)

struct options {
    bool json, verbose, restarts, write;
    FILE *out, *err;
};

static int read_file(const char *path, struct fa_buf *buf, struct fa_err *err)
{
    FILE *file = fopen(path, "rb");
    char piece[4096];
    size_t got;
    fa_buf_init(buf, SCENARIO_MAX);
    if (file == NULL) {
        return fa_err_at(err, FA_EIO, path, 0, 0, "cannot be opened: %s", strerror(errno));
    }
    while ((got = fread(piece, 1, sizeof piece, file)) > 0) {
        fa_buf_put(buf, piece, got);
    }
    bool bad = ferror(file) != 0;
    fclose(file);
    return bad         ? fa_err_at(err, FA_EIO, path, 0, 0, "cannot be read")
           : buf->over ? fa_err_at(err, FA_ETOOBIG, path, 0, 0, "larger than 4 MiB")
                       : 0;
}

static int read_script(const char *path, struct fa_script *ret_script, struct fa_err *err)
{
    struct fa_buf buf;
    int rc = read_file(path, &buf, err);
    rc = rc == 0 ? fa_script_parse(path, fa_buf_str(&buf), ret_script, err) : rc;
    fa_buf_done(&buf);
    return rc;
}

/* ---- judging ---- */

/* The first line of a that is not in b; both are sorted. */
static struct fa_str first_missing(const char *a, const char *b)
{
    struct fa_str rest_a = fa_str_of(a), rest_b = fa_str_of(b);
    struct fa_str line_b = fa_str_cut(rest_b, '\n', &rest_b);
    while (rest_a.len > 0) {
        struct fa_str line_a = fa_str_cut(rest_a, '\n', &rest_a);
        while (rest_b.len > 0 && fa_str_cmp(line_b, line_a) != 0 &&
               strncmp(line_b.ptr, line_a.ptr, line_b.len < line_a.len ? line_b.len : line_a.len) <=
                   0 &&
               !(line_b.len > line_a.len && strncmp(line_b.ptr, line_a.ptr, line_a.len) == 0)) {
            line_b = fa_str_cut(rest_b, '\n', &rest_b);
        }
        if (!fa_str_eq(line_a, line_b)) {
            return line_a;
        }
        line_b = fa_str_cut(rest_b, '\n', &rest_b);
    }
    return (struct fa_str){0};
}

static void judge_again(const struct fa_script *script, struct fa_lab_result *result)
{
    struct fa_lab_result second;
    /* Another shape of the heap: what depends on addresses or on bytes never written differs. */
    void *stir[64];
    for (size_t i = 0; i < 64; i++) {
        stir[i] = fa_xmalloc(16 + i * 24);
        memset(stir[i], 0xa5, 16 + i * 24);
    }
    for (size_t i = 0; i < 64; i += 2) {
        free(stir[i]);
    }
    fa_lab_play(script, FA_LAB_AGAIN, &second);
    for (size_t i = 1; i < 64; i += 2) {
        free(stir[i]);
    }
    if (second.digest != result->digest) {
        result->failed = result->broken = true;
        snprintf(
            result->failure, sizeof result->failure,
            "invariant 8 (same events and times, same actions): the second time the engine did "
            "something else");
    }
    fa_lab_result_done(&second);
}

/* Does the line tell one of them? It begins with a name. */
static bool tells_one_of(struct fa_str line, const char *names)
{
    struct fa_str rest = fa_str_of(names);
    while (rest.len > 0) {
        struct fa_str name = fa_str_cut(rest, '\n', &rest);
        if (name.len > 0 && line.len > name.len && memcmp(line.ptr, name.ptr, name.len) == 0 &&
            line.ptr[name.len] == ' ') {
            return true;
        }
    }
    return false;
}

/* Whose reminders found no room depends on which came first, and a restart changes that. */
static void leave_out_reminders(char *told, const char *spared)
{
    struct fa_str rest = fa_str_of(told);
    char *to = told;
    while (rest.len > 0) {
        struct fa_str line = fa_str_cut(rest, '\n', &rest);
        if (memmem(line.ptr, line.len, ": reminder of ", 14) == NULL ||
            !tells_one_of(line, spared)) {
            memmove(to, line.ptr, line.len);
            to[line.len] = '\n';
            to += line.len + 1;
        }
    }
    *to = '\0';
}

static void judge_restarts(const struct fa_script *script, struct fa_lab_result *result)
{
    struct fa_lab_result other;
    if (result->no_restarts != NULL) {
        return;
    }
    fa_lab_play(script, FA_LAB_RESTARTS, &other);
    const char *spared[] = {result->spared, other.spared};
    for (size_t i = 0; i < 2; i++) {
        leave_out_reminders(result->told, spared[i]);
        leave_out_reminders(other.told, spared[i]);
    }
    if (other.failed) {
        result->failed = result->broken = true;
        result->line = other.line;
        result->col = other.col;
        snprintf(result->failure, sizeof result->failure, "with restarts everywhere: %.900s",
                 other.failure);
    } else if (strcmp(other.told, result->told) != 0) {
        struct fa_str less = first_missing(result->told, other.told);
        struct fa_str more = first_missing(other.told, result->told);
        result->failed = result->broken = true;
        snprintf(result->failure, sizeof result->failure,
                 "with restarts everywhere others are told; %s%.*s%s%s%.*s",
                 less.ptr != NULL ? "missing: " : "", FA_STR_ARG(less),
                 less.ptr != NULL && more.ptr != NULL ? "; " : "",
                 more.ptr != NULL ? "besides: " : "", FA_STR_ARG(more));
    }
    if (result->failed) {
        free(result->story);
        result->story = other.story;
        other.story = NULL;
    }
    fa_lab_result_done(&other);
}

void fa_lab_judge(const struct fa_script *script, bool restarts, struct fa_lab_result *ret_result)
{
    fa_lab_play(script, FA_LAB_CHECKED, ret_result);
    if (!ret_result->failed) {
        judge_again(script, ret_result);
    }
    if (!ret_result->failed && restarts) {
        judge_restarts(script, ret_result);
    }
}

/* ---- --write ---- */

#define MARK "# What is told, as firealarm test --write found it."

/* The scenario without what --write put at its end. */
static struct fa_str before_mark(struct fa_str text)
{
    struct fa_str rest = text;
    while (rest.len > 0) {
        struct fa_str here = rest, line = fa_str_cut(rest, '\n', &rest);
        if (fa_str_is(fa_str_trim(line), MARK)) {
            return (struct fa_str){text.ptr, (size_t)(here.ptr - text.ptr)};
        }
    }
    return text;
}

static void put_timeline(const struct fa_lab_result *result, struct fa_buf *buf)
{
    fa_buf_puts(buf, buf->len > 0 && buf->data[buf->len - 1] != '\n' ? "\n" : "");
    fa_buf_puts(buf, MARK "\n");
    for (size_t i = 0; i < result->delivery_count; i++) {
        if (result->deliveries[i].reached && !result->deliveries[i].taken) {
            fa_lab_put_expectation(&result->deliveries[i], buf);
            fa_buf_putc(buf, '\n');
        }
    }
    fa_buf_puts(buf, "nothing else\n");
}

static int replace_file(const char *path, struct fa_str text, struct fa_err *err)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        return fa_err_at(err, FA_EIO, path, 0, 0, "cannot be written: %s", strerror(errno));
    }
    bool bad = fwrite(text.ptr, 1, text.len, file) != text.len;
    bad = fclose(file) != 0 || bad;
    return bad ? fa_err_at(err, FA_EIO, path, 0, 0, "cannot be written") : 0;
}

/* Plays what stands before the mark; unless that fails, the rest is written anew. */
static int write_timeline(const char *path, struct fa_err *err)
{
    struct fa_buf buf;
    struct fa_script script;
    struct fa_lab_result result = {0};
    int rc = read_file(path, &buf, err);
    fa_buf_cut(&buf, before_mark(fa_buf_str(&buf)).len);
    rc = rc == 0 ? fa_script_parse(path, fa_buf_str(&buf), &script, err) : rc;
    if (rc != 0) {
        fa_buf_done(&buf);
        return rc;
    }
    fa_lab_play(&script, FA_LAB_CHECKED, &result);
    if (result.failed) {
        rc = fa_err_at(err, FA_EINVAL, path, result.line, result.col,
                       "nothing is written, for this fails: %.400s", result.failure);
    } else {
        put_timeline(&result, &buf);
        rc = buf.over ? fa_err_at(err, FA_ETOOBIG, path, 0, 0, "would be larger than 4 MiB")
                      : replace_file(path, fa_buf_str(&buf), err);
    }
    fa_lab_result_done(&result);
    fa_script_done(&script);
    fa_buf_done(&buf);
    return rc;
}

/* ---- the command ---- */

static int play_file(const struct options *options, const char *path)
{
    struct fa_script script;
    struct fa_err err;
    struct fa_lab_result result = {0};
    bool unread = (options->write && write_timeline(path, &err) != 0) ||
                  read_script(path, &script, &err) != 0;
    if (unread) {
        result.failed = result.broken = true;
        result.line = err.line;
        result.col = err.col;
        snprintf(result.failure, sizeof result.failure, "%s", err.text);
    } else {
        fa_lab_judge(&script, options->restarts, &result);
    }
    (options->json ? fa_lab_print_json : fa_lab_print_text)(options->out, path, &result,
                                                            options->verbose);
    int code = unread && err.code != FA_EINVAL ? FA_LAB_EXIT_USAGE
               : result.failed                 ? FA_LAB_EXIT_FAILED
                                               : FA_LAB_EXIT_OK;
    fa_lab_result_done(&result);
    if (!unread) {
        fa_script_done(&script);
    }
    return code;
}

static int is_wanted(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* In the order of bytes, not of a locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* A file, or all *.fas in a directory and those below it. */
static int play_path(const struct options *options, const char *path, size_t *count)
{
    struct stat st;
    struct dirent **entries = NULL;
    int code = FA_LAB_EXIT_OK, found = -1;
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode) ||
        (found = scandir(path, &entries, is_wanted, by_name)) < 0) {
        (*count)++;
        return play_file(options, path);
    }
    for (int i = 0; i < found; i++) {
        struct fa_buf below;
        fa_buf_init(&below, 4096);
        fa_buf_printf(&below, "%s/%s", path, entries[i]->d_name);
        size_t len = strlen(entries[i]->d_name);
        bool is_scenario = len > 4 && strcmp(entries[i]->d_name + len - 4, ".fas") == 0;
        if (!below.over &&
            (is_scenario || (lstat(fa_buf_text(&below), &st) == 0 && S_ISDIR(st.st_mode)))) {
            int one = play_path(options, fa_buf_text(&below), count);
            code = one > code ? one : code;
        }
        fa_buf_done(&below);
        free(entries[i]);
    }
    free(entries);
    return code;
}

static int print_language(FILE *out)
{
    const char *help = NULL, *pattern;
    fputs("[at +DURATION] VERB, one a line; # begins a comment\n\n", out);
    for (size_t i = 0; (pattern = fa_script_verb(i, &help)) != NULL; i++) {
        fprintf(out, "%s\n        %s\n", pattern, help);
    }
    return FA_LAB_EXIT_OK;
}

int fa_lab_main(int argc, char **argv, FILE *out, FILE *err)
{
    struct options options = {.out = out, .err = err};
    bool language = false;
    const struct {
        const char *name;
        bool *given;
    } known[] = {{"--json", &options.json},
                 {"--verbose", &options.verbose},
                 {"--restart-everywhere", &options.restarts},
                 {"--write", &options.write},
                 {"--language", &language}};
    const char *names[sizeof known / sizeof known[0]];
    int code = FA_LAB_EXIT_OK, first = 1;
    size_t count = 0, options_count = sizeof known / sizeof known[0];
    for (size_t i = 0; i < options_count; i++) {
        names[i] = known[i].name;
    }
    for (; first < argc && strncmp(argv[first], "--", 2) == 0; first++) {
        size_t i = 0;
        while (i < options_count && strcmp(names[i], argv[first]) != 0) {
            i++;
        }
        if (i == options_count) {
            const char *near = fa_suggest(argv[first], names, options_count);
            fprintf(err, "%s: there is no option %s%s%s\n", argv[0], argv[first],
                    near != NULL ? "; did you mean " : "", near != NULL ? near : "");
            return FA_LAB_EXIT_USAGE;
        }
        *known[i].given = true;
    }
    if (language) {
        return print_language(out);
    }
    for (int i = first; i < argc; i++) {
        int one = play_path(&options, argv[i], &count);
        code = one > code ? one : code;
    }
    if (count == 0) {
        fprintf(err,
                first < argc ? "%s: no scenario (*.fas) in there\n"
                             : "usage: %s [--json] [--verbose] [--restart-everywhere] [--write] "
                               "FILE|DIRECTORY...; --language: what a scenario can say\n",
                argv[0]);
        return FA_LAB_EXIT_USAGE;
    }
    return code;
}
