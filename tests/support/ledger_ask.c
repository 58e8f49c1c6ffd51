/* SPDX-License-Identifier: MIT */
/* The ledger at work: files, takes over, settles, and asks the running daemon. An answer that is no
 * success is searched for canaries, whatever it was an answer to. Alarms are asked for as everybody
 * who leads; beyond the list's limit each one is asked for by its id, as far as messages named it.
 */
#include "ledger.h"

#include <signal.h>
#include <unistd.h>

#define LIST_MAX 500

/* Users. */
#define CHRIS 2005
#define DANA  2006
#define INES  2007
#define RUTH  2009

static const unsigned leaders[] = {CHRIS, DANA, RUTH, INES};
#define LEADERS (sizeof leaders / sizeof leaders[0])

static const struct rig_reply *ask(struct ledger *ledger, struct rig *rig,
                                   const struct rig_call *call)
{
    const struct rig_reply *reply = rig_ask(rig, call);
    if (reply->status / 100 >= 4) {
        ledger_scan(ledger, "an error's text", LEDGER_WORDS | LEDGER_SECRETS, reply->body,
                    strlen(reply->body));
    }
    return reply;
}

/* ---- deeds ---- */

void ledger_put_body(const struct ledger *ledger, unsigned n, char body[LEDGER_BODY_MAX])
{
    const struct ledger_filing *filing = &ledger->filings[n - 1];
    char about[80] = "";
    assert_true(n >= 1 && n <= ledger->filing_count);
    if (filing->about[0] != '\0') {
        snprintf(about, sizeof about, ",\"about\":[\"%s\"]", filing->about);
    }
    snprintf(body, LEDGER_BODY_MAX,
             "{\"key\":\"%032x\",\"category\":\"%s\",\"customer\":\"" LEDGER_CANARY " %u\","
             "\"text\":\"text-%u " LEDGER_CANARY "\"%s}",
             n, filing->category, n, n, about);
}

int ledger_file(struct ledger *ledger, struct rig *rig, unsigned n)
{
    char body[LEDGER_BODY_MAX];
    ledger_put_body(ledger, n, body);
    const struct rig_reply *reply = ask(
        ledger, rig,
        &(struct rig_call){
            .method = "POST", .path = "/v1/incidents", .body = body, .guard_ms = ledger->guard_ms});
    const char *at = strstr(reply->body, "\"receipt\":\"");
    if (reply->status / 100 == 2 && at != NULL) {
        char receipt[64];
        snprintf(receipt, sizeof receipt, "%.*s", (int)strcspn(at + 11, "\""), at + 11);
        ledger_note_receipt(ledger, n, receipt);
    }
    return reply->status;
}

int ledger_own(struct ledger *ledger, struct rig *rig, const char *alarm, const char *person,
               unsigned uid)
{
    char path[128];
    snprintf(path, sizeof path, "/v1/alarms/%s/ack", alarm);
    int status = ask(ledger, rig,
                     &(struct rig_call){.method = "POST",
                                        .path = path,
                                        .body = "{\"for\":\"4h\"}",
                                        .uid = uid,
                                        .guard_ms = ledger->guard_ms})
                     ->status;
    if (status == 200) {
        ledger_note_owner(ledger, alarm, person);
    }
    return status;
}

const char *ledger_alarm_of(struct ledger *ledger, struct rig *rig, unsigned n)
{
    assert_true(n >= 1 && n <= ledger->filing_count);
    ledger_take_deliveries(ledger, rig);
    return ledger->filings[n - 1].alarm;
}

unsigned ledger_first_told(const struct ledger *ledger, unsigned n)
{
    assert_true(n >= 1 && n <= ledger->filing_count);
    return ledger->filings[n - 1].about[0] != '\0' ? RUTH : CHRIS;
}

int ledger_take_over(struct ledger *ledger, struct rig *rig, unsigned n)
{
    unsigned uid = ledger_first_told(ledger, n);
    return ledger_own(ledger, rig, ledger_alarm_of(ledger, rig, n), uid == RUTH ? "ruth" : "chris",
                      uid);
}

