/* SPDX-License-Identifier: MIT */
/* `firealarm explain` for people: what was decided, why, with the numbers it was decided on, from
 * the top down in the reader's time; then who was told, and who was not and why. The full numbers
 * stand where the alarm was raised and where it was worst; elsewhere one line says what differed.
 */
#include "client/render_explain.h"

#include "client/api.h"
#include "client/when.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WORD      10 /* where a line's word begins, */
#define TEXT      22 /* and its text */
#define NUMBER    9  /* columns that the value of a part takes before the part */
#define DEPTH_MAX 12 /* parts further down stand no further right */

const char *fa_explain_text(const json_t *object, const char *name)
{
    const char *text = fa_member_text(object, name);
    return text != NULL ? text : "";
}

bool fa_explain_has(const json_t *object, const char *name)
{
    return json_is_number(json_object_get(object, name));
}

/* Six figures: nobody compares more by eye. */
void fa_explain_number(struct fa_buf *buf, const json_t *object, const char *name)
{
    char text[32];
    if (!fa_explain_has(object, name)) {
        fa_buf_puts(buf, "no value");
        return;
    }
    snprintf(text, sizeof text, "%.6g", json_number_value(json_object_get(object, name)));
    fa_buf_puts(buf, text);
}

static bool local_time(const json_t *object, const char *name, struct tm *ret)
{
    fa_time wall = 0;
    const char *text = fa_member_text(object, name);
    if (text == NULL || fa_when_read(fa_str_of(text), &wall) != 0) {
        return false;
    }
    time_t seconds = (time_t)(wall / FA_SECOND);
    return localtime_r(&seconds, ret) != NULL;
}

const char *fa_explain_clock(const json_t *object, const char *name, char buf[16])
{
    struct tm tm;
    if (!local_time(object, name, &tm) || strftime(buf, 16, "%H:%M:%S", &tm) == 0) {
        snprintf(buf, 16, "?");
    }
    return buf;
}

/* ---- lines of the timeline ---- */

struct timeline {
    struct fa_screen *screen;
    char day[FA_WHEN_SIZE], clock[16]; /* as printed last */
};

/* The day when it is another, the time when it is another, the word, and the text behind it. */
static void line(struct timeline *timeline, const json_t *item, enum fa_paint paint,
                 const char *word, const char *text)
{
    struct fa_screen *screen = timeline->screen;
    char day[FA_WHEN_SIZE] = "?", clock[16];
    struct tm tm;
    if (local_time(item, "time", &tm)) {
        (void)!strftime(day, sizeof day, "%a %d %b %Y, %Z", &tm);
    }
    fa_explain_clock(item, "time", clock);
    if (strcmp(day, timeline->day) != 0) {
        fa_say(screen, "\n");
        fa_put(screen, FA_DIM, day);
        fa_say(screen, "\n");
        snprintf(timeline->day, sizeof timeline->day, "%s", day);
        timeline->clock[0] = '\0';
    }
    bool again = strcmp(clock, timeline->clock) == 0;
    snprintf(timeline->clock, sizeof timeline->clock, "%s", clock);
    fa_say(screen, "%-*s", WORD, again ? "" : clock);
    fa_put(screen, paint, word);
    fa_say(screen, "%*s", strlen(word) < TEXT - WORD ? (int)(TEXT - WORD - strlen(word)) : 1, "");
    fa_put_wrapped(screen, TEXT, "", text);
}

/* ---- the numbers ---- */

void fa_explain_limits(struct fa_buf *buf, const json_t *evidence)
{
    static const char *const names[][2] = {{"above", "fires above "},
                                           {"below", "fires below "},
                                           {"clear_below", "clears below "},
                                           {"clear_above", "clears above "}};
    static const char *const at_or[] = {"fires at or above ", "fires at or below "};
    const char *comma = "";
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (fa_explain_has(evidence, names[i][0])) {
            bool at = i < 2 && fa_member_is(evidence, "or_equal");
            fa_buf_printf(buf, "%s%s", comma, at ? at_or[i] : names[i][1]);
            fa_explain_number(buf, evidence, names[i][0]);
            comma = ", ";
        }
    }
}

