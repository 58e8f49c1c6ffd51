/* SPDX-License-Identifier: MIT */
/* Short sentences, one question at a time, Enter where not knowing is an answer. The questions are
 * a table: first each one whose answer is missing is asked, then, when the daemon finds a fault in
 * an answer, that one again. What options said is not asked. Nothing is written to disk here. */
#include "client/interview.h"

#include "client/api.h"
#include "client/ask.h"
#include "client/guide.h"
#include "client/render.h"
#include "client/when.h"

#include <string.h>
#include <strings.h>

#define CATEGORIES_MAX 64
#define EXAMPLES_SHOWN 2
#define NAMES_LISTED   30

struct interview {
    struct fa_client *client;
    struct fa_filing *filing;
    struct fa_guide guide;
};

static int ask_category(struct interview *talk)
{
    struct fa_screen *screen = &talk->client->talk;
    const json_t *categories = json_object_get(talk->guide.json, "categories"), *category, *example;
    const char *names[CATEGORIES_MAX] = {NULL};
    size_t i, j, count = 0, index = 0;
    if (json_array_size(categories) == 0) {
        return 0; /* null: the daemon takes it for the most serious */
    }
    fa_say(screen, "What kind of problem is it?\n\n");
    json_array_foreach(categories, i, category)
    {
        const char *name = fa_member_text(category, "name");
        const char *title = fa_member_text(category, "title");
        if (name == NULL || count == CATEGORIES_MAX) {
            continue;
        }
        names[count++] = name;
        fa_say(screen, "  %2zu  ", count);
        fa_put(screen, FA_BOLD, title != NULL ? title : name);
        fa_say(screen, "\n");
        json_array_foreach(json_object_get(category, "examples"), j, example)
        {
            if (j < EXAMPLES_SHOWN && json_is_string(example)) {
                fa_put_wrapped(screen, 8, "      - ", json_string_value(example));
            }
        }
    }
    fa_say(screen, "\n");
    int rc = fa_ask_number(talk->client, "Number: ", count, names, &index);
    if (rc == 0) {
        fa_filing_set(talk->filing, "category", names[index]);
    }
    return rc;
}

static int ask_customer(struct interview *talk)
{
    struct fa_buf line;
    fa_buf_init(&line, 1024);
    int rc = fa_ask_line(talk->client, "Which customer does it hurt? (Enter: none, or not known) ",
                         &line);
    if (rc == 0) {
        fa_filing_set(talk->filing, "customer", line.len > 0 ? fa_buf_text(&line) : NULL);
    }
    fa_buf_done(&line);
    return rc;
}

static int ask_what(struct interview *talk)
{
    struct fa_buf text;
    fa_buf_init(&text, 2 * FA_TEXT_MAX);
    fa_say(&talk->client->talk,
           "What happened? As many lines as you like. To finish, type a single "
           "dot on a line of its own.\n");
    int rc = fa_ask_text(talk->client, &text);
    if (rc == 0) {
        fa_filing_set(talk->filing, "text", fa_buf_text(&text));
    }
    fa_buf_done(&text);
    return rc;
}

static int ask_since(struct interview *talk)
{
    struct fa_buf line;
    struct fa_err err;
    char when[FA_WHEN_SIZE];
    int rc, bad = 1;
    fa_buf_init(&line, 256);
    fa_say(&talk->client->talk,
           "Since when? For example: today, yesterday, monday, 3d (three days), 2026-11-20.\n");
    while (bad != 0 && (rc = fa_ask_line(talk->client, "Since (Enter: not known): ", &line)) == 0) {
        bad = line.len == 0
                  ? 0
                  : fa_when_since(fa_buf_str(&line), talk->client->world->now, when, &err);
        if (bad != 0) {
            fa_put_wrapped(&talk->client->talk, 2, "  ", err.text);
        } else {
            fa_filing_set(talk->filing, "since", line.len > 0 ? when : NULL);
        }
    }
    fa_buf_done(&line);
    return rc;
}

static int ask_known(struct interview *talk)
{
    static const char *const values[] = {"seen", "told", "heard"};
    size_t index = 0;
    fa_say(&talk->client->talk, "How do you know?\n\n"
                                "   1  I saw it myself\n"
                                "   2  Somebody who was there told me\n"
                                "   3  I heard of it\n\n");
    int rc = fa_ask_number(talk->client, "Number: ", 3, values, &index);
    if (rc == 0) {
        fa_filing_set(talk->filing, "known", values[index]);
    }
    return rc;
}