/* ---- the daemon's word ---- */

static time_t time_of(const json_t *value)
{
    struct tm tm = {0};
    const char *text = json_string_value(value);
    return text != NULL && strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) != NULL ? timegm(&tm) : 0;
}

static void copy_text(const json_t *object, const char *name, char *buf, size_t size)
{
    const char *text = json_string_value(json_object_get(object, name));
    snprintf(buf, size, "%s", text != NULL ? text : "");
}

static void note(struct ledger *ledger, const json_t *item)
{
    struct ledger_alarm alarm = {
        .listed = true,
        .step = (unsigned)json_integer_value(json_object_get(item, "step")),
        .loop = (unsigned)json_integer_value(json_object_get(item, "loop")),
        .next = time_of(json_object_get(item, "next")),
        .promised = json_is_string(json_object_get(item, "promised")),
    };
    copy_text(item, "id", alarm.id, sizeof alarm.id);
    copy_text(item, "state", alarm.state, sizeof alarm.state);
    copy_text(item, "owner", alarm.owner, sizeof alarm.owner);
    ledger_note_alarm(ledger, &alarm);
}

/* As one of those who lead; how many were listed, -1 without an answer. */
static long look_as(struct ledger *ledger, struct rig *rig, unsigned uid)
{
    const struct rig_reply *reply = ask(
        ledger, rig,
        &(struct rig_call){.method = "GET", .path = "/v1/alarms?state=all&limit=500", .uid = uid});
    if (reply->status != 200) {
        return -1;
    }
    json_t *root = rig_json(reply), *list = json_object_get(root, "alarms"), *item;
    size_t i;
    json_array_foreach(list, i, item)
    {
        note(ledger, item);
    }
    long listed = (long)json_array_size(list);
    json_decref(root);
    return listed;
}

/* One alarm with its filings; who may see it, says it. */
static void look_at(struct ledger *ledger, struct rig *rig, const char *id)
{
    char path[128];
    snprintf(path, sizeof path, "/v1/alarms/%s", id);
    for (size_t i = 0; i < LEADERS; i++) {
        const struct rig_reply *reply =
            ask(ledger, rig, &(struct rig_call){.method = "GET", .path = path, .uid = leaders[i]});
        if (reply->status == 200) {
            json_t *root = rig_json(reply), *item;
            size_t k;
            note(ledger, root);
            json_array_foreach(json_object_get(root, "filings"), k, item)
            {
                const char *text = json_string_value(json_object_get(item, "text"));
                unsigned n = text != NULL && strncmp(text, "text-", 5) == 0
                                 ? (unsigned)strtoul(text + 5, NULL, 10)
                                 : 0;
                if (n >= 1 && n <= ledger->filing_count) {
                    copy_text(root, "id", ledger->filings[n - 1].alarm,
                              sizeof ledger->filings[n - 1].alarm);
                }
            }
            json_decref(root);
            return;
        }
    }
}

void ledger_look(struct ledger *ledger, struct rig *rig)
{
    bool cut = false;
    if (getuid() != 0) {
        return; /* only root can call as somebody else */
    }
    ledger_take_deliveries(ledger, rig); /* first: what was told before the look */
    for (size_t i = 0; i < ledger->alarm_count; i++) {
        ledger->alarms[i].listed = false;
    }
    for (size_t i = 0; i < LEADERS; i++) {
        long listed = look_as(ledger, rig, leaders[i]);
        ledger->asked_alarms |= listed >= 0;
        cut |= listed >= LIST_MAX;
    }
    for (unsigned n = 1; cut && n <= ledger->filing_count; n++) {
        if (ledger->filings[n - 1].alarm[0] != '\0') {
            look_at(ledger, rig, ledger->filings[n - 1].alarm);
        }
    }
    ledger->now = time(NULL) + ledger->ahead;
}

