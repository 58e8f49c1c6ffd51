/* SPDX-License-Identifier: MIT */
/* Alerts of other systems and what they mean, as a script: a time, an alert or its end, and the
 * signals that must follow, one line each. */
#include "fa_test.h"
#include "base/id.h"
#include "base/panic.h"
#include "rules/foreign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START INT64_C(1700000000000)
#define TEXT  4096

static struct fa_rule_match where[] = {
    {"alertname", "Slow"}, {"severity", "critical"}, {"severity", "page"}};
static char *per[] = {"queue"};
static const struct fa_rule each = {
    .name = "each", .is_alert = true, .alert = {.matches = where, .match_count = 3}};
static const struct fa_rule by_queue = {
    .name = "by_queue",
    .is_alert = true,
    .alert = {.matches = where, .match_count = 1, .per = per, .per_count = 1}};
static const struct fa_rule metric = {.name = "metric"};

struct room {
    struct fa_foreign *foreign;
    struct fa_now now;
    char said[TEXT];
    uint64_t members[FA_FOREIGN_MEMBERS_MAX];
    struct fa_source source; /* of the last signal; its text in details */
    char details[TEXT], labels[TEXT];
    fa_time since;
};

static void note(void *ctx, const struct fa_signal *signal)
{
    static const char *const levels[] = {"unknown", "clear", "firing"};
    struct room *room = ctx;
    size_t len = strlen(room->said);
    snprintf(room->said + len, sizeof room->said - len, "%s{%s} %s of %zu\n", signal->rule->name,
             signal->labels, levels[signal->level], signal->source->member_count);
    memcpy(room->members, signal->source->members,
           signal->source->member_count * sizeof room->members[0]);
    snprintf(room->details, sizeof room->details, "%s",
             signal->source->details != NULL ? signal->source->details : "");
    snprintf(room->labels, sizeof room->labels, "%s", signal->labels);
    room->source = (struct fa_source){room->details, room->members, signal->source->member_count};
    room->since = signal->since;
}

static void room_open(struct room *room, const struct fa_rule *rule, size_t alerts_max)
{
    const struct fa_rule *rules[] = {&metric, rule};
    memset(room, 0, sizeof *room);
    room->foreign = fa_foreign_new(rules, 2, alerts_max, 7);
    room->now.wall = START;
}

/* labels and annotations as "name=value,name=value". ends: after now, 0 for none, negative: it is
 * over. */
static int take(struct room *room, const char *labels, const char *annotations, fa_time ends)
{
    struct fa_label sets[2][80];
    size_t counts[2] = {0, 0}, rules = 99;
    char *copies[2] = {fa_xstrdup(labels), fa_xstrdup(annotations)};
    for (size_t k = 0; k < 2; k++) {
        for (char *rest = copies[k], *one; (one = strsep(&rest, ",")) != NULL && one[0] != '\0';) {
            char *value = strchr(one, '=');
            *value++ = '\0';
            sets[k][counts[k]++] = (struct fa_label){fa_str_of(one), fa_str_of(value)};
        }
    }
    struct fa_alert alert = {.labels = sets[0],
                             .annotations = sets[1],
                             .label_count = counts[0],
                             .annotation_count = counts[1],
                             .starts = room->now.wall - 1,
                             .ends = ends != 0 ? room->now.wall + ends : 0,
                             .resolved = ends < 0};
    int rc = fa_foreign_take(room->foreign, &alert, room->now, &rules);
    free(copies[0]);
    free(copies[1]);
    return rc;
}

static void run_and_expect(struct room *room, const char *said)
{
    room->said[0] = '\0';
    while (fa_foreign_run_some(room->foreign, room->now, 1, note, room)) {
    }
    assert_string_equal(room->said, said);
}

/* Everything due until then, then. */
static void pass(struct room *room, fa_time by, const char *said)
{
    fa_time until = room->now.wall + by, next;
    room->said[0] = '\0';
    while ((next = fa_foreign_next(room->foreign)) <= until) {
        room->now.wall = next > room->now.wall ? next : room->now.wall;
        (void)fa_foreign_run_some(room->foreign, room->now, SIZE_MAX, note, room);
    }
    room->now.wall = until;
    assert_string_equal(room->said, said);
}

