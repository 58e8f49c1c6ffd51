/* SPDX-License-Identifier: MIT */
/* links: fa_ledger */
/* The oracle of tests of faults must be able to say no: each history here has one thing wrong, and
 * the ledger must say which; the history without a fault has none. */
#include "ledger.h"

#include "rig_company.h"

#include <time.h>

static struct received item(const char *path, const char *key, const char *body)
{
    struct received received = {.status = 200, .body = (char *)(uintptr_t)body};
    snprintf(received.path, sizeof received.path, "%s", path);
    snprintf(received.key, sizeof received.key, "%s", key);
    return received;
}

#define STEP1                                                                                      \
    "{\"kind\":\"alarm\",\"alarm\":{\"id\":\"A1\",\"step\":1,\"loop\":0},\"details\":\"text-1\"}"
#define STEP2                                                                                      \
    "{\"kind\":\"alarm\",\"alarm\":{\"id\":\"A1\",\"step\":2,\"loop\":0},\"details\":\"text-1\"}"
#define AGAIN                                                                                      \
    "{\"kind\":\"alarm\",\"alarm\":{\"id\":\"A2\",\"step\":1,\"loop\":0},\"details\":\"text-1\"}"
#define BATCH                                                                                      \
    "{\"type\":\"firealarm.batch\",\"notifications\":["                                            \
    "{\"key\":\"k1\",\"kind\":\"alarm\",\"alarm\":{\"id\":\"A1\",\"step\":1,\"loop\":0},"          \
    "\"details\":\"text-1\"},{\"key\":\"k8\"}]}"
#define OTHERS                                                                                     \
    "{\"kind\":\"alarm\",\"alarm\":{\"id\":\"A9\",\"step\":1,\"loop\":0},\"details\":\"text-7\"}"

/* One filing about ines, answered, told to chris in step 1 and to dana in step 2; the alarm
 * stands at step 2. */
struct history {
    struct ledger *ledger;
    struct received items[8];
    size_t count;
    struct ledger_alarm alarm;
};

static void told(struct history *history, const char *path, const char *key, const char *body)
{
    struct received *next = &history->items[history->count++];
    *next = item(path, key, body);
    ledger_note_delivery(history->ledger, next);
}

static void begin(struct history *history)
{
    *history = (struct history){.ledger = ledger_new()};
    struct ledger *ledger = history->ledger;
    ledger->asked_alarms = true;
    ledger->now = time(NULL);
    unsigned n = ledger_add(ledger, "danger", "ines");
    ledger_note_receipt(ledger, n, "RRRR-1");
    ledger->filings[0].known = ledger->filings[0].open = true;
    history->alarm = (struct ledger_alarm){
        .id = "A1", .state = "unacknowledged", .step = 2, .listed = true, .next = ledger->now + 60};
}

enum doctored {
    NOTHING,
    RECEIPT_UNKNOWN,
    TWO_RECEIPTS,
    NEVER_TOLD_NO_ALARM,
    NEVER_TOLD_CLOSED,
    ALARM_GONE,
    NO_NEXT_STEP,
    OVERDUE,
    STEP_SKIPPED,
    LEVEL_FELL,
    TOLD_BEYOND_ITS_STEP,
    NO_FILING,
    ANOTHER_KEY,
    SAME_KEY,
    SAME_KEY_IN_A_BATCH,
    SAME_KEY_AFTER_REFUSAL,
    SUBJECT_TOLD,
    ASSISTANT_TOLD,
    SUBJECT_IN_LOG,
    SUBJECT_TOLD_BY_MAIL,
    OWNER_GONE,
    OWNER_STAYS,
    WORD_IN_LOG,
    RECEIPT_IN_LOG,
    SECRET_IN_LOG,
    CHAIN_BROKEN,
    STEP_IN_OUTBOX,
    STEP_STUCK_IN_OUTBOX,
    ANOTHER_ALARM,
};

