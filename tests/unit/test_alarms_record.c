/* links: fa_test_world */
/* SPDX-License-Identifier: MIT */
#include "fa_test.h"
#include "world.h"

static struct fa_interned *texts;

/* Every field of it differs from every other and from its default. */
static struct fa_alarm *full_alarm(void)
{
    static const struct fa_alarm_texts shared = {"slow", "service",   "critical", "line",
                                                 "0123", "it is bad", "mend it",  14};
    struct fa_alarm *a = fa_alarm_new();
    struct fa_alarm_people *people = fa_alarm_people(a);
    struct fa_rng rng = {{1, 2}};
    a->id.id = fa_id_random(&rng);
    fa_alarm_name(a, fa_str_of("slow{q=\"1\"}"), fa_str_of("q=\"1\""));
    a->texts = &shared;
    a->state = FA_ALARM_ACKED;
    a->flags = FA_FLAG_LATCHED | FA_FLAG_FILED;
    a->level = FA_LEVEL_FIRING;
    a->value = -1.5;
    a->since = 11, a->raised = 12, a->changed = 13, a->held = 15;
    a->step = 2, a->loop = 3, a->climbing = true;
    a->deadline.armed = 16, a->deadline.length = 17;
    a->first_told = 31;
    people->owner = fa_xstrdup("boss");
    people->promised = 18, people->owned = 30;
    fa_alarm_add_incident(a)->id = fa_id_random(&rng);
    fa_alarm_add_incident(a)->id = fa_id_random(&rng);
    world_text(&people->about, &people->about_count, "rep");
    world_text(&people->about, &people->about_count, "team:x");
    world_text(&people->struck, &people->struck_count, "lead");
    *fa_alarm_add_told(a) = (struct fa_told){fa_reach(&texts, "ceo", "mail"), 19, 26};
    fa_alarm_add_comment(a, (struct fa_comment){fa_xstrdup("ceo"), fa_xstrdup("a word"), 20});
    fa_alarm_add_comment(a, (struct fa_comment){NULL, fa_xstrdup("a reporter's"), 21});
    const struct fa_moment moments[] = {{.when = 22, .number = -23, .code = FA_J_STEP},
                                        {.when = 24,
                                         .person = "ceo",
                                         .channel = "mail",
                                         .number = 503,
                                         .times = 25,
                                         .attempt = 26,
                                         .code = FA_J_RETRY,
                                         .kind = FA_NOTE_REMINDER}};
    fa_diary_add(&texts, a, &moments[0]);
    fa_diary_add(&texts, a, &moments[1]);
    struct fa_guess *guess = fa_guess_add(a);
    guess->person = "ceo", guess->wrong = 4;
    guess = fa_guess_add(a);
    guess->person = "boss", guess->wrong = FA_GUESSES_MAX;
    a->moments_lost = 27, a->evidence = 28, a->worst = -29.5;
    return a;
}

static struct fa_incident *full_incident(void)
{
    struct fa_incident *i = fa_xcalloc(1, sizeof *i);
    struct fa_rng rng = {{3, 4}};
    i->id.id = fa_id_random(&rng);
    i->category = "lying";
    i->customer = fa_xstrdup("Acme"), i->text = fa_xstrdup("text"), i->since = fa_xstrdup("May");
    i->known = FA_KNOWN_HEARD;
    i->reporter = fa_xstrdup("person:rep"), i->called = fa_xstrdup("Rep");
    world_text(&i->about, &i->about_count, "boss");
    world_text(&i->struck, &i->struck_count, "lead");
    world_text(&i->raised_by, &i->raised_by_count, "confirmed");
    i->level = FA_GUIDE_HELP;
    i->state = FA_INCIDENT_CLOSED;
    i->filed = 1, i->closed = 2, i->journal_n = UINT64_MAX;
    i->due.armed = 3, i->due.length = 4, i->due_in = 5, i->due_measure = FA_MEASURE_DAYS;
    i->alarms = fa_xgrow(NULL, 0, &i->alarm_cap, sizeof *i->alarms);
    i->alarms[i->alarm_count++].id = fa_id_random(&rng);
    fa_add_comment(&i->comments, &i->comment_count, &i->comment_cap,
                   (struct fa_comment){NULL, fa_xstrdup("more"), 5});
    return i;
}

