/* SPDX-License-Identifier: MIT */
/* links: fa_daemon_rig */
/* needs: fa_daemon_programs firealarm */
/* Why it fired, who was told, who was not: from what was kept, also when the rule is gone and the
 * alarm is history; why a rule does not fire; and what explain must never tell. */
#include "daemon_rig.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHRIS "Authorization: Bearer " RIG_TOKEN "\r\n"
#define DANA  2006
#define INES  2007
#define RUTH  2009

static bool need_root(void)
{
    if (getuid() != 0) {
        print_message("SKIPPED: only root can call as somebody else\n");
    }
    return getuid() == 0;
}

static const struct rig_reply *as_chris(struct rig *rig, const char *method, const char *path,
                                        const char *body)
{
    return rig_ask(
        rig, &(struct rig_call){.method = method, .path = path, .body = body, .header = CHRIS});
}

static const struct rig_reply *as_uid(struct rig *rig, unsigned uid, const char *path)
{
    return rig_ask(rig, &(struct rig_call){.method = "GET", .path = path, .uid = uid});
}

/* The id of the only alarm that chris sees. */
static void find_id(struct rig *rig, char id[64])
{
    json_t *root = rig_json(as_chris(rig, "GET", "/v1/alarms?state=all", NULL));
    const char *text = json_string_value(
        json_object_get(json_array_get(json_object_get(root, "alarms"), 0), "id"));
    snprintf(id, 64, "%s", text != NULL ? text : "");
    json_decref(root);
}

static const char *path_of(const char *id, const char *deed)
{
    static char path[128];
    snprintf(path, sizeof path, "/v1/alarms/%s%s", id, deed);
    return path;
}

static json_t *explain(struct rig *rig, const char *id)
{
    const struct rig_reply *reply = as_chris(rig, "GET", path_of(id, "/explain"), NULL);
    assert_int_equal(reply->status, 200);
    return rig_json(reply);
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "";
}

/* The first member of the list whose `name` is that text. */
static json_t *find(const json_t *body, const char *list, const char *name, const char *text)
{
    json_t *item;
    size_t i;
    json_array_foreach(json_object_get(body, list), i, item)
    {
        if (strcmp(text_of(item, name), text) == 0) {
            return item;
        }
    }
    return NULL;
}

static double number_of(const json_t *object, const char *name)
{
    return json_number_value(json_object_get(object, name));
}

/* What `firealarm explain` prints for chris; its exit status. */
static int run_client(struct rig *rig, const char *name, const char *options, char *out,
                      size_t size)
{
    char words[200];
    rig_client_settings(rig, true);
    snprintf(words, sizeof words, "%s explain %s", options, name);
    return rig_client(rig, words, out, size);
}

static const char pending[] =
    "rules = ( { name = \"queue-slow\"; category = \"danger\"; severity = \"critical\";"
    " policy = \"leaders\"; metric = \"queue_seconds\"; take = \"last\"; per = [ \"queue\" ];"
    " above = 120.0; for = \"10m\"; summary = \"slow\"; } );\n";

static const char no_rules[] =
    "rules = ( { name = \"other\"; category = \"danger\"; severity = \"critical\";"
    " policy = \"leaders\"; metric = \"other\"; take = \"last\"; above = 1.0;"
    " summary = \"other\"; } );\n";

static void check_evidence(const json_t *body)
{
    const json_t *raised = find(body, "evidence", "cause", "raised");
    assert_non_null(raised);
    assert_double_near(number_of(raised, "value"), 312.5, 0);
    assert_double_near(number_of(raised, "above"), 120, 0);
    assert_double_near(number_of(raised, "clear_below"), 90, 0);
    assert_contains(text_of(raised, "expr"), "queue_seconds");
    assert_int_equal(json_array_size(json_object_get(raised, "points")), 1);
    const json_t *worse = find(body, "evidence", "cause", "worse");
    assert_non_null(worse);
    assert_double_near(number_of(worse, "value"), 400, 0);
    const json_t *clear = find(body, "evidence", "cause", "clear");
    assert_non_null(clear);
    assert_double_near(number_of(clear, "value"), 80, 0);
}

