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
    fa_page_phrase(page, "<fieldset><legend>", FA_PHRASE_ASK_KIND, NULL, "</legend>\n");
    for (size_t i = 0; i < setup->category_count; i++) {
        const struct fa_category *category = &setup->categories[i];
        put_radio(page, "category", category->name,
                  category->title != NULL ? category->title : category->name);
        for (size_t k = 0; k < category->example_count && k < 2; k++) {
            fa_page_put(page, "<small>%s</small>", category->examples[k]);
        }
        fa_page_put(page, "</span></label>\n");
    }
    put_radio(page, "category", "", fa_page_text(page, FA_PHRASE_ASK_KIND_OTHER));
    fa_page_put(page, "</span></label>\n</fieldset>\n");
}

static void put_known(struct fa_page *page)
{
    static const struct {
        const char *name;
        enum fa_phrase label;
    } choices[] = {
        {"seen", FA_PHRASE_ASK_KNOWN_SEEN},
        {"told", FA_PHRASE_ASK_KNOWN_TOLD},
        {"heard", FA_PHRASE_ASK_KNOWN_HEARD},
    };
    fa_page_phrase(page, "<fieldset><legend>", FA_PHRASE_ASK_KNOWN, NULL, "</legend>\n");
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
        put_radio(page, "known", choices[i].name, fa_page_text(page, choices[i].label));
        fa_page_put(page, "</span></label>\n");
    }
    fa_page_put(page, "</fieldset>\n");
}

static void put_label(struct fa_page *page, const char *name, enum fa_phrase label)
{
    fa_page_put(page, "<label for=\"%s\">%s <small>%s</small></label>\n", name,
                fa_page_text(page, label), fa_page_text(page, FA_PHRASE_OPTIONAL));
}

#define NO_HINT FA_PHRASE__COUNT

/* One line to type, with a hint below. */
static void put_line(struct fa_page *page, const char *name, enum fa_phrase label,
                     enum fa_phrase hint)
{
    put_label(page, name, label);
    fa_page_put(page, "<input type=\"text\" id=\"%s\" name=\"%s\" maxlength=\"200\" value=\"%s\"",
                name, name, value(page->call, name));
    if (hint != NO_HINT) {
        fa_page_put(
            page,
            " aria-describedby=\"%s-hint\">\n<small id=\"%s-hint\" class=\"hint\">%s</small>\n",
            name, name, fa_page_text(page, hint));
    } else {
        fa_page_put(page, ">\n");
    }
}

static void put_questions(struct fa_page *page)
{
    put_categories(page);
    fa_page_put(
        page,
        "<label for=\"text\">%s</label>\n"
        "<textarea id=\"text\" name=\"text\" maxlength=\"20000\" required>\n%s</textarea>\n",
        fa_page_text(page, FA_PHRASE_ASK_TEXT), value(page->call, "text"));
    put_line(page, "customer", FA_PHRASE_ASK_CUSTOMER, NO_HINT);
    put_label(page, "since", FA_PHRASE_ASK_SINCE);
    fa_page_put(page, "<input type=\"date\" id=\"since\" name=\"since\" value=\"%s\">\n",
                value(page->call, "since"));
    put_known(page);
    put_line(page, "about", FA_PHRASE_ASK_ABOUT, FA_PHRASE_ASK_ABOUT_HINT);
    put_line(page, "strike", FA_PHRASE_ASK_STRIKE, FA_PHRASE_ASK_STRIKE_HINT);
    put_line(page, "called", FA_PHRASE_ASK_CALLED, FA_PHRASE_ASK_CALLED_HINT);
}

