/* links: fa_test_world */
/* SPDX-License-Identifier: MIT */
/* What is rare in the life of filings, alarms and messages: two rules for one filing, patterns that
 * are due late, limits with filings that nobody proved, rungs that pass while a message hangs. */
#include "fa_test.h"
#include "world.h"

#include <stdlib.h>
#include <string.h>

static char text[256];
#define WAITING(w, expected) assert_string_equal(world_waiting(w, text, sizeof text), expected)

static const struct fa_incident *incident(const struct world *w, uint8_t key)
{
    struct fa_incident_id id = {{{key}}};
    return fa_engine_incident(w->engine, id);
}

static int file(struct world *w, uint32_t number, struct fa_filing filing)
{
    filing.text = filing.text != NULL ? filing.text : "It is not so";
    memcpy(filing.id.id.bytes, &number, sizeof number);
    world_step_event(w, (struct fa_event){.kind = FA_EV_FILE, .u.file = &filing});
    return w->reply.u.reply.code;
}

/* The rule takes filings of the category instead of numbers. */
static struct fa_rule *take_filings(struct world *w, size_t rule, const char *category)
{
    struct fa_incident_rule *incidents = &w->rules[rule]->incident;
    w->rules[rule]->is_incident = true;
    w->rules[rule]->for_ms = 0;
    incidents->count = incidents->distinct_reporters = 1;
    world_text(&incidents->categories, &incidents->category_count, category);
    return w->rules[rule];
}

/* ---- filings ---- */

static void
what_nobody_sorted_goes_where_the_first_category_goes_that_is_always_raised(void **state)
{
    for (int any = 0; any < 2; any++) {
        struct world w;
        world_init(&w);
        world_person(&w, "ann", NULL);
        world_contact(&w, "ann", "mail");
        static const char *const policies[] = {"small", "great", "other"};
        for (size_t i = 0; i < 3; i++) {
            world_policy(&w, policies[i]);
            world_step(&w, "ann", FA_HOUR);
        }
        world_category(&w, "alone", FA_GUIDE_SOLVE, "small");
        world_category(&w, "first", any ? FA_GUIDE_RAISE : FA_GUIDE_HELP, "great");
        world_category(&w, "second", any ? FA_GUIDE_RAISE : FA_GUIDE_SOLVE, "other");
        world_begin(&w);
        int rc = file(&w, 1, (struct fa_filing){.category = FA_CATEGORY_UNSORTED, .level = -1});
        assert_int_equal(rc, any ? 0 : FA_ENOTFOUND);
        assert_string_equal(any ? world_alarm(&w)->texts->policy : "", any ? "great" : "");
        world_done(&w);
    }
}

static void a_filing_that_two_rules_take_alone_is_an_alarm_of_each(void **state)
{
    struct world w;
    struct fa_preview preview;
    world_begin_firm(&w);
    world_policy(&w, "apart");
    world_step(&w, "i1", FA_HOUR);
    fa_policy_seal(&w.setup.policies[w.setup.policy_count - 1]);
    struct fa_rule *apart = take_filings(&w, 0, "lying");
    free(apart->policy);
    apart->policy = fa_xstrdup("apart");
    take_filings(&w, 1, "lying");
    struct fa_filing filing = {.category = "lying", .text = "t", .level = -1};
    assert_int_equal(fa_engine_preview(w.engine, &filing, w.now.wall, &preview), 0);
    assert_int_equal(preview.line_count, 4); /* i1, and the line's lead, boss and ceo */
    fa_preview_done(&preview);
    assert_int_equal(file(&w, 1, filing), 0);
    assert_int_equal(incident(&w, 1)->alarm_count, 2);
    assert_null(world_alarm_of(&w, "filing")); /* no third one by its category */
    WAITING(&w, "i1/mail lead/mail");
    world_done(&w);
}

