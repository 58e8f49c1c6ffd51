/* links: fa_test_world */
/* SPDX-License-Identifier: MIT */
/* What is kept for `explain`: the record of evidence, its slots, and the diary. */
#include "alarms/evidence.h"
#include "fa_test.h"
#include "world.h"

#include <math.h>

static struct fa_evidence full(void)
{
    struct fa_evidence e = {
        .causes = FA_CAUSE_RAISED | FA_CAUSE_STEP,
        .at = 1000000,
        .level = FA_LEVEL_FIRING,
        .value = 312.5,
        .since = 999000,
        .for_ms = 1800000,
        .step = 2,
        .loop = 1,
        .rule = FA_STR("queue-slow"),
        .labels = FA_STR("queue=\"north\""),
        .has_rule = true,
        .expr = FA_STR("waiting > 120"),
        .full = FA_STR("max(x) > 120"),
        .now_value = 313,
        .has_above = true,
        .above = 120,
        .or_equal = true,
        .has_clear_below = true,
        .clear_below = 90,
        .over = 900000,
        .look_back = 300000,
        .newest = 999500,
        .covered_at = 888000,
        .samples = 42,
        .empty = FA_STR("y"),
        .reason = FA_STR("many-to-many"),
        .parts = {{.text = FA_STR("max(x) > 120"), .value = 312.5},
                  {.depth = 1,
                   .is_clear = true,
                   .text = FA_STR("x[5m]"),
                   .labels = FA_STR("a=\"b\""),
                   .value = (double)NAN,
                   .samples = 7}},
        .part_count = 2,
        .points = {{998000, 5, 7}, {999500, 312.5, 312.5}},
        .point_count = 2,
        .bucketed = true,
    };
    return e;
}

static void encode(const struct fa_evidence *e, struct fa_buf *buf)
{
    fa_buf_clear(buf);
    fa_evidence_encode_head(e, buf);
    fa_evidence_encode_rule(e, buf);
}

static void evidence_reads_back_as_it_was_meant(void **state)
{
    struct fa_evidence e = full(), back;
    struct fa_buf buf;
    fa_buf_init(&buf, 1 << 20);
    encode(&e, &buf);
    assert_int_equal(fa_evidence_decode(fa_buf_str(&buf), &back), 0);
    assert_true(back.causes == e.causes && back.at == e.at && back.level == e.level);
    assert_true(back.value == 312.5 && back.since == 999000 && back.for_ms == 1800000);
    assert_true(back.step == 2 && back.loop == 1 && back.has_rule && !back.cut);
    assert_true(fa_str_is(back.rule, "queue-slow") && fa_str_is(back.labels, "queue=\"north\""));
    assert_true(fa_str_is(back.expr, "waiting > 120") && fa_str_is(back.full, "max(x) > 120"));
    assert_true(back.now_value == 313 && back.has_above && back.above == 120);
    assert_true(!back.has_below && !back.has_clear_above && back.or_equal);
    assert_true(back.has_clear_below && back.clear_below == 90);
    assert_true(back.over == 900000 && back.look_back == 300000 && back.newest == 999500);
    assert_true(back.covered_at == 888000 && back.samples == 42 && back.bucketed);
    assert_true(fa_str_is(back.empty, "y") && fa_str_is(back.reason, "many-to-many"));
    assert_true(back.part_count == 2 && back.parts[0].value == 312.5);
    assert_true(back.parts[1].depth == 1 && back.parts[1].samples == 7 && back.parts[1].is_clear);
    assert_true(isnan(back.parts[1].value) && fa_str_is(back.parts[1].text, "x[5m]"));
    assert_true(fa_str_is(back.parts[1].labels, "a=\"b\"") && !back.parts[0].is_clear);
    assert_true(back.point_count == 2 && back.points[0].at == 998000);
    assert_true(back.points[0].min == 5 && back.points[0].last == 7);
    assert_true(back.points[1].min == 312.5 && back.points[1].last == 312.5);
    fa_buf_done(&buf);
}

static void what_the_rules_did_not_say_is_not_there(void **state)
{
    struct fa_evidence e = full(), back;
    struct fa_buf buf;
    fa_buf_init(&buf, 1 << 20);
    e.has_rule = false;
    e.value = (double)NAN;
    encode(&e, &buf);
    assert_int_equal(fa_evidence_decode(fa_buf_str(&buf), &back), 0);
    assert_true(!back.has_rule && back.expr.len == 0 && back.point_count == 0 && isnan(back.value));
    fa_buf_done(&buf);
}

