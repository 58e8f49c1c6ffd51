/* SPDX-License-Identifier: MIT */
/* The words of a mail. A leader reads it on a phone, perhaps at night: first what, then what is
 * expected, then since when, who is hurt and who owns it; details last. Times are written out. The
 * HTML is one column with inline styles, loads nothing, and follows a dark screen. */
#include "body.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define LINE_MAX_BYTES    ((size_t)512)
#define TEXT_MAX_BYTES    ((size_t)4096)
#define DETAILS_MAX_BYTES ((size_t)48 * 1024)
#define LABEL_MAX_BYTES   ((size_t)120)
#define FIELDS_MAX        24u

static bool is(struct firealarm_text text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.ptr, word, text.len) == 0;
}

/* In the reader's language where the notice brings it. */
static struct firealarm_text say(const struct firealarm_notice *notice, enum firealarm_word word)
{
#define ENGLISH(id, english) FIREALARM_TEXT(english),
    static const struct firealarm_text english[] = {FIREALARM_WORDS(ENGLISH)};
#undef ENGLISH
    return word < notice->word_count && notice->words[word].len > 0 ? notice->words[word]
                                                                    : english[word];
}

#define NO_WORD FIREALARM_WORD__COUNT

/* How each kind of notice is announced. */
static const struct kind {
    const char *name;
    enum firealarm_word subject; /* before the title; NO_WORD: nothing */
    enum firealarm_word says;
    const char *color;
    enum firealarm_word banner; /* instead of the severity; NO_WORD: the severity */
} KINDS[] = {
    {"alarm", NO_WORD, FIREALARM_WORD_ALARM_SAYS, NULL, NO_WORD},
    {"reminder", FIREALARM_WORD_REMINDER, FIREALARM_WORD_REMINDER_SAYS, NULL, NO_WORD},
    {"overdue", FIREALARM_WORD_OVERDUE, FIREALARM_WORD_OVERDUE_SAYS, NULL, NO_WORD},
    {"acknowledged", FIREALARM_WORD_OWNED, FIREALARM_WORD_OWNED_SAYS, "#175cd3",
     FIREALARM_WORD_OWNED},
    {"resolved", FIREALARM_WORD_RESOLVED, FIREALARM_WORD_RESOLVED_SAYS, "#067647",
     FIREALARM_WORD_RESOLVED},
    {"returned", FIREALARM_WORD_RETURNED, FIREALARM_WORD_RETURNED_SAYS, "#067647",
     FIREALARM_WORD_RETURNED},
    {"help", FIREALARM_WORD_HELP, FIREALARM_WORD_HELP_SAYS, "#175cd3", FIREALARM_WORD_HELP},
    {"unowned", FIREALARM_WORD_UNOWNED, FIREALARM_WORD_UNOWNED_SAYS, NULL, NO_WORD},
    {"digest", NO_WORD, FIREALARM_WORD_DIGEST_SAYS, NULL, NO_WORD},
    {"weekly", NO_WORD, FIREALARM_WORD_WEEKLY_SAYS, "#475467", FIREALARM_WORD_WEEKLY},
    {"test", FIREALARM_WORD_TEST, FIREALARM_WORD_TEST_SAYS, "#475467", FIREALARM_WORD_TEST},
};
/* Whatever kind it is: its title says DRILL, and nothing stands before that. */
static const struct kind DRILL = {"", NO_WORD, FIREALARM_WORD_DRILL_SAYS, "#475467",
                                  FIREALARM_WORD_DRILL};

static bool is_drill(const struct firealarm_notice *notice)
{
    return is(notice->severity, "drill");
}

static const struct kind *kind_of(const struct firealarm_notice *notice)
{
    if (is_drill(notice)) {
        return &DRILL;
    }
    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++) {
        if (is(notice->kind, KINDS[i].name)) {
            return &KINDS[i];
        }
    }
    return &KINDS[0];
}

bool body_is_critical(const struct firealarm_notice *notice)
{
    return is(notice->severity, "critical");
}

