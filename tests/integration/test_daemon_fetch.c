/* SPDX-License-Identifier: MIT */
/* links: fa_daemon_rig */
/* needs: fa_daemon_programs fa_plugin_prometheus */
/* Numbers that are pulled: into rules, and unknown when they cannot be had; and the fetcher when it
 * is killed, stopped, of another build, or not itself. */
#include "breaker.h"
#include "daemon_rig.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#define PULLED "queue_seconds:312|g|#queue:north\n"

/* Jobs, with their head and tail; @ stands for the receiver's address. */
static void set_jobs(struct rig *rig, const char *jobs)
{
    static char more[4096];
    char address[64];
    size_t len = 0;
    snprintf(address, sizeof address, "http://127.0.0.1:%u", receiver_http(rig->receiver));
    len += (size_t)snprintf(more, sizeof more, "fetch = ( ");
    for (; *jobs != '\0' && len < sizeof more - 100; jobs++) {
        if (*jobs == '@') {
            len += (size_t)snprintf(more + len, sizeof more - len, "%s", address);
        } else {
            more[len++] = *jobs;
        }
    }
    snprintf(more + len, sizeof more - len, " );\n");
    rig->words.more = more;
}

#define SHOP                                                                                       \
    "{ name = \"shop\"; url = \"@/shop\"; every = \"1s\"; decoder = \"statsd\"; "                  \
    "allow_private = true; }"

static const char up_rules[] =
    "rules = (\n"
    "  { name = \"queue-slow\"; category = \"danger\"; severity = \"critical\"; policy = \"leaders\";\n"
    "    metric = \"queue_seconds\"; take = \"last\"; per = [ \"queue\" ]; where = { job = \"shop\"; };\n"
    "    above = 120.0; summary = \"{queue} answers in {value|duration}\"; },\n"
    "  { name = \"shop-down\"; category = \"danger\"; severity = \"critical\"; policy = \"leaders\";\n"
    "    metric = \"up\"; take = \"last\"; per = [ \"job\", \"instance\" ]; below = 1.0;\n"
    "    summary = \"{job} at {instance} does not answer\"; },\n"
    "  { name = \"shop-slow\"; category = \"danger\"; severity = \"critical\"; policy = \"leaders\";\n"
    "    metric = \"scrape_duration_seconds\"; take = \"last\"; per = [ \"job\" ]; above = 600.0; }\n"
    ");\n";

static double up(struct rig *rig, const char *job)
{
    char name[100];
    snprintf(name, sizeof name, "firealarm_fetch_up{fetch=\"%s\"}", job);
    return rig_metric(rig, name);
}

static double of_job(struct rig *rig, const char *what)
{
    char name[100];
    snprintf(name, sizeof name, "firealarm_fetch_%s{fetch=\"shop\"}", what);
    return rig_metric(rig, name);
}

static void what_is_pulled_becomes_an_alarm(void **state)
{
    struct rig *rig = *state;
    receiver_say(rig->receiver, "/shop", 200, PULLED);
    rig->words.rules = up_rules;
    set_jobs(rig, SHOP);
    rig_start(rig);
    rig_until(rig, receiver_find(rig->receiver, "/first", "north answers in 5 min 12 s") != NULL);
    rig_until(rig, up(rig, "shop") == 1);
    assert_true(of_job(rig, "samples") == 1);
    assert_true(of_job(rig, "bytes") == (double)strlen(PULLED));
    assert_true(of_job(rig, "failures_total") == 0);
    assert_true(rig_metric(rig, "firealarm_fetcher_up") == 1);
    assert_int_equal(receiver_matches(rig->receiver, "/first", "does not answer"), 0);
}

/* With the label of another target, and one of its own that is called as ours is. */
#define SCRAPED                                                                                    \
    "# TYPE queue_seconds gauge\n"                                                                 \
    "queue_seconds{queue=\"north\",instance=\"theirs\"} 312\nqueue_seconds{queue=\"south\"} 5\n"

