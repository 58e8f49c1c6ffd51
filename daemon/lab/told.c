/* SPDX-License-Identifier: MIT */
/* Messages that were expected: `expect tell` and its kin take deliveries, each once. What nothing
 * takes is what `expect nothing` and `nothing else` speak of. */
#include "lab/world.h"

#include <stdlib.h>
#include <string.h>

static bool is_given(const struct fa_script_line *line, const char *name, const char *value)
{
    const char *text = fa_script_text(line, name);
    return text == NULL || (value != NULL && strcmp(text, value) == 0);
}

static void describe(const struct fa_lab_delivery *delivery, struct fa_buf *buf)
{
    char since[48];
    fa_buf_printf(buf, "%s%s via %s (%s of %s, step %u loop %u, %s)", buf->len > 0 ? ", " : "",
                  delivery->person, delivery->channel, fa_notification_kind_name(delivery->kind),
                  delivery->identity != NULL ? delivery->identity : "a filing", delivery->step + 1,
                  delivery->loop, fa_lab_since(delivery->at, since));
}

static void list_untaken(const struct fa_lab *lab, struct fa_buf *buf)
{
    fa_buf_init(buf, 700);
    for (size_t i = 0; i < lab->delivery_count; i++) {
        if (lab->deliveries[i].reached && !lab->deliveries[i].taken) {
            describe(&lab->deliveries[i], buf);
        }
    }
    fa_buf_puts(buf, buf->len == 0 && !buf->over ? "nobody" : "");
}

/* ---- what fits ---- */

static bool text_fits(const struct fa_script_line *line, const char *summary)
{
    const char *says = fa_script_text(line, "says"), *part = fa_script_text(line, "contains");
    return (says == NULL || strcmp(says, summary) == 0) &&
           (part == NULL || strstr(summary, part) != NULL);
}

static bool time_fits(const struct fa_script_line *line, fa_time at)
{
    return line->verb != FA_EXPECT_TELL || line->at == FA_NEVER ||
           (at >= line->at && at <= line->at + fa_script_duration(line, "within", 0));
}

/* By its name, also while the daemon is down; else as everywhere. */
static bool is_of(struct fa_lab *lab, const char *of, const struct fa_lab_delivery *delivery)
{
    if (of == NULL || (delivery->name != NULL && strcmp(of, delivery->name) == 0)) {
        return true;
    }
    const struct fa_lab_alarm *seen =
        lab->engine != NULL ? fa_lab_named_alarm(lab, of, false) : NULL;
    return seen != NULL && fa_id_eq(seen->id.id, delivery->alarm.id);
}

static bool delivery_fits(struct fa_lab *lab, const struct fa_script_line *line,
                          const struct fa_lab_delivery *delivery)
{
    const struct fa_script_slot *step = fa_script_slot(line, "step");
    return !delivery->taken && is_given(line, "NAME", delivery->person) &&
           is_given(line, "via", delivery->channel) &&
           is_given(line, "kind", fa_notification_kind_name(delivery->kind)) &&
           (step == NULL || (uint32_t)step->number == delivery->step + 1) &&
           fa_lab_count_is(line, "loop", delivery->loop) &&
           fa_lab_count_is(line, "lines", delivery->lines) && text_fits(line, delivery->summary) &&
           time_fits(line, delivery->at) && is_of(lab, fa_script_text(line, "of"), delivery);
}

static struct fa_lab_delivery *find_delivery(struct fa_lab *lab, const struct fa_script_line *line,
                                             bool reached)
{
    bool again = fa_script_slot(line, "again") != NULL;
    for (size_t i = 0; i < lab->delivery_count; i++) {
        struct fa_lab_delivery *delivery = &lab->deliveries[i];
        if (delivery->reached == reached && delivery_fits(lab, line, delivery) &&
            (!again || delivery->again)) {
            return delivery;
        }
    }
    return NULL;
}

/* ---- the verbs ---- */

static void pass_time(struct fa_lab *lab, fa_time until)
{
    bool claiming = lab->claiming;
    lab->claiming = false; /* what breaks now is no matter of the expectation */
    fa_lab_advance_to(lab, until);
    lab->claiming = lab->failed ? false : claiming;
}

fa_time fa_lab_waits_until(const struct fa_lab *lab, const struct fa_script_line *line)
{
    fa_time from = line->at != FA_NEVER ? line->at : lab->elapsed;
    return from + fa_script_duration(line, line->verb == FA_EXPECT_NOTHING ? "for" : "within", 0);
}

void fa_lab_expect_tell(struct fa_lab *lab, const struct fa_script_line *line)
{
    pass_time(lab, fa_lab_waits_until(lab, line));
    struct fa_lab_delivery *delivery = lab->failed ? NULL : find_delivery(lab, line, true);
    if (delivery != NULL) {
        delivery->taken = true;
        lab->claims[lab->claim_count - 1].delivery = (size_t)(delivery - lab->deliveries) + 1;
        return;
    }
    fa_lab_fail(lab, "nobody was told that");
}