static void what_fired_is_explained_when_its_rule_is_gone(void **state)
{
    struct rig *rig = *state;
    char id[64];
    static char text[1 << 16];
    receiver_answer(rig->receiver, "/first", 503);
    rig_start(rig);
    rig_statsd_local(rig, "queue_seconds:312.5|g|#queue:north");
    rig_until(rig, receiver_matches(rig->receiver, "/second", "north") == 1);
    rig_statsd_local(rig, "queue_seconds:400|g|#queue:north");
    find_id(rig, id);
    rig_until(rig, strstr(as_chris(rig, "GET", path_of(id, ""), NULL)->body, "400.0") != NULL);
    const struct rig_reply *reply = as_chris(rig, "POST", path_of(id, "/ack"), "{\"for\":\"1ms\"}");
    assert_int_equal(reply->status, 422);
    assert_contains(reply->body, "#/for");
    assert_int_equal(as_chris(rig, "POST", path_of(id, "/ack"), "{\"for\":\"1h\"}")->status, 200);
    rig_statsd_local(rig, "queue_seconds:80|g|#queue:north");
    rig_until(rig, strstr(as_chris(rig, "GET", path_of(id, ""), NULL)->body, "resolved") != NULL);
    rig_until(rig, rig_alarm(rig, "queue-slow")[0] == '\0');
    rig_stop(rig);
    rig->words.rules = no_rules;
    rig_start(rig);
    json_t *body = explain(rig, id);
    assert_true(json_is_false(json_object_get(body, "configured")));
    check_evidence(body);
    const json_t *failed = find(body, "diary", "what", "failed");
    assert_non_null(failed);
    assert_string_equal(text_of(failed, "channel"), "first");
    assert_int_equal((int)number_of(failed, "answer"), 503);
    const json_t *sent = find(body, "diary", "what", "sent");
    assert_non_null(sent);
    assert_string_equal(text_of(sent, "channel"), "second");
    assert_string_equal(text_of(sent, "display"), "Chris Olsen");
    assert_int_equal((int)number_of(sent, "answer"), 200);
    assert_non_null(find(body, "diary", "what", "acknowledged"));
    const json_t *steps = json_object_get(body, "steps");
    const json_t *dana = json_array_get(json_object_get(json_array_get(steps, 1), "people"), 0);
    assert_string_equal(text_of(dana, "person"), "dana");
    assert_string_equal(text_of(dana, "state"), "closed");
    json_decref(body);
    assert_int_equal(run_client(rig, id, "", text, sizeof text), 0);
    if (getenv("FA_RIG_KEEP") != NULL) {
        puts(text);
    }
    assert_contains(text, "no longer configured");
    assert_contains(text, "value 312.5; fires above 120, clears below 90");
    assert_contains(text, "worse       value 400\n");
    assert_contains(text, "Chris Olsen over first: 503");
    assert_contains(text, "Chris Olsen over second: 200");
    assert_contains(text, "no: it was closed before their step");
    assert_int_equal(run_client(rig, id, "--json", text, sizeof text), 0);
    assert_contains(text, "\"evidence\":[");
    rig_stop(rig);
}

static const char expression[] =
    "define = ( { name = \"agents_now\"; expr = \"sum(agents)\"; } );\n"
    "rules = ( { name = \"load\"; category = \"danger\"; severity = \"critical\";"
    " policy = \"leaders\"; settle = \"100ms\"; look_back = \"2s\";"
    " expr = \"sum by (queue) (waiting) / on () group_left () agents_now > 10\";"
    " summary = \"{queue} is loaded\"; } );\n";

/* Beside one number, so that only the other selector finds nothing. */
static bool is_unknown(struct rig *rig, const char *id)
{
    rig_statsd_local(rig, "waiting:300|g|#queue:north");
    return strstr(as_chris(rig, "GET", path_of(id, "/explain"), NULL)->body,
                  "\"cause\":\"unknown\"") != NULL;
}

static void an_expression_is_explained_part_by_part(void **state)
{
    struct rig *rig = *state;
    char id[64];
    static char text[1 << 16];
    rig->words.rules = expression;
    rig_start(rig);
    rig_statsd_local(rig, "waiting:300|g|#queue:north\nwaiting:1|g|#queue:south\nagents:5|g");
    rig_until(rig, receiver_matches(rig->receiver, "/first", "north") == 1);
    find_id(rig, id);
    rig_until(rig, is_unknown(rig, id));
    json_t *body = explain(rig, id);
    const json_t *raised = find(body, "evidence", "cause", "raised");
    assert_non_null(raised);
    assert_contains(text_of(raised, "expr"), "agents_now > 10");
    assert_contains(text_of(raised, "full"), "sum(agents)");
    assert_double_near(number_of(raised, "value"), 60, 0);
    const json_t *agents = find(raised, "parts", "text", "sum(agents)");
    assert_non_null(agents);
    assert_double_near(number_of(agents, "value"), 5, 0);
    const json_t *waiting = find(raised, "parts", "text", "sum by (queue) (waiting)");
    assert_non_null(waiting);
    assert_double_near(number_of(waiting, "value"), 300, 0);
    const json_t *unknown = find(body, "evidence", "cause", "unknown");
    assert_string_equal(text_of(unknown, "empty"), "agents");
    json_decref(body);
    assert_int_equal(run_client(rig, id, "", text, sizeof text), 0);
    if (getenv("FA_RIG_KEEP") != NULL) {
        puts(text);
    }
    assert_contains(text, "it climbs on without data; no sample of agents");
    assert_contains(text, "5            sum(agents)\n");
    assert_int_equal(run_client(rig, "load", "", text, sizeof text), 0);
    if (getenv("FA_RIG_KEEP") != NULL) {
        puts(text);
    }
    assert_contains(text, "no sample of agents");
    rig_stop(rig);
}