/* Why there is no value, where that is known. */
static void put_reason(struct fa_buf *buf, const json_t *object)
{
    if (fa_member_text(object, "empty") != NULL) {
        fa_buf_printf(buf, "; no sample of %s", fa_explain_text(object, "empty"));
    }
    if (fa_member_text(object, "reason") != NULL) {
        fa_buf_printf(buf, "; %s", fa_explain_text(object, "reason"));
    }
}

/* "value 312.5" and, for whoever reads it first, "; fires above 120, clears below 90" */
static void put_value(struct fa_buf *buf, const json_t *evidence, const char *word, bool limits)
{
    bool now = json_object_get(evidence, "value") != NULL;
    fa_buf_puts(buf, word);
    fa_explain_number(buf, evidence, now ? "value" : "signalled");
    size_t from = buf->len;
    fa_buf_puts(buf, "; ");
    size_t begin = buf->len;
    if (limits) {
        fa_explain_limits(buf, evidence);
    }
    if (buf->len == begin) {
        fa_buf_cut(buf, from);
    }
}

static double lowest(const json_t *points, double *ret_highest)
{
    double low = INFINITY, high = -INFINITY;
    const json_t *point;
    size_t i;
    json_array_foreach(points, i, point)
    {
        if (fa_explain_has(point, "last")) {
            double min = json_number_value(json_object_get(point, "min"));
            double last = json_number_value(json_object_get(point, "last"));
            low = fmin(low, fa_explain_has(point, "min") ? fmin(min, last) : last);
            high = fmax(high, last);
        }
    }
    *ret_highest = high;
    return low;
}

/* One block for each point, by its height between the lowest and the highest. */
static void put_picture(struct timeline *timeline, const json_t *evidence)
{
    static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    struct fa_screen *screen = timeline->screen;
    const json_t *points = json_object_get(evidence, "points"), *point;
    double high, low = lowest(points, &high);
    size_t i, room = screen->columns > TEXT + 8 ? screen->columns - TEXT - 1 : 8;
    size_t count = json_array_size(points), skip = count > room ? count - room : 0;
    struct fa_buf buf;
    fa_buf_init(&buf, 4096);
    json_array_foreach(points, i, point)
    {
        double last = json_number_value(json_object_get(point, "last"));
        double part = high > low ? (last - low) / (high - low) : 0.5;
        if (i >= skip) {
            fa_buf_puts(&buf, part >= 0 && part <= 1 ? blocks[(size_t)(part * 7.0)] : "?");
        }
    }
    if (count > 1) {
        fa_say(screen, "%*s%s\n", TEXT, "", fa_buf_text(&buf));
    }
    fa_buf_done(&buf);
}

/* "180 samples in 15m, from 50 to 303.67, newest 14:00:00" */
static void put_samples(struct timeline *timeline, const json_t *evidence)
{
    struct fa_buf buf;
    char clock[16];
    double high, low = lowest(json_object_get(evidence, "points"), &high);
    long long samples = (long long)fa_member_int(evidence, "samples");
    fa_buf_init(&buf, 4096);
    if (samples > 0) {
        fa_buf_printf(&buf, "%lld sample%s in %s", samples, samples == 1 ? "" : "s",
                      fa_explain_text(evidence, "over"));
    }
    if (high > low) {
        fa_buf_printf(&buf, "%sfrom %.6g to %.6g", buf.len > 0 ? ", " : "", low, high);
    }
    if (fa_member_text(evidence, "newest") != NULL) {
        fa_buf_printf(&buf, "%snewest %s", buf.len > 0 ? ", " : "",
                      fa_explain_clock(evidence, "newest", clock));
    }
    if (buf.len > 0) {
        fa_put_wrapped(timeline->screen, TEXT, NULL, fa_buf_text(&buf));
    }
    fa_buf_done(&buf);
}

/* "312.5    sum(x)": the value and the part, or behind a part of several elements each one's
 * labels. indent: where the part begins. */
