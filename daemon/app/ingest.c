/* SPDX-License-Identifier: MIT */
/* Requests to feeds: a body goes to the feed's decoder piece by piece as it comes in, at the pace
 * that net/ allows, and its answer is the decoder's, or 204, or 400 with what was refused.
 *
 * Samples are taken into memory, so the answer waits for no commit. "You are wrong" is 4xx and "we
 * are in trouble" is 5xx with Retry-After: senders throw away what gets the one and repeat what
 * gets the other. Nothing of a body is kept here; what a decoder keeps of it is its own to bound.
 *
 * Who sends "Prefer: return=representation" hears how many samples were taken, how many ignored,
 * and the first names that no rule reads. */
#include "app/internal.h"
#include "base/panic.h"

#include <stdlib.h>
#include <string.h>

#define HEADERS_MAX 100
#define ANSWER_MAX  4096

struct fa_body {
    struct fa_feed_socket *feed;
    struct fa_http_request *req;
    struct fa_intake intake;
    struct firealarm_request view;
    struct firealarm_label headers[HEADERS_MAX];
    struct fa_buf names; /* of the headers, in lower case */
    struct fa_body *prev, *next;
};

static struct firealarm_text text_of(struct fa_str str)
{
    return (struct firealarm_text){str.ptr, str.len};
}

void *fa_ingest_find(void *ctx, const char *listener, const char *path)
{
    struct fa_daemon *daemon = ctx;
    for (size_t i = 0; i < daemon->feed_count; i++) {
        struct fa_feed_socket *feed = daemon->feeds[i];
        bool here = feed->listener == NULL || strcmp(feed->listener, listener) == 0;
        for (size_t k = 0; k < feed->path_count && here; k++) {
            if (strcmp(feed->paths[k], path) == 0) {
                return feed;
            }
        }
    }
    return NULL;
}

/* The listener's address as the beginning of a URL; one that hears all addresses, by loopback. */
static void put_place(const struct fa_listening *one, struct fa_buf *out)
{
    const char *colon = strrchr(one->address, ':');
    if (strncmp(one->address, "unix:", 5) == 0 || colon == NULL) {
        fa_buf_puts(out, one->address);
        return;
    }
    bool all = strncmp(one->address, "*:", 2) == 0;
    fa_buf_puts(out, one->tls != NULL ? "https://" : "http://");
    fa_buf_put(out, all ? "127.0.0.1" : one->address, all ? 9 : (size_t)(colon - one->address));
    fa_buf_printf(out, ":%u", (unsigned)fa_http_server_port(one->http));
}

void fa_ingest_each(void *ctx, fa_api_place_fn *fn, void *fn_ctx)
{
    const struct fa_daemon *daemon = ctx;
    for (size_t i = 0; i < daemon->feed_count; i++) {
        const struct fa_feed_socket *feed = daemon->feeds[i];
        for (size_t k = 0; k < daemon->listening_count && feed->path_count > 0; k++) {
            const struct fa_listening *one = &daemon->listening[k];
            const struct fa_listener_entry *entry = &daemon->config->listeners[k];
            bool here = feed->listener == NULL || strcmp(feed->listener, one->name) == 0;
            if (here && (entry->routes & FA_ROUTES_INGEST) != 0) {
                struct fa_buf place;
                fa_buf_init(&place, 4096);
                put_place(one, &place);
                struct fa_api_feed told = {feed->name, feed->paths, feed->path_count,
                                           fa_buf_text(&place), entry->limits.body_bytes};
                fn(fn_ctx, &told);
                fa_buf_done(&place);
            }
        }
    }
}

/* ---- one body ---- */

static void fill_headers(struct fa_body *body)
{
    struct fa_str name, value;
    uint32_t count = 0;
    fa_buf_init(&body->names, SIZE_MAX / 2); /* the server has limited the head */
    for (; count < HEADERS_MAX && fa_http_field_at(body->req, count, &name, &value); count++) {
        fa_buf_putstr(&body->names, name);
        body->headers[count] = (struct firealarm_label){text_of(name), text_of(value)};
    }
    char *at = body->names.data;
    for (size_t i = 0; i < body->names.len; i++) {
        at[i] = at[i] >= 'A' && at[i] <= 'Z' ? (char)(at[i] + ('a' - 'A')) : at[i];
    }
    for (uint32_t i = 0; i < count; at += body->headers[i++].name.len) {
        body->headers[i].name.ptr = at;
    }
    body->view.headers = body->headers;
    body->view.header_count = count;
}

static void free_body(struct fa_body *body)
{
    *(body->prev != NULL ? &body->prev->next : &body->feed->bodies) = body->next;
    if (body->next != NULL) {
        body->next->prev = body->prev;
    }
    fa_intake_close(&body->intake);
    fa_buf_done(&body->names);
    free(body);
}