static const char scrape_rules[] =
    "rules = (\n"
    "  { name = \"queue-slow\"; category = \"danger\"; severity = \"critical\"; policy = \"leaders\";\n"
    "    metric = \"queue_seconds\"; take = \"last\"; above = 120.0;\n"
    "    per = [ \"queue\", \"region\", \"exported_instance\", \"job\" ]; summary = \"slow\"; },\n"
    "  { name = \"sales-low\"; category = \"danger\"; severity = \"critical\"; policy = \"leaders\";\n"
    "    metric = \"sales\"; take = \"last\"; per = [ \"shop\" ]; below = 10.0;\n"
    "    summary = \"{shop} sells {value}\"; }\n"
    ");\n";

static void a_scrape_is_read_as_prometheus_does(void **state)
{
    struct rig *rig = *state;
    receiver_say(rig->receiver, "/metrics", 200, SCRAPED);
    rig->words.rules = scrape_rules;
    set_jobs(rig, "{ name = \"shop\"; url = \"@/metrics\"; every = \"1s\"; allow_private = true; "
                  "labels = { region = \"eu\"; }; }");
    rig_start(rig);
    rig_until(rig, receiver_find(rig->receiver, "/first", "\"queue\":\"north\"") != NULL);
    const struct received *item = receiver_find(rig->receiver, "/first", "\"queue\":\"north\"");
    assert_contains(item->body, "\"region\":\"eu\"");
    assert_contains(item->body, "\"exported_instance\":\"theirs\"");
    assert_contains(item->body, "\"job\":\"shop\"");
    assert_true(of_job(rig, "samples") == 2);
}