static void its_reporter_sees_when_the_first_of_its_alarms_was_owned(void **state)
{
    struct world w;
    world_begin_firm(&w);
    take_filings(&w, 0, "lying");
    take_filings(&w, 1, "lying");
    assert_int_equal(file(&w, 1, (struct fa_filing){.category = "lying", .level = -1}), 0);
    world_answer(&w, FA_VERDICT_SENT);
    world_advance(&w, FA_MINUTE);
    world_act(&w, FA_EV_ACK, world_alarm_of(&w, "late"), "lead", 0);
    fa_time first = w.now.wall;
    world_advance(&w, FA_MINUTE);
    world_act(&w, FA_EV_ACK, world_alarm_of(&w, "slow"), "lead", 0);
    world_act(&w, FA_EV_RESOLVE, world_alarm_of(&w, "slow"), "lead", 0);
    world_act(&w, FA_EV_RESOLVE, world_alarm_of(&w, "late"), "lead", 0);
    world_answer(&w, FA_VERDICT_SENT);
    assert_int_equal(incident(&w, 1)->owned, first);
    assert_int_equal(incident(&w, 1)->state, FA_INCIDENT_CLOSED);
    world_done(&w);
}

static void what_a_pattern_took_along_and_falls_due_later_is_in_its_alarm_once(void **state)
{
    struct world w;
    world_begin_firm(&w);
    take_filings(&w, 1, "mess")->incident.count = 2;
    assert_int_equal(file(&w, 1, (struct fa_filing){.category = "mess", .level = -1}), 0);
    world_advance(&w, FA_HOUR);
    int rc = file(&w, 2, (struct fa_filing){.category = "mess", .level = FA_GUIDE_RAISE});
    assert_int_equal(rc, 0);
    const struct fa_alarm *pattern = world_alarm_of(&w, "late");
    assert_int_equal(pattern->people->incident_count, 2);
    assert_int_equal(incident(&w, 1)->state, FA_INCIDENT_OPEN); /* still its reporter's to solve */
    world_answer(&w, FA_VERDICT_SENT);
    world_advance(&w, FA_DAY);
    assert_int_equal(incident(&w, 1)->state, FA_INCIDENT_RAISED);
    assert_int_equal(pattern->people->incident_count, 2);
    assert_int_equal(incident(&w, 1)->alarm_count, 2); /* the pattern's, and one of its own */
    world_done(&w);
}

static void an_alarm_takes_five_hundred_filings_and_no_more(void **state)
{
    struct world w;
    world_begin_firm(&w);
    w.unchecked = true; /* a walk over all, five hundred times */
    w.setup.filings_open_max = 2000;
    take_filings(&w, 1, "mess")->incident.count = FA_ALARM_FILINGS_MAX + 20;
    for (uint32_t i = 1; i <= FA_ALARM_FILINGS_MAX + 20; i++) {
        assert_null(world_alarm_of(&w, "late"));
        assert_int_equal(file(&w, i, (struct fa_filing){.category = "mess", .level = -1}), 0);
    }
    assert_int_equal(world_alarm_of(&w, "late")->people->incident_count, FA_ALARM_FILINGS_MAX);
    world_done(&w);
}

static void an_accused_conduit_without_a_customer_leaves_the_independent_contacts(void **state)
{
    struct world w;
    const char *about = "account.conduit";
    world_begin_firm(&w);
    int rc = file(
        &w, 1,
        (struct fa_filing){.category = "lying", .about = &about, .about_count = 1, .level = -1});
    assert_int_equal(rc, 0);
    WAITING(&w, "i1/mail i2/sms");
    world_done(&w);
}

static void a_name_that_nobody_proved_counts_for_the_size_of_a_filing(void **state)
{
    struct world w;
    char *name = malloc(FA_FILING_BYTES_MAX + 1);
    memset(name, 'n', FA_FILING_BYTES_MAX);
    name[FA_FILING_BYTES_MAX] = '\0';
    world_begin_firm(&w);
    struct fa_filing filing = {.category = "lying", .text = "t", .called = name, .level = -1};
    assert_int_equal(file(&w, 1, filing), FA_ETOOBIG);
    name[FA_FILING_BYTES_MAX - 1] = '\0';
    assert_int_equal(file(&w, 2, filing), 0);
    free(name);
    world_done(&w);
}