void fa_lab_expect_no_tell(struct fa_lab *lab, const struct fa_script_line *line)
{
    const struct fa_lab_delivery *delivery = find_delivery(lab, line, true);
    struct fa_buf buf;
    fa_lab_check_names(lab, line);
    if (delivery != NULL) {
        fa_buf_init(&buf, 700);
        describe(delivery, &buf);
        fa_lab_fail(lab, "told: %s", fa_buf_text(&buf));
        fa_buf_done(&buf);
    }
}

void fa_lab_expect_messages(struct fa_lab *lab, const struct fa_script_line *line)
{
    uint64_t count = 0;
    for (size_t i = 0; i < lab->delivery_count; i++) {
        const struct fa_lab_delivery *delivery = &lab->deliveries[i];
        bool is_first = delivery->reached && !delivery->again &&
                        is_given(line, "to", delivery->person) &&
                        is_given(line, "via", delivery->channel);
        /* Lines of one message lie one behind the other. */
        bool is_line = i > 0 && lab->deliveries[i - 1].reached &&
                       fa_id_eq(lab->deliveries[i - 1].message.id, delivery->message.id);
        count += is_first && !is_line;
    }
    if (!fa_lab_count_is(line, "COUNT", count)) {
        fa_lab_fail(lab, "%llu reached %s", (unsigned long long)count, fa_script_text(line, "to"));
    }
}

void fa_lab_expect_try(struct fa_lab *lab, const struct fa_script_line *line)
{
    const struct fa_script_slot *times = fa_script_slot(line, "times");
    struct fa_lab_delivery *delivery;
    uint64_t count = 0;
    while ((times != NULL || count == 0) && (delivery = find_delivery(lab, line, false)) != NULL) {
        delivery->taken = true;
        count++;
    }
    if (times != NULL ? count != (uint64_t)times->number : count == 0) {
        fa_lab_fail(lab, "%llu tries fit", (unsigned long long)count);
    }
}

static void expect_none_left(struct fa_lab *lab)
{
    struct fa_buf left;
    list_untaken(lab, &left);
    if (strcmp(fa_buf_text(&left), "nobody") != 0) {
        fa_lab_fail(lab, "told and not expected: %s", fa_buf_text(&left));
    }
    fa_buf_done(&left);
}

void fa_lab_expect_nothing(struct fa_lab *lab, const struct fa_script_line *line)
{
    expect_none_left(lab);
    if (!lab->failed) {
        pass_time(lab, fa_lab_waits_until(lab, line));
    }
    if (!lab->failed) {
        expect_none_left(lab);
    }
}

static bool is_allowed(const struct fa_script_line *line, const struct fa_lab_delivery *delivery)
{
    return (is_given(line, "NAME", "anyone") || is_given(line, "NAME", delivery->person)) &&
           is_given(line, "via", delivery->channel) &&
           is_given(line, "kind", fa_notification_kind_name(delivery->kind));
}

bool fa_lab_is_unexpected(const struct fa_lab *lab, const struct fa_lab_delivery *delivery)
{
    bool minded = delivery->reached && !delivery->taken;
    for (size_t i = 0; minded && i < lab->allowed_count; i++) {
        minded = !is_allowed(lab->allowed[i], delivery);
    }
    return minded;
}

/* ---- as a statement ---- */

static void put_quoted(struct fa_buf *buf, const char *text)
{
    fa_buf_putc(buf, '"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\' || *text == '\n') {
            fa_buf_putc(buf, '\\');
        }
        fa_buf_putc(buf, *text == '\n' ? 'n' : *text);
    }
    fa_buf_putc(buf, '"');
}

void fa_lab_put_expectation(const struct fa_lab_delivery *delivery, struct fa_buf *buf)
{
    char since[48];
    fa_buf_printf(buf, "at %s expect tell %s via %s kind %s", fa_lab_since(delivery->at, since),
                  delivery->person, delivery->channel, fa_notification_kind_name(delivery->kind));
    if (delivery->name != NULL) {
        fa_buf_printf(buf, " of %s step %u", delivery->name, delivery->step + 1);
        if (delivery->loop > 0) {
            fa_buf_printf(buf, " loop %u", delivery->loop);
        }
    }
    fa_buf_puts(buf, delivery->again ? " again" : "");
    if (delivery->summary[0] != '\0') {
        fa_buf_puts(buf, " says ");
        put_quoted(buf, delivery->summary);
    }
}

void fa_lab_deliveries_free(struct fa_lab_delivery *deliveries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(deliveries[i].person);
        free(deliveries[i].channel);
        free(deliveries[i].address);
        free(deliveries[i].identity);
        free(deliveries[i].name);
        free(deliveries[i].summary);
    }
    free(deliveries);
}
