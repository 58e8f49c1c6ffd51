/* SPDX-License-Identifier: MIT */
/* links: fa_daemon_rig PkgConfig::OPENSSL PkgConfig::SQLITE3 */
/* needs: fa_daemon_programs */
/* What people file over the sockets of the whole daemon, who may know of it, and what of it must be
 * found nowhere. */
#include "daemon_rig.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <ctype.h>
#include <sqlite3.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct rig_reply *ask_as(struct rig *rig, unsigned uid, const char *method,
                                      const char *path, const char *body)
{
    return rig_ask(rig,
                   &(struct rig_call){.method = method, .path = path, .body = body, .uid = uid});
}

static bool need_root(void)
{
    if (getuid() != 0) {
        print_message("SKIPPED: only root can call as somebody else\n");
    }
    return getuid() == 0;
}

static void a_filing_reaches_the_first_step_by_webhook(void **state)
{
    struct rig *rig = *state;
    char receipt[64];
    rig_start(rig);
    assert_int_equal(rig_file(rig, 1, "danger", receipt), 201);
    rig_until(rig, receiver_find(rig->receiver, "/first", "text-1") != NULL);
    const struct received *item = receiver_find(rig->receiver, "/first", NULL);
    assert_contains(item->body, "customer-1");
    assert_contains(item->body, "\"recipient\":\"Chris Olsen\"");
    assert_string_not_equal(item->key, "");
    json_t *status = rig_json(rig_post(rig, "/v1/status", "{\"receipt\":\"nonsense\"}"));
    assert_int_equal(json_integer_value(json_object_get(status, "status")), 422);
    json_decref(status);
    assert_int_equal(rig_status(rig, receipt), 200);
    rig_stop(rig);
}

/* As it is typed from a printed page, or said over the phone. */
static void a_receipt_may_be_typed_as_people_type(void **state)
{
    static const struct {
        const char *between; /* what a hyphen becomes */
        bool is_small;
        int status;
    } cases[] = {
        {"-", false, 200},
        {"-", true, 200},
        {" ", false, 200},
        {" ", true, 200},
        {"", true, 200},
        {"  ", false, 200},
        {" - ", false, 200},
        {"_", false, 422},
        {"/", false, 422},
        {"\u2010", false, 200},
        {"\u2011", true, 200},
        {"\u2013", false, 200},
        {"\u2014", false, 200},
        {"\u2212", false, 200},
        {"\u00ad", false, 200},
        {"\u00a0", false, 200},
        {"\u2009", false, 200},
        {"\u200b", true, 200},
        {"\u202f\uff0d\u202f", false, 200},
        {"\u00e9", false, 422},
    };
    struct rig *rig = *state;
    char receipt[64], typed[400];
    rig_start(rig);
    assert_int_equal(rig_file(rig, 1, "danger", receipt), 201);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t len = 0;
        for (const char *at = receipt; *at != '\0'; at++) {
            char symbol[2] = {cases[i].is_small ? (char)tolower(*at) : *at, '\0'};
            len += (size_t)snprintf(typed + len, sizeof typed - len, "%s",
                                    *at == '-' ? cases[i].between : symbol);
        }
        assert_int_equal(rig_status(rig, typed), cases[i].status);
    }
    rig_stop(rig);
}

static void a_filing_says_since_when_in_a_way_that_stays_true(void **state)
{
    static const struct {
        const char *since;
        int status;
    } cases[] = {
        {"\"2020-11-20\"", 201}, {"\"2020-11-20T08:15:00Z\"", 201}, {"null", 201},
        {"\"1969-12-31\"", 422}, {"\"2962-11-20\"", 422},           {"\"zzz\"", 422},
        {"\"yesterday\"", 422},  {"\"2026-13-40\"", 422},           {"\"2026-11-20T\"", 422},
    };
    struct rig *rig = *state;
    rig_start(rig);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char body[300];
        snprintf(body, sizeof body,
                 "{\"key\":\"%032zx\",\"category\":\"danger\",\"text\":\"x\",\"since\":%s}",
                 i + 100, cases[i].since);
        const struct rig_reply *reply = rig_post(rig, "/v1/incidents", body);
        assert_int_equal(reply->status, cases[i].status);
        if (cases[i].status == 422) {
            assert_contains(reply->body, "/since");
            assert_contains(reply->body, strstr(cases[i].since, "1969") != NULL   ? "before 1970"
                                         : strstr(cases[i].since, "2962") != NULL ? "in the future"
                                                                                  : "08:15:00Z");
        }
    }
    rig_stop(rig);
}

