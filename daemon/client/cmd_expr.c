/* SPDX-License-Identifier: MIT */
/* `firealarm expr`: the value of an expression over samples in a file, without a daemon. The answer
 * is what the Prometheus HTTP API gives as `data`. */
#include "client/commands.h"

#include "client/file.h"
#include "lab/as_daemon.h"
#include "lab/history.h"
#include "rules/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

static const struct fa_opt options[] = {
    {"samples", "FILE",
     "Prometheus text, one `name{labels} value milliseconds` a line; - is standard input.", NULL,
     false, true},
    {"at", "SECONDS", "The time of the evaluation, in seconds since 1970.", NULL, false, false},
    {"as-daemon", NULL,
     "As a rule of the daemon would see it: from its windows, with their slots and look-back.",
     NULL, false, false},
};

static const struct fa_example examples[] = {
    {"firealarm expr --samples queue.txt --at 1763798400 "
     "'avg_over_time(queue_seconds[15m]) > 120'",
     "Would this condition have held at that moment?"},
};

/* ---- the answer ---- */

static void put_json_text(struct fa_buf *buf, struct fa_str text)
{
    fa_buf_putc(buf, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c == '"' || c == '\\') {
            fa_buf_putc(buf, '\\');
            fa_buf_putc(buf, (char)c);
        } else if (c < 0x20) {
            fa_buf_printf(buf, "\\u%04x", c);
        } else {
            fa_buf_putc(buf, (char)c);
        }
    }
    fa_buf_putc(buf, '"');
}

static void put_time(struct fa_buf *buf, fa_time at)
{
    fa_time ms = at < 0 ? -at : at;
    fa_buf_printf(buf, "%s%lld", at < 0 ? "-" : "", (long long)(ms / 1000));
    if (ms % 1000 != 0) {
        fa_buf_printf(buf, ".%03lld", (long long)(ms % 1000));
    }
}

static void put_point(struct fa_buf *buf, fa_time at, double value)
{
    char text[FA_NUMBER_TEXT_SIZE];
    fa_buf_putc(buf, '[');
    put_time(buf, at);
    fa_buf_printf(buf, ",\"%s\"]", fa_number_format(value, true, text));
}

static void put_metric(struct fa_buf *buf, const struct fa_labels *labels)
{
    fa_buf_puts(buf, "{\"metric\":{");
    for (size_t i = 0; i < labels->count; i++) {
        fa_buf_puts(buf, i > 0 ? "," : "");
        put_json_text(buf, labels->items[i].name);
        fa_buf_putc(buf, ':');
        put_json_text(buf, labels->items[i].value);
    }
    fa_buf_putc(buf, '}');
}

static void put_series(struct fa_buf *buf, const struct fa_query_series *series)
{
    put_metric(buf, series->labels);
    fa_buf_puts(buf, ",\"values\":[");
    for (size_t i = 0; i < series->count; i++) {
        fa_buf_puts(buf, i > 0 ? "," : "");
        put_point(buf, series->points[i].at, series->points[i].value);
    }
    fa_buf_puts(buf, "]}");
}

static void put_items(struct fa_buf *buf, const struct fa_query_value *value, fa_time at)
{
    fa_buf_putc(buf, '[');
    for (size_t i = 0; i < value->count; i++) {
        fa_buf_puts(buf, i > 0 ? "," : "");
        if (value->type == FA_PROMQL_MATRIX) {
            put_series(buf, &value->series[i]);
            continue;
        }
        put_metric(buf, value->samples[i].labels);
        fa_buf_puts(buf, ",\"value\":");
        put_point(buf, at, value->samples[i].value);
        fa_buf_putc(buf, '}');
    }
    fa_buf_putc(buf, ']');
}

static void put_value(struct fa_buf *buf, const struct fa_query_value *value, fa_time at)
{
    static const char *const types[] = {"scalar", "vector", "matrix", "string"};
    fa_buf_printf(buf, "{\"resultType\":\"%s\",\"result\":", types[value->type]);
    if (value->type == FA_PROMQL_SCALAR) {
        put_point(buf, at, value->number);
    } else if (value->type == FA_PROMQL_STRING) {
        fa_buf_putc(buf, '[');
        put_time(buf, at);
        fa_buf_putc(buf, ',');
        put_json_text(buf, value->text);
        fa_buf_putc(buf, ']');
    } else {
        put_items(buf, value, at);
    }
    fa_buf_putc(buf, '}');
}

/* ---- refusals ---- */

static int refuse(struct fa_client *client, const char *text, struct fa_err *err)
{
    uint32_t col = err->col;
    err->col = 0;
    (void)fa_err_wrap(err, "the expression, column %u", col);
    (void)fa_complain(client, 0, err);
    struct fa_buf buf;
    fa_buf_init(&buf, SIZE_MAX);
    fa_promql_point(fa_str_of(text), col, "  ", &buf);
    fa_say(&client->talk, "%s\n", fa_buf_text(&buf));
    fa_buf_done(&buf);
    return FA_EXIT_USAGE;
}

