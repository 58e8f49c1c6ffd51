/* SPDX-License-Identifier: MIT */
/* A file is mapped and read whole. A server is asked for each selector of the rules, a thousand
 * steps a request, with last_over_time over one step: so a sample that is missing is missing, and
 * not what the server's look-back repeats. What a server answers is bounded and proved. */
#include "client/past.h"

#include "client/file.h"
#include "client/interrupt.h"
#include "lab/backtest.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEPS_EACH 1000
#define ANSWER_MAX ((size_t)256 << 20)

void fa_past_progress(struct fa_client *client, const char *what, double done)
{
    if (client->world->err_tty) {
        fprintf(client->talk.file, done > 1 ? "\r\x1b[K" : "\r%s %3.0f %%\x1b[K", what, done * 100);
        fflush(client->talk.file);
    }
}

bool fa_past_is_url(const char *from)
{
    return strncmp(from, "http://", 7) == 0 || strncmp(from, "https://", 8) == 0;
}

/* ---- files ---- */

static int read_text(const struct fa_past *past, const char *name, struct fa_str text,
                     struct fa_history *history, struct fa_err *err)
{
    return fa_history_is_csv(text) ? fa_history_read_csv(history, text, name, past->metric, err)
                                   : fa_history_read(history, text, name, err);
}

static int load_pipe(int fd, const struct fa_past *past, const char *name,
                     struct fa_history *history, struct fa_err *err)
{
    struct fa_buf text;
    fa_buf_init(&text, FA_HISTORY_BYTES_MAX);
    int ret = fa_file_read(fd, name, &text, err);
    ret = ret == 0 ? read_text(past, name, fa_buf_str(&text), history, err) : ret;
    fa_buf_done(&text);
    return ret;
}

static int load_file(const struct fa_past *past, struct fa_history *history, struct fa_err *err)
{
    struct stat st;
    int fd = open(past->from, O_RDONLY | O_CLOEXEC | O_NOCTTY), ret;
    if (fd < 0 || fstat(fd, &st) != 0) {
        ret = fa_err_at(err, FA_EIO, past->from, 0, 0, "cannot be opened: %s", strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return ret;
    }
    void *map = S_ISREG(st.st_mode) && st.st_size > 0
                    ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)
                    : MAP_FAILED;
    if (map == MAP_FAILED) {
        ret = load_pipe(fd, past, past->from, history, err);
    } else {
        struct fa_str text = {map, (size_t)st.st_size};
        ret = read_text(past, past->from, text, history, err);
        munmap(map, (size_t)st.st_size);
    }
    close(fd);
    return ret;
}

/* ---- a server's answer ---- */

static int by_name(const void *a, const void *b)
{
    return fa_str_cmp(((const struct fa_label *)a)->name, ((const struct fa_label *)b)->name);
}

static int add_labels(struct fa_history *history, json_t *metric, size_t *ret_series,
                      struct fa_err *err)
{
    struct fa_label labels[FA_HISTORY_LABELS_MAX];
    size_t count = 0;
    const char *name;
    json_t *value;
    json_object_foreach(metric, name, value)
    {
        if (count == FA_HISTORY_LABELS_MAX || !json_is_string(value)) {
            return fa_err_set(err, FA_EPROTO, "the server's labels are no texts, or too many");
        }
        labels[count++] = (struct fa_label){fa_str_of(name), fa_str_of(json_string_value(value))};
    }
    qsort(labels, count, sizeof labels[0], by_name);
    *ret_series = fa_history_add(history, labels, count);
    return 0;
}

static int add_points(struct fa_history *history, json_t *values, size_t series, struct fa_err *err)
{
    size_t i;
    json_t *pair;
    json_array_foreach(values, i, pair)
    {
        const char *text = json_string_value(json_array_get(pair, 1));
        double seconds = json_number_value(json_array_get(pair, 0));
        struct fa_point point = {.at = 0};
        if (text == NULL || !(seconds > -1e11 && seconds < 1e11) ||
            fa_number_parse(fa_str_of(text), &point.value) != 0) {
            return fa_err_set(err, FA_EPROTO, "the server's values are not [time, \"number\"]");
        }
        point.at = (fa_time)(seconds * 1000 + (seconds < 0 ? -0.5 : 0.5));
        fa_history_append(history, series, point);
    }
    return 0;
}

static int take_answer(struct fa_history *history, struct fa_str body, struct fa_err *err)
{
    json_error_t why;
    json_t *root = json_loadb(body.ptr, body.len, 0, &why), *entry;
    json_t *result = json_object_get(json_object_get(root, "data"), "result");
    const char *refusal = json_string_value(json_object_get(root, "error"));
    size_t i, series;
    int ret = 0;
    if (refusal != NULL) {
        ret = fa_err_set(err, FA_EPROTO, "the server refuses: %.300s", refusal);
    } else if (!json_is_array(result)) {
        ret = fa_err_set(err, FA_EPROTO,
                         "what answers there is not the HTTP API of a Prometheus (%s)",
                         root == NULL ? why.text : "no data.result");
    }
    json_array_foreach(result, i, entry)
    {
        ret = ret == 0 ? add_labels(history, json_object_get(entry, "metric"), &series, err) : ret;
        ret = ret == 0 ? add_points(history, json_object_get(entry, "values"), series, err) : ret;
    }
    json_decref(root);
    return ret;
}