static const char *color_of(const struct firealarm_notice *notice)
{
    const struct kind *kind = kind_of(notice);
    if (kind->color != NULL) {
        return kind->color;
    }
    return body_is_critical(notice)       ? "#b42318"
           : is(notice->severity, "info") ? "#175cd3"
                                          : "#b54708";
}

static struct firealarm_text text_of(const char *text)
{
    return (struct firealarm_text){text, strlen(text)};
}

/* "22 Nov 2026 08:15 UTC"; empty for none. */
static struct firealarm_text time_text(int64_t ms, char buf[40])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    if (ms <= 0 || gmtime_r(&seconds, &tm) == NULL || tm.tm_year > 8099) {
        return (struct firealarm_text){"", 0};
    }
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    snprintf(buf, 40, "%d %s %d %02d:%02d UTC", tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900,
             tm.tm_hour, tm.tm_min);
    return text_of(buf);
}

static struct firealarm_text title_of(const struct firealarm_notice *notice)
{
    return notice->title.len > 0     ? notice->title
           : notice->summary.len > 0 ? notice->summary
                                     : say(notice, FIREALARM_WORD_FIRE_ALARM);
}

/* The summary, unless the title has said the same. */
static struct firealarm_text more_of(const struct firealarm_notice *notice)
{
    struct firealarm_text title = title_of(notice), summary = notice->summary;
    bool same = title.len == summary.len && memcmp(title.ptr, summary.ptr, title.len) == 0;
    return same ? (struct firealarm_text){"", 0} : summary;
}

/* The severity in capitals, clean and of one line. */
static void put_severity(struct out *out, const struct firealarm_notice *notice)
{
    size_t start = out->len;
    out_clean(out, notice->severity.len > 0 ? notice->severity : FIREALARM_TEXT("alarm"), 40, true);
    for (size_t i = start; i < out->len; i++) {
        char c = out->data[i];
        out->data[i] = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
    }
}

static void put_word(struct out *out, const struct firealarm_notice *notice,
                     enum firealarm_word word)
{
    out_clean(out, say(notice, word), TEXT_MAX_BYTES, true);
}

/* What stands before a title. */
static void put_head(struct out *out, const struct firealarm_notice *notice)
{
    enum firealarm_word subject = kind_of(notice)->subject;
    if (subject != NO_WORD) {
        put_word(out, notice, subject);
        put_word(out, notice, FIREALARM_WORD_COLON);
    }
    if (!is(notice->kind, "help") && !is_drill(notice)) {
        put_severity(out, notice);
        put_word(out, notice, FIREALARM_WORD_COLON);
    }
}

void body_subject(struct out *out, const struct firealarm_notice *notice)
{
    put_head(out, notice);
    out_clean(out, title_of(notice), 160, true);
}

/* "Reminder: " and so on of what the line would be by itself, and how its alarm stands if nobody is
 * expected to act. */
static void put_line_head(struct out *out, const struct firealarm_notice *notice,
                          const struct firealarm_line *line)
{
    const struct firealarm_notice as_notice = {.kind = line->kind,
                                               .severity = line->severity,
                                               .words = notice->words,
                                               .word_count = notice->word_count};
    put_head(out, &as_notice);
}

/* In words; len 0: of what somebody is expected to act on. */
static struct firealarm_text state_of(const struct firealarm_notice *notice,
                                      const struct firealarm_line *line)
{
    return is(line->state, "unacknowledged") ? (struct firealarm_text){"", 0}
           : is(line->state, "acknowledged") ? say(notice, FIREALARM_WORD_STATE_ACKNOWLEDGED)
           : is(line->state, "returned")     ? say(notice, FIREALARM_WORD_STATE_RETURNED)
           : is(line->state, "resolved")     ? say(notice, FIREALARM_WORD_STATE_RESOLVED)
                                             : line->state;
}

/* What the daemon calls by a name of its own; all else is called as the operator does. */
static struct firealarm_text label_of(const struct firealarm_notice *notice,
                                      struct firealarm_text name)
{
    return is(name, "customer")  ? say(notice, FIREALARM_WORD_CUSTOMER)
           : is(name, "value")   ? say(notice, FIREALARM_WORD_VALUE)
           : is(name, "filings") ? say(notice, FIREALARM_WORD_FILINGS)
                                 : name;
}