static void a_query_becomes_a_metric(void **state)
{
    struct rig *rig = *state;
    static const char path[] = "/prom/api/v1/query?query=sum%20by%20%28shop%29%20%28sales_total%29";
    char answer[300];
    snprintf(answer, sizeof answer,
             "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":{"
             "\"shop\":\"north\"},\"value\":[%lld,\"7\"]}]}}",
             (long long)time(NULL));
    char *cut = strndup(path, 63); /* as the receiver keeps it */
    receiver_say(rig->receiver, cut, 200, answer);
    rig->words.rules = scrape_rules;
    set_jobs(rig,
             "{ name = \"shop\"; kind = \"query\"; url = \"@/prom/\"; every = \"1s\"; metric = "
             "\"sales\"; query = \"sum by (shop) (sales_total)\"; allow_private = true; }");
    rig_start(rig);
    rig_until(rig, receiver_find(rig->receiver, "/first", "north sells 7") != NULL);
    assert_true(up(rig, "shop") == 1);
    receiver_say(rig->receiver, cut, 200, "{\"status\":\"error\",\"errorType\":\"timeout\"}");
    rig_until(rig, up(rig, "shop") == 0);
    assert_true(rig_logged(rig, "fetch shop: the server refuses the query: timeout"));
    free(cut);
}

static void without_jobs_there_is_no_fetcher(void **state)
{
    struct rig *rig = *state;
    rig_start(rig);
    (void)rig_courier(rig);
    assert_int_equal(rig_fetcher_now(rig), 0);
    assert_true(rig_metric(rig, "firealarm_fetcher_up") == -1);
}

static bool is_unknown(struct rig *rig, const char *rule)
{
    char path[128];
    snprintf(path, sizeof path, "/v1/alarms/%s", rig_alarm(rig, rule));
    json_t *alarm =
        rig_json(rig_ask(rig, &(struct rig_call){.method = "GET", .path = path, .uid = 2005}));
    json_t *flags = json_object_get(alarm, "flags"), *flag;
    size_t i;
    bool is = false;
    json_array_foreach(flags, i, flag)
    {
        is = is || strcmp(json_string_value(flag), "unknown") == 0;
    }
    json_decref(alarm);
    return is;
}

/* A target that is away is an alarm by `up`, and what it said before is neither well nor gone. */
static void a_target_that_fails_is_told_and_its_series_are_unknown(void **state)
{
    struct rig *rig = *state;
    if (getuid() != 0) {
        skip();
    }
    receiver_say(rig->receiver, "/shop", 200, PULLED);
    rig->words.rules = up_rules;
    set_jobs(rig, SHOP);
    rig_start(rig);
    rig_until(rig, receiver_find(rig->receiver, "/first", "north answers in") != NULL);
    assert_false(is_unknown(rig, "queue-slow"));
    receiver_answer(rig->receiver, "/shop", 500);
    rig_until(rig, receiver_find(rig->receiver, "/first", "shop at 127.0.0.1:") != NULL);
    rig_until(rig, is_unknown(rig, "queue-slow"));
    assert_true(up(rig, "shop") == 0);
    assert_true(rig_logged(rig, "fetch shop: HTTP 500"));
    receiver_say(rig->receiver, "/shop", 200, PULLED);
    rig_until(rig, up(rig, "shop") == 1);
    rig_until(rig, !is_unknown(rig, "queue-slow"));
    assert_true(rig_logged(rig, "fetch shop: answers again"));
    /* One that a good answer does not name any more has ended, too. */
    receiver_say(rig->receiver, "/shop", 200, "queue_seconds:312|g|#queue:south\n");
    rig_until(rig, is_unknown(rig, "queue-slow"));
    assert_true(up(rig, "shop") == 1);
}

static bool says(struct rig *rig, const char *word)
{
    const struct rig_call ask = {.method = "GET", .path = "/v1/rules/queue-slow", .uid = 2005};
    return strstr(rig_ask(rig, &ask)->body, word) != NULL;
}

/* What it said before the restart is no more well than what it said before it failed. */
static void a_target_that_fails_after_a_restart_is_unknown(void **state)
{
    struct rig *rig = *state;
    if (getuid() != 0) {
        skip();
    }
    receiver_say(rig->receiver, "/shop", 200, "queue_seconds:31|g|#queue:north\n");
    rig->words.rules = up_rules;
    set_jobs(rig, SHOP);
    rig_start(rig);
    rig_until(rig, says(rig, "\"level\":\"clear\""));
    assert_int_equal(rig_stop(rig), 0);
    receiver_answer(rig->receiver, "/shop", 500);
    rig_again(rig);
    assert_true(rig_logged(rig, "series are there again"));
    rig_until(rig, up(rig, "shop") == 0);
    rig_until(rig, says(rig, "\"level\":\"unknown\""));
    receiver_say(rig->receiver, "/shop", 200, "queue_seconds:31|g|#queue:north\n");
    rig_until(rig, says(rig, "\"level\":\"clear\""));
    rig_stop(rig);
}

static void an_answer_that_is_no_metrics_is_no_answer(void **state)
{
    struct rig *rig = *state;
    receiver_say(rig->receiver, "/shop", 200, "<html>please log in</html>\n");
    set_jobs(rig, SHOP);
    rig_start(rig);
    rig_until(rig, up(rig, "shop") == 0);
    assert_true(rig_logged(rig, "fetch shop: its answer is not what the decoder statsd reads"));
    assert_false(rig_logged(rig, "please log in"));
}

static void a_private_address_is_not_fetched_unless_that_is_said(void **state)
{
    struct rig *rig = *state;
    /* A name, so that the configuration cannot know. */
    char jobs[200];
    snprintf(jobs, sizeof jobs,
             "{ name = \"shop\"; url = \"http://ip6-localhost:%u/shop\"; every = \"1s\"; decoder = "
             "\"statsd\"; }",
             receiver_http(rig->receiver));
    set_jobs(rig, jobs);
    rig_start(rig);
    rig_until(rig, up(rig, "shop") == 0);
    assert_int_equal(receiver_matches(rig->receiver, "/shop", NULL), 0);
}

/* The commonest rule there is, as everybody writes it. */
static void rules_in_promql_see_what_is_pulled(void **state)
{
    struct rig *rig = *state;
    if (getuid() != 0) {
        skip();
    }
    receiver_say(rig->receiver, "/shop", 200, PULLED);
    rig->words.rules =
        "rules = (\n"
        "  { name = \"queue-slow\"; category = \"danger\"; severity = \"critical\"; policy = "
        "\"leaders\"; expr = \"queue_seconds > 120\"; summary = \"{queue} is slow\"; },\n"
        "  { name = \"down\"; category = \"danger\"; severity = \"critical\"; policy = \"leaders\"; "
        "expr = \"up == 0\"; summary = \"{job} is down\"; } );\n";
    set_jobs(rig, SHOP);
    rig_start(rig);
    rig_until(rig, receiver_find(rig->receiver, "/first", "north is slow") != NULL);
    receiver_answer(rig->receiver, "/shop", 500);
    rig_until(rig, receiver_find(rig->receiver, "/first", "shop is down") != NULL);
    rig_until(rig, is_unknown(rig, "queue-slow"));
    receiver_say(rig->receiver, "/shop", 200, "queue_seconds:1|g|#queue:north\n");
    rig_until(rig, receiver_matches(rig->receiver, "/first", "\"kind\":\"returned\"") == 2);
}

/* As an operator sees it; nobody else does. */
static void operators_see_each_job(void **state)
{
    struct rig *rig = *state;
    if (getuid() != 0) {
        skip();
    }
    receiver_say(rig->receiver, "/shop", 200, PULLED);
    receiver_answer(rig->receiver, "/page", 404);
    set_jobs(rig, SHOP ", { name = \"page\"; kind = \"check\"; url = \"@/page\"; every = \"1s\"; "
                       "allow_private = true; }");
    rig_start(rig);
    rig_until(rig, up(rig, "shop") == 1 && up(rig, "page") == 0);
    json_t *body = rig_json(
        rig_ask(rig, &(struct rig_call){.method = "GET", .path = "/v1/fetch", .uid = 2007}));
    json_t *jobs = json_object_get(body, "jobs"), *page = json_array_get(jobs, 1);
    assert_int_equal(json_array_size(jobs), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(jobs, 0), "state")), "up");
    assert_true(json_is_null(json_object_get(json_array_get(jobs, 0), "error")));
    assert_string_equal(json_string_value(json_object_get(page, "state")), "down");
    assert_string_equal(json_string_value(json_object_get(page, "kind")), "check");
    assert_string_equal(json_string_value(json_object_get(page, "error")), "HTTP 404");
    json_decref(body);
    const struct rig_reply *reply =
        rig_ask(rig, &(struct rig_call){.method = "GET", .path = "/v1/fetch", .uid = 2005});
    assert_int_equal(reply->status, 403);
}

