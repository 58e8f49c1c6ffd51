/* SPDX-License-Identifier: MIT */
/* Filing from a phone without the client: the interview's questions on one page, then what would
 * happen, then the receipt.
 *
 * Invariants:
 *  1. Nothing is filed before the second page's button; what was typed comes along in that page.
 *  2. The key is made with the first page and goes through both: a form that is sent twice, or
 * again after a lost answer, is one filing with one receipt.
 *  3. Whoever files here is not proved, whatever name he types: such a filing climbs like any other
 *     and counts for no `distinct_reporters`.
 *  4. The page names nobody who works here. A name under "who is it about" that nobody has may be
 *     somebody by another name: then all but the independent contacts are left out.
 *
 * There is no cap on how fast such filings come. Whoever is turned away because others filed much
 * is lost, and the flood is what somebody who wants that would send. What bounds them: a listener's
 * connections; the limit of open filings, of which all who are not proved leave a quarter to those
 * who are (alarms/filing.c), and which is answered on a page that keeps what was typed; and that a
 * person is told of many in few messages. */
#include "api/page.h"

#include "base/id.h"
#include "base/panic.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAMES_MAX 32
#define KEY_BYTES 16

/* ---- the form ---- */

static const char *value(const struct fa_call *call, const char *name)
{
    return fa_form_text(call->form, name);
}

static void put_key(struct fa_page *page)
{
    uint8_t bytes[KEY_BYTES];
    char key[2 * KEY_BYTES + 1];
    const char *typed = value(page->call, "key");
    if (fa_unhex(fa_str_of(typed), bytes, sizeof bytes) != 0) {
        randombytes_buf(bytes, sizeof bytes);
        typed = fa_hex(bytes, sizeof bytes, key);
    }
    fa_page_hide(page, "key", typed);
}

static void put_radio(struct fa_page *page, const char *name, const char *own, const char *label)
{
    bool chosen = page->call->form != NULL && strcmp(value(page->call, name), own) == 0 &&
                  json_object_get(page->call->form, name) != NULL;
    fa_page_put(page, "<label><input type=\"radio\" name=\"%s\" value=\"%s\"%s>\n<span>%s", name,
                own, chosen ? " checked" : "", label);
}

static void put_categories(struct fa_page *page)
{
    const struct fa_setup *setup = page->call->setup;
    fa_page_put(page, "<fieldset><legend>What kind of problem is it?</legend>\n");
    for (size_t i = 0; i < setup->category_count; i++) {
        const struct fa_category *category = &setup->categories[i];
        put_radio(page, "category", category->name,
                  category->title != NULL ? category->title : category->name);
        for (size_t k = 0; k < category->example_count && k < 2; k++) {
            fa_page_put(page, "<small>%s</small>", category->examples[k]);
        }
        fa_page_put(page, "</span></label>\n");
    }
    put_radio(page, "category", "", "Something else, or I am not sure");
    fa_page_put(page, "</span></label>\n</fieldset>\n");
}

static void put_known(struct fa_page *page)
{
    static const char *const choices[][2] = {
        {"seen", "I saw it myself"},
        {"told", "Somebody who was there told me"},
        {"heard", "I heard of it"},
    };
    fa_page_put(page, "<fieldset><legend>How do you know?</legend>\n");
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
        put_radio(page, "known", choices[i][0], choices[i][1]);
        fa_page_put(page, "</span></label>\n");
    }
    fa_page_put(page, "</fieldset>\n");
}

/* One line to type, with a hint below. */
static void put_line(struct fa_page *page, const char *name, const char *label, const char *hint)
{
    fa_page_put(page,
                "<label for=\"%s\">%s <small>(optional)</small></label>\n"
                "<input type=\"text\" id=\"%s\" name=\"%s\" maxlength=\"200\" value=\"%s\"",
                name, label, name, name, value(page->call, name));
    if (hint != NULL) {
        fa_page_put(
            page,
            " aria-describedby=\"%s-hint\">\n<small id=\"%s-hint\" class=\"hint\">%s</small>\n",
            name, name, hint);
    } else {
        fa_page_put(page, ">\n");
    }
}

