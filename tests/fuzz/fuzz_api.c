/* SPDX-License-Identifier: MIT */
/* links: fa_api fa_test_world PkgConfig::JANSSON PkgConfig::LIBSODIUM */
/* Requests of any content to every route, one after the other, on a company with two alarms of
 * which one is about the boss. Each request is answered exactly once, with a status of HTTP and,
 * where it says so, with JSON; history is the rows of what is closed; whatever boss asks for, no
 * answer to him holds a word of what is about him; and after every step the engine's invariants
 * hold (world.h). */
#include "fuzz.h"

#include "api/api.h"
#include "rules/foreign.h"
#include "net/http.h"
#include "world.h"

#include <jansson.h>
#include <sodium.h>
#include <stdio.h>

#define SECRET_WORD "unspeakable"
#define BOSS        2 /* after "ops" and "ceo" */

/* The request: net/'s own is never linked. */
struct fa_http_request {
    struct fa_peer peer;
    struct fa_str method, query, body, token;
    char path[256];
    unsigned answers;
    bool for_subject;
};

static struct world w;
static struct fa_rules *rules;

struct fa_str fa_http_method(const struct fa_http_request *req)
{
    return req->method;
}

const char *fa_http_path(const struct fa_http_request *req)
{
    return req->path;
}

struct fa_str fa_http_query(const struct fa_http_request *req)
{
    return req->query;
}

struct fa_str fa_http_field(const struct fa_http_request *req, const char *name)
{
    static const char form[] = "application/x-www-form-urlencoded";
    return strcmp(name, "authorization") == 0  ? req->token
           : strcmp(name, "content-type") == 0 ? FA_STR(form)
                                               : (struct fa_str){NULL, 0};
}

struct fa_str fa_http_body(const struct fa_http_request *req)
{
    return req->body;
}

const struct fa_peer *fa_http_peer(const struct fa_http_request *req)
{
    return &req->peer;
}

int fa_http_reply_field(struct fa_http_request *req, const char *name, struct fa_str value)
{
    fa_assert(req->answers == 0 && !fa_str_has_control(value) && name[0] != '\0');
    return 0;
}

const char *fa_http_phrase(int status)
{
    return "phrase";
}

void fa_http_reply(struct fa_http_request *req, int status, const char *type, struct fa_str body)
{
    fa_assert(++req->answers == 1 && status >= 200 && status <= 599);
    fa_assert(!req->for_subject || memmem(body.ptr, body.len, SECRET_WORD, 11) == NULL);
    if (strstr(type, "json") != NULL) {
        json_error_t error;
        json_t *json = json_loadb(body.ptr, body.len, JSON_REJECT_DUPLICATES, &error);
        fa_assert(json_is_object(json));
        json_decref(json);
    }
}

void fa_http_reply_problem(struct fa_http_request *req, int status, const char *detail)
{
    fa_http_reply(req, status, "text/plain", fa_str_of(detail));
}

bool fa_http_is_complete(const struct fa_http_request *req)
{
    return true;
}

void *fa_http_data(const struct fa_http_request *req)
{
    return NULL;
}

bool fa_http_is_gone(const struct fa_http_request *req)
{
    return false;
}

void fa_http_release(struct fa_http_request *req)
{
    abort(); /* nothing here ends a request without an answer */
}

/* ---- the store: the world's rows; it answers when the loop comes round to it */

struct read {
    uint32_t kind;
    uint8_t key[16];
    size_t key_len; /* 0: a query for a page */
    uint32_t limit;
    fa_store_answer_fn *done;
    void *ctx;
};

#define READS 16 /* evidence is read at once */
static struct read reads[READS];
static size_t read_count;

static void keep_read(struct read one, struct fa_str key)
{
    fa_assert(read_count < READS && key.len <= sizeof one.key);
    if (key.len > 0) {
        memcpy(one.key, key.ptr, key.len);
    }
    reads[read_count++] = one;
}

