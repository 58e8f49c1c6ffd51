/* links: fa_test_world */
/* SPDX-License-Identifier: MIT */
#include "fa_test.h"
#include "rules/promql.h"
#include "world.h"

#include <math.h>

static char text[256];
#define WAITING(w, expected) assert_string_equal(world_waiting(w, text, sizeof text), expected)

static const struct fa_incident *incident(const struct world *w, uint8_t key)
{
    struct fa_incident_id id = {{{key}}};
    return fa_engine_incident(w->engine, id);
}

static void the_level_is_the_guidance_or_higher(void **state)
{
    static const struct {
        const char *category;
        int asked, rc, level;
    } rows[] = {
        {"mess", -1, 0, FA_GUIDE_SOLVE},         {"mess", FA_GUIDE_RAISE, 0, FA_GUIDE_RAISE},
        {"stuck", -1, 0, FA_GUIDE_HELP},         {"stuck", FA_GUIDE_SOLVE, 0, FA_GUIDE_SOLVE},
        {"lying", -1, 0, FA_GUIDE_RAISE},        {"lying", FA_GUIDE_HELP, FA_EINVAL, 0},
        {"lying", FA_GUIDE_SOLVE, FA_EINVAL, 0}, {"mess", FA_GUIDE__COUNT, FA_EINVAL, 0},
        {"unheard-of", -1, FA_ENOTFOUND, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world w;
        world_begin_firm(&w);
        int rc = world_file(&w, 1, rows[i].category, NULL, rows[i].asked);
        if (rc != rows[i].rc || (rc == 0 && (int)incident(&w, 1)->level != rows[i].level)) {
            fail_msg("row %zu: %d", i, rc);
        }
        assert_true(rc == 0 || incident(&w, 1) == NULL);
        world_done(&w);
    }
}

static void the_filing_is_the_first_in_the_journal_of_its_step(void **state)
{
    static const char *const categories[] = {"mess", "stuck", "lying"};
    for (size_t i = 0; i < 3; i++) {
        struct world w;
        world_begin_firm(&w);
        uint64_t n = w.journal_n;
        world_file(&w, 1, categories[i], NULL, -1);
        size_t at = 0;
        while (w.actions.list[at].kind != FA_ACT_JOURNAL) {
            at++;
        }
        assert_int_equal(w.actions.list[at].u.journal.code, FA_J_FILED);
        assert_int_equal(incident(&w, 1)->journal_n, n + 1);
        world_done(&w);
    }
}

static void the_same_key_is_answered_and_not_filed_again(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_file(&w, 1, "lying", NULL, -1);
    assert_false(w.reply.u.reply.already);
    uint64_t n = w.journal_n;
    assert_int_equal(world_file(&w, 1, "lying", NULL, -1), 0);
    assert_true(w.reply.u.reply.already);
    assert_int_equal(w.journal_n, n);
    world_restart(&w);
    assert_int_equal(world_file(&w, 1, "lying", NULL, -1), 0);
    assert_true(w.reply.u.reply.already);
    assert_non_null(world_alarm(&w));
    world_done(&w);
}

static void help_is_asked_of_helpers_and_raised_when_it_is_due(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_file(&w, 1, "stuck", NULL, -1);
    WAITING(&w, "lead/mail rep2/mail");
    world_answer(&w, FA_VERDICT_SENT);
    world_advance(&w, FA_DAY - 1);
    assert_null(world_alarm(&w));
    world_advance(&w, 1);
    assert_int_equal(incident(&w, 1)->state, FA_INCIDENT_RAISED);
    WAITING(&w, "lead/mail");
    world_done(&w);
}

static void what_its_reporter_mended_is_never_raised(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_file(&w, 1, "mess", NULL, -1);
    world_file(&w, 2, "lying", NULL, -1);
    struct fa_event event = {.kind = FA_EV_REPORTER};
    event.u.reporter.done = true;
    event.u.reporter.incident.id.bytes[0] = 2;
    world_step_event(&w, event);
    assert_int_equal(w.reply.u.reply.code, FA_ECONFLICT); /* it climbs: others close it */
    event.u.reporter.incident.id.bytes[0] = 1;
    world_step_event(&w, event);
    assert_int_equal(incident(&w, 1)->state, FA_INCIDENT_CLOSED);
    world_advance(&w, 2 * FA_DAY);
    assert_int_equal(incident(&w, 1)->state, FA_INCIDENT_CLOSED);
    world_advance(&w, 30 * FA_DAY);
    assert_null(incident(&w, 1));
    world_done(&w);
}

static void a_filing_is_closed_with_the_last_of_its_alarms(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_file(&w, 1, "lying", NULL, -1);
    world_act(&w, FA_EV_RESOLVE, world_alarm(&w), "boss", 0);
    assert_int_equal(incident(&w, 1)->state, FA_INCIDENT_CLOSED);
    world_done(&w);
}

static void a_reminder_does_not_change_when_somebody_heard_first(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_file(&w, 1, "lying", NULL, -1);
    assert_true(fa_alarm_first_told(world_alarm(&w)) == 0);
    world_advance(&w, FA_SECOND);
    world_answer(&w, FA_VERDICT_SENT);
    fa_time first = w.now.wall;
    assert_true(fa_alarm_first_told(world_alarm(&w)) == first);
    for (int i = 0; i < 40; i++) {
        world_advance(&w, FA_HOUR);
        world_answer(&w, FA_VERDICT_SENT);
    }
    const struct fa_alarm *alarm = world_alarm(&w);
    assert_true(alarm->loop > 0);
    for (size_t i = 0; i < alarm->told_count; i++) { /* each of them again and again */
        assert_true(alarm->told[i].when > first);
    }
    world_restart(&w);
    assert_true(fa_alarm_first_told(world_alarm(&w)) == first);
    world_act(&w, FA_EV_RESOLVE, world_alarm(&w), "boss", 0);
    assert_true(incident(&w, 1)->told_first == first);
    world_done(&w);
}

static struct fa_rule *pattern(struct world *w, uint32_t count, uint32_t reporters)
{
    struct fa_rule *rule = w->rules[1]; /* "late" is made an incident rule */
    rule->is_incident = true;
    rule->for_ms = 0;
    rule->incident.count = count;
    rule->incident.distinct_reporters = reporters;
    rule->incident.within = 14 * FA_DAY;
    world_text(&rule->incident.categories, &rule->incident.category_count, "mess");
    world_text(&rule->incident.per, &rule->incident.per_count, "customer");
    return rule;
}

static int file_by(struct world *w, uint8_t key, const char *reporter, const char *about)
{
    struct fa_filing filing = {.category = "mess",
                               .text = "again",
                               .customer = "Acme",
                               .reporter = reporter,
                               .about = &about,
                               .about_count = about != NULL,
                               .level = FA_GUIDE_RAISE};
    filing.id.id.bytes[0] = key;
    world_step_event(w, (struct fa_event){.kind = FA_EV_FILE, .u.file = &filing});
    return w->reply.u.reply.code;
}

static const struct fa_alarm *pattern_alarm(const struct world *w)
{
    return fa_engine_alarm_by_identity(w->engine, "late{customer=\"Acme\"}");
}

static void a_pattern_needs_different_people_and_takes_the_earlier_filings_along(void **state)
{
    struct world w;
    world_begin_firm(&w);
    pattern(&w, 1, 2);
    file_by(&w, 1, "person:rep", NULL);
    file_by(&w, 2, "person:rep", NULL);
    file_by(&w, 3, NULL, NULL);
    assert_null(pattern_alarm(&w));
    file_by(&w, 4, "person:rep2", NULL);
    assert_non_null(pattern_alarm(&w));
    assert_int_equal(pattern_alarm(&w)->people->incident_count, 4);
    world_done(&w);
}

static void a_filing_joins_only_an_alarm_that_keeps_the_same_people_out(void **state)
{
    struct world w;
    world_begin_firm(&w);
    pattern(&w, 1, 1);
    file_by(&w, 1, "person:rep", NULL);
    file_by(&w, 2, "person:rep", NULL);
    assert_int_equal(pattern_alarm(&w)->people->incident_count, 2);
    file_by(&w, 3, "person:rep", "lead");
    assert_int_equal(pattern_alarm(&w)->people->incident_count, 2);
    assert_int_equal(pattern_alarm(&w)->people->about_count, 0);
    assert_int_equal(incident(&w, 3)->alarm_count, 1);
    const struct fa_alarm *own = fa_engine_alarm(w.engine, incident(&w, 3)->alarms[0]);
    assert_string_equal(own->people->about[0], "lead");
    world_done(&w);
}

static void whom_a_role_meant_when_it_was_filed_stays_out(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_file(&w, 1, "lying", "role:top", -1);
    world_answer(&w, FA_VERDICT_SENT);
    const struct fa_alarm *alarm = fa_engine_alarm(w.engine, incident(&w, 1)->alarms[0]);
    assert_int_equal(alarm->people->about_count, 2);
    assert_string_equal(alarm->people->about[0], "role:top");
    assert_string_equal(alarm->people->about[1], "ceo");
    world_done(&w);
}

static struct fa_rule *with_numbers(struct fa_rule *rule)
{
    struct fa_err err;
    int rc = fa_promql_parse(FA_STR("queue_seconds > 120"), &rule->query.expr, &err);
    assert_int_equal(rc, 0);
    return rule;
}

static void free_numbers(struct fa_rule *rule)
{
    fa_promql_free(rule->query.expr);
    rule->query.expr = NULL;
}

static void numbers(struct world *w, const char *labels, enum fa_level level)
{
    struct fa_signal signal = {.rule = w->rules[1],
                               .labels = labels,
                               .level = level,
                               .value = level == FA_LEVEL_FIRING ? 300 : (double)NAN,
                               .since = w->now.wall};
    world_step_event(w, (struct fa_event){.kind = FA_EV_SIGNAL, .u.signal = &signal});
}

static void a_pattern_with_numbers_fires_when_both_hold_in_either_order(void **state)
{
    static const struct {
        const char *labels;
        enum fa_level level;
        bool raised;
    } rows[] = {
        {"customer=\"Acme\"", FA_LEVEL_FIRING, true},
        {"customer=\"Acme\",queue=\"north\"", FA_LEVEL_FIRING, true},
        {"queue=\"north\"", FA_LEVEL_FIRING, true}, /* of all customers */
        {"", FA_LEVEL_FIRING, true},
        {"customer=\"Globex\"", FA_LEVEL_FIRING, false},
        {"customer=\"Acme\"", FA_LEVEL_UNKNOWN, false},
        {"customer=\"Acme\"", FA_LEVEL_CLEAR, false},
    };
    for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
        struct world w;
        bool before = i % 2 == 0;
        world_begin_firm(&w);
        struct fa_rule *rule = with_numbers(pattern(&w, 1, 1));
        if (before) {
            numbers(&w, rows[i / 2].labels, rows[i / 2].level);
        }
        file_by(&w, 1, "person:rep", NULL);
        assert_non_null(world_alarm_of(&w, "filing")); /* by its category, whatever they say */
        assert_true(!before || (pattern_alarm(&w) != NULL) == rows[i / 2].raised);
        if (!before) {
            assert_null(pattern_alarm(&w));
            numbers(&w, rows[i / 2].labels, rows[i / 2].level);
        }
        if ((pattern_alarm(&w) != NULL) != rows[i / 2].raised) {
            fail_msg("row %zu", i);
        }
        assert_true(!rows[i / 2].raised || pattern_alarm(&w)->value == 300);
        free_numbers(rule);
        world_done(&w);
    }
}