#define WATCHER                                                                                    \
    "{ name = \"watcher\"; kind = \"heartbeat\"; secret_url = \"./watcher-url\"; every = \"1s\"; " \
    "allow_private = true; allow_plain = true; }"

/* Where the heartbeat goes. */
static void write_address(struct rig *rig, const char *path)
{
    char url[200];
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s\n", receiver_http(rig->receiver), path);
    rig_write(rig, "watcher-url", url, 0600);
}

static size_t beats(struct rig *rig)
{
    return receiver_matches(rig->receiver, "/alive", NULL);
}

static void checks_and_heartbeats_are_called(void **state)
{
    struct rig *rig = *state;
    char jobs[1024];
    rig->words.rules =
        "rules = ( { name = \"page-down\"; category = \"danger\"; severity = \"critical\"; policy = "
        "\"leaders\"; metric = \"probe_success\"; take = \"last\"; per = [ \"job\" ]; below = 1.0; "
        "summary = \"{job} is away\"; } );\n";
    snprintf(
        jobs, sizeof jobs,
        "{ name = \"page\"; kind = \"check\"; url = \"@/page\"; every = \"1s\"; allow_private = true; "
        "}, { name = \"port\"; kind = \"check\"; url = \"tcp://127.0.0.1:%u\"; every = \"1s\"; "
        "allow_private = true; }, { name = \"closed\"; kind = \"check\"; url = \"tcp://127.0.0.1:1\"; "
        "every = \"1s\"; allow_private = true; }, " WATCHER,
        receiver_smtp(rig->receiver));
    receiver_answer(rig->receiver, "/page", 404);
    write_address(rig, "/alive");
    set_jobs(rig, jobs);
    rig_start(rig);
    rig_until(rig, up(rig, "page") == 0 && up(rig, "port") == 1 && up(rig, "closed") == 0);
    rig_until(rig, receiver_find(rig->receiver, "/first", "page is away") != NULL &&
                       receiver_find(rig->receiver, "/first", "closed is away") != NULL);
    assert_int_equal(receiver_matches(rig->receiver, "/first", "port is away"), 0);
    rig_until(rig, beats(rig) > 0 && up(rig, "watcher") == 1);
    assert_false(rig_logged(rig, "nobody outside watches"));
}