static void all_whom_nobody_proved_are_one_reporter_at_the_limit(void **state)
{
    struct world w;
    world_begin_firm(&w);
    w.setup.filings_open_max = 8;
    struct fa_filing unproved = {.category = "mess", .level = -1};
    struct fa_filing proved = {.category = "mess", .reporter = "person:rep", .level = -1};
    for (uint32_t i = 1; i <= 6; i++) {
        assert_int_equal(file(&w, i, unproved), 0);
    }
    assert_int_equal(file(&w, 7, unproved), FA_EFULL);
    assert_int_equal(file(&w, 8, proved), 0);
    world_done(&w);
}

static void close_filing(struct world *w, uint32_t number)
{
    struct fa_event event = {.kind = FA_EV_REPORTER, .u.reporter = {.done = true}};
    memcpy(event.u.reporter.incident.id.bytes, &number, sizeof number);
    world_step_event(w, event);
    assert_int_equal(w->reply.u.reply.code, 0);
}

static void the_closed_filing_that_would_leave_next_makes_room(void **state)
{
    static const uint8_t order[] = {2, 1, 3, 4};
    struct world w;
    world_begin_firm(&w);
    w.setup.filings_open_max = 3;
    for (uint8_t i = 1; i <= 2; i++) {
        assert_int_equal(file(&w, i, (struct fa_filing){.category = "mess", .level = -1}), 0);
    }
    for (size_t i = 0; i < sizeof order; i++) {
        if (order[i] > 2) {
            int rc = file(&w, order[i], (struct fa_filing){.category = "mess", .level = -1});
            assert_int_equal(rc, 0);
        }
        close_filing(&w, order[i]);
        world_advance(&w, FA_MINUTE);
    }
    assert_int_equal(file(&w, 5, (struct fa_filing){.category = "mess", .level = -1}), 0);
    assert_null(incident(&w, 2)); /* closed first, though filed later */
    assert_non_null(incident(&w, 1));
    world_done(&w);
}

static void help_that_has_no_helpers_names_nobody_beforehand(void **state)
{
    struct world w;
    struct fa_preview preview;
    world_begin_firm(&w);
    struct fa_filing filing = {.category = "mess", .text = "t", .level = FA_GUIDE_HELP};
    assert_int_equal(fa_engine_preview(w.engine, &filing, w.now.wall, &preview), 0);
    assert_int_equal(preview.line_count, 0);
    assert_false(preview.independent);
    fa_preview_done(&preview);
    assert_int_equal(file(&w, 1, filing), 0);
    WAITING(&w, "");
    world_done(&w);
}

/* ---- messages ---- */

/* Its step's time is long over: whoever hangs there is no hope for those called since. */
static void what_hangs_in_an_older_step_is_no_hope_for_the_newer(void **state)
{
    struct world w;
    world_begin_firm(&w);
    w.setup.severities[0].fail_after = 2 * FA_HOUR;
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    WAITING(&w, "lead/mail");
    w.send_count = 0; /* it never hears of that one */
    world_advance(&w, 15 * FA_MINUTE);
    WAITING(&w, "boss/mail");
    world_answer(&w, FA_VERDICT_REJECTED);
    WAITING(&w, "boss/sms ops/mail"); /* who run it hear of the mail */
    world_answer(&w, FA_VERDICT_REJECTED);
    assert_int_equal(world_alarm(&w)->step, 2); /* now, not when boss' time is over */
    assert_non_null(strstr(world_waiting(&w, text, sizeof text), "ceo/mail"));
    world_done(&w);
}

static void what_waits_for_a_slow_try_is_not_sent_while_its_alarm_is_hidden(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    world_answer(&w, FA_VERDICT_REJECTED);
    world_answer(&w, FA_VERDICT_SENT); /* over the second channel */
    assert_int_equal(world_silence(&w, "rule=slow", "ops", "x", 3 * FA_HOUR), 0);
    world_answer(&w, FA_VERDICT_SENT); /* word of the silence */
    world_advance(&w, FA_HOUR);
    for (const struct fa_notification *n = w.engine->notifications.first; n != NULL; n = n->after) {
        bool is_trouble = n->owner_alarm != NULL && (n->owner_alarm->flags & FA_FLAG_TROUBLE) != 0;
        assert_false(fa_notification_is_climb(n) && n->with_courier && !is_trouble);
    }
    world_done(&w);
}

