/* SPDX-License-Identifier: MIT */
/* links: fa_daemon_rig */
/* needs: fa_daemon_programs firealarm */
/* Silences from the command line to the message and back: the preview, who may, what is hidden and
 * who says so, over a restart, and that a filing is never held back or told of. */
#include "daemon_rig.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHRIS "Authorization: Bearer " RIG_TOKEN "\r\n"
#define INES  2007
#define NORTH                                                                                      \
    "{\"where\": [\"rule=queue-slow\", \"queue=north\"], \"for\": \"2h\", \"reason\": \"x\"}"

static const struct rig_reply *as_chris(struct rig *rig, const char *method, const char *path,
                                        const char *body)
{
    return rig_ask(
        rig, &(struct rig_call){.method = method, .path = path, .body = body, .header = CHRIS});
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "";
}

static json_int_t int_of(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

/* The first open alarm that chris sees; the test frees it. */
static json_t *first_alarm(struct rig *rig)
{
    json_t *root = rig_json(as_chris(rig, "GET", "/v1/alarms", NULL));
    json_t *alarm = json_incref(json_array_get(json_object_get(root, "alarms"), 0));
    json_decref(root);
    return alarm;
}

static bool is_hidden(struct rig *rig, bool wanted)
{
    json_t *alarm = first_alarm(rig);
    bool hidden = json_is_object(json_object_get(alarm, "hidden"));
    bool there = alarm != NULL;
    json_decref(alarm);
    return there && hidden == wanted;
}

static void a_silence_is_shown_set_survives_a_restart_and_is_ended(void **state)
{
    struct rig *rig = *state;
    static char text[1 << 16];
    char words[128];
    rig_start(rig);
    rig_client_settings(rig, true);
    rig_statsd_local(rig, "queue_seconds:60|g|#queue:north");

    assert_int_equal(rig_client(rig, "silence add --rule queue-slow --for 2h --reason 'new switch'",
                                text, sizeof text),
                     2); /* nobody to ask */
    assert_contains(text, "It hides 0 open alarms now.");
    assert_contains(text, "add --yes");
    assert_int_equal(rig_client(rig,
                                "silence add --rule queue-slow --label queue=north --for 2h "
                                "--reason 'new switch' --yes",
                                text, sizeof text),
                     0);
    assert_contains(text, "Silenced until");
    rig_until(rig, receiver_matches(rig->receiver, "/first", "new switch") == 1);

    rig_statsd_local(rig, "queue_seconds:312|g|#queue:north");
    rig_until(rig, is_hidden(rig, true));
    rig_until(rig, receiver_matches(rig->receiver, "/dana", "new switch") == 1);
    assert_int_equal(rig_client(rig, "silence list", text, sizeof text), 0);
    assert_contains(text, "queue=\"north\"");
    assert_contains(text, "new switch");
    json_t *alarm = first_alarm(rig);
    snprintf(words, sizeof words, "show %s", text_of(alarm, "id"));
    assert_int_equal(rig_client(rig, words, text, sizeof text), 0);
    assert_contains(text, "silenced by Chris");
    assert_contains(text, "new switch");
    snprintf(words, sizeof words, "explain %s", text_of(alarm, "id"));
    json_decref(alarm);
    assert_int_equal(rig_client(rig, words, text, sizeof text), 0);
    assert_contains(text, "hidden silenced by Chris");
    assert_contains(text, "SILENCED");
    assert_true(rig_metric(rig, "firealarm_silences") == 1);
    assert_true(rig_metric(rig, "firealarm_alarms_hidden{by=\"silence\"}") == 1);
    assert_int_equal(receiver_matches(rig->receiver, "/first", "answers in"), 0);

    assert_int_equal(rig_stop(rig), 0);
    rig_again(rig);
    assert_true(is_hidden(rig, true));

    json_t *list = rig_json(as_chris(rig, "GET", "/v1/silences", NULL));
    const json_t *silence = json_array_get(json_object_get(list, "silences"), 0);
    assert_int_equal(int_of(silence, "hides"), 1);
    snprintf(words, sizeof words, "silence end %.9s", text_of(silence, "id"));
    json_decref(list);
    assert_int_equal(rig_client(rig, words, text, sizeof text), 0);
    rig_until(rig, receiver_matches(rig->receiver, "/first", "answers in") == 1);
    rig_until(rig, receiver_matches(rig->receiver, "/dana", "No longer silenced") == 1);
    assert_true(is_hidden(rig, false));
    assert_int_equal(rig_client(rig, words, text, sizeof text), 1); /* it is over */
}

static void who_is_not_told_may_not_silence_and_faults_are_named(void **state)
{
    struct rig *rig = *state;
    static const struct {
        const char *body;
        int status;
        const char *says;
    } rows[] = {
        {"{\"where\": [\"queue\"], \"for\": \"2h\", \"reason\": \"x\"}", 422, "\"#/where/0\""},
        {"{\"where\": [\"queue!=north\"], \"for\": \"2h\", \"reason\": \"x\"}", 422, "by name"},
        {"{\"where\": [\"queue=~(\"], \"for\": \"2h\", \"reason\": \"x\"}", 422, "/where/0"},
        {"{\"where\": [\"rule=queue-slo\"], \"for\": \"2h\", \"reason\": \"x\"}", 422,
         "did you mean 'queue-slow'"},
        {"{\"where\": [\"queue=north\"], \"for\": \"31d\", \"reason\": \"x\"}", 422, "30 days"},
        {"{\"where\": [\"queue=north\"], \"for\": \"2h\"}", 422, "\"#/reason\""},
        {"{\"where\": [\"queue=north\"], \"for\": \"2h\", \"reason\": \"x\", \"upto\": \"y\"}", 422,
         "no severity"},
        {"{\"where\": [\"queue=north\"], \"reason\": \"x\"}", 422, "\"#/for\""},
        {NORTH, 201, "active"},
    };
    rig_start(rig);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct rig_reply *reply = as_chris(rig, "POST", "/v1/silences", rows[i].body);
        assert_int_equal(reply->status, rows[i].status);
        assert_contains(reply->body, rows[i].says);
    }
    assert_int_equal(rig_post(rig, "/v1/silences", NORTH)->status, 403); /* maria */
    assert_int_equal(rig_post(rig, "/v1/silences/preview", NORTH)->status, 403);
    const struct rig_reply *reply = rig_get(rig, "/v1/silences");
    assert_int_equal(reply->status, 200);
    assert_contains(reply->body, "[]");
    if (getuid() == 0) {
        reply =
            rig_ask(rig, &(struct rig_call){
                             .method = "POST", .path = "/v1/silences", .body = NORTH, .uid = INES});
        assert_int_equal(reply->status, 201); /* she operates */
    }
}

