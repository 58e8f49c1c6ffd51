/* SPDX-License-Identifier: MIT */
/* `firealarm backtest`: what would rules have done over the samples of the past? Reads the
 * configuration and the history, has lab/ play them, and prints what came of it (backtest.h). */
#include "client/backtest.h"
#include "client/commands.h"
#include "client/past.h"

#include "text/plot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_SPAN   (30 * FA_DAY)
#define DEFAULT_WITHIN (14 * FA_DAY)
#define PLOT_COLUMNS   860
#define KNOWN_MAX      64

static const struct fa_opt options[] = {
    {"from", "FILE|URL",
     "Prometheus text (`name{labels} value milliseconds` a line), CSV with a header, - for standard "
     "input, or a server that speaks Prometheus' HTTP API, as http://127.0.0.1:9090.",
     NULL, false, true},
    {"with", "FILE",
     "Whose people and policies apply when RULES has none; else firealarm.cfg beside or above it, "
     "or /etc/firealarm/firealarm.cfg.",
     NULL, false, true},
    {"begin", "DATE", "Leave out what lies before; a server is asked from here, else for 30 days.",
     NULL, false, false},
    {"end", "DATE", "Leave out what lies behind.", NULL, false, false},
    {"step", "DURATION", "Between the samples that a server is asked for; 1m.", NULL, false, false},
    {"metric", "NAME", "What the column `value` of CSV is of, when no column says it.", NULL, false,
     false},
    {"known", "DATE", "Something went wrong then: which rule said so first? Exit code 1: none did.",
     NULL, true, false},
    {"within", "DURATION", "How long before a known date a firing is a sign of it; 14d.", NULL,
     false, false},
    {"owned-after", "DURATION",
     "Somebody owns each alarm so long after the first call; without it nobody ever does.", NULL,
     false, false},
    {"night", "HH-HH", "What is night here; 22-7.", NULL, false, false},
    {"plot", "FILE.svg", "Draw threshold, firings and steps into this file.", NULL, false, true},
    {"tune", NULL, "Say how often each rule would fire with another threshold.", NULL, false,
     false},
};

static const struct fa_example examples[] = {
    {"firealarm backtest rules.d/10-service.cfg --from last-year.txt",
     "Who would have been called last year, how often, and how many times at night?"},
    {"firealarm backtest new.cfg --from http://127.0.0.1:9090 --begin 2026-01-01 --tune",
     "Is the threshold right? Counts firings for lower and higher ones."},
    {"firealarm backtest new.cfg --from queue.csv --known 2026-03-14 --plot queue.svg",
     "Would the rule have seen it coming, and when?"},
};

/* ---- options ---- */

static int read_date(const struct fa_args *args, const char *name, const char *text,
                     struct fa_backtest_date *ret_date, struct fa_err *err)
{
    char day[40];
    if (fa_parse_time(fa_str_of(text), &ret_date->from) == 0) {
        ret_date->to = ret_date->from;
        return 0;
    }
    snprintf(day, sizeof day, "%.20sT00:00:00Z", text);
    if (strlen(text) != 10 || fa_parse_time(fa_str_of(day), &ret_date->from) != 0) {
        return fa_err_set(err, FA_EINVAL,
                          "--%s wants a date (UTC), such as 2026-11-22 or 2026-11-22T08:15:00Z",
                          name);
    }
    ret_date->to = ret_date->from + FA_DAY - 1;
    return 0;
}

static int read_duration(const struct fa_args *args, const char *name, fa_time *duration,
                         struct fa_err *err)
{
    const char *text = fa_args_get(args, name);
    if (text != NULL && (fa_parse_duration(fa_str_of(text), duration) != 0 || *duration == 0)) {
        return fa_err_set(err, FA_EINVAL, "--%s wants a duration, such as 15m or 2d", name);
    }
    return 0;
}