static void put_questions(struct fa_page *page)
{
    put_categories(page);
    fa_page_put(
        page,
        "<label for=\"text\">What happened?</label>\n"
        "<textarea id=\"text\" name=\"text\" maxlength=\"20000\" required>\n%s</textarea>\n",
        value(page->call, "text"));
    put_line(page, "customer", "Which customer does it hurt?", NULL);
    fa_page_put(page,
                "<label for=\"since\">Since when? <small>(optional)</small></label>\n"
                "<input type=\"date\" id=\"since\" name=\"since\" value=\"%s\">\n",
                value(page->call, "since"));
    put_known(page);
    put_line(page, "about", "Who is it about?",
             "They, and those close to them, are not told. First and last name; several with "
             "commas.");
    put_line(page, "strike", "Who else must not be told?", "You need no reason.");
    put_line(page, "called", "Your name",
             "It is passed on as not proved. Leave it empty if you would rather not say.");
}

static void show_form(struct fa_call *call, int status, const char *fault)
{
    struct fa_page page;
    fa_page_begin(&page, call, "Report a problem");
    if (fault != NULL) {
        fa_page_put(&page, "<p class=\"alert\" role=\"alert\">%s</p>\n", fault);
    } else {
        fa_page_put(&page, "<p>You are right to say it. Is somebody in danger now? Call the "
                           "emergency services first.</p>\n");
    }
    if (call->api->host.notice != NULL) {
        fa_page_put(&page, "<p class=\"dim words\">%s</p>\n", call->api->host.notice);
    }
    fa_page_put(&page, "<form method=\"post\" autocomplete=\"off\">\n");
    put_questions(&page);
    put_key(&page);
    fa_page_put(&page, "<button type=\"submit\" name=\"do\" value=\"show\">Next: see who is told"
                       "</button>\n"
                       "<p class=\"dim\">Nothing is filed yet, and nobody is told.</p>\n</form>\n");
    fa_page_send(&page, status);
}

void fa_page_file_show(struct fa_call *call)
{
    if (fa_page_has_store(call)) {
        show_form(call, 200, NULL);
    }
}

/* ---- names ---- */

/* The directory's name for what was typed, or what was typed where nobody has it. The engine takes
 * an unknown name without a colon for somebody it cannot tell. */
static json_t *name_of(const struct fa_directory *dir, struct fa_str typed)
{
    char name[256];
    size_t len = fa_utf8_cut(typed, sizeof name - 1);
    memcpy(name, typed.ptr, len);
    name[len] = '\0';
    fa_person person = fa_directory_called(dir, name);
    for (size_t i = 0; i < dir->team_count && person == FA_NOBODY; i++) {
        const struct fa_team_entry *team = &dir->teams[i];
        if (strcasecmp(team->name, name) == 0 ||
            (team->display != NULL && strcasecmp(team->display, name) == 0)) {
            return json_sprintf("team:%s", team->name);
        }
    }
    for (char *at = name; *at != '\0'; at++) {
        *at = *at == ':' || *at == '\n' ? ' ' : *at;
    }
    return json_string(person != FA_NOBODY ? dir->people[person].name : name);
}

static json_t *names_of(const struct fa_call *call, const char *member)
{
    json_t *names = json_array();
    struct fa_str rest = fa_str_of(value(call, member));
    /* One more than may be is refused by who reads it; none may be left out in silence. */
    while (rest.len > 0 && json_array_size(names) <= NAMES_MAX) {
        struct fa_str one = fa_str_trim(fa_str_cut(rest, ',', &rest));
        if (one.len > 0) {
            json_array_append_new(names, name_of(call->people, one));
        }
    }
    return names;
}

/* As a program would write it. */
static json_t *request_of(const struct fa_call *call, const char *level)
{
    static const char *const texts[] = {"key",   "category", "customer", "text",
                                        "since", "known",    "called"};
    json_t *root = json_object();
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (value(call, texts[i])[0] != '\0') {
            json_object_set(root, texts[i], json_object_get(call->form, texts[i]));
        }
    }
    if (value(call, "known")[0] == '\0') { /* what nobody says is believed least */
        json_object_set_new(root, "known", json_string("heard"));
    }
    json_object_set_new(root, "about", names_of(call, "about"));
    json_object_set_new(root, "strike", names_of(call, "strike"));
    if (level != NULL) {
        json_object_set_new(root, "level", json_string(level));
    }
    return root;
}

/* ---- what would happen ---- */

static const char *role_of(const struct fa_person_entry *entry, char buf[80])
{
    if (entry->independent) {
        return "an independent contact";
    }
    snprintf(buf, 80, "%s", entry->role_count > 0 ? entry->roles[0] : "somebody responsible");
    for (char *at = buf; *at != '\0'; at++) {
        *at = *at == '-' || *at == '_' ? ' ' : *at;
    }
    return buf;
}