/* Whatever the texts and lists are like, a row keeps within its bound and says that it was cut. */
static void evidence_is_bounded_in_bytes(void **state)
{
    static char text[100000];
    struct fa_evidence e = full(), back;
    struct fa_buf buf;
    fa_buf_init(&buf, 1 << 20);
    for (size_t i = 0; i + 1 < sizeof text; i += 2) {
        memcpy(text + i, "\xc3\xa9", 2);
    }
    const struct fa_str longest = {text, sizeof text};
    e.rule = e.labels = e.expr = e.full = e.empty = e.reason = longest;
    for (e.part_count = 0; e.part_count < FA_EVIDENCE_PARTS; e.part_count++) {
        e.parts[e.part_count] =
            (struct fa_evidence_part){99, true, longest, longest, 1.5, UINT64_MAX};
    }
    for (e.point_count = 0; e.point_count < FA_EVIDENCE_POINTS; e.point_count++) {
        e.points[e.point_count] = (struct fa_evidence_point){INT64_C(1) << 51, 1.5, 2.5};
    }
    encode(&e, &buf);
    assert_in_range(buf.len, FA_EVIDENCE_BYTES_MAX / 2, FA_EVIDENCE_BYTES_MAX);
    assert_int_equal(fa_evidence_decode(fa_buf_str(&buf), &back), 0);
    assert_true(back.cut && back.point_count == FA_EVIDENCE_POINTS && back.part_count > 2);
    assert_true(fa_utf8_valid(back.expr) && back.expr.len == FA_EVIDENCE_TEXT_MAX);
    fa_buf_done(&buf);
}

static void broken_evidence_is_refused_or_read_and_never_harms(void **state)
{
    struct fa_evidence e = full(), back;
    struct fa_buf buf;
    fa_buf_init(&buf, 1 << 20);
    encode(&e, &buf);
    for (size_t at = 0; at < buf.len; at++) {
        char *copy = malloc(at + 1);
        memcpy(copy, buf.data, at + 1);
        for (unsigned bit = 0; bit < 8; bit++) {
            copy[at] ^= (char)(1 << bit);
            (void)!fa_evidence_decode((struct fa_str){copy, at + 1}, &back);
            copy[at] ^= (char)(1 << bit);
        }
        free(copy);
    }
    assert_int_equal(fa_evidence_decode((struct fa_str){"", 0}, &back), FA_ECORRUPT);
    assert_int_equal(fa_evidence_decode((struct fa_str){buf.data, buf.len - 1}, &back),
                     FA_ECORRUPT);
    fa_rec_put_text(&buf, 24, "\xff"); /* a part that is no record */
    assert_int_equal(fa_evidence_decode(fa_buf_str(&buf), &back), FA_ECORRUPT);
    encode(&e, &buf);
    fa_rec_put_text(&buf, 25, "\xff"); /* nor is this point */
    assert_int_equal(fa_evidence_decode(fa_buf_str(&buf), &back), FA_ECORRUPT);
    fa_buf_done(&buf);
}

/* Every ten ms one sample of `series` series, up to now. */
static struct fa_evidence pictured(size_t series, size_t count)
{
    struct fa_evidence e = {.at = 100000};
    for (size_t s = 0; s < series; s++) {
        for (size_t i = 0; i < count; i++) {
            struct fa_point point = {e.at - 10 * (fa_time)(count - 1 - i), (double)(i + 100 * s)};
            fa_evidence_add(&e, point, e.at - 10 * (fa_time)count, i == 0);
        }
    }
    fa_evidence_seal(&e);
    return e;
}

static void few_samples_of_one_series_are_kept_as_they_are(void **state)
{
    struct fa_evidence e = pictured(1, FA_EVIDENCE_POINTS);
    assert_int_equal(e.point_count, FA_EVIDENCE_POINTS);
    assert_false(e.bucketed);
    for (size_t i = 0; i < e.point_count; i++) {
        assert_true(e.points[i].last == (double)i && e.points[i].min == (double)i);
    }
}

static void many_samples_are_the_last_and_lowest_of_each_part_of_the_window(void **state)
{
    struct fa_evidence e = pictured(1, 10 * FA_EVIDENCE_POINTS);
    assert_int_equal(e.point_count, FA_EVIDENCE_POINTS);
    assert_true(e.bucketed);
    for (size_t i = 0; i + 1 < e.point_count; i++) {
        assert_true(e.points[i].at < e.points[i + 1].at);
        assert_true(e.points[i].min <= e.points[i].last);
        assert_true(e.points[i].last < e.points[i + 1].min);
    }
    assert_true(e.points[0].min == 0 && e.points[FA_EVIDENCE_POINTS - 1].last == 599);
}