static void the_same_key_gives_the_same_receipt_before_and_after_a_restart(void **state)
{
    struct rig *rig = *state;
    char receipts[4][64];
    rig_start(rig);
    assert_int_equal(rig_file(rig, 1, "danger", receipts[0]), 201);
    assert_int_equal(rig_file(rig, 1, "danger", receipts[1]), 200);
    rig_until(rig, receiver_find(rig->receiver, "/first", "text-1") != NULL);
    rig_stop(rig);
    rig_again(rig);
    assert_int_equal(rig_file(rig, 1, "danger", receipts[2]), 200);
    assert_int_equal(rig_file(rig, 2, "danger", receipts[3]), 201);
    assert_string_equal(receipts[1], receipts[0]);
    assert_string_equal(receipts[2], receipts[0]);
    assert_string_not_equal(receipts[3], receipts[0]);
    rig_until(rig, receiver_find(rig->receiver, "/first", "text-2") != NULL);
    assert_int_equal(receiver_matches(rig->receiver, NULL, "text-1"), 1);
    rig_stop(rig);
}

static void every_fault_of_a_filing_is_told_at_once(void **state)
{
    static const struct {
        const char *body;
        int status;
        const char *says[5];
    } cases[] = {
        {"{\"key\":\"short\",\"category\":\"dangr\",\"custmer\":\"x\",\"about\":[\"criss\"],"
         "\"known\":\"dreamt\",\"level\":\"hope\"}",
         422,
         {"#/key", "Did you mean \\\"danger\\\"?", "Did you mean \\\"customer\\\"?",
          "Did you mean \\\"chris\\\"?", "#/text"}},
        {"{\"key\":\"00000000000000000000000000000001\",\"category\":\"danger\",\"text\":\"x\","
         "\"level\":\"solve\"}",
         422,
         {"#/level"}},
        {"{\"key\":\"00000000000000000000000000000001\",\"category\":7,\"text\":\"\"}",
         422,
         {"#/category", "#/text"}},
        {"{\"key\":\"00000000000000000000000000000001\",\"category\":\"danger\",\"text\":\"x\","
         "\"about\":[\"account.conduit\"]}",
         422,
         {"#/about", "no customer is given"}},
        {"{\"key\":\"00000000000000000000000000000001\",\"category\":\"danger\",\"text\":\"x\","
         "\"customer\":\"Initch\",\"about\":[\"account.conduit\",\"conduit:Hooli\"]}",
         422,
         {"No customer \\\"Initch\\\" is known here", "No customer \\\"Hooli\\\""}},
        {"{\"text\": }", 400, {"line 1"}},
        {"[]", 400, {"one JSON object"}},
        {"", 400, {"no JSON"}},
    };
    struct rig *rig = *state;
    rig_start(rig);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct rig_reply *reply = rig_post(rig, "/v1/incidents", cases[i].body);
        assert_int_equal(reply->status, cases[i].status);
        assert_contains(reply->head, "application/problem+json");
        for (size_t k = 0; k < 5 && cases[i].says[k] != NULL; k++) {
            assert_contains(reply->body, cases[i].says[k]);
        }
    }
    assert_int_equal(receiver_count(rig->receiver), 0);
    rig_stop(rig);
}