/* ---- asking ---- */

struct transfer {
    CURL *curl;
    const struct fa_past *past;
    struct fa_client *client;
    struct fa_history *history;
    struct fa_err *err;
    double asked, all; /* requests */
    int ret;
    struct fa_buf body;
};

static size_t on_body(char *data, size_t size, size_t count, void *user)
{
    struct transfer *transfer = user;
    fa_buf_put(&transfer->body, data, size * count);
    return transfer->body.over ? 0 : size * count;
}

static int on_progress(void *user, curl_off_t dl_total, curl_off_t dl, curl_off_t ul_total,
                       curl_off_t ul)
{
    return fa_interrupted() ? 1 : 0;
}

static CURL *new_handle(struct transfer *transfer)
{
    CURL *curl = curl_easy_init();
    if (curl != NULL) {
        curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
        curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
        curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
        curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 10L);
        curl_easy_setopt(curl, CURLOPT_TIMEOUT, 120L);
        curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "");
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
        curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
        curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    }
    return curl;
}

static int perform(struct transfer *transfer, const char *url)
{
    long status = 0;
    fa_buf_clear(&transfer->body);
    curl_easy_setopt(transfer->curl, CURLOPT_URL, url);
    CURLcode code = curl_easy_perform(transfer->curl);
    curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
    if (fa_interrupted()) {
        return fa_err_set(transfer->err, FA_ECLOSED, "stopped");
    }
    if (transfer->body.over) {
        return fa_err_set(transfer->err, FA_ETOOBIG,
                          "an answer is longer than %zu MiB: ask with a longer --step",
                          ANSWER_MAX >> 20);
    }
    if (code != CURLE_OK) {
        return fa_err_set(transfer->err, FA_EIO, "%.100s cannot be reached (%s)",
                          transfer->past->from, curl_easy_strerror(code));
    }
    int ret = take_answer(transfer->history, fa_buf_str(&transfer->body), transfer->err);
    return ret == 0 && status != 200
               ? fa_err_set(transfer->err, FA_EPROTO, "the server answers %ld", status)
               : ret;
}

/* One selector over a part of the time. */
static int ask(struct transfer *transfer, const char *selector, fa_time begin, fa_time end)
{
    const struct fa_past *past = transfer->past;
    struct fa_buf query, url;
    fa_buf_init(&query, 65536);
    fa_buf_init(&url, 262144);
    fa_buf_printf(&query, "last_over_time(%s[%lldms])", selector, (long long)past->step);
    char *escaped =
        curl_easy_escape(transfer->curl, fa_buf_text(&query), (int)fa_buf_str(&query).len);
    size_t len = strlen(past->from);
    fa_buf_printf(
        &url, "%.*s/api/v1/query_range?query=%s&start=%lld.%03lld&end=%lld.%03lld&step=%g",
        (int)(past->from[len - 1] == '/' ? len - 1 : len), past->from,
        escaped != NULL ? escaped : "", (long long)(begin / 1000), (long long)(begin % 1000),
        (long long)(end / 1000), (long long)(end % 1000), (double)past->step / 1000);
    curl_free(escaped);
    int ret = perform(transfer, fa_buf_text(&url));
    fa_buf_done(&query);
    fa_buf_done(&url);
    return ret;
}

static void ask_selector(void *ctx, const char *selector)
{
    struct transfer *transfer = ctx;
    const struct fa_past *past = transfer->past;
    fa_time part = past->step * STEPS_EACH;
    for (fa_time at = past->begin; at <= past->end && transfer->ret == 0; at += part) {
        fa_time end = at + part - past->step;
        fa_past_progress(transfer->client, "asking the server", transfer->asked / transfer->all);
        transfer->ret = ask(transfer, selector, at, end < past->end ? end : past->end);
        transfer->asked++;
    }
}

static void count_selector(void *ctx, const char *selector)
{
    struct transfer *transfer = ctx;
    const struct fa_past *past = transfer->past;
    transfer->all += (double)((past->end - past->begin) / (past->step * STEPS_EACH) + 1);
}

static int load_server(struct fa_client *client, const struct fa_past *past,
                       struct fa_history *history, struct fa_err *err)
{
    struct transfer transfer = {.past = past, .client = client, .history = history, .err = err};
    fa_buf_init(&transfer.body, ANSWER_MAX);
    transfer.curl = new_handle(&transfer);
    if (transfer.curl == NULL) {
        return fa_err_set(err, FA_EIO, "libcurl cannot start");
    }
    fa_backtest_selectors(past->config, count_selector, &transfer);
    fa_backtest_selectors(past->config, ask_selector, &transfer);
    fa_past_progress(client, "", 2);
    curl_easy_cleanup(transfer.curl);
    fa_buf_done(&transfer.body);
    return transfer.ret;
}

int fa_past_load(struct fa_client *client, const struct fa_past *past, struct fa_history *history,
                 struct fa_err *err)
{
    if (fa_past_is_url(past->from)) {
        return load_server(client, past, history, err);
    }
    return strcmp(past->from, "-") == 0
               ? load_pipe(client->world->in, past, "standard input", history, err)
               : load_file(past, history, err);
}