static void numbers_that_come_later_find_the_whole_pattern_once(void **state)
{
    struct world w;
    world_begin_firm(&w);
    struct fa_rule *rule = with_numbers(pattern(&w, 1, 2));
    file_by(&w, 1, "person:rep", NULL);
    numbers(&w, "", FA_LEVEL_FIRING);
    assert_null(pattern_alarm(&w)); /* one person */
    numbers(&w, "", FA_LEVEL_CLEAR);
    file_by(&w, 2, "person:rep2", NULL);
    world_advance(&w, 13 * FA_DAY);
    file_by(&w, 3, "person:rep", NULL);
    world_advance(&w, 2 * FA_DAY);
    numbers(&w, "", FA_LEVEL_FIRING);
    assert_null(pattern_alarm(&w)); /* the other's is too old */
    numbers(&w, "", FA_LEVEL_CLEAR);
    file_by(&w, 4, "person:rep2", NULL);
    numbers(&w, "", FA_LEVEL_FIRING);
    assert_int_equal(pattern_alarm(&w)->people->incident_count, 2);
    free_numbers(rule);
    world_done(&w);
}

static void what_was_closed_is_not_raised_by_its_numbers_again(void **state)
{
    for (int restart = 0; restart < 2; restart++) {
        struct world w;
        world_begin_firm(&w);
        struct fa_rule *rule = with_numbers(pattern(&w, 1, 1));
        numbers(&w, "", FA_LEVEL_FIRING);
        file_by(&w, 1, "person:rep", NULL);
        world_act(&w, FA_EV_RESOLVE, pattern_alarm(&w), "lead", 0);
        world_answer(&w, FA_VERDICT_SENT);
        world_advance(&w, 2 * FA_HOUR);
        if (restart) {
            world_restart(&w);
        } else {
            numbers(&w, "", FA_LEVEL_UNKNOWN);
        }
        numbers(&w, "", FA_LEVEL_FIRING);
        assert_null(pattern_alarm(&w));
        assert_int_not_equal(incident(&w, 1)->state, FA_INCIDENT_CLOSED);
        file_by(&w, 2, "person:rep", NULL);
        assert_int_equal(pattern_alarm(&w)->people->incident_count, 1);
        free_numbers(rule);
        world_done(&w);
    }
}