static void put_part(struct fa_screen *screen, const json_t *part, unsigned indent, bool alone,
                     bool again)
{
    struct fa_buf buf, value;
    long long samples = (long long)fa_member_int(part, "samples");
    if (!alone && !again) {
        fa_put_wrapped(screen, indent, NULL, fa_explain_text(part, "text"));
    }
    indent += alone ? 0 : 2;
    fa_buf_init(&buf, 64u << 10);
    fa_buf_init(&value, 64);
    if (fa_explain_has(part, "value")) {
        fa_explain_number(&value, part, "value");
    } else {
        fa_buf_puts(&value, "-");
    }
    fa_buf_printf(&buf, alone ? "%s" : "{%s}", fa_explain_text(part, alone ? "text" : "labels"));
    if (samples > 0) {
        fa_buf_printf(&buf, " (the newest of %lld)", samples);
    }
    fa_say(screen, "%*s%-*s", TEXT, "", (int)(indent - TEXT), fa_buf_text(&value));
    fa_put_wrapped(screen, indent, "", fa_buf_text(&buf));
    fa_buf_done(&value);
    fa_buf_done(&buf);
}

/* Another element of the same part. */
static bool is_again(const json_t *part, const json_t *other)
{
    return part != NULL && other != NULL &&
           fa_member_int(part, "depth") == fa_member_int(other, "depth") &&
           fa_member_is(part, "clear") == fa_member_is(other, "clear") &&
           strcmp(fa_explain_text(part, "text"), fa_explain_text(other, "text")) == 0 &&
           strcmp(fa_explain_text(part, "labels"), fa_explain_text(other, "labels")) != 0;
}

/* What only puts the next one into brackets. */
static bool is_bracket(const json_t *part, const json_t *next)
{
    const char *text = fa_explain_text(part, "text"), *inner = fa_explain_text(next, "text");
    size_t len = strlen(inner);
    return len > 0 && strlen(text) == len + 2 && text[0] == '(' &&
           strncmp(text + 1, inner, len) == 0;
}

/* How deep a part stands, without the brackets around it. depths: of those; *count: how many. */
static unsigned indent_of(const json_t *part, const json_int_t *depths, size_t *count)
{
    json_int_t depth = fa_member_int(part, "depth");
    while (*count > 0 && depths[*count - 1] >= depth) {
        --*count;
    }
    depth -= (json_int_t)*count;
    return TEXT + NUMBER + 2 * (unsigned)(depth > DEPTH_MAX ? DEPTH_MAX : depth > 0 ? depth : 0);
}

static void put_parts(struct timeline *timeline, const json_t *evidence)
{
    const json_t *parts = json_object_get(evidence, "parts"), *part, *before = NULL;
    json_int_t brackets[DEPTH_MAX];
    size_t i, count = 0;
    bool clear = false;
    json_array_foreach(parts, i, part)
    {
        const json_t *next = json_array_get(parts, i + 1);
        unsigned indent = indent_of(part, brackets, &count);
        bool again = is_again(before, part);
        if (is_bracket(part, next) && count < DEPTH_MAX) {
            brackets[count++] = fa_member_int(part, "depth");
            continue;
        }
        if (fa_member_is(part, "clear") && !clear) {
            fa_put_wrapped(timeline->screen, TEXT, NULL, "and it clears when:");
            clear = true;
        }
        put_part(timeline->screen, part, indent, !again && !is_again(part, next), again);
        before = part;
    }
}

/* Everything that is known of that moment. */
static void put_evidence(struct timeline *timeline, const json_t *evidence)
{
    struct fa_screen *screen = timeline->screen;
    bool raised = strcmp(fa_explain_text(evidence, "cause"), "raised") == 0;
    if (json_array_size(json_object_get(evidence, "parts")) > 0) {
        put_parts(timeline, evidence);
    } else if (raised && fa_member_text(evidence, "expr") != NULL) {
        fa_put_wrapped(screen, TEXT, NULL, fa_explain_text(evidence, "expr"));
    }
    put_picture(timeline, evidence);
    put_samples(timeline, evidence);
}

/* ---- what happened ---- */

