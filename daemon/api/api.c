/* SPDX-License-Identifier: MIT */
/* Routing and callers: one table of routes. A token wins over a uid; an unknown token is 401, never
 * a fall-back to the uid. What a caller may not know of is 404, the same as what is not there. */
#include "api/page.h"
#include "base/panic.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct fa_api_listener {
    struct fa_api *api;
    char *name;
    struct fa_api_doors doors;
    struct fa_api_listener *next;
};

struct route {
    uint32_t group;
    const char *method, *path; /* "*" stands for one part of the path */
    fa_route_fn *run;
    bool anybody; /* answered without looking who asks */
};

static const struct route routes[] = {
    {FA_API_ROUTES_API, "GET", "/v1/guide", fa_route_guide, false},
    {FA_API_ROUTES_API, "POST", "/v1/incidents/preview", fa_route_preview, false},
    {FA_API_ROUTES_API, "POST", "/v1/incidents", fa_route_file, false},
    {FA_API_ROUTES_API, "POST", "/v1/status", fa_route_status, false},
    {FA_API_ROUTES_API, "GET", "/v1/alarms", fa_route_alarms, false},
    {FA_API_ROUTES_API, "GET", "/v1/alarms/*", fa_route_alarm, false},
    {FA_API_ROUTES_API, "GET", "/v1/alarms/*/explain", fa_route_explain, false},
    {FA_API_ROUTES_API, "GET", "/v1/rules/*", fa_route_rule, false},
    {FA_API_ROUTES_API, "POST", "/v1/alarms/*/ack", fa_route_ack, false},
    {FA_API_ROUTES_API, "POST", "/v1/alarms/*/resolve", fa_route_resolve, false},
    {FA_API_ROUTES_API, "POST", "/v1/alarms/*/comment", fa_route_comment, false},
    {FA_API_ROUTES_API, "POST", "/v1/alarms/*/recuse", fa_route_recuse, false},
    {FA_API_ROUTES_API, "GET", "/v1/oncall", fa_route_oncall, false},
    {FA_API_ROUTES_API, "GET", "/v1/silences", fa_route_silences, false},
    {FA_API_ROUTES_API, "POST", "/v1/silences", fa_route_silence, false},
    {FA_API_ROUTES_API, "POST", "/v1/silences/preview", fa_route_silence_preview, false},
    {FA_API_ROUTES_API, "POST", "/v1/silences/*/end", fa_route_silence_end, false},
    {FA_API_ROUTES_API, "POST", "/v1/hiding/preview", fa_route_hiding_preview, false},
    {FA_API_ROUTES_API, "GET", "/v1/drills", fa_route_drills, false},
    {FA_API_ROUTES_API, "POST", "/v1/drills", fa_route_drill, false},
    {FA_API_ROUTES_API, "POST", "/v1/drills/preview", fa_route_drill_preview, false},
    {FA_API_ROUTES_API, "GET", "/v1/outbox", fa_route_outbox, false},
    {FA_API_ROUTES_API, "POST", "/v1/outbox/*/retry", fa_route_retry, false},
    {FA_API_ROUTES_API, "POST", "/v1/outbox/*/drop", fa_route_drop, false},
    {FA_API_ROUTES_API, "POST", "/v1/channels/test", fa_route_test, false},
    {FA_API_ROUTES_API, "GET", "/v1/fetch", fa_route_fetch, false},
    {FA_API_ROUTES_API, "GET", "/v1/channels/untested", fa_route_untested, false},
    {FA_API_ROUTES_API, "GET", "/v1/backup", fa_route_backup_state, false},
    {FA_API_ROUTES_API, "POST", "/v1/backup", fa_route_backup, false},
    {FA_API_ROUTES_API, "GET", "/v1/feeds", fa_route_feeds, false},
    {FA_API_ROUTES_API, "GET", "/v1/weekly", fa_route_weekly, false},
    {FA_API_ROUTES_API, "GET", "/v1/version", fa_route_version, false},
    {FA_API_ROUTES_PAGES, "GET", "/", fa_page_index, true},
    {FA_API_ROUTES_PAGES, "GET", "/a/*", fa_page_ack_show, true},
    {FA_API_ROUTES_PAGES, "POST", "/a/*", fa_page_ack, true},
    {FA_API_ROUTES_PAGES, "GET", "/file", fa_page_file_show, true},
    {FA_API_ROUTES_PAGES, "POST", "/file", fa_page_file, true},
    {FA_API_ROUTES_PAGES, "GET", "/status", fa_page_status_show, true},
    {FA_API_ROUTES_PAGES, "POST", "/status", fa_page_status, true},
    {FA_API_ROUTES_METRICS, "GET", "/metrics", fa_route_metrics, true},
    {FA_API_ROUTES_METRICS, "GET", "/-/healthy", fa_route_healthy, true},
    {FA_API_ROUTES_METRICS, "GET", "/-/ready", fa_route_ready, true},
};
/* A form of the longest text, each byte of it escaped. */
#define PAGE_BODY_BYTES ((size_t)128 * 1024)
#define ROUTE_COUNT     (sizeof routes / sizeof routes[0])