static void a_stranger_of_this_machine_may_file_and_nothing_else(void **state)
{
    struct rig *rig = *state;
    char body[200];
    if (!need_root()) {
        return;
    }
    rig_start(rig);
    json_t *guide = rig_json(ask_as(rig, 54321, "GET", "/v1/guide", NULL));
    assert_true(json_is_null(json_object_get(guide, "you")));
    json_decref(guide);
    guide = rig_json(ask_as(rig, 2005, "GET", "/v1/guide", NULL));
    assert_string_equal(json_string_value(json_object_get(json_object_get(guide, "you"), "name")),
                        "chris");
    json_decref(guide);
    snprintf(body, sizeof body,
             "{\"key\":\"%032x\",\"category\":\"danger\",\"text\":\"by a guest\"}", 5);
    assert_int_equal(ask_as(rig, 54321, "POST", "/v1/incidents", body)->status, 201);
    /* Another caller's key is another filing. */
    assert_int_equal(ask_as(rig, 54322, "POST", "/v1/incidents", body)->status, 201);
    assert_int_equal(ask_as(rig, 54321, "POST", "/v1/incidents", body)->status, 200);
    const struct rig_reply *reply = ask_as(rig, 54321, "GET", "/v1/alarms", NULL);
    assert_string_equal(reply->body, "{\"alarms\":[],\"more\":false}");
    assert_int_equal(ask_as(rig, 54321, "GET", "/v1/outbox", NULL)->status, 403);
    assert_int_equal(
        ask_as(rig, 54321, "POST", "/v1/channels/test", "{\"person\":\"chris\"}")->status, 403);
    rig_until(rig, receiver_find(rig->receiver, "/first", "by a guest") != NULL);
    rig_stop(rig);
}

static void whoever_is_accused_by_any_of_their_names_is_out(void **state)
{
    static const char *const names[] = {"dana", "DANA", "Dana Whitfield", "dee"};
    struct rig *rig = *state;
    rig_start(rig);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char preview[300];
        snprintf(preview, sizeof preview,
                 "{\"category\":\"danger\",\"text\":\"?\",\"key\":"
                 "\"000000000000000000000000000000ab\",\"about\":[\"%s\"]}",
                 names[i]);
        json_t *told = rig_json(rig_post(rig, "/v1/incidents/preview", preview));
        json_t *first = json_array_get(json_object_get(told, "told"), 0);
        assert_string_equal(json_string_value(json_object_get(first, "name")), "ruth");
        json_decref(told);
    }
    rig_stop(rig);
}

static void whom_a_filing_is_about_is_not_told_and_cannot_see_it(void **state)
{
    static const char body[] = "{\"key\":\"000000000000000000000000000000aa\",\"category\":"
                               "\"danger\",\"text\":\"about the boss\",\"about\":[\"chris\"]}";
    static const char preview[] = "{\"category\":\"danger\",\"text\":\"?\",\"key\":"
                                  "\"000000000000000000000000000000aa\",\"about\":[\"chris\"]}";
    struct rig *rig = *state;
    char path[200], id[64] = "", *nothing;
    if (!need_root()) {
        return;
    }
    rig_start(rig);
    json_t *told = rig_json(rig_post(rig, "/v1/incidents/preview", preview));
    assert_true(json_is_true(json_object_get(told, "independent")));
    json_t *first = json_array_get(json_object_get(told, "told"), 0);
    assert_string_equal(json_string_value(json_object_get(first, "name")), "ruth");
    json_decref(told);
    assert_int_equal(rig_post(rig, "/v1/incidents", body)->status, 201);
    rig_until(rig, receiver_find(rig->receiver, "/ruth", "about the boss") != NULL);
    json_t *list = rig_json(ask_as(rig, 2009, "GET", "/v1/alarms", NULL));
    json_t *alarm = json_array_get(json_object_get(list, "alarms"), 0);
    snprintf(id, sizeof id, "%s", json_string_value(json_object_get(alarm, "id")));
    json_decref(list);
    /* He sees the same as if there were none. */
    assert_string_equal(ask_as(rig, 2005, "GET", "/v1/alarms?state=all", NULL)->body,
                        "{\"alarms\":[],\"more\":false}");
    snprintf(path, sizeof path, "/v1/alarms/%s", id);
    nothing = strdup(ask_as(rig, 2005, "GET", "/v1/alarms/ABCD-EFGH-JKMN-PQRS", NULL)->body);
    const struct rig_reply *reply = ask_as(rig, 2005, "GET", path, NULL);
    assert_int_equal(reply->status, 404);
    assert_string_equal(reply->body, nothing);
    free(nothing);
    snprintf(path, sizeof path, "/v1/alarms/%s/ack", id);
    assert_int_equal(ask_as(rig, 2005, "POST", path, "{}")->status, 404);
    assert_true(rig_metric(rig, "firealarm_alarms{state=\"unacknowledged\"}") == 0);
    assert_true(rig_metric(rig, "firealarm_filings_open") == 0);
    assert_int_equal(ask_as(rig, 2009, "POST", path, "{\"for\":\"1h\"}")->status, 200);
    rig_stop(rig);
    assert_int_equal(receiver_matches(rig->receiver, "/first", NULL), 0);
    assert_int_equal(receiver_matches(rig->receiver, "/second", NULL), 0);
    assert_int_equal(receiver_matches(rig->receiver, "/dana", NULL), 0);
}