static void numbers_raise_what_would_be_solved_alone(void **state)
{
    struct world w;
    world_begin_firm(&w);
    struct fa_rule *rule = with_numbers(pattern(&w, 1, 1));
    struct fa_filing filing = {
        .category = "mess", .text = "t", .customer = "Acme", .level = FA_GUIDE_SOLVE};
    filing.id.id.bytes[0] = 9;
    world_step_event(&w, (struct fa_event){.kind = FA_EV_FILE, .u.file = &filing});
    assert_null(world_alarm(&w));
    numbers(&w, "", FA_LEVEL_FIRING);
    assert_int_equal(incident(&w, 9)->state, FA_INCIDENT_RAISED);
    assert_ptr_equal(world_alarm(&w), pattern_alarm(&w));
    free_numbers(rule);
    world_done(&w);
}

static void conditions_have_a_limit_that_operators_hear_of(void **state)
{
    struct world w;
    world_begin_firm(&w);
    struct fa_rule *rule = with_numbers(pattern(&w, 1, 1));
    w.setup.alarms_open_max = 2;
    numbers(&w, "customer=\"x\",queue=\"a\"", FA_LEVEL_FIRING);
    numbers(&w, "customer=\"y\"", FA_LEVEL_FIRING);
    assert_null(world_alarm_of(&w, "firealarm:conditions-full"));
    numbers(&w, "customer=\"z\"", FA_LEVEL_FIRING);
    assert_non_null(world_alarm_of(&w, "firealarm:conditions-full"));
    free_numbers(rule);
    world_done(&w);
}