static void show_form(struct fa_call *call, int status, const char *fault)
{
    struct fa_page page;
    fa_page_begin(&page, call, FA_PHRASE_REPORT);
    if (fault != NULL) {
        fa_page_put(&page, "<p class=\"alert\" role=\"alert\">%s</p>\n", fault);
    } else {
        fa_page_phrase(&page, "<p>", FA_PHRASE_FILE_SAYS, NULL, "</p>\n");
    }
    if (call->api->host.notice != NULL) {
        fa_page_put(&page, "<p class=\"dim words\">%s</p>\n", call->api->host.notice);
    }
    fa_page_put(&page, "<form method=\"post\" autocomplete=\"off\">\n");
    put_questions(&page);
    put_key(&page);
    fa_page_put(&page,
                "<button type=\"submit\" name=\"do\" value=\"show\">%s</button>\n"
                "<p class=\"dim\">%s</p>\n</form>\n",
                fa_page_text(&page, FA_PHRASE_FILE_NEXT),
                fa_page_text(&page, FA_PHRASE_FILE_NOT_YET));
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

static const char *role_of(const struct fa_page *page, fa_person person, char buf[80])
{
    const struct fa_person_entry *entry = &page->call->people->people[person];
    if (entry->independent || entry->role_count == 0) {
        return fa_page_text(page, entry->independent ? FA_PHRASE_TOLD_INDEPENDENT
                                                     : FA_PHRASE_TOLD_SOMEBODY);
    }
    snprintf(buf, 80, "%s", entry->roles[0]);
    for (char *at = buf; *at != '\0'; at++) {
        *at = *at == '-' || *at == '_' ? ' ' : *at;
    }
    return buf;
}

/* By what they do, not by name: whoever reads this may be anybody. Those who are called alike at
 * the same time are one line. */
static void put_told(struct fa_page *page, const struct fa_preview *preview)
{
    char text[80], next[80];
    fa_page_put(page, "<dl>\n");
    for (size_t i = 0; i < preview->line_count;) {
        const struct fa_preview_line *line = &preview->lines[i];
        size_t alike = 1;
        if (line->when == 0 && i == 0) {
            fa_page_phrase(page, "<dt>", FA_PHRASE_TOLD_AT_ONCE, NULL, "</dt>\n");
        } else if (i == 0 || preview->lines[i - 1].when != line->when) {
            fa_reader_duration(page->call->language, line->when, text);
            fa_page_phrase(page, "<dt>", FA_PHRASE_TOLD_AFTER, FA_VALUES(text), "</dt>\n");
        }
        const char *role = role_of(page, line->person, text);
        while (i + alike < preview->line_count && line[alike].when == line->when &&
               strcmp(role_of(page, line[alike].person, next), role) == 0) {
            alike++;
        }
        snprintf(next, sizeof next, "%zu", alike);
        if (alike > 1) {
            fa_page_phrase(page, "<dd>", FA_PHRASE_TOLD_SEVERAL, FA_VALUES(role, next), "</dd>\n");
        } else {
            fa_page_put(page, "<dd>%s</dd>\n", role);
        }
        i += alike;
    }
    fa_page_put(page, "</dl>\n");
}

static void put_level(struct fa_page *page, const struct fa_preview *preview)
{
    char text[40];
    static const enum fa_phrase words[] = {
        [FA_GUIDE_SOLVE] = FA_PHRASE_PREVIEW_SOLVE,
        [FA_GUIDE_HELP] = FA_PHRASE_PREVIEW_HELP,
        [FA_GUIDE_RAISE] = FA_PHRASE_PREVIEW_RAISE,
    };
    if (preview->nobody) {
        fa_page_put_nobody(page);
    } else {
        fa_page_phrase(page, "<p><strong>", words[preview->level], NULL, "</strong></p>\n");
    }
    if (preview->hint != NULL && preview->level == preview->guidance) {
        fa_page_put(page, "<p>%s</p>\n", preview->hint);
    }
    if (preview->due > 0) {
        fa_reader_measured(page->call->language, preview->due, preview->due_measure, text);
        fa_page_phrase(page, "<p>", FA_PHRASE_PREVIEW_DUE, FA_VALUES(text), "</p>\n");
    }
    if (preview->line_count > 0) {
        fa_page_phrase(page, "<h2>", FA_PHRASE_PREVIEW_TOLD, NULL, "</h2>\n");
        put_told(page, preview);
    }
    if (value(page->call, "about")[0] != '\0' || value(page->call, "strike")[0] != '\0') {
        fa_page_phrase(page, "<p>", FA_PHRASE_PREVIEW_NAMED, NULL, "</p>\n");
    }
}

static void show_preview(struct fa_call *call, const struct fa_preview *preview)
{
    static const char *const kept[] = {"category", "customer", "text",   "since",
                                       "known",    "about",    "strike", "called"};
    struct fa_page page;
    fa_page_begin(&page, call, FA_PHRASE_PREVIEW_TITLE);
    put_level(&page, preview);
    fa_page_phrase(&page, "<h2>", FA_PHRASE_PREVIEW_TEXT, NULL, "</h2>\n");
    fa_page_put(&page, "<p class=\"words\">%s</p>\n", value(call, "text"));
    fa_page_put(&page, "<form method=\"post\" autocomplete=\"off\">\n");
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        fa_page_hide(&page, kept[i], value(call, kept[i]));
    }
    put_key(&page);
    bool raises = preview->level == FA_GUIDE_RAISE;
    fa_page_put(&page, "<button type=\"submit\" name=\"do\" value=\"%s\">%s</button>\n",
                raises ? "raise" : "file",
                fa_page_text(&page, preview->nobody ? FA_PHRASE_DO_FILE_EVEN_SO
                                    : raises        ? FA_PHRASE_DO_RAISE
                                                    : FA_PHRASE_DO_FILE));
    if (!raises) {
        fa_page_phrase(&page,
                       "<button type=\"submit\" class=\"second\" name=\"do\" value=\"show-raise\">",
                       FA_PHRASE_DO_RAISE_INSTEAD, NULL, "</button>\n");
    }
    fa_page_phrase(&page, "<button type=\"submit\" class=\"second\" name=\"do\" value=\"edit\">",
                   FA_PHRASE_DO_CHANGE, NULL, "</button>\n</form>\n");
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
    fa_page_begin(&page, call, already ? FA_PHRASE_FILED_TITLE_BEFORE : FA_PHRASE_FILED_TITLE);
    if (preview->nobody) {
        fa_page_put_nobody(&page);
    }
    bool is_told = !preview->nobody && incident->level != FA_GUIDE_SOLVE;
    bool is_raised = incident->level == FA_GUIDE_RAISE;
    fa_page_phrase(&page, preview->nobody ? "<p>" : "<p class=\"good\">",
                   is_told && is_raised ? FA_PHRASE_FILED_RAISED
                   : is_told            ? FA_PHRASE_FILED_HELP
                   : is_raised          ? FA_PHRASE_FILED_KEPT
                                        : FA_PHRASE_FILED_SOLVE,
                   NULL, "</p>\n");
    fa_page_put(&page,
                "<h2>%s</h2>\n<p class=\"receipt\"><span>%s</span><span>%s</span></p>\n"
                "<p><strong>%s</strong> %s</p>\n"
                "<a class=\"button second\" href=\"status\">%s</a>\n",
                fa_page_text(&page, FA_PHRASE_RECEIPT), first, receipt + half,
                fa_page_text(&page, FA_PHRASE_RECEIPT_KEEP),
                fa_page_text(&page, FA_PHRASE_RECEIPT_SAYS),
                fa_page_text(&page, FA_PHRASE_WHAT_BECAME));
    fa_page_send(&page, already ? 200 : 201);
}