static const struct word {
    const char *what, *word, *text;
    enum fa_paint paint;
} words[] = {
    {"pending", "pending", NULL, FA_YELLOW},
    {"raised", "RAISED", NULL, FA_RED},
    {"step", "step", NULL, FA_BOLD},
    {"emptied", "set aside", "nobody of this step may be told: the independent contacts have it",
     FA_YELLOW},
    {"left-out", "left out", NULL, FA_YELLOW},
    {"no-channel", "no channel", NULL, FA_YELLOW},
    {"outbox-full", "put off", "the outbox is full: the step waits for room", FA_YELLOW},
    {"unreached", "unreached", "no target has a channel that may carry it; operators hear of it",
     FA_RED},
    {"wrong-code", "wrong code", NULL, FA_YELLOW},
    {"locked", "LOCKED", "too many wrong codes on a link: it opens no more, and the alarm climbs",
     FA_RED},
    {"skipped", "skipped", "nobody is on duty in this step", FA_YELLOW},
    {"paused", "paused", NULL, FA_YELLOW},
    {"held", "held back", NULL, FA_YELLOW},
    {"kept", "word kept", NULL, FA_GREEN},
    {"recused", "stepped out", NULL, FA_YELLOW},
    {"returned", "returned", "the data say that it is over; nobody had owned it", FA_GREEN},
    {"resumed", "resumed", "it fires again: the same alarm goes on", FA_RED},
    {"acknowledged", "owned", NULL, FA_GREEN},
    {"overdue", "overdue", "the promised word did not come: it climbs on", FA_RED},
    {"resolved", "resolved", NULL, FA_GREEN},
    {"unowned", "unowned", "nobody owned it; the level above hears", FA_YELLOW},
    {"commented", "comment", NULL, FA_PLAIN},
    {"unknown", "unknown", "it climbs on without data", FA_YELLOW},
    {"filing", "filing", "one more filing came to it", FA_PLAIN},
    {"orphaned", "rule", NULL, FA_YELLOW},
    {"silenced", "SILENCED", NULL, FA_YELLOW},
    {"inhibited", "INHIBITED", "another alarm explains it; it tells nobody", FA_YELLOW},
    {"heard-again", "HEARD", NULL, FA_YELLOW},
    {"hidden-long", "HIDDEN", NULL, FA_YELLOW},
    {"restarted", "restart", NULL, FA_DIM},
    {"sent", "told", NULL, FA_GREEN},
    {"failed", "failed", NULL, FA_YELLOW},
    {"rejected", "rejected", NULL, FA_YELLOW},
    {"moved-on", "moved on", NULL, FA_YELLOW},
    {"lost", "unsure", "the courier ended with it, and it goes out again", FA_YELLOW},
    {"dropped", "not sent", "not needed any more", FA_DIM},
    {"dead", "given up", "kept, to be sent by hand", FA_YELLOW},
    {"replayed", "replayed", NULL, FA_PLAIN},
    {"worse", "worse", NULL, FA_RED},
    {"clear", "clear", NULL, FA_GREEN},
};

static const struct word *word_of(const char *what)
{
    static const struct word other = {"", "other", NULL, FA_PLAIN};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(words[i].what, what) == 0) {
            return &words[i];
        }
    }
    return &other;
}

/* "Chris Olsen over mail: 503, try 2" */
static void put_delivery(struct fa_buf *buf, const json_t *moment, const char *more)
{
    const char *kind = fa_explain_text(moment, "kind");
    fa_buf_printf(buf, "%s over %s", fa_explain_text(moment, "display"),
                  fa_explain_text(moment, "channel"));
    if (strcmp(kind, "alarm") != 0) {
        fa_buf_printf(buf, " (%s)", kind);
    }
    if (fa_explain_has(moment, "answer")) {
        fa_buf_printf(buf, ": %lld", (long long)fa_member_int(moment, "answer"));
    } else if (fa_member_int(moment, "attempt") > 0 &&
               strcmp(fa_explain_text(moment, "what"), "lost") != 0) {
        fa_buf_puts(buf, ": no answer");
    }
    if (fa_member_int(moment, "attempt") > 1) {
        fa_buf_printf(buf, ", try %lld", (long long)fa_member_int(moment, "attempt"));
    }
    if (fa_member_int(moment, "times") > 1) {
        fa_buf_printf(buf, ", %lld times since", (long long)fa_member_int(moment, "times"));
    }
    if (more != NULL) {
        fa_buf_printf(buf, "; %s", more);
    }
}