/* By what they do, not by name: whoever reads this may be anybody. Those who are called alike at
 * the same time are one line. */
static void put_told(struct fa_page *page, const struct fa_preview *preview)
{
    const struct fa_directory *dir = page->call->people;
    char text[80], next[80];
    fa_page_put(page, "<dl>\n");
    for (size_t i = 0; i < preview->line_count;) {
        const struct fa_preview_line *line = &preview->lines[i];
        size_t alike = 1;
        if (line->when == 0 && i == 0) {
            fa_page_put(page, "<dt>At once</dt>\n");
        } else if (i == 0 || preview->lines[i - 1].when != line->when) {
            fa_page_put(page, "<dt>After %s, if nobody takes it on</dt>\n",
                        fa_reader_duration(line->when, text));
        }
        const char *role = role_of(&dir->people[line->person], text);
        while (i + alike < preview->line_count && line[alike].when == line->when &&
               strcmp(role_of(&dir->people[line[alike].person], next), role) == 0) {
            alike++;
        }
        snprintf(next, sizeof next, " (%zu people)", alike);
        fa_page_put(page, "<dd>%s%s</dd>\n", role, alike > 1 ? next : "");
        i += alike;
    }
    fa_page_put(page, "</dl>\n");
}

static void put_level(struct fa_page *page, const struct fa_preview *preview)
{
    char text[40];
    static const char *const words[] = {
        [FA_GUIDE_SOLVE] = "Most people can solve this with those around them. It is kept, and "
                           "nobody is told yet.",
        [FA_GUIDE_HELP] = "You need not solve this alone. Those who can help are told.",
        [FA_GUIDE_RAISE] = "This raises the alarm.",
    };
    if (preview->nobody) {
        fa_page_put_nobody(page);
    } else {
        fa_page_put(page, "<p><strong>%s</strong></p>\n", words[preview->level]);
    }
    if (preview->hint != NULL && preview->level == preview->guidance) {
        fa_page_put(page, "<p>%s</p>\n", preview->hint);
    }
    if (preview->due > 0) {
        fa_page_put(page, "<p>If it is not solved in %s, it becomes an alarm by itself.</p>\n",
                    fa_reader_duration(preview->due, text));
    }
    if (preview->line_count > 0) {
        fa_page_put(page, "<h2>Who is told</h2>\n");
        put_told(page, preview);
    }
    if (value(page->call, "about")[0] != '\0' || value(page->call, "strike")[0] != '\0') {
        fa_page_put(page,
                    "<p>Those you named, and those close to them, are not told. Where we do not "
                    "know a name, only independent contacts are.</p>\n");
    }
}

static void show_preview(struct fa_call *call, const struct fa_preview *preview)
{
    static const char *const kept[] = {"category", "customer", "text",   "since",
                                       "known",    "about",    "strike", "called"};
    struct fa_page page;
    fa_page_begin(&page, call, "This is what happens");
    put_level(&page, preview);
    fa_page_put(&page, "<h2>What you say</h2>\n<p class=\"words\">%s</p>\n", value(call, "text"));
    fa_page_put(&page, "<form method=\"post\" autocomplete=\"off\">\n");
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        fa_page_hide(&page, kept[i], value(call, kept[i]));
    }
    put_key(&page);
    bool raises = preview->level == FA_GUIDE_RAISE;
    fa_page_put(&page, "<button type=\"submit\" name=\"do\" value=\"%s\">%s</button>\n",
                raises ? "raise" : "file",
                preview->nobody ? "File it all the same"
                : raises        ? "Raise the alarm"
                                : "File it now");
    if (!raises) {
        fa_page_put(&page, "<button type=\"submit\" class=\"second\" name=\"do\" "
                           "value=\"show-raise\">It is worse: raise the alarm</button>\n");
    }
    fa_page_put(&page, "<button type=\"submit\" class=\"second\" name=\"do\" value=\"edit\">Change "
                       "something</button>\n</form>\n");
    fa_page_send(&page, 200);
}

/* ---- the receipt ---- */

