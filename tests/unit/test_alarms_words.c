/* links: fa_test_world */
/* SPDX-License-Identifier: MIT */
/* What people file and say at the edges: nothing, too much, twice, about what is not there. */
#include "fa_test.h"
#include "world.h"

static char text[256];
#define WAITING(w, expected) assert_string_equal(world_waiting(w, text, sizeof text), expected)

static int file(struct world *w, uint8_t key, struct fa_filing filing)
{
    filing.id.id.bytes[0] = key;
    filing.text = filing.text != NULL ? filing.text : "what happened";
    filing.journal_n = w->journal_n + 1;
    world_step_event(w, (struct fa_event){.kind = FA_EV_FILE, .u.file = &filing});
    return w->reply.u.reply.code;
}

static const struct fa_incident *incident(const struct world *w, uint8_t key)
{
    struct fa_incident_id id = {{{key}}};
    return fa_engine_incident(w->engine, id);
}

static int say(struct world *w, uint8_t key, const char *words, bool done)
{
    struct fa_event event = {.kind = FA_EV_REPORTER};
    event.u.reporter.incident.id.bytes[0] = key;
    event.u.reporter.text = words;
    event.u.reporter.done = done;
    world_step_event(w, event);
    return w->reply.u.reply.code;
}

static void what_nobody_sorted_goes_where_the_first_raised_category_goes(void **state)
{
    struct world w;
    world_begin_firm(&w);
    assert_int_equal(file(&w, 1, (struct fa_filing){.category = FA_CATEGORY_UNSORTED, .level = -1}),
                     0);
    WAITING(&w, "lead/mail");
    world_done(&w);
    world_init(&w);
    world_category(&w, "mess", FA_GUIDE_SOLVE, FA_POLICY_OPERATORS);
    world_begin(&w);
    struct fa_filing filing = {.category = FA_CATEGORY_UNSORTED, .level = -1};
    assert_int_equal(file(&w, 1, filing), FA_ENOTFOUND);
    struct fa_preview preview;
    assert_int_equal(fa_engine_preview(w.engine, &filing, w.now.wall, &preview), FA_ENOTFOUND);
    world_done(&w);
}

static void empty_words_are_no_words(void **state)
{
    struct world w;
    world_begin_firm(&w);
    struct fa_filing filing = {
        .category = "mess", .customer = "", .since = "", .reporter = "", .level = -1};
    assert_int_equal(file(&w, 1, filing), 0);
    assert_null(incident(&w, 1)->customer);
    assert_null(incident(&w, 1)->since);
    assert_null(incident(&w, 1)->reporter);
    filing.since = "yesterday";
    assert_int_equal(file(&w, 2, filing), 0);
    assert_string_equal(incident(&w, 2)->since, "yesterday");
    assert_int_equal(file(&w, 3, (struct fa_filing){.category = "lying", .level = FA_GUIDE_RAISE}),
                     0);
    assert_int_equal(file(&w, 0, (struct fa_filing){.category = "lying", .level = -1}), FA_EINVAL);
    world_done(&w);
}

static void a_reporters_word_needs_a_filing_and_room(void **state)
{
    struct world w;
    world_begin_firm(&w);
    assert_int_equal(say(&w, 1, "more", false), FA_ENOTFOUND);
    file(&w, 1, (struct fa_filing){.category = "mess", .level = -1});
    assert_int_equal(say(&w, 1, "", false), 0);
    assert_int_equal(incident(&w, 1)->comment_count, 0);
    char *large = malloc(30001);
    memset(large, 'x', 30000);
    large[30000] = '\0';
    int rc = 0;
    for (unsigned i = 0; i < 10 && rc == 0; i++) {
        rc = say(&w, 1, large, false);
    }
    assert_int_equal(rc, FA_EFULL);
    assert_int_equal(say(&w, 1, large, true), FA_EFULL); /* and nothing was closed */
    assert_int_equal(incident(&w, 1)->state, FA_INCIDENT_OPEN);
    free(large);
    assert_int_equal(say(&w, 1, NULL, true), 0);
    world_done(&w);
}