#define A "alertname=Slow,queue=n,severity=page"
#define B "alertname=Slow,queue=n,severity=info"

static void an_alert_fires_is_renewed_and_is_over(void **state)
{
    struct room room;
    room_open(&room, &each, 0);
    assert_int_equal(take(&room, A, "summary=text", 4 * FA_MINUTE), 0);
    run_and_expect(&room, "each{alertname=\"Slow\",queue=\"n\",severity=\"page\"} firing of 1\n");
    assert_string_equal(room.details, "summary=\"text\"");
    assert_int_equal(room.since, START - 1);
    for (int i = 0; i < 20; i++) {
        pass(&room, FA_MINUTE, "");
        assert_int_equal(take(&room, A, "summary=other", 4 * FA_MINUTE), 0);
        run_and_expect(&room, "");
    }
    assert_int_equal(take(&room, A, "", -1), 0);
    run_and_expect(&room, "each{alertname=\"Slow\",queue=\"n\",severity=\"page\"} clear of 0\n");
    /* Said again for a quarter of an hour: no news. Then it is forgotten. */
    for (int i = 0; i < 15; i++) {
        pass(&room, FA_MINUTE, "");
        assert_int_equal(take(&room, A, "", -1), 0);
        run_and_expect(&room, "");
    }
    assert_int_equal(fa_foreign_count(room.foreign), 1);
    pass(&room, 20 * FA_MINUTE, "");
    assert_int_equal(fa_foreign_count(room.foreign), 0);
    assert_true(fa_foreign_next(room.foreign) == FA_NEVER);
    fa_foreign_free(room.foreign);
}

static void
without_renewal_it_is_unknown_at_its_end_and_after_five_minutes_without_one(void **state)
{
    struct room room;
    room_open(&room, &by_queue, 0);
    assert_int_equal(take(&room, A, "", FA_MINUTE), 0);
    run_and_expect(&room, "by_queue{queue=\"n\"} firing of 1\n");
    pass(&room, FA_MINUTE - 1, "");
    pass(&room, 1, "by_queue{queue=\"n\"} unknown of 1\n");
    assert_int_equal(take(&room, A, "", 0), 0);
    run_and_expect(&room, "by_queue{queue=\"n\"} firing of 1\n");
    pass(&room, 5 * FA_MINUTE - 1, "");
    pass(&room, 1, "by_queue{queue=\"n\"} unknown of 1\n");
    /* A week later it is forgotten and nothing is said of it; its end is news even then. */
    pass(&room, 8 * FA_DAY, "");
    assert_int_equal(fa_foreign_count(room.foreign), 0);
    assert_int_equal(take(&room, A, "", -1), 0);
    run_and_expect(&room, "by_queue{queue=\"n\"} clear of 0\n");
    fa_foreign_free(room.foreign);
}

static void a_label_set_is_clear_only_when_each_of_its_alerts_is_over(void **state)
{
    struct room room;
    room_open(&room, &by_queue, 0);
    assert_int_equal(take(&room, A, "", FA_HOUR), 0);
    run_and_expect(&room, "by_queue{queue=\"n\"} firing of 1\n");
    assert_int_equal(take(&room, B, "", FA_MINUTE), 0);
    run_and_expect(&room, "by_queue{queue=\"n\"} firing of 2\n");
    pass(&room, FA_MINUTE, ""); /* one lapses: the other fires */
    assert_int_equal(take(&room, A, "", -1), 0);
    run_and_expect(&room, "by_queue{queue=\"n\"} unknown of 1\n");
    pass(&room, 30 * FA_MINUTE, "");
    assert_int_equal(fa_foreign_count(room.foreign), 1);
    assert_int_equal(take(&room, B, "", -1), 0);
    run_and_expect(&room, "by_queue{queue=\"n\"} clear of 0\n");
    fa_foreign_free(room.foreign);
}