static struct fa_notification *full_notification(void)
{
    struct fa_notification *n = fa_xcalloc(1, sizeof *n);
    struct fa_rng rng = {{5, 6}};
    n->id.id = fa_id_random(&rng), n->alarm.id = fa_id_random(&rng);
    n->incident.id = fa_id_random(&rng);
    n->person = "lead", n->channel = "mail", n->address = "lead@example.org";
    n->kind = FA_NOTE_OVERDUE, n->state = FA_NOTICE_SLOW;
    n->attempts = 1, n->step = 2, n->loop = 3, n->contact = 4, n->status = 503;
    n->moved_on = true;
    n->value = 0.25;
    n->created = 5, n->failing = 6;
    n->deadline.armed = 7, n->deadline.length = 8;
    return n;
}

/* Encodes what it decodes: equal bytes are equal fields, as no field is left out (below). */
static int again(int kind, struct fa_str bytes, struct fa_buf *ret)
{
    struct fa_alarm *a = NULL;
    struct fa_incident *i = NULL;
    struct fa_notification *n = NULL;
    int rc = kind == 0   ? fa_alarm_decode(bytes, &texts, &a)
             : kind == 1 ? fa_incident_decode(bytes, &texts, &i)
                         : fa_notification_decode(bytes, &texts, &n);
    fa_buf_clear(ret);
    if (rc == 0 && kind == 0) {
        fa_alarm_encode(a, ret);
        fa_alarm_free(a);
    } else if (rc == 0 && kind == 1) {
        fa_incident_encode(i, ret);
        fa_incident_free(i);
    } else if (rc == 0) {
        fa_notification_encode(n, ret);
        free(n);
    }
    return rc;
}

static void write_full(int kind, struct fa_buf *buf)
{
    struct fa_alarm *a = full_alarm();
    struct fa_incident *i = full_incident();
    struct fa_notification *n = full_notification();
    fa_buf_clear(buf);
    if (kind == 0) {
        fa_alarm_encode(a, buf);
    } else if (kind == 1) {
        fa_incident_encode(i, buf);
    } else {
        fa_notification_encode(n, buf);
    }
    fa_alarm_free(a);
    fa_incident_free(i);
    free(n);
}

static const uint32_t last_tag[] = {36, 18, 19};

static void every_field_reads_back(void **state)
{
    struct fa_buf buf, back;
    fa_buf_init(&buf, 1 << 20);
    fa_buf_init(&back, 1 << 20);
    for (int kind = 0; kind < 3; kind++) {
        bool seen[128] = {false};
        struct fa_rec_field field;
        write_full(kind, &buf);
        struct fa_rec_reader reader = fa_rec_read(fa_buf_str(&buf));
        while (fa_rec_next(&reader, &field)) {
            seen[field.tag] = true;
        }
        for (uint32_t tag = 1; tag <= last_tag[kind]; tag++) {
            assert_true(seen[tag]);
        }
        assert_int_equal(again(kind, fa_buf_str(&buf), &back), 0);
        assert_int_equal(back.len, buf.len);
        assert_memory_equal(back.data, buf.data, buf.len);
    }
    fa_buf_done(&buf);
    fa_buf_done(&back);
}

static void what_is_read_back_is_what_was_meant(void **state)
{
    struct fa_buf buf;
    struct fa_alarm *a = NULL;
    fa_buf_init(&buf, 1 << 20);
    write_full(0, &buf);
    assert_int_equal(fa_alarm_decode(fa_buf_str(&buf), &texts, &a), 0);
    assert_string_equal(a->people->owner, "boss");
    assert_true(a->value == -1.5 && a->people->promised == 18 && a->held == 15 &&
                a->texts->for_ms == 14);
    assert_true(a->deadline.armed == 16 && a->deadline.length == 17 && a->climbing);
    assert_true(a->step == 2 && a->loop == 3 && a->state == FA_ALARM_ACKED);
    assert_string_equal(a->people->about[1], "team:x");
    assert_string_equal(a->told[0].to->channel, "mail");
    assert_true(a->first_told == 31 && fa_alarm_first_told(a) == 31);
    a->first_told = 0; /* of a row that has it not */
    assert_true(fa_alarm_first_told(a) == 19);
    assert_true(a->told[0].when == 19 && a->told[0].spared == 26);
    assert_string_equal(a->people->comments[0].who, "ceo");
    assert_null(a->people->comments[1].who);
    assert_int_equal(fa_alarm_guesses_left(a, "ceo"), 1);
    assert_int_equal(fa_alarm_guesses_left(a, "boss"), 0);
    assert_int_equal(fa_alarm_guesses_left(a, "lead"), FA_GUESSES_MAX);
    fa_alarm_free(a);
    fa_buf_done(&buf);
}