static void what_is_said_about_no_alarm_is_not_found(void **state)
{
    struct world w;
    struct fa_alarm none = {.id = {{{1}}}, .people = &fa_alarm_nobody};
    world_begin_firm(&w);
    assert_int_equal(world_act(&w, FA_EV_ACK, &none, "lead", 0), FA_ENOTFOUND);
    world_signal(&w, "late", "", FA_LEVEL_FIRING);
    assert_int_equal(world_act(&w, FA_EV_ACK, world_alarm(&w), "lead", 0), FA_ENOTFOUND);
    world_step_event(&w, (struct fa_event){.kind = FA_EV_TEST, .u.test = {"nobody"}});
    assert_int_equal(w.reply.u.reply.code, FA_ENOTFOUND);
    struct fa_notification_id gone = {{{1}}};
    enum fa_event_kind kinds[] = {FA_EV_REPLAY, FA_EV_DROP};
    for (size_t i = 0; i < 2; i++) {
        struct fa_event event = {.kind = kinds[i], .u.note = {gone}};
        world_step_event(&w, event);
        assert_int_equal(w.reply.u.reply.code, FA_ENOTFOUND);
    }
    world_done(&w);
}

static void an_empty_note_is_no_comment(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    struct fa_event event = {.kind = FA_EV_ACK};
    event.u.act.alarm = world_alarm(&w)->id;
    event.u.act.who = "lead";
    event.u.act.text = "";
    world_step_event(&w, event);
    assert_int_equal(w.reply.u.reply.code, 0);
    assert_int_equal(world_alarm(&w)->people->comment_count, 0);
    world_done(&w);
}

/* ---- patterns */

static struct fa_rule *pattern(struct world *w, fa_time within)
{
    struct fa_rule *rule = world_rule(w, "again", "line", 0);
    rule->is_incident = true;
    world_text(&rule->incident.categories, &rule->incident.category_count, "mess");
    world_text(&rule->incident.per, &rule->incident.per_count, "customer");
    rule->incident.count = 2;
    rule->incident.within = within;
    return rule;
}

static void begin_pattern(struct world *w, fa_time within)
{
    world_begin_firm(w);
    pattern(w, within);
}

static const struct fa_filing MESS = {.category = "mess", .customer = "Acme", .level = -1};

static void a_pattern_takes_only_what_is_young_and_of_its_kind(void **state)
{
    struct world w;
    begin_pattern(&w, FA_HOUR);
    file(&w, 1, MESS);
    world_advance(&w, 2 * FA_HOUR);
    struct fa_filing other = MESS;
    other.customer = "Other";
    file(&w, 2, other);
    file(&w, 3, (struct fa_filing){.category = "stuck", .customer = "Acme", .level = -1});
    file(&w, 4, MESS);
    assert_null(world_alarm_of(&w, "again"));
    file(&w, 5, MESS);
    assert_int_equal(world_alarm_of(&w, "again")->people->incident_count, 2);
    world_done(&w);
}

static void a_shadow_pattern_raises_nothing(void **state)
{
    struct world w;
    world_begin_firm(&w);
    pattern(&w, FA_HOUR)->shadow = true;
    file(&w, 1, MESS);
    file(&w, 2, MESS);
    assert_null(world_alarm(&w));
    world_done(&w);
}

static void closed_filings_are_kept_as_long_as_the_longest_pattern_asks(void **state)
{
    struct world w;
    begin_pattern(&w, 100 * FA_DAY);
    file(&w, 1, MESS);
    say(&w, 1, NULL, true);
    world_advance(&w, 99 * FA_DAY);
    assert_non_null(incident(&w, 1));
    world_advance(&w, 2 * FA_DAY);
    assert_null(incident(&w, 1));
    world_done(&w);
}