static void a_silence_that_can_hide_nothing_says_so(void **state)
{
    static const struct {
        const char *words, *why; /* NULL: it can */
    } rows[] = {
        {"--rule queue-slow", NULL},
        {"--label queue=south --upto critical", NULL},
        {"--rule queue-slow --upto info", "worse than the severity"},
        {"--rule we-lie", "unsilenceable"},
        {"--label category=lying --label queue=north", "unsilenceable"},
        {"--label category=lying --label queue=north --yes", "unsilenceable"},
        {"--rule queue-slow --yes", NULL},
    };
    struct rig *rig = *state;
    static char text[1 << 16];
    char words[256];
    rig->words.guide =
        "categories = (\n"
        "  { name = \"danger\"; title = \"Danger\"; guidance = \"raise\";\n"
        "    severity = \"critical\"; policy = \"leaders\"; },\n"
        "  { name = \"lying\"; title = \"We lie\"; guidance = \"raise\"; severity = \"critical\";\n"
        "    policy = \"leaders\"; unsilenceable = true; }\n"
        ");\n";
    rig->words.rules = "rules = (\n"
                       "  { name = \"queue-slow\"; category = \"danger\"; per = [ \"queue\" ];\n"
                       "    metric = \"queue_seconds\"; take = \"last\"; above = 120.0; },\n"
                       "  { name = \"we-lie\"; category = \"lying\"; per = [ \"queue\" ];\n"
                       "    metric = \"lies\"; take = \"last\"; above = 1.0; }\n"
                       ");\n";
    rig_start(rig);
    rig_client_settings(rig, true);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(words, sizeof words, "silence add %s --for 2h --reason x", rows[i].words);
        bool is_set = strstr(words, "--yes") != NULL;
        assert_int_equal(rig_client(rig, words, text, sizeof text), is_set ? 0 : 2);
        assert_contains(text, is_set ? "Silenced until" : "Silent until");
        assert_int_equal(strstr(text, "It can hide nothing") != NULL, rows[i].why != NULL);
        assert_contains(text, rows[i].why != NULL ? rows[i].why : "");
    }
}