static void several_series_are_one_picture_with_gaps_left_out(void **state)
{
    struct fa_evidence e = pictured(2, 3);
    assert_true(e.bucketed);
    assert_int_equal(e.point_count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_true(e.points[i].min == (double)i && e.points[i].last == (double)(i + 100));
    }
}

static void the_gravest_cause_names_the_moment(void **state)
{
    assert_string_equal(fa_evidence_cause_name(FA_CAUSE_RAISED | FA_CAUSE_STEP), "raised");
    assert_string_equal(fa_evidence_cause_name(FA_CAUSE_RESUMED | FA_CAUSE_STEP), "resumed");
    assert_string_equal(fa_evidence_cause_name(FA_CAUSE_WORSE), "worse");
    assert_string_equal(fa_evidence_cause_name(0), "unnamed");
}

/* ---- the engine ---- */

static void fire(struct world *w, const char *rule, enum fa_level level, double value)
{
    const struct fa_signal signal = {.rule = fa_setup_rule(&w->setup, rule),
                                     .labels = "",
                                     .level = level,
                                     .value = value,
                                     .since = w->now.wall,
                                     .worse = 1};
    world_step_event(w, (struct fa_event){.kind = FA_EV_SIGNAL, .u.signal = &signal});
}

/* The row in that slot, decoded; false: there is none. */
static bool slot(const struct world *w, unsigned number, struct fa_evidence *ret)
{
    for (size_t i = 0; i < w->row_count; i++) {
        const struct world_row *row = &w->rows[i];
        uint32_t kind = number == 0 ? FA_ROW_RAISED : FA_ROW_EVIDENCE;
        if (row->kind == kind && row->key[FA_ID_BYTES] == number) {
            assert_int_equal(row->key_len, FA_EVIDENCE_KEY_BYTES);
            assert_false(row->live);
            assert_int_equal(fa_evidence_decode((struct fa_str){row->value, row->len}, ret), 0);
            return true;
        }
    }
    return false;
}

static size_t slots(const struct world *w)
{
    size_t count = 0;
    for (size_t i = 0; i < w->row_count; i++) {
        count += w->rows[i].kind == FA_ROW_EVIDENCE || w->rows[i].kind == FA_ROW_RAISED;
    }
    return count;
}

static void begin(struct world *w)
{
    world_begin_firm(w);
}

static void the_first_the_worst_and_each_later_decision_are_kept(void **state)
{
    struct world w;
    struct fa_evidence e;
    begin(&w);
    fire(&w, "slow", FA_LEVEL_FIRING, 120);
    assert_true(slot(&w, 0, &e));
    assert_string_equal(fa_evidence_cause_name(e.causes), "raised");
    assert_true(e.value == 120 && e.step == 1 && e.level == FA_LEVEL_FIRING);
    assert_int_equal(slots(&w), 1);
    fire(&w, "slow", FA_LEVEL_FIRING, 300);
    assert_true(slot(&w, 1, &e) && e.value == 300);
    fire(&w, "slow", FA_LEVEL_FIRING, 200); /* as after a restart: not the worst */
    assert_true(slot(&w, 1, &e) && e.value == 300);
    fire(&w, "slow", FA_LEVEL_UNKNOWN, (double)NAN);
    assert_true(slot(&w, 2, &e) && e.causes == FA_CAUSE_UNKNOWN);
    fire(&w, "slow", FA_LEVEL_CLEAR, 80);
    assert_true(slot(&w, 3, &e) && e.causes == FA_CAUSE_CLEAR && e.level == FA_LEVEL_CLEAR);
    fire(&w, "slow", FA_LEVEL_FIRING, 400);
    assert_true(slot(&w, 4, &e) && (e.causes & FA_CAUSE_RESUMED) != 0);
    assert_true(slot(&w, 1, &e) && e.value == 400);
    assert_true(slot(&w, 0, &e) && e.value == 120);
    assert_int_equal(slots(&w), 5);
    world_done(&w);
}

