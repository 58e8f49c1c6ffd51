/* SPDX-License-Identifier: MIT */
/* What became of a filing, by its receipt. The receipt is typed into a form and never stands in an
 * address, which browsers keep and proxies write down. */
#include "api/page.h"

#include <stdio.h>
#include <string.h>

static void put_form(struct fa_page *page, const char *fault)
{
    if (fault != NULL) {
        fa_page_put(page, "<p class=\"alert\" role=\"alert\">%s</p>\n", fault);
    }
    fa_page_put(page,
                "<form method=\"post\" autocomplete=\"off\">\n"
                "<label for=\"receipt\">%s</label>\n"
                "<input type=\"text\" id=\"receipt\" name=\"receipt\" maxlength=\"120\" required "
                "autocapitalize=\"characters\" spellcheck=\"false\" aria-describedby=\"hint\">\n"
                "<small id=\"hint\" class=\"hint\">%s</small>\n"
                "<button type=\"submit\">%s</button>\n</form>\n",
                fa_page_text(page, FA_PHRASE_RECEIPT), fa_page_text(page, FA_PHRASE_STATUS_HINT),
                fa_page_text(page, FA_PHRASE_STATUS_SHOW));
}

static void show_form(struct fa_call *call, int status, const char *fault)
{
    struct fa_page page;
    fa_page_begin(&page, call, FA_PHRASE_WHAT_BECAME);
    put_form(&page, fault);
    fa_page_send(&page, status);
}

void fa_page_status_show(struct fa_call *call)
{
    show_form(call, 200, NULL);
}

static void show_problem(struct fa_call *call, int status, const char *detail)
{
    show_form(call, status, detail);
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "";
}

/* A member as people read it; NULL: there is none. */
static const char *time_of(const struct fa_page *page, const json_t *object, const char *name,
                           char buf[FA_READER_TIME_SIZE])
{
    const struct fa_api_host *host = &page->call->api->host;
    fa_time wall = 0;
    if (fa_parse_time(fa_str_of(text_of(object, name)), &wall) != 0) {
        return NULL;
    }
    return fa_reader_time(page->call->language, wall, host->now(host->ctx).wall, NULL, buf);
}

static void put_event(struct fa_page *page, const json_t *event)
{
    static const struct {
        const char *what;
        enum fa_phrase says;
    } words[] = {
        {"filed", FA_PHRASE_EVENT_FILED},     {"told", FA_PHRASE_EVENT_TOLD},
        {"owned", FA_PHRASE_EVENT_OWNED},     {"overdue", FA_PHRASE_EVENT_OVERDUE},
        {"comment", FA_PHRASE_EVENT_COMMENT}, {"closed", FA_PHRASE_EVENT_CLOSED},
    };
    const char *what = text_of(event, "what");
    char buf[FA_READER_TIME_SIZE];
    const char *when = time_of(page, event, "time", buf);
    fa_page_put(page, "<dt>%s</dt><dd>", when != NULL ? when : "");
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(words[i].what, what) == 0) {
            fa_page_phrase(page, "", words[i].says, NULL, "");
        }
    }
    if (text_of(event, "text")[0] != '\0') {
        fa_page_put(page, " <span class=\"words\">%s</span>", text_of(event, "text"));
    }
    fa_page_put(page, "</dd>\n");
}