static void a_rule_that_does_not_fire_says_why(void **state)
{
    struct rig *rig = *state;
    static char text[1 << 16];
    rig_start(rig);
    rig_statsd_local(rig, "queue_seconds:80|g|#queue:north");
    rig_statsd_local(rig, "queue_seconds:300|g|#queue:south");
    rig_until(rig, receiver_matches(rig->receiver, "/first", "south") == 1);
    json_t *body = rig_json(as_chris(rig, "GET", "/v1/rules/queue-slow", NULL));
    const json_t *sets = json_object_get(body, "sets");
    assert_int_equal(json_array_size(sets), 2);
    const json_t *south = json_array_get(sets, 0), *north = json_array_get(sets, 1);
    assert_string_equal(text_of(south, "level"), "firing");
    assert_string_equal(text_of(json_object_get(south, "alarm"), "state"), "unacknowledged");
    assert_string_equal(text_of(north, "level"), "clear");
    assert_string_equal(text_of(north, "why"), "does-not-hold");
    assert_double_near(number_of(north, "value"), 80, 0);
    assert_int_equal(json_array_size(json_object_get(body, "changes")), 2);
    assert_string_equal(text_of(json_array_get(json_object_get(body, "changes"), 0), "level"),
                        "firing");
    json_decref(body);
    assert_int_equal(run_client(rig, "queue-slow", "", text, sizeof text), 0);
    if (getenv("FA_RIG_KEEP") != NULL) {
        puts(text);
    }
    assert_contains(text, "fires above 120, clears below 90");
    assert_contains(text, "does not hold");
    assert_int_equal(run_client(rig, "no-such-rule-at-all", "", text, sizeof text), 1);
    assert_int_equal(run_client(rig, "7K2Q-M9XA", "", text, sizeof text), 1);
    /* One that is nearly there, also where it could be the beginning of an alarm's id. */
    assert_contains(as_chris(rig, "GET", "/v1/rules/queue-slwo", NULL)->body,
                    "Did you mean 'queue-slow'?");
    assert_int_equal(run_client(rig, "queue_slow", "", text, sizeof text), 1);
    assert_contains(text, "Did you mean 'queue-slow'?");
    assert_int_equal(run_client(rig, "queue-slw", "", text, sizeof text), 1);
    assert_contains(text, "Did you mean 'queue-slow'?");
    assert_int_equal(run_client(rig, "no-such-rule-at-all", "", text, sizeof text), 1);
    assert_null(strstr(text, "Did you mean"));
    rig_stop(rig);
}

static void reload(struct rig *rig, const char *with)
{
    const char *word = "the new configuration holds";
    size_t before = rig_log_count(rig, word);
    rig->words.rules = with;
    rig_write_config(rig);
    rig_signal(rig, SIGHUP);
    rig_until(rig, rig_log_count(rig, word) == before + 1);
}

static size_t changes_of(struct rig *rig, const char *path)
{
    json_t *body = rig_json(as_chris(rig, "GET", path, NULL));
    size_t count = json_array_size(json_object_get(body, "changes"));
    json_decref(body);
    return count;
}

static void the_changes_of_a_rule_go_with_it(void **state)
{
    struct rig *rig = *state;
    rig_start(rig);
    const char *usual = rig->words.rules;
    rig_statsd_local(rig, "queue_seconds:80|g|#queue:north");
    rig_until(rig, changes_of(rig, "/v1/rules/queue-slow") == 1);
    reload(rig, usual); /* while it stays they do */
    assert_int_equal(changes_of(rig, "/v1/rules/queue-slow"), 1);
    reload(rig, expression);
    reload(rig, usual);
    assert_int_equal(changes_of(rig, "/v1/rules/queue-slow"), 0);
    rig_stop(rig);
}

static void the_changes_of_a_rule_outlive_a_restart(void **state)
{
    struct rig *rig = *state;
    rig_start(rig);
    rig_statsd_local(rig, "queue_seconds:80|g|#queue:north");
    rig_until(rig, changes_of(rig, "/v1/rules/queue-slow") == 1);
    rig_statsd_local(rig, "queue_seconds:300|g|#queue:north");
    rig_until(rig, changes_of(rig, "/v1/rules/queue-slow") == 2);
    rig_statsd_local(rig, "queue_seconds:60|g|#queue:north");
    rig_until(rig, changes_of(rig, "/v1/rules/queue-slow") == 3);
    json_t *before = rig_json(as_chris(rig, "GET", "/v1/rules/queue-slow", NULL));
    rig_stop(rig);
    rig_start(rig);
    rig_statsd_local(rig, "queue_seconds:61|g|#queue:north"); /* no change: it is clear still */
    rig_statsd_local(rig, "queue_seconds:70|g|#queue:south");
    rig_until(rig, changes_of(rig, "/v1/rules/queue-slow") == 4);
    json_t *after = rig_json(as_chris(rig, "GET", "/v1/rules/queue-slow", NULL));
    for (size_t i = 0; i < 3; i++) {
        assert_true(json_equal(json_array_get(json_object_get(before, "changes"), i),
                               json_array_get(json_object_get(after, "changes"), i + 1)));
    }
    json_decref(before);
    json_decref(after);
    rig_stop(rig);
}

