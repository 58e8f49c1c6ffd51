/* SPDX-License-Identifier: MIT */
/* The page behind the link in a message: one person owns one alarm.
 *
 * Invariants:
 *  1. Only a POST with the right code changes anything but the count of wrong codes. Mail scanners
 *     open links, run scripts and send forms: none of them has the code.
 *  2. Before the right code was typed the page says no word of what people filed: a link travels
 *     through logs and mailboxes that others read.
 *  3. A link that is too old, of another key, of an alarm that is closed or unknown, or of somebody
 *     who may not own it (any more) has one answer, found by the same steps. Nobody learns from a
 *     link that he is kept out of something.
 *  4. A form that was made before the owner changed takes the alarm from nobody: it is shown anew.
 *
 * Whoever owns an alarm by a link owns it like any other; that somebody was called after the link
 * was sent makes no difference, and those hear of it (alarms/state.c). */
#include "api/page.h"

#include <stdio.h>
#include <string.h>

#define WORD_MAX ((size_t)2000)

#define NO_FAULT FA_PHRASE__COUNT

struct ack {
    struct fa_call *call;
    struct fa_link_to to;
    const struct fa_alarm *alarm;
    const struct fa_person_entry *person;
    const struct fa_severity *severity;
    struct fa_reader reader;
    fa_time now;          /* wall */
    enum fa_phrase fault; /* what was wrong with the form that came; NO_FAULT */
    bool is_other_time;   /* than was asked for */
    bool is_drill;        /* answering it ends it: there is nothing to promise */
};

static void say_no(struct fa_call *call)
{
    fa_page_say(call, 404, FA_PHRASE_LINK_DEAD, FA_PHRASE_LINK_DEAD_WHY);
}

/* What is owned, calm or hidden calls nobody, whatever was typed. */
static void say_locked(struct fa_call *call, const struct fa_alarm *alarm)
{
    bool climbs = alarm != NULL && alarm->state == FA_ALARM_UNACKED &&
                  (alarm->flags & (FA_FLAG_SHELVED | FA_FLAG_SUPPRESSED)) == 0;
    fa_page_say(call, 403, FA_PHRASE_LINK_LOCKED,
                climbs ? FA_PHRASE_LINK_LOCKED_CLIMBS : FA_PHRASE_LINK_LOCKED_ONLY);
}

/* What is looked at where there is no such alarm, so that this takes as long. */
static char no_name[2]; /* and no labels */
static const struct fa_alarm_texts no_texts = {
    .policy = FA_POLICY_OPERATORS, .policy_hash = "", .severity = ""};
static const struct fa_alarm no_alarm = {
    .state = FA_ALARM_UNACKED,
    .texts = &no_texts,
    .people = &fa_alarm_nobody,
    .identity = no_name,
};

/* False after an answer. */
static bool find(struct fa_call *call, struct ack *ack)
{
    const struct fa_api_host *host = &call->api->host;
    if (!fa_page_has_store(call)) {
        return false;
    }
    *ack = (struct ack){.call = call, .now = host->now(host->ctx).wall, .fault = NO_FAULT};
    bool good =
        fa_link_parse(call->api->keys.links, FA_LINK_ACK, fa_str_of(call->id), &ack->to) == 0;
    good &= ack->now - ack->to.made < FA_LINK_KEPT;
    ack->alarm = fa_engine_alarm(call->engine, ack->to.alarm);
    good &= ack->alarm != NULL && ack->alarm->state != FA_ALARM_RESOLVED;
    ack->alarm = ack->alarm != NULL ? ack->alarm : &no_alarm;
    call->caller.person = fa_directory_find(call->people, fa_str_of(ack->to.person));
    good &= fa_call_may(call, ack->alarm, FA_VERB_ACK);
    if (!good) {
        say_no(call);
        return false;
    }
    /* Not before: the page that says no is the same whoever it is. */
    ack->reader = fa_describe_reader(call->engine, ack->to.person);
    call->language = ack->reader.language;
    if (fa_alarm_guesses_left(ack->alarm, ack->to.person) == 0) {
        say_locked(call, ack->alarm);
        return false;
    }
    ack->person = &call->people->people[call->caller.person];
    ack->severity = fa_setup_severity(call->setup, ack->alarm->texts->severity);
    ack->severity = ack->severity != NULL ? ack->severity : &call->setup->severities[0];
    ack->is_drill = (ack->alarm->flags & FA_FLAG_DRILL) != 0;
    return true;
}