static void list_names(struct interview *talk)
{
    static const char *const lists[] = {"people", "groups"};
    struct fa_screen *screen = &talk->client->talk;
    struct fa_table table = {.titles = {"NAME", "WHO"}, .columns = 2};
    const json_t *entry;
    size_t i, count = 0;
    for (size_t l = 0; l < 2; l++) {
        json_array_foreach(json_object_get(talk->guide.json, lists[l]), i, entry)
        {
            const char *name = fa_member_text(entry, "name");
            if (name != NULL && count++ < NAMES_LISTED) {
                fa_table_add(&table, FA_PLAIN, name);
                fa_table_add(&table, FA_PLAIN, fa_guide_display(&talk->guide, name));
            }
        }
    }
    if (count == 0) {
        fa_say(screen, "  The list of people is with the daemon, which cannot be reached now.\n");
    } else {
        fa_table_print(screen, &table);
    }
    if (count > NAMES_LISTED) {
        fa_say(screen, "... and %zu more. Type a part of the name.\n", count - NAMES_LISTED);
    }
    fa_table_done(&table);
}

/* "  Nobody here is called 'x'." */
static void say_fault(struct fa_screen *screen, const char *text)
{
    char first[2] = {text[0] >= 'a' && text[0] <= 'z' ? (char)(text[0] - 32) : text[0], '\0'};
    fa_say(screen, "  ");
    fa_put(screen, FA_PLAIN, first);
    size_t len = strlen(text);
    fa_put(screen, FA_PLAIN, len > 0 ? text + 1 : "");
    fa_say(screen, len > 0 && text[len - 1] == '?' ? "\n" : ".\n");
}

/* Names parted by commas into a list of the filing. False: one of them is not known. */
static bool take_names(struct interview *talk, struct fa_str rest, const char *member)
{
    struct fa_screen *screen = &talk->client->talk;
    struct fa_err err;
    bool any_people = json_array_size(json_object_get(talk->guide.json, "people")) > 0;
    json_object_set_new(talk->filing->request, member, json_array());
    while (rest.len > 0) {
        char word[128];
        struct fa_str one = fa_str_trim(fa_str_cut(rest, ',', &rest));
        if (one.len == 0) {
            continue;
        }
        const char *name = fa_guide_find(&talk->guide, one, &err);
        if (name == NULL && (!any_people || fa_str_starts(one, "role:"))) {
            snprintf(word, sizeof word, "%.*s", FA_STR_ARG(one));
            name = word;
        }
        if (name == NULL) {
            say_fault(screen, err.text);
            return false;
        }
        fa_filing_add(talk->filing, member, name);
        fa_say(screen, "  - ");
        fa_put(screen, FA_PLAIN, fa_guide_display(&talk->guide, name));
        fa_say(screen, "\n");
    }
    return true;
}

static int ask_about(struct interview *talk)
{
    struct fa_buf line;
    int rc;
    bool done = false;
    fa_buf_init(&line, 4096);
    fa_put_wrapped(&talk->client->talk, 0, NULL,
                   "Who is it about? They, and those close to them, will not be told. Names, "
                   "parted by commas; a part of the name is enough; ? lists them. Somebody from "
                   "outside belongs in the text above.");
    while (!done &&
           (rc = fa_ask_line(talk->client, "Names (Enter: nobody in particular): ", &line)) == 0) {
        if (strcmp(fa_buf_text(&line), "?") == 0) {
            list_names(talk);
        } else {
            done = take_names(talk, fa_buf_str(&line), "about");
        }
    }
    fa_buf_done(&line);
    return rc;
}

static const struct question {
    const char *member;
    int (*ask)(struct interview *talk);
} questions[] = {
    {"category", ask_category}, {"customer", ask_customer}, {"text", ask_what},
    {"since", ask_since},       {"known", ask_known},       {"about", ask_about},
};
#define QUESTION_COUNT (sizeof questions / sizeof questions[0])