#define KEYED(key, reason)                                                                         \
    "{\"key\": \"" key                                                                             \
    "\", \"where\": [\"rule=queue-slow\"], \"for\": \"2h\", \"reason\": \"" reason "\"}"
#define KEY_ONE "0123456789abcdef0123456789abcdef"
#define KEY_TWO "0123456789abcdef0123456789abcde0"

static void the_same_key_is_the_same_silence_before_and_after_a_restart(void **state)
{
    struct rig *rig = *state;
    char id[64];
    rig_start(rig);
    for (int i = 0; i < 3; i++) {
        const struct rig_reply *reply =
            as_chris(rig, "POST", "/v1/silences", KEYED(KEY_ONE, "new switch"));
        assert_int_equal(reply->status, i == 0 ? 201 : 200);
        json_t *body = rig_json(reply);
        assert_true(i == 0 || strcmp(id, text_of(body, "id")) == 0);
        snprintf(id, sizeof id, "%s", text_of(body, "id"));
        json_decref(body);
        if (i == 1) {
            assert_int_equal(rig_stop(rig), 0);
            rig_again(rig);
        }
    }
    assert_true(rig_metric(rig, "firealarm_silences") == 1);
    assert_int_equal(as_chris(rig, "POST", "/v1/silences", KEYED(KEY_TWO, "another"))->status, 201);
    assert_true(rig_metric(rig, "firealarm_silences") == 2);
    const struct rig_reply *reply = as_chris(rig, "POST", "/v1/silences", KEYED("12", "x"));
    assert_int_equal(reply->status, 422);
    assert_contains(reply->body, "\"#/key\"");
    if (getuid() == 0) { /* her key is not his */
        struct rig_call ines = {
            .method = "POST", .path = "/v1/silences", .body = KEYED(KEY_ONE, "mine"), .uid = INES};
        assert_int_equal(rig_ask(rig, &ines)->status, 201);
    }
}

#define DANGER "{\"where\": [\"category=danger\"], \"for\": \"2h\", \"reason\": \"x\"}"

/* How many alarms a silence of all that is dangerous would hide or have hidden. */
static json_int_t previewed(struct rig *rig, const char *part)
{
    json_t *body = rig_json(as_chris(rig, "POST", "/v1/silences/preview", DANGER));
    json_int_t count = int_of(json_object_get(body, part), "count");
    assert_string_equal(text_of(body, "upto"), "critical");
    json_decref(body);
    return count;
}

/* The id of the open alarm of the rule in a list, in static memory. */
static const char *alarm_in(const struct rig_reply *list, const char *rule)
{
    static char id[64];
    json_t *root = rig_json(list), *one;
    size_t i;
    id[0] = '\0';
    json_array_foreach(json_object_get(root, "alarms"), i, one)
    {
        if (strcmp(text_of(one, "rule"), rule) == 0) {
            snprintf(id, sizeof id, "%s", text_of(one, "id"));
        }
    }
    json_decref(root);
    return id;
}

static const char *alarm_of(struct rig *rig, const char *rule)
{
    return alarm_in(as_chris(rig, "GET", "/v1/alarms", NULL), rule);
}