static void of_a_lower_limit_the_lowest_value_is_the_worst(void **state)
{
    struct world w;
    struct fa_evidence e;
    begin(&w);
    const double values[] = {5, 3, 4, 2};
    for (size_t i = 0; i < 4; i++) {
        const struct fa_signal signal = {.rule = fa_setup_rule(&w.setup, "slow"),
                                         .labels = "",
                                         .level = FA_LEVEL_FIRING,
                                         .value = values[i],
                                         .since = w.now.wall,
                                         .worse = -1};
        world_step_event(&w, (struct fa_event){.kind = FA_EV_SIGNAL, .u.signal = &signal});
        assert_int_equal(slot(&w, 1, &e), i > 0);
        assert_true(i == 0 || e.value == (i < 3 ? 3 : 2));
    }
    assert_true(slot(&w, 1, &e) && e.value == 2);
    world_done(&w);
}

/* Of two limits nobody says which side is worse. */
static void without_a_side_no_value_is_worst(void **state)
{
    struct world w;
    struct fa_evidence e;
    begin(&w);
    for (double value = 5; value < 8; value++) {
        const struct fa_signal signal = {.rule = fa_setup_rule(&w.setup, "slow"),
                                         .labels = "",
                                         .level = FA_LEVEL_FIRING,
                                         .value = value,
                                         .since = w.now.wall};
        world_step_event(&w, (struct fa_event){.kind = FA_EV_SIGNAL, .u.signal = &signal});
    }
    assert_false(slot(&w, 1, &e));
    world_done(&w);
}

static void however_long_it_climbs_its_evidence_is_bounded_in_number(void **state)
{
    struct world w;
    struct fa_evidence first, e;
    begin(&w);
    w.unchecked = true;
    fire(&w, "slow", FA_LEVEL_FIRING, 120);
    world_advance(&w, 20 * FA_DAY);
    assert_int_equal(slots(&w), FA_EVIDENCE_SLOTS - 1); /* it was never worse */
    assert_true(slot(&w, 0, &first) && first.loop == 0);
    for (unsigned i = 2; i < FA_EVIDENCE_SLOTS; i++) {
        assert_true(slot(&w, i, &e) && e.causes == FA_CAUSE_STEP);
        assert_true(e.at > first.at + FA_DAY && e.loop > 0);
    }
    const struct fa_alarm *alarm = world_alarm_of(&w, "slow");
    assert_int_equal(alarm->moment_count, FA_DIARY_MAX);
    assert_true(alarm->moments_lost > 100);
    struct fa_moment moments[FA_DIARY_MAX];
    assert_int_equal(fa_diary_read(alarm, moments), FA_DIARY_MAX);
    assert_int_equal(moments[0].code, FA_J_RAISED);
    assert_true(moments[FA_DIARY_MAX - 1].when > w.now.wall - FA_DAY);
    world_done(&w);
}

static void what_was_never_raised_or_filed_by_people_has_no_evidence(void **state)
{
    struct world w;
    begin(&w);
    fire(&w, "late", FA_LEVEL_FIRING, 120);
    fire(&w, "late", FA_LEVEL_UNKNOWN, (double)NAN);
    fire(&w, "late", FA_LEVEL_CLEAR, 1);
    assert_int_equal(world_file(&w, 1, "lying", NULL, -1), 0);
    world_advance(&w, FA_HOUR);
    assert_int_equal(slots(&w), 0);
    world_done(&w);
}

static void closed_it_needs_no_more_evidence(void **state)
{
    struct world w;
    begin(&w);
    fire(&w, "slow", FA_LEVEL_FIRING, 120);
    world_act(&w, FA_EV_RESOLVE, world_alarm(&w), "lead", 0);
    fire(&w, "slow", FA_LEVEL_FIRING, 500);
    assert_int_equal(slots(&w), 1);
    world_done(&w);
}

/* ---- the diary ---- */

static const struct fa_moment *find(const struct fa_alarm *alarm, unsigned code)
{
    static struct fa_moment moments[FA_DIARY_MAX];
    uint32_t count = fa_diary_read(alarm, moments);
    for (uint32_t i = 0; i < count; i++) {
        if (moments[i].code == code) {
            return &moments[i];
        }
    }
    return NULL;
}

static void check_moment(const struct fa_moment *is, const struct fa_moment *was)
{
    assert_true(is->when == was->when && is->number == was->number && is->times == was->times);
    assert_ptr_equal(is->person, was->person);
    assert_ptr_equal(is->channel, was->channel);
    assert_int_equal(is->attempt, was->attempt);
    assert_int_equal(is->code, was->code);
    assert_int_equal(is->kind, was->kind);
}