static void doctor(struct history *history, enum doctored what)
{
    struct ledger *ledger = history->ledger;
    struct ledger_filing *filing = &ledger->filings[0];
    struct ledger_alarm before = history->alarm;
    struct received refused = item("/chris", "k3", STEP1);
    switch (what) {
    case RECEIPT_UNKNOWN:
        filing->known = false;
        break;
    case TWO_RECEIPTS:
        ledger_note_receipt(ledger, 1, "RRRR-2");
        break;
    case NEVER_TOLD_NO_ALARM:
    case ALARM_GONE:
        history->alarm.listed = false;
        break;
    case NEVER_TOLD_CLOSED:
        filing->open = history->alarm.listed = false;
        break;
    case NO_NEXT_STEP:
        history->alarm.next = 0;
        break;
    case OVERDUE:
        history->alarm.next = ledger->now - 60;
        break;
    case LEVEL_FELL:
        before.loop = 1;
        ledger_note_alarm(ledger, &before);
        break;
    case TOLD_BEYOND_ITS_STEP:
        history->alarm.step = 1;
        break;
    case NO_FILING:
        told(history, "/chris", "k9", OTHERS);
        break;
    case ANOTHER_KEY:
        told(history, "/chris", "k9", STEP1);
        break;
    case SAME_KEY:
        told(history, "/chris", "k1", STEP1);
        break;
    case SAME_KEY_IN_A_BATCH:
        told(history, "/chris", "batch", BATCH);
        break;
    case SAME_KEY_AFTER_REFUSAL:
        refused.status = 503;
        history->items[history->count] = refused;
        snprintf(history->items[history->count].path, 64, "/second");
        ledger_note_delivery(ledger, &history->items[history->count++]);
        told(history, "/second", "k3", STEP1);
        break;
    case SUBJECT_TOLD:
        told(history, "/ines", "k9", STEP1);
        break;
    case ASSISTANT_TOLD:
        snprintf(filing->about, sizeof filing->about, "victor");
        told(history, "/leo", "k9", STEP1);
        break;
    case SUBJECT_TOLD_BY_MAIL:
        history->items[history->count] =
            item("ines@acme.example", "k9",
                 "Content-Transfer-Encoding: base64\r\n\r\nVG9sZDogdGV4\r\ndC0xLg==\r\n--x--");
        history->items[history->count].mail = true;
        ledger_note_delivery(ledger, &history->items[history->count++]);
        break;
    case OWNER_GONE:
    case OWNER_STAYS:
        ledger_note_owner(ledger, "A1", "chris");
        snprintf(history->alarm.state, sizeof history->alarm.state, "%s",
                 what == OWNER_GONE ? "unacknowledged" : "acknowledged");
        snprintf(history->alarm.owner, sizeof history->alarm.owner, "%s",
                 what == OWNER_GONE ? "" : "chris");
        history->alarm.promised = what == OWNER_STAYS;
        break;
    case WORD_IN_LOG:
        ledger_scan(ledger, "log", LEDGER_ALL, "x " LEDGER_CANARY, 12);
        break;
    case SUBJECT_IN_LOG:
        ledger_scan(ledger, "log", LEDGER_ALL, "about victor", 12);
        break;
    case RECEIPT_IN_LOG:
        ledger_scan(ledger, "log", LEDGER_ALL, "by RRRR-1", 9);
        break;
    case SECRET_IN_LOG:
        ledger_scan(ledger, "log", LEDGER_ALL, RIG_TOKEN, strlen(RIG_TOKEN));
        break;
    case CHAIN_BROKEN:
        ledger->broken = 1;
        break;
    case STEP_IN_OUTBOX:
    case STEP_STUCK_IN_OUTBOX:
        history->alarm.messages = true;
        ledger->may_wait = what == STEP_IN_OUTBOX;
        break;
    case ANOTHER_ALARM:
        told(history, "/chris", "k9", AGAIN);
        break;
    case NOTHING:
    case STEP_SKIPPED:
    default:
        break;
    }
}