static void a_preview_counts_what_was_and_no_filing(void **state)
{
    struct rig *rig = *state;
    char receipt[64], path[128];
    rig_start(rig);
    rig_statsd_local(rig, "queue_seconds:312|g|#queue:north");
    rig_until(rig, alarm_of(rig, "queue-slow")[0] != '\0');
    assert_int_equal(rig_file(rig, 1, "danger", receipt), 201);
    assert_int_equal(previewed(rig, "open"), 1); /* not the filing */
    assert_int_equal(previewed(rig, "past"), 0);
    snprintf(path, sizeof path, "/v1/alarms/%s/resolve", alarm_of(rig, "queue-slow"));
    assert_int_equal(as_chris(rig, "POST", path, "{\"note\": \"mended\"}")->status, 200);
    rig_statsd_local(rig, "queue_seconds:60|g|#queue:north");
    rig_until(rig, previewed(rig, "past") == 1);
    assert_int_equal(previewed(rig, "open"), 0);

    size_t before = receiver_matches(rig->receiver, "/first", "A product that may hurt");
    assert_int_equal(as_chris(rig, "POST", "/v1/silences", DANGER)->status, 201);
    assert_int_equal(rig_file(rig, 2, "danger", receipt), 201);
    rig_until(rig, receiver_matches(rig->receiver, "/first", "A product that may hurt") > before);
    assert_true(rig_metric(rig, "firealarm_alarms_hidden{by=\"silence\"}") == 0);
}

static const char site_rules[] =
    "rules = (\n"
    "  { name = \"site-down\"; category = \"danger\"; per = [ \"site\" ]; take = \"last\";\n"
    "    metric = \"down\"; above = 0.0; },\n"
    "  { name = \"disk\"; category = \"danger\"; per = [ \"site\" ]; take = \"last\";\n"
    "    metric = \"disk\"; above = 90.0; }\n"
    ");\n";
#define INHIBIT                                                                                    \
    "inhibit = ( { when = [ \"rule=site-down\" ]; hide = [ \"rule=disk\" ];"                       \
    " equal = [ \"site\" ]; owner = \"dana\"; reason = \"no-power\"; } );\n"

static void what_an_inhibition_hides_says_why_and_whose_word_it_is(void **state)
{
    struct rig *rig = *state;
    static char text[1 << 16];
    static const char *const commands[] = {"show", "explain"};
    char words[128];
    rig->words.rules = site_rules;
    rig->words.more = INHIBIT;
    rig_start(rig);
    rig_client_settings(rig, true);
    rig_statsd_local(rig, "down:1|g|#site:eu");
    rig_until(rig, alarm_of(rig, "site-down")[0] != '\0');
    rig_statsd_local(rig, "disk:95|g|#site:eu");
    rig_until(rig, alarm_of(rig, "disk")[0] != '\0');
    for (size_t i = 0; i < 2; i++) {
        snprintf(words, sizeof words, "%s %s", commands[i], alarm_of(rig, "disk"));
        assert_int_equal(rig_client(rig, words, text, sizeof text), 0);
        assert_contains(text, "by the alarm site-down");
        assert_contains(text, "no-power");
        assert_contains(text, "(Dana");
    }
}

static void close_alarm(struct rig *rig, const char *rule, const char *metric)
{
    char path[128];
    snprintf(path, sizeof path, "/v1/alarms/%s/resolve", alarm_of(rig, rule));
    assert_int_equal(as_chris(rig, "POST", path, "{\"note\": \"mended\"}")->status, 200);
    rig_statsd_local(rig, metric);
    rig_until(rig, alarm_of(rig, rule)[0] == '\0');
}

/* As ines, who operates. */
static const struct rig_reply *look_back(struct rig *rig, const char *body)
{
    return rig_ask(rig,
                   &(struct rig_call){
                       .method = "POST", .path = "/v1/hiding/preview", .body = body, .uid = INES});
}

static json_int_t looked_back(struct rig *rig, const char *body)
{
    json_t *answer = rig_json(look_back(rig, body));
    json_int_t count = int_of(answer, "count");
    assert_true(json_is_true(json_object_get(answer, "complete")));
    assert_int_equal(json_array_size(json_object_get(answer, "alarms")), count);
    json_decref(answer);
    return count;
}

#define ALWAYS "[{\"begin\": \"2020-01-01T00:00:00Z\", \"end\": \"2090-01-01T00:00:00Z\"}]"
#define ONCE   "[{\"begin\": \"2020-01-01T00:00:00Z\", \"end\": \"2020-01-02T00:00:00Z\"}]"
#define DISKS  "{\"where\": [\"rule=disk\"], "