/* Whoever waits outside for the heartbeat must hear of it when nothing is delivered any more. */
static void a_heartbeat_stops_when_the_courier_is_away(void **state)
{
    struct rig *rig = *state;
    write_address(rig, "/alive");
    set_jobs(rig, WATCHER ", " SHOP);
    rig->courier = "/nonexistent/firealarm-courier";
    rig_start(rig);
    rig_until(rig, receiver_matches(rig->receiver, "/shop", NULL) >= 3);
    assert_int_equal(beats(rig), 0);
}

/* Each courier that was silent is waited for twice as long: 1.2 s, 2.4 s, 4.8 s. */
static void a_heartbeat_waits_for_a_courier_that_hangs(void **state)
{
    struct rig *rig = *state;
    write_address(rig, "/alive");
    set_jobs(rig, WATCHER);
    rig_start(rig);
    for (size_t hung = 1; hung <= 3; hung++) {
        size_t before = beats(rig);
        rig_until(rig, beats(rig) > before); /* it came back */
        pid_t courier = rig_courier(rig);
        assert_int_equal(kill(courier, SIGSTOP), 0);
        before = beats(rig);
        rig_until(rig, rig_log_count(rig, "the courier did not answer for") == hung);
        /* One may have left before it was stopped. */
        assert_true(beats(rig) <= before + 1);
    }
}

static void a_heartbeat_waits_for_a_disk_that_hangs(void **state)
{
    struct rig *rig = *state;
    write_address(rig, "/alive");
    set_jobs(rig, WATCHER ", " SHOP);
    rig_start(rig);
    rig_until(rig, beats(rig) > 0);
    pid_t writer = breaker_writer(rig->pid);
    pid_t breaker = breaker_start(rig, writer, "fdatasync,fsync", "delay_enter=5000000");
    if (breaker <= 0) {
        print_message("SKIPPED: strace cannot trace here\n");
        return;
    }
    size_t before = beats(rig), shop = receiver_matches(rig->receiver, "/shop", NULL);
    rig_until(rig, receiver_matches(rig->receiver, "/shop", NULL) >= shop + 4);
    assert_true(beats(rig) <= before + 1);
    (void)breaker_stop(rig, breaker);
    rig_until(rig, beats(rig) >= before + 3);
}

/* An address that does not answer is told once, and over when it does. */
static void operators_hear_of_a_heartbeat_that_is_in_vain(void **state)
{
    struct rig *rig = *state;
    write_address(rig, "/alive");
    receiver_answer(rig->receiver, "/alive", 500);
    set_jobs(rig, WATCHER);
    rig_start(rig);
    rig_until(rig, receiver_find(rig->receiver, "/ines", "was sent 3 times in vain") != NULL);
    assert_true(beats(rig) >= 3);
    assert_true(up(rig, "watcher") == 0);
    rig_until(rig, beats(rig) >= 6);
    assert_int_equal(receiver_matches(rig->receiver, "/ines", "\"kind\":\"alarm\""), 1);
    assert_int_equal(rig_log_count(rig, "fetch watcher: HTTP 500"), 1);
    receiver_answer(rig->receiver, "/alive", 200);
    rig_until(rig, receiver_find(rig->receiver, "/ines", "\"kind\":\"returned\"") != NULL);
    assert_true(up(rig, "watcher") == 1);
}