/* The rows of facts, for both forms. */
struct fact {
    struct firealarm_text label, value;
};
#define FACTS 8

struct facts {
    struct fact list[FACTS];
    size_t count;
    char since[40], promised[40];
};

static void add_fact(struct facts *facts, struct firealarm_text label, struct firealarm_text value)
{
    if (value.len > 0 && facts->count < FACTS) {
        facts->list[facts->count++] = (struct fact){label, value};
    }
}

/* As it was written for the reader, or by the clock of the world. */
static struct firealarm_text time_of(struct firealarm_text written, int64_t ms, char buf[40])
{
    return written.len > 0 ? written : time_text(ms, buf);
}

static void gather_facts(const struct firealarm_notice *notice, struct facts *facts)
{
    bool in_vain = is(notice->kind, "reminder");
    facts->count = 0;
    add_fact(facts, say(notice, FIREALARM_WORD_SINCE),
             time_of(notice->when, notice->since, facts->since));
    add_fact(facts, say(notice, FIREALARM_WORD_OWNER), notice->owner);
    add_fact(facts, say(notice, FIREALARM_WORD_NEXT_WORD_BY),
             time_of(notice->promised_when, notice->promised, facts->promised));
    add_fact(facts, say(notice, in_vain ? FIREALARM_WORD_CALLED_IN_VAIN : FIREALARM_WORD_ALSO_TOLD),
             notice->told);
    add_fact(facts, say(notice, FIREALARM_WORD_CATEGORY), notice->category);
}

/* ------------------------------------------------------------------------------------ plain text
 */

static void put_paragraph(struct out *out, struct firealarm_text text, size_t max)
{
    if (text.len > 0) {
        out_clean(out, text, max, false);
        out_puts(out, "\n\n");
    }
}

/* The word, a colon and the text. */
static void put_headed(struct out *out, const struct firealarm_notice *notice,
                       enum firealarm_word head, struct firealarm_text text)
{
    if (text.len > 0) {
        put_word(out, notice, head);
        put_word(out, notice, FIREALARM_WORD_COLON);
        put_paragraph(out, text, TEXT_MAX_BYTES);
    }
}

/* What was put since `start` begins with a capital, as the other rows do. */
static void capital(struct out *out, size_t start)
{
    if (out->len > start && out->data[start] >= 'a' && out->data[start] <= 'z') {
        out->data[start] = (char)(out->data[start] - 32);
    }
}

static void put_row(struct out *out, const struct firealarm_notice *notice,
                    struct firealarm_text label, struct firealarm_text value)
{
    size_t start = out->len;
    out_clean(out, label, LABEL_MAX_BYTES, true);
    capital(out, start);
    put_word(out, notice, FIREALARM_WORD_COLON);
    out_clean(out, value, LINE_MAX_BYTES, true);
    out_puts(out, "\n");
}

static void put_text_line(struct out *out, const struct firealarm_notice *notice,
                          const struct firealarm_line *line)
{
    struct firealarm_text state = state_of(notice, line);
    out_puts(out, "* ");
    put_line_head(out, notice, line);
    out_clean(out, line->title, LINE_MAX_BYTES, true);
    out_puts(out, "\n  ");
    if (line->alarm.len > 0) {
        out_clean(out, line->alarm, 64, true);
        out_puts(out, ", ");
    }
    put_word(out, notice, FIREALARM_WORD_LINE_SINCE);
    out_puts(out, " ");
    out_clean(out, line->when, LINE_MAX_BYTES, true);
    if (state.len > 0) {
        out_puts(out, ", ");
        out_clean(out, state, LABEL_MAX_BYTES, true);
    }
    if (line->owner.len > 0) {
        out_puts(out, ", ");
        put_word(out, notice, FIREALARM_WORD_LINE_OWNER);
        out_puts(out, " ");
        out_clean(out, line->owner, 200, true);
    }
    out_puts(out, "\n");
    if (line->ack_url.len > 0) {
        out_puts(out, "  ");
        out_clean(out, line->ack_url, TEXT_MAX_BYTES, true);
        out_puts(out, " ");
        put_word(out, notice, FIREALARM_WORD_CODE);
        out_puts(out, " ");
        out_clean(out, line->ack_code, 64, true);
        out_puts(out, "\n");
    }
}