static bool is_mine(const struct ack *ack)
{
    return ack->alarm->people->owner != NULL &&
           strcmp(ack->alarm->people->owner, ack->to.person) == 0;
}

static const char *display_of(const struct fa_call *call, const char *name)
{
    fa_person person = fa_directory_find(call->people, fa_str_of(name));
    return person != FA_NOBODY ? call->people->people[person].display : name;
}

/* In the zone of whose link it is. */
static const char *time_text(const struct ack *ack, fa_time wall, char buf[FA_READER_TIME_SIZE])
{
    return fa_describe_time(ack->reader, wall, ack->now, buf);
}

/* A series' alarm has a title for everybody; a filing's only for whoever typed the code. */
static void put_title(struct fa_page *page, const struct ack *ack, bool proved)
{
    struct fa_describe describe;
    struct fa_buf title, clean;
    if ((ack->alarm->flags & FA_FLAG_FILED) != 0 && !proved) {
        fa_page_phrase(page, "<p><strong>", FA_PHRASE_FILED_BY_PERSON, NULL, "</strong></p>\n");
        return;
    }
    fa_buf_init(&title, 8192);
    fa_buf_init(&clean, 32768);
    fa_describe_init(&describe, ack->call->engine, ack->alarm, ack->alarm->value, ack->reader);
    fa_describe_title(&describe, ack->alarm, ack->now, &title);
    fa_reader_clean(&clean, fa_buf_str(&title));
    fa_page_put(page, "<p><strong>%s</strong></p>\n", fa_buf_text(&clean));
    fa_describe_done(&describe);
    fa_buf_done(&title);
    fa_buf_done(&clean);
}

static void put_facts(struct fa_page *page, const struct ack *ack)
{
    char when[FA_READER_TIME_SIZE];
    fa_page_put(page, "<dl><dt>%s</dt><dd>%s</dd>\n<dt>%s</dt><dd>%s</dd></dl>\n",
                fa_page_text(page, FA_PHRASE_RAISED), time_text(ack, ack->alarm->raised, when),
                fa_page_text(page, FA_PHRASE_YOU_ARE),
                ack->person->display != NULL ? ack->person->display : ack->person->name);
}

/* ---- the form ---- */

static fa_time usual_length(const struct ack *ack)
{
    const struct fa_severity *severity = ack->severity;
    return severity->ack_default < severity->ack_max ? severity->ack_default : severity->ack_max;
}

static void put_times(struct fa_page *page, const struct ack *ack)
{
    static const char *const times[] = {"15m", "30m", "1h", "2h",  "4h", "8h",
                                        "1d",  "3d",  "7d", "14d", "30d"};
    const char *chosen = fa_form_text(ack->call->form, "for");
    fa_time usual = usual_length(ack), length = 0;
    char text[40];
    fa_page_put(page,
                "<label for=\"for\">%s</label>\n"
                "<select id=\"for\" name=\"for\">\n<option value=\"\">%s</option>\n",
                fa_page_text(page, FA_PHRASE_MORE_IN),
                fa_reader_duration(ack->reader.language, usual, text));
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        if (fa_parse_duration(fa_str_of(times[i]), &length) == 0 &&
            length <= ack->severity->ack_max && length != usual) {
            fa_page_put(page, "<option value=\"%s\"%s>%s</option>\n", times[i],
                        strcmp(times[i], chosen) == 0 ? " selected" : "",
                        fa_reader_duration(ack->reader.language, length, text));
        }
    }
    fa_page_put(page, "</select>\n");
}

