/* SPDX-License-Identifier: MIT */
/* How each expectation went. One that does not hold leaves the world as it is, so the scenario goes
 * on and all that fail are known together; what breaks the world itself (an invariant, a deed that
 * cannot be done) still ends it.
 *
 * Hints are made at the end: only then is it known that somebody was told, but later. */
#include "lab/world.h"

#include <stdlib.h>
#include <string.h>

static struct fa_lab_claim *add_claim(struct fa_lab *lab, const struct fa_script_line *line)
{
    lab->claims = fa_xgrow(lab->claims, lab->claim_count, &lab->claim_cap, sizeof lab->claims[0]);
    struct fa_lab_claim *claim = &lab->claims[lab->claim_count++];
    *claim =
        (struct fa_lab_claim){.line = line, .at = line->at != FA_NEVER ? line->at : lab->elapsed};
    return claim;
}

static void take_failure(struct fa_lab *lab, struct fa_lab_claim *claim)
{
    claim->failure = fa_xstrdup(lab->failure);
    lab->failed = false;
}

void fa_lab_claim(struct fa_lab *lab, const struct fa_script_line *line)
{
    (void)add_claim(lab, line);
    lab->claiming = true;
    fa_lab_expect(lab, line);
    if (lab->failed && lab->claiming) {
        take_failure(lab, &lab->claims[lab->claim_count - 1]);
    }
    lab->claiming = false;
}

/* ---- hints ---- */

static const char *nearest_name(const struct fa_lab *lab, const char *word, bool channel)
{
    const struct fa_directory *dir = lab->config->people;
    size_t count = channel ? dir->channel_count : dir->people_count;
    const char **names = fa_xcalloc(count + 1, sizeof *names);
    bool known = false;
    for (size_t i = 0; i < count; i++) {
        names[i] = channel ? dir->channels[i].name : dir->people[i].name;
        known = known || strcmp(names[i], word) == 0;
    }
    const char *near = known ? NULL : fa_suggest(word, names, count);
    free(names);
    return known ? word : near;
}

/* True: the name is none of the configuration's, and the buffer says so. */
static bool put_unknown(const struct fa_lab *lab, const struct fa_script_line *line,
                        const char *slot, struct fa_buf *buf)
{
    const char *word = fa_script_text(line, slot);
    bool channel = strcmp(slot, "via") == 0;
    const char *near = word != NULL ? nearest_name(lab, word, channel) : NULL;
    if (word == NULL || (near != NULL && strcmp(near, word) == 0)) {
        return false;
    }
    fa_buf_printf(buf, channel ? "there is no channel '%.100s'" : "there is nobody '%.100s'", word);
    if (near != NULL) {
        fa_buf_printf(buf, ": did you mean '%s'?", near);
    }
    return true;
}

void fa_lab_check_names(struct fa_lab *lab, const struct fa_script_line *line)
{
    struct fa_buf buf;
    fa_buf_init(&buf, 512);
    if (put_unknown(lab, line, "NAME", &buf) || put_unknown(lab, line, "via", &buf)) {
        fa_lab_fail(lab, "%s", fa_buf_text(&buf));
    }
    fa_buf_done(&buf);
}

static bool differs(const struct fa_script_line *line, const char *slot, const char *value)
{
    const char *text = fa_script_text(line, slot);
    return text != NULL && strcmp(text, value) != 0;
}

static bool text_differs(const struct fa_script_line *line, const char *summary)
{
    const char *part = fa_script_text(line, "contains");
    return differs(line, "says", summary) || (part != NULL && strstr(summary, part) == NULL);
}

static bool step_differs(const struct fa_script_line *line, const struct fa_lab_delivery *delivery)
{
    return !fa_lab_count_is(line, "step", (uint64_t)delivery->step + 1) ||
           !fa_lab_count_is(line, "loop", delivery->loop);
}

static bool time_differs(const struct fa_script_line *line, fa_time at)
{
    return line->at != FA_NEVER &&
           (at < line->at || at > line->at + fa_script_duration(line, "within", 0));
}

