/* SPDX-License-Identifier: MIT */
/* links: fa_daemon_rig fa_api PkgConfig::LIBSODIUM */
/* needs: fa_daemon_programs */
/* The pages of a running daemon: the link in a message owns an alarm with the code and with nothing
 * else, in every case that a mailbox, a scanner, a thief or a tired person can make of it. */
#include "page_rig.h"

#include "api/link.h"
#include "base/id.h"

#include <signal.h>
#include <sodium.h>
#include <string.h>
#include <time.h>

/* Victor and chris at once, then dana. */
static const char two_then_dana[] =
    "policies = (\n"
    "  { name = \"leaders\"; steps = ( { targets = [ \"victor\", \"chris\" ]; wait = \"15m\"; },\n"
    "      { targets = [ \"dana\" ]; wait = \"1h\"; } ); },\n"
    "  { name = \"independent\"; steps = ( { targets = [ \"ruth\" ]; wait = \"4h\"; },\n"
    "      { targets = [ \"independent\" ]; wait = \"12h\"; } ); },\n"
    "  { name = \"operators\"; steps = ( { targets = [ \"ines\" ]; wait = \"30m\"; } ); }\n"
    ");\n";

static void start(struct rig *rig)
{
    rig->words.listeners = page_listeners;
    rig->words.policies = two_then_dana;
    rig_start(rig);
}

static void raise_queue(struct rig *rig, const char *queue)
{
    char line[100];
    snprintf(line, sizeof line, "queue_seconds:300|g|#queue:%s", queue);
    rig_statsd(rig, line);
}

static const struct rig_reply *send_code(struct rig *rig, const struct page_link *link,
                                         const char *code, const char *seen, const char *more)
{
    char form[600];
    snprintf(form, sizeof form, "code=%s&seen=%s%s", code, seen, more);
    for (char *at = form; *at != '\0'; at++) {
        *at = *at == ' ' ? '+' : *at;
    }
    return page(rig, "POST", link->path, form);
}

static const struct rig_reply *type_code(struct rig *rig, const struct page_link *link,
                                         const char *code)
{
    char seen[40];
    hidden(page(rig, "GET", link->path, NULL), "seen", seen, sizeof seen);
    return send_code(rig, link, code, seen, "");
}

static void wrong_code(const struct page_link *link, char buf[8])
{
    snprintf(buf, 8, "%s", link->code);
    buf[6] = buf[6] == '9' ? '0' : (char)(buf[6] + 1);
}

static void assert_state(struct rig *rig, const char *rule, const char *state, const char *owner)
{
    json_t *alarm = alarm_now(rig, rule);
    assert_non_null(alarm);
    assert_string_equal(json_string_value(json_object_get(alarm, "state")), state);
    const char *who = json_string_value(json_object_get(alarm, "owner"));
    assert_string_equal(who != NULL ? who : "nobody", owner);
    json_decref(alarm);
}

static long long number_now(struct rig *rig, const char *rule, const char *member)
{
    json_t *alarm = alarm_now(rig, rule);
    long long number = json_integer_value(json_object_get(alarm, member));
    json_decref(alarm);
    return number;
}

static void text_now(struct rig *rig, const char *rule, const char *member, char buf[64])
{
    json_t *alarm = alarm_now(rig, rule);
    const char *text = json_string_value(json_object_get(alarm, member));
    snprintf(buf, 64, "%s", text != NULL ? text : "");
    json_decref(alarm);
}

/* A message without any, but with the other way. */
static void assert_has_no_link(const char *body)
{
    char text[200];
    text_member(body, "ack_url", text, sizeof text);
    assert_string_equal(text, "");
    text_member(body, "ack_code", text, sizeof text);
    assert_string_equal(text, "");
    text_member(body, "how_to_ack", text, sizeof text);
    assert_has(text, "firealarm ack ");
}

/* ---- tests ---- */