/* What need not be touched: the severity's time, and no word. */
static void put_more(struct fa_page *page, const struct ack *ack)
{
    bool touched = fa_form_text(ack->call->form, "for")[0] != '\0' ||
                   fa_form_text(ack->call->form, "word")[0] != '\0';
    char text[40];
    fa_reader_duration(ack->reader.language, usual_length(ack), text);
    fa_page_phrase(page, touched ? "<details open><summary>" : "<details><summary>",
                   FA_PHRASE_MORE_CHANGE, FA_VALUES(text), "</summary>\n");
    put_times(page, ack);
    fa_page_put(page,
                "<label for=\"word\">%s</label>\n"
                "<textarea id=\"word\" class=\"few\" name=\"word\" maxlength=\"2000\">\n%s"
                "</textarea>\n</details>\n",
                fa_page_text(page, FA_PHRASE_WORD_TO_OTHERS),
                fa_form_text(ack->call->form, "word"));
}

static void put_form(struct fa_page *page, const struct ack *ack, enum fa_phrase button)
{
    char stamp[FA_LINK_STAMP_SIZE];
    fa_link_stamp(ack->call->api->keys.links, ack->alarm, stamp);
    fa_page_put(page,
                "<form method=\"post\" autocomplete=\"off\">\n"
                "<label for=\"code\">%s</label>\n"
                "<input type=\"text\" id=\"code\" name=\"code\" inputmode=\"numeric\" "
                "maxlength=\"20\" required aria-describedby=\"hint\"%s>\n"
                "<small id=\"hint\" class=\"hint\">%s</small>\n",
                fa_page_text(page, FA_PHRASE_CODE_QUESTION),
                ack->fault != NO_FAULT ? " aria-invalid=\"true\" autofocus" : "",
                fa_page_text(page, FA_PHRASE_CODE_HINT));
    if (!ack->is_drill) {
        put_more(page, ack);
    }
    fa_page_hide(page, "seen", stamp);
    fa_page_put(page, "<button type=\"submit\">%s</button>\n</form>\n", fa_page_text(page, button));
}

static void put_owned(struct fa_page *page, const struct ack *ack)
{
    const struct fa_alarm *alarm = ack->alarm;
    char when[FA_READER_TIME_SIZE];
    time_text(ack, alarm->people->promised, when);
    if (is_mine(ack)) {
        fa_page_phrase(page, "<p class=\"good\">", FA_PHRASE_OWNED_BY_YOU, NULL, "</p>\n");
        fa_page_phrase(page, "<p>", FA_PHRASE_PROMISED_BY_YOU, FA_VALUES(when), "</p>\n");
    } else {
        fa_page_phrase(page, "<p class=\"good\">", FA_PHRASE_OWNED_BY_OTHER,
                       FA_VALUES(display_of(ack->call, alarm->people->owner), when), "</p>\n");
        fa_page_phrase(page, "<p>", FA_PHRASE_NOTHING_EXPECTED, NULL, "</p>\n");
    }
    fa_page_put(page, "<details%s><summary>%s</summary>\n", ack->fault != NO_FAULT ? " open" : "",
                fa_page_text(page, is_mine(ack) ? FA_PHRASE_PROMISE_OTHER : FA_PHRASE_TAKE_OVER));
    put_form(page, ack, is_mine(ack) ? FA_PHRASE_PROMISE_THIS : FA_PHRASE_I_OWN_IT_NOW);
    fa_page_put(page, "</details>\n");
}

static enum fa_phrase heading_of(const struct ack *ack)
{
    return ack->is_drill                         ? FA_PHRASE_OWN_TITLE_DRILL
           : ack->alarm->state == FA_ALARM_ACKED ? FA_PHRASE_OWN_TITLE_OWNED
                                                 : FA_PHRASE_OWN_TITLE;
}

