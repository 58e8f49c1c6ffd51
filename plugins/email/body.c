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
#define FIELDS_MAX        24u

static bool is(struct firealarm_text text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.ptr, word, text.len) == 0;
}

/* How each kind of notice is announced. */
static const struct kind {
    const char *name, *subject, *says, *color;
    const char *banner; /* instead of the severity; NULL: the severity */
} KINDS[] = {
    {"alarm", "", "You are asked to act.", NULL, NULL},
    {"reminder", "Reminder: ", "Nobody owns this yet.", NULL, NULL},
    {"overdue", "Overdue: ", "The owner's time for the next word has passed.", NULL, NULL},
    {"acknowledged", "Owned: ", "Somebody owns it. Nothing is expected of you.", "#175cd3",
     "OWNED"},
    {"resolved", "Resolved: ", "It is over. Nothing is expected of you.", "#067647", "RESOLVED"},
    {"returned", "Calm for now: ", "The values are back in bounds. It is still watched.", "#067647",
     "CALM FOR NOW"},
    {"help", "Help wanted: ", "A colleague asks for your help. It is raised if it stays open.",
     "#175cd3", "HELP WANTED"},
    {"unowned", "Nobody owned: ", "It went away by itself, and nobody had owned it.", NULL, NULL},
    {"digest", "", "Each line is an alarm of its own.", NULL, NULL},
    {"test", "Test: ", "This is a test. Nothing is expected of you.", "#475467", "TEST"},
};
/* Whatever kind it is: its title says DRILL, and nothing stands before that. */
static const struct kind DRILL = {"", "", "Nothing has happened: this is a drill.", "#475467",
                                  "DRILL"};

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
                                     : FIREALARM_TEXT("Fire alarm");
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

/* What stands before a title. */
static void put_head(struct out *out, const struct firealarm_notice *notice)
{
    out_puts(out, kind_of(notice)->subject);
    if (!is(notice->kind, "help") && !is_drill(notice)) {
        put_severity(out, notice);
        out_puts(out, ": ");
    }
}

void body_subject(struct out *out, const struct firealarm_notice *notice)
{
    put_head(out, notice);
    out_clean(out, title_of(notice), 160, true);
}

/* "Reminder: " and so on of what the line would be by itself, and how its alarm stands if nobody is
 * expected to act. */
static void put_line_head(struct out *out, const struct firealarm_line *line)
{
    const struct firealarm_notice as_notice = {.kind = line->kind, .severity = line->severity};
    put_head(out, &as_notice);
}

static bool is_settled(const struct firealarm_line *line)
{
    return line->state.len > 0 && !is(line->state, "unacknowledged");
}

/* The rows of facts, for both forms. */
struct fact {
    const char *label;
    struct firealarm_text value;
};
#define FACTS 8

struct facts {
    struct fact list[FACTS];
    size_t count;
    char since[40], promised[40];
};

static void add_fact(struct facts *facts, const char *label, struct firealarm_text value)
{
    if (value.len > 0 && facts->count < FACTS) {
        facts->list[facts->count++] = (struct fact){label, value};
    }
}

static void gather_facts(const struct firealarm_notice *notice, struct facts *facts)
{
    facts->count = 0;
    add_fact(facts, "Since",
             notice->when.len > 0 ? notice->when : time_text(notice->since, facts->since));
    add_fact(facts, "Owner", notice->owner);
    add_fact(facts, "Next word by", time_text(notice->promised, facts->promised));
    bool in_vain = is(notice->kind, "reminder");
    add_fact(facts, in_vain ? "Called, and nobody owns it" : "Also told", notice->told);
    add_fact(facts, "Category", notice->category);
}

/* ------------------------------------------------------------------------------------ plain text
 */

static void put_paragraph(struct out *out, const char *head, struct firealarm_text text, size_t max)
{
    if (text.len > 0) {
        out_puts(out, head);
        out_clean(out, text, max, false);
        out_puts(out, "\n\n");
    }
}

/* What was put since `start` begins with a capital, as the other rows do. */
static void capital(struct out *out, size_t start)
{
    if (out->len > start && out->data[start] >= 'a' && out->data[start] <= 'z') {
        out->data[start] = (char)(out->data[start] - 32);
    }
}

static void put_row(struct out *out, struct firealarm_text label, struct firealarm_text value)
{
    size_t start = out->len;
    out_clean(out, label, 64, true);
    capital(out, start);
    out_puts(out, ": ");
    out_clean(out, value, LINE_MAX_BYTES, true);
    out_puts(out, "\n");
}

