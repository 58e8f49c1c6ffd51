/* SPDX-License-Identifier: MIT */
/* `firealarm feed import`: what was measured before, into a daemon that runs. The text goes to the
 * feed's own HTTP route as any sender's would, so its decoder reads it and samples keep their
 * times; nothing here knows a format. The daemon says where that route is, or --to does. */
#include "client/commands.h"

#include "client/api.h"
#include "client/file.h"
#include "client/http.h"
#include "client/import.h"
#include "client/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE_MAX  ((size_t)256 * 1024)
#define TRIES      30
#define WAIT_MS    1000
#define POST_TIME  FA_MINUTE
#define TOKEN_MAX  ((size_t)512)
#define SHOW_EVERY ((uint64_t)256 * 1024)

struct job {
    struct fa_client *client;
    struct fa_settings target; /* where the pieces go; its texts are below or the client's */
    struct fa_buf place, path, token;
    size_t piece_max;
    struct fa_import import;
    uint64_t size, shown; /* of the source, 0: not known; bytes at the last progress */
    int code;             /* exit code of what went wrong with the daemon */
};

/* ---- sending ---- */

static int settle(struct job *job, long status, struct fa_err *err)
{
    if (status == 401 || status == 403) {
        job->code = FA_EXIT_DENIED;
        return fa_err_set(err, FA_EDENIED,
                          "the feed does not take this from you (%ld): give "
                          "--token-file",
                          status);
    }
    if (status == 404 || status == 405) {
        job->code = FA_EXIT_FAILED;
        return fa_err_set(err, FA_ENOTFOUND, "no feed takes lines at %s (%ld)",
                          fa_buf_text(&job->path), status);
    }
    if (status == 413) {
        job->code = FA_EXIT_REFUSED;
        return fa_err_set(err, FA_ETOOBIG,
                          "the listener takes no request of %zu bytes: raise its "
                          "body_bytes",
                          job->piece_max);
    }
    job->code = FA_EXIT_STRANGE;
    return fa_err_set(err, FA_EPROTO, "the answer is %ld, which says nothing about lines", status);
}

/* Our own trouble passes: 429 and 503 are tried again for half a minute. */
static int send_piece(void *ctx, struct fa_str piece, struct fa_err *err)
{
    struct job *job = ctx;
    struct fa_reply reply = {.status = 503};
    for (int i = 0; i < TRIES && (reply.status == 503 || reply.status == 429); i++) {
        if (i > 0) {
            (void)poll(NULL, 0, WAIT_MS);
            fa_reply_done(&reply);
        }
        int rc =
            fa_http_send(&job->target, fa_buf_text(&job->path), piece, "text/plain", &reply, err);
        if (rc != 0) {
            job->code = rc == FA_ECLOSED ? FA_EXIT_STOPPED : FA_EXIT_UNREACHABLE;
            return rc;
        }
    }
    int rc = 0;
    if (reply.status == 400 || (reply.status >= 200 && reply.status <= 299)) {
        fa_import_answer(&job->import, fa_buf_str(&reply.body), reply.status == 400);
    } else if (reply.status == 503 || reply.status == 429) {
        job->code = FA_EXIT_UNREACHABLE;
        rc =
            fa_err_set(err, FA_EBUSY, "the daemon takes nothing at the moment (%ld)", reply.status);
    } else {
        rc = settle(job, reply.status, err);
    }
    fa_reply_done(&reply);
    return rc;
}

/* ---- reading ---- */

static void show_progress(struct job *job)
{
    struct fa_client *client = job->client;
    uint64_t bytes = job->import.bytes;
    if (!client->interactive || client->json || bytes < job->shown + SHOW_EVERY) {
        return;
    }
    job->shown = bytes;
    if (job->size > 0) {
        fa_say(&client->talk, "\r%3d %% of %llu KiB", (int)(bytes * 100 / job->size),
               (unsigned long long)job->size / 1024);
    } else {
        fa_say(&client->talk, "\r%llu KiB", (unsigned long long)bytes / 1024);
    }
    (void)fflush(client->talk.file);
}