void fa_store_get(struct fa_store *store, uint32_t kind, struct fa_str key,
                  fa_store_answer_fn *done, void *ctx)
{
    fa_assert(key.len > 0);
    keep_read((struct read){.kind = kind, .key_len = key.len, .done = done, .ctx = ctx}, key);
}

void fa_store_query(struct fa_store *store, uint32_t kind, fa_time before, struct fa_str before_key,
                    uint32_t limit, fa_store_answer_fn *done, void *ctx)
{
    keep_read((struct read){.kind = kind, .limit = limit, .done = done, .ctx = ctx}, before_key);
}

static void answer_reads(void)
{
    struct fa_row rows[64];
    for (unsigned turns = 0; read_count > 0; turns++) {
        struct read one = reads[--read_count];
        struct fa_store_answer answer = {.rows = rows};
        for (size_t i = 0; i < w.row_count && answer.row_count < 64; i++) {
            const struct world_row *row = &w.rows[i];
            bool named =
                row->key_len == one.key_len && memcmp(row->key, one.key, row->key_len) == 0;
            if (row->kind == one.kind && (one.key_len > 0 ? named : !row->live)) {
                rows[answer.row_count++] =
                    (struct fa_row){.kind = row->kind,
                                    .time = w.now.wall,
                                    .key = {(const char *)row->key, row->key_len},
                                    .value = {row->value, row->len}};
            }
        }
        answer.code = one.key_len > 0 && answer.row_count == 0 ? FA_ENOTFOUND : 0;
        one.done(one.ctx, &answer);
        fa_assert(turns < 100);
    }
}

/* ---- the application */

static struct fa_engine *host_engine(void *ctx)
{
    return w.engine;
}

static struct fa_store *host_store(void *ctx)
{
    return (struct fa_store *)(void *)&w;
}

static struct fa_now host_now(void *ctx)
{
    return w.now;
}

static struct fa_api_answer host_step(void *ctx, struct fa_event *event)
{
    world_step_event(&w, *event);
    return (struct fa_api_answer){w.reply.u.reply.code, w.reply.u.reply.already,
                                  w.reply.u.reply.count, w.reply.u.reply.silence};
}

static uint64_t host_journal(void *ctx)
{
    return w.journal_n + 1;
}

static void host_reply(void *ctx, struct fa_http_request *req, int status, const char *type,
                       struct fa_str body)
{
    fa_http_reply(req, status, type, body);
}

static const char *host_well(void *ctx)
{
    return NULL;
}

static const char *host_healthy(void *ctx, bool ready)
{
    return NULL;
}

static void host_metrics(void *ctx, struct fa_buf *out)
{
}

static bool host_may_know(void *ctx, struct fa_incident_id id)
{
    return true;
}

static const struct fa_foreign *host_foreign(void *ctx)
{
    static struct fa_foreign *foreign; /* without a rule over alerts */
    foreign = foreign != NULL ? foreign : fa_foreign_new(NULL, 0, 0, 0);
    return foreign;
}

static struct fa_rules *host_rules(void *ctx)
{
    return rules;
}

static size_t host_changes(void *ctx, const char *rule, struct fa_rule_change ret[FA_RULE_CHANGES])
{
    static char labels[] = "a=\"b\"";
    ret[0] = (struct fa_rule_change){w.now.wall, FA_LEVEL_CLEAR, 1, labels};
    return 1;
}

static void host_lost(void *ctx, uint64_t n)
{
}

static void host_untested(void *ctx, fa_api_untested_fn *fn, void *fn_ctx)
{
    fn(fn_ctx, "maria", "mail");
}

static void host_feeds(void *ctx, fa_api_place_fn *fn, void *fn_ctx)
{
    static char path[] = "/api/v1/write", *paths[] = {path};
    struct fa_api_feed feed = {"prom", paths, 1, "http://127.0.0.1:1", 1024};
    fn(fn_ctx, &feed);
}

static int host_copy(void *ctx, bool start, struct fa_store_copy *ret_copy, struct fa_err *err)
{
    return fa_err_set(err, FA_EUNSUPPORTED, "there is no store to copy");
}

