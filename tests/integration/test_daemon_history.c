/* SPDX-License-Identifier: MIT */
/* links: fa_daemon_rig */
/* needs: fa_daemon_programs */
/* What is over: closed alarms in lists and one by one, and a filing sent again when much has
 * changed since. */
#include "daemon_rig.h"

#include <signal.h>
#include <unistd.h>

#define CHRIS     "Authorization: Bearer " RIG_TOKEN "\r\n"
#define RUTH      2009
#define CHRIS_UID 2005

static const struct rig_reply *as_chris(struct rig *rig, const char *method, const char *path,
                                        const char *body)
{
    return rig_ask(
        rig, &(struct rig_call){.method = method, .path = path, .body = body, .header = CHRIS});
}

static const struct rig_reply *as_uid(struct rig *rig, unsigned uid, const char *method,
                                      const char *path, const char *body)
{
    return rig_ask(rig,
                   &(struct rig_call){.method = method, .path = path, .body = body, .uid = uid});
}

/* The first alarm of the answer; "" when there is none. */
static const char *first_id(const struct rig_reply *reply)
{
    static char id[64];
    assert_int_equal(reply->status, 200);
    json_t *root = rig_json(reply);
    json_t *item = json_array_get(json_object_get(root, "alarms"), 0);
    const char *text = json_string_value(json_object_get(item, "id"));
    snprintf(id, sizeof id, "%s", text != NULL ? text : "");
    json_decref(root);
    return id;
}

static size_t count_of(const struct rig_reply *reply, const char *word)
{
    size_t count = 0;
    assert_int_equal(reply->status, 200);
    for (const char *at = reply->body; (at = strstr(at, word)) != NULL; at++) {
        count++;
    }
    return count;
}

static const char *alarm_path(const char *id, const char *deed)
{
    static char paths[2][100];
    static int next;
    next = (next + 1) % 2;
    snprintf(paths[next], sizeof paths[next], "/v1/alarms/%s%s", id, deed);
    return paths[next];
}

/* Files number n; chris owns up to it, says a word, closes it, and it is history. */
static void close_one(struct rig *rig, unsigned n, char ret_id[64])
{
    char receipt[64];
    size_t before = count_of(as_chris(rig, "GET", "/v1/alarms?state=closed", NULL), "\"ended\"");
    assert_int_equal(rig_file(rig, n, "danger", receipt), 201);
    snprintf(ret_id, 64, "%s", first_id(as_chris(rig, "GET", "/v1/alarms", NULL)));
    assert_int_equal(
        as_chris(rig, "POST", alarm_path(ret_id, "/comment"), "{\"text\":\"a word\"}")->status,
        200);
    assert_int_equal(as_chris(rig, "POST", alarm_path(ret_id, "/resolve"), "{}")->status, 200);
    rig_until(rig, count_of(as_chris(rig, "GET", "/v1/alarms?state=closed", NULL), "\"ended\"") ==
                       before + 1);
}

/* ---- one closed alarm ---- */

static void assert_shown(struct rig *rig, const char *id)
{
    const struct rig_reply *reply = as_chris(rig, "GET", alarm_path(id, ""), NULL);
    assert_int_equal(reply->status, 200);
    json_t *alarm = rig_json(reply);
    json_t *filings = json_object_get(alarm, "filings");
    assert_string_equal(json_string_value(json_object_get(alarm, "id")), id);
    assert_string_equal(json_string_value(json_object_get(alarm, "state")), "resolved");
    assert_int_equal(json_array_size(filings), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(filings, 0), "text")),
                        "text-1");
    assert_int_equal(json_integer_value(json_object_get(alarm, "filings_unread")), 0);
    assert_int_equal(json_array_size(json_object_get(alarm, "told")), 1);
    assert_int_equal(json_array_size(json_object_get(alarm, "comments")), 1);
    json_decref(alarm);
}