static int on_bytes(void *ctx, struct fa_str bytes, struct fa_err *err)
{
    struct job *job = ctx;
    int rc = fa_import_put(&job->import, bytes, err);
    show_progress(job);
    return rc;
}

static int read_file(struct job *job, const char *file, struct fa_err *err)
{
    static char piece[64 * 1024];
    struct stat st;
    bool standard = strcmp(file, "-") == 0;
    int rc = 0, fd = standard ? job->client->world->in : open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return fa_err_at(err, FA_EIO, file, 0, 0, "cannot be opened: %s", strerror(errno));
    }
    job->size = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
    for (ssize_t n = 1; n > 0 && rc == 0;) {
        n = read(fd, piece, sizeof piece);
        if (n < 0) {
            rc = fa_interrupted()
                     ? fa_err_set(err, FA_ECLOSED, "stopped")
                     : fa_err_at(err, FA_EIO, file, 0, 0, "cannot be read: %s", strerror(errno));
        } else if (n > 0) {
            rc = on_bytes(job, (struct fa_str){piece, (size_t)n}, err);
        }
    }
    if (!standard) {
        close(fd);
    }
    return rc;
}

/* ---- where it goes ---- */

static void set_target(struct job *job)
{
    const struct fa_settings *own = &job->client->settings;
    const char *place = fa_buf_text(&job->place);
    bool local = strncmp(place, "unix:", 5) == 0;
    job->target = (struct fa_settings){
        .file = own->file,
        .socket = local ? (char *)(uintptr_t)(place + 5) : NULL,
        .url = local ? NULL : (char *)(uintptr_t)place,
        .ca = own->ca,
        .token = job->token.len > 0 ? job->token.data : NULL,
        .timeout = POST_TIME,
    };
}

/* --to: "http://host:port/path". */
static int parse_to(struct job *job, const char *to, struct fa_err *err)
{
    bool secure = strncmp(to, "https://", 8) == 0;
    const char *host = secure ? to + 8 : to + 7;
    if (!secure && strncmp(to, "http://", 7) != 0) {
        return fa_err_set(err, FA_EINVAL, "--to is a whole URL: http://127.0.0.1:8652/api/v1/...");
    }
    size_t len = strcspn(host, "/");
    if (len == 0 || host[len] == '\0' || fa_str_has_control(fa_str_of(to))) {
        return fa_err_set(err, FA_EINVAL, "--to lacks its host or the feed's path");
    }
    fa_buf_put(&job->place, to, (size_t)(host - to) + len);
    fa_buf_puts(&job->path, host + len);
    return 0;
}

/* The feed of that name, or the only one. */
static const json_t *pick(const json_t *feeds, const char *name, struct fa_buf *names)
{
    const json_t *found = NULL;
    for (size_t i = 0; i < json_array_size(feeds); i++) {
        const json_t *feed = json_array_get(feeds, i);
        const char *own = fa_member_text(feed, "name");
        bool fits = own != NULL && (name == NULL || strcmp(own, name) == 0);
        if (own != NULL) {
            fa_buf_printf(names, "%s%s", names->len > 0 ? ", " : "", own);
        }
        if (fits && found == NULL) {
            found = feed;
        } else if (fits && name == NULL && strcmp(own, fa_member_text(found, "name")) != 0) {
            return NULL; /* which of them? */
        }
    }
    return found;
}

static int take_feed(struct job *job, const json_t *feeds, const struct fa_args *args,
                     struct fa_err *err)
{
    const char *name = fa_args_get(args, "feed"), *path = fa_args_get(args, "path");
    struct fa_buf names;
    fa_buf_init(&names, 400);
    const json_t *feed = pick(feeds, name, &names);
    const char *place = fa_member_text(feed, "place");
    path =
        path != NULL ? path : json_string_value(json_array_get(json_object_get(feed, "paths"), 0));
    int rc = 0;
    if (place == NULL || path == NULL) {
        rc = fa_err_set(err, FA_ENOTFOUND, "%s%s; feeds that take requests: %s",
                        name != NULL ? "there is no feed " : "say which --feed NAME",
                        name != NULL ? name : "", names.len > 0 ? fa_buf_text(&names) : "none");
    } else {
        json_int_t limit = fa_member_int(feed, "body_bytes");
        fa_buf_puts(&job->place, place);
        fa_buf_puts(&job->path, path);
        job->piece_max =
            limit > 0 && (size_t)limit < job->piece_max ? (size_t)limit : job->piece_max;
    }
    fa_buf_done(&names);
    return rc;
}