static bool host_fetch(void *ctx, size_t i, struct fa_api_fetch *ret_fetch)
{
    return false;
}

static const struct fa_api_host host = {.engine = host_engine,
                                        .store = host_store,
                                        .now = host_now,
                                        .step = host_step,
                                        .next_journal = host_journal,
                                        .reply = host_reply,
                                        .refusing = host_well,
                                        .may_know = host_may_know,
                                        .lost = host_lost,
                                        .copy = host_copy,
                                        .rules = host_rules,
                                        .foreign = host_foreign,
                                        .changes = host_changes,
                                        .fetch = host_fetch,
                                        .feeds = host_feeds,
                                        .untested = host_untested,
                                        .unhealthy = host_healthy,
                                        .metrics = host_metrics,
                                        .company = "Example",
                                        .pages_url = "https://example.com",
                                        .notice = "",
                                        .version = "0"};

/* ---- the company */

static void begin(void)
{
    static const char *const about[] = {"boss"};
    struct fa_filing filing = {.category = "lying",
                               .text = SECRET_WORD " things",
                               .customer = SECRET_WORD,
                               .reporter = "person:rep2",
                               .about = about,
                               .about_count = 1,
                               .level = -1,
                               .journal_n = 1};
    world_begin_firm(&w);
    filing.id.id.bytes[0] = 9;
    world_step_event(&w, (struct fa_event){.kind = FA_EV_FILE, .u.file = &filing});
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
}

/* ---- requests */

static void write_id(uint8_t which, char id[FA_ID_TEXT_SIZE])
{
    const struct fa_alarm *alarm = w.engine->alarms.first;
    const struct fa_notification *note = w.engine->notifications.first;
    for (uint8_t n = which & 3; n > 0 && alarm != NULL; n--) {
        alarm = alarm->after;
    }
    for (uint8_t n = which & 3; n > 0 && note != NULL; n--) {
        note = note->after;
    }
    struct fa_id found = {{which}};
    found = which & 4 && alarm != NULL  ? alarm->id.id
            : which & 8 && note != NULL ? note->id.id
                                        : found;
    fa_id_format(found, id);
}

/* No letter of the caller's own words may be what is looked for in the answer. */
static bool holds_secret(struct fa_str text)
{
    for (size_t i = 0; i + 4 <= text.len; i++) {
        if (strncasecmp(text.ptr + i, "unsp", 4) == 0) {
            return true;
        }
    }
    return false;
}

/* A page: somebody's link to one of the alarms, with its code or without, or one of the forms. */
static void ask_page(struct fa_api *api, uint8_t which, uint8_t who, struct fa_http_request *req)
{
    static const char *const paths[] = {"/file", "/status", "/"};
    static char form[4096];
    const struct fa_alarm *alarm = w.engine->alarms.first;
    const char *person = w.dir->people[who % w.dir->people_count].name;
    struct fa_api_link link = {.url = "https://example.com/"};
    req->method = which & 64 ? FA_STR("GET") : FA_STR("POST");
    if ((which & 3) != 0) {
        snprintf(req->path, sizeof req->path, "%s", paths[(which & 3) - 1]);
        return;
    }
    alarm = which & 4 && alarm->after != NULL ? alarm->after : alarm;
    fa_assert(fa_api_make_link(api, alarm->id, person, 1, 0, w.now.wall, &link));
    snprintf(req->path, sizeof req->path, "%s", strstr(link.url, "/a/"));
    req->for_subject =
        strcmp(person, "boss") == 0 && memchr(req->body.ptr, '%', req->body.len) == NULL;
    if (which & 8) {
        snprintf(form, sizeof form, "code=%.3s%s&%.*s", link.code, link.code + 4,
                 req->body.len < 3000 ? (int)req->body.len : 3000, req->body.ptr);
        req->body = fa_str_of(form);
    }
}