/* ---- answers ---- */

void fa_answer_json(struct fa_call *call, int status, json_t *body)
{
    char *text = json_dumps(body, JSON_COMPACT | JSON_REAL_PRECISION(15));
    json_decref(body);
    fa_assert(text != NULL);
    const struct fa_api_host *host = &call->api->host;
    host->reply(host->ctx, call->req, status, "application/json", fa_str_of(text));
    free(text);
}

static void answer_problem_json(struct fa_call *call, int status, const char *detail,
                                json_t *errors)
{
    json_t *body = json_object();
    fa_json_set_text(body, "type", "about:blank");
    fa_json_set_text(body, "title", fa_http_phrase(status));
    json_object_set_new(body, "status", json_integer(status));
    if (detail != NULL) {
        fa_json_set_text(body, "detail", detail);
    }
    if (errors != NULL) {
        json_object_set_new(body, "errors", errors);
    }
    char *text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    fa_assert(text != NULL);
    const struct fa_api_host *host = &call->api->host;
    host->reply(host->ctx, call->req, status, "application/problem+json", fa_str_of(text));
    free(text);
}

void fa_json_problem(struct fa_call *call, int status, const char *detail)
{
    answer_problem_json(call, status, detail, NULL);
}

void fa_json_faults(struct fa_call *call, json_t *errors)
{
    answer_problem_json(call, 422, "The request has faults; nothing was changed.", errors);
}

void fa_answer_problem(struct fa_call *call, int status, const char *detail)
{
    if (status == 503) {
        /* A constant, so it cannot be refused. */
        (void)!fa_http_reply_field(call->req, "Retry-After", FA_STR("30"));
    }
    call->face->problem(call, status, detail);
}

bool fa_answer_faults(struct fa_call *call, struct fa_faults *faults)
{
    if (faults->list == NULL) {
        return false;
    }
    json_t *errors = faults->list;
    faults->list = NULL;
    call->face->faults(call, errors);
    return true;
}

void fa_answer_code(struct fa_call *call, int code, const char *detail)
{
    int status = code == FA_ENOTFOUND   ? 404
                 : code == FA_ECONFLICT ? 409
                 : code == FA_EFULL     ? 503
                 : code == FA_EDENIED   ? 403
                                        : 422;
    fa_answer_problem(call, status, detail);
}

/* ---- routing ---- */

/* Does path fit the pattern? What "*" stood for goes to id. */
static bool path_fits(const char *pattern, const char *path, char *id, size_t id_size)
{
    while (*pattern != '\0') {
        if (*pattern == '*') {
            size_t len = strcspn(path, "/");
            if (len == 0 || len >= id_size) {
                return false;
            }
            memcpy(id, path, len);
            id[len] = '\0';
            path += len;
            pattern++;
        } else if (*pattern++ != *path++) {
            return false;
        }
    }
    return *path == '\0';
}

struct found {
    const struct route *route;
    char allow[64]; /* methods of the path, when the route is NULL */
};

static struct found find_route(uint32_t groups, struct fa_str method, const char *path)
{
    struct found found = {0};
    char id[FA_CALL_ID_SIZE];
    bool head = fa_str_is(method, "HEAD");
    for (size_t i = 0; i < ROUTE_COUNT && found.route == NULL; i++) {
        if ((routes[i].group & groups) == 0 || !path_fits(routes[i].path, path, id, sizeof id)) {
            continue;
        }
        if (fa_str_is(method, routes[i].method) || (head && strcmp(routes[i].method, "GET") == 0)) {
            found.route = &routes[i];
        } else {
            size_t len = strlen(found.allow);
            snprintf(found.allow + len, sizeof found.allow - len, "%s%s", len > 0 ? ", " : "",
                     routes[i].method);
        }
    }
    return found;
}

static bool known_method(struct fa_str method)
{
    static const char *const methods[] = {"GET",    "HEAD",    "POST",  "PUT",
                                          "DELETE", "OPTIONS", "PATCH", NULL};
    for (size_t i = 0; methods[i] != NULL; i++) {
        if (fa_str_is(method, methods[i])) {
            return true;
        }
    }
    return false;
}