static void show(struct ack *ack, int status)
{
    struct fa_page page;
    fa_page_begin(&page, ack->call, heading_of(ack));
    if (ack->fault != NO_FAULT) {
        fa_page_phrase(&page, "<p class=\"alert\" role=\"alert\">", ack->fault, NULL, "</p>\n");
    }
    put_title(&page, ack, false);
    put_facts(&page, ack);
    if (ack->alarm->state == FA_ALARM_ACKED) {
        put_owned(&page, ack);
    } else if (ack->alarm->state == FA_ALARM_RETURNED) {
        fa_page_phrase(&page, "<p>", FA_PHRASE_OWN_SAYS_CALM, NULL, "</p>\n");
        put_form(&page, ack, FA_PHRASE_I_CLOSE_IT);
    } else if (ack->is_drill) {
        fa_page_phrase(&page, "<p>", FA_PHRASE_OWN_SAYS_DRILL, NULL, "</p>\n");
        put_form(&page, ack, FA_PHRASE_I_ANSWER);
    } else {
        fa_page_phrase(&page, "<p>", FA_PHRASE_OWN_SAYS, NULL, "</p>\n");
        put_form(&page, ack, FA_PHRASE_I_OWN_IT);
    }
    fa_page_send(&page, status);
}

void fa_page_ack_show(struct fa_call *call)
{
    struct ack ack;
    if (find(call, &ack)) {
        show(&ack, 200);
    }
}

/* ---- what was typed ---- */

static void show_fault(struct ack *ack, int status, enum fa_phrase fault)
{
    ack->fault = fault;
    show(ack, status);
}

static void wrong_code(struct ack *ack)
{
    const struct fa_api_host *host = &ack->call->api->host;
    struct fa_event event = {.kind = FA_EV_WRONG_CODE,
                             .u.act = {.alarm = ack->to.alarm, .who = ack->to.person}};
    host->step(host->ctx, &event);
    ack->alarm = fa_engine_alarm(ack->call->engine, ack->to.alarm);
    uint32_t left = ack->alarm != NULL ? fa_alarm_guesses_left(ack->alarm, ack->to.person) : 0;
    if (left == 0) {
        say_locked(ack->call, ack->alarm);
        return;
    }
    show_fault(ack, 403,
               left == 1   ? FA_PHRASE_CODE_WRONG_1
               : left == 2 ? FA_PHRASE_CODE_WRONG_2
               : left == 3 ? FA_PHRASE_CODE_WRONG_3
                           : FA_PHRASE_CODE_WRONG_4);
}

static void show_done(struct ack *ack)
{
    struct fa_page page;
    char when[FA_READER_TIME_SIZE];
    const struct fa_alarm *alarm = fa_engine_alarm(ack->call->engine, ack->to.alarm);
    bool owned = alarm != NULL && alarm->state == FA_ALARM_ACKED;
    ack->alarm = alarm;
    fa_page_begin(&page, ack->call,
                  ack->is_drill ? FA_PHRASE_DONE_ANSWERED
                  : owned       ? FA_PHRASE_DONE_OWNED
                                : FA_PHRASE_DONE_CLOSED);
    if (alarm != NULL) {
        put_title(&page, ack, true);
    }
    if (owned) {
        fa_page_phrase(&page, "<p class=\"good\">", FA_PHRASE_THANKS_OWNED, NULL, "</p>\n");
        fa_page_phrase(&page, "<p>", FA_PHRASE_PROMISED_OR_CLIMBS,
                       FA_VALUES(time_text(ack, alarm->people->promised, when)), "</p>\n");
        if (ack->is_other_time) {
            fa_page_phrase(&page, "<p>", FA_PHRASE_PROMISED_USUAL, NULL, "</p>\n");
        }
        if (alarm->step > ack->to.step || alarm->loop > ack->to.loop) {
            fa_page_phrase(&page, "<p>", FA_PHRASE_OTHERS_CALLED, NULL, "</p>\n");
        }
        if (alarm->texts->expect != NULL) {
            fa_page_put(&page, "<dl><dt>%s</dt><dd>%s</dd></dl>\n",
                        fa_page_text(&page, FA_PHRASE_EXPECTED), alarm->texts->expect);
        }
        fa_page_phrase(&page, "<p class=\"dim\">", FA_PHRASE_PROMISE_AGAIN, NULL, "</p>\n");
    } else {
        fa_page_phrase(&page, "<p class=\"good\">",
                       ack->is_drill ? FA_PHRASE_THANKS_ANSWERED : FA_PHRASE_THANKS_CLOSED, NULL,
                       "</p>\n");
        if (!ack->is_drill) {
            fa_page_phrase(&page, "<p>", FA_PHRASE_CLOSED_SAYS, NULL, "</p>\n");
        }
    }
    fa_page_send(&page, 200);
}