static void put_text_ack(struct out *out, const struct firealarm_notice *notice)
{
    if (notice->ack_url.len == 0) {
        put_headed(out, notice, FIREALARM_WORD_TO_OWN_IT, notice->how_to_ack);
        return;
    }
    put_word(out, notice, FIREALARM_WORD_OPEN_LINK);
    out_puts(out, ":\n");
    put_paragraph(out, notice->ack_url, TEXT_MAX_BYTES);
    put_word(out, notice, FIREALARM_WORD_TYPE_CODE);
    out_puts(out, " ");
    put_paragraph(out, notice->ack_code, LINE_MAX_BYTES);
    put_headed(out, notice, FIREALARM_WORD_OR, notice->how_to_ack);
}

static void put_text_footer(struct out *out, const struct firealarm_notice *notice)
{
    char sent[40];
    out_puts(out, "\n-- \n");
    if (notice->recipient.len > 0) {
        put_row(out, notice, say(notice, FIREALARM_WORD_SENT_TO), notice->recipient);
    }
    put_row(out, notice, say(notice, FIREALARM_WORD_SENT_AT),
            time_of(notice->sent_when, notice->now, sent));
    if (notice->alarm.len > 0) {
        put_row(out, notice, say(notice, FIREALARM_WORD_ALARM), notice->alarm);
    }
    if (notice->rule.len > 0) {
        put_row(out, notice, say(notice, FIREALARM_WORD_RULE), notice->rule);
    }
}

void body_text(struct out *out, const struct firealarm_notice *notice)
{
    struct facts facts;
    gather_facts(notice, &facts);
    body_subject(out, notice);
    out_puts(out, "\n");
    put_word(out, notice, kind_of(notice)->says);
    out_puts(out, "\n\n");
    put_paragraph(out, more_of(notice), TEXT_MAX_BYTES);
    for (uint32_t i = 0; i < notice->line_count; i++) {
        put_text_line(out, notice, &notice->lines[i]);
    }
    out_puts(out, notice->line_count > 0 ? "\n" : "");
    put_headed(out, notice, FIREALARM_WORD_EXPECTED, notice->expect);
    put_text_ack(out, notice);
    for (size_t i = 0; i < facts.count; i++) {
        put_row(out, notice, facts.list[i].label, facts.list[i].value);
    }
    for (uint32_t i = 0; i < notice->field_count && i < FIELDS_MAX; i++) {
        if (notice->fields[i].value.len == 0) {
            continue;
        }
        put_row(out, notice, label_of(notice, notice->fields[i].name), notice->fields[i].value);
    }
    out_puts(out, "\n");
    if (notice->details.len > 0) {
        put_word(out, notice, FIREALARM_WORD_DETAILS);
        out_puts(out, ":\n");
        put_paragraph(out, notice->details, DETAILS_MAX_BYTES);
    }
    put_text_footer(out, notice);
}

/* ------------------------------------------------------------------------------------------ HTML
 */

#define FONT "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;"

static const char HEAD[] =
    "\"><head><meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n"
    "<meta name=\"supported-color-schemes\" content=\"light dark\">\n"
    "<meta name=\"format-detection\" content=\"telephone=no,date=no,address=no\">\n"
    "<style>:root{color-scheme:light dark}\n"
    "@media (prefers-color-scheme:dark){.bg{background:#0c111d!important}\n"
    ".card{background:#161b26!important;border-color:#333741!important}\n"
    ".ink{color:#f5f5f6!important}.dim{color:#a3a9b5!important}\n"
    ".box{background:#1f242f!important}.line{border-color:#333741!important}}</style>\n"
    "</head>\n<body class=\"bg\" style=\"margin:0;padding:0;background:#f2f4f7;" FONT "\">\n";