static int read_night(const struct fa_args *args, struct fa_backtest_options *opts,
                      struct fa_err *err)
{
    const char *text = fa_args_get(args, "night");
    uint64_t from, to;
    struct fa_str rest, first = fa_str_cut(fa_str_of(text != NULL ? text : "22-7"), '-', &rest);
    if (fa_parse_u64(first, &from) != 0 || fa_parse_u64(rest, &to) != 0 || from > 24 || to > 24) {
        return fa_err_set(err, FA_EINVAL, "--night wants two hours, such as 22-7");
    }
    opts->night_from = (uint32_t)from * 60;
    opts->night_to = (uint32_t)to * 60;
    return 0;
}

static int read_known(const struct fa_args *args, struct fa_backtest_date *dates,
                      struct fa_backtest_options *opts, struct fa_err *err)
{
    const char *text;
    int ret = 0;
    for (size_t at = 0; ret == 0 && (text = fa_args_next(args, "known", &at)) != NULL;) {
        if (opts->known_count == KNOWN_MAX) {
            return fa_err_set(err, FA_EINVAL, "more than %d known dates", KNOWN_MAX);
        }
        ret = read_date(args, "known", text, &dates[opts->known_count], err);
        opts->known_count += ret == 0;
    }
    opts->known = dates;
    return ret;
}

/* Of the machine: people's nights are where they are. */
static fa_time zone(fa_time wall)
{
    time_t seconds = (time_t)(wall / 1000);
    struct tm local;
    return localtime_r(&seconds, &local) != NULL ? (fa_time)local.tm_gmtoff * 1000 : 0;
}

static int read_options(const struct fa_args *args, struct fa_backtest_date *dates,
                        struct fa_backtest_options *opts, struct fa_err *err)
{
    struct fa_backtest_date begin = {FA_NEVER, FA_NEVER}, end = {FA_NEVER, FA_NEVER};
    const char *from = fa_args_get(args, "begin"), *to = fa_args_get(args, "end");
    *opts = (struct fa_backtest_options){.owned_after = FA_NEVER,
                                         .within = DEFAULT_WITHIN,
                                         .zone = zone,
                                         .columns = PLOT_COLUMNS,
                                         .tune = fa_args_has(args, "tune")};
    int ret = from != NULL ? read_date(args, "begin", from, &begin, err) : 0;
    ret = ret == 0 && to != NULL ? read_date(args, "end", to, &end, err) : ret;
    ret = ret == 0 ? read_duration(args, "within", &opts->within, err) : ret;
    ret = ret == 0 ? read_duration(args, "owned-after", &opts->owned_after, err) : ret;
    ret = ret == 0 ? read_night(args, opts, err) : ret;
    ret = ret == 0 ? read_known(args, dates, opts, err) : ret;
    opts->from = begin.from;
    opts->to = end.to;
    if (ret == 0 && fa_args_get(args, "from") == NULL) {
        ret = fa_err_set(err, FA_EINVAL, "--from FILE or URL is needed: where the past is");
    }
    return ret;
}

/* ---- the past ---- */

static int load_past(struct fa_client *client, const struct fa_args *args,
                     const struct fa_config *config, struct fa_backtest_options *opts,
                     struct fa_history *history, struct fa_err *err)
{
    struct fa_past past = {.from = fa_args_get(args, "from"),
                           .metric = fa_args_get(args, "metric"),
                           .begin = opts->from,
                           .end = opts->to != FA_NEVER ? opts->to : client->world->now,
                           .step = FA_MINUTE,
                           .config = config};
    int ret = read_duration(args, "step", &past.step, err);
    if (ret != 0) {
        return ret;
    }
    past.end = past.end < client->world->now ? past.end : client->world->now;
    past.begin = past.begin != FA_NEVER ? past.begin : past.end - DEFAULT_SPAN;
    for (size_t i = 0; opts->from == FA_NEVER && i < opts->known_count; i++) {
        fa_time first = opts->known[i].from - opts->within;
        past.begin = first < past.begin ? first : past.begin;
    }
    return fa_past_load(client, &past, history, err);
}