static void owners_hear_that_their_alarm_grew(void **state)
{
    struct world w;
    world_begin_firm(&w);
    pattern(&w, 1, 1);
    file_by(&w, 1, "person:rep", NULL);
    world_answer(&w, FA_VERDICT_SENT);
    world_act(&w, FA_EV_ACK, pattern_alarm(&w), "lead", 0);
    world_answer(&w, FA_VERDICT_SENT);
    file_by(&w, 2, "person:rep", NULL);
    WAITING(&w, "lead/mail");
    world_done(&w);
}

static void limits_are_told_and_closed_filings_do_not_count(void **state)
{
    struct world w;
    world_begin_firm(&w);
    w.setup.filings_open_max = 3;
    for (uint8_t key = 1; key <= 3; key++) {
        assert_int_equal(world_file(&w, key, "lying", NULL, -1), 0);
    }
    assert_int_equal(world_file(&w, 4, "lying", NULL, -1), FA_EFULL);
    assert_non_null(world_alarm_of(&w, "firealarm:filings-full"));
    for (uint8_t key = 4; key < 20; key++) {
        const struct fa_alarm *alarm = world_alarm_of(&w, "filing");
        world_act(&w, FA_EV_RESOLVE, alarm, "ceo", 0);
        world_answer(&w, FA_VERDICT_SENT);
        world_answer(&w, FA_VERDICT_SENT);
        assert_int_equal(world_file(&w, key, "lying", NULL, -1), 0);
    }
    assert_true(w.engine->incidents.count <= 8);
    char *large = malloc(70001);
    memset(large, 'x', 70000);
    large[70000] = '\0';
    /* Closing one made room for it: its size alone is refused. */
    const char *about = large;
    struct fa_filing filing = {
        .category = "mess", .text = "t", .about = &about, .about_count = 1, .level = -1};
    filing.id.id.bytes[0] = 78;
    world_step_event(&w, (struct fa_event){.kind = FA_EV_FILE, .u.file = &filing});
    assert_int_equal(w.reply.u.reply.code, FA_ETOOBIG);
    free(large);
    world_done(&w);
}