static void put_html(struct out *out, const char *before, struct firealarm_text text, size_t max,
                     const char *after)
{
    if (text.len > 0) {
        out_puts(out, before);
        out_html(out, text, max);
        out_puts(out, after);
    }
}

static void put_html_row(struct out *out, struct firealarm_text label, struct firealarm_text value)
{
    out_puts(out,
             "<tr><td class=\"dim\" style=\"padding:6px 12px 6px 0;color:#667085;font-size:14px;"
             "line-height:20px;vertical-align:top;width:30%\">");
    size_t start = out->len;
    out_html(out, label, LABEL_MAX_BYTES);
    capital(out, start);
    out_puts(out, "</td>\n<td class=\"ink\" style=\"padding:6px 0;color:#101828;font-size:15px;"
                  "line-height:20px;vertical-align:top;word-break:break-word\">");
    out_html(out, value, LINE_MAX_BYTES);
    out_puts(out, "</td></tr>\n");
}

/* The line at the top: how bad, and what this mail is. */
static void put_html_banner(struct out *out, const struct firealarm_notice *notice)
{
    const struct kind *kind = kind_of(notice);
    struct out severity;
    out_printf(out,
               "<tr><td style=\"background:%s;padding:12px 20px;color:#ffffff;font-size:14px;"
               "line-height:20px;border-radius:11px 11px 0 0\"><b style=\"letter-spacing:.06em;"
               "text-transform:uppercase\">",
               color_of(notice));
    out_init(&severity, 64);
    put_severity(&severity, notice);
    out_html(out,
             kind->banner != NO_WORD ? say(notice, kind->banner)
                                     : (struct firealarm_text){severity.data, severity.len},
             250);
    out_done(&severity);
    put_html(out, "</b> &nbsp;", say(notice, kind->says), TEXT_MAX_BYTES, "</td></tr>\n");
}

/* A button, and the code beside it: large enough to be read from one screen and typed on another.
 */
static void put_html_ack(struct out *out, const struct firealarm_notice *notice)
{
    out_puts(out, "<div class=\"box\" style=\"margin:12px 0 0;padding:16px;background:#f9fafb;"
                  "border-radius:4px;text-align:center\">");
    out_puts(out, "<a href=\"");
    out_html(out, notice->ack_url, TEXT_MAX_BYTES);
    out_printf(out,
               "\" style=\"display:block;padding:14px 16px;background:%s;color:#ffffff;"
               "font-size:18px;line-height:24px;font-weight:700;text-decoration:none;"
               "border-radius:8px\">",
               color_of(notice));
    put_html(out, "", say(notice, FIREALARM_WORD_OWN_IT), TEXT_MAX_BYTES, "</a>\n");
    put_html(out,
             "<div class=\"dim\" style=\"margin:12px 0 0;color:#667085;font-size:14px;"
             "line-height:20px\">",
             say(notice, FIREALARM_WORD_TYPE_CODE), TEXT_MAX_BYTES, "</div>\n");
    put_html(out,
             "<div class=\"ink\" style=\"color:#101828;font-size:28px;line-height:36px;"
             "font-weight:700;letter-spacing:.08em\">",
             notice->ack_code, LINE_MAX_BYTES, "</div>\n");
    put_html(out,
             "<div class=\"dim\" style=\"margin:8px 0 0;color:#667085;font-size:13px;"
             "line-height:18px;word-break:break-word\">",
             say(notice, FIREALARM_WORD_OR), TEXT_MAX_BYTES, "");
    put_html(out, "", say(notice, FIREALARM_WORD_COLON), TEXT_MAX_BYTES, "");
    put_html(out, "", notice->how_to_ack, TEXT_MAX_BYTES, "");
    out_puts(out, "</div>\n</div>\n");
}