static void what_is_wrong_with_a_history_is_said(void **state)
{
    static const struct {
        enum doctored what;
        const char *name;
        long lost, missed, duplicates, leaks;
    } cases[] = {
        {NOTHING, "nothing", 0, 0, 0, 0},
        {RECEIPT_UNKNOWN, "an unknown receipt", 1, 0, 0, 0},
        {TWO_RECEIPTS, "two receipts", 1, 0, 0, 0},
        {NEVER_TOLD_NO_ALARM, "never told", 1, 0, 0, 0},
        {NEVER_TOLD_CLOSED, "never told and closed", 1, 0, 0, 0},
        {ALARM_GONE, "told, and its alarm is gone", 0, 1, 0, 0},
        {NO_NEXT_STEP, "no next step", 0, 1, 0, 0},
        {OVERDUE, "a step that is overdue", 0, 1, 0, 0},
        {STEP_SKIPPED, "a step that was skipped", 0, 1, 0, 0},
        {LEVEL_FELL, "a level that fell", 0, 1, 0, 0},
        {TOLD_BEYOND_ITS_STEP, "a step told that is forgotten", 0, 1, 0, 0},
        {NO_FILING, "a message without a filing", 0, 1, 0, 0},
        {ANOTHER_KEY, "one message under two keys", 0, 1, 0, 0},
        {SAME_KEY, "one message twice", 0, 0, 1, 0},
        {SAME_KEY_IN_A_BATCH, "one message alone and in a batch", 0, 0, 1, 0},
        {SAME_KEY_AFTER_REFUSAL, "a try after a refusal", 0, 0, 0, 0},
        {SUBJECT_TOLD, "a subject who was told", 0, 0, 0, 1},
        {ASSISTANT_TOLD, "bosses and an assistant who were told", 0, 0, 0, 3},
        {SUBJECT_IN_LOG, "a subject in the log", 0, 0, 0, 1},
        {SUBJECT_TOLD_BY_MAIL, "a subject who was told by mail", 0, 0, 0, 1},
        {OWNER_GONE, "an owner who is gone", 1, 0, 0, 0},
        {OWNER_STAYS, "an owner who stays", 0, 0, 0, 0},
        {WORD_IN_LOG, "a filing's word in the log", 0, 0, 0, 1},
        {RECEIPT_IN_LOG, "a receipt in the log", 0, 0, 0, 1},
        {SECRET_IN_LOG, "a secret in the log", 0, 0, 0, 1},
        {CHAIN_BROKEN, "a broken chain", 1, 0, 0, 0},
        {STEP_IN_OUTBOX, "a step that is being told", 0, 0, 0, 0},
        {STEP_STUCK_IN_OUTBOX, "a step that is not being told", 0, 1, 0, 0},
        {ANOTHER_ALARM, "one filing told by two alarms, one of them gone", 0, 2, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct history history;
        struct ledger_result result;
        enum doctored what = cases[i].what;
        begin(&history);
        if (what != NEVER_TOLD_NO_ALARM && what != NEVER_TOLD_CLOSED) {
            told(&history, "/chris", "k1", STEP1);
            if (what != STEP_SKIPPED && what != STEP_IN_OUTBOX && what != STEP_STUCK_IN_OUTBOX) {
                told(&history, "/dana", "k2", STEP2);
            }
        }
        doctor(&history, what);
        ledger_note_alarm(history.ledger, &history.alarm);
        ledger_judge(history.ledger, &result);
        if (result.lost != cases[i].lost || result.missed != cases[i].missed ||
            result.duplicates != cases[i].duplicates || result.leaks != cases[i].leaks) {
            fail_msg("%s: lost %ld (%s), missed %ld (%s), duplicates %ld (%s), leaks %ld (%s)",
                     cases[i].name, result.lost, result.first_lost, result.missed,
                     result.first_missed, result.duplicates, result.first_duplicate, result.leaks,
                     result.first_leak);
        }
        assert_true((result.lost > 0) == (result.first_lost[0] != '\0') || what == CHAIN_BROKEN);
        assert_true((result.missed > 0) == (result.first_missed[0] != '\0'));
        assert_true((result.leaks > 0) == (result.first_leak[0] != '\0'));
        ledger_free(history.ledger);
    }
}

static void who_is_too_near_to_somebody_is_known_by_where_they_read(void **state)
{
    static const struct {
        const char *about, *reader;
        bool out;
    } cases[] = {
        {"", "/first", false},
        {"victor", "/victor", true},
        {"victor", "/first", true},        /* his manager, */
        {"victor", "chris@acme.ex", true}, /* by mail, */
        {"victor", "/dana", true},         /* and hers */
        {"victor", "/ruth", false},        /* she is independent */
        {"victor", "/leo", true},          /* his assistant */
        {"victor", "/vera", true},         /* his deputy */
        {"victor", "/tess", true},         /* works for one who works for him */
        {"victor", "/ines", false},
        {"victor", "/nobody", false},
        {"chris", "/second", true},
        {"chris", "/victor", true},
        {"chris", "/tess", true},
        {"chris", "/leo", false}, /* another's assistant */
        {"ruth", "/dana", true},
        {"ruth", "/leo", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (rig_company_keeps_out(cases[i].about, cases[i].reader) != cases[i].out) {
            fail_msg("%s, about \"%s\"", cases[i].reader, cases[i].about);
        }
    }
}

static void results_of_several_stores_add_up(void **state)
{
    struct ledger_result sum = {0};
    struct ledger_result one = {.lost = 1, .duplicates = 2, .receipts = 3, .first_lost = "this"};
    struct ledger_result two = {.lost = 1, .leaks = 1, .first_lost = "that", .first_leak = "word"};
    ledger_sum(&sum, &one);
    ledger_sum(&sum, &two);
    assert_int_equal(sum.lost, 2);
    assert_int_equal(sum.duplicates, 2);
    assert_int_equal(sum.leaks, 1);
    assert_int_equal(sum.receipts, 3);
    assert_string_equal(sum.first_lost, "this");
    assert_string_equal(sum.first_leak, "word");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_with_a_history_is_said),
        cmocka_unit_test(who_is_too_near_to_somebody_is_known_by_where_they_read),
        cmocka_unit_test(results_of_several_stores_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