static void a_closed_alarm_is_shown_with_its_filings_and_takes_no_more_deeds(void **state)
{
    static const struct {
        const char *deed, *body;
    } deeds[] = {
        {"/ack", "{\"for\":\"1h\"}"},
        {"/resolve", "{}"},
        {"/comment", "{\"text\":\"late\"}"},
    };
    struct rig *rig = *state;
    char id[64], typed[64];
    rig_start(rig);
    close_one(rig, 1, id);
    for (int again = 0; again < 2; again++) {
        assert_shown(rig, id);
        for (size_t i = 0; i < sizeof deeds / sizeof deeds[0]; i++) {
            const struct rig_reply *reply =
                as_chris(rig, "POST", alarm_path(id, deeds[i].deed), deeds[i].body);
            assert_int_equal(reply->status, 409);
            assert_contains(reply->body, "closed already");
        }
        rig_stop(rig);
        rig_again(rig);
    }
    /* As people type it; but its beginning names open ones only. */
    size_t n = 0;
    for (const char *at = id; *at != '\0'; at++) {
        if (*at != '-') {
            typed[n++] = *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at;
        }
    }
    typed[n] = '\0';
    assert_int_equal(as_chris(rig, "GET", alarm_path(typed, ""), NULL)->status, 200);
    typed[8] = '\0';
    assert_int_equal(as_chris(rig, "GET", alarm_path(typed, ""), NULL)->status, 404);
    rig_stop(rig);
}

static void who_may_not_see_a_closed_alarm_is_told_what_is_told_of_none(void **state)
{
    static const char none[] = "ABCD-EFGH-JKMN-PQRS";
    static const char *const deeds[] = {"/ack", "/resolve"};
    struct rig *rig = *state;
    char id[64], *nothing;
    rig_start(rig);
    close_one(rig, 1, id);
    /* Maria filed it: she reads by her receipt. */
    nothing = strdup(rig_get(rig, alarm_path(none, ""))->body);
    const struct rig_reply *reply = rig_get(rig, alarm_path(id, ""));
    assert_int_equal(reply->status, 404);
    assert_string_equal(reply->body, nothing);
    for (size_t i = 0; i < 2; i++) {
        reply = rig_post(rig, alarm_path(id, deeds[i]), "{}");
        assert_int_equal(reply->status, 404);
        assert_string_equal(reply->body, nothing);
    }
    if (getuid() == 0) {
        static const unsigned others[] = {2007, 54321}; /* an operator, a stranger */
        for (size_t i = 0; i < 2; i++) {
            reply = as_uid(rig, others[i], "GET", alarm_path(id, ""), NULL);
            assert_int_equal(reply->status, 404);
            assert_string_equal(reply->body, nothing);
        }
    }
    free(nothing);
    rig_stop(rig);
}

/* ---- lists ---- */

/* Walks the closed ones page by page; gives their ids in order. */
static size_t walk(struct rig *rig, unsigned limit, char ids[][64], size_t most)
{
    char path[200], older[64] = "2999-01-01T00:00:00Z";
    size_t count = 0;
    while (older[0] != '\0') {
        snprintf(path, sizeof path, "/v1/alarms?state=closed&limit=%u&before=%s", limit, older);
        const struct rig_reply *reply = as_chris(rig, "GET", path, NULL);
        assert_int_equal(reply->status, 200);
        json_t *root = rig_json(reply), *item;
        json_t *alarms = json_object_get(root, "alarms"), *next = json_object_get(root, "older");
        size_t i;
        assert_true(json_array_size(alarms) <= limit);
        assert_true(next == NULL || json_array_size(alarms) == limit);
        json_array_foreach(alarms, i, item)
        {
            assert_true(count < most);
            snprintf(ids[count++], 64, "%s", json_string_value(json_object_get(item, "id")));
        }
        snprintf(older, sizeof older, "%s", next != NULL ? json_string_value(next) : "");
        json_decref(root);
    }
    return count;
}