static void no_method_but_a_post_with_the_code_owns_it(void **state)
{
    static const char *const methods[] = {"GET",   "HEAD",     "OPTIONS",   "PUT",   "DELETE",
                                          "PATCH", "PROPFIND", "UNHEARDOF", "TRACE", "GET"};
    static const char *const fields[] = {"Cache-Control: no-store",
                                         "Referrer-Policy: no-referrer",
                                         "Content-Security-Policy: default-src 'none'; style-src "
                                         "'sha256-",
                                         "frame-ancestors 'none'",
                                         "X-Robots-Tag: noindex",
                                         "X-Content-Type-Options: nosniff",
                                         "Content-Type: text/html; charset=utf-8"};
    struct rig *rig = *state;
    start(rig);
    raise_queue(rig, "north");
    struct page_link link = link_of(rig, "/first", "north");
    assert_null(strstr(link.token, link.code));
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        const struct rig_reply *reply = page(rig, methods[i], link.path, NULL);
        bool read = strcmp(methods[i], "GET") == 0 || strcmp(methods[i], "HEAD") == 0;
        assert_int_equal(reply->status / 100, read ? 2 : reply->status >= 500 ? 5 : 4);
        assert_lacks(reply->body, link.code);
        assert_state(rig, "queue-slow", "unacknowledged", "nobody");
    }
    const struct rig_reply *reply = page(rig, "GET", link.path, NULL);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        assert_has(reply->head, fields[i]);
    }
    assert_in_range(strlen(reply->body), 1000, 14 * 1024);
    assert_lacks(reply->body, "<script");
    assert_lacks(reply->body, "http:");
    assert_lacks(reply->body, "https:");
    assert_has(reply->body, "north answers in 5 min");
    assert_has(reply->body, "Chris Olsen");
    assert_int_equal(type_code(rig, &link, link.code)->status, 200);
    assert_state(rig, "queue-slow", "acknowledged", "chris");
    rig_stop(rig);
}

static void no_code_is_no_try_and_five_wrong_ones_lock_and_climb(void **state)
{
    static const char *const none[] = {"",    "+", "12345", "1234567", "abcdef", "%F0%9F%94%A5",
                                       "test"};
    struct rig *rig = *state;
    char wrong[8];
    start(rig);
    raise_queue(rig, "north");
    struct page_link link = link_of(rig, "/first", "north");
    wrong_code(&link, wrong);
    for (unsigned round = 0; round < 3; round++) {
        for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
            assert_int_equal(type_code(rig, &link, none[i])->status, 422);
        }
    }
    assert_int_equal(page(rig, "POST", link.path, "")->status, 422);
    for (unsigned tries = 1; tries <= 4; tries++) {
        assert_int_equal(type_code(rig, &link, wrong)->status, 403);
        assert_int_equal(number_now(rig, "queue-slow", "step"), 1);
    }
    /* A restart gives no new tries. */
    rig_stop(rig);
    rig_again(rig);
    const struct rig_reply *reply = type_code(rig, &link, wrong);
    assert_int_equal(reply->status, 403);
    assert_has(reply->body, "This link is locked");
    assert_has(reply->body, "gone on to others");
    rig_until(rig, receiver_find(rig->receiver, "/dana", "north") != NULL);
    rig_until(rig, receiver_find(rig->receiver, "/ines", "wrong codes were typed") != NULL);
    assert_int_equal(number_now(rig, "queue-slow", "step"), 2);
    rig_stop(rig);
    rig_again(rig);
    for (unsigned i = 0; i < 2; i++) { /* the right one comes too late, by each message of his */
        reply = send_code(rig, &link, link.code, "", "");
        assert_int_equal(reply->status, 403);
        assert_has(reply->body, "This link is locked");
        assert_has(page(rig, "GET", link.path, NULL)->body, "This link is locked");
    }
    assert_state(rig, "queue-slow", "unacknowledged", "nobody");
    struct page_link other = link_of(rig, "/dana", "north");
    assert_int_equal(type_code(rig, &other, other.code)->status, 200);
    assert_state(rig, "queue-slow", "acknowledged", "dana");
    rig_stop(rig);
}