static struct fa_notification_id of_kind(const struct world *w, enum fa_notification_kind kind)
{
    const struct fa_notification *n = w->engine->notifications.first;
    while (n != NULL && n->kind != kind) {
        n = n->after;
    }
    assert_non_null(n);
    return n->id;
}

static int note_event(struct world *w, enum fa_event_kind kind, struct fa_notification_id id)
{
    world_step_event(w, (struct fa_event){.kind = kind, .u.note = {id}});
    return w->reply.u.reply.code;
}

static void a_digest_is_neither_replayed_nor_dropped_but_each_of_its_lines(void **state)
{
    struct world w;
    world_begin_firm(&w);
    for (size_t i = 0; i < w.dir->channel_count; i++) {
        w.dir->channels[i].machine = false;
    }
    for (uint32_t i = 1; i <= 8; i++) {
        assert_int_equal(file(&w, i, (struct fa_filing){.category = "lying", .level = -1}), 0);
    }
    world_answer(&w, FA_VERDICT_SENT);
    world_advance(&w, FA_MINUTE);
    struct fa_notification_id digest = of_kind(&w, FA_NOTE_DIGEST);
    assert_int_equal(note_event(&w, FA_EV_REPLAY, digest), FA_ENOTFOUND);
    assert_int_equal(note_event(&w, FA_EV_DROP, digest), FA_ENOTFOUND);
    assert_int_equal(note_event(&w, FA_EV_DROP, of_kind(&w, FA_NOTE_ALARM)), 0);
    assert_non_null(fa_engine_notification(w.engine, digest));
    world_done(&w);
}

/* What it was about is gone, and with it whom it keeps out. */
static void a_dead_letter_whose_filing_is_history_is_not_replayed(void **state)
{
    struct world w;
    world_begin_firm(&w);
    w.setup.filings_open_max = 1;
    assert_int_equal(file(&w, 1, (struct fa_filing){.category = "stuck", .level = -1}), 0);
    WAITING(&w, "lead/mail rep2/mail");
    struct fa_notification_id id = w.sends[0];
    for (int i = 0; i < 3; i++) {
        world_answer(&w, FA_VERDICT_REJECTED);
    }
    assert_int_equal(fa_engine_notification(w.engine, id)->state, FA_NOTICE_DEAD);
    assert_int_equal(note_event(&w, FA_EV_REPLAY, id), 0);
    world_verdict(&w, id, FA_VERDICT_REJECTED);
    for (uint32_t i = 1; i <= 3; i++) {
        close_filing(&w, i);
        world_advance(&w, FA_MINUTE);
        int rc = file(&w, i + 1, (struct fa_filing){.category = "mess", .level = -1});
        assert_int_equal(rc, 0);
    }
    assert_null(incident(&w, 1));
    assert_int_equal(fa_engine_notification(w.engine, id)->state, FA_NOTICE_DEAD);
    assert_int_equal(note_event(&w, FA_EV_REPLAY, id), FA_EDENIED);
    world_done(&w);
}

/* lead and boss read "room"; lead has a mailbox besides. */
static void begin_with_room(struct world *w)
{
    world_init(w);
    static const char *const names[] = {"lead", "boss", "i1", "i2"};
    struct fa_channel_entry *room = world_channel(w, "room", true);
    world_text(&room->readers, &room->reader_count, "lead");
    world_text(&room->readers, &room->reader_count, "boss");
    for (size_t i = 0; i < 4; i++) {
        world_person(w, names[i], NULL)->independent = names[i][0] == 'i';
        world_contact(w, names[i], i == 0 ? "room" : "mail");
    }
    world_contact(w, "lead", "mail");
    world_policy(w, "line");
    world_step(w, "lead boss", 15 * FA_MINUTE);
    world_rule(w, "slow", "line", 0);
    world_begin(w);
    world_signal(w, "slow", "", FA_LEVEL_FIRING);
}

