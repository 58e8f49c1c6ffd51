/* SPDX-License-Identifier: MIT */
/* Random worlds, played:
 *
 *   worlds --seeds 500 [--from N] [--cover]   each is played twice, and a steady one once more
 *                                             with restarts; ends at the first that fails
 *   worlds --seed N --print                   writes its scenario
 *   worlds --seed N [--verbose]               plays one; --verbose: the timeline
 *   worlds --replay FILE                      plays a scenario from a file as a world is played
 *
 * A failing world is printed with the command that replays it and in a smaller form that fails in
 * the same way. --cover says what was reached; --need-all-cells fails when one cell of the alarm
 * state table was not. */
#include "worlds.h"

#include "base/err.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct options {
    uint64_t seeds, from;
    bool print, verbose, cover, need_all;
    double shrink;
    const char *replay, *program;
};

static int report(const struct options *options, uint64_t seed, const char *text, bool steady,
                  const struct fa_lab_result *result)
{
    printf("FAILED  world %" PRIu64 ", line %u: %s\n\nreplay:  %s --seed %" PRIu64
           " --verbose\nread:    %s --seed %" PRIu64 " --print\n",
           seed, result->line, result->failure, options->program, seed, options->program, seed);
    if (options->shrink > 0) {
        struct fa_lab_result again;
        char *small = worlds_shrink(text, steady, options->shrink);
        worlds_judge("small.fas", small, steady, &again);
        printf("\nsmaller, for a file .fas in tests/scenario:\n\n%s\n# fails at line %u: %s\n",
               small, again.line, again.failure);
        fa_lab_result_done(&again);
        free(small);
    }
    return 1;
}

static int play_seed(const struct options *options, uint64_t seed, struct fa_lab_cover *cover)
{
    struct fa_lab_result result;
    bool steady = false;
    char *text = worlds_make(seed, &steady);
    int code = 0;
    if (options->print) {
        fputs(text, stdout);
    } else {
        worlds_watch(seed);
        worlds_judge("world.fas", text, steady, &result);
        worlds_watch_ends();
        worlds_cover_add(cover, &result.cover);
        if (options->verbose) {
            fputs(result.story != NULL ? result.story : "", stdout);
        }
        code = result.failed ? report(options, seed, text, steady, &result) : 0;
        fa_lab_result_done(&result);
    }
    free(text);
    return code;
}

static int play_seeds(const struct options *options)
{
    struct fa_lab_cover cover = {0};
    int code = 0;
    for (uint64_t i = 0; i < options->seeds && code == 0; i++) {
        code = play_seed(options, options->from + i, &cover);
    }
    if (code == 0 && !options->print) {
        printf("ok      %" PRIu64 " worlds from %" PRIu64 ", %" PRIu64 " steps, each checked; %zu "
               "cells not reached\n",
               options->seeds, options->from, cover.steps, worlds_cover_missing(&cover));
        if (options->cover) {
            worlds_cover_print(&cover, stdout);
        }
        code = options->need_all && worlds_cover_missing(&cover) > 0;
    }
    return code;
}

static char *read_all(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct fa_buf buf;
    char piece[4096];
    size_t got;
    if (file == NULL) {
        return NULL;
    }
    fa_buf_init(&buf, (size_t)4 << 20);
    while ((got = fread(piece, 1, sizeof piece, file)) > 0) {
        fa_buf_put(&buf, piece, got);
    }
    fclose(file);
    return fa_buf_take(&buf);
}

static int replay(const struct options *options)
{
    struct fa_lab_result result;
    char *text = read_all(options->replay);
    if (text == NULL) {
        perror(options->replay);
        return 2;
    }
    worlds_judge(options->replay, text, strstr(text, "no restarts") == NULL, &result);
    if (options->verbose) {
        fputs(result.story != NULL ? result.story : "", stdout);
    }
    printf("%s %s:%u: %s\n", result.failed ? "FAILED" : "ok", options->replay, result.line,
           result.failure);
    int code = result.failed;
    fa_lab_result_done(&result);
    free(text);
    return code;
}

static int usage(const char *program)
{
    fprintf(stderr,
            "usage: %s --seeds COUNT [--from N] [--cover] [--need-all-cells] [--shrink SECONDS]\n"
            "       %s --seed N [--print | --verbose]\n"
            "       %s --replay FILE [--verbose]\n",
            program, program, program);
    return 2;
}

int main(int argc, char **argv)
{
    struct options options = {.seeds = 0, .from = 1, .shrink = 20, .program = argv[0]};
    for (int i = 1; i < argc; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--seeds") == 0) {
            options.seeds = strtoull(next, NULL, 10);
            i++;
        } else if (strcmp(argv[i], "--from") == 0) {
            options.from = strtoull(next, NULL, 10);
            i++;
        } else if (strcmp(argv[i], "--seed") == 0) {
            options.from = strtoull(next, NULL, 10);
            options.seeds = 1;
            i++;
        } else if (strcmp(argv[i], "--shrink") == 0) {
            options.shrink = strtod(next, NULL);
            i++;
        } else if (strcmp(argv[i], "--replay") == 0) {
            options.replay = next;
            i++;
        } else if (strcmp(argv[i], "--print") == 0) {
            options.print = true;
        } else if (strcmp(argv[i], "--verbose") == 0) {
            options.verbose = true;
        } else if (strcmp(argv[i], "--cover") == 0) {
            options.cover = true;
        } else if (strcmp(argv[i], "--need-all-cells") == 0) {
            options.need_all = true;
        } else {
            return usage(argv[0]);
        }
    }
    return options.replay != NULL ? replay(&options)
           : options.seeds > 0    ? play_seeds(&options)
                                  : usage(argv[0]);
}