static void a_silenced_one_is_locked_and_nobody_says_that_it_climbs(void **state)
{
    struct rig *rig = *state;
    char wrong[8];
    start(rig);
    raise_queue(rig, "north");
    struct page_link link = link_of(rig, "/first", "north");
    wrong_code(&link, wrong);
    struct rig_call call = {.method = "POST",
                            .path = "/v1/silences",
                            .body = "{\"where\": [\"rule=queue-slow\"], \"for\": \"2h\", "
                                    "\"reason\": \"new switch\"}",
                            .header = "Authorization: Bearer " RIG_TOKEN "\r\n"};
    assert_int_equal(rig_ask(rig, &call)->status, 201);
    for (unsigned tries = 1; tries <= 4; tries++) {
        assert_int_equal(type_code(rig, &link, wrong)->status, 403);
    }
    for (unsigned i = 0; i < 2; i++) { /* the fifth, and whoever looks later */
        const struct rig_reply *reply =
            i == 0 ? type_code(rig, &link, wrong) : page(rig, "GET", link.path, NULL);
        assert_has(reply->body, "This link is locked");
        assert_has(reply->body, "it takes none any more");
        assert_lacks(reply->body, "gone on to others");
    }
    assert_int_equal(number_now(rig, "queue-slow", "step"), 1);
    rig_stop(rig);
}

/* What comes later to somebody whose links are locked has none: it would open a page that says no.
 */
static void who_is_locked_gets_no_link_in_what_is_sent_later(void **state)
{
    struct rig *rig = *state;
    char wrong[8];
    start(rig);
    raise_queue(rig, "north");
    struct page_link chris = link_of(rig, "/first", "north");
    struct page_link victor = link_of(rig, "/victor", "north");
    wrong_code(&chris, wrong);
    for (unsigned tries = 0; tries < 5; tries++) {
        assert_int_equal(type_code(rig, &chris, wrong)->status, 403);
    }
    rig_statsd(rig, "queue_seconds:10|g|#queue:north");
    rig_until(rig, receiver_find(rig->receiver, "/first", "\"kind\":\"returned\"") != NULL);
    const char *body = receiver_find(rig->receiver, "/first", "\"kind\":\"returned\"")->body;
    assert_has_no_link(body); /* that way is open all the same */
    /* Victor typed nothing wrong: his message has his link, and it opens. */
    struct page_link later = link_of(rig, "/victor", "\"kind\":\"returned\"");
    assert_string_equal(later.code, victor.code);
    assert_int_equal(page(rig, "GET", later.path, NULL)->status, 200);
    rig_stop(rig);
}

static void set_queue(struct rig *rig, bool is_slow, const char *state)
{
    char now[64];
    rig_statsd(rig,
               is_slow ? "queue_seconds:300|g|#queue:north" : "queue_seconds:10|g|#queue:north");
    rig_until(rig, (text_now(rig, "queue-slow", "state", now), strcmp(now, state) == 0));
}

/* The fifth change makes it flapping: the calm after it is not told before it has stayed. seen: of
 * the page while it fired. */
static struct page_link flap_until_calm(struct rig *rig, char seen[40])
{
    start(rig);
    raise_queue(rig, "north");
    (void)link_of(rig, "/first", "north");
    for (unsigned i = 0; i < 2; i++) {
        set_queue(rig, false, "returned");
        set_queue(rig, true, "unacknowledged");
    }
    struct page_link link = link_of(rig, "/first", "flapping");
    hidden(page(rig, "GET", link.path, NULL), "seen", seen, 40);
    set_queue(rig, false, "returned");
    return link;
}

static void who_owns_it_in_a_calm_that_was_not_told_reads_that_it_is_closed(void **state)
{
    struct rig *rig = *state;
    char seen[40];
    struct page_link link = flap_until_calm(rig, seen);
    const struct rig_reply *reply = send_code(rig, &link, link.code, seen, "&for=2h");
    assert_int_equal(reply->status, 200);
    assert_has(reply->body, "It is closed in your name: it is calm now.");
    assert_lacks(reply->body, "promised");
    assert_string_equal(rig_alarm(rig, "queue-slow"), "");
    assert_int_equal(receiver_matches(rig->receiver, "/first", "\"kind\":\"returned\""), 2);
    rig_stop(rig);
}