static void recuse(struct world *w, const char *who, const char *about)
{
    world_step_event(
        w, (struct fa_event){.kind = FA_EV_RECUSE, .u.recuse = {world_alarm(w)->id, who, about}});
    assert_int_equal(w->reply.u.reply.code, 0);
}

static void word_that_it_is_owned_goes_round_a_reader_who_stepped_out(void **state)
{
    struct world w;
    begin_with_room(&w);
    WAITING(&w, "boss/mail lead/room");
    world_answer(&w, FA_VERDICT_SENT);
    world_act(&w, FA_EV_ACK, world_alarm(&w), "i1", 0);
    WAITING(&w, "boss/mail lead/room");
    world_answer(&w, FA_VERDICT_RETRY);
    recuse(&w, "boss", NULL);
    WAITING(&w, "lead/mail");
    world_done(&w);
}

static void a_call_under_way_is_not_made_elsewhere_when_the_alarm_is_owned_by_then(void **state)
{
    struct world w;
    begin_with_room(&w);
    WAITING(&w, "boss/mail lead/room"); /* both with the courier, nothing came back yet */
    w.unchecked = true;                 /* what is on the wire cannot be called back */
    world_act(&w, FA_EV_ACK, world_alarm(&w), "i1", 0);
    recuse(&w, "boss", NULL);
    WAITING(&w, "boss/mail lead/room"); /* no call more */
    world_done(&w);
}

static void a_message_that_is_held_back_says_the_new_step_when_it_climbs_meanwhile(void **state)
{
    struct world w;
    world_begin_firm(&w);
    for (size_t i = 0; i < w.dir->channel_count; i++) {
        w.dir->channels[i].machine = false;
    }
    struct fa_policy *line = &w.setup.policies[w.setup.policy_count - 1];
    world_text(&line->steps[0].targets, &line->steps[0].target_count, "rep");
    world_text(&line->steps[1].targets, &line->steps[1].target_count, "lead");
    fa_policy_seal(line);
    for (uint32_t i = 1; i <= 5; i++) { /* lead has had his five, rep four and this one */
        assert_int_equal(file(&w, i, (struct fa_filing){.category = "lying", .level = -1}), 0);
    }
    world_answer(&w, FA_VERDICT_SENT);
    assert_int_equal(file(&w, 6, (struct fa_filing){.category = "lying", .level = -1}), 0);
    struct fa_alarm_id id = incident(&w, 6)->alarms[0];
    struct fa_event wrong = {.kind = FA_EV_WRONG_CODE, .u.act = {.alarm = id, .who = "lead"}};
    for (int i = 0; i < FA_GUESSES_MAX; i++) { /* it climbs at once */
        world_step_event(&w, wrong);
    }
    const struct fa_alarm *alarm = fa_engine_alarm(w.engine, id);
    assert_int_equal(alarm->step, 1);
    size_t lines = 0;
    for (const struct fa_notification *n = alarm->notifications; n != NULL; n = n->next) {
        if (strcmp(n->person, "lead") == 0) {
            assert_int_equal(n->step, 1);
            lines++;
        }
    }
    assert_int_equal(lines, 1);
    world_done(&w);
}