static void a_pattern_that_keeps_others_out_has_an_alarm_of_its_own(void **state)
{
    static const char *const rep[] = {"rep"}, *const both[] = {"rep", "rep2"};
    static const struct {
        struct fa_filing second;
        size_t alarms;
    } rows[] = {
        {{.about = rep, .about_count = 1}, 1},
        {{.about = both, .about_count = 2}, 2},
        {{.about = both + 1, .about_count = 1}, 2},
        {{.about = NULL}, 2},
        {{.about = rep, .about_count = 1, .struck = both + 1, .struck_count = 1}, 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world w;
        world_begin_firm(&w);
        pattern(&w, 0)->incident.count = 1;
        struct fa_filing filing = MESS;
        filing.level = FA_GUIDE_RAISE;
        filing.about = rep;
        filing.about_count = 1;
        file(&w, 1, filing);
        filing.about = rows[i].second.about;
        filing.about_count = rows[i].second.about_count;
        filing.struck = rows[i].second.struck;
        filing.struck_count = rows[i].second.struck_count;
        file(&w, 2, filing);
        if (w.engine->alarms.count != rows[i].alarms) {
            fail_msg("row %zu: %zu alarms", i, w.engine->alarms.count);
        }
        world_done(&w);
    }
}

static void an_alarm_has_a_limit_of_filings_and_the_next_has_its_own(void **state)
{
    struct world w;
    world_begin_firm(&w);
    pattern(&w, 0)->incident.count = 1;
    w.setup.filings_open_max = 5000;
    for (unsigned i = 0; i <= FA_ALARM_FILINGS_MAX; i++) {
        struct fa_filing filing = MESS;
        filing.level = FA_GUIDE_RAISE;
        filing.text = "t";
        filing.id.id.bytes[0] = (uint8_t)(i + 1);
        filing.id.id.bytes[1] = (uint8_t)(i >> 8);
        filing.id.id.bytes[2] = 1;
        filing.journal_n = w.journal_n + 1;
        world_step_event(&w, (struct fa_event){.kind = FA_EV_FILE, .u.file = &filing});
        assert_int_equal(w.reply.u.reply.code, 0);
    }
    assert_int_equal(w.engine->alarms.count, 2);
    world_done(&w);
}

static void what_one_may_solve_alone_is_raised_alone_only_when_it_is_due(void **state)
{
    struct world w;
    world_begin_firm(&w);
    pattern(&w, 0)->incident.count = 1;
    file(&w, 1, MESS);
    assert_null(world_alarm(&w));
    world_advance(&w, FA_DAY);
    assert_non_null(world_alarm_of(&w, "again"));
    assert_null(world_alarm_of(&w, "filing"));
    world_done(&w);
}

static void a_filing_in_two_alarms_is_closed_with_the_second(void **state)
{
    struct world w;
    begin_pattern(&w, 0);
    struct fa_filing filing = MESS;
    filing.level = FA_GUIDE_RAISE;
    file(&w, 1, filing);
    world_answer(&w, FA_VERDICT_SENT);
    world_advance(&w, FA_MINUTE);
    file(&w, 2, filing);
    world_answer(&w, FA_VERDICT_SENT);
    fa_time first = w.now.wall;
    const struct fa_alarm *again = world_alarm_of(&w, "again");
    world_act(&w, FA_EV_ACK, again, "lead", FA_HOUR);
    world_advance(&w, FA_MINUTE);
    world_act(&w, FA_EV_RESOLVE, world_alarm_of(&w, "again"), "lead", 0);
    assert_int_equal(incident(&w, 1)->state, FA_INCIDENT_RAISED);
    assert_int_equal(incident(&w, 1)->owned, first);
    for (unsigned i = 0; i < 2; i++) {
        world_answer(&w, FA_VERDICT_SENT);
        world_act(&w, FA_EV_RESOLVE, world_alarm_of(&w, "filing"), "boss", 0);
        world_answer(&w, FA_VERDICT_SENT);
    }
    assert_int_equal(incident(&w, 1)->state, FA_INCIDENT_CLOSED);
    assert_int_equal(incident(&w, 1)->owned, first); /* the earliest */
    world_done(&w);
}

static void a_large_team_is_kept_out_as_far_as_a_filing_holds_names(void **state)
{
    static const char *const about[] = {"team:many"};
    struct world w;
    world_init(&w);
    world_category(&w, "lying", FA_GUIDE_RAISE, FA_POLICY_OPERATORS);
    struct fa_team_entry *team = world_team(&w, "many");
    for (unsigned i = 0; i < 300; i++) {
        char name[16];
        snprintf(name, sizeof name, "p%u", i);
        world_person(&w, name, NULL);
        world_text(&team->members, &team->member_count, name);
    }
    world_begin(&w);
    file(&w, 1,
         (struct fa_filing){.category = "lying", .about = about, .about_count = 1, .level = -1});
    assert_int_equal(incident(&w, 1)->about_count, 256);
    world_done(&w);
}

/* ---- previews */

static bool previews(struct world *w, struct fa_filing filing, const char *name)
{
    struct fa_preview preview;
    bool found = false;
    filing.text = "t";
    assert_int_equal(fa_engine_preview(w->engine, &filing, w->now.wall, &preview), 0);
    for (size_t i = 0; i < preview.line_count; i++) {
        found = found || strcmp(w->dir->people[preview.lines[i].person].name, name) == 0;
    }
    fa_preview_done(&preview);
    return found;
}

static void a_preview_knows_what_a_second_filing_means(void **state)
{
    static const char *const struck[] = {"i1"};
    struct world w;
    begin_pattern(&w, 0);
    assert_false(previews(&w, MESS, "lead"));
    struct fa_filing hidden = MESS;
    hidden.struck = struck;
    hidden.struck_count = 1;
    file(&w, 1, hidden);
    assert_false(previews(&w, MESS, "lead")); /* that one is nobody's business */
    file(&w, 2, (struct fa_filing){.category = "mess", .customer = "Zed", .level = -1});
    struct fa_filing second = MESS;
    second.customer = "Zed";
    assert_true(previews(&w, second, "lead"));
    world_done(&w);
}

static void a_step_that_reaches_nobody_takes_no_time_in_a_preview(void **state)
{
    struct world w;
    struct fa_preview preview;
    world_init(&w);
    world_person(&w, "dumb", NULL); /* has no channel */
    world_policy(&w, "line");
    world_step(&w, "dumb", FA_HOUR);
    world_step(&w, "ops", FA_HOUR);
    world_category(&w, "lying", FA_GUIDE_RAISE, "line");
    world_begin(&w);
    struct fa_filing filing = {.category = "lying", .text = "t", .level = -1};
    assert_int_equal(fa_engine_preview(w.engine, &filing, w.now.wall, &preview), 0);
    assert_int_equal(preview.line_count, 1);
    assert_int_equal(preview.lines[0].when, 0);
    fa_preview_done(&preview);
    world_done(&w);
}

/* ---- clocks and names */

static void a_clock_that_steps_back_keeps_deadlines_and_says_so(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_file(&w, 1, "mess", NULL, -1);
    fa_time due = fa_heap_at(&w.engine->incident_heap, &incident(&w, 1)->due.node);
    struct fa_event event = {.kind = FA_EV_CLOCK, .u.clock = {-2 * FA_HOUR}};
    w.now.wall -= 2 * FA_HOUR;
    world_step_event(&w, event);
    assert_int_equal(fa_heap_at(&w.engine->incident_heap, &incident(&w, 1)->due.node), due);
    assert_non_null(world_alarm_of(&w, "firealarm:clock-stepped"));
    event.u.clock.delta = -FA_SECOND;
    world_step_event(&w, event);
    assert_int_equal(world_journalled(&w, FA_J_CLOCK), 0);
    world_done(&w);
}

static void the_operators_own_trouble_that_reaches_nobody_troubles_nobody_again(void **state)
{
    struct world w;
    world_init(&w);
    struct fa_person_entry *ops = world_find(&w, "ops");
    free(ops->contacts[0].channel);
    free(ops->contacts[0].address);
    ops->contact_count = 0;
    world_begin(&w);
    struct fa_event event = {.kind = FA_EV_TROUBLE, .u.trouble = {"disk", "it is full", false}};
    world_step_event(&w, event);
    assert_int_equal(w.engine->alarms.count, 1);
    assert_int_equal(world_journalled(&w, FA_J_UNREACHED), 1);
    world_done(&w);
}

/* What happened, and does not last, is said once: a person's word ends it. */
static void what_happened_once_is_not_raised_again_by_itself(void **state)
{
    struct world w;
    world_begin_firm(&w);
    struct fa_event event = {.kind = FA_EV_TROUBLE,
                             .u.trouble = {"old", "an older store is in place", false, true}};
    world_step_event(&w, event);
    const struct fa_alarm *alarm = w.engine->alarms.first;
    assert_non_null(alarm);
    world_answer(&w, FA_VERDICT_SENT);
    assert_int_equal(world_act(&w, FA_EV_RESOLVE, alarm, "ops", 0), 0);
    world_answer(&w, FA_VERDICT_SENT);
    world_advance(&w, 30 * FA_DAY);
    assert_int_equal(w.engine->alarms.count, 0);
    world_step_event(&w, event);
    assert_int_equal(w.engine->alarms.count, 1);
    world_done(&w);
}

static void a_state_of_no_alarm_has_a_name_too(void **state)
{
    assert_string_equal(fa_alarm_state_name(FA_ALARM__COUNT), "gone");
}

static void a_seed_with_one_zero_is_a_seed(void **state)
{
    struct world w;
    struct fa_alarm_id ids[2];
    for (size_t i = 0; i < 2; i++) {
        struct fa_actions actions;
        struct fa_signal signal = {.labels = "", .level = FA_LEVEL_FIRING, .value = 1};
        struct fa_event event = {.kind = FA_EV_SIGNAL, .u.signal = &signal};
        world_begin_firm(&w);
        signal.rule = fa_setup_rule(&w.setup, "slow");
        event.rng.state[i] = 5;
        fa_actions_init(&actions);
        fa_engine_step(w.engine, &event, w.now, &actions);
        ids[i] = ((const struct fa_alarm *)w.engine->alarms.first)->id;
        fa_actions_done(&actions);
        world_done(&w);
    }
    assert_false(fa_id_is_zero(ids[0].id) || fa_id_is_zero(ids[1].id));
    assert_false(fa_id_eq(ids[0].id, ids[1].id));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_nobody_sorted_goes_where_the_first_raised_category_goes),
        cmocka_unit_test(empty_words_are_no_words),
        cmocka_unit_test(a_reporters_word_needs_a_filing_and_room),
        cmocka_unit_test(what_is_said_about_no_alarm_is_not_found),
        cmocka_unit_test(an_empty_note_is_no_comment),
        cmocka_unit_test(a_pattern_takes_only_what_is_young_and_of_its_kind),
        cmocka_unit_test(a_shadow_pattern_raises_nothing),
        cmocka_unit_test(closed_filings_are_kept_as_long_as_the_longest_pattern_asks),
        cmocka_unit_test(a_pattern_that_keeps_others_out_has_an_alarm_of_its_own),
        cmocka_unit_test(an_alarm_has_a_limit_of_filings_and_the_next_has_its_own),
        cmocka_unit_test(what_one_may_solve_alone_is_raised_alone_only_when_it_is_due),
        cmocka_unit_test(a_filing_in_two_alarms_is_closed_with_the_second),
        cmocka_unit_test(a_large_team_is_kept_out_as_far_as_a_filing_holds_names),
        cmocka_unit_test(a_preview_knows_what_a_second_filing_means),
        cmocka_unit_test(a_step_that_reaches_nobody_takes_no_time_in_a_preview),
        cmocka_unit_test(a_clock_that_steps_back_keeps_deadlines_and_says_so),
        cmocka_unit_test(the_operators_own_trouble_that_reaches_nobody_troubles_nobody_again),
        cmocka_unit_test(what_happened_once_is_not_raised_again_by_itself),
        cmocka_unit_test(a_state_of_no_alarm_has_a_name_too),
        cmocka_unit_test(a_seed_with_one_zero_is_a_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