static void put_html_boxes(struct out *out, const struct firealarm_notice *notice)
{
    if (notice->expect.len > 0) {
        out_printf(
            out,
            "<div class=\"box\" style=\"margin:16px 0 0;padding:12px 16px;background:#f9fafb;"
            "border-left:4px solid %s;border-radius:4px\">"
            "<div class=\"dim\" style=\"color:#667085;font-size:13px;line-height:18px\">",
            color_of(notice));
        put_html(out, "", say(notice, FIREALARM_WORD_EXPECTED), TEXT_MAX_BYTES, "</div>\n");
        put_html(out,
                 "<div class=\"ink\" style=\"color:#101828;font-size:17px;line-height:24px;"
                 "font-weight:600\">",
                 notice->expect, TEXT_MAX_BYTES, "</div></div>\n");
    }
    if (notice->ack_url.len > 0) {
        put_html_ack(out, notice);
        return;
    }
    if (notice->how_to_ack.len > 0) {
        put_html(out,
                 "<div class=\"box\" style=\"margin:12px 0 0;padding:12px 16px;background:#f9fafb;"
                 "border-radius:4px\"><div class=\"dim\" style=\"color:#667085;font-size:13px;"
                 "line-height:18px\">",
                 say(notice, FIREALARM_WORD_TO_OWN_IT), TEXT_MAX_BYTES, "</div>\n");
        put_html(out,
                 "<div class=\"ink\" style=\"color:#101828;"
                 "font-size:16px;line-height:24px;word-break:break-word\">",
                 notice->how_to_ack, TEXT_MAX_BYTES, "</div></div>\n");
    }
}

static void put_html_line(struct out *out, const struct firealarm_notice *notice,
                          const struct firealarm_line *line)
{
    struct out head;
    out_init(&head, TEXT_MAX_BYTES);
    put_line_head(&head, notice, line);
    out_puts(out,
             "<p class=\"ink line\" style=\"margin:0;padding:8px 0;border-top:1px solid #eaecf0;"
             "color:#101828;font-size:15px;line-height:20px;word-break:break-word\"><b>");
    out_html(out, (struct firealarm_text){head.data, head.len}, LINE_MAX_BYTES);
    out_puts(out, "</b>");
    out_done(&head);
    out_html(out, line->title, LINE_MAX_BYTES);
    out_puts(out, "<br>\n<span class=\"dim\" style=\"color:#667085;font-size:13px\">");
    put_html(out, "", line->alarm, 64, ", ");
    put_html(out, "", say(notice, FIREALARM_WORD_LINE_SINCE), LABEL_MAX_BYTES, " ");
    put_html(out, "", line->when, LINE_MAX_BYTES, "");
    put_html(out, ", ", state_of(notice, line), LABEL_MAX_BYTES, "");
    if (line->owner.len > 0) {
        put_html(out, ", ", say(notice, FIREALARM_WORD_LINE_OWNER), LABEL_MAX_BYTES, " ");
        put_html(out, "", line->owner, 200, "");
    }
    out_puts(out, "</span>");
    if (line->ack_url.len > 0) {
        put_html(out, "<br>\n<a href=\"", line->ack_url, TEXT_MAX_BYTES, "\">");
        put_html(out, "", say(notice, FIREALARM_WORD_OWN_IT), LABEL_MAX_BYTES, "</a> ");
        put_html(out, "", say(notice, FIREALARM_WORD_CODE), LABEL_MAX_BYTES, " ");
        put_html(out, "<b>", line->ack_code, 64, "</b>");
    }
    out_puts(out, "</p>\n");
}