static void put_step(struct fa_buf *buf, const json_t *moment)
{
    long long loop = (long long)fa_member_int(moment, "loop");
    fa_buf_printf(buf, "step %lld of the policy", (long long)fa_member_int(moment, "step"));
    if (loop > 0) {
        fa_buf_printf(buf, ", once more and to a wider circle (%lld)", loop);
    }
}

static void put_count(struct fa_buf *buf, const json_t *moment, const char *one, const char *many)
{
    long long count = (long long)fa_member_int(moment, "count");
    fa_buf_printf(buf, "%lld %s", count, count == 1 ? one : many);
}

/* The time alone where it is of the same day. */
static void put_later(struct fa_buf *buf, const json_t *moment, const char *name)
{
    struct tm now, then;
    char text[FA_WHEN_SIZE];
    bool same = local_time(moment, "time", &now) && local_time(moment, name, &then) &&
                now.tm_yday == then.tm_yday && now.tm_year == then.tm_year;
    fa_buf_puts(buf, same ? fa_explain_clock(moment, name, text)
                          : fa_when_show(fa_explain_text(moment, name), text));
}

static void put_words(struct fa_buf *buf, const json_t *moment, const struct word *word)
{
    const char *what = word->what, *display = fa_explain_text(moment, "display");
    char clock[FA_WHEN_SIZE];
    if (strcmp(what, "moved-on") == 0) {
        fa_buf_printf(buf, "nobody waits for %s over %s any longer", display,
                      fa_explain_text(moment, "channel"));
    } else if (strcmp(what, "held") == 0) {
        fa_buf_printf(buf, "%s over %s: quiet hours until ", display,
                      fa_explain_text(moment, "channel"));
        put_later(buf, moment, "until");
    } else if (strcmp(what, "paused") == 0) {
        fa_buf_puts(buf, "the next step has working hours, from ");
        put_later(buf, moment, "until");
    } else if (fa_member_text(moment, "channel") != NULL) {
        put_delivery(buf, moment, word->text);
    } else if (strcmp(what, "step") == 0) {
        put_step(buf, moment);
    } else if (strcmp(what, "pending") == 0) {
        fa_buf_puts(buf, "the condition holds; it must until ");
        put_later(buf, moment, "until");
    } else if (strcmp(what, "acknowledged") == 0) {
        fa_buf_printf(buf, "%s, who says more by ", display);
        put_later(buf, moment, "until");
    } else if (strcmp(what, "resolved") == 0) {
        fa_buf_puts(buf, display[0] != '\0' ? display : "by its data; somebody had owned it");
    } else if (strcmp(what, "left-out") == 0) {
        put_count(buf, moment, "person of this step is", "people of this step are");
        fa_buf_puts(buf, " kept out of it: it is about them, they are too near, or the reporter "
                         "struck them");
    } else if (strcmp(what, "no-channel") == 0 && display[0] != '\0') {
        fa_buf_printf(buf, "%s has no channel that may carry it", display);
    } else if (strcmp(what, "no-channel") == 0) {
        put_count(buf, moment, "person has", "people have");
        fa_buf_puts(buf, " no channel that may carry it");
    } else if (strcmp(what, "orphaned") == 0) {
        fa_buf_puts(buf, fa_member_is(moment, "gone") ? "is no longer configured"
                                                      : "is configured again");
    } else if (strcmp(what, "restarted") == 0) {
        fa_buf_printf(buf, "nobody looked at its data since %s",
                      fa_explain_clock(moment, "since", clock));
    } else if (strcmp(what, "silenced") == 0) {
        fa_buf_printf(buf, "by %s until ", display);
        put_later(buf, moment, "until");
    } else if (strcmp(what, "heard-again") == 0) {
        fa_buf_printf(buf, "nothing hides it any more, after %s", fa_explain_text(moment, "after"));
    } else if (strcmp(what, "hidden-long") == 0) {
        put_count(buf, moment, "day by now", "days by now");
    } else if (strcmp(what, "wrong-code") == 0) {
        fa_buf_printf(buf, "number %lld on a link of %s", (long long)fa_member_int(moment, "count"),
                      display);
    } else if (word->text != NULL) {
        fa_buf_puts(buf, word->text);
    } else {
        fa_buf_puts(buf, display);
    }
}

