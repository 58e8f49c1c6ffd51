/* SPDX-License-Identifier: MIT */
/* The command: reads scenarios, plays each twice (the same events and times must give the same
 * actions, invariant 8), and with --restart-everywhere once more with restarts. Prints a line for
 * each, and for one that fails the timeline: what happened when, who was told over what. */
#include "lab/lab.h"
#include "lab/world.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SCENARIO_MAX ((size_t)4 << 20)

struct options {
    bool json, verbose, restarts;
    FILE *out, *err;
};

static int read_script(const char *path, struct fa_script *ret_script, struct fa_err *err)
{
    FILE *file = fopen(path, "rb");
    struct fa_buf buf;
    char piece[4096];
    size_t got;
    if (file == NULL) {
        return fa_err_at(err, FA_EIO, path, 0, 0, "cannot be opened");
    }
    fa_buf_init(&buf, SCENARIO_MAX);
    while ((got = fread(piece, 1, sizeof piece, file)) > 0) {
        fa_buf_put(&buf, piece, got);
    }
    bool bad = ferror(file) != 0;
    fclose(file);
    int rc = bad        ? fa_err_at(err, FA_EIO, path, 0, 0, "cannot be read")
             : buf.over ? fa_err_at(err, FA_ETOOBIG, path, 0, 0, "larger than 4 MiB")
                        : fa_script_parse(path, fa_buf_str(&buf), ret_script, err);
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
        result->failed = true;
        snprintf(
            result->failure, sizeof result->failure,
            "invariant 8 (same events and times, same actions): the second time the engine did "
            "something else");
    }
    fa_lab_result_done(&second);
}

static void judge_restarts(const struct fa_script *script, struct fa_lab_result *result)
{
    struct fa_lab_result other;
    if (result->no_restarts != NULL) {
        return;
    }
    fa_lab_play(script, FA_LAB_RESTARTS, &other);
    if (other.failed) {
        result->failed = true;
        result->line = other.line;
        result->col = other.col;
        snprintf(result->failure, sizeof result->failure, "with restarts everywhere: %.900s",
                 other.failure);
    } else if (strcmp(other.told, result->told) != 0) {
        struct fa_str less = first_missing(result->told, other.told);
        struct fa_str more = first_missing(other.told, result->told);
        result->failed = true;
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

/* ---- printing ---- */

static void put_json(FILE *out, const char *text)
{
    fputc('"', out);
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\') {
            fprintf(out, "\\%c", *p);
        } else if (*p < 0x20) {
            fprintf(out, "\\u%04x", *p);
        } else {
            fputc(*p, out);
        }
    }
    fputc('"', out);
}

static void print_json(const struct options *options, const char *path,
                       const struct fa_lab_result *result)
{
    fputs("{\"scenario\":", options->out);
    put_json(options->out, path);
    fprintf(options->out, ",\"ok\":%s,\"steps\":%zu", result->failed ? "false" : "true",
            result->steps);
    if (result->failed) {
        fprintf(options->out,
                ",\"line\":%" PRIu32 ",\"column\":%" PRIu32 ",\"failure\":", result->line,
                result->col);
        put_json(options->out, result->failure);
    }
    if (result->failed || options->verbose) {
        fputs(",\"timeline\":", options->out);
        put_json(options->out, result->story != NULL ? result->story : "");
    }
    fputs("}\n", options->out);
}

#define STORY_LINES 80

/* The newest lines; the whole of it is there with --verbose. */
static const char *cut_story(const char *story, bool whole)
{
    size_t lines = 0;
    const char *at = story + strlen(story);
    while (!whole && at > story) {
        if (at[-1] == '\n' && ++lines > STORY_LINES) {
            return at;
        }
        at--;
    }
    return story;
}

static void print_text(const struct options *options, const char *path,
                       const struct fa_lab_result *result)
{
    if (!result->failed) {
        fprintf(options->out, "ok      %s\n", path);
    } else {
        fprintf(options->out, "FAILED  %s:%" PRIu32 ":%" PRIu32 ": %s\n", path, result->line,
                result->col, result->failure);
    }
    if (result->failed || options->verbose) {
        const char *story = result->story != NULL ? result->story : "";
        const char *cut = cut_story(story, options->verbose);
        fprintf(options->out, "what happened%s:\n%s",
                cut != story ? " last (--verbose shows all)" : "", cut);
    }
}

static int play_file(const struct options *options, const char *path)
{
    struct fa_script script;
    struct fa_err err;
    struct fa_lab_result result = {0};
    bool unread = read_script(path, &script, &err) != 0;
    if (unread) {
        result.failed = true;
        result.line = err.line;
        result.col = err.col;
        snprintf(result.failure, sizeof result.failure, "%s", err.text);
    } else {
        fa_lab_judge(&script, options->restarts, &result);
    }
    (options->json ? print_json : print_text)(options, path, &result);
    int code = unread ? FA_LAB_EXIT_USAGE : result.failed ? FA_LAB_EXIT_FAILED : FA_LAB_EXIT_OK;
    fa_lab_result_done(&result);
    if (!unread) {
        fa_script_done(&script);
    }
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
    static const char *const names[] = {"--json", "--verbose", "--restart-everywhere",
                                        "--language"};
    struct options options = {.out = out, .err = err};
    bool given[4] = {false};
    int code = FA_LAB_EXIT_OK, files = 0, first = 1;
    for (; first < argc && strncmp(argv[first], "--", 2) == 0; first++) {
        size_t i = 0;
        while (i < 4 && strcmp(names[i], argv[first]) != 0) {
            i++;
        }
        if (i == 4) {
            const char *near = fa_suggest(argv[first], names, 4);
            fprintf(err, "%s: there is no option %s%s%s\n", argv[0], argv[first],
                    near != NULL ? "; did you mean " : "", near != NULL ? near : "");
            return FA_LAB_EXIT_USAGE;
        }
        given[i] = true;
    }
    options.json = given[0];
    options.verbose = given[1];
    options.restarts = given[2];
    if (given[3]) {
        return print_language(out);
    }
    for (int i = first; i < argc; i++, files++) {
        int one = play_file(&options, argv[i]);
        code = one > code ? one : code;
    }
    if (files == 0) {
        fprintf(err,
                "usage: %s [--json] [--verbose] [--restart-everywhere] FILE...\n"
                "       %s --language\n",
                argv[0], argv[0]);
        return FA_LAB_EXIT_USAGE;
    }
    return code;
}