/* ---- the command ---- */

static int read_samples(struct fa_client *client, const char *file, struct fa_history *history,
                        struct fa_err *err)
{
    bool standard = strcmp(file, "-") == 0;
    int fd = standard ? client->world->in : open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct fa_buf text;
    if (fd < 0) {
        return fa_err_at(err, FA_EIO, file, 0, 0, "cannot be opened: %s", strerror(errno));
    }
    fa_buf_init(&text, FA_HISTORY_BYTES_MAX);
    int ret = fa_file_read(fd, standard ? "standard input" : file, &text, err);
    if (!standard) {
        close(fd);
    }
    if (ret == 0) {
        ret = fa_history_read(history, fa_buf_str(&text), standard ? "standard input" : file, err);
    }
    fa_buf_done(&text);
    return ret;
}

static void show(struct fa_client *client, const struct fa_query_value *value, fa_time at)
{
    struct fa_buf buf;
    fa_buf_init(&buf, FA_HISTORY_BYTES_MAX);
    put_value(&buf, value, at);
    fa_put(&client->out, FA_PLAIN, fa_buf_text(&buf));
    fa_say(&client->out, "\n");
    fa_buf_done(&buf);
}

static int evaluate(struct fa_client *client, const struct fa_promql *promql,
                    struct fa_history *history, fa_time at, struct fa_err *err)
{
    struct fa_query_params params = fa_query_defaults(at);
    struct fa_query_value value;
    struct fa_query *query;
    int ret = fa_query_run(promql, fa_history_source(history), &params, &query, &value, err);
    if (ret == 0) {
        show(client, &value, at);
        fa_query_free(query);
    }
    return ret;
}

static int evaluate_as_daemon(struct fa_client *client, const struct fa_promql *promql,
                              struct fa_history *history, fa_time at, struct fa_err *err)
{
    struct fa_as_daemon *daemon = fa_as_daemon_new(promql, fa_history_source(history), at);
    struct fa_query_value value;
    struct fa_query *query;
    int ret = fa_as_daemon_run(daemon, &query, &value, err);
    if (ret == 0) {
        show(client, &value, at);
        fa_query_free(query);
    }
    fa_as_daemon_free(daemon);
    return ret;
}

static int run(struct fa_client *client, const struct fa_args *args)
{
    const char *file = fa_args_get(args, "samples"), *when = fa_args_get(args, "at");
    const char *text = args->rest[0];
    struct fa_promql *promql = NULL;
    struct fa_err err;
    double seconds;
    if (file == NULL || when == NULL || fa_parse_double(fa_str_of(when), &seconds) != 0 ||
        !(fabs(seconds) < 1e11)) {
        (void)fa_err_set(&err, FA_EINVAL,
                         file == NULL ? "--samples FILE is needed"
                                      : "--at needs a time in seconds since 1970");
        return fa_complain(client, FA_EXIT_USAGE, &err);
    }
    bool as_daemon = fa_args_get(args, "as-daemon") != NULL;
    if (fa_promql_parse(fa_str_of(text), &promql, &err) != 0 ||
        (as_daemon && fa_plan_check(promql, &err) != 0)) {
        fa_promql_free(promql);
        return refuse(client, text, &err);
    }
    struct fa_history *history = fa_history_new();
    int code = FA_EXIT_OK;
    if (read_samples(client, file, history, &err) != 0) {
        code = fa_complain(client, FA_EXIT_FAILED, &err);
    } else if ((as_daemon ? evaluate_as_daemon : evaluate)(
                   client, promql, history, (fa_time)round(seconds * 1000), &err) != 0) {
        (void)refuse(client, text, &err);
        code = FA_EXIT_FAILED;
    }
    fa_history_free(history);
    fa_promql_free(promql);
    return code;
}

const struct fa_cmd fa_cmd_expr = {
    .name = "expr",
    .usage = "EXPR",
    .args_min = 1,
    .args_max = 1,
    .summary = "the value of a PromQL expression over samples in a file",
    .about = "Evaluates an expression as the daemon's rules would, exactly and without a daemon. "
             "The answer is JSON, as Prometheus' HTTP API gives it in `data`. An expression that "
             "is refused exits 2 and shows where.\n\n"
             "PromQL with the meaning of Prometheus 3.5; native histograms and info() are not "
             "supported.",
    .options = options,
    .option_count = FA_COUNT(options),
    .examples = examples,
    .example_count = FA_COUNT(examples),
    .run = run,
    .flags = FA_CMD_QUIET | FA_CMD_LAST_WORD,
};