static void put_html_facts(struct out *out, const struct firealarm_notice *notice)
{
    struct facts facts;
    gather_facts(notice, &facts);
    out_puts(out, "<table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" "
                  "style=\"margin:16px 0 0;border-collapse:collapse\">\n");
    for (size_t i = 0; i < facts.count; i++) {
        put_html_row(out, facts.list[i].label, facts.list[i].value);
    }
    for (uint32_t i = 0; i < notice->field_count && i < FIELDS_MAX; i++) {
        if (notice->fields[i].value.len == 0) {
            continue;
        }
        put_html_row(out, label_of(notice, notice->fields[i].name), notice->fields[i].value);
    }
    out_puts(out, "</table>\n");
    if (notice->details.len > 0) {
        put_html(
            out,
            "<div class=\"line\" style=\"margin:16px 0 0;padding:16px 0 0;border-top:1px solid "
            "#eaecf0\"><div class=\"dim\" style=\"color:#667085;font-size:13px;"
            "line-height:18px\">",
            say(notice, FIREALARM_WORD_DETAILS), TEXT_MAX_BYTES, "</div>\n");
        put_html(out,
                 "<div class=\"ink\" style=\"color:#101828;font-size:15px;line-height:22px;"
                 "word-break:break-word\">",
                 notice->details, DETAILS_MAX_BYTES, "</div></div>\n");
    }
}

static void put_html_note(struct out *out, const struct firealarm_notice *notice,
                          enum firealarm_word head, struct firealarm_text text)
{
    if (text.len > 0) {
        put_html(out, "", say(notice, head), LABEL_MAX_BYTES, "");
        put_html(out, "", say(notice, FIREALARM_WORD_COLON), LABEL_MAX_BYTES, "");
        put_html(out, "", text, 200, "<br>\n");
    }
}

static void put_html_footer(struct out *out, const struct firealarm_notice *notice)
{
    char sent[40];
    out_puts(out, "<tr><td class=\"dim\" style=\"padding:12px 20px 20px;color:#667085;"
                  "font-size:12px;line-height:18px\">");
    put_html_note(out, notice, FIREALARM_WORD_SENT_TO, notice->recipient);
    put_html_note(out, notice, FIREALARM_WORD_SENT_AT,
                  time_of(notice->sent_when, notice->now, sent));
    put_html_note(out, notice, FIREALARM_WORD_ALARM, notice->alarm);
    put_html_note(out, notice, FIREALARM_WORD_RULE, notice->rule);
    out_puts(out, "</td></tr>\n");
}

void body_html(struct out *out, const struct firealarm_notice *notice)
{
    put_html(out, "<!DOCTYPE html>\n<html lang=\"",
             notice->language.len > 0 ? notice->language : FIREALARM_TEXT("en"), 64, "");
    out_puts(out, HEAD);
    /* What a list of mails shows beside the subject. */
    put_html(out, "<div style=\"display:none;max-height:0;overflow:hidden\">",
             notice->expect.len > 0 ? notice->expect : notice->summary, 200, "</div>\n");
    out_puts(out, "<table role=\"presentation\" class=\"bg\" width=\"100%\" cellpadding=\"0\" "
                  "cellspacing=\"0\" style=\"background:#f2f4f7\"><tr><td align=\"center\" "
                  "style=\"padding:12px\">\n"
                  "<table role=\"presentation\" class=\"card\" width=\"100%\" cellpadding=\"0\" "
                  "cellspacing=\"0\" style=\"max-width:560px;background:#ffffff;border:1px solid "
                  "#eaecf0;border-radius:12px;border-collapse:separate;text-align:left\">\n");
    put_html_banner(out, notice);
    out_puts(out, "<tr><td style=\"padding:20px 20px 8px\">\n");
    put_html(out,
             "<h1 class=\"ink\" style=\"margin:0;color:#101828;font-size:22px;line-height:28px;"
             "font-weight:700;word-break:break-word\">",
             title_of(notice), LINE_MAX_BYTES, "</h1>\n");
    put_html(out,
             "<p class=\"ink\" style=\"margin:10px 0 0;color:#344054;font-size:16px;"
             "line-height:24px;word-break:break-word\">",
             more_of(notice), TEXT_MAX_BYTES, "</p>\n");
    for (uint32_t i = 0; i < notice->line_count; i++) {
        put_html_line(out, notice, &notice->lines[i]);
    }
    put_html_boxes(out, notice);
    put_html_facts(out, notice);
    out_puts(out, "</td></tr>\n");
    put_html_footer(out, notice);
    out_puts(out, "</table>\n</td></tr></table>\n</body></html>\n");
}