static void ask_status(struct ledger *ledger, struct rig *rig, struct ledger_filing *filing)
{
    char body[128];
    snprintf(body, sizeof body, "{\"receipt\":\"%s\"}", filing->receipt);
    const struct rig_reply *reply =
        ask(ledger, rig, &(struct rig_call){.method = "POST", .path = "/v1/status", .body = body});
    filing->known = reply->status == 200;
    if (filing->known) {
        json_t *root = rig_json(reply);
        const char *state = json_string_value(json_object_get(root, "state"));
        filing->open = state != NULL && strcmp(state, "closed") != 0;
        filing->due = json_is_string(json_object_get(root, "due"));
        json_decref(root);
    }
}

/* Which alarm has the filings that no message has named. */
static void ask_unnamed(struct ledger *ledger, struct rig *rig)
{
    bool unnamed = false;
    for (size_t i = 0; i < ledger->filing_count; i++) {
        unnamed |= ledger->filings[i].alarm[0] == '\0' && ledger->filings[i].known;
    }
    size_t count = ledger->alarm_count;
    for (size_t i = 0; unnamed && i < count; i++) {
        look_at(ledger, rig, ledger->alarms[i].id);
    }
}

/* Of which alarms messages wait; false: of none. */
static bool look_at_outbox(struct ledger *ledger, struct rig *rig)
{
    const struct rig_reply *reply =
        ask(ledger, rig, &(struct rig_call){.method = "GET", .path = "/v1/outbox", .uid = INES});
    if (reply->status != 200) {
        return false;
    }
    json_t *root = rig_json(reply), *item;
    bool any = false;
    size_t i;
    for (size_t k = 0; k < ledger->alarm_count; k++) {
        ledger->alarms[k].messages = false;
    }
    json_array_foreach(json_object_get(root, "notifications"), i, item)
    {
        char id[32];
        copy_text(item, "alarm", id, sizeof id);
        for (size_t k = 0; k < ledger->alarm_count; k++) {
            bool is_of = strcmp(ledger->alarms[k].id, id) == 0;
            ledger->alarms[k].messages |= is_of;
            any |= is_of;
        }
    }
    json_decref(root);
    return any;
}

/* What an alarm that came after the settling has to say is on its way; what stays, waits. */
static void ask_outbox(struct ledger *ledger, struct rig *rig)
{
    int64_t until = rig_ms() + (ledger->may_wait ? 0 : ledger->patience_ms);
    while (look_at_outbox(ledger, rig) && rig_ms() < until) {
        rig_pause();
    }
}

/* Whom an open filing is about sees no alarm of it: victor is the one that the rig has for this. */
static void ask_as_subject(struct ledger *ledger, struct rig *rig)
{
    const struct rig_reply *reply =
        ask(ledger, rig,
            &(struct rig_call){.method = "GET", .path = "/v1/alarms?state=all", .uid = 2002});
    for (size_t i = 0; reply->status == 200 && i < ledger->filing_count; i++) {
        const struct ledger_filing *filing = &ledger->filings[i];
        if (strcmp(filing->about, "victor") == 0 && filing->alarm[0] != '\0' &&
            strstr(reply->body, filing->alarm) != NULL) {
            ledger_scan(ledger, "the subject's list", LEDGER_WORDS, LEDGER_CANARY,
                        strlen(LEDGER_CANARY));
        }
    }
}

static void scan_process(struct ledger *ledger, pid_t pid, const char *name)
{
    char path[64], text[65536];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    FILE *file = fopen(path, "re");
    if (file != NULL) {
        size_t len = fread(text, 1, sizeof text, file);
        fclose(file);
        ledger_scan(ledger, name, LEDGER_ALL, text, len);
    }
}