static void the_preview_names_exactly_those_who_are_told(void **state)
{
    static const char *const abouts[] = {NULL, "rep", "lead", "boss", "ceo", "i1", "role:top"};
    static const char *const categories[] = {"mess", "stuck", "lying"};
    for (size_t i = 0; i < 21; i++) {
        struct world w;
        struct fa_preview preview;
        const char *about = abouts[i % 7];
        world_begin_firm(&w);
        struct fa_filing filing = {.category = categories[i / 7],
                                   .text = "t",
                                   .customer = "Acme",
                                   .reporter = "person:rep2",
                                   .about = &about,
                                   .about_count = about != NULL,
                                   .level = -1};
        assert_int_equal(fa_engine_preview(w.engine, &filing, w.now.wall, &preview), 0);
        world_file(&w, 1, categories[i / 7], about, -1);
        fa_time begun = w.now.mono;
        struct fa_pset told, named;
        fa_pset_init(&told, w.dir);
        fa_pset_init(&named, w.dir);
        for (size_t l = 0; l < preview.line_count; l++) {
            fa_pset_add(&named, preview.lines[l].person);
        }
        /* Up to the end of the last step's wait; then loops widen, which no preview shows. */
        while (w.now.mono - begun < FA_HOUR) {
            for (size_t s = 0; s < w.send_count; s++) {
                const struct fa_notification *n = fa_engine_notification(w.engine, w.sends[s]);
                fa_person person = fa_directory_find(w.dir, fa_str_of(n->person));
                bool timely = fa_pset_has(&told, person);
                fa_pset_add(&told, person);
                for (size_t l = 0; l < preview.line_count; l++) {
                    timely = timely || (preview.lines[l].person == person &&
                                        preview.lines[l].when == w.now.mono - begun);
                }
                if (!timely) {
                    fail_msg("%s about %s: %s", categories[i / 7], about, n->person);
                }
            }
            world_answer(&w, FA_VERDICT_SENT);
            world_advance(&w, 5 * FA_MINUTE);
        }
        for (fa_person p = 0; p < w.dir->people_count; p++) {
            assert_int_equal(fa_pset_has(&told, p), fa_pset_has(&named, p));
        }
        fa_pset_done(&told);
        fa_pset_done(&named);
        fa_preview_done(&preview);
        world_done(&w);
    }
}