static int take_token(struct job *job, const char *file, struct fa_err *err)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return fa_err_at(err, FA_EIO, file, 0, 0, "cannot be opened: %s", strerror(errno));
    }
    int rc = fa_file_read(fd, file, &job->token, err);
    close(fd);
    size_t len = fa_str_trim(fa_buf_str(&job->token)).len;
    while (len > 0 && (job->token.data[len - 1] == '\n' || job->token.data[len - 1] == '\r')) {
        len--;
    }
    fa_buf_cut(&job->token, len);
    if (rc == 0 && (len == 0 || fa_str_has_control(fa_buf_str(&job->token)))) {
        rc = fa_err_at(err, FA_EINVAL, file, 0, 0, "holds no token: one line of printable text");
    }
    return rc;
}

/* FA_EXIT_OK: job says where. */
static int find_target(struct job *job, const struct fa_args *args)
{
    struct fa_client *client = job->client;
    const char *to = fa_args_get(args, "to"), *token = fa_args_get(args, "token-file");
    struct fa_answer answer;
    struct fa_err err;
    int rc = token != NULL ? take_token(job, token, &err) : 0;
    if (rc != 0) {
        return fa_complain(client, FA_EXIT_IO, &err);
    }
    if (to != NULL) {
        rc = parse_to(job, to, &err);
        return rc != 0 ? fa_complain(client, FA_EXIT_USAGE, &err) : FA_EXIT_OK;
    }
    int code = fa_api_ask(client, "/v1/feeds", NULL, &answer);
    if (code == FA_EXIT_OK) {
        rc = take_feed(job, json_object_get(answer.json, "feeds"), args, &err);
        code = rc != 0 ? fa_complain(client, FA_EXIT_FAILED, &err) : FA_EXIT_OK;
        fa_answer_done(&answer);
    }
    return code;
}

/* ---- the command ---- */

static void show_json(struct fa_client *client, const struct fa_import *import)
{
    json_t *body = json_object(), *reasons = json_array(), *names = json_array();
    for (size_t i = 0; i < import->reason_count; i++) {
        json_array_append_new(reasons, json_string(import->reasons[i]));
    }
    json_object_set_new(body, "bytes", json_integer((json_int_t)import->bytes));
    json_object_set_new(body, "lines", json_integer((json_int_t)import->lines));
    json_object_set_new(body, "requests", json_integer((json_int_t)import->requests));
    json_object_set_new(body, "refused", json_integer((json_int_t)import->refused));
    json_object_set_new(body, "reasons", reasons);
    for (size_t i = 0; i < import->name_count; i++) {
        json_array_append_new(names, json_string(import->names[i]));
    }
    if (import->is_counted) {
        json_object_set_new(body, "taken", json_integer((json_int_t)import->taken));
        json_object_set_new(body, "ignored", json_integer((json_int_t)import->ignored));
        json_object_set(body, "unwatched", names);
    }
    json_decref(names);
    char *text = json_dumps(body, JSON_COMPACT);
    fa_say(&client->out, "%s\n", text);
    free(text);
    json_decref(body);
}

/* What became of the samples; the rest was older than any rule looks back, or no number. */
static void show_count(struct fa_client *client, const struct fa_import *import)
{
    fa_say(&client->out, "%llu samples were taken, %llu ignored\n",
           (unsigned long long)import->taken, (unsigned long long)import->ignored);
    for (size_t i = 0; i < import->name_count; i++) {
        fa_say(&client->out, i == 0 ? "no rule reads: " : ", ");
        fa_put(&client->out, FA_PLAIN, import->names[i]);
    }
    fa_say(&client->out, import->name_count == FA_IMPORT_NAMES ? " ...\n"
                         : import->name_count > 0              ? "\n"
                                                               : "");
}