static void closed_alarms_come_in_pages_and_each_once(void **state)
{
    struct rig *rig = *state;
    char ids[5][64], found[8][64];
    rig_start(rig);
    for (unsigned i = 0; i < 5; i++) {
        close_one(rig, i + 1, ids[i]);
    }
    for (unsigned limit = 1; limit <= 6; limit++) {
        assert_int_equal(walk(rig, limit, found, 8), 5);
        for (size_t i = 0; i < 5; i++) {
            assert_string_equal(found[i], ids[4 - i]);
        }
    }
    rig_stop(rig);
}

static void what_a_caller_may_not_see_takes_no_place_in_his_pages(void **state)
{
    struct rig *rig = *state;
    char ids[3][64], hidden[64], body[300], found[8][64];
    if (getuid() != 0) {
        print_message("SKIPPED: only root can call as somebody else\n");
        return;
    }
    rig_start(rig);
    for (unsigned i = 0; i < 3; i++) {
        close_one(rig, i + 1, ids[i]);
        for (unsigned k = 0; k < 2; k++) { /* and two about chris himself, newer than that */
            snprintf(body, sizeof body,
                     "{\"key\":\"%032x\",\"category\":\"danger\",\"text\":\"of the boss\","
                     "\"about\":[\"chris\"]}",
                     100 + 2 * i + k);
            assert_int_equal(rig_post(rig, "/v1/incidents", body)->status, 201);
            snprintf(hidden, sizeof hidden, "%s",
                     first_id(as_uid(rig, RUTH, "GET", "/v1/alarms", NULL)));
            assert_int_equal(
                as_uid(rig, RUTH, "POST", alarm_path(hidden, "/resolve"), "{}")->status, 200);
            rig_until(rig, count_of(as_uid(rig, RUTH, "GET", "/v1/alarms?state=closed", NULL),
                                    "\"ended\"") == 2 * i + k + 1);
        }
    }
    for (unsigned limit = 1; limit <= 4; limit++) {
        assert_int_equal(walk(rig, limit, found, 8), 3);
        for (size_t i = 0; i < 3; i++) {
            assert_string_equal(found[i], ids[2 - i]);
        }
    }
    assert_int_equal(as_chris(rig, "GET", alarm_path(hidden, ""), NULL)->status, 404);
    assert_int_equal(as_chris(rig, "POST", alarm_path(hidden, "/ack"), "{}")->status, 404);
    assert_int_equal(as_uid(rig, RUTH, "GET", alarm_path(hidden, ""), NULL)->status, 200);
    rig_stop(rig);
}

static void before_bounds_open_and_closed_ones_and_nothing_else_is_a_time(void **state)
{
    static const struct {
        const char *query;
        size_t open, closed;
    } good[] = {
        {"state=all", 1, 1},
        {"state=all&before=2999-01-01T00:00:00Z", 1, 1},
        {"state=all&before=2999-01-01T00:00:00.5%2B01:00", 1, 1},
        {"state=open&before=2999-01-01T00:00:00Z", 1, 0},
        {"state=closed&before=2999-01-01T00:00:00Z", 0, 1},
        {"state=all&before=1999-01-01T00:00:00Z", 0, 0},
        {"state=open&before=1999-01-01T00:00:00Z", 0, 0},
        {"state=all&before=2999-01-01T00:00:00Z/ABCD-EFGH-JKMN-PQRS", 0, 1}, /* a further page */
    };
    static const char *const bad[] = {
        "before=",
        "before=yesterday",
        "before=2026-11-20",
        "before=2026-11-31T00:00:00Z",
        "before=2026-11-20T00:00:00+01:00", /* a + is a blank here */
        "before=2026-11-20T00:00:00Z/",
        "before=2026-11-20T00:00:00Z/ABCD",
        "after=yesterday",
        "after=2026-11-20T00:00:00Z", /* behind which of them? */
        "after=2026-11-20T00:00:00Z/ABCD",
        "state=shut",
        "limit=0",
        "limit=501",
    };
    struct rig *rig = *state;
    char id[64], receipt[64], path[200];
    rig_start(rig);
    close_one(rig, 1, id);
    assert_int_equal(rig_file(rig, 2, "danger", receipt), 201);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        snprintf(path, sizeof path, "/v1/alarms?%s", good[i].query);
        const struct rig_reply *reply = as_chris(rig, "GET", path, NULL);
        if (count_of(reply, "\"id\"") != good[i].open + good[i].closed ||
            count_of(reply, "\"ended\"") != good[i].closed) {
            fail_msg("%s: %s", path, reply->body);
        }
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(path, sizeof path, "/v1/alarms?%s", bad[i]);
        const struct rig_reply *reply = as_chris(rig, "GET", path, NULL);
        if (reply->status != 400 || strncmp(bad[i], strstr(reply->body, "detail") + 9, 5) != 0) {
            fail_msg("%s: %d %s", path, reply->status, reply->body);
        }
    }
    assert_contains(as_chris(rig, "GET", "/v1/alarms?before=%", NULL)->body, "no escape");
    rig_stop(rig);
}