/* The hash of the bearer token that was shown; false: none was. */
static bool read_token(const struct fa_http_request *req, uint8_t hash[FA_TOKEN_HASH_BYTES])
{
    struct fa_str field = fa_http_field(req, "authorization");
    if (field.ptr == NULL || field.len < 7 || strncasecmp(field.ptr, "Bearer ", 7) != 0) {
        return false;
    }
    struct fa_str token = fa_str_trim((struct fa_str){field.ptr + 7, field.len - 7});
    crypto_generichash(hash, FA_TOKEN_HASH_BYTES, (const unsigned char *)token.ptr, token.len, NULL,
                       0);
    return true;
}

/* FA_EDENIED: a token that nobody has. */
static int find_caller(const struct fa_directory *dir, const struct fa_http_request *req,
                       struct fa_caller *ret)
{
    const struct fa_peer *peer = fa_http_peer(req);
    struct fa_str field = fa_http_field(req, "authorization");
    struct fa_caller caller = {FA_NOBODY, FA_UID_NONE, false};
    if (field.ptr != NULL) {
        uint8_t hash[FA_TOKEN_HASH_BYTES];
        if (!read_token(req, hash)) {
            return FA_EDENIED;
        }
        caller.person = fa_directory_find_token(dir, hash);
        caller.by_token = true;
        if (caller.person == FA_NOBODY) {
            return FA_EDENIED;
        }
    } else if (peer->kind == FA_PEER_UNIX) {
        caller.uid = peer->uid;
        caller.person = fa_directory_find_uid(dir, peer->uid);
    } else {
        return FA_EDENIED; /* over TCP only a token says who it is */
    }
    *ret = caller;
    return 0;
}

static void refuse_caller(struct fa_http_request *req, struct fa_http_route *route)
{
    route->status = 401;
    route->detail = "A bearer token is needed here, and this one is not known (or none came).";
    (void)!fa_http_reply_field(req, "WWW-Authenticate", FA_STR("Bearer"));
}

/* ---- feeds ---- */

/* All of them are compared: how long it takes says nothing. */
static bool may_feed(const struct fa_api_doors *doors, const struct fa_http_request *req)
{
    uint8_t hash[FA_TOKEN_HASH_BYTES];
    bool known = doors->token_count == 0;
    if (known || !read_token(req, hash)) {
        return known;
    }
    for (size_t i = 0; i < doors->token_count; i++) {
        known |= sodium_memcmp(doors->tokens[i], hash, sizeof hash) == 0;
    }
    return known;
}

/* False: no feed takes this path. Which methods there are is the decoder's to say. */
static bool to_feed(struct fa_api_listener *listener, struct fa_http_request *req,
                    struct fa_http_route *route)
{
    const struct fa_api_host *host = &listener->api->host;
    if ((listener->doors.routes & FA_API_ROUTES_INGEST) == 0) {
        return false;
    }
    void *feed = host->feed_find(host->ctx, listener->name, fa_http_path(req));
    if (feed == NULL) {
        return false;
    }
    if (may_feed(&listener->doors, req)) {
        host->feed_head(host->ctx, feed, req, route);
    } else {
        refuse_caller(req, route);
    }
    return true;
}

static void on_body(void *self, struct fa_http_request *req, struct fa_str piece)
{
    const struct fa_api_host *host = &((struct fa_api_listener *)self)->api->host;
    host->feed_body(host->ctx, req, piece);
}

/* Any other that is complete waits for its commit, and is answered then, to nobody. */
static void on_gone(void *self, struct fa_http_request *req)
{
    const struct fa_api_host *host = &((struct fa_api_listener *)self)->api->host;
    if (fa_http_data(req) != NULL) {
        host->feed_gone(host->ctx, req);
    } else if (!fa_http_is_complete(req)) {
        fa_http_release(req);
    }
}

/* ---- the handler ---- */

/* Who is refused here is a person with a browser. */
static bool wants_page(const struct fa_api_listener *listener, const struct route *route,
                       const char *path)
{
    return route != NULL ? route->group == FA_API_ROUTES_PAGES
                         : (listener->doors.routes & FA_API_ROUTES_PAGES) != 0 &&
                               strncmp(path, "/v1/", 4) != 0;
}