static void show_result(struct fa_client *client, const struct fa_import *import)
{
    fa_say(&client->out, "%llu lines were sent, %llu refused\n", (unsigned long long)import->lines,
           (unsigned long long)import->refused);
    if (import->is_counted) {
        show_count(client, import);
    }
    for (size_t i = 0; i < import->reason_count; i++) {
        fa_say(&client->out, "  ");
        fa_put(&client->out, FA_PLAIN, import->reasons[i]);
        fa_say(&client->out, "\n");
    }
}

static int import_all(struct job *job, const char *source)
{
    struct fa_client *client = job->client;
    struct fa_err err;
    fa_import_init(&job->import, job->piece_max, send_piece, job);
    set_target(job);
    bool is_url = strncmp(source, "http://", 7) == 0 || strncmp(source, "https://", 8) == 0;
    int rc = is_url ? fa_http_fetch(source, on_bytes, job, &err) : read_file(job, source, &err);
    rc = rc == 0 ? fa_import_end(&job->import, &err) : rc;
    fa_say(&client->talk, job->shown > 0 ? "\n" : "");
    bool is_in_vain = job->import.is_counted && job->import.taken == 0 && job->import.ignored > 0;
    int code = job->import.refused > 0 ? FA_EXIT_REFUSED : is_in_vain ? FA_EXIT_FAILED : FA_EXIT_OK;
    if (rc != 0) {
        code = job->code != 0     ? job->code
               : rc == FA_ECLOSED ? FA_EXIT_STOPPED
               : rc == FA_ETOOBIG ? FA_EXIT_REFUSED
                                  : FA_EXIT_IO;
        fa_complain(client, code, &err);
    }
    (client->json ? show_json : show_result)(client, &job->import);
    fa_import_done(&job->import);
    return code;
}

static int run_import(struct fa_client *client, const struct fa_args *args)
{
    struct job job = {.client = client, .piece_max = PIECE_MAX};
    fa_buf_init(&job.place, 4096);
    fa_buf_init(&job.path, 4096);
    fa_buf_init(&job.token, TOKEN_MAX);
    int code = find_target(&job, args);
    code = code == FA_EXIT_OK ? import_all(&job, args->rest[0]) : code;
    if (job.token.len > 0) {
        explicit_bzero(job.token.data, job.token.len);
    }
    fa_buf_done(&job.token);
    fa_buf_done(&job.place);
    fa_buf_done(&job.path);
    return code;
}

static const struct fa_opt import_options[] = {
    {.name = "feed", .value = "NAME", .help = "The feed that takes it; not needed if one does."},
    {.name = "path", .value = "PATH", .help = "One of the feed's paths (the first)."},
    {.name = "to", .value = "URL", .help = "The feed's whole URL, without asking the daemon."},
    {.name = "token-file",
     .value = "FILE",
     .file = true,
     .help = "Holds the token that the feed's listener asks for."},
};
static const struct fa_example import_examples[] = {
    {"firealarm feed import history.prom --feed prom",
     "Lines of Prometheus' text with times, to the feed prom."},
    {"firealarm feed import http://db1:9187/metrics --feed prom",
     "What an exporter says at this moment."},
    {"jq -c '.rows[]' export.json | firealarm feed import - --feed numbers",
     "JSON objects, one a line, to a feed with the decoder jsonl."},
};

const struct fa_cmd fa_cmd_feed_import = {
    .name = "feed import",
    .usage = "FILE|URL|-",
    .args_min = 1,
    .args_max = 1,
    .summary = "send earlier samples to a running daemon",
    .about =
        "Lines go to the feed as its senders would send them, in requests of whole lines; each "
        "sample keeps the time that its line says. What lies before every window of the rules, or "
        "belongs to no rule, is let go. It says how many samples were taken and how many ignored, and "
        "the first ten names that no rule reads; when all were ignored the command ends with 1.\n\n"
        "Lines that the decoder refuses are counted and the first reasons shown; everything else "
        "is taken, and the command ends with 65.",
    .options = import_options,
    .option_count = FA_COUNT(import_options),
    .examples = import_examples,
    .example_count = FA_COUNT(import_examples),
    .run = run_import,
};