/* ---- what must be nowhere ---- */

static const char *const canaries[] = {"CANARY", "canary", "Lopez", "Olsen"};

static void assert_no_canary(const char *where, const char *bytes, size_t len)
{
    for (size_t i = 0; i < sizeof canaries / sizeof canaries[0]; i++) {
        const char *at = memmem(bytes, len, canaries[i], strlen(canaries[i]));
        if (at != NULL) {
            fail_msg("%s holds \"%s\": %.*s", where, canaries[i],
                     (int)(bytes + len - at < 120 ? bytes + len - at : 120), at);
        }
    }
}

static void look_at_process(pid_t pid, const char *name)
{
    char path[64], text[16384];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    size_t len = fread(text, 1, sizeof text, file);
    fclose(file);
    assert_no_canary(path, text, len);
}

static void look_at_journal(struct rig *rig)
{
    static const char *const names[] = {"maria", "chris", "danger", "queue"};
    sqlite3 *db = NULL;
    sqlite3_stmt *rows = NULL;
    size_t count = 0;
    const char *path = rig_path(rig, "store/firealarm.db");
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT body FROM journal", -1, &rows, NULL),
                     SQLITE_OK);
    while (sqlite3_step(rows) == SQLITE_ROW) {
        const char *body = sqlite3_column_blob(rows, 0);
        size_t len = (size_t)sqlite3_column_bytes(rows, 0);
        assert_no_canary("the journal", body, len);
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            assert_null(memmem(body, len, names[i], strlen(names[i])));
        }
        count++;
    }
    sqlite3_finalize(rows);
    sqlite3_close(db);
    assert_true(count > 5);
}

