/* SPDX-License-Identifier: MIT */
/* The ledger's memory and its judgement. Nothing here speaks to a daemon: what is judged is what
 * was noted, so that a test can feed it any history.
 * Filings are recognised in messages by the words "text-N"; in a mail, in its parts as a reader has
 * them. */
#include "ledger.h"

#include "base/err.h"
#include "rig_company.h"

#include <sodium.h>

#define GRACE_S 5 /* how late a step may be when it is looked at */

struct ledger *ledger_new(void)
{
    struct ledger *ledger = calloc(1, sizeof *ledger);
    assert_non_null(ledger);
    ledger->store = "store";
    ledger->patience_ms = RIG_GUARD_MS;
    ledger_secret(ledger, strchr(RIG_TOKEN, '.') + 1);
    return ledger;
}

void ledger_free(struct ledger *ledger)
{
    if (ledger != NULL) {
        for (size_t i = 0; i < ledger->delivery_count; i++) {
            free(ledger->deliveries[i].decoded);
        }
        free(ledger->filings);
        free(ledger->deliveries);
        free(ledger->alarms);
        free(ledger);
    }
}

void ledger_secret(struct ledger *ledger, const char *secret)
{
    assert_true(ledger->secret_count < sizeof ledger->secrets / sizeof ledger->secrets[0]);
    ledger->secrets[ledger->secret_count++] = secret;
}

static void *grow(void *items, size_t count, size_t *cap, size_t size)
{
    if (count == *cap) {
        *cap = *cap != 0 ? *cap * 2 : 64;
        items = realloc(items, *cap * size);
        assert_non_null(items);
    }
    return items;
}

/* ---- filings ---- */

unsigned ledger_add(struct ledger *ledger, const char *category, const char *about)
{
    ledger->filings =
        grow(ledger->filings, ledger->filing_count, &ledger->filing_cap, sizeof ledger->filings[0]);
    struct ledger_filing *filing = &ledger->filings[ledger->filing_count++];
    *filing = (struct ledger_filing){0};
    snprintf(filing->category, sizeof filing->category, "%s", category);
    snprintf(filing->about, sizeof filing->about, "%s", about != NULL ? about : "");
    return (unsigned)ledger->filing_count;
}

unsigned ledger_add_any(struct ledger *ledger, const char *category)
{
    return ledger_add(ledger, category, ledger->filing_count % 3 == 2 ? "victor" : NULL);
}

static struct ledger_filing *filing_of(const struct ledger *ledger, unsigned n)
{
    assert_true(n >= 1 && n <= ledger->filing_count);
    return &ledger->filings[n - 1];
}

void ledger_note_receipt(struct ledger *ledger, unsigned n, const char *receipt)
{
    struct ledger_filing *filing = filing_of(ledger, n);
    filing->changed |= filing->receipt[0] != '\0' && strcmp(filing->receipt, receipt) != 0;
    snprintf(filing->receipt, sizeof filing->receipt, "%s", receipt);
}

/* The next number in a message that speaks of a filing of ours; 0: none. */
static unsigned next_filing(const struct ledger *ledger, const char **at)
{
    while ((*at = strstr(*at, "text-")) != NULL) {
        const char *digit = *at + 5;
        unsigned long n = 0;
        for (; *digit != '\0' && n < 100000000; digit++) {
            if (*digit >= '0' && *digit <= '9') {
                n = n * 10 + (unsigned long)(*digit - '0');
            } else {
                break;
            }
        }
        *at = digit;
        if (n >= 1 && n <= ledger->filing_count) {
            return (unsigned)n;
        }
    }
    return 0;
}

/* ---- deliveries ---- */

static void copy_text(const json_t *object, const char *name, char *buf, size_t size)
{
    const char *text = json_string_value(json_object_get(object, name));
    snprintf(buf, size, "%s", text != NULL ? text : "");
}

static void read_webhook(const json_t *root, struct ledger_delivery *delivery)
{
    const json_t *alarm = json_object_get(root, "alarm");
    copy_text(root, "kind", delivery->kind, sizeof delivery->kind);
    /* The built-in body names the alarm alone. */
    copy_text(json_is_string(alarm) ? root : alarm, json_is_string(alarm) ? "alarm" : "id",
              delivery->alarm, sizeof delivery->alarm);
    delivery->step = (unsigned)json_integer_value(json_object_get(alarm, "step"));
    delivery->loop = (unsigned)json_integer_value(json_object_get(alarm, "loop"));
    if (json_is_string(json_object_get(root, "key"))) {
        copy_text(root, "key", delivery->key, sizeof delivery->key);
    }
}