/* How far it is from what was expected; who is told weighs most. */
static unsigned distance(const struct fa_script_line *line, const struct fa_lab_delivery *delivery)
{
    return (differs(line, "NAME", delivery->person) ? 8u : 0u) +
           (differs(line, "kind", fa_notification_kind_name(delivery->kind)) ? 3u : 0u) +
           (time_differs(line, delivery->at) ? 3u : 0u) +
           (differs(line, "via", delivery->channel) ? 2u : 0u) +
           (step_differs(line, delivery) ? 2u : 0u) +
           (text_differs(line, delivery->summary) ? 1u : 0u);
}

static const struct fa_lab_delivery *nearest_delivery(const struct fa_lab *lab,
                                                      const struct fa_lab_claim *claim)
{
    const struct fa_lab_delivery *best = NULL;
    unsigned least = 11; /* another person at another time is no hint */
    fa_time apart = FA_NEVER;
    for (size_t i = 0; i < lab->delivery_count; i++) {
        const struct fa_lab_delivery *delivery = &lab->deliveries[i];
        unsigned far = distance(claim->line, delivery);
        fa_time away =
            delivery->at > claim->at ? delivery->at - claim->at : claim->at - delivery->at;
        if (delivery->reached && !delivery->taken &&
            (far < least || (far == least && away < apart))) {
            best = delivery;
            least = far;
            apart = away;
        }
    }
    return best;
}

static void hint_at_delivery(struct fa_lab_claim *claim, const struct fa_lab_delivery *delivery)
{
    const struct fa_script_line *line = claim->line;
    struct fa_buf buf;
    fa_buf_init(&buf, 8192);
    fa_buf_puts(&buf, "told instead");
    const struct {
        bool differs;
        const char *words;
    } ways[] = {
        {differs(line, "NAME", delivery->person), "to somebody else"},
        {time_differs(line, delivery->at), delivery->at < line->at ? "sooner" : "later"},
        {differs(line, "via", delivery->channel), "over another channel"},
        {differs(line, "kind", fa_notification_kind_name(delivery->kind)), "as another kind"},
        {step_differs(line, delivery), "in another step"},
        {text_differs(line, delivery->summary), "in other words"},
    };
    size_t count = 0;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        if (ways[i].differs) {
            fa_buf_printf(&buf, ", %s", ways[i].words);
            count++;
        }
    }
    fa_buf_puts(&buf, ": ");
    fa_lab_put_expectation(delivery, &buf);
    if (count > 0) {
        claim->hint = fa_buf_take(&buf);
    }
    fa_buf_done(&buf);
}

static void hint(const struct fa_lab *lab, struct fa_lab_claim *claim)
{
    const struct fa_lab_delivery *near = nearest_delivery(lab, claim);
    struct fa_buf buf;
    fa_buf_init(&buf, 512);
    if (put_unknown(lab, claim->line, "NAME", &buf) || put_unknown(lab, claim->line, "via", &buf)) {
        claim->hint = fa_buf_take(&buf);
    } else if (near != NULL) {
        hint_at_delivery(claim, near);
    }
    fa_buf_done(&buf);
}

/* ---- the end ---- */

static void close_messages(struct fa_lab *lab)
{
    for (size_t i = 0; i < lab->delivery_count; i++) {
        if (fa_lab_is_unexpected(lab, &lab->deliveries[i])) {
            struct fa_lab_claim *claim = add_claim(lab, lab->closing);
            struct fa_buf buf;
            fa_buf_init(&buf, 8192);
            fa_lab_put_expectation(&lab->deliveries[i], &buf);
            claim->at = lab->deliveries[i].at;
            claim->failure = fa_xstrdup("told and not expected");
            claim->hint = fa_buf_take(&buf);
        }
    }
}

void fa_lab_claims_close(struct fa_lab *lab)
{
    if (lab->config == NULL) {
        return;
    }
    for (size_t i = 0; i < lab->claim_count; i++) {
        if (lab->claims[i].failure != NULL && lab->claims[i].line->verb == FA_EXPECT_TELL) {
            hint(lab, &lab->claims[i]);
        }
    }
    if (lab->closing != NULL && !lab->failed) {
        close_messages(lab);
    }
}

void fa_lab_claims_free(struct fa_lab_claim *claims, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(claims[i].failure);
        free(claims[i].hint);
    }
    free(claims);
}