static void show_filed(struct fa_call *call, const char *receipt,
                       const struct fa_incident *incident, const struct fa_preview *preview,
                       bool already)
{
    struct fa_page page;
    struct fa_str text = fa_str_of(receipt);
    size_t half = (text.len + 1) / 2; /* behind its dash */
    char first[FA_RECEIPT_TEXT_SIZE];
    snprintf(first, sizeof first, "%.*s", (int)half, receipt);
    fa_page_begin(&page, call, already ? "It was filed already" : "It is filed");
    if (preview->nobody) {
        fa_page_put_nobody(&page);
    }
    bool is_told = !preview->nobody && incident->level != FA_GUIDE_SOLVE;
    fa_page_put(&page, "<p%s>%s</p>\n", preview->nobody ? "" : " class=\"good\"",
                is_told && incident->level == FA_GUIDE_RAISE
                    ? "The alarm is raised. It climbs until somebody takes it on."
                : is_told                           ? "Those who can help are told."
                : incident->level == FA_GUIDE_RAISE ? "It is kept, and tried again."
                                                    : "It is kept, and becomes an alarm if it is "
                                                      "not solved in time.");
    fa_page_put(
        &page,
        "<h2>Your receipt</h2>\n<p class=\"receipt\"><span>%s</span><span>%s</span></p>\n"
        "<p><strong>Keep it: write it down, or take a picture.</strong> It is shown once, and "
        "nobody can find it again. With it you see what became of your report. Show it to "
        "nobody.</p>\n"
        "<a class=\"button second\" href=\"status\">What became of my report?</a>\n",
        first, receipt + half);
    fa_page_send(&page, already ? 200 : 201);
}

/* ---- faults ---- */

static void show_problem(struct fa_call *call, int status, const char *detail)
{
    char text[2000];
    snprintf(text, sizeof text, "It is NOT filed yet. %s What you typed is still here.", detail);
    show_form(call, status, text);
}

/* As the form asks for it; "": it is in no question. */
static const char *question_of(const char *pointer)
{
    static const char *const questions[][2] = {
        {"#/category", "What kind of problem is it? "},
        {"#/text", "What happened? "},
        {"#/customer", "Which customer does it hurt? "},
        {"#/since", "Since when? "},
        {"#/known", "How do you know? "},
        {"#/about", "Who is it about? "},
        {"#/strike", "Who else must not be told? "},
        {"#/called", "Your name: "},
    };
    for (size_t i = 0; pointer != NULL && i < sizeof questions / sizeof questions[0]; i++) {
        if (strcmp(questions[i][0], pointer) == 0) {
            return questions[i][1];
        }
    }
    return "";
}

static void show_faults(struct fa_call *call, json_t *errors)
{
    const json_t *fault;
    size_t i;
    struct fa_buf text;
    fa_buf_init(&text, 32768);
    json_array_foreach(errors, i, fault)
    {
        const char *detail = json_string_value(json_object_get(fault, "detail"));
        fa_buf_printf(&text, "%s%s%s", i > 0 ? " " : "",
                      question_of(json_string_value(json_object_get(fault, "pointer"))),
                      detail != NULL ? detail : "");
    }
    show_problem(call, 422, fa_buf_text(&text));
    fa_buf_done(&text);
    json_decref(errors);
}

/* ---- what was pressed ---- */

static void take(struct fa_call *call)
{
    const char *pressed = value(call, "do");
    bool raise = strcmp(pressed, "raise") == 0 || strcmp(pressed, "show-raise") == 0;
    if (fa_str_trim(fa_str_of(value(call, "text"))).len == 0) {
        show_problem(call, 422, "Please say in a few words what happened.");
        return;
    }
    if (strcmp(pressed, "edit") == 0) {
        show_form(call, 200, NULL);
        return;
    }
    json_t *root = request_of(call, raise ? "raise" : NULL);
    if (strcmp(pressed, "file") == 0 || strcmp(pressed, "raise") == 0) {
        fa_filing_take(call, root);
    } else {
        if (value(call, "key")[0] == '\0') { /* only looking, with a form of somebody's own */
            json_object_set_new(root, "key", json_string("00000000000000000000000000000000"));
        }
        fa_filing_preview(call, root);
    }
    json_decref(root);
}

void fa_page_file(struct fa_call *call)
{
    static const struct fa_face face = {
        .problem = show_problem,
        .faults = show_faults,
        .previewed = show_preview,
        .filed = show_filed,
    };
    if (!fa_page_read_form(call)) {
        return;
    }
    call->face = &face;
    take(call);
    json_decref(call->form);
}