/* One disk went while its site was down, another at a site that was not. */
static void what_windows_and_inhibitions_would_have_hidden_is_told_to_operators(void **state)
{
    static const struct {
        const char *body;
        json_int_t count;
    } rows[] = {
        {DISKS "\"during\": " ALWAYS "}", 2},
        {DISKS "\"during\": " ONCE "}", 0},
        {DISKS "\"during\": []}", 0},
        {"{\"where\": [\"site=us\"], \"during\": " ALWAYS "}", 1},
        {"{\"where\": [\"category=danger\"], \"during\": " ALWAYS "}", 3}, /* not the filing */
        {DISKS "\"when\": [\"rule=site-down\"], \"equal\": [\"site\"]}", 1},
        {DISKS "\"when\": [\"rule=site-down\"]}", 2},
        {DISKS "\"when\": [\"rule=site-up\"]}", 0},
    };
    struct rig *rig = *state;
    char receipt[64];
    if (getuid() != 0) {
        skip();
    }
    rig->words.rules = site_rules;
    rig_start(rig);
    rig_statsd_local(rig, "disk:95|g|#site:eu");
    rig_until(rig, alarm_of(rig, "disk")[0] != '\0');
    rig_statsd_local(rig, "down:1|g|#site:eu");
    rig_until(rig, alarm_of(rig, "site-down")[0] != '\0');
    assert_int_equal(rig_file(rig, 1, "danger", receipt), 201);
    assert_int_equal(looked_back(rig, rows[5].body), 1); /* open ones */
    close_alarm(rig, "disk", "disk:50|g|#site:eu");
    rig_until(rig, previewed(rig, "past") == 1);
    assert_int_equal(looked_back(rig, rows[5].body), 1); /* one of history and an open one */
    rig_statsd_local(rig, "disk:95|g|#site:us");
    rig_until(rig, alarm_of(rig, "disk")[0] != '\0');
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(looked_back(rig, rows[i].body), rows[i].count);
    }
    close_alarm(rig, "disk", "disk:50|g|#site:us");
    close_alarm(rig, "site-down", "down:0|g|#site:eu");
    rig_until(rig, previewed(rig, "past") == 3);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(looked_back(rig, rows[i].body), rows[i].count);
    }
    assert_int_equal(as_chris(rig, "POST", "/v1/hiding/preview", rows[0].body)->status, 403);
}

static void a_preview_of_windows_that_cannot_be_read_names_the_place(void **state)
{
    static const struct {
        const char *body, *says;
    } rows[] = {
        {"{}", "\"#/where\""},
        {"{\"where\": [\"queue\"], \"during\": []}", "\"#/where/0\""},
        {"{\"where\": [\"queue!=north\"], \"during\": []}", "by name"},
        {DISKS "\"during\": 1}", "\"#/during\""},
        {DISKS "\"during\": [1]}", "\"#/during/0/begin\""},
        {DISKS "\"during\": [{\"begin\": \"2020-01-01T00:00:00Z\"}]}", "\"#/during/0/end\""},
        {DISKS "\"during\": [], \"equal\": []}", "equal"},
        {DISKS "\"when\": []}", "\"#/when\""},
        {DISKS "\"when\": [\"rule=site-down\"], \"equal\": [1]}", "equal"},
        {DISKS "\"when\": [\"rule=disk\"]}", "hides it"},
    };
    struct rig *rig = *state;
    if (getuid() != 0) {
        skip();
    }
    rig_start(rig);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct rig_reply *reply = look_back(rig, rows[i].body);
        assert_int_equal(reply->status, 422);
        assert_contains(reply->body, rows[i].says);
    }
    static char many[1 << 17];
    size_t len = (size_t)snprintf(many, sizeof many, DISKS "\"during\": [1");
    for (int i = 0; i < 1000; i++) {
        len += (size_t)snprintf(many + len, sizeof many - len, ",1");
    }
    snprintf(many + len, sizeof many - len, "]}");
    const struct rig_reply *reply = look_back(rig, many);
    assert_int_equal(reply->status, 422);
    assert_contains(reply->body, "at most 1000 stretches");
}

/* Chris asks by uid. */
static const char *people_with(unsigned uid)
{
    static char text[2000];
    snprintf(text, sizeof text,
             "people = ("
             "  { name = \"chris\"; manager = \"dana\"; uid = %u;"
             "    channels = ( { channel = \"first\"; } ); },"
             "  { name = \"dana\"; manager = \"ruth\"; channels = ( { channel = \"dana\"; } ); },"
             "  { name = \"ruth\"; independent = true; channels = ( { channel = \"ruth\"; } ); },"
             "  { name = \"leo\"; independent = true; channels = ( { channel = \"leo\"; } ); },"
             "  { name = \"ines\"; operator = true; channels = ( { channel = \"ines\"; } ); } );\n"
             "teams = ( { name = \"it\"; members = [ \"ines\" ]; } );\n",
             uid);
    return text;
}