/* The newest changes' values, from newest on down, with nothing before them. */
static void check_changes(struct rig *rig, size_t newest)
{
    json_t *body = rig_json(as_chris(rig, "GET", "/v1/rules/queue-slow", NULL));
    const json_t *changes = json_object_get(body, "changes");
    assert_int_equal(json_array_size(changes), 20);
    for (size_t i = 0; i < 20; i++) {
        assert_double_near(number_of(json_array_get(changes, i), "value"), (double)(newest - i), 0);
    }
    json_decref(body);
}

static bool has_changed(struct rig *rig, size_t newest)
{
    json_t *body = rig_json(as_chris(rig, "GET", "/v1/rules/queue-slow", NULL));
    double value = number_of(json_array_get(json_object_get(body, "changes"), 0), "value");
    json_decref(body);
    return value == (double)newest;
}

static void tell(struct rig *rig, size_t label, size_t value)
{
    char line[80];
    snprintf(line, sizeof line, "queue_seconds:%zu|g|#queue:n%zu", value, label);
    rig_statsd_local(rig, line);
}

static void tell_change(struct rig *rig, size_t number)
{
    tell(rig, number, number);
    rig_until(rig, has_changed(rig, number));
}

static void the_newest_twenty_changes_of_a_rule_are_kept(void **state)
{
    struct rig *rig = *state;
    rig_start(rig);
    for (size_t i = 1; i <= 46; i++) {
        tell_change(rig, i);
    }
    for (size_t i = 1; i <= 46; i++) {
        tell(rig, i, 60); /* clear as before */
    }
    tell_change(rig, 47); /* the ring more than twice around */
    check_changes(rig, 47);
    json_t *before = rig_json(as_chris(rig, "GET", "/v1/rules/queue-slow", NULL));
    rig_stop(rig);
    rig_start(rig);
    /* Each of the 47 says again that it is clear, which is no change; that one fires is. */
    tell(rig, 48, 300);
    rig_until(rig, has_changed(rig, 300));
    json_t *after = rig_json(as_chris(rig, "GET", "/v1/rules/queue-slow", NULL));
    for (size_t i = 0; i < 19; i++) {
        assert_true(json_equal(json_array_get(json_object_get(before, "changes"), i),
                               json_array_get(json_object_get(after, "changes"), i + 1)));
    }
    json_decref(before);
    json_decref(after);
    rig_stop(rig);
}

static time_t seconds_of(const char *text)
{
    struct tm tm = {0};
    assert_non_null(strptime(text, "%Y-%m-%dT%H:%M:%S", &tm));
    return timegm(&tm);
}

static void what_is_pending_says_when_it_is_raised(void **state)
{
    struct rig *rig = *state;
    static char text[1 << 16];
    char says[80];
    rig->words.rules = pending;
    rig_start(rig);
    rig_statsd_local(rig, "queue_seconds:300|g|#queue:south");
    rig_until(rig, changes_of(rig, "/v1/rules/queue-slow") == 1);
    json_t *body = rig_json(as_chris(rig, "GET", "/v1/rules/queue-slow", NULL));
    const json_t *set = json_array_get(json_object_get(body, "sets"), 0);
    const json_t *alarm = json_object_get(set, "alarm");
    assert_string_equal(text_of(set, "level"), "firing");
    assert_string_equal(text_of(alarm, "state"), "pending");
    assert_true(json_is_null(json_object_get(alarm, "id"))); /* nobody was told of it */
    assert_int_equal(seconds_of(text_of(alarm, "due")) - seconds_of(text_of(alarm, "since")), 600);
    snprintf(says, sizeof says, "holds; raised at %.8s if it lasts",
             strchr(text_of(alarm, "due"), 'T') + 1);
    json_decref(body);
    assert_int_equal(run_client(rig, "queue-slow", "", text, sizeof text), 0);
    if (getenv("FA_RIG_KEEP") != NULL) {
        puts(text);
    }
    assert_contains(text, says);
    rig_stop(rig);
}

/* What `firealarm check` prints, in static memory; options end it. */
static const char *run_check(struct rig *rig, const char *before, const char *options)
{
    static char text[1 << 16];
    char command[1024], settings[512];
    snprintf(settings, sizeof settings, "socket = \"%s\";\n", rig->api);
    rig_write(rig, "check.cfg", settings, 0644);
    /* Where the programs lie may be closed to whom it runs as. */
    snprintf(command, sizeof command,
             "cd %s && cp -rL %s/plugins %s/daemon/client/firealarm . && HOME=%s %s ./firealarm "
             "--config %s check %s --plugins %s/plugins %s 2>&1",
             rig->dir, getenv("FA_BUILD_DIR"), getenv("FA_BUILD_DIR"), rig->dir, before,
             rig_path(rig, "check.cfg"), rig->config, rig->dir, options);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    text[fread(text, 1, sizeof text - 1, pipe)] = '\0';
    pclose(pipe);
    return text;
}