static void put_state(struct fa_page *page, const json_t *status, bool climbs)
{
    const char *state = text_of(status, "state");
    json_int_t told = json_integer_value(json_object_get(status, "told"));
    char count[32], buf[FA_READER_TIME_SIZE];
    const char *until = time_of(page, status, "owned_until", buf);
    const char *due = until == NULL ? time_of(page, status, "due", buf) : NULL;
    snprintf(count, sizeof count, "%lld", (long long)told);
    if (strcmp(state, "owned") == 0) {
        fa_page_phrase(page, "<p class=\"good\">", FA_PHRASE_STATUS_OWNED, NULL, "</p>\n");
        fa_page_phrase(page, "<p>", FA_PHRASE_STATUS_OWNED_UNTIL,
                       FA_VALUES(until != NULL ? until : "?"), "</p>\n");
    } else if (strcmp(state, "closed") == 0) {
        fa_page_phrase(page, "<p class=\"good\">", FA_PHRASE_STATUS_CLOSED, NULL, "</p>\n");
        fa_page_phrase(page, "<p>", FA_PHRASE_STATUS_CLOSED_SAYS, NULL, "</p>\n");
    } else if (json_is_true(json_object_get(status, "nobody"))) {
        fa_page_put_nobody(page);
    } else {
        fa_page_phrase(page, "<p>",
                       !climbs     ? FA_PHRASE_STATUS_KEPT
                       : told == 0 ? FA_PHRASE_STATUS_RAISED
                                   : FA_PHRASE_STATUS_CLIMBS,
                       NULL, "</p>\n");
    }
    json_int_t kept = json_integer_value(json_object_get(json_object_get(status, "words"), "kept"));
    json_int_t missed =
        json_integer_value(json_object_get(json_object_get(status, "words"), "missed"));
    if (kept + missed > 0) {
        char counts[2][32];
        snprintf(counts[0], sizeof counts[0], "%lld", (long long)kept);
        snprintf(counts[1], sizeof counts[1], "%lld", (long long)missed);
        fa_page_phrase(page, "<p>", FA_PHRASE_STATUS_WORDS, FA_VALUES(counts[0], counts[1]),
                       "</p>\n");
    }
    if (due != NULL) {
        fa_page_phrase(page, "<p>", FA_PHRASE_STATUS_DUE, FA_VALUES(due), "</p>\n");
    }
    if (told > 0) {
        fa_page_phrase(page, "<p>", FA_PHRASE_STATUS_TOLD, FA_VALUES(count), "</p>\n");
    }
}

static void put_more(struct fa_page *page, const char *state, const char *level,
                     const char *receipt)
{
    fa_page_put(page,
                "<form method=\"post\" autocomplete=\"off\">\n"
                "<label for=\"comment\">%s</label>\n"
                "<textarea id=\"comment\" class=\"few\" name=\"comment\" maxlength=\"4000\">"
                "</textarea>\n",
                fa_page_text(page, FA_PHRASE_STATUS_ADD));
    fa_page_hide(page, "receipt", receipt);
    fa_page_phrase(page, "<button type=\"submit\">", FA_PHRASE_STATUS_DO_ADD, NULL, "</button>\n");
    if (strcmp(state, "open") == 0 && strcmp(level, "raise") != 0) {
        fa_page_phrase(page,
                       "<button type=\"submit\" class=\"second\" name=\"done\" value=\"yes\">",
                       FA_PHRASE_STATUS_DO_CLOSE, NULL, "</button>\n");
    }
    fa_page_put(page, "</form>\n");
}

static void show_status(struct fa_call *call, const struct fa_incident *incident)
{
    json_t *status = fa_status_json(call, incident);
    const json_t *event;
    size_t i;
    struct fa_page page;
    fa_page_begin(&page, call, FA_PHRASE_STATUS_TITLE);
    put_state(&page, status, incident->state == FA_INCIDENT_RAISED);
    fa_page_phrase(&page, "<h2>", FA_PHRASE_STATUS_EVENTS, NULL, "</h2>\n<dl>");
    json_array_foreach(json_object_get(status, "events"), i, event)
    {
        put_event(&page, event);
    }
    fa_page_put(&page, "</dl>\n");
    if (incident->state != FA_INCIDENT_CLOSED) {
        put_more(&page, incident->state == FA_INCIDENT_OPEN ? "open" : "raised",
                 text_of(status, "level"), fa_form_text(call->form, "receipt"));
    }
    json_decref(status);
    fa_page_send(&page, 200);
}

void fa_page_status(struct fa_call *call)
{
    static const struct fa_face face = {.problem = show_problem, .status = show_status};
    if (!fa_page_read_form(call)) {
        return;
    }
    call->face = &face;
    const char *comment = fa_form_text(call->form, "comment");
    bool done = strcmp(fa_form_text(call->form, "done"), "yes") == 0;
    if (fa_form_text(call->form, "receipt")[0] == '\0') {
        show_form(call, 422, fa_phrase_text(call->language, FA_PHRASE_STATUS_EMPTY));
    } else if (strlen(comment) > 8192) {
        show_form(call, 422, fa_phrase_text(call->language, FA_PHRASE_STATUS_TOO_LONG));
    } else {
        fa_status_take(call, fa_form_text(call->form, "receipt"),
                       comment[0] != '\0' ? comment : NULL, done);
    }
    json_decref(call->form);
}