static void ask_on(int fd, const char *method, const char *path, const char *body)
{
    char text[1000];
    int size = snprintf(text, sizeof text,
                        "%s %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                        "Content-Length: %zu\r\n\r\n%s",
                        method, path, strlen(body), body);
    assert_int_equal(send(fd, text, (size_t)size, MSG_NOSIGNAL), size);
}

static int status_on(int fd)
{
    char answer[8192] = "";
    int status = 0;
    struct pollfd ready = {fd, POLLIN, 0};
    assert_int_equal(poll(&ready, 1, RIG_GUARD_MS), 1);
    assert_true(recv(fd, answer, sizeof answer - 1, 0) > 12);
    assert_int_equal(sscanf(answer, "HTTP/1.1 %d", &status), 1);
    return status;
}

/* The request and the signal are there together. */
static int ask_and_leave(struct rig *rig)
{
    int fd = rig_connect(rig);
    ask_on(fd, "GET", "/v1/silences", "");
    assert_int_equal(status_on(fd), 200);
    rig->words.people = people_with(getuid() + 1);
    rig_write_config(rig);
    rig_signal(rig, SIGSTOP);
    ask_on(fd, "POST", "/v1/silences/preview", NORTH);
    rig_signal(rig, SIGHUP);
    rig_signal(rig, SIGCONT);
    int status = status_on(fd);
    close(fd);
    return status;
}

/* Which is first, the new configuration or the store's answer, nobody can say: where the former is,
 * they are refused, and some time it is. */
static void who_leaves_while_a_preview_is_read_is_refused(void **state)
{
    struct rig *rig = *state;
    char path[128];
    rig->words.people = people_with(getuid());
    rig_start(rig);
    rig_statsd_local(rig, "queue_seconds:312|g|#queue:north");
    rig_until(rig, alarm_in(rig_get(rig, "/v1/alarms"), "queue-slow")[0] != '\0');
    snprintf(path, sizeof path, "/v1/alarms/%s/resolve",
             alarm_in(rig_get(rig, "/v1/alarms"), "queue-slow"));
    assert_int_equal(rig_post(rig, path, "{\"note\": \"mended\"}")->status, 200);
    rig_statsd_local(rig, "queue_seconds:60|g|#queue:north");
    rig_until(rig, alarm_in(rig_get(rig, "/v1/alarms"), "queue-slow")[0] == '\0');
    rig_until(rig,
              strstr(rig_post(rig, "/v1/silences/preview", NORTH)->body, "queue-slow") != NULL);

    int status = 200;
    for (size_t i = 0; i < 40 && status == 200; i++) {
        if (i > 0) {
            rig_stop(rig);
            rig->words.people = people_with(getuid());
            rig_write_config(rig);
            rig_again(rig);
        }
        status = ask_and_leave(rig);
    }
    assert_int_equal(status, 403);
    rig_stop(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_silence_is_shown_set_survives_a_restart_and_is_ended,
                                        rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(who_is_not_told_may_not_silence_and_faults_are_named,
                                        rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(who_leaves_while_a_preview_is_read_is_refused, rig_setup,
                                        rig_teardown),
        cmocka_unit_test_setup_teardown(a_silence_that_can_hide_nothing_says_so, rig_setup,
                                        rig_teardown),
        cmocka_unit_test_setup_teardown(the_same_key_is_the_same_silence_before_and_after_a_restart,
                                        rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(what_an_inhibition_hides_says_why_and_whose_word_it_is,
                                        rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(
            what_windows_and_inhibitions_would_have_hidden_is_told_to_operators, rig_setup,
            rig_teardown),
        cmocka_unit_test_setup_teardown(a_preview_of_windows_that_cannot_be_read_names_the_place,
                                        rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(a_preview_counts_what_was_and_no_filing, rig_setup,
                                        rig_teardown),
    };
    cmocka_set_test_filter(getenv("FA_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