static void a_program_that_owns_it_in_a_calm_that_was_not_told_reads_so(void **state)
{
    struct rig *rig = *state;
    char seen[40], path[80];
    (void)flap_until_calm(rig, seen);
    snprintf(path, sizeof path, "/v1/alarms/%s/ack", rig_alarm(rig, "queue-slow"));
    const struct rig_call call = {.method = "POST",
                                  .path = path,
                                  .body = "{\"for\":\"2h\"}",
                                  .header = "Authorization: Bearer " RIG_TOKEN "\r\n"};
    json_t *json = rig_json(rig_ask(rig, &call));
    assert_string_equal(json_string_value(json_object_get(json, "state")), "resolved");
    assert_true(json_is_true(json_object_get(json, "calm")));
    assert_true(json_is_null(json_object_get(json, "promised")));
    json_decref(json);
    assert_int_equal(rig_ask(rig, &call)->status, 409);
    assert_int_equal(receiver_matches(rig->receiver, "/first", "\"kind\":\"returned\""), 2);
    raise_queue(rig, "south"); /* what fires is owned as ever */
    rig_until(rig, rig_alarm(rig, "queue-slow")[0] != '\0');
    snprintf(path, sizeof path, "/v1/alarms/%s/ack", rig_alarm(rig, "queue-slow"));
    json = rig_json(rig_ask(rig, &call));
    assert_string_equal(json_string_value(json_object_get(json, "state")), "acknowledged");
    assert_true(json_is_false(json_object_get(json, "calm")));
    assert_true(json_is_string(json_object_get(json, "promised")));
    json_decref(json);
    rig_stop(rig);
}

static void one_given_after_its_level_has_passed_owns_and_tells_those_called_meanwhile(void **state)
{
    struct rig *rig = *state;
    char wrong[8];
    start(rig);
    raise_queue(rig, "north");
    struct page_link chris = link_of(rig, "/first", "north");
    struct page_link victor = link_of(rig, "/victor", "north");
    assert_string_not_equal(chris.code, victor.code);
    assert_string_not_equal(chris.token, victor.token);
    wrong_code(&victor, wrong);
    for (unsigned tries = 0; tries < 5; tries++) {
        type_code(rig, &victor, wrong);
    }
    rig_until(rig, receiver_find(rig->receiver, "/dana", "north") != NULL);
    /* Codes and links are their owners'. */
    assert_int_equal(type_code(rig, &chris, victor.code)->status, 403);
    const struct rig_reply *reply = type_code(rig, &chris, chris.code);
    assert_int_equal(reply->status, 200);
    assert_has(reply->body, "Others were called after you");
    assert_state(rig, "queue-slow", "acknowledged", "chris");
    rig_until(rig, receiver_find(rig->receiver, "/dana", "\"acknowledged\"") != NULL);
    rig_until(rig, receiver_find(rig->receiver, "/victor", "\"acknowledged\"") != NULL);
    /* Whose alarm has an owner is asked for nothing. */
    char text[100];
    text_member(receiver_find(rig->receiver, "/dana", "\"acknowledged\"")->body, "ack_url", text,
                sizeof text);
    assert_string_equal(text, "");
    rig_stop(rig);
}

static void a_used_link_shows_how_it_stands_and_an_old_form_takes_it_from_nobody(void **state)
{
    struct rig *rig = *state;
    char seen[40], until[64], later[64];
    start(rig);
    raise_queue(rig, "north");
    struct page_link chris = link_of(rig, "/first", "north"),
                     victor = link_of(rig, "/victor", "north");
    hidden(page(rig, "GET", chris.path, NULL), "seen", seen, sizeof seen);
    const struct rig_reply *reply =
        send_code(rig, &chris, chris.code, seen, "&for=1h&word=I+%3Clook%3E+at+it");
    assert_int_equal(reply->status, 200);
    text_now(rig, "queue-slow", "promised", until);
    /* The same form again, as a browser sends it that is opened anew: nothing changes. */
    reply = send_code(rig, &chris, chris.code, seen, "&for=2h");
    assert_int_equal(reply->status, 409);
    assert_has(reply->body, "You own this alarm");
    text_now(rig, "queue-slow", "promised", later);
    assert_string_equal(until, later);
    assert_has(page(rig, "GET", chris.path, NULL)->body, "You own this alarm");
    /* Another promise, meant. */
    hidden(page(rig, "GET", chris.path, NULL), "seen", seen, sizeof seen);
    assert_int_equal(send_code(rig, &chris, chris.code, seen, "&for=2h")->status, 200);
    text_now(rig, "queue-slow", "promised", later);
    assert_string_not_equal(until, later);
    /* Victor sees who has it, and may take it over; then chris' old form does not take it back. */
    reply = page(rig, "GET", victor.path, NULL);
    assert_has(reply->body, "Chris Olsen owns this alarm until");
    hidden(page(rig, "GET", chris.path, NULL), "seen", seen, sizeof seen);
    assert_int_equal(type_code(rig, &victor, victor.code)->status, 200);
    assert_int_equal(send_code(rig, &chris, chris.code, seen, "")->status, 409);
    assert_state(rig, "queue-slow", "acknowledged", "victor");
    rig_stop(rig);
}