static void a_preview_tells_nobody_of_a_filing_that_has_a_subject(void **state)
{
    struct world w;
    for (int about = 0; about < 2; about++) {
        struct fa_preview preview;
        world_begin_firm(&w);
        world_policy(&w, "apart");
        world_step(&w, "i1", FA_HOUR);
        fa_policy_seal(&w.setup.policies[w.setup.policy_count - 1]);
        struct fa_rule *rule = pattern(&w, 1, 2);
        free(rule->policy);
        rule->policy = fa_xstrdup("apart");
        file_by(&w, 1, "person:rep", about ? "lead" : NULL);
        struct fa_filing filing = {.category = "mess",
                                   .text = "t",
                                   .customer = "Acme",
                                   .reporter = "person:lead",
                                   .level = FA_GUIDE_RAISE};
        assert_int_equal(fa_engine_preview(w.engine, &filing, w.now.wall, &preview), 0);
        fa_person i1 = fa_directory_find(w.dir, FA_STR("i1"));
        bool named = false;
        for (size_t i = 0; i < preview.line_count; i++) {
            named = named || preview.lines[i].person == i1;
        }
        assert_int_equal(named, !about);
        fa_preview_done(&preview);
        world_done(&w);
    }
}

static bool may_list(const struct world *w, const char *name)
{
    const struct fa_alarm *alarm = world_alarm_of(w, "filing");
    struct fa_access access;
    fa_access_init(&access, w->engine, alarm);
    struct fa_viewer viewer = {fa_directory_find(w->dir, fa_str_of(name))};
    bool may = fa_may(w->dir, viewer, FA_VERB_LIST, &access.object);
    fa_access_done(&access);
    return may;
}

static void whoever_held_the_role_when_it_was_filed_stays_out(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_file(&w, 1, "lying", "role:top", -1);
    const struct fa_alarm *alarm = world_alarm_of(&w, "filing");
    assert_int_equal(alarm->people->about_count, 2);
    assert_string_equal(alarm->people->about[0], "role:top");
    assert_string_equal(alarm->people->about[1], "ceo");
    world_done(&w);
}

static void a_subject_whom_the_directory_does_not_know_may_be_anybody_in_it(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_file(&w, 1, "lying", "under-another-name", -1);
    WAITING(&w, "i1/mail i2/sms");
    assert_false(may_list(&w, "lead"));
    assert_false(may_list(&w, "boss"));
    assert_true(may_list(&w, "i1"));
    world_advance(&w, 10 * FA_HOUR);
    world_waiting(&w, text, sizeof text);
    assert_non_null(strstr(text, "i1/mail"));
    assert_null(strstr(text, "lead"));
    assert_null(strstr(text, "boss"));
    assert_null(strstr(text, "ceo"));
    world_done(&w);
}

static void those_told_before_a_subject_left_go_on_with_it(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_file(&w, 1, "lying", NULL, -1);
    world_answer(&w, FA_VERDICT_SENT);
    struct fa_alarm *alarm = (struct fa_alarm *)(uintptr_t)world_alarm_of(&w, "filing");
    struct fa_alarm_people *people = fa_alarm_people(alarm);
    world_text(&people->about, &people->about_count, "left-the-company");
    assert_true(may_list(&w, "lead"));  /* was told */
    assert_false(may_list(&w, "boss")); /* was not: might be the one */
    world_done(&w);
}