static void what_people_and_feeds_say_is_in_no_log_metric_argument_or_journal(void **state)
{
    static const char filed[] =
        "{\"key\":\"000000000000000000000000000000bb\",\"category\":\"danger\","
        "\"customer\":\"CANARY\",\"text\":\"CANARY\"}";
    static const char refused[] = "{\"key\":\"CANARY\",\"category\":\"CANARY\",\"CANARY\":1,"
                                  "\"text\":\"CANARY\",\"about\":[\"CANARY\"]}";
    struct rig *rig = *state;
    receiver_say(rig->receiver, "/first", 404, "CANARY of the receiver, CANARY");
    receiver_say(rig->receiver, "/second", 503, "CANARY of the receiver, CANARY");
    rig_start(rig);
    assert_int_equal(rig_post(rig, "/v1/incidents", filed)->status, 201);
    assert_int_equal(rig_post(rig, "/v1/incidents", refused)->status, 422);
    assert_int_equal(rig_post(rig, "/v1/incidents", "{\"CANARY\": CANARY")->status, 400);
    assert_int_equal(rig_get(rig, "/CANARY?CANARY=CANARY")->status, 404);
    rig_ask(rig, &(struct rig_call){.method = "GET",
                                    .path = "/v1/guide",
                                    .header = "Authorization: Bearer CANARY\r\n"});
    rig_statsd(rig, "queue_seconds:300|g|#queue:CANARY");
    rig_statsd(rig, "CANARY:notanumber|g\nCANARY\nqueue_seconds:CANARY|g|#CANARY");
    rig_until(rig, receiver_find(rig->receiver, "/second", "CANARY answers in") != NULL);
    rig_until(rig, receiver_find(rig->receiver, "/dana", "CANARY") != NULL ||
                       receiver_matches(rig->receiver, "/second", NULL) >= 4);
    const struct rig_reply *reply = rig_ask(
        rig,
        &(struct rig_call){.method = "GET", .path = "/metrics", .port = rig_port(rig, "metrics")});
    assert_int_equal(reply->status, 200);
    assert_contains(reply->body, "# EOF");
    assert_no_canary("/metrics", reply->body, strlen(reply->body));
    look_at_process(rig->pid, "cmdline");
    look_at_process(rig->pid, "environ");
    look_at_process(rig_courier(rig), "cmdline");
    look_at_process(rig_courier(rig), "environ");
    rig_stop(rig);
    char *log = rig_log(rig);
    assert_contains(log, "not delivered (404)");
    assert_no_canary("the log", log, strlen(log));
    free(log);
    look_at_journal(rig);
}

/* The log is the operators', and the outbox shows the accused one nothing. */
static void a_message_about_somebody_that_fails_is_not_in_the_log(void **state)
{
    static const char about[] = "{\"key\":\"000000000000000000000000000000ac\",\"category\":"
                                "\"danger\",\"text\":\"about the boss\",\"about\":[\"chris\"]}";
    struct rig *rig = *state;
    char receipt[64];
    receiver_say(rig->receiver, "/ruth", 410, "gone");
    receiver_say(rig->receiver, "/first", 404, "not found");
    rig_start(rig);
    assert_int_equal(rig_post(rig, "/v1/incidents", about)->status, 201);
    rig_until(rig, receiver_matches(rig->receiver, "/ruth", NULL) > 0);
    assert_int_equal(rig_file(rig, 1, "danger", receipt), 201);
    rig_until(rig, rig_logged(rig, "not delivered (404)"));
    rig_stop(rig);
    assert_int_equal(rig_log_count(rig, "(410)"), 0);
}

/* ---- TCP ---- */

static const char tls_listeners[] =
    "listeners = (\n"
    "  { name = \"api\"; address = \"unix:./run/api.sock\"; mode = \"0666\"; routes = [ \"api\" ]; },\n"
    "  { name = \"tls\"; address = \"127.0.0.1:0\"; routes = [ \"api\" ]; cert = \"./cert.pem\";\n"
    "    key = \"./secrets/key.pem\"; },\n"
    "  { name = \"metrics\"; address = \"127.0.0.1:0\"; routes = [ \"metrics\" ]; }\n"
    ");\n";

static void make_certificate(struct rig *rig)
{
    char command[1024];
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
             " -subj /CN=localhost -keyout %s/secrets/key.pem -out %s/cert.pem 2>/dev/null",
             rig->dir, rig->dir);
    assert_int_equal(system(command), 0);
}