/* ---- links that open nothing ---- */

static void key_of(struct rig *rig, uint8_t key[32])
{
    uint8_t mac[32];
    char *text = NULL;
    assert_true(rig_has_text(rig_path(rig, "secrets/mac.key"), "", &text));
    assert_int_equal(fa_unhex((struct fa_str){text, 64}, mac, sizeof mac), 0);
    free(text);
    crypto_generichash(key, 32, (const unsigned char *)"links", 5, mac, sizeof mac);
}

struct bare_page {
    int status;
    char body[16 * 1024];
};

static struct bare_page bare(const struct rig_reply *reply)
{
    struct bare_page kept = {.status = reply->status};
    assert_true(strlen(reply->body) < sizeof kept.body);
    snprintf(kept.body, sizeof kept.body, "%s", reply->body);
    return kept;
}

static void assert_is_no(struct rig *rig, const char *token, const struct bare_page *no)
{
    char path[600];
    snprintf(path, sizeof path, "/a/%s", token);
    for (unsigned i = 0; i < 2; i++) {
        const struct rig_reply *reply =
            page(rig, i == 0 ? "GET" : "POST", path, i == 0 ? NULL : "code=123456&seen=");
        if (reply->status != no->status || strcmp(reply->body, no->body) != 0) {
            fail_msg("%s %s: %d\n%s", i == 0 ? "GET" : "POST", token, reply->status, reply->body);
        }
    }
}

static void a_promise_that_is_over_at_once_is_none(void **state)
{
    static const char *const times[] = {"1m", "1ms", "59s", "soon", "-1h"};
    struct rig *rig = *state;
    char form[64], seen[40];
    start(rig);
    raise_queue(rig, "north");
    struct page_link chris = link_of(rig, "/first", "north");
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        snprintf(form, sizeof form, "&for=%s", times[i]);
        hidden(page(rig, "GET", chris.path, NULL), "seen", seen, sizeof seen);
        const struct rig_reply *reply = send_code(rig, &chris, chris.code, seen, form);
        assert_int_equal(reply->status, 200);
        assert_has(reply->body, "You own it");
        assert_int_equal(strstr(reply->body, "cannot be promised") != NULL, i > 0);
        assert_state(rig, "queue-slow", "acknowledged", "chris");
    }
    rig_stop(rig);
}

static fa_time promised_now(struct rig *rig, const char *rule)
{
    char text[64];
    fa_time at = 0;
    text_now(rig, rule, "promised", text);
    assert_int_equal(fa_parse_time(fa_str_of(text), &at), 0);
    return at;
}

/* The form as it comes: whoever types the code and nothing else promises the severity's time. */
static void the_next_word_is_due_after_the_severity_s_time_unless_another_is_chosen(void **state)
{
    struct rig *rig = *state;
    rig->words.severities = "severities = ( { name = \"critical\"; ack_default = \"45m\";"
                            " ack_max = \"2h\"; }, { name = \"info\"; } );\n";
    start(rig);
    raise_queue(rig, "north");
    struct page_link link = link_of(rig, "/first", "north");
    const struct rig_reply *reply = page(rig, "GET", link.path, NULL);
    assert_has(reply->body, "You say more in 45 min.");
    assert_has(reply->body, "name=\"for\">\n<option value=\"\">45 min</option>\n");
    assert_has(reply->body, "<option value=\"2h\">");
    assert_lacks(reply->body, "<option value=\"4h\">");
    fa_time before = (fa_time)time(NULL) * FA_SECOND;
    assert_int_equal(type_code(rig, &link, link.code)->status, 200);
    fa_time after = ((fa_time)time(NULL) + 1) * FA_SECOND;
    assert_in_range(promised_now(rig, "queue-slow"), before + 45 * FA_MINUTE,
                    after + 45 * FA_MINUTE);
    rig_stop(rig);
}