static void link_body(struct fa_body *body)
{
    body->next = body->feed->bodies;
    if (body->next != NULL) {
        body->next->prev = body;
    }
    body->feed->bodies = body;
}

/* Ends the request. */
static void answer(struct fa_body *body, int status, const char *type, struct fa_str text)
{
    struct fa_http_request *req = body->req;
    body->feed->answers[status / 100]++;
    if (status == 429 || status == 503) {
        /* A constant, so it cannot be refused. */
        (void)!fa_http_reply_field(req, "Retry-After", FA_STR("5"));
    }
    free_body(body); /* the decoder may look at the request until its connection is closed */
    fa_http_reply(req, status, type, text);
}

static void put_count(const struct fa_intake_count *count, struct fa_buf *text)
{
    fa_buf_printf(text, "%llu taken\n%llu ignored\n", (unsigned long long)count->taken,
                  (unsigned long long)count->ignored);
    for (size_t i = 0; i < count->name_count; i++) {
        fa_buf_printf(text, "unwatched %s\n", count->names[i]);
    }
}

static void put_refusals(const struct fa_intake *intake, struct fa_buf *text)
{
    fa_buf_printf(text, "%llu refused; what was sound was taken\n",
                  (unsigned long long)intake->refused);
    for (size_t i = 0; i < intake->refused && i < FA_INTAKE_TOLD; i++) {
        fa_buf_printf(text, "%s%s%s\n", intake->first[i].reason,
                      intake->first[i].excerpt[0] != '\0' ? ": " : "", intake->first[i].excerpt);
    }
}

/* Counts come first: what was refused may hold any words. */
static void answer_in_words(struct fa_body *body)
{
    const struct fa_intake *intake = &body->intake;
    struct fa_buf text;
    fa_buf_init(&text, ANSWER_MAX);
    if (intake->count != NULL) {
        put_count(intake->count, &text);
    }
    if (intake->refused > 0) {
        put_refusals(intake, &text);
    }
    answer(body, intake->refused > 0 ? 400 : 200, "text/plain; charset=utf-8", fa_buf_str(&text));
    fa_buf_done(&text);
}

static void answer_end(struct fa_body *body)
{
    struct fa_intake *intake = &body->intake;
    if (intake->status != 0) {
        struct fa_buf text = intake->body;
        char type[sizeof intake->type];
        memcpy(type, intake->type, sizeof type);
        fa_buf_init(&intake->body, 0);
        answer(body, intake->status, type[0] != '\0' ? type : NULL, fa_buf_str(&text));
        fa_buf_done(&text);
    } else if (intake->refused > 0 || intake->count != NULL) {
        answer_in_words(body);
    } else {
        answer(body, 204, NULL, FA_STR(""));
    }
}

static void feed(struct fa_body *body, struct fa_str piece, bool end)
{
    struct fa_err err;
    if (fa_intake_feed(&body->intake, piece, end, &err) != 0 || end) {
        answer_end(body);
    }
}

/* ---- for the interface ---- */

void fa_ingest_head(void *ctx, void *found, struct fa_http_request *req,
                    struct fa_http_route *route)
{
    struct fa_body *body = fa_xcalloc(1, sizeof *body);
    struct fa_err err;
    body->feed = found;
    body->req = req;
    body->view = (struct firealarm_request){
        .size = sizeof body->view,
        .transport = FIREALARM_HTTP,
        .method = text_of(fa_http_method(req)),
        .path = text_of(fa_str_of(fa_http_path(req))),
        .query = text_of(fa_http_query(req)),
    };
    fill_headers(body);
    link_body(body);
    if (fa_intake_open(&body->intake, body->feed, &body->view, &err) != 0) {
        fa_log_err(FA_LOG_WARNING, &err);
        body->feed->answers[5]++;
        (void)!fa_http_reply_field(req, "Retry-After", FA_STR("5"));
        route->status = 503;
        route->detail = "The decoder takes nothing at the moment.";
        free_body(body);
        return;
    }
    if (fa_str_is(fa_http_field(req, "prefer"), "return=representation")) {
        body->intake.count = fa_xcalloc(1, sizeof *body->intake.count);
    }
    fa_http_set_data(req, body);
    route->stream = true;
}

void fa_ingest_body(void *ctx, struct fa_http_request *req, struct fa_str piece)
{
    feed(fa_http_data(req), piece, false);
}

void fa_ingest_end(void *ctx, struct fa_http_request *req)
{
    feed(fa_http_data(req), FA_STR(""), true);
}

void fa_ingest_gone(void *ctx, struct fa_http_request *req)
{
    free_body(fa_http_data(req));
    fa_http_release(req);
}

void fa_ingest_stop(struct fa_feed_socket *feed_socket)
{
    while (feed_socket->bodies != NULL) {
        answer(feed_socket->bodies, 503, "text/plain; charset=utf-8",
               FA_STR("the configuration changes: send it again\n"));
    }
}