static void on_progress(void *ctx, double done)
{
    fa_past_progress(ctx, "playing", done);
}

static int write_svg(const char *path, const struct fa_backtest *report, struct fa_err *err)
{
    struct fa_buf svg;
    FILE *file = fopen(path, "we");
    if (file == NULL) {
        return fa_err_at(err, FA_EIO, path, 0, 0, "cannot be written: %s", strerror(errno));
    }
    fa_buf_init(&svg, (size_t)64 << 20);
    fa_backtest_svg(report, &svg);
    bool bad = fwrite(fa_buf_text(&svg), 1, svg.len, file) != svg.len;
    bad = fclose(file) != 0 || bad || svg.over;
    fa_buf_done(&svg);
    return bad ? fa_err_at(err, FA_EIO, path, 0, 0, "cannot be written") : 0;
}

/* ---- the command ---- */

static int print(struct fa_client *client, const struct fa_args *args,
                 const struct fa_backtest_options *opts, const struct fa_backtest *report)
{
    const char *path = fa_args_get(args, "plot");
    struct fa_err err;
    int code = FA_EXIT_OK;
    if (client->json) {
        fa_backtest_print_json(client, report, opts);
    } else {
        fa_backtest_print(client, report, opts);
    }
    for (size_t i = 0; i < report->known_count; i++) {
        code = report->known[i].sign_count == 0 ? FA_EXIT_FAILED : code;
    }
    return path != NULL && write_svg(path, report, &err) != 0
               ? fa_complain(client, FA_EXIT_IO, &err)
               : code;
}

static int code_of(int error)
{
    return error == FA_EIO ? FA_EXIT_IO : error == FA_ECLOSED ? FA_EXIT_STOPPED : FA_EXIT_USAGE;
}

static int run(struct fa_client *client, const struct fa_args *args)
{
    struct fa_backtest_date dates[KNOWN_MAX];
    struct fa_backtest_options opts;
    struct fa_config *config = NULL;
    struct fa_backtest *report = NULL;
    struct fa_err err;
    if (read_options(args, dates, &opts, &err) != 0) {
        return fa_complain(client, FA_EXIT_USAGE, &err);
    }
    opts.progress = on_progress;
    opts.ctx = client;
    int ret = fa_backtest_config(client, args->rest[0], fa_args_get(args, "with"), &opts.only_file,
                                 &config, &err);
    if (ret != 0) {
        return fa_complain(client, FA_EXIT_USAGE, &err);
    }
    struct fa_history *history = fa_history_new();
    ret = load_past(client, args, config, &opts, history, &err);
    if (ret == 0) {
        ret = fa_backtest(config, history, &opts, &report, &err);
        fa_past_progress(client, "", 2);
    }
    int code =
        ret == 0 ? print(client, args, &opts, report) : fa_complain(client, code_of(ret), &err);
    fa_backtest_free(report);
    fa_history_free(history);
    fa_config_free(config);
    return code;
}

const struct fa_cmd fa_cmd_backtest = {
    .name = "backtest",
    .usage = "RULES",
    .args_min = 1,
    .args_max = 1,
    .summary = "what rules would have done over the samples of the past",
    .about = "RULES is a configuration, or a file of rules that is tried with the people and "
             "policies of one. The past is played through both as fast as it goes: how often "
             "each rule would have fired, how long, who would have been called, how many times "
             "at night. Rules for what people file are left out.\n\n"
             "Exit codes: 0 done; 1 a known date was seen by no rule; 2 the rules or the past "
             "could not be understood; 74 could not be read.",
    .options = options,
    .option_count = FA_COUNT(options),
    .examples = examples,
    .example_count = FA_COUNT(examples),
    .run = run,
    .flags = FA_CMD_QUIET,
};