/* The status of one request over TLS, 0 for none; the body in buf. */
static int ask_tls(struct rig *rig, const char *path, const char *token, char *buf, int size)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons((uint16_t)rig_port(rig, "tls"))};
    char request[512];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), len = 0, n, status = 0;
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    assert_int_equal(SSL_CTX_load_verify_locations(ctx, rig_path(rig, "cert.pem"), NULL), 1);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL *ssl = SSL_new(ctx);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    SSL_set_fd(ssl, fd);
    assert_int_equal(SSL_connect(ssl), 1);
    int request_len =
        snprintf(request, sizeof request,
                 "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s%s%s\r\n", path,
                 token != NULL ? "Authorization: Bearer " : "", token != NULL ? token : "",
                 token != NULL ? "\r\n" : "");
    assert_int_equal(SSL_write(ssl, request, request_len), request_len);
    while (len < size - 1 && (n = SSL_read(ssl, buf + len, size - 1 - len)) > 0) {
        len += n;
    }
    buf[len] = '\0';
    sscanf(buf, "HTTP/1.1 %d", &status);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    close(fd);
    return status;
}

static void over_tls_only_a_known_token_says_who_calls(void **state)
{
    struct rig *rig = *state;
    static char buf[65536];
    rig->words.listeners = tls_listeners;
    make_certificate(rig);
    rig_start(rig);
    assert_int_equal(ask_tls(rig, "/v1/guide", RIG_TOKEN, buf, sizeof buf), 200);
    assert_contains(buf, "\"you\":{\"name\":\"chris\"");
    assert_int_equal(ask_tls(rig, "/v1/guide", "chris.ffffffffffffffff", buf, sizeof buf), 401);
    assert_contains(buf, "WWW-Authenticate: Bearer");
    assert_int_equal(ask_tls(rig, "/v1/guide", NULL, buf, sizeof buf), 401);
    assert_int_equal(ask_tls(rig, "/v1/guide", "", buf, sizeof buf), 401);
    /* On the Unix socket a token wins over the uid, and a wrong one is no uid. */
    const struct rig_reply *reply =
        rig_ask(rig, &(struct rig_call){.method = "GET",
                                        .path = "/v1/guide",
                                        .header = "Authorization: Bearer " RIG_TOKEN "\r\n"});
    assert_contains(reply->body, "\"you\":{\"name\":\"chris\"");
    reply = rig_ask(rig, &(struct rig_call){.method = "GET",
                                            .path = "/v1/guide",
                                            .header = "Authorization: Bearer wrong\r\n"});
    assert_int_equal(reply->status, 401);
    /* Plain text to the TLS port gets no answer, and harms nobody. */
    reply = rig_ask(rig, &(struct rig_call){
                             .method = "GET", .path = "/v1/guide", .port = rig_port(rig, "tls")});
    assert_int_equal(reply->status, 0);
    assert_int_equal(ask_tls(rig, "/v1/guide", RIG_TOKEN, buf, sizeof buf), 200);
    rig_stop(rig);
}

static void a_listener_serves_its_own_routes_only(void **state)
{
    struct rig *rig = *state;
    rig_start(rig);
    unsigned port = rig_port(rig, "metrics");
    static const struct {
        const char *method, *path;
        bool on_metrics;
        int status;
    } cases[] = {
        {"GET", "/v1/guide", true, 404},    {"POST", "/v1/incidents", true, 404},
        {"GET", "/v1/alarms", true, 404},   {"GET", "/metrics", true, 200},
        {"GET", "/-/healthy", true, 200},   {"GET", "/-/ready", true, 200},
        {"GET", "/metrics", false, 404},    {"GET", "/-/healthy", false, 404},
        {"GET", "/v1/guide", false, 200},   {"DELETE", "/v1/guide", false, 405},
        {"BREW", "/v1/guide", false, 501},  {"GET", "/v1/incidents", false, 405},
        {"GET", "/v1/version", false, 200}, {"HEAD", "/v1/guide", false, 200},
        {"GET", "/v1/guide/", false, 404},  {"GET", "/v1/alarms/..", false, 404},
    };
    rig_until(rig,
              rig_ask(rig, &(struct rig_call){.method = "GET", .path = "/-/ready", .port = port})
                      ->status == 200);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rig_call call = {.method = cases[i].method,
                                .path = cases[i].path,
                                .port = cases[i].on_metrics ? port : 0};
        int status = rig_ask(rig, &call)->status;
        if (status != cases[i].status) {
            fail_msg("%s %s: %d, not %d", cases[i].method, cases[i].path, status, cases[i].status);
        }
    }
    rig_stop(rig);
}