static void put_text_line(struct out *out, const struct firealarm_line *line)
{
    out_puts(out, "* ");
    put_line_head(out, line);
    out_clean(out, line->title, LINE_MAX_BYTES, true);
    out_puts(out, "\n  ");
    if (line->alarm.len > 0) {
        out_clean(out, line->alarm, 64, true);
        out_puts(out, ", ");
    }
    out_puts(out, "since ");
    out_clean(out, line->when, LINE_MAX_BYTES, true);
    if (is_settled(line)) {
        out_puts(out, ", ");
        out_clean(out, line->state, 64, true);
    }
    if (line->owner.len > 0) {
        out_puts(out, ", owner ");
        out_clean(out, line->owner, 200, true);
    }
    out_puts(out, "\n");
    if (line->ack_url.len > 0) {
        out_puts(out, "  ");
        out_clean(out, line->ack_url, TEXT_MAX_BYTES, true);
        out_puts(out, " code ");
        out_clean(out, line->ack_code, 64, true);
        out_puts(out, "\n");
    }
}

static void put_text_ack(struct out *out, const struct firealarm_notice *notice)
{
    if (notice->ack_url.len > 0) {
        put_paragraph(out, "To own it, open this link:\n", notice->ack_url, TEXT_MAX_BYTES);
        put_paragraph(out, "and type the code ", notice->ack_code, LINE_MAX_BYTES);
        put_paragraph(out, "Or: ", notice->how_to_ack, TEXT_MAX_BYTES);
    } else {
        put_paragraph(out, "To own it: ", notice->how_to_ack, TEXT_MAX_BYTES);
    }
}

static void put_text_footer(struct out *out, const struct firealarm_notice *notice)
{
    char sent[40];
    out_puts(out, "\n-- \n");
    if (notice->recipient.len > 0) {
        put_row(out, FIREALARM_TEXT("Sent to"), notice->recipient);
    }
    put_row(out, FIREALARM_TEXT("Sent at"), time_text(notice->now, sent));
    if (notice->alarm.len > 0) {
        put_row(out, FIREALARM_TEXT("Alarm"), notice->alarm);
    }
    if (notice->rule.len > 0) {
        put_row(out, FIREALARM_TEXT("Rule"), notice->rule);
    }
}

void body_text(struct out *out, const struct firealarm_notice *notice)
{
    struct facts facts;
    gather_facts(notice, &facts);
    body_subject(out, notice);
    out_puts(out, "\n");
    out_puts(out, kind_of(notice)->says);
    out_puts(out, "\n\n");
    put_paragraph(out, "", more_of(notice), TEXT_MAX_BYTES);
    for (uint32_t i = 0; i < notice->line_count; i++) {
        put_text_line(out, &notice->lines[i]);
    }
    out_puts(out, notice->line_count > 0 ? "\n" : "");
    put_paragraph(out, "Expected of you: ", notice->expect, TEXT_MAX_BYTES);
    put_text_ack(out, notice);
    for (size_t i = 0; i < facts.count; i++) {
        put_row(out, text_of(facts.list[i].label), facts.list[i].value);
    }
    for (uint32_t i = 0; i < notice->field_count && i < FIELDS_MAX; i++) {
        if (notice->fields[i].value.len == 0) {
            continue;
        }
        put_row(out, notice->fields[i].name, notice->fields[i].value);
    }
    out_puts(out, "\n");
    put_paragraph(out, "Details:\n", notice->details, DETAILS_MAX_BYTES);
    put_text_footer(out, notice);
}

/* ------------------------------------------------------------------------------------------ HTML
 */

#define FONT "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;"

static const char HEAD[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
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
    out_html(out, label, 64);
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
               "line-height:20px;border-radius:11px 11px 0 0\"><b style=\"letter-spacing:.06em\">",
               color_of(notice));
    out_init(&severity, 64);
    if (kind->banner != NULL) {
        out_puts(&severity, kind->banner);
    } else {
        put_severity(&severity, notice);
    }
    out_html(out, (struct firealarm_text){severity.data, severity.len}, 250);
    out_done(&severity);
    out_printf(out, "</b> &nbsp;%s</td></tr>\n", kind->says);
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
               "border-radius:8px\">Own it</a>\n"
               "<div class=\"dim\" style=\"margin:12px 0 0;color:#667085;font-size:14px;"
               "line-height:20px\">and type this code</div>\n",
               color_of(notice));
    put_html(out,
             "<div class=\"ink\" style=\"color:#101828;font-size:28px;line-height:36px;"
             "font-weight:700;letter-spacing:.08em\">",
             notice->ack_code, LINE_MAX_BYTES, "</div>\n");
    put_html(out,
             "<div class=\"dim\" style=\"margin:8px 0 0;color:#667085;font-size:13px;"
             "line-height:18px;word-break:break-word\">or: ",
             notice->how_to_ack, TEXT_MAX_BYTES, "</div>\n");
    out_puts(out, "</div>\n");
}