/* ---- pages of what is open ---- */

#define OPEN 7

/* One page behind *where, which becomes the next one's; its ids go to `found`. */
static size_t open_page(struct rig *rig, unsigned uid, unsigned limit, char where[64],
                        char found[][64])
{
    char path[200];
    snprintf(path, sizeof path, "/v1/alarms?limit=%u&after=%s", limit, where);
    json_t *root = rig_json(as_uid(rig, uid, "GET", path, NULL)), *item;
    const char *next = json_string_value(json_object_get(root, "next"));
    size_t count = 0;
    json_array_foreach(json_object_get(root, "alarms"), count, item)
    {
        snprintf(found[count], 64, "%s", json_string_value(json_object_get(item, "id")));
    }
    assert_int_equal(json_is_true(json_object_get(root, "more")), next != NULL);
    assert_true(next == NULL || count == limit);
    snprintf(where, 64, "%s", next != NULL ? next : "");
    json_decref(root);
    return count;
}

/* All of them page by page, with something that happens after each page. */
static size_t all_pages(struct rig *rig, unsigned uid, unsigned limit, char found[][64],
                        void (*meanwhile)(struct rig *rig, char found[][64]))
{
    char where[64] = "";
    size_t count = 0;
    do {
        count += open_page(rig, uid, limit, where, found + count);
        if (meanwhile != NULL && where[0] != '\0') {
            meanwhile(rig, found);
        }
    } while (where[0] != '\0');
    return count;
}

static void raise_queues(struct rig *rig, unsigned count)
{
    char line[80];
    for (unsigned i = 0; i < count; i++) {
        snprintf(line, sizeof line, "queue_seconds:300|g|#queue:q%u", i);
        rig_statsd(rig, line);
    }
    rig_until(rig,
              count_of(as_chris(rig, "GET", "/v1/alarms?limit=500", NULL), "\"raised\"") == count);
}

static void what_is_open_comes_in_pages_and_each_once(void **state)
{
    struct rig *rig = *state;
    char found[2 * OPEN][64], first[OPEN][64];
    rig_start(rig);
    raise_queues(rig, OPEN);
    assert_int_equal(all_pages(rig, CHRIS_UID, 500, first, NULL), OPEN);
    for (unsigned limit = 1; limit <= OPEN + 1; limit++) {
        assert_int_equal(all_pages(rig, CHRIS_UID, limit, found, NULL), OPEN);
        for (size_t i = 0; i < OPEN; i++) {
            assert_string_equal(found[i], first[i]);
        }
    }
    assert_contains(as_chris(rig, "GET", "/v1/alarms?limit=6", NULL)->body, "\"more\":true");
    assert_contains(as_chris(rig, "GET", "/v1/alarms?limit=7", NULL)->body, "\"more\":false");
    rig_stop(rig);
}