/* Line i of the message in which they stand. */
static struct page_link link_in_line(struct rig *rig, const char *channel, size_t i, char alarm[64])
{
    static const char url[] = "https://alarm.example.com";
    struct page_link link = {0};
    const struct received *item = receiver_find(rig->receiver, channel, "\"kind\":\"digest\"");
    json_t *json = json_loads(item->body, 0, NULL);
    const json_t *line = json_array_get(json_object_get(json, "lines"), i);
    const char *at = json_string_value(json_object_get(line, "ack_url"));
    const char *code = json_string_value(json_object_get(line, "ack_code"));
    assert_true(at != NULL && code != NULL && strncmp(at, url, sizeof url - 1) == 0);
    snprintf(link.path, sizeof link.path, "%s", at + sizeof url - 1);
    snprintf(link.token, sizeof link.token, "%s", link.path + 3);
    snprintf(link.code, sizeof link.code, "%s", code);
    snprintf(alarm, 64, "%s", json_string_value(json_object_get(line, "alarm")));
    json_decref(json);
    return link;
}

static void assert_owner(struct rig *rig, const char *alarm, const char *owner)
{
    char path[120], text[64];
    snprintf(path, sizeof path, "/v1/alarms/%s", alarm);
    const struct rig_call call = {
        .method = "GET", .path = path, .header = "Authorization: Bearer " RIG_TOKEN "\r\n"};
    text_member(rig_ask(rig, &call)->body, "owner", text, sizeof text);
    assert_string_equal(text, owner);
}

static void each_line_of_a_digest_has_a_link_of_its_own(void **state)
{
    struct rig *rig = *state;
    char channel[300], receipt[64], alarms[2][64];
    struct page_link links[2];
    if (!rig_has_hooks()) {
        print_message("SKIPPED: built without test hooks\n");
        skip();
    }
    snprintf(channel, sizeof channel,
             "{ name = \"phone\"; plugin = \"webhook\"; allow_private = true; allow_plain = true;"
             " url = \"http://127.0.0.1:%u/phone\"; }",
             receiver_http(rig->receiver));
    rig->words.channels = channel;
    rig->words.chris = "{ channel = \"phone\"; }";
    start(rig);
    for (unsigned n = 1; n <= 7; n++) { /* two more than leave by themselves */
        assert_int_equal(rig_file(rig, n, "danger", receipt), 201);
    }
    rig_until(rig, receiver_matches(rig->receiver, "/phone", "\"kind\":\"alarm\"") == 5);
    rig_later(rig);
    rig_later(rig);
    rig_until(rig, receiver_find(rig->receiver, "/phone", "\"kind\":\"digest\"") != NULL);
    for (size_t i = 0; i < 2; i++) {
        links[i] = link_in_line(rig, "/phone", i, alarms[i]);
        assert_owner(rig, alarms[i], "(none)");
    }
    assert_string_not_equal(alarms[0], alarms[1]);
    assert_int_equal(type_code(rig, &links[0], links[1].code)->status, 403);
    assert_int_equal(type_code(rig, &links[0], links[0].code)->status, 200);
    assert_owner(rig, alarms[0], "chris");
    assert_owner(rig, alarms[1], "(none)");
    assert_int_equal(type_code(rig, &links[1], links[1].code)->status, 200);
    assert_owner(rig, alarms[1], "chris");
    rig_stop(rig);
}