/* The mail with each base64 part in clear; free(). */
static char *decode_mail(const char *mail)
{
    static const char mark[] = "base64\r\n\r\n";
    size_t cap = strlen(mail) + 1, len = 0;
    char *text = calloc(1, cap);
    assert_non_null(text);
    for (const char *part; (part = strstr(mail, mark)) != NULL; mail = part) {
        size_t plain = 0;
        part += sizeof mark - 1;
        memcpy(text + len, mail, (size_t)(part - mail));
        len += (size_t)(part - mail);
        const char *end = strstr(part, "\r\n--");
        size_t size = end != NULL ? (size_t)(end - part) : strlen(part);
        (void)sodium_base642bin((unsigned char *)text + len, cap - len - 1, part, size, "\r\n",
                                &plain, NULL, sodium_base64_VARIANT_ORIGINAL);
        len += plain;
        part += size;
    }
    memcpy(text + len, mail, strlen(mail));
    return text;
}

/* root: what it is as JSON, or NULL; decoded: its body when that is not the item's, taken. */
static void add_delivery(struct ledger *ledger, const struct received *item, const json_t *root,
                         char *decoded)
{
    ledger->deliveries = grow(ledger->deliveries, ledger->delivery_count, &ledger->delivery_cap,
                              sizeof ledger->deliveries[0]);
    struct ledger_delivery *delivery = &ledger->deliveries[ledger->delivery_count++];
    *delivery = (struct ledger_delivery){
        .path = item->path,
        .body = decoded != NULL ? decoded : item->body,
        .decoded = decoded,
        .mail = item->mail,
        .accepted = item->status / 100 == 2,
    };
    snprintf(delivery->key, sizeof delivery->key, "%s", item->key);
    read_webhook(root, delivery);
    const char *at = delivery->body;
    for (unsigned n; (n = next_filing(ledger, &at)) != 0;) {
        struct ledger_filing *filing = filing_of(ledger, n);
        delivery->filing = delivery->filing != 0 ? delivery->filing : n;
        filing->delivered |= delivery->accepted;
        if (delivery->alarm[0] != '\0') {
            snprintf(filing->alarm, sizeof filing->alarm, "%s", delivery->alarm);
        }
    }
}

void ledger_note_delivery(struct ledger *ledger, const struct received *item)
{
    json_t *root = item->mail ? NULL : json_loads(item->body, 0, NULL), *member;
    json_t *batch = json_object_get(root, "notifications");
    size_t i;
    if (batch == NULL) {
        add_delivery(ledger, item, root, item->mail ? decode_mail(item->body) : NULL);
    }
    json_array_foreach(batch, i, member)
    {
        add_delivery(ledger, item, member, json_dumps(member, JSON_COMPACT));
    }
    json_decref(root);
}

void ledger_take_deliveries(struct ledger *ledger, struct rig *rig)
{
    const struct received *item;
    while ((item = receiver_at(rig->receiver, ledger->received)) != NULL) {
        ledger_note_delivery(ledger, item);
        ledger->received++;
    }
}

/* ---- alarms ---- */

static struct ledger_alarm *find_alarm(const struct ledger *ledger, const char *id)
{
    for (size_t i = 0; i < ledger->alarm_count; i++) {
        if (strcmp(ledger->alarms[i].id, id) == 0) {
            return &ledger->alarms[i];
        }
    }
    return NULL;
}

static struct ledger_alarm *take_alarm(struct ledger *ledger, const char *id)
{
    struct ledger_alarm *alarm = find_alarm(ledger, id);
    if (alarm == NULL) {
        ledger->alarms =
            grow(ledger->alarms, ledger->alarm_count, &ledger->alarm_cap, sizeof ledger->alarms[0]);
        alarm = &ledger->alarms[ledger->alarm_count++];
        *alarm = (struct ledger_alarm){0};
        snprintf(alarm->id, sizeof alarm->id, "%s", id);
    }
    return alarm;
}

static bool is_lower(unsigned loop, unsigned step, unsigned than_loop, unsigned than_step)
{
    return loop != than_loop ? loop < than_loop : step < than_step;
}