static void put_html_boxes(struct out *out, const struct firealarm_notice *notice)
{
    if (notice->expect.len > 0) {
        out_printf(
            out,
            "<div class=\"box\" style=\"margin:16px 0 0;padding:12px 16px;background:#f9fafb;"
            "border-left:4px solid %s;border-radius:4px\">"
            "<div class=\"dim\" style=\"color:#667085;font-size:13px;line-height:18px\">"
            "Expected of you</div>\n",
            color_of(notice));
        put_html(out,
                 "<div class=\"ink\" style=\"color:#101828;font-size:17px;line-height:24px;"
                 "font-weight:600\">",
                 notice->expect, TEXT_MAX_BYTES, "</div></div>\n");
    }
    if (notice->ack_url.len > 0) {
        put_html_ack(out, notice);
        return;
    }
    put_html(out,
             "<div class=\"box\" style=\"margin:12px 0 0;padding:12px 16px;background:#f9fafb;"
             "border-radius:4px\"><div class=\"dim\" style=\"color:#667085;font-size:13px;"
             "line-height:18px\">To own it</div>\n<div class=\"ink\" style=\"color:#101828;"
             "font-size:16px;line-height:24px;word-break:break-word\">",
             notice->how_to_ack, TEXT_MAX_BYTES, "</div></div>\n");
}

static void put_html_line(struct out *out, const struct firealarm_line *line)
{
    struct out head;
    out_init(&head, LINE_MAX_BYTES);
    put_line_head(&head, line);
    out_puts(out,
             "<p class=\"ink line\" style=\"margin:0;padding:8px 0;border-top:1px solid #eaecf0;"
             "color:#101828;font-size:15px;line-height:20px;word-break:break-word\"><b>");
    out_html(out, (struct firealarm_text){head.data, head.len}, LINE_MAX_BYTES);
    out_puts(out, "</b>");
    out_done(&head);
    out_html(out, line->title, LINE_MAX_BYTES);
    out_puts(out, "<br>\n<span class=\"dim\" style=\"color:#667085;font-size:13px\">");
    put_html(out, "", line->alarm, 64, ", ");
    put_html(out, "since ", line->when, LINE_MAX_BYTES, "");
    if (is_settled(line)) {
        put_html(out, ", ", line->state, 64, "");
    }
    put_html(out, ", owner ", line->owner, 200, "");
    out_puts(out, "</span>");
    if (line->ack_url.len > 0) {
        put_html(out, "<br>\n<a href=\"", line->ack_url, TEXT_MAX_BYTES, "\">Own it</a>");
        put_html(out, " code <b>", line->ack_code, 64, "</b>");
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
        put_html_row(out, text_of(facts.list[i].label), facts.list[i].value);
    }
    for (uint32_t i = 0; i < notice->field_count && i < FIELDS_MAX; i++) {
        if (notice->fields[i].value.len == 0) {
            continue;
        }
        put_html_row(out, notice->fields[i].name, notice->fields[i].value);
    }
    out_puts(out, "</table>\n");
    put_html(out,
             "<div class=\"line\" style=\"margin:16px 0 0;padding:16px 0 0;border-top:1px solid "
             "#eaecf0\"><div class=\"dim\" style=\"color:#667085;font-size:13px;line-height:18px\">"
             "Details</div>\n<div class=\"ink\" style=\"color:#101828;font-size:15px;"
             "line-height:22px;word-break:break-word\">",
             notice->details, DETAILS_MAX_BYTES, "</div></div>\n");
}

static void put_html_footer(struct out *out, const struct firealarm_notice *notice)
{
    char sent[40];
    out_puts(out, "<tr><td class=\"dim\" style=\"padding:12px 20px 20px;color:#667085;"
                  "font-size:12px;line-height:18px\">");
    put_html(out, "Sent to ", notice->recipient, 200, "");
    put_html(out, " at ", time_text(notice->now, sent), 64, "");
    put_html(out, "<br>\nAlarm ", notice->alarm, 64, "");
    put_html(out, " &middot; rule ", notice->rule, 200, "");
    out_puts(out, "</td></tr>\n");
}

void body_html(struct out *out, const struct firealarm_notice *notice)
{
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
        put_html_line(out, &notice->lines[i]);
    }
    put_html_boxes(out, notice);
    put_html_facts(out, notice);
    out_puts(out, "</td></tr>\n");
    put_html_footer(out, notice);
    out_puts(out, "</table>\n</td></tr></table>\n</body></html>\n");
}