static void what_opens_nothing_has_one_answer(void **state)
{
    struct rig *rig = *state;
    uint8_t key[32], other[32] = {7};
    char token[FA_LINK_TOKEN_SIZE];
    struct fa_link_to to, changed;
    start(rig);
    raise_queue(rig, "north");
    struct page_link link = link_of(rig, "/first", "north");
    struct bare_page no = bare(page(rig, "GET", "/a/nonsense", NULL));
    assert_int_equal(no.status, 404);
    key_of(rig, key);
    assert_int_equal(fa_link_parse(key, FA_LINK_ACK, fa_str_of(link.token), &to), 0);
    assert_string_equal(to.person, "chris");
    static const struct {
        const char *person;
        int64_t older;
        int purpose;
        bool other_key, other_alarm;
    } cases[] = {
        {"chris", 8 * FA_DAY, FA_LINK_ACK, false, false}, {"chris", 0, 2, false, false},
        {"chris", 0, FA_LINK_ACK, true, false},           {"chris", 0, FA_LINK_ACK, false, true},
        {"gone", 0, FA_LINK_ACK, false, false},           {"maria", 0, FA_LINK_ACK, false, false},
        {"noah", 0, FA_LINK_ACK, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        changed = to;
        snprintf(changed.person, sizeof changed.person, "%s", cases[i].person);
        changed.made -= cases[i].older;
        changed.alarm.id.bytes[0] ^= cases[i].other_alarm;
        assert_int_equal(fa_link_make(cases[i].other_key ? other : key,
                                      (enum fa_link_purpose)cases[i].purpose, &changed, token),
                         0);
        assert_is_no(rig, token, &no);
    }
    snprintf(token, sizeof token, "%s", link.token);
    token[20] ^= 1;
    assert_is_no(rig, token, &no);
    /* Six days are not too old. */
    changed = to;
    changed.made -= 6 * FA_DAY;
    assert_int_equal(fa_link_make(key, FA_LINK_ACK, &changed, token), 0);
    char path[400];
    snprintf(path, sizeof path, "/a/%s", token);
    assert_int_equal(page(rig, "GET", path, NULL)->status, 200);
    /* Closed: over. */
    assert_int_equal(type_code(rig, &link, link.code)->status, 200);
    char id[64], resolve[120];
    text_now(rig, "queue-slow", "id", id);
    snprintf(resolve, sizeof resolve, "/v1/alarms/%s/resolve", id);
    struct rig_call call = {.method = "POST",
                            .path = resolve,
                            .body = "{}",
                            .header = "Authorization: Bearer " RIG_TOKEN "\r\n"};
    assert_int_equal(rig_ask(rig, &call)->status, 200);
    assert_is_no(rig, link.token, &no);
    rig_stop(rig);
}

static void file_about(struct rig *rig, const char *about)
{
    char body[300];
    snprintf(
        body, sizeof body,
        "{\"key\":\"%032x\",\"category\":\"danger\",\"text\":\"unspeakable\",\"about\":[\"%s\"]}",
        77, about);
    assert_int_equal(rig_post(rig, "/v1/incidents", body)->status, 201);
}

/* The first of two colleagues says that the other is his friend: a reload makes noah chris' man. */
static void who_is_kept_out_since_then_sees_what_everybody_sees_of_a_dead_link(void **state)
{
    struct rig *rig = *state;
    char *config = NULL;
    start(rig);
    file_about(rig, "noah");
    struct page_link link = link_of(rig, "/first", "unspeakable");
    const struct rig_reply *reply = page(rig, "GET", link.path, NULL);
    assert_int_equal(reply->status, 200);
    assert_lacks(reply->body, "unspeakable"); /* not before the code was typed */
    struct bare_page no = bare(page(rig, "GET", "/a/nonsense", NULL));
    assert_true(rig_has_text(rig->config, "display = \"Noah Lind\"; operator", &config));
    char *at = strstr(config, "display = \"Noah Lind\"; operator");
    size_t before = (size_t)(at - config), size = strlen(config) + 100;
    char *changed = malloc(size);
    snprintf(changed, size, "%.*smanager = \"chris\"; %s", (int)before, config, at);
    FILE *file = fopen(rig->config, "we");
    fputs(changed, file);
    fclose(file);
    free(changed);
    free(config);
    rig_signal(rig, SIGHUP);
    rig_until(rig, rig_logged(rig, "the new configuration holds"));
    assert_is_no(rig, link.token, &no);
    reply = send_code(rig, &link, link.code, "", "");
    assert_int_equal(reply->status, 404);
    assert_string_equal(reply->body, no.body);
    rig_stop(rig);
}

/* ---- who gets none ---- */

static void a_shared_channel_carries_no_persons_link(void **state)
{
    struct rig *rig = *state;
    char channels[400];
    snprintf(
        channels, sizeof channels,
        "{ name = \"room\"; plugin = \"webhook\"; shared = true; readers = [ \"chris\", \"dana\" ];"
        " allow_private = true; allow_plain = true; url = \"http://127.0.0.1:%u/room\"; }",
        receiver_http(rig->receiver));
    rig->words.channels = channels;
    rig->words.chris = "{ channel = \"room\"; }, { channel = \"second\"; }";
    start(rig);
    raise_queue(rig, "north");
    rig_until(rig, receiver_find(rig->receiver, "/room", "north") != NULL);
    const char *body = receiver_find(rig->receiver, "/room", "north")->body;
    assert_has_no_link(body);
    link_of(rig, "/victor", "north"); /* his own has one */
    rig_stop(rig);
}

static bool any_file_has(struct rig *rig, const char *word)
{
    char command[600];
    snprintf(command, sizeof command, "grep -rqaF -- '%s' '%s'", word, rig->dir);
    return system(command) == 0;
}

static void neither_link_nor_code_is_written_down_anywhere(void **state)
{
    struct rig *rig = *state;
    start(rig);
    raise_queue(rig, "north");
    struct page_link chris = link_of(rig, "/first", "north"),
                     victor = link_of(rig, "/victor", "north");
    assert_int_equal(type_code(rig, &chris, victor.code)->status, 403);
    assert_int_equal(type_code(rig, &chris, chris.code)->status, 200);
    assert_lacks(receiver_find(rig->receiver, "/victor", "north")->body, chris.token);
    struct rig_call call = {.method = "GET", .path = "/metrics", .port = rig_port(rig, "metrics")};
    const struct rig_reply *reply = rig_ask(rig, &call);
    assert_int_equal(reply->status, 200);
    assert_lacks(reply->body, chris.token);
    assert_lacks(reply->body, chris.code);
    rig_stop(rig);
    assert_true(any_file_has(rig, "queue-slow")); /* log, store, journal, checkpoint: all of it */
    assert_false(any_file_has(rig, chris.token));
    assert_false(any_file_has(rig, chris.code));
    assert_false(any_file_has(rig, victor.token));
}

static void without_an_address_messages_carry_no_link(void **state)
{
    struct rig *rig = *state;
    char text[100], own[2000];
    snprintf(own, sizeof own, "%.*s", (int)(strstr(page_listeners, "pages = {") - page_listeners),
             page_listeners);
    rig->words.listeners = own;
    rig_start(rig);
    assert_true(rig_logged(rig, "messages carry no link to own an alarm"));
    raise_queue(rig, "north");
    rig_until(rig, receiver_find(rig->receiver, "/first", "north") != NULL);
    text_member(receiver_find(rig->receiver, "/first", "north")->body, "ack_url", text,
                sizeof text);
    assert_string_equal(text, "");
    rig_stop(rig);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_method_but_a_post_with_the_code_owns_it),
        TEST(no_code_is_no_try_and_five_wrong_ones_lock_and_climb),
        TEST(a_silenced_one_is_locked_and_nobody_says_that_it_climbs),
        TEST(who_is_locked_gets_no_link_in_what_is_sent_later),
        TEST(who_owns_it_in_a_calm_that_was_not_told_reads_that_it_is_closed),
        TEST(a_program_that_owns_it_in_a_calm_that_was_not_told_reads_so),
        TEST(one_given_after_its_level_has_passed_owns_and_tells_those_called_meanwhile),
        TEST(a_used_link_shows_how_it_stands_and_an_old_form_takes_it_from_nobody),
        TEST(a_promise_that_is_over_at_once_is_none),
        TEST(the_next_word_is_due_after_the_severity_s_time_unless_another_is_chosen),
        TEST(each_line_of_a_digest_has_a_link_of_its_own),
        TEST(what_opens_nothing_has_one_answer),
        TEST(who_is_kept_out_since_then_sees_what_everybody_sees_of_a_dead_link),
        TEST(a_shared_channel_carries_no_persons_link),
        TEST(neither_link_nor_code_is_written_down_anywhere),
        TEST(without_an_address_messages_carry_no_link),
    };
    signal(SIGPIPE, SIG_IGN);
    cmocka_set_test_filter(getenv("FA_TEST"));
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