static void a_diary_is_read_as_it_was_written(void **state)
{
    static const char *const names[] = {NULL, "ceo", "lead"};
    static const int64_t numbers[] = {0, 1, -1, 63, 64, -64, 204, INT64_MAX, INT64_MIN};
    struct fa_interned *texts = NULL;
    struct fa_moment list[FA_DIARY_MAX];
    struct fa_rng rng = {{5, 6}};
    for (unsigned round = 0; round < 200; round++) {
        struct fa_moment written[FA_DIARY_MAX];
        struct fa_alarm *alarm = fa_alarm_new();
        for (unsigned i = 0; i < FA_DIARY_MAX; i++) {
            uint64_t bits = fa_rng_next(&rng);
            written[i] = (struct fa_moment){
                .when = i % 7 == 6 ? numbers[bits % 9] : (fa_time)(bits >> 20),
                .person = names[bits % 3],
                .channel = names[bits / 3 % 3],
                .number = numbers[bits / 9 % 9],
                .times = bits % 5 == 0 ? UINT32_MAX : (uint32_t)(bits % 3),
                .attempt = (uint16_t)(bits % 4 == 0 ? UINT16_MAX : bits % 2),
                .code = (uint8_t)bits,
                .kind = (uint8_t)(bits >> 8),
            };
            assert_true(fa_diary_add(&texts, alarm, &written[i]));
        }
        assert_false(fa_diary_add(&texts, alarm, &written[0]));
        assert_int_equal(fa_diary_read(alarm, list), FA_DIARY_MAX);
        for (unsigned i = 0; i < FA_DIARY_MAX; i++) {
            check_moment(&list[i], &written[i]);
        }
        fa_alarm_free(alarm);
    }
    fa_intern_done(&texts);
}

static void the_same_answer_again_and_again_takes_two_moments(void **state)
{
    struct world w;
    const struct fa_moment failed = {
        .when = 1, .person = "x", .channel = "y", .number = 503, .code = FA_J_RETRY};
    const struct fa_moment sent = {.when = 9, .person = "x", .channel = "y", .code = FA_J_SENT};
    begin(&w);
    fire(&w, "slow", FA_LEVEL_FIRING, 120);
    struct fa_alarm *alarm = w.engine->alarms.first;
    uint32_t before = alarm->moment_count;
    for (fa_time i = 0; i < 5; i++) {
        struct fa_moment moment = failed;
        moment.when = i;
        moment.attempt = (uint16_t)i;
        fa_diary_note(&w.engine->texts, alarm, &moment);
        fa_diary_note(&w.engine->texts, alarm, &sent);
    }
    assert_int_equal(alarm->moment_count, before + 2 + 5); /* what arrived is never one */
    struct fa_moment moments[FA_DIARY_MAX];
    uint32_t count = fa_diary_read(alarm, moments);
    const struct fa_moment *first = &moments[before];
    assert_true(first->code == FA_J_RETRY && first->when == 0 && first->times == 0);
    const struct fa_moment *last = &moments[count - 2];
    assert_true(last->code == FA_J_RETRY && last->when == 4 && last->times == 4);
    struct fa_moment other = failed;
    other.number = 500;
    fa_diary_note(&w.engine->texts, alarm, &other);
    assert_int_equal(alarm->moment_count, before + 2 + 5 + 1);
    world_done(&w);
}

static void each_attempt_is_told_with_its_answer(void **state)
{
    struct world w;
    begin(&w);
    fire(&w, "slow", FA_LEVEL_FIRING, 120);
    struct fa_event verdict = {
        .kind = FA_EV_VERDICT,
        .u.verdict = {
            .id = w.sends[0], .verdict = FA_VERDICT_RETRY, .status = 503, .retry_after = -1}};
    world_step_event(&w, verdict);
    const struct fa_moment *moment = find(world_alarm(&w), FA_J_RETRY);
    assert_non_null(moment);
    assert_string_equal(moment->person, "lead");
    assert_string_equal(moment->channel, "mail");
    assert_true(moment->number == 503 && moment->attempt == 1 && moment->times == 0);
    world_advance(&w, 10 * FA_SECOND);
    verdict.u.verdict.id = w.sends[w.send_count - 1];
    world_step_event(&w, verdict);
    moment = find(world_alarm(&w), FA_J_RETRY) + 1;
    assert_true(moment->code == FA_J_RETRY && moment->attempt == 2);
    world_advance(&w, 10 * FA_SECOND);
    verdict.u.verdict.id = w.sends[w.send_count - 1];
    verdict.u.verdict.verdict = FA_VERDICT_UNKNOWN;
    world_step_event(&w, verdict);
    assert_non_null(find(world_alarm(&w), FA_M_LOST));
    verdict.u.verdict.id = w.sends[w.send_count - 1];
    verdict.u.verdict.verdict = FA_VERDICT_SENT;
    verdict.u.verdict.status = 250;
    world_step_event(&w, verdict);
    moment = find(world_alarm(&w), FA_J_SENT);
    assert_true(moment->number == 250 && moment->kind == FA_NOTE_ALARM);
    world_done(&w);
}