/* The moment that the evidence is of: its cause is what happened then. */
static bool is_of(const json_t *evidence, const json_t *moment)
{
    const char *cause = fa_explain_text(evidence, "cause"), *what = fa_explain_text(moment, "what");
    bool over = strcmp(what, "returned") == 0 || strcmp(what, "resolved") == 0;
    return strcmp(fa_explain_text(evidence, "time"), fa_explain_text(moment, "time")) == 0 &&
           (strcmp(cause, what) == 0 || (strcmp(cause, "clear") == 0 && over));
}

static void put_moment(struct timeline *timeline, const json_t *moment, const json_t *evidence)
{
    const struct word *word = word_of(fa_explain_text(moment, "what"));
    struct fa_buf buf;
    fa_buf_init(&buf, 64u << 10);
    put_words(&buf, moment, word);
    bool has_value =
        evidence != NULL &&
        (fa_explain_has(evidence, "value") ||
         (json_object_get(evidence, "value") == NULL && fa_explain_has(evidence, "signalled")));
    if (has_value && strcmp(fa_explain_text(evidence, "level"), "unknown") != 0) {
        put_value(&buf, evidence, buf.len > 0 ? "; value " : "value ",
                  strcmp(word->what, "raised") == 0);
    } else if (evidence != NULL) {
        put_reason(&buf, evidence);
    }
    line(timeline, moment, word->paint, word->word, fa_buf_text(&buf));
    if (evidence != NULL && strcmp(word->what, "raised") == 0) {
        put_evidence(timeline, evidence);
    }
    fa_buf_done(&buf);
}

/* Evidence without a moment of its own: worse, and what a latched alarm's data say. */
static void put_alone(struct timeline *timeline, const json_t *evidence)
{
    const struct word *word = word_of(fa_explain_text(evidence, "cause"));
    struct fa_buf buf;
    fa_buf_init(&buf, 64u << 10);
    put_value(&buf, evidence, "value ", false);
    put_reason(&buf, evidence);
    line(timeline, evidence, word->paint, word->word, fa_buf_text(&buf));
    if (strcmp(word->what, "worse") == 0) {
        put_evidence(timeline, evidence);
    }
    fa_buf_done(&buf);
}

/* Both lists are in the order of time. RFC 3339 in UTC: the order of the texts is that of times. */
static void put_timeline(struct fa_screen *screen, const json_t *body)
{
    struct timeline timeline = {.screen = screen};
    const json_t *diary = json_object_get(body, "diary"), *moment;
    const json_t *list = json_object_get(body, "evidence");
    size_t i, next = 0, count = json_array_size(list);
    json_array_foreach(diary, i, moment)
    {
        const json_t *own = NULL;
        for (; next < count; next++) {
            const json_t *evidence = json_array_get(list, next);
            int order = strcmp(fa_explain_text(evidence, "time"), fa_explain_text(moment, "time"));
            if (is_of(evidence, moment)) {
                own = evidence;
                next++;
                break;
            }
            if (order >= 0) {
                break;
            }
            put_alone(&timeline, evidence);
        }
        put_moment(&timeline, moment, own);
    }
    for (; next < count; next++) {
        put_alone(&timeline, json_array_get(list, next));
    }
    if (fa_member_int(body, "diary_lost") > 0) {
        fa_say(screen, "\n%lld moments between the first and the last are no longer kept.\n",
               (long long)fa_member_int(body, "diary_lost"));
    }
    if (fa_member_is(body, "evidence_unread")) {
        fa_say(screen, "\nSome of the numbers cannot be read now.\n");
    }
}

/* ---- who ---- */

static const char *why_words(const char *state)
{
    static const char *const rows[][2] = {
        {"trying", "being tried"},
        {"later", "not yet: its step has not come"},
        {"hidden", "no: it is hidden, and climbs on when it is heard again"},
        {"owned", "no: somebody owns it before their step"},
        {"returned", "no: it was over before their step"},
        {"closed", "no: it was closed before their step"},
        {"shadow", "no: a shadow rule tells nobody"},
        {"not-reached", "no: no channel of theirs got through"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i][0], state) == 0) {
            return rows[i][1];
        }
    }
    return state;
}