static bool is_answered(const struct fa_filing *filing, const char *member)
{
    const json_t *value = json_object_get(filing->request, member);
    return json_is_array(value) ? json_array_size(value) > 0 : json_is_string(value);
}

static int ask_missing(struct interview *talk)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < QUESTION_COUNT; i++) {
        if (!is_answered(talk->filing, questions[i].member)) {
            rc = questions[i].ask(talk);
            fa_say(&talk->client->talk, "\n");
        }
    }
    return rc;
}

/* Asks again what the daemon found a fault in; *ret_any is whether there was a question for it. */
static int ask_again(struct interview *talk, const struct fa_answer *answer, bool *ret_any)
{
    const json_t *errors = json_object_get(answer->json, "errors"), *fault;
    size_t i;
    int rc = 0;
    *ret_any = false;
    for (size_t q = 0; rc == 0 && q < QUESTION_COUNT; q++) {
        size_t len = strlen(questions[q].member);
        bool hit = false;
        json_array_foreach(errors, i, fault)
        {
            const char *at = fa_fault_member(fault);
            hit = hit || (at != NULL && strncmp(at, questions[q].member, len) == 0 &&
                          (at[len] == '\0' || at[len] == '/'));
        }
        if (hit) {
            *ret_any = true;
            rc = questions[q].ask(talk);
        }
    }
    return rc;
}

/* Shows what would happen. *ret_preview is NULL when the daemon cannot say. */
static int preview(struct interview *talk, json_t **ret_preview)
{
    struct fa_client *client = talk->client;
    *ret_preview = NULL;
    for (;;) {
        struct fa_answer answer;
        bool again = false;
        int rc = 0;
        json_t *request = fa_filing_outline(talk->filing);
        fa_api_call(&client->settings, "/v1/incidents/preview", request, &answer);
        json_decref(request);
        if (answer.kind == FA_ANSWER_OK) {
            *ret_preview = json_incref(answer.json);
            fa_render_preview(&client->talk, answer.json);
        } else if (answer.kind == FA_ANSWER_STOPPED) {
            rc = FA_ECLOSED;
        } else if (answer.kind == FA_ANSWER_REFUSED) {
            fa_put_wrapped(&client->talk, 0, NULL, fa_buf_text(&answer.message));
            fa_say(&client->talk, "\n");
            rc = ask_again(talk, &answer, &again);
        } else {
            fa_put_wrapped(&client->talk, 0, NULL,
                           "Who will be told cannot be shown now, because the daemon cannot be "
                           "asked. Those whom it is about are never told.");
        }
        fa_answer_done(&answer);
        if (rc != 0 || !again) {
            return rc;
        }
    }
}

/* A number of the list shown, or a name. */
static void strike_one(struct interview *talk, const json_t *told, struct fa_str word)
{
    struct fa_screen *screen = &talk->client->talk;
    uint64_t number = 0;
    struct fa_err err;
    const char *name;
    if (fa_parse_u64(word, &number) == 0 && number >= 1 && number <= json_array_size(told)) {
        name = fa_member_text(json_array_get(told, (size_t)number - 1), "name");
    } else {
        name = fa_guide_find(&talk->guide, word, &err);
    }
    if (name == NULL) {
        say_fault(screen, number > 0 ? "that number is not in the list" : err.text);
        return;
    }
    fa_filing_add(talk->filing, "strike", name);
    fa_say(screen, "  ");
    fa_put(screen, FA_PLAIN, fa_guide_display(&talk->guide, name));
    fa_say(screen, " will not be told.\n");
}

/* *ret_again: the list has changed, or a name was not understood; whoever mistypes a name must not
 * file in the belief that it is struck. */
static int ask_strike(struct interview *talk, const json_t *shown, bool *ret_again)
{
    struct fa_buf line;
    const json_t *told = json_object_get(shown, "told");
    *ret_again = false;
    if (json_array_size(told) == 0) {
        return 0;
    }
    fa_buf_init(&line, 4096);
    fa_say(&talk->client->talk, "\nYou may strike anybody from that list. You need no reason.\n");
    int rc = fa_ask_line(talk->client, "Numbers or names (Enter: nobody): ", &line);
    struct fa_str rest = fa_buf_str(&line);
    while (rc == 0 && rest.len > 0) {
        struct fa_str one = fa_str_trim(fa_str_cut(rest, ',', &rest));
        if (one.len > 0) {
            strike_one(talk, told, one);
            *ret_again = true;
        }
    }
    fa_buf_done(&line);
    return rc;
}