static void a_channel_with_the_longest_name_is_troubled_and_well_again(void **state)
{
    struct world w;
    char name[90];
    memset(name, 'c', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    world_init(&w);
    world_person(&w, "ann", NULL);
    world_channel(&w, name, false);
    world_contact(&w, "ann", name);
    world_policy(&w, "line");
    world_step(&w, "ann", FA_HOUR);
    world_rule(&w, "slow", "line", 0);
    world_begin(&w);
    char rule[96];
    snprintf(rule, sizeof rule, "firealarm:channel-%.77s", name); /* as much as a rule may have */
    world_signal(&w, "slow", "a=\"1\"", FA_LEVEL_FIRING);
    world_answer(&w, FA_VERDICT_REJECTED);
    const struct fa_alarm *trouble = world_alarm_of(&w, rule);
    assert_non_null(trouble);
    assert_int_not_equal(trouble->state, FA_ALARM_RETURNED);
    world_signal(&w, "slow", "a=\"2\"", FA_LEVEL_FIRING);
    for (int i = 0; i < 3; i++) {
        world_answer(&w, FA_VERDICT_SENT);
    }
    assert_int_equal(trouble->state, FA_ALARM_RETURNED);
    world_done(&w);
}

/* ---- alarms ---- */

static void who_stepped_out_stays_out_of_the_alarm_that_is_raised_anew(void **state)
{
    struct world w;
    world_begin_firm(&w);
    w.unchecked = true; /* lead was told before anybody knew */
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    world_answer(&w, FA_VERDICT_SENT);
    recuse(&w, "lead", "rep");
    recuse(&w, "i1", NULL);
    world_act(&w, FA_EV_RESOLVE, world_alarm(&w), "i2", 0);
    for (int i = 0; i < 3; i++) {
        world_answer(&w, FA_VERDICT_SENT);
    }
    struct fa_alarm_id before = world_alarm(&w)->id;
    world_advance(&w, w.setup.rearm);
    const struct fa_alarm *anew = world_alarm_of(&w, "slow");
    assert_false(fa_id_eq(anew->id.id, before.id));
    assert_int_equal(anew->people->about_count, 1);
    assert_string_equal(anew->people->about[0], "rep");
    assert_int_equal(anew->people->struck_count, 1);
    WAITING(&w, "i2/sms"); /* lead, boss and ceo are above rep */
    world_done(&w);
}

static void what_was_closed_and_fires_on_is_raised_anew_though_a_silence_hides_it(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    world_answer(&w, FA_VERDICT_SENT);
    assert_int_equal(world_silence(&w, "rule=slow", "ops", "x", 5 * FA_HOUR), 0);
    struct fa_alarm_id before = world_alarm(&w)->id;
    world_act(&w, FA_EV_RESOLVE, world_alarm(&w), "lead", 0);
    for (int i = 0; i < 3; i++) {
        world_answer(&w, FA_VERDICT_SENT);
    }
    world_advance(&w, w.setup.rearm);
    assert_false(fa_id_eq(world_alarm_of(&w, "slow")->id.id, before.id));
    assert_int_equal(world_alarm_of(&w, "slow")->state, FA_ALARM_UNACKED);
    WAITING(&w, ""); /* hidden from its beginning */
    world_advance(&w, 5 * FA_HOUR);
    assert_non_null(strstr(world_waiting(&w, text, sizeof text), "lead/mail"));
    world_done(&w);
}

static void a_promise_that_ended_while_hidden_is_not_called_forgotten(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    world_answer(&w, FA_VERDICT_SENT);
    world_act(&w, FA_EV_ACK, world_alarm(&w), "lead", 10 * FA_MINUTE);
    assert_int_equal(world_silence(&w, "rule=slow", "ops", "x", 2 * FA_HOUR), 0);
    world_answer(&w, FA_VERDICT_SENT);
    world_advance(&w, FA_HOUR);
    world_step_event(&w, (struct fa_event){.kind = FA_EV_RECONCILE});
    assert_int_equal(world_alarm(&w)->state, FA_ALARM_ACKED);
    assert_null(world_alarm_of(&w, "firealarm:reconciled"));
    world_advance(&w, FA_HOUR);
    assert_int_equal(world_alarm(&w)->state, FA_ALARM_UNACKED); /* missed, now that it is heard */
    world_done(&w);
}

/* lead owns it and is late; who is above him was struck. */
static void a_missed_promise_with_nobody_above_who_may_know_goes_to_the_independents(void **state)
{
    struct world w;
    const char *struck[] = {"boss", "ceo"};
    world_begin_firm(&w);
    struct fa_filing filing = {
        .category = "lying", .struck = struck, .struck_count = 2, .level = -1};
    assert_int_equal(file(&w, 1, filing), 0);
    world_answer(&w, FA_VERDICT_SENT);
    world_act(&w, FA_EV_ACK, world_alarm(&w), "lead", 10 * FA_MINUTE);
    world_advance(&w, 10 * FA_MINUTE);
    WAITING(&w, "i1/mail i2/sms lead/mail");
    world_done(&w);
}

static bool may_list(const struct world *w, const char *name)
{
    struct fa_access access;
    fa_access_init(&access, w->engine, world_alarm(w));
    struct fa_viewer viewer = {fa_directory_find(w->dir, fa_str_of(name))};
    bool may = fa_may(w->dir, viewer, FA_VERB_LIST, &access.object);
    fa_access_done(&access);
    return may;
}

/* Who knows of it already: the second of two who were told, and who owned it untold. */
static void who_knows_of_it_goes_on_with_it_when_a_name_left_the_company(void **state)
{
    struct world w;
    world_begin_firm(&w);
    assert_int_equal(file(&w, 1, (struct fa_filing){.category = "lying", .level = -1}), 0);
    world_answer(&w, FA_VERDICT_SENT);
    world_advance(&w, 15 * FA_MINUTE);
    world_answer(&w, FA_VERDICT_SENT);
    world_act(&w, FA_EV_ACK, world_alarm(&w), "rep2", 0);
    struct fa_alarm *alarm = (struct fa_alarm *)(uintptr_t)world_alarm(&w);
    assert_int_equal(alarm->told_count, 2);
    struct fa_alarm_people *people = fa_alarm_people(alarm);
    world_text(&people->about, &people->about_count, "left-the-company");
    static const struct {
        const char *name;
        bool may;
    } rows[] = {{"lead", true}, {"boss", true}, {"rep2", true}, {"ceo", false}, {"rep", false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (may_list(&w, rows[i].name) != rows[i].may) {
            fail_msg("%s", rows[i].name);
        }
    }
    world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            what_nobody_sorted_goes_where_the_first_category_goes_that_is_always_raised),
        cmocka_unit_test(a_filing_that_two_rules_take_alone_is_an_alarm_of_each),
        cmocka_unit_test(its_reporter_sees_when_the_first_of_its_alarms_was_owned),
        cmocka_unit_test(what_a_pattern_took_along_and_falls_due_later_is_in_its_alarm_once),
        cmocka_unit_test(an_alarm_takes_five_hundred_filings_and_no_more),
        cmocka_unit_test(an_accused_conduit_without_a_customer_leaves_the_independent_contacts),
        cmocka_unit_test(a_name_that_nobody_proved_counts_for_the_size_of_a_filing),
        cmocka_unit_test(all_whom_nobody_proved_are_one_reporter_at_the_limit),
        cmocka_unit_test(the_closed_filing_that_would_leave_next_makes_room),
        cmocka_unit_test(help_that_has_no_helpers_names_nobody_beforehand),
        cmocka_unit_test(what_hangs_in_an_older_step_is_no_hope_for_the_newer),
        cmocka_unit_test(what_waits_for_a_slow_try_is_not_sent_while_its_alarm_is_hidden),
        cmocka_unit_test(a_digest_is_neither_replayed_nor_dropped_but_each_of_its_lines),
        cmocka_unit_test(a_dead_letter_whose_filing_is_history_is_not_replayed),
        cmocka_unit_test(word_that_it_is_owned_goes_round_a_reader_who_stepped_out),
        cmocka_unit_test(a_call_under_way_is_not_made_elsewhere_when_the_alarm_is_owned_by_then),
        cmocka_unit_test(a_message_that_is_held_back_says_the_new_step_when_it_climbs_meanwhile),
        cmocka_unit_test(a_channel_with_the_longest_name_is_troubled_and_well_again),
        cmocka_unit_test(who_stepped_out_stays_out_of_the_alarm_that_is_raised_anew),
        cmocka_unit_test(what_was_closed_and_fires_on_is_raised_anew_though_a_silence_hides_it),
        cmocka_unit_test(a_promise_that_ended_while_hidden_is_not_called_forgotten),
        cmocka_unit_test(a_missed_promise_with_nobody_above_who_may_know_goes_to_the_independents),
        cmocka_unit_test(who_knows_of_it_goes_on_with_it_when_a_name_left_the_company),
    };
    cmocka_set_test_filter(getenv("FA_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