static void put_state(struct fa_buf *buf, const json_t *step, const json_t *person)
{
    const char *state = fa_explain_text(person, "state");
    char when[FA_WHEN_SIZE];
    if (strcmp(state, "told") == 0) {
        fa_buf_printf(buf, "%s over %s", fa_when_show(fa_explain_text(person, "time"), when),
                      fa_explain_text(person, "channel"));
    } else if (strcmp(state, "later") == 0 && fa_member_text(step, "due") != NULL) {
        fa_buf_printf(buf, "at %s, unless somebody owns it by then",
                      fa_explain_clock(step, "due", when));
    } else {
        fa_buf_puts(buf, why_words(state));
    }
}

static void add_person(struct fa_table *table, const json_t *body, const json_t *step,
                       const json_t *person, const char *number)
{
    struct fa_buf buf;
    bool told = strcmp(fa_explain_text(person, "state"), "told") == 0;
    bool you = fa_member_text(person, "person") != NULL &&
               strcmp(fa_explain_text(person, "person"), fa_explain_text(body, "you")) == 0;
    fa_buf_init(&buf, 4096);
    fa_buf_printf(&buf, "%s%s", fa_explain_text(person, "display"), you ? " (you)" : "");
    fa_table_add(table, FA_PLAIN, number);
    fa_table_add(table, you ? FA_BOLD : FA_PLAIN, fa_buf_text(&buf));
    fa_buf_clear(&buf);
    put_state(&buf, step, person);
    fa_table_add(table, told ? FA_GREEN : FA_DIM, fa_buf_text(&buf));
    fa_buf_done(&buf);
}

static void put_who(struct fa_screen *screen, const json_t *body)
{
    struct fa_table table = {.titles = {"STEP", "WHO", "TOLD"}, .columns = 3};
    const json_t *step, *person;
    const char *wait = "";
    size_t i, j;
    json_array_foreach(json_object_get(body, "steps"), i, step)
    {
        char number[64];
        snprintf(number, sizeof number, "%lld%s%.20s", (long long)fa_member_int(step, "step"),
                 i > 0 ? ", +" : "", wait);
        wait = fa_explain_text(step, "wait");
        json_array_foreach(json_object_get(step, "people"), j, person)
        {
            add_person(&table, body, step, person, j == 0 ? number : "");
        }
    }
    if (table.count > 0) {
        fa_say(screen, "\n");
        fa_table_print(screen, &table);
    }
    fa_table_done(&table);
}

static void put_hidden(struct fa_screen *screen, const json_t *alarm)
{
    struct fa_buf buf;
    fa_buf_init(&buf, 4096);
    if (fa_render_hidden(alarm, &buf)) {
        fa_put_wrapped(screen, 7, "hidden ", fa_buf_text(&buf));
    }
    fa_buf_clear(&buf);
    if (fa_render_flaps(alarm, &buf)) {
        fa_put_wrapped(screen, 9, "flapping ", fa_buf_text(&buf));
    }
    fa_buf_done(&buf);
}

void fa_render_explain(struct fa_screen *screen, const json_t *body)
{
    const json_t *alarm = json_object_get(body, "alarm");
    const char *owner = fa_member_text(alarm, "owner");
    fa_put(screen, FA_BOLD, fa_explain_text(alarm, "title"));
    fa_say(screen, "\n");
    fa_put(screen, FA_PLAIN, fa_explain_text(alarm, "id"));
    fa_say(screen, ", ");
    fa_put(screen, FA_PLAIN, fa_explain_text(alarm, "severity"));
    fa_say(screen, ", ");
    fa_put(screen, FA_PLAIN, fa_explain_text(alarm, "state"));
    if (owner != NULL) {
        fa_say(screen, ", owner ");
        fa_put(screen, FA_PLAIN, owner);
    }
    fa_say(screen, "\nrule ");
    fa_put(screen, FA_PLAIN, fa_explain_text(alarm, "rule"));
    if (json_is_false(json_object_get(body, "configured"))) {
        fa_say(screen, " (no longer configured)");
    }
    fa_say(screen, ", policy ");
    fa_put(screen, FA_PLAIN, fa_explain_text(alarm, "policy"));
    fa_say(screen, "\n");
    put_hidden(screen, alarm);
    put_timeline(screen, body);
    put_who(screen, body);
}