static void check_says(struct rig *rig, const char *before, const char *what, bool is_said)
{
    const char *text = run_check(rig, before, "");
    assert_contains(text, " is sound: ");
    assert_int_equal(strstr(text, what) != NULL, is_said);
}

static void a_rule_that_reads_what_never_came_is_named(void **state)
{
    static const char never[] = "rule 'queue-slow' reads queue_seconds";
    struct rig *rig = *state;
    if (!need_root()) {
        return;
    }
    rig_start(rig);
    const struct rig_reply *reply = as_uid(rig, INES, "/v1/feeds");
    assert_int_equal(reply->status, 200);
    json_t *body = rig_json(reply);
    const json_t *item = find(body, "unfed", "rule", "queue-slow");
    assert_non_null(item);
    assert_contains(text_of(item, "selector"), "queue_seconds");
    json_decref(body);
    check_says(rig, "", never, false); /* root is nobody whom the daemon tells */
    check_says(rig, "setpriv --reuid=2007 --clear-groups", never, true);
    rig_statsd_local(rig, "queue_seconds:80|g|#queue:north");
    rig_until(rig, changes_of(rig, "/v1/rules/queue-slow") == 1);
    body = rig_json(as_uid(rig, INES, "/v1/feeds"));
    assert_null(find(body, "unfed", "rule", "queue-slow"));
    json_decref(body);
    rig_stop(rig);
}

/* What it may come down to, as the check says it to operators while a daemon runs. */
static void a_channel_that_was_never_tested_is_named_by_the_check(void **state)
{
    static const char ines[] = "the channel 'ines' of 'ines' was never tested: firealarm channel "
                               "test ines",
                      noah[] = "the channel 'noah' of 'noah' was never tested";
    static const char as_ines[] = "setpriv --reuid=2007 --clear-groups";
    struct rig *rig = *state;
    if (!need_root()) {
        return;
    }
    rig_start(rig);
    check_says(rig, "", ines, false); /* root is nobody whom the daemon tells */
    check_says(rig, as_ines, ines, true);
    const struct rig_call test = {.method = "POST",
                                  .path = "/v1/channels/test",
                                  .body = "{\"person\": \"ines\"}",
                                  .uid = INES};
    assert_int_equal(rig_ask(rig, &test)->status, 202);
    rig_until(rig, strstr(as_uid(rig, INES, "/v1/channels/untested")->body, "\"ines\"") == NULL);
    check_says(rig, as_ines, ines, false);
    check_says(rig, as_ines, noah, true);
    rig_stop(rig);
}

static const char looks_back_a_second[] =
    "rules = ( { name = \"queue-slow\"; category = \"danger\"; severity = \"critical\";"
    " policy = \"leaders\"; metric = \"queue_seconds\"; above = 120.0; for = \"1h\";"
    " look_back = \"1s\"; per = [ \"queue\" ]; summary = \"slow\"; },\n"
    " { name = \"queue-grows\"; category = \"danger\"; severity = \"critical\";"
    " policy = \"leaders\"; expr = \"sum by (queue) (rate(queue_seconds[1s])) > 3\";"
    " summary = \"grows\"; } );\n";

static bool is_sparse(struct rig *rig, const char *rule)
{
    json_t *body = rig_json(as_uid(rig, INES, "/v1/feeds"));
    bool is = find(body, "sparse", "rule", rule) != NULL;
    json_decref(body);
    return is;
}

static void rules_whose_samples_lie_too_far_apart_for_them_are_named(void **state)
{
    struct rig *rig = *state;
    if (!need_root()) {
        return;
    }
    rig->words.rules = looks_back_a_second;
    rig_start(rig);
    /* Each comes a millisecond or two too late, or less than one: then further ones show it. */
    for (size_t changes = 1; changes <= 5 || (changes < 16 && !is_sparse(rig, "queue-slow"));
         changes += 2) {
        rig_statsd_local(rig, "queue_seconds:80|g|#queue:north");
        rig_until(rig, changes_of(rig, "/v1/rules/queue-slow") == changes + 1);
    }
    json_t *body = rig_json(as_uid(rig, INES, "/v1/feeds"));
    const json_t *item = find(body, "sparse", "rule", "queue-slow");
    assert_non_null(item);
    assert_string_equal(text_of(item, "look_back"), "1s");
    assert_string_equal(text_of(item, "selector"), "queue_seconds");
    item = find(body, "sparse", "rule", "queue-grows");
    assert_non_null(item);
    assert_string_equal(text_of(item, "window"), "1s");
    json_decref(body);
    check_says(rig, "setpriv --reuid=2007 --clear-groups",
               "rule 'queue-slow' reads queue_seconds, which was seen to come every", true);
    check_says(rig, "setpriv --reuid=2007 --clear-groups", "Write look_back = \"1m\"", true);
    check_says(rig, "setpriv --reuid=2007 --clear-groups",
               "over a window of 1s: that never has two samples, so the rule never knows anything. "
               "Write [1m]",
               true);
    rig_stop(rig);
}