void ledger_note_alarm(struct ledger *ledger, const struct ledger_alarm *seen)
{
    struct ledger_alarm *alarm = take_alarm(ledger, seen->id), before = *alarm;
    *alarm = *seen;
    alarm->fell = before.fell || is_lower(seen->loop, seen->step, before.loop, before.step);
    memcpy(alarm->confirmed, before.confirmed, sizeof alarm->confirmed);
}

void ledger_note_owner(struct ledger *ledger, const char *alarm, const char *person)
{
    struct ledger_alarm *owned = take_alarm(ledger, alarm);
    snprintf(owned->confirmed, sizeof owned->confirmed, "%s", person);
}

/* ---- canaries ---- */

static void leak(struct ledger *ledger, const char *where, const char *word)
{
    if (ledger->leaks++ == 0) {
        snprintf(ledger->first_leak, sizeof ledger->first_leak, "%s holds \"%s\"", where, word);
    }
}

void ledger_scan(struct ledger *ledger, const char *where, unsigned what, const char *bytes,
                 size_t len)
{
    /* The reporter, and who is a subject: their names as others would read them. */
    static const char *const names[] = {"maria", "Lopez", "victor", "Victor", "Brandt"};
    if ((what & LEDGER_WORDS) != 0 && memmem(bytes, len, LEDGER_CANARY, sizeof LEDGER_CANARY - 1)) {
        leak(ledger, where, LEDGER_CANARY);
    }
    for (size_t i = 0; (what & LEDGER_NAMES) != 0 && i < sizeof names / sizeof names[0]; i++) {
        if (memmem(bytes, len, names[i], strlen(names[i])) != NULL) {
            leak(ledger, where, names[i]);
        }
    }
    if ((what & LEDGER_SECRETS) == 0) {
        return;
    }
    for (size_t i = 0; i < ledger->secret_count; i++) {
        if (memmem(bytes, len, ledger->secrets[i], strlen(ledger->secrets[i])) != NULL) {
            leak(ledger, where, ledger->secrets[i]);
        }
    }
    for (size_t i = 0; i < ledger->filing_count && i < 16; i++) { /* one is like the other */
        const char *receipt = ledger->filings[i].receipt;
        if (receipt[0] != '\0' && memmem(bytes, len, receipt, strlen(receipt)) != NULL) {
            leak(ledger, where, receipt);
        }
    }
}

/* ---- judging ---- */

static void count(long *counter, char *first, const char *fmt, ...) FA_PRINTF(3, 4);
static void count(long *counter, char *first, const char *fmt, ...)
{
    if ((*counter)++ == 0) {
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(first, 256, fmt, ap);
        va_end(ap);
    }
}

static void judge_filing(const struct ledger *ledger, unsigned n, struct ledger_result *result)
{
    const struct ledger_filing *filing = filing_of(ledger, n);
    const struct ledger_alarm *alarm =
        filing->alarm[0] != '\0' ? find_alarm(ledger, filing->alarm) : NULL;
    bool listed = alarm != NULL && alarm->listed;
    if (filing->receipt[0] == '\0') {
        return;
    }
    result->receipts++;
    if (filing->changed) {
        count(&result->lost, result->first_lost, "filing %u has two receipts", n);
    } else if (!filing->known) {
        count(&result->lost, result->first_lost, "receipt %s of filing %u is not known",
              filing->receipt, n);
    } else if (!filing->delivered && !filing->open) {
        count(&result->lost, result->first_lost, "filing %u (%s): closed, and nobody was told", n,
              filing->receipt);
    } else if (!filing->delivered && filing->open && !filing->due && ledger->asked_alarms &&
               !listed) {
        count(&result->lost, result->first_lost,
              "filing %u (%s): no delivery, and no alarm has a deadline for it", n,
              filing->receipt);
    } else if (!filing->delivered && filing->open && !filing->due && !ledger->asked_alarms) {
        count(&result->lost, result->first_lost, "filing %u (%s): no delivery", n, filing->receipt);
    } else if (filing->open && !filing->due && ledger->asked_alarms && !listed) {
        count(&result->missed, result->first_missed, "filing %u: its alarm %s is gone", n,
              filing->alarm);
    }
}

static bool was_told(const struct ledger *ledger, const char *alarm, unsigned step)
{
    for (size_t i = 0; i < ledger->delivery_count; i++) {
        const struct ledger_delivery *delivery = &ledger->deliveries[i];
        bool of_step = delivery->step == step || delivery->step == 0;
        if (delivery->mail || (of_step && strcmp(delivery->alarm, alarm) == 0)) {
            return true; /* a mail does not say which step it is of, nor does a built-in body */
        }
    }
    return false;
}