/* The alarm of the page before gets an owner, and is as urgent as none; another calms down; one
 * more is raised. */
static void much_happens(struct rig *rig, char found[][64])
{
    static unsigned turn;
    char line[80];
    (void)as_chris(rig, "POST", alarm_path(found[turn % 3], "/ack"), "{}");
    snprintf(line, sizeof line, "queue_seconds:10|g|#queue:q%u", turn % 2);
    rig_statsd(rig, line);
    snprintf(line, sizeof line, "queue_seconds:300|g|#queue:new%u", turn++);
    if (turn <= 3) {
        rig_statsd(rig, line);
        snprintf(line, sizeof line, "new%u", turn - 1);
        rig_until(rig,
                  strstr(as_chris(rig, "GET", "/v1/alarms?limit=500", NULL)->body, line) != NULL);
    }
}

static void a_page_skips_and_repeats_nothing_while_alarms_come_and_go(void **state)
{
    struct rig *rig = *state;
    char found[OPEN + 8][64], stay[OPEN][64];
    rig_start(rig);
    raise_queues(rig, OPEN);
    assert_int_equal(all_pages(rig, CHRIS_UID, 500, stay, NULL), OPEN);
    size_t count = all_pages(rig, CHRIS_UID, 2, found, much_happens);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = i + 1; j < count; j++) {
            assert_string_not_equal(found[i], found[j]);
        }
    }
    for (size_t i = 0; i < OPEN; i++) { /* what is over was shown before */
        size_t times = 0;
        for (size_t j = 0; j < count; j++) {
            times += strcmp(stay[i], found[j]) == 0;
        }
        assert_int_equal(times, 1);
    }
    assert_int_equal(count, OPEN + 3);
    rig_stop(rig);
}

/* Ruth is told of "lying" alone; what is before, between and behind is not counted for him. */
static void pages_say_nothing_of_what_their_reader_may_not_see(void **state)
{
    struct rig *rig = *state;
    char receipt[64], found[OPEN][64], where[64] = "";
    rig_start(rig);
    raise_queues(rig, 2);
    assert_int_equal(rig_file(rig, 1, "lying", receipt), 201);
    rig_until(rig, count_of(as_uid(rig, RUTH, "GET", "/v1/alarms", NULL), "\"raised\"") == 1);
    rig_statsd(rig, "queue_seconds:300|g|#queue:q9");
    rig_until(rig, strstr(as_chris(rig, "GET", "/v1/alarms", NULL)->body, "\"q9\"") != NULL);
    assert_int_equal(open_page(rig, RUTH, 1, where, found), 1);
    assert_string_equal(where, "");
    assert_contains(as_uid(rig, RUTH, "GET", "/v1/alarms?limit=1", NULL)->body, "\"more\":false");
    assert_int_equal(open_page(rig, CHRIS_UID, 3, where, found), 3);
    assert_string_equal(where, "");
    rig_stop(rig);
}

/* ---- filing again ---- */

/* Leo, "danger" and "lying" are gone, and so is chris' token. */
static void take_away(struct rig *rig, char people[1024])
{
    snprintf(people, 1024,
             "people = ( { name = \"maria\"; uid = %u; },\n"
             "  { name = \"chris\"; channels = ( { channel = \"first\"; } ); },\n"
             "  { name = \"dana\"; channels = ( { channel = \"dana\"; } ); },\n"
             "  { name = \"ruth\"; independent = true; channels = ( { channel = \"ruth\"; } ); },\n"
             "  { name = \"noah\"; independent = true; channels = ( { channel = \"noah\"; } ); },\n"
             "  { name = \"ines\"; operator = true; channels = ( { channel = \"ines\"; } ); } );\n"
             "teams = ( { name = \"it\"; members = [ \"ines\" ]; } );\n",
             getuid());
    rig->words.people = people;
    rig->words.guide =
        "categories = ( { name = \"question\"; title = \"A customer waits\"; guidance = \"solve\";"
        " due = \"3d\"; severity = \"info\"; policy = \"leaders\"; } );\n";
    rig->words.rules = "rules = ( );\n";
    rig_write_config(rig);
    rig_signal(rig, SIGHUP);
    rig_until(rig, rig_logged(rig, "the new configuration holds"));
}