/* Errors that invite the words back, the numbers for everybody, what ps shows. */
static void ask_for_leaks(struct ledger *ledger, struct rig *rig)
{
    static const char *const wrong[] = {
        "{\"key\":\"" LEDGER_CANARY "\",\"category\":\"" LEDGER_CANARY "\",\"text\":\"\"}",
        "{\"text\": \"" LEDGER_CANARY,
    };
    for (size_t i = 0; i < 2; i++) { /* what it says to the one who said it is no leak */
        (void)rig_post(rig, "/v1/incidents", wrong[i]);
    }
    (void)ask(ledger, rig,
              &(struct rig_call){.method = "GET",
                                 .path = "/v1/guide",
                                 .header = "Authorization: Bearer " LEDGER_CANARY "\r\n"});
    unsigned port = rig_port(rig, "metrics");
    const struct rig_reply *reply =
        rig_ask(rig, &(struct rig_call){.method = "GET", .path = "/metrics", .port = port});
    ledger_scan(ledger, "/metrics", LEDGER_ALL, reply->body, strlen(reply->body));
    pid_t courier = rig_courier_now(rig);
    scan_process(ledger, rig->pid, "cmdline");
    scan_process(ledger, rig->pid, "environ");
    if (courier > 0) {
        scan_process(ledger, courier, "cmdline");
        scan_process(ledger, courier, "environ");
    }
}

void ledger_ask(struct ledger *ledger, struct rig *rig)
{
    for (size_t i = 0; i < ledger->filing_count; i++) {
        if (ledger->filings[i].receipt[0] != '\0') {
            ask_status(ledger, rig, &ledger->filings[i]);
        }
    }
    ledger_look(ledger, rig);
    if (ledger->asked_alarms) {
        ask_unnamed(ledger, rig);
        ask_outbox(ledger, rig);
        ask_as_subject(ledger, rig);
    }
    ask_for_leaks(ledger, rig);
}

/* ---- settling ---- */

/* What grows while something moves. */
static size_t progress(struct ledger *ledger, struct rig *rig, bool *ret_done)
{
    size_t answered = 0, told = 0;
    ledger_take_deliveries(ledger, rig);
    *ret_done = true;
    for (unsigned n = 1; n <= ledger->filing_count; n++) {
        struct ledger_filing *filing = &ledger->filings[n - 1];
        if (filing->receipt[0] == '\0') {
            (void)ledger_file(ledger, rig, n);
        } else if (!filing->delivered && !filing->known) {
            ask_status(ledger, rig, filing); /* with a date of its own it tells nobody yet */
        }
        answered += filing->receipt[0] != '\0';
        told += filing->delivered;
        *ret_done &= filing->receipt[0] != '\0' && (filing->delivered || filing->due);
    }
    double outbox = rig_metric(rig, "firealarm_outbox");
    *ret_done &= outbox == 0;
    return answered + told + ledger->received;
}

void ledger_settle(struct ledger *ledger, struct rig *rig)
{
    int64_t until = rig_ms() + ledger->patience_ms;
    size_t before = 0;
    bool done = false;
    while (!done && rig_ms() < until) {
        size_t now = progress(ledger, rig, &done);
        if (now > before) {
            before = now;
            until = rig_ms() + ledger->patience_ms;
        }
        if (!done) {
            rig_pause();
        }
    }
}

/* ---- all of it ---- */

static void say(const char *what, long counted, const char *first)
{
    if (counted > 0) {
        print_error("%ld %s: %s\n", counted, what, first);
    }
}

void ledger_check(struct ledger *ledger, struct rig *rig, struct ledger_result *ret_result)
{
    if (rig->pid == 0) {
        rig_again(rig);
    }
    ledger_settle(ledger, rig);
    ledger_ask(ledger, rig);
    rig_signal(rig, SIGTERM);
    int status = rig_wait(rig);
    if (!rig->unclean && status != 0) {
        fail_msg("the daemon ended with wait status 0x%x", (unsigned)status);
    }
    ledger_take_deliveries(ledger, rig);
    ledger_read_files(ledger, rig);
    ledger_judge(ledger, ret_result);
    say("lost", ret_result->lost, ret_result->first_lost);
    say("missed", ret_result->missed, ret_result->first_missed);
    say("leaks", ret_result->leaks, ret_result->first_leak);
}