/* What cannot be promised is the severity's default, 0, as "" is: who owns it must not fail at
 * that. The page says so then. */
static fa_time length_of(struct ack *ack)
{
    const char *text = fa_form_text(ack->call->form, "for");
    fa_time length = 0;
    bool is_right = fa_parse_duration(fa_str_of(text), &length) == 0 && length >= FA_PROMISE_MIN;
    ack->is_other_time = !is_right && text[0] != '\0';
    return is_right ? length : 0;
}

static void own(struct ack *ack)
{
    const struct fa_api_host *host = &ack->call->api->host;
    char word[WORD_MAX + 1];
    struct fa_str typed = fa_str_trim(fa_str_of(fa_form_text(ack->call->form, "word")));
    size_t len = fa_utf8_cut(typed, WORD_MAX);
    memcpy(word, typed.ptr, len);
    word[len] = '\0';
    struct fa_event event = {.kind = FA_EV_ACK,
                             .u.act = {.alarm = ack->to.alarm,
                                       .who = ack->to.person,
                                       .text = len > 0 ? word : NULL,
                                       .for_ms = length_of(ack)}};
    if (host->step(host->ctx, &event).code != 0) {
        say_no(ack->call); /* closed meanwhile */
        return;
    }
    show_done(ack);
}

static void take(struct ack *ack)
{
    const struct fa_call *call = ack->call;
    char stamp[FA_LINK_STAMP_SIZE];
    fa_link_stamp(call->api->keys.links, ack->alarm, stamp);
    switch (fa_link_code_check(call->api->keys.links, &ack->to,
                               fa_str_of(fa_form_text(call->form, "code")))) {
    case FA_TYPED_WRONG:
        wrong_code(ack);
        return;
    case FA_TYPED_NOTHING:
        show_fault(ack, 422, FA_PHRASE_CODE_MISSING);
        return;
    case FA_TYPED_RIGHT:
        break;
    }
    if (strcmp(fa_form_text(call->form, "seen"), stamp) != 0) {
        show_fault(ack, 409, FA_PHRASE_PAGE_OLD);
        return;
    }
    own(ack);
}

void fa_page_ack(struct fa_call *call)
{
    struct ack ack;
    if (!fa_page_read_form(call)) {
        return;
    }
    if (find(call, &ack)) {
        take(&ack);
    }
    json_decref(call->form);
}

/* ---- for messages ---- */

bool fa_api_make_link(const struct fa_api *api, struct fa_alarm_id alarm, const char *person,
                      uint32_t step, uint32_t loop, fa_time made, struct fa_api_link *ret_link)
{
    struct fa_link_to to = {.alarm = alarm, .step = step, .loop = loop, .made = made};
    char token[FA_LINK_TOKEN_SIZE], code[FA_LINK_CODE_SIZE];
    if (api->host.pages_url == NULL || api->host.store(api->host.ctx) == NULL ||
        strlen(person) > FA_LINK_NAME_MAX) {
        return false;
    }
    memcpy(to.person, person, strlen(person) + 1);
    if (fa_link_make(api->keys.links, FA_LINK_ACK, &to, token) != 0) {
        return false;
    }
    fa_link_code(api->keys.links, alarm, person, code);
    snprintf(ret_link->url, sizeof ret_link->url, "%s/a/%s", api->host.pages_url, token);
    snprintf(ret_link->code, sizeof ret_link->code, "%.3s %s", code, code + 3);
    return true;
}