static void on_head(void *self, struct fa_http_request *req, struct fa_http_route *route)
{
    static char allow[64]; /* borrowed until on_head returns */
    struct fa_api_listener *listener = self;
    struct fa_str method = fa_http_method(req);
    struct found found = find_route(listener->doors.routes, method, fa_http_path(req));
    struct fa_caller caller;
    if (!known_method(method)) {
        route->status = 501;
    } else if (to_feed(listener, req, route)) {
        return;
    } else if (found.route == NULL && found.allow[0] != '\0') {
        memcpy(allow, found.allow, sizeof allow);
        route->status = 405;
        route->allow = allow;
    } else if (found.route == NULL) {
        route->status = 404;
        route->detail = "There is nothing at this path.";
    } else if (!found.route->anybody &&
               find_caller(
                   fa_engine_setup(listener->api->host.engine(listener->api->host.ctx))->people,
                   req, &caller) != 0) {
        refuse_caller(req, route);
    } else if (found.route->group == FA_API_ROUTES_PAGES) {
        route->body_bytes = PAGE_BODY_BYTES;
    }
    route->words = wants_page(listener, found.route, fa_http_path(req)) ? &fa_page_words : NULL;
}

static void look_up(struct fa_call *call)
{
    call->engine = call->api->host.engine(call->api->host.ctx);
    call->setup = fa_engine_setup(call->engine);
    call->people = call->setup->people;
    call->language = call->anybody
                         ? fa_language_accept(call->setup->languages, call->setup->language_count,
                                              fa_http_field(call->req, "accept-language"))
                         : NULL;
}

bool fa_call_renew(struct fa_call *call)
{
    look_up(call);
    if (call->anybody) {
        return true;
    }
    if (find_caller(call->people, call->req, &call->caller) != 0) {
        fa_answer_problem(call, 401, "The token is no longer known.");
        return false;
    }
    return true;
}

static void on_request(void *self, struct fa_http_request *req)
{
    struct fa_api_listener *listener = self;
    struct found found = find_route(listener->doors.routes, fa_http_method(req), fa_http_path(req));
    struct fa_call call = {.api = listener->api,
                           .req = req,
                           .caller = {FA_NOBODY, FA_UID_NONE, false},
                           .face = &fa_json_face};
    if (fa_http_data(req) != NULL) {
        call.api->host.feed_end(call.api->host.ctx, req);
        return;
    }
    if (found.route == NULL) { /* a reload took it away since its head was read */
        fa_http_reply_problem(req, 404, "There is nothing at this path.");
        return;
    }
    path_fits(found.route->path, fa_http_path(req), call.id, sizeof call.id);
    call.anybody = found.route->anybody;
    if (fa_call_renew(&call)) {
        found.route->run(&call);
    }
}

const struct fa_http_handler *fa_api_handler(void)
{
    static const struct fa_http_handler handler = {
        .on_head = on_head,
        .on_body = on_body,
        .on_request = on_request,
        .on_gone = on_gone,
    };
    return &handler;
}

struct fa_api *fa_api_new(const struct fa_api_host *host, const struct fa_api_keys *keys)
{
    /* Where memory is out jansson calls a sound body broken, and its sender would not try again. */
    json_set_alloc_funcs(fa_xmalloc, free);
    struct fa_api *api = fa_xcalloc(1, sizeof *api);
    api->host = *host;
    api->keys = *keys;
    fa_page_policy(api->policy, sizeof api->policy);
    return api;
}

void fa_api_free(struct fa_api *api)
{
    if (api == NULL) {
        return;
    }
    while (api->listeners != NULL) {
        struct fa_api_listener *next = api->listeners->next;
        free(api->listeners->name);
        free(api->listeners);
        api->listeners = next;
    }
    sodium_memzero(&api->keys, sizeof api->keys);
    free(api);
}

void fa_api_set_keys(struct fa_api *api, const struct fa_api_keys *keys)
{
    api->keys = *keys;
}

void fa_api_set_texts(struct fa_api *api, const char *company, const char *notice,
                      const char *pages_url)
{
    api->host.pages_url = pages_url;
    api->host.company = company;
    api->host.notice = notice;
}

struct fa_api_listener *fa_api_listener(struct fa_api *api, const char *name,
                                        const struct fa_api_doors *doors)
{
    struct fa_api_listener *listener = fa_xcalloc(1, sizeof *listener);
    listener->api = api;
    listener->name = fa_xstrdup(name);
    listener->doors = *doors;
    listener->next = api->listeners;
    api->listeners = listener;
    return listener;
}

void fa_api_listener_set(struct fa_api_listener *listener, const struct fa_api_doors *doors)
{
    listener->doors = *doors;
}