/* Every step up to where it stands was told, or is about to be. */
static void judge_steps(const struct ledger *ledger, const struct ledger_alarm *alarm,
                        struct ledger_result *result)
{
    for (unsigned step = 1; step <= alarm->step && !alarm->messages; step++) {
        if (!was_told(ledger, alarm->id, step)) {
            count(&result->missed, result->first_missed, "alarm %s: nobody heard of step %u",
                  alarm->id, step);
        }
    }
}

static void judge_alarm(const struct ledger *ledger, const struct ledger_alarm *alarm,
                        struct ledger_result *result)
{
    bool closed = strcmp(alarm->state, "resolved") == 0;
    if (alarm->fell) {
        count(&result->missed, result->first_missed, "alarm %s went down to step %u, loop %u",
              alarm->id, alarm->step, alarm->loop);
    }
    if (alarm->confirmed[0] != '\0' && ledger->asked_alarms && !closed &&
        (!alarm->listed || strcmp(alarm->owner, alarm->confirmed) != 0 || !alarm->promised)) {
        count(&result->lost, result->first_lost,
              "alarm %s: \"%s\" was told to own it, it is \"%s\" and %s", alarm->id,
              alarm->confirmed, alarm->owner, alarm->listed ? alarm->state : "gone");
    }
    if (alarm->messages && !ledger->may_wait) {
        count(&result->missed, result->first_missed, "alarm %s: a message waits and nothing moves",
              alarm->id);
    }
    if (!alarm->listed || strcmp(alarm->state, "unacknowledged") != 0) {
        return;
    }
    if (alarm->next == 0) {
        count(&result->missed, result->first_missed, "alarm %s has no next step", alarm->id);
    } else if (alarm->next < ledger->now - GRACE_S) {
        count(&result->missed, result->first_missed, "alarm %s: its step is %lld s late", alarm->id,
              (long long)(ledger->now - alarm->next));
    }
    judge_steps(ledger, alarm, result);
}

/* By key and path; those of one key in the order in which they came. */
static int by_key(const void *left, const void *right)
{
    const struct ledger_delivery *a = *(const struct ledger_delivery *const *)left;
    const struct ledger_delivery *b = *(const struct ledger_delivery *const *)right;
    int order = strcmp(a->key, b->key);
    order = order != 0 ? order : strcmp(a->path, b->path);
    return order != 0 ? order : (a > b) - (a < b);
}

/* By what they say, then by key. */
static int by_message(const void *left, const void *right)
{
    const struct ledger_delivery *a = *(const struct ledger_delivery *const *)left;
    const struct ledger_delivery *b = *(const struct ledger_delivery *const *)right;
    int order = (a->filing > b->filing) - (a->filing < b->filing);
    order = order != 0 ? order : strcmp(a->path, b->path);
    order = order != 0 ? order : strcmp(a->kind, b->kind);
    order = order != 0 ? order : (a->loop > b->loop) - (a->loop < b->loop);
    order = order != 0 ? order : (a->step > b->step) - (a->step < b->step);
    return order != 0 ? order : strcmp(a->key, b->key);
}

/* The same step of the same filing told to the same place as another message, be it by another
 * alarm: its reader cannot know that they are one. */
static bool is_told_anew(const struct ledger_delivery *a, const struct ledger_delivery *b)
{
    return b->filing != 0 && strcmp(b->kind, "alarm") == 0 && a->filing == b->filing &&
           strcmp(a->path, b->path) == 0 && strcmp(a->kind, b->kind) == 0 && a->loop == b->loop &&
           a->step == b->step && strcmp(a->key, b->key) != 0;
}

static void judge_pairs(const struct ledger *ledger, struct ledger_result *result)
{
    size_t n = ledger->delivery_count;
    const struct ledger_delivery **list = malloc((n + 1) * sizeof(struct ledger_delivery *));
    assert_non_null(list);
    for (size_t i = 0; i < n; i++) {
        list[i] = &ledger->deliveries[i];
    }
    qsort(list, n, sizeof list[0], by_key);
    long times = n > 0 && list[0]->accepted; /* that the message was accepted so far */
    result->most = times;
    for (size_t i = 1; i < n; i++) {
        bool again = strcmp(list[i]->key, list[i - 1]->key) == 0 &&
                     strcmp(list[i]->path, list[i - 1]->path) == 0;
        if (again && times > 0) {
            count(&result->duplicates, result->first_duplicate, "%s came to %s again", list[i]->key,
                  list[i]->path);
        }
        times = (again ? times : 0) + list[i]->accepted;
        result->most = times > result->most ? times : result->most;
    }
    qsort(list, n, sizeof list[0], by_message);
    for (size_t i = 1; i < n; i++) {
        const struct ledger_delivery *a = list[i - 1], *b = list[i];
        if (is_told_anew(a, b)) {
            count(&result->missed, result->first_missed, "filing %u was told to %s under %s and %s",
                  b->filing, b->path, a->key, b->key);
        }
    }
    free(list);
}