static void a_client_that_leaves_before_the_answer_harms_nobody(void **state)
{
    static const char head[] = "POST /v1/incidents HTTP/1.1\r\nHost: x\r\nContent-Length: ";
    struct rig *rig = *state;
    char text[600], body[200], receipt[64];
    rig_start(rig);
    (void)rig_courier(rig);
    assert_int_equal(rig_file(rig, 999, "question", receipt), 201);
    size_t before = rig_fd_count(rig);
    for (unsigned i = 0; i < 100; i++) {
        int len =
            snprintf(body, sizeof body,
                     "{\"key\":\"%032x\",\"category\":\"danger\",\"text\":\"text-%u\"}", i, i);
        int fd = rig_connect(rig);
        int size = snprintf(text, sizeof text, "%s%d\r\n\r\n%s", head, len, body);
        assert_int_equal(send(fd, text, (size_t)size, MSG_NOSIGNAL), size);
        close(fd);
    }
    /* What was whole when its sender left may be filed or not; the next one is, when there is a
     * place for it among a caller's connections. */
    rig_until(rig, rig_file(rig, 1000, "danger", receipt) == 201);
    assert_int_equal(rig_status(rig, receipt), 200);
    rig_until(rig, rig_fd_count(rig) <= before);
    rig_stop(rig);
}

static void requests_in_a_row_on_one_connection_are_answered_in_order(void **state)
{
    struct rig *rig = *state;
    char text[16384] = "";
    size_t len = 0;
    rig_start(rig);
    for (unsigned i = 0; i < 20; i++) {
        char body[200];
        int n =
            snprintf(body, sizeof body,
                     "{\"key\":\"%032x\",\"category\":\"danger\",\"text\":\"text-%u\"}", i + 1, i);
        len += (size_t)snprintf(text + len, sizeof text - len,
                                "POST /v1/incidents HTTP/1.1\r\nHost: x\r\n%sContent-Length: %d\r\n"
                                "\r\n%s",
                                i == 19 ? "Connection: close\r\n" : "", n, body);
    }
    int fd = rig_connect(rig);
    assert_int_equal(send(fd, text, len, MSG_NOSIGNAL), len);
    static char answers[1 << 18];
    size_t got = 0;
    ssize_t n;
    while ((n = recv(fd, answers + got, sizeof answers - 1 - got, 0)) > 0) {
        got += (size_t)n;
    }
    close(fd);
    answers[got] = '\0';
    size_t created = 0;
    for (const char *at = answers; (at = strstr(at, "HTTP/1.1 201")) != NULL; at++) {
        created++;
    }
    assert_int_equal(created, 20);
    rig_stop(rig);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_filing_reaches_the_first_step_by_webhook),
        TEST(a_receipt_may_be_typed_as_people_type),
        TEST(a_filing_says_since_when_in_a_way_that_stays_true),
        TEST(the_same_key_gives_the_same_receipt_before_and_after_a_restart),
        TEST(every_fault_of_a_filing_is_told_at_once),
        TEST(a_stranger_of_this_machine_may_file_and_nothing_else),
        TEST(whoever_is_accused_by_any_of_their_names_is_out),
        TEST(whom_a_filing_is_about_is_not_told_and_cannot_see_it),
        TEST(what_people_and_feeds_say_is_in_no_log_metric_argument_or_journal),
        TEST(a_message_about_somebody_that_fails_is_not_in_the_log),
        TEST(over_tls_only_a_known_token_says_who_calls),
        TEST(a_listener_serves_its_own_routes_only),
        TEST(a_client_that_leaves_before_the_answer_harms_nobody),
        TEST(requests_in_a_row_on_one_connection_are_answered_in_order),
    };
    signal(SIGPIPE, SIG_IGN);
    cmocka_set_test_filter(getenv("FA_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