static void a_rule_is_explained_to_those_whom_it_would_tell(void **state)
{
    struct rig *rig = *state;
    if (!need_root()) {
        return;
    }
    rig_start(rig);
    assert_int_equal(as_uid(rig, DANA, "/v1/rules/queue-slow")->status, 200);
    assert_int_equal(as_uid(rig, INES, "/v1/rules/queue-slow")->status, 200);
    const char *const none = as_uid(rig, DANA, "/v1/rules/none")->body;
    char missing[512];
    snprintf(missing, sizeof missing, "%s", none);
    const struct rig_reply *victor = as_uid(rig, 2002, "/v1/rules/queue-slow");
    assert_int_equal(victor->status, 404);
    assert_string_equal(victor->body, missing);
    rig_stop(rig);
}

/* A filing about chris, by maria. Whatever he asks, and whatever others are told, neither that it
 * is there nor who it is about or who filed it. */
static void a_subject_finds_nothing_and_nobody_is_named(void **state)
{
    struct rig *rig = *state;
    if (!need_root()) {
        return;
    }
    rig_start(rig);
    const struct rig_reply *filed =
        rig_post(rig, "/v1/incidents",
                 "{\"key\":\"0123456789abcdef0123456789abcdef\",\"category\":\"danger\","
                 "\"customer\":\"Initech\",\"text\":\"It burns.\",\"known\":\"seen\","
                 "\"about\":[\"chris\"],\"level\":null,\"since\":null,\"strike\":[]}");
    assert_int_equal(filed->status, 201);
    rig_until(rig, receiver_count(rig->receiver) > 0);
    json_t *root = rig_json(as_uid(rig, RUTH, "/v1/alarms"));
    char id[64];
    snprintf(id, sizeof id, "%s",
             text_of(json_array_get(json_object_get(root, "alarms"), 0), "id"));
    json_decref(root);
    assert_int_equal(strlen(id), 19);
    char missing[1024];
    snprintf(missing, sizeof missing, "%s",
             as_chris(rig, "GET", path_of("7K2Q-M9XA-3DTR-WZ5E", "/explain"), NULL)->body);
    const struct rig_reply *refused = as_chris(rig, "GET", path_of(id, "/explain"), NULL);
    assert_int_equal(refused->status, 404);
    assert_string_equal(refused->body, missing);
    const struct rig_reply *told = as_uid(rig, RUTH, path_of(id, "/explain"));
    assert_int_equal(told->status, 200);
    assert_contains(told->body, "\"what\":\"left-out\"");
    static const char *const sealed[] = {"chris", "Chris", "Olsen", "maria", "Maria", "Lopez"};
    for (size_t i = 0; i < sizeof sealed / sizeof sealed[0]; i++) {
        assert_null(strstr(told->body, sealed[i]));
    }
    rig_stop(rig);
}

static const char twice[] =
    "policies = (\n"
    "  { name = \"leaders\"; steps = ( { targets = [ \"chris\" ]; wait = \"8h\"; },\n"
    "      { targets = [ \"chris\", \"dana\" ]; wait = \"8h\"; } ); },\n"
    "  { name = \"independent\"; steps = ( { targets = [ \"ruth\" ]; wait = \"4h\"; } ); },\n"
    "  { name = \"operators\"; steps = ( { targets = [ \"ines\" ]; wait = \"8h\"; } ); }\n"
    ");\n";

/* Chris was told of the first step and will be of the second: not yet. */
static void each_step_says_who_was_told_of_it(void **state)
{
    struct rig *rig = *state;
    char id[64];
    rig->words.policies = twice;
    rig_start(rig);
    rig_statsd_local(rig, "queue_seconds:312.5|g|#queue:north");
    rig_until(rig, receiver_matches(rig->receiver, "/first", "north") == 1);
    find_id(rig, id);
    rig_until(rig, strstr(as_chris(rig, "GET", path_of(id, "/explain"), NULL)->body,
                          "\"state\":\"told\"") != NULL);
    json_t *body = explain(rig, id);
    const json_t *steps = json_object_get(body, "steps");
    const json_t *first = json_array_get(json_object_get(json_array_get(steps, 0), "people"), 0);
    assert_string_equal(text_of(first, "state"), "told");
    assert_string_equal(text_of(first, "channel"), "first");
    const json_t *people = json_object_get(json_array_get(steps, 1), "people"), *person;
    size_t i;
    assert_int_equal(json_array_size(people), 2);
    json_array_foreach(people, i, person)
    {
        assert_string_equal(text_of(person, "state"), "later");
        assert_true(json_is_null(json_object_get(person, "channel")));
    }
    json_decref(body);
    rig_stop(rig);
}

static const char combined[] =
    "rules = ( { name = \"confirmed\"; severity = \"critical\"; policy = \"leaders\";"
    " incident = { category = [ \"danger\" ]; per = [ \"customer\" ]; };"
    " and_expr = \"queue_seconds > 120\"; summary = \"{customer} waits {value} s\"; } );\n";