static void what_lapsed_stays_as_long_as_another_of_its_label_set_is_known(void **state)
{
    struct room room;
    room_open(&room, &by_queue, 0);
    assert_int_equal(take(&room, A, "", 30 * FA_DAY), 0);
    assert_int_equal(take(&room, B, "", FA_MINUTE), 0);
    run_and_expect(&room, "by_queue{queue=\"n\"} firing of 2\n");
    pass(&room, 20 * FA_DAY, "");
    assert_int_equal(take(&room, A, "", -1), 0);
    run_and_expect(&room, "by_queue{queue=\"n\"} unknown of 1\n");
    fa_foreign_free(room.foreign);
}

static void a_rule_takes_what_fits_each_name_of_where_by_one_of_its_values(void **state)
{
    static const struct {
        const char *labels;
        bool fits;
    } rows[] = {
        {"alertname=Slow,severity=page", true},  {"alertname=Slow,severity=critical,x=y", true},
        {"alertname=Slow,severity=info", false}, {"alertname=Slow", false},
        {"alertname=Fast,severity=page", false}, {"severity=page", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct room room;
        room_open(&room, &each, 0);
        assert_int_equal(take(&room, rows[i].labels, "", FA_MINUTE), 0);
        assert_int_equal(fa_foreign_count(room.foreign), rows[i].fits);
        assert_int_equal(fa_foreign_untaken(room.foreign, 0) == NULL, rows[i].fits);
        fa_foreign_free(room.foreign);
    }
}

static void names_that_no_rule_takes_are_remembered_once(void **state)
{
    struct room room;
    char labels[40];
    room_open(&room, &each, 0);
    for (int i = 0; i < 3000; i++) {
        snprintf(labels, sizeof labels, "alertname=N%d", i / 2);
        assert_int_equal(take(&room, labels, "", FA_MINUTE), 0);
    }
    assert_string_equal(fa_foreign_untaken(room.foreign, 1), "N1");
    assert_string_equal(fa_foreign_untaken(room.foreign, 999), "N999");
    assert_null(fa_foreign_untaken(room.foreign, 1000));
    fa_foreign_free(room.foreign);
}

static void labels_that_are_none_are_refused(void **state)
{
    struct room room;
    char many[2000] = "alertname=Slow", *at = many + strlen(many);
    room_open(&room, &each, 0);
    assert_int_equal(take(&room, "alertname=Slow,x=\x01", "", FA_MINUTE), FA_EINVAL);
    for (int i = 0; i < 64; i++) {
        at += sprintf(at, ",l%d=v", i);
    }
    assert_int_equal(take(&room, many, "", FA_MINUTE), FA_ETOOBIG);
    fa_foreign_free(room.foreign);
}

static void texts_are_bounded_and_labels_go_before_annotations(void **state)
{
    struct room room;
    char annotations[8000] = "tabs=a\tb\r\nc,agent=annotation", *at;
    room_open(&room, &by_queue, 0);
    assert_int_equal(take(&room, A ",agent=label,version=2", annotations, FA_HOUR), 0);
    run_and_expect(&room, "by_queue{queue=\"n\"} firing of 1\n");
    assert_string_equal(room.details, "agent=\"label\",alertname=\"Slow\",severity=\"page\","
                                      "tabs=\"a b \\nc\",version=\"2\"");
    fa_foreign_free(room.foreign);
    room_open(&room, &by_queue, 0);
    at = annotations + sprintf(annotations, "first=1,long=");
    memset(at, 'x', 5000);
    at += 5000;
    for (int i = 0; i < 70; i++) {
        at += sprintf(at, ",a%02d=v", i);
    }
    assert_int_equal(take(&room, A, annotations, FA_HOUR), 0);
    run_and_expect(&room, "by_queue{queue=\"n\"} firing of 1\n");
    assert_true(strlen(room.details) < 3000);
    assert_non_null(strstr(room.details, "first=\"1\",long=\"xxx"));
    fa_foreign_free(room.foreign);
}

static void beyond_the_limit_of_one_label_set_it_does_not_clear_by_itself(void **state)
{
    struct room room;
    char labels[80];
    room_open(&room, &by_queue, 0);
    for (int i = 0; i < 300; i++) {
        snprintf(labels, sizeof labels, "alertname=Slow,queue=n,i=%d", i);
        assert_int_equal(take(&room, labels, "", FA_HOUR), i < 255 ? 0 : FA_EFULL);
    }
    run_and_expect(&room, "by_queue{queue=\"n\"} firing of 256\n");
    for (int i = 0; i < 255; i++) {
        snprintf(labels, sizeof labels, "alertname=Slow,queue=n,i=%d", i);
        assert_int_equal(take(&room, labels, "", -1), 0);
    }
    run_and_expect(&room, "by_queue{queue=\"n\"} unknown of 1\n");
    /* One that fires takes the place of one that is over. */
    assert_int_equal(take(&room, "alertname=Slow,queue=n,i=299", "", FA_HOUR), 0);
    run_and_expect(&room, "by_queue{queue=\"n\"} firing of 2\n");
    fa_foreign_free(room.foreign);
}

static void beyond_the_limit_of_all_alerts_new_ones_are_refused(void **state)
{
    struct room room;
    room_open(&room, &each, 2);
    assert_int_equal(take(&room, A, "", FA_HOUR), 0);
    assert_int_equal(take(&room, A ",x=1", "", FA_HOUR), 0);
    assert_int_equal(take(&room, A ",x=2", "", FA_HOUR), FA_EFULL);
    assert_int_equal(take(&room, A, "", FA_HOUR), 0);
    room.said[0] = '\0';
    (void)fa_foreign_run_some(room.foreign, room.now, SIZE_MAX, note, &room);
    assert_null(strstr(room.said, "x=\"2\""));
    assert_int_equal(fa_foreign_count(room.foreign), 2);
    fa_foreign_free(room.foreign);
}

static void what_was_active_is_unknown_after_a_restart_until_it_is_heard_of(void **state)
{
    struct room before, room;
    room_open(&before, &by_queue, 0);
    assert_int_equal(take(&before, A, "", FA_HOUR), 0);
    assert_int_equal(take(&before, B, "", FA_HOUR), 0);
    run_and_expect(&before, "by_queue{queue=\"n\"} firing of 2\n");
    room_open(&room, &by_queue, 0);
    fa_foreign_restore(room.foreign, "metric", before.labels, &before.source, room.now.wall);
    fa_foreign_restore(room.foreign, "gone", before.labels, &before.source, room.now.wall);
    fa_foreign_restore(room.foreign, "by_queue", before.labels, NULL, room.now.wall);
    assert_int_equal(fa_foreign_count(room.foreign), 0);
    for (int i = 0; i < 2; i++) { /* two rows of one identity are no four alerts */
        fa_foreign_restore(room.foreign, "by_queue", before.labels, &before.source, room.now.wall);
    }
    assert_int_equal(fa_foreign_count(room.foreign), 2);
    run_and_expect(&room, "");
    assert_int_equal(take(&room, A, "", 10 * FA_MINUTE), 0);
    run_and_expect(&room, "by_queue{queue=\"n\"} firing of 2\n");
    assert_int_equal(take(&room, A, "", -1), 0);
    run_and_expect(&room, "by_queue{queue=\"n\"} unknown of 1\n");
    assert_int_equal(take(&room, B, "", -1), 0);
    run_and_expect(&room, "by_queue{queue=\"n\"} clear of 0\n");
    fa_foreign_free(room.foreign);

    room_open(&room, &by_queue, 0);
    fa_foreign_restore(room.foreign, "by_queue", before.labels, &before.source, room.now.wall);
    pass(&room, FA_FOREIGN_RENEWED - 1, "");
    pass(&room, 1, "by_queue{queue=\"n\"} unknown of 2\n");
    fa_foreign_free(room.foreign);
    fa_foreign_free(before.foreign);
}

/* ---- against words that are kept as they came ---- */

#define QUEUES 2
#define AGENTS 3

struct word {
    bool known, fires; /* fires: as it was said last */
    fa_time until;
};

struct naive {
    struct word words[QUEUES][AGENTS];
    int told[QUEUES]; /* enum fa_level, -1: nothing was said */
    uint64_t members[QUEUES][AGENTS];
    size_t member_count[QUEUES];
};

static void note_naive(void *ctx, const struct fa_signal *signal)
{
    struct naive *naive = ctx;
    size_t queue = strcmp(signal->labels, "queue=\"0\"") != 0;
    naive->told[queue] = (int)signal->level;
    naive->member_count[queue] = signal->source->member_count;
    assert_true(signal->source->member_count <= AGENTS);
    for (size_t i = 0; i < signal->source->member_count; i++) {
        naive->members[queue][i] = signal->source->members[i];
    }
}

static int level_of(const struct naive *naive, size_t queue, fa_time now)
{
    int level = -1;
    for (size_t i = 0; i < AGENTS; i++) {
        const struct word *word = &naive->words[queue][i];
        int own = !word->known                       ? -1
                  : word->fires && word->until > now ? (int)FA_LEVEL_FIRING
                  : word->fires                      ? (int)FA_LEVEL_UNKNOWN
                                                     : (int)FA_LEVEL_CLEAR;
        bool worse = own == (int)FA_LEVEL_FIRING || level == -1 ||
                     (own == (int)FA_LEVEL_UNKNOWN && level == (int)FA_LEVEL_CLEAR);
        level = own != -1 && worse ? own : level;
    }
    return level;
}

/* What was active is handed over as after a restart: then nothing of it is known until it is said
 * again. */
static void restart_naive(struct room *room, struct naive *naive)
{
    fa_foreign_free(room->foreign);
    const struct fa_rule *rules[] = {&by_queue};
    room->foreign = fa_foreign_new(rules, 1, 0, 3);
    for (size_t q = 0; q < QUEUES; q++) {
        char labels[20];
        struct fa_source source = {NULL, naive->members[q], naive->member_count[q]};
        snprintf(labels, sizeof labels, "queue=\"%zu\"", q);
        bool active = naive->told[q] != -1 && naive->told[q] != (int)FA_LEVEL_CLEAR;
        if (active) {
            fa_foreign_restore(room->foreign, "by_queue", labels, &source, room->now.wall);
        }
        naive->told[q] = active ? (int)FA_LEVEL_UNKNOWN : -1;
        for (size_t i = 0; i < AGENTS; i++) {
            struct word *word = &naive->words[q][i];
            word->known = word->known && active && word->fires;
            word->until = 0;
        }
    }
}

static void random_words_over_restarts_mean_what_they_say(void **state)
{
    struct fa_rng rng = {{11, 12}};
    for (int world = 0; world < 300; world++) {
        struct naive naive = {.told = {-1, -1}};
        struct room room;
        room_open(&room, &by_queue, 0);
        for (int step = 0; step < 60; step++) {
            uint64_t draw = fa_rng_next(&rng);
            size_t q = draw % QUEUES, agent = draw / 16 % AGENTS;
            fa_time ends = (fa_time)(draw / 256 % 5) * FA_MINUTE;
            char labels[80];
            snprintf(labels, sizeof labels, "alertname=Slow,queue=%zu,agent=%zu", q, agent);
            if (draw / 4096 % 8 == 0) {
                restart_naive(&room, &naive);
            } else {
                bool over = draw / 65536 % 3 == 0;
                assert_int_equal(take(&room, labels, "", over ? -1 : ends), 0);
                naive.words[q][agent] = (struct word){
                    true, !over, room.now.wall + (ends > 0 ? ends : FA_FOREIGN_RENEWED)};
            }
            (void)fa_foreign_run_some(room.foreign, room.now, SIZE_MAX, note_naive, &naive);
            fa_time until = room.now.wall + (fa_time)(draw / 1048576 % 100) * FA_SECOND, next;
            while ((next = fa_foreign_next(room.foreign)) <= until) {
                room.now.wall = next > room.now.wall ? next : room.now.wall;
                (void)fa_foreign_run_some(room.foreign, room.now, SIZE_MAX, note_naive, &naive);
            }
            room.now.wall = until;
            for (size_t i = 0; i < QUEUES; i++) {
                assert_int_equal(naive.told[i], level_of(&naive, i, until));
            }
        }
        fa_foreign_free(room.foreign);
    }
}

static void a_label_set_that_is_forgotten_moves_no_other(void **state)
{
    static const char *const queues[] = {"a", "b", "c"};
    struct room room;
    char labels[80], said[80];
    room_open(&room, &by_queue, 0);
    for (size_t i = 0; i < 3; i++) {
        snprintf(labels, sizeof labels, "alertname=Slow,queue=%s", queues[i]);
        assert_int_equal(take(&room, labels, "", i == 0 ? -1 : 2 * FA_HOUR), 0);
    }
    run_and_expect(&room, "by_queue{queue=\"a\"} clear of 0\nby_queue{queue=\"b\"} firing of 1\n"
                          "by_queue{queue=\"c\"} firing of 1\n");
    pass(&room, FA_HOUR, ""); /* the first is forgotten */
    assert_int_equal(fa_foreign_count(room.foreign), 2);
    for (size_t i = 3; i-- > 0;) {
        snprintf(labels, sizeof labels, "alertname=Slow,queue=%s", queues[i]);
        snprintf(said, sizeof said, "by_queue{queue=\"%s\"} clear of 0\n", queues[i]);
        assert_int_equal(take(&room, labels, "", -1), 0);
        run_and_expect(&room, said);
    }
    assert_int_equal(fa_foreign_count(room.foreign), 3);
    fa_foreign_free(room.foreign);
}

static void fingerprints_are_those_of_alertmanager(void **state)
{
    static const struct {
        struct fa_label labels[3];
        size_t count;
        uint64_t print;
    } rows[] = {
        {{{{"alertname", 9}, {"T1", 2}},
          {{"severity", 8}, {"page", 4}},
          {{"x", 1}, {"\xc3\xbc \"q\"", 6}}},
         3,
         UINT64_C(0x6a5bc9091e790563)},
        {{{{"alertname", 9}, {"x", 1}}}, 1, UINT64_C(0xd240efc3896bf266)},
    };
    for (size_t i = 0; i < 2; i++) {
        struct fa_labels *set = NULL;
        assert_int_equal(fa_labels_new(rows[i].labels, rows[i].count, &set), 0);
        assert_true(fa_alert_fingerprint(set) == rows[i].print);
        fa_labels_free(set);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_alert_fires_is_renewed_and_is_over),
        cmocka_unit_test(
            without_renewal_it_is_unknown_at_its_end_and_after_five_minutes_without_one),
        cmocka_unit_test(a_label_set_is_clear_only_when_each_of_its_alerts_is_over),
        cmocka_unit_test(what_lapsed_stays_as_long_as_another_of_its_label_set_is_known),
        cmocka_unit_test(a_rule_takes_what_fits_each_name_of_where_by_one_of_its_values),
        cmocka_unit_test(names_that_no_rule_takes_are_remembered_once),
        cmocka_unit_test(labels_that_are_none_are_refused),
        cmocka_unit_test(texts_are_bounded_and_labels_go_before_annotations),
        cmocka_unit_test(beyond_the_limit_of_one_label_set_it_does_not_clear_by_itself),
        cmocka_unit_test(beyond_the_limit_of_all_alerts_new_ones_are_refused),
        cmocka_unit_test(what_was_active_is_unknown_after_a_restart_until_it_is_heard_of),
        cmocka_unit_test(random_words_over_restarts_mean_what_they_say),
        cmocka_unit_test(a_label_set_that_is_forgotten_moves_no_other),
        cmocka_unit_test(fingerprints_are_those_of_alertmanager),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