static void one_reporter_leaves_room_for_the_others(void **state)
{
    struct world w;
    world_begin_firm(&w);
    w.setup.filings_open_max = 8;
    for (uint8_t key = 1; key <= 6; key++) {
        assert_int_equal(file_by(&w, key, "uid:1000", NULL), 0);
    }
    assert_int_equal(file_by(&w, 7, "uid:1000", NULL), FA_EFULL);
    assert_int_equal(file_by(&w, 8, "uid:1001", NULL), 0);
    world_done(&w);
}

static void a_row_holds_whatever_a_pattern_brings_together(void **state)
{
    enum { COUNT = 80, LENGTH = 8000 };
    struct world w;
    world_begin_firm(&w);
    pattern(&w, 1, 1)->incident.count = COUNT;
    for (unsigned i = 0; i < COUNT; i++) {
        char *name = malloc(LENGTH + 1);
        memset(name, (int)('a' + i % 26), LENGTH);
        name[0] = (char)('A' + i / 26);
        name[LENGTH] = '\0';
        assert_int_equal(file_by(&w, (uint8_t)(i + 1), "person:rep", name), 0);
        free(name);
    }
    assert_non_null(pattern_alarm(&w));
    assert_true(pattern_alarm(&w)->people->incident_count > 1);
    world_done(&w);
}

static void a_row_holds_all_comments_of_one_with_a_long_name(void **state)
{
    struct world w;
    char name[65];
    world_begin_firm(&w);
    memset(name, 'n', 64);
    name[64] = '\0';
    file_by(&w, 1, "person:rep", NULL);
    const struct fa_alarm *alarm = world_alarm_of(&w, "filing");
    size_t bytes = 0;
    for (unsigned i = 0; i < 2500; i++) {
        struct fa_event event = {.kind = FA_EV_COMMENT,
                                 .u.act = {.alarm = alarm->id, .who = name, .text = "x"}};
        fa_actions_clear(&w.actions);
        event.reply_to = 1;
        fa_engine_step(w.engine, &event, w.now, &w.actions);
        for (size_t a = 0; a < w.actions.count; a++) {
            const struct fa_action *action = &w.actions.list[a];
            if (action->kind == FA_ACT_PUT && action->u.row.kind == FA_ROW_ALARM) {
                bytes = action->u.row.len;
            }
        }
    }
    assert_int_equal(fa_comment_fits(alarm->people->comments, alarm->people->comment_count, "x"),
                     FA_EFULL);
    assert_true(bytes < 192 * (size_t)1024); /* leaves room for all else that a row holds */
    world_done(&w);
}

static const char *about_of(const struct fa_incident *filed, char buf[256])
{
    buf[0] = '\0';
    for (size_t i = 0; i < filed->about_count; i++) {
        snprintf(buf + strlen(buf), 256 - strlen(buf), "%s%s", i > 0 ? " " : "", filed->about[i]);
    }
    return buf;
}

/* ann answers for Acme and is away, without a deputy: bob has the role of its model. */
static void begin_with_customer(struct world *w, const char *customer)
{
    static const char *const names[] = {"ann", "bob", "cat", "lead", "i1"};
    world_init(w);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        world_person(w, names[i], NULL)->independent = names[i][0] == 'i';
        world_contact(w, names[i], "mail");
    }
    struct fa_person_entry *ann = world_find(w, "ann"), *bob = world_find(w, "bob");
    fa_spans_add(&ann->leave, (struct fa_span){w->now.wall - FA_DAY, w->now.wall + FA_DAY});
    world_text(&bob->roles, &bob->role_count, "seller");
    struct fa_directory *dir = w->dir;
    dir->models = fa_xcalloc(1, sizeof *dir->models);
    dir->models[dir->model_count++] =
        (struct fa_model_entry){.name = fa_xstrdup("simple"), .conduit = fa_xstrdup("seller")};
    dir->accounts = fa_xcalloc(1, sizeof *dir->accounts);
    dir->accounts[dir->account_count++] = (struct fa_account_entry){
        .name = fa_xstrdup(customer), .model = fa_xstrdup("simple"), .conduit = fa_xstrdup("ann")};
    world_policy(w, "line");
    world_step(w, "ann bob cat", 15 * FA_MINUTE);
    world_category(w, "lying", FA_GUIDE_RAISE, "line");
    world_begin(w);
}