/* An alarm of a filing that numbers confirm says both; the rule says the numbers, and counts
 * nothing. */
static void what_numbers_confirmed_is_explained_by_them(void **state)
{
    struct rig *rig = *state;
    char id[64];
    static char text[1 << 16];
    rig->words.rules = combined;
    rig_start(rig);
    rig_statsd_local(rig, "queue_seconds:300|g|#customer:Initech,queue:north");
    rig_until(rig, changes_of(rig, "/v1/rules/confirmed") == 1);
    const struct rig_reply *filed =
        rig_post(rig, "/v1/incidents",
                 "{\"key\":\"0123456789abcdef0123456789abcdef\",\"category\":\"danger\","
                 "\"customer\":\"Initech\",\"text\":\"It burns.\",\"known\":\"seen\","
                 "\"about\":[],\"level\":null,\"since\":null,\"strike\":[]}");
    assert_int_equal(filed->status, 201);
    rig_until(rig, receiver_matches(rig->receiver, "/first", "Initech waits 300 s") == 1);
    json_t *root = rig_json(as_chris(rig, "GET", "/v1/alarms", NULL));
    const json_t *alarm = find(root, "alarms", "rule", "confirmed");
    assert_non_null(alarm);
    snprintf(id, sizeof id, "%s", text_of(alarm, "id"));
    json_decref(root);
    json_t *body = explain(rig, id);
    const json_t *raised = find(body, "evidence", "cause", "raised");
    assert_non_null(raised);
    assert_string_equal(text_of(raised, "expr"), "queue_seconds > 120");
    assert_double_near(number_of(raised, "value"), 300, 0);
    assert_int_equal(json_array_size(json_object_get(body, "evidence")), 1);
    json_decref(body);
    body = rig_json(as_chris(rig, "GET", "/v1/rules/confirmed", NULL));
    assert_string_equal(text_of(body, "kind"), "incident");
    const json_t *set = json_array_get(json_object_get(body, "sets"), 0);
    assert_string_equal(text_of(set, "level"), "firing");
    assert_true(json_is_null(json_object_get(set, "alarm")));
    json_decref(body);
    assert_int_equal(run_client(rig, id, "", text, sizeof text), 0);
    assert_contains(text, "queue_seconds > 120");
    assert_int_equal(run_client(rig, "confirmed", "", text, sizeof text), 0);
    assert_contains(text, "It raises them only while this holds too:");
    rig_stop(rig);
}

/* north was up to its limit while south was; the check is of a configuration that is not live. */
static void what_windows_and_inhibitions_would_have_hidden_is_said_by_check(void **state)
{
    static const char as_ines[] = "setpriv --reuid=2007 --clear-groups";
    static const char *const says[] = {
        "maintenance lab: would have hidden 1 alarm of the last 30 days, for instance ",
        "maintenance shut: would have hidden 0 alarms of the last 30 days: it was not open",
        "inhibition queue=\"north\" while queue=\"south\": would have hidden 1 alarm of",
        "inhibition queue=\"north\" while queue=\"west\": would have hidden 0 alarms of",
    };
    struct rig *rig = *state;
    if (!need_root()) {
        return;
    }
    rig_start(rig);
    rig_statsd_local(rig, "queue_seconds:300|g|#queue:south");
    rig_until(rig, changes_of(rig, "/v1/rules/queue-slow") == 1);
    rig_statsd_local(rig, "queue_seconds:300|g|#queue:north");
    rig_until(rig, changes_of(rig, "/v1/rules/queue-slow") == 2);
    rig->words.more =
        "calendars = ( { name = \"office\"; hours = [ \"Mon-Fri 09:00-17:00\" ]; },\n"
        "  { name = \"never\"; hours = [ \"Mon-Fri 10:00-11:00\" ]; except = [ \"office\" ]; } );\n"
        "maintenance = (\n"
        "  { name = \"lab\"; where = [ \"queue=north\" ]; owner = \"chris\"; reason = \"x\";\n"
        "    weekly = [ \"daily 00:00-12:00\", \"daily 12:00-24:00\" ]; },\n"
        "  { name = \"shut\"; where = [ \"queue=north\" ]; owner = \"chris\"; reason = \"x\";\n"
        "    calendar = \"never\"; } );\n"
        "inhibit = (\n"
        "  { when = [ \"queue=south\" ]; hide = [ \"queue=north\" ]; owner = \"chris\";\n"
        "    reason = \"x\"; },\n"
        "  { when = [ \"queue=west\" ]; hide = [ \"queue=north\" ]; owner = \"chris\";\n"
        "    reason = \"x\"; } );\n";
    rig_write_config(rig);
    for (size_t i = 0; i < sizeof says / sizeof says[0]; i++) {
        check_says(rig, as_ines, says[i], true);
        check_says(rig, "", "would have hidden", false); /* root is nobody whom it tells */
    }
    json_t *body = json_loads(run_check(rig, as_ines, "--json"), 0, NULL);
    const json_t *list = json_object_get(body, "hiding");
    const json_t *lab = json_array_get(list, 0), *south = json_array_get(list, 2);
    assert_int_equal(json_array_size(list), 4);
    assert_string_equal(text_of(lab, "kind"), "maintenance");
    assert_string_equal(text_of(lab, "name"), "lab");
    assert_int_equal(json_integer_value(json_object_get(lab, "count")), 1);
    assert_true(json_integer_value(json_object_get(lab, "stretches")) > 0);
    assert_string_equal(text_of(south, "kind"), "inhibition");
    assert_int_equal(json_array_size(json_object_get(south, "alarms")), 1);
    json_decref(body);
    rig_stop(rig);
    check_says(rig, as_ines, "would have hidden", false);
}