static void judge_delivery(const struct ledger *ledger, const struct ledger_delivery *delivery,
                           struct ledger_result *result)
{
    const char *at = delivery->body;
    const struct ledger_alarm *alarm =
        delivery->alarm[0] != '\0' ? find_alarm(ledger, delivery->alarm) : NULL;
    bool of_filings = strstr(delivery->body, "text-") != NULL;
    if (of_filings && delivery->filing == 0 && !ledger->other_filings) {
        count(&result->missed, result->first_missed, "a message to %s without a filing: %.120s",
              delivery->path, delivery->body);
    }
    if (alarm != NULL && alarm->listed &&
        is_lower(alarm->loop, alarm->step, delivery->loop, delivery->step)) {
        count(&result->missed, result->first_missed,
              "alarm %s stands at step %u, but step %u was told", alarm->id, alarm->step,
              delivery->step);
    }
    for (unsigned n; (n = next_filing(ledger, &at)) != 0;) {
        const char *about = filing_of(ledger, n)->about;
        if (rig_company_keeps_out(about, delivery->path)) {
            count(&result->leaks, result->first_leak, "%s was told of filing %u about %s",
                  delivery->path, n, about);
        }
    }
}

void ledger_judge(const struct ledger *ledger, struct ledger_result *ret_result)
{
    *ret_result = (struct ledger_result){
        .filings = ledger->filing_count,
        .deliveries = ledger->delivery_count,
        .alarms = ledger->alarm_count,
        .lost = ledger->broken,
        .leaks = ledger->leaks,
    };
    snprintf(ret_result->first_lost, sizeof ret_result->first_lost, "%s", ledger->first_broken);
    snprintf(ret_result->first_leak, sizeof ret_result->first_leak, "%s", ledger->first_leak);
    for (unsigned n = 1; n <= ledger->filing_count; n++) {
        judge_filing(ledger, n, ret_result);
    }
    for (size_t i = 0; i < ledger->alarm_count; i++) {
        judge_alarm(ledger, &ledger->alarms[i], ret_result);
    }
    for (size_t i = 0; i < ledger->delivery_count; i++) {
        judge_delivery(ledger, &ledger->deliveries[i], ret_result);
    }
    judge_pairs(ledger, ret_result);
}

static void sum_one(long *counter, char *first, long one, const char *words)
{
    if (*counter == 0 && one > 0) {
        snprintf(first, 256, "%s", words);
    }
    *counter += one;
}

void ledger_sum(struct ledger_result *sum, const struct ledger_result *one)
{
    sum_one(&sum->lost, sum->first_lost, one->lost, one->first_lost);
    sum_one(&sum->missed, sum->first_missed, one->missed, one->first_missed);
    sum_one(&sum->duplicates, sum->first_duplicate, one->duplicates, one->first_duplicate);
    sum_one(&sum->leaks, sum->first_leak, one->leaks, one->first_leak);
    sum->most = one->most > sum->most ? one->most : sum->most;
    sum->filings += one->filings;
    sum->receipts += one->receipts;
    sum->deliveries += one->deliveries;
    sum->alarms += one->alarms;
}

void ledger_print(const struct ledger_result *result, const struct promise_row *row,
                  long duplicates_max)
{
    struct promise_row full = *row;
    full.lost = result->lost;
    full.missed = result->missed;
    full.duplicates = result->duplicates;
    full.leaks = result->leaks;
    print_message("%s: %zu filings, %zu receipts, %zu deliveries, %zu alarms\n", row->fault,
                  result->filings, result->receipts, result->deliveries, result->alarms);
    promise_print(&full);
    assert_true(result->receipts > 0 || result->alarms > 0);
    if (result->duplicates > duplicates_max) {
        fail_msg("%ld duplicates, %ld are allowed: %s", result->duplicates, duplicates_max,
                 result->first_duplicate);
    }
}