static void filing_body(unsigned n, const char *more, char body[400])
{
    snprintf(body, 400,
             "{\"key\":\"%032x\",\"category\":\"danger\",\"customer\":\"customer-%u\","
             "\"text\":\"text-%u\",\"strike\":[\"leo\"]%s}",
             n, n, n, more);
}

static void assert_known(struct rig *rig, unsigned n, const char *more, const char *receipt)
{
    char body[400];
    filing_body(n, more, body);
    const struct rig_reply *reply = rig_post(rig, "/v1/incidents", body);
    if (reply->status != 200) {
        fail_msg("filing %u again: %d %s", n, reply->status, reply->body);
    }
    json_t *answer = rig_json(reply);
    assert_string_equal(json_string_value(json_object_get(answer, "receipt")), receipt);
    assert_string_equal(json_string_value(json_object_get(answer, "level")), "raise");
    assert_true(json_is_true(json_object_get(answer, "already")));
    json_decref(answer);
}

static void a_filing_sent_again_is_known_whatever_a_reload_took_away(void **state)
{
    struct rig *rig = *state;
    char receipts[2][64], body[400], people[1024];
    rig_start(rig);
    for (unsigned i = 0; i < 2; i++) { /* the first is history, the second is open */
        filing_body(i + 1, "", body);
        json_t *answer = rig_json(rig_post(rig, "/v1/incidents", body));
        snprintf(receipts[i], 64, "%s", json_string_value(json_object_get(answer, "receipt")));
        json_decref(answer);
        if (i == 0) {
            const char *id = first_id(as_chris(rig, "GET", "/v1/alarms", NULL));
            assert_int_equal(as_chris(rig, "POST", alarm_path(id, "/resolve"), "{}")->status, 200);
            rig_until(rig, count_of(as_chris(rig, "GET", "/v1/alarms?state=closed", NULL),
                                    "\"ended\"") == 1);
        }
    }
    take_away(rig, people);
    for (int again = 0; again < 2; again++) {
        for (unsigned i = 0; i < 2; i++) {
            assert_known(rig, i + 1, "", receipts[i]);
            assert_known(rig, i + 1, ",\"unheard\":1", receipts[i]);
        }
        /* A new one is checked as ever, and changes nothing. */
        filing_body(3, "", body);
        const struct rig_reply *reply = rig_post(rig, "/v1/incidents", body);
        assert_int_equal(reply->status, 422);
        assert_contains(reply->body, "#/category");
        assert_contains(reply->body, "#/strike");
        rig_stop(rig);
        rig_again(rig);
    }
    assert_int_equal(receiver_matches(rig->receiver, NULL, "text-3"), 0);
    rig_stop(rig);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_closed_alarm_is_shown_with_its_filings_and_takes_no_more_deeds),
        TEST(who_may_not_see_a_closed_alarm_is_told_what_is_told_of_none),
        TEST(closed_alarms_come_in_pages_and_each_once),
        TEST(what_is_open_comes_in_pages_and_each_once),
        TEST(a_page_skips_and_repeats_nothing_while_alarms_come_and_go),
        TEST(pages_say_nothing_of_what_their_reader_may_not_see),
        TEST(what_a_caller_may_not_see_takes_no_place_in_his_pages),
        TEST(before_bounds_open_and_closed_ones_and_nothing_else_is_a_time),
        TEST(a_filing_sent_again_is_known_whatever_a_reload_took_away),
    };
    signal(SIGPIPE, SIG_IGN);
    cmocka_set_test_filter(getenv("FA_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