static void an_accused_conduit_is_the_one_named_and_who_stands_in_today(void **state)
{
    struct world w;
    begin_with_customer(&w, "Acme");
    assert_int_equal(world_file(&w, 1, "lying", "account.conduit", -1), 0);
    assert_string_equal(about_of(incident(&w, 1), text), "conduit:Acme ann bob");
    WAITING(&w, "cat/mail");
    world_advance(&w, 2 * FA_DAY); /* ann is back; who stood in stays out */
    world_restart(&w);
    assert_string_equal(about_of(incident(&w, 1), text), "conduit:Acme ann bob");
    world_done(&w);
}

/* Nobody knows who is accused: only the independent contacts may hear. */
static void an_accused_conduit_of_an_unknown_customer_leaves_the_independent_contacts(void **state)
{
    struct world w;
    begin_with_customer(&w, "Hooli");
    assert_int_equal(world_file(&w, 1, "lying", "account.conduit", -1), 0);
    assert_string_equal(about_of(incident(&w, 1), text), "account.conduit");
    WAITING(&w, "i1/mail");
    world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_level_is_the_guidance_or_higher),
        cmocka_unit_test(the_filing_is_the_first_in_the_journal_of_its_step),
        cmocka_unit_test(the_same_key_is_answered_and_not_filed_again),
        cmocka_unit_test(help_is_asked_of_helpers_and_raised_when_it_is_due),
        cmocka_unit_test(what_its_reporter_mended_is_never_raised),
        cmocka_unit_test(a_reminder_does_not_change_when_somebody_heard_first),
        cmocka_unit_test(a_filing_is_closed_with_the_last_of_its_alarms),
        cmocka_unit_test(a_pattern_needs_different_people_and_takes_the_earlier_filings_along),
        cmocka_unit_test(a_filing_joins_only_an_alarm_that_keeps_the_same_people_out),
        cmocka_unit_test(whom_a_role_meant_when_it_was_filed_stays_out),
        cmocka_unit_test(owners_hear_that_their_alarm_grew),
        cmocka_unit_test(a_pattern_with_numbers_fires_when_both_hold_in_either_order),
        cmocka_unit_test(numbers_that_come_later_find_the_whole_pattern_once),
        cmocka_unit_test(what_was_closed_is_not_raised_by_its_numbers_again),
        cmocka_unit_test(numbers_raise_what_would_be_solved_alone),
        cmocka_unit_test(conditions_have_a_limit_that_operators_hear_of),
        cmocka_unit_test(limits_are_told_and_closed_filings_do_not_count),
        cmocka_unit_test(the_preview_names_exactly_those_who_are_told),
        cmocka_unit_test(a_preview_tells_nobody_of_a_filing_that_has_a_subject),
        cmocka_unit_test(whoever_held_the_role_when_it_was_filed_stays_out),
        cmocka_unit_test(a_subject_whom_the_directory_does_not_know_may_be_anybody_in_it),
        cmocka_unit_test(those_told_before_a_subject_left_go_on_with_it),
        cmocka_unit_test(one_reporter_leaves_room_for_the_others),
        cmocka_unit_test(a_row_holds_whatever_a_pattern_brings_together),
        cmocka_unit_test(a_row_holds_all_comments_of_one_with_a_long_name),
        cmocka_unit_test(an_accused_conduit_is_the_one_named_and_who_stands_in_today),
        cmocka_unit_test(an_accused_conduit_of_an_unknown_customer_leaves_the_independent_contacts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