enum decision { DECIDED_YES, DECIDED_NO, DECIDED_RAISE };

static int decide(struct interview *talk, const json_t *shown, enum decision *ret_decision)
{
    const char *level = fa_member_text(shown, "level");
    bool may_raise = level != NULL && strcmp(level, "raise") != 0;
    const char *question = may_raise ? "File it now? (y: yes, n: no, raise: raise the alarm) "
                                     : "File it now? (y: yes, n: no) ";
    struct fa_buf line;
    int rc;
    bool done = false;
    fa_buf_init(&line, 256);
    fa_say(&talk->client->talk, "\n");
    while (!done && (rc = fa_ask_line(talk->client, question, &line)) == 0) {
        const char *text = fa_buf_text(&line);
        done = true;
        if (strcasecmp(text, "y") == 0 || strcasecmp(text, "yes") == 0) {
            *ret_decision = DECIDED_YES;
        } else if (strcasecmp(text, "n") == 0 || strcasecmp(text, "no") == 0) {
            *ret_decision = DECIDED_NO;
        } else if (may_raise && (strcasecmp(text, "raise") == 0 || strcasecmp(text, "r") == 0)) {
            *ret_decision = DECIDED_RAISE;
        } else {
            fa_say(&talk->client->talk, may_raise ? "  Please type y, n or raise.\n"
                                                  : "  Please type y for yes or n for no.\n");
            done = false;
        }
    }
    fa_buf_done(&line);
    return rc;
}

static void greet(struct interview *talk)
{
    struct fa_screen *screen = &talk->client->talk;
    const char *notice = fa_member_text(talk->guide.json, "notice");
    const char *you = fa_member_text(json_object_get(talk->guide.json, "you"), "display");
    fa_put(screen, FA_BOLD, "Pull the fire alarm");
    fa_say(screen, "\n\n");
    if (talk->guide.source != FA_GUIDE_LIVE) {
        fa_put_wrapped(screen, 0, NULL,
                       "The daemon cannot be reached now. You can file all the same: it is kept "
                       "here and sent as soon as it can be.");
        fa_say(screen, "\n");
    }
    if (notice != NULL) {
        fa_put_wrapped(screen, 0, NULL, notice);
    }
    if (you != NULL && talk->guide.source == FA_GUIDE_LIVE) {
        fa_say(screen, "You file as ");
        fa_put(screen, FA_PLAIN, you);
        fa_say(screen, ". Those who may read the alarm can see that.\n");
    }
    fa_put_wrapped(
        screen, 0, NULL,
        "Until you say yes nothing is filed or kept, nobody is told, and your account of "
        "what happened is not sent. Ctrl-C stops.");
    fa_say(screen, "\n");
}

static int settle(struct interview *talk)
{
    json_t *shown = NULL;
    bool struck = true;
    enum decision decision = DECIDED_RAISE;
    int rc = 0;
    while (rc == 0 && decision == DECIDED_RAISE) {
        struck = true;
        while (rc == 0 && struck) {
            json_decref(shown);
            rc = preview(talk, &shown);
            rc = rc != 0 ? rc : ask_strike(talk, shown, &struck);
            fa_say(&talk->client->talk, struck ? "\n" : "");
        }
        rc = rc != 0 ? rc : decide(talk, shown, &decision);
        if (rc == 0 && decision == DECIDED_RAISE) {
            fa_filing_set(talk->filing, "level", "raise");
            fa_say(&talk->client->talk, "\n");
        }
    }
    json_decref(shown);
    return rc == 0 && decision == DECIDED_NO ? FA_ECLOSED : rc;
}

int fa_interview(struct fa_client *client, struct fa_filing *filing)
{
    struct interview talk = {.client = client, .filing = filing};
    int rc = fa_guide_load(client, &talk.guide);
    if (rc != 0) {
        return rc;
    }
    greet(&talk);
    rc = ask_missing(&talk);
    rc = rc != 0 ? rc : settle(&talk);
    fa_say(&client->talk, "\n");
    fa_guide_done(&talk.guide);
    return rc;
}