/* Whoever knows it can say that all is well. */
static void the_address_of_a_heartbeat_is_told_to_nobody(void **state)
{
    static const struct {
        const char *text, *expect;
    } rows[] = {
        {"ftp://hunter2/\n", "is no address"},
        {"https://me:hunter2@x/\n", "is no address"},
        {"hunter2\n", "is no address"},
        {"https://x/hunter2 \n", "is no address"},
        {"https://hunter2.invalid/\n", "resolve host"},
        {"http://127.0.0.1:1/hunter2\n", "connect to server"},
    };
    struct rig *rig = *state;
    receiver_answer(rig->receiver, "/hunter2", 302);
    write_address(rig, "/hunter2");
    set_jobs(rig, WATCHER);
    rig_start(rig);
    rig_until(rig, rig_logged(rig, "HTTP 302, a redirect"));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        /* An error is logged when it begins, so each is preceded by one that is taken. */
        write_address(rig, "/alive");
        rig_until(rig, up(rig, "watcher") == 1);
        rig_write(rig, "watcher-url", rows[i].text, 0600);
        rig_until(rig, up(rig, "watcher") == 0);
        if (!rig_logged(rig, rows[i].expect)) {
            rig_fail(rig, rows[i].expect, __FILE__, __LINE__);
        }
    }
    assert_null(strstr(rig_get(rig, "/metrics")->body, "hunter2"));
    assert_null(strstr(rig_get(rig, "/v1/fetch")->body, "hunter2"));
    assert_false(rig_logged(rig, "hunter2"));
    assert_int_equal(receiver_matches(rig->receiver, NULL, "hunter2"), 0);
}

static void a_daemon_that_nobody_watches_says_so(void **state)
{
    struct rig *rig = *state;
    set_jobs(rig, SHOP);
    rig_start(rig);
    assert_true(rig_logged(rig, "nobody outside watches this daemon"));
}

static void a_reload_changes_jobs_and_keeps_the_fetcher(void **state)
{
    struct rig *rig = *state;
    receiver_say(rig->receiver, "/shop", 200, PULLED);
    set_jobs(rig, SHOP);
    rig_start(rig);
    rig_until(rig, up(rig, "shop") == 1);
    pid_t fetcher = rig_fetcher(rig);
    double runs = of_job(rig, "runs_total");
    set_jobs(rig, SHOP ", { name = \"page\"; kind = \"check\"; url = \"@/page\"; every = \"1s\"; "
                       "allow_private = true; }");
    rig_write_config(rig);
    rig_signal(rig, SIGHUP);
    rig_until(rig, up(rig, "page") == 1);
    assert_int_equal(rig_fetcher_now(rig), fetcher);
    assert_true(of_job(rig, "runs_total") >= runs);
    set_jobs(rig, "{ name = \"shop\"; url = \"@/shop\"; every = \"1s\"; decoder = \"nonsense\"; }");
    rig_write_config(rig);
    rig_signal(rig, SIGHUP);
    rig_until(rig, rig_logged(rig, "the running one stays"));
    assert_true(up(rig, "page") == 1);
    rig->words.more = NULL;
    rig_write_config(rig);
    rig_signal(rig, SIGHUP);
    rig_until(rig, rig_fetcher_now(rig) == 0);
    assert_true(up(rig, "shop") == -1);
}

static void a_killed_fetcher_is_replaced(void **state)
{
    struct rig *rig = *state;
    receiver_say(rig->receiver, "/shop", 200, PULLED);
    set_jobs(rig, SHOP);
    rig_start(rig);
    rig_until(rig, up(rig, "shop") == 1);
    for (int i = 0; i < 3; i++) {
        pid_t fetcher = rig_fetcher(rig);
        assert_int_equal(kill(fetcher, SIGKILL), 0);
        rig_until(rig, rig_fetcher_now(rig) != 0 && rig_fetcher_now(rig) != fetcher);
        size_t before = receiver_matches(rig->receiver, "/shop", NULL);
        rig_until(rig, receiver_matches(rig->receiver, "/shop", NULL) > before);
        rig_until(rig, up(rig, "shop") == 1);
    }
}