static const char site_hides_queue[] =
    "rules = ( { name = \"site-down\"; category = \"danger\"; severity = \"critical\";"
    " policy = \"leaders\"; metric = \"down\"; take = \"last\"; above = 0.5; summary = \"down\"; },"
    " { name = \"queue-slow\"; category = \"danger\"; severity = \"critical\";"
    " policy = \"leaders\"; metric = \"queue_seconds\"; take = \"last\"; above = 120.0;"
    " summary = \"slow\"; } );\n"
    "inhibit = ( { when = [ \"rule=site-down\" ]; hide = [ \"rule=queue-slow\" ];"
    " owner = \"dana\"; reason = \"one cause\"; } );\n";

static void what_an_alarm_hides_names_that_alarm(void **state)
{
    struct rig *rig = *state;
    char id[64], hidden[120];
    static char text[1 << 16];
    rig->words.rules = site_hides_queue;
    rig_start(rig);
    rig_statsd_local(rig, "down:1|g");
    rig_until(rig, receiver_find(rig->receiver, "/first", "site-down") != NULL);
    snprintf(hidden, sizeof hidden, "hidden by the alarm site-down (%s)",
             rig_alarm(rig, "site-down"));
    rig_statsd_local(rig, "queue_seconds:300|g");
    rig_until(rig, rig_alarm(rig, "queue-slow")[0] != '\0');
    snprintf(id, sizeof id, "%s", rig_alarm(rig, "queue-slow"));
    json_t *body = explain(rig, id);
    assert_non_null(find(body, "diary", "what", "inhibited"));
    json_decref(body);
    assert_int_equal(run_client(rig, id, "", text, sizeof text), 0);
    assert_contains(text, hidden);
    assert_contains(text, "INHIBITED");
    assert_null(receiver_find(rig->receiver, "/first", "queue-slow"));
    rig_statsd_local(rig, "down:0|g");
    rig_until(rig, receiver_find(rig->receiver, "/first", "queue-slow") != NULL);
    assert_int_equal(run_client(rig, id, "", text, sizeof text), 0);
    assert_null(strstr(text, "hidden by"));
    rig_stop(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_fired_is_explained_when_its_rule_is_gone, rig_setup,
                                        rig_teardown),
        cmocka_unit_test_setup_teardown(an_expression_is_explained_part_by_part, rig_setup,
                                        rig_teardown),
        cmocka_unit_test_setup_teardown(a_rule_that_does_not_fire_says_why, rig_setup,
                                        rig_teardown),
        cmocka_unit_test_setup_teardown(the_changes_of_a_rule_go_with_it, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(a_rule_that_reads_what_never_came_is_named, rig_setup,
                                        rig_teardown),
        cmocka_unit_test_setup_teardown(
            what_windows_and_inhibitions_would_have_hidden_is_said_by_check, rig_setup,
            rig_teardown),
        cmocka_unit_test_setup_teardown(a_channel_that_was_never_tested_is_named_by_the_check,
                                        rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(what_an_alarm_hides_names_that_alarm, rig_setup,
                                        rig_teardown),
        cmocka_unit_test_setup_teardown(rules_whose_samples_lie_too_far_apart_for_them_are_named,
                                        rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(the_newest_twenty_changes_of_a_rule_are_kept, rig_setup,
                                        rig_teardown),
        cmocka_unit_test_setup_teardown(what_is_pending_says_when_it_is_raised, rig_setup,
                                        rig_teardown),
        cmocka_unit_test_setup_teardown(the_changes_of_a_rule_outlive_a_restart, rig_setup,
                                        rig_teardown),
        cmocka_unit_test_setup_teardown(each_step_says_who_was_told_of_it, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(what_numbers_confirmed_is_explained_by_them, rig_setup,
                                        rig_teardown),
        cmocka_unit_test_setup_teardown(a_rule_is_explained_to_those_whom_it_would_tell, rig_setup,
                                        rig_teardown),
        cmocka_unit_test_setup_teardown(a_subject_finds_nothing_and_nobody_is_named, rig_setup,
                                        rig_teardown),
    };
    cmocka_set_test_filter(getenv("FA_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