static void cut_at_any_byte_it_is_refused_or_read_and_never_harms(void **state)
{
    struct fa_buf buf, back;
    fa_buf_init(&buf, 1 << 20);
    fa_buf_init(&back, 1 << 20);
    for (int kind = 0; kind < 3; kind++) {
        size_t refused = 0;
        write_full(kind, &buf);
        for (size_t len = 0; len < buf.len; len++) {
            char *copy = malloc(len + 1);
            memcpy(copy, buf.data, len);
            refused += again(kind, (struct fa_str){copy, len}, &back) == FA_ECORRUPT;
            for (size_t bit = 0; bit < 8 && len > 0; bit++) {
                copy[len - 1] ^= (char)(1 << bit);
                (void)!again(kind, (struct fa_str){copy, len}, &back);
                copy[len - 1] ^= (char)(1 << bit);
            }
            free(copy);
        }
        assert_true(refused > buf.len / 2);
    }
    fa_buf_done(&buf);
    fa_buf_done(&back);
}

static void unknown_tags_are_skipped(void **state)
{
    struct fa_buf buf, plain, back;
    fa_buf_init(&buf, 1 << 20);
    fa_buf_init(&plain, 1 << 20);
    fa_buf_init(&back, 1 << 20);
    for (int kind = 0; kind < 3; kind++) {
        write_full(kind, &plain);
        fa_buf_clear(&buf);
        fa_rec_put_text(&buf, 0, "of nothing");
        fa_rec_put_f64(&buf, 1000, 1);
        fa_buf_putstr(&buf, fa_buf_str(&plain));
        fa_rec_put_i64(&buf, 99, -1);
        assert_int_equal(again(kind, fa_buf_str(&buf), &back), 0);
        assert_int_equal(back.len, plain.len);
        assert_memory_equal(back.data, plain.data, plain.len);
    }
    fa_buf_done(&buf);
    fa_buf_done(&plain);
    fa_buf_done(&back);
}

/* A later version may write what this one has no word for. */
static void what_has_no_meaning_here_is_read_as_the_plainest(void **state)
{
    struct fa_buf buf;
    struct fa_alarm *alarm = full_alarm(), *back = NULL;
    struct fa_notification *n = full_notification(), *none = NULL;
    fa_buf_init(&buf, 1 << 20);
    alarm->clock = 77;
    fa_alarm_encode(alarm, &buf);
    assert_int_equal(fa_alarm_decode(fa_buf_str(&buf), &texts, &back), 0);
    assert_int_equal(back->clock, FA_CLOCK_ELAPSED);
    fa_alarm_free(alarm);
    fa_alarm_free(back);
    fa_buf_clear(&buf);
    n->kind = FA_NOTE_DIGEST; /* without a line it would say nothing, and settle nothing */
    fa_notification_encode(n, &buf);
    assert_int_equal(fa_notification_decode(fa_buf_str(&buf), &texts, &none), FA_ECORRUPT);
    free(n);
    fa_buf_done(&buf);
}

static void damaged_times_cannot_overflow(void **state)
{
    struct fa_notification *n = full_notification(), *back = NULL;
    struct fa_buf buf;
    fa_buf_init(&buf, 1 << 16);
    n->created = INT64_MIN, n->failing = INT64_MAX;
    n->deadline.armed = INT64_MIN, n->deadline.length = INT64_MIN;
    fa_notification_encode(n, &buf);
    assert_int_equal(fa_notification_decode(fa_buf_str(&buf), &texts, &back), 0);
    assert_int_equal(back->deadline.length, 0);
    assert_true(back->failing < INT64_MAX / 4 && back->created > INT64_MIN / 4);
    free(back);
    free(n);
    fa_buf_done(&buf);
}

static int done(void **state)
{
    fa_intern_done(&texts);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_reads_back),
        cmocka_unit_test(what_is_read_back_is_what_was_meant),
        cmocka_unit_test(cut_at_any_byte_it_is_refused_or_read_and_never_harms),
        cmocka_unit_test(unknown_tags_are_skipped),
        cmocka_unit_test(what_has_no_meaning_here_is_read_as_the_plainest),
        cmocka_unit_test(damaged_times_cannot_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, done) != 0;
}