/* ---- faults ---- */

static void show_problem(struct fa_call *call, int status, const char *detail)
{
    struct fa_buf text;
    fa_buf_init(&text, 65536);
    fa_phrase_put(&text, call->language, FA_PHRASE_FILE_FAILED, FA_VALUES(detail));
    show_form(call, status, fa_buf_text(&text));
    fa_buf_done(&text);
}

/* As the form asks for it; nothing for what is in no question. */
static void put_question(const struct fa_call *call, const char *pointer, struct fa_buf *out)
{
    static const struct {
        const char *pointer;
        enum fa_phrase asks;
    } questions[] = {
        {"#/category", FA_PHRASE_ASK_KIND},     {"#/text", FA_PHRASE_ASK_TEXT},
        {"#/customer", FA_PHRASE_ASK_CUSTOMER}, {"#/since", FA_PHRASE_ASK_SINCE},
        {"#/known", FA_PHRASE_ASK_KNOWN},       {"#/about", FA_PHRASE_ASK_ABOUT},
        {"#/strike", FA_PHRASE_ASK_STRIKE},     {"#/called", FA_PHRASE_ASK_CALLED},
    };
    for (size_t i = 0; pointer != NULL && i < sizeof questions / sizeof questions[0]; i++) {
        if (strcmp(questions[i].pointer, pointer) == 0) {
            fa_phrase_put(out, call->language, questions[i].asks, NULL);
            fa_buf_puts(out, questions[i].asks == FA_PHRASE_ASK_CALLED ? ": " : " ");
        }
    }
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
        fa_buf_puts(&text, i > 0 ? " " : "");
        put_question(call, json_string_value(json_object_get(fault, "pointer")), &text);
        fa_buf_puts(&text, detail != NULL ? detail : "");
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
        show_problem(call, 422, fa_phrase_text(call->language, FA_PHRASE_FILE_EMPTY));
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