static void ask(struct fa_api *api, struct fa_api_listener *listener, struct fuzz_input *in)
{
    const struct fa_http_handler *handler = fa_api_handler();
    static const char *const routes[][2] = {
        {"GET", "/v1/guide"},          {"POST", "/v1/incidents/preview"},
        {"POST", "/v1/incidents"},     {"POST", "/v1/status"},
        {"GET", "/v1/alarms"},         {"GET", "/v1/alarms/"},
        {"POST", "/v1/alarms/"},       {"POST", "/v1/alarms/"},
        {"POST", "/v1/alarms/"},       {"GET", "/v1/outbox"},
        {"POST", "/v1/outbox/"},       {"POST", "/v1/outbox/"},
        {"POST", "/v1/channels/test"}, {"GET", "/v1/alarms/"},
        {"GET", "/v1/rules/slow"}};
    static const char *const ends[] = {"",       "",      "",         "",         "",
                                       "",       "/ack",  "/resolve", "/comment", "",
                                       "/retry", "/drop", "",         "/explain", ""};
    uint8_t route = fuzz_byte(in) % 20, who = fuzz_byte(in), which = fuzz_byte(in);
    struct fa_http_request req = {.peer = {.kind = FA_PEER_UNIX, .uid = WORLD_UID + who % 9}};
    struct fa_http_route answer = {0};
    char id[FA_ID_TEXT_SIZE] = "";
    if (route == 15) { /* any method and path */
        struct fa_str path = fuzz_word(in);
        req.method = fuzz_word(in);
        snprintf(req.path, sizeof req.path, "/%.*s", path.len < 70 ? (int)path.len : 70, path.ptr);
    } else if (route < 15) {
        size_t len = strlen(routes[route][1]);
        if (routes[route][1][len - 1] == '/') {
            write_id(which, id);
            id[which & 128 ? 5 : FA_ID_TEXT_SIZE - 1] = '\0';
        }
        req.method = fa_str_of(routes[route][0]);
        snprintf(req.path, sizeof req.path, "%s%s%s", routes[route][1], id, ends[route]);
    }
    req.query = route == 4 ? fuzz_word(in) : (struct fa_str){"", 0};
    req.body = fuzz_word(in);
    if (who & 64) {
        req.token = fuzz_word(in);
    } else if (who & 32) {
        req.peer.kind = FA_PEER_INET;
    }
    if (holds_secret(req.body) || holds_secret(req.query)) {
        return;
    }
    req.for_subject = who % 9 == BOSS;
    if (route > 15) {
        req.for_subject = false;
        ask_page(api, which, who, &req);
    }
    handler->on_head(listener, &req, &answer);
    if (answer.status == 0) {
        handler->on_request(listener, &req);
        answer_reads();
        fa_assert(req.answers == 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct fa_api_keys keys = {{1}, {2}};
    struct fuzz_input in = {data, size};
    begin();
    struct fa_metrics *metrics = fa_metrics_new(NULL);
    static char metric[] = "x";
    for (size_t i = 0; i < w.setup.rule_count; i++) {
        w.rules[i]->metric.metric = metric;
    }
    rules = fa_rules_new(w.setup.rules, w.setup.rule_count, metrics);
    struct fa_api *api = fa_api_new(&host, &keys);
    struct fa_api_listener *listener =
        fa_api_listener(api, "api",
                        &(struct fa_api_doors){.routes = FA_API_ROUTES_API | FA_API_ROUTES_METRICS |
                                                         FA_API_ROUTES_PAGES});
    for (unsigned i = 0; i < 12 && in.size > 0; i++) {
        ask(api, listener, &in);
        if (i % 4 == 3) {
            world_advance(&w, 20 * FA_MINUTE);
        }
    }
    fa_api_free(api);
    fa_rules_free(rules);
    fa_metrics_free(metrics);
    for (size_t i = 0; i < w.setup.rule_count; i++) {
        w.rules[i]->metric.metric = NULL; /* the world would free it */
    }
    world_done(&w);
    return 0;
}