static void who_is_left_out_is_counted_and_not_named(void **state)
{
    struct world w;
    begin(&w);
    assert_int_equal(world_file(&w, 1, "lying", "lead", -1), 0);
    const struct fa_alarm *alarm = world_alarm(&w);
    const struct fa_moment *moment = find(alarm, FA_M_LEFT_OUT);
    assert_non_null(moment);
    assert_int_equal(moment->number, 1);
    struct fa_moment moments[FA_DIARY_MAX];
    uint32_t count = fa_diary_read(alarm, moments);
    for (uint32_t i = 0; i < count; i++) {
        assert_true(moments[i].person == NULL || strcmp(moments[i].person, "lead") != 0);
    }
    world_done(&w);
}

/* lead has no channel: by name where a rule raised it, as a number where people did. */
static void whom_no_channel_reaches_is_told(void **state)
{
    struct world w;
    begin(&w);
    struct fa_person_entry *lead = world_find(&w, "lead");
    size_t contacts = lead->contact_count;
    lead->contact_count = 0;
    fire(&w, "slow", FA_LEVEL_FIRING, 120);
    const struct fa_moment *moment = find(world_alarm_of(&w, "slow"), FA_M_MUTE);
    assert_non_null(moment);
    assert_true(moment->number == 1 && strcmp(moment->person, "lead") == 0);
    assert_int_equal(world_file(&w, 1, "lying", NULL, -1), 0);
    moment = find(world_alarm_of(&w, "filing"), FA_M_MUTE);
    assert_non_null(moment);
    assert_true(moment->number == 1 && moment->person == NULL);
    lead->contact_count = contacts;
    world_done(&w);
}

static void a_restart_leaves_a_gap_in_the_diary(void **state)
{
    struct world w;
    begin(&w);
    fire(&w, "slow", FA_LEVEL_FIRING, 120);
    world_restart(&w);
    const struct fa_alarm *alarm = world_alarm_of(&w, "slow");
    assert_non_null(find(alarm, FA_J_START));
    assert_non_null(find(alarm, FA_J_RAISED));
    assert_true(alarm->worst == 120);
    world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evidence_reads_back_as_it_was_meant),
        cmocka_unit_test(what_the_rules_did_not_say_is_not_there),
        cmocka_unit_test(evidence_is_bounded_in_bytes),
        cmocka_unit_test(broken_evidence_is_refused_or_read_and_never_harms),
        cmocka_unit_test(few_samples_of_one_series_are_kept_as_they_are),
        cmocka_unit_test(many_samples_are_the_last_and_lowest_of_each_part_of_the_window),
        cmocka_unit_test(several_series_are_one_picture_with_gaps_left_out),
        cmocka_unit_test(the_gravest_cause_names_the_moment),
        cmocka_unit_test(the_first_the_worst_and_each_later_decision_are_kept),
        cmocka_unit_test(of_a_lower_limit_the_lowest_value_is_the_worst),
        cmocka_unit_test(without_a_side_no_value_is_worst),
        cmocka_unit_test(however_long_it_climbs_its_evidence_is_bounded_in_number),
        cmocka_unit_test(what_was_never_raised_or_filed_by_people_has_no_evidence),
        cmocka_unit_test(closed_it_needs_no_more_evidence),
        cmocka_unit_test(a_diary_is_read_as_it_was_written),
        cmocka_unit_test(the_same_answer_again_and_again_takes_two_moments),
        cmocka_unit_test(each_attempt_is_told_with_its_answer),
        cmocka_unit_test(who_is_left_out_is_counted_and_not_named),
        cmocka_unit_test(whom_no_channel_reaches_is_told),
        cmocka_unit_test(a_restart_leaves_a_gap_in_the_diary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