static void a_stopped_fetcher_is_killed_and_replaced(void **state)
{
    struct rig *rig = *state;
    receiver_say(rig->receiver, "/shop", 200, PULLED);
    set_jobs(rig, SHOP);
    rig_start(rig);
    rig_until(rig, up(rig, "shop") == 1);
    pid_t fetcher = rig_fetcher(rig);
    assert_int_equal(kill(fetcher, SIGSTOP), 0);
    rig_until(rig, rig_logged(rig, "the fetcher did not answer for"));
    rig_until(rig, rig_fetcher_now(rig) != 0 && rig_fetcher_now(rig) != fetcher);
    rig_until(rig, up(rig, "shop") == 1);
}

static void a_job_whose_process_is_killed_or_stopped_fails_alone(void **state)
{
    struct rig *rig = *state;
    pid_t job = 0;
    receiver_answer(rig->receiver, "/slow", RECEIVER_HANG);
    receiver_say(rig->receiver, "/shop", 200, PULLED);
    set_jobs(rig, SHOP
             ", { name = \"slow\"; url = \"@/slow\"; every = \"3s\"; timeout = \"2s\"; decoder "
             "= \"statsd\"; allow_private = true; }");
    rig_start(rig);
    rig_until(rig, receiver_matches(rig->receiver, "/slow", NULL) > 0);
    rig_until(rig, (job = rig_fetch_job_now(rig)) > 0);
    (void)kill(job, SIGSTOP); /* past its time-out it is ended by the fetcher */
    rig_until(rig, up(rig, "slow") == 0);
    assert_true(rig_logged(rig, "fetch slow: it took longer than its timeout"));
    rig_until(rig, up(rig, "shop") == 1);
    assert_int_equal(rig_log_count(rig, "it is started again"), 0);
}

static void operators_hear_of_a_fetcher_that_does_not_run(void **state)
{
    struct rig *rig = *state;
    if (!rig_has_hooks()) {
        skip();
    }
    rig->fetcher = "/nonexistent/firealarm-fetcher";
    set_jobs(rig, SHOP);
    rig_start(rig);
    rig_later(rig);
    rig_until(rig, receiver_find(rig->receiver, "/ines", "firealarm-fetcher does not run") != NULL);
    assert_true(up(rig, "shop") == -1);
    assert_true(rig_metric(rig, "firealarm_fetcher_up") == 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        T(what_is_pulled_becomes_an_alarm),
        T(a_scrape_is_read_as_prometheus_does),
        T(a_query_becomes_a_metric),
        T(without_jobs_there_is_no_fetcher),
        T(a_target_that_fails_is_told_and_its_series_are_unknown),
        T(a_target_that_fails_after_a_restart_is_unknown),
        T(an_answer_that_is_no_metrics_is_no_answer),
        T(a_private_address_is_not_fetched_unless_that_is_said),
        T(rules_in_promql_see_what_is_pulled),
        T(operators_see_each_job),
        T(checks_and_heartbeats_are_called),
        T(a_heartbeat_stops_when_the_courier_is_away),
        T(a_heartbeat_waits_for_a_courier_that_hangs),
        T(a_heartbeat_waits_for_a_disk_that_hangs),
        T(operators_hear_of_a_heartbeat_that_is_in_vain),
        T(the_address_of_a_heartbeat_is_told_to_nobody),
        T(a_daemon_that_nobody_watches_says_so),
        T(a_reload_changes_jobs_and_keeps_the_fetcher),
        T(a_killed_fetcher_is_replaced),
        T(a_stopped_fetcher_is_killed_and_replaced),
        T(a_job_whose_process_is_killed_or_stopped_fails_alone),
        T(operators_hear_of_a_fetcher_that_does_not_run),
    };
    cmocka_set_test_filter(getenv("FA_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
