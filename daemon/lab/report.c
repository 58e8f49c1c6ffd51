/* SPDX-License-Identifier: MIT */
/* What is printed of a scenario. One that fails shows each expectation that did not hold with its
 * place and a hint; what was expected of messages beside what came, by time; and, when that does
 * not say all, what happened. With --verbose the timeline stands there as statements, so that it
 * can be pasted as what is expected. */
#include "lab/lab.h"
#include "lab/world.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define STORY_LINES 80
#define COLUMN_MAX  44

/* ---- expected and got, side by side ---- */

struct row {
    fa_time at;
    size_t order;
    const struct fa_lab_claim *claim;       /* NULL: nobody asked for it */
    const struct fa_lab_delivery *delivery; /* NULL: it did not come */
};

static int by_time(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    return x->at != y->at        ? (x->at < y->at ? -1 : 1)
           : x->order < y->order ? -1
                                 : x->order > y->order;
}

static bool is_of_message(const struct fa_lab_claim *claim)
{
    return claim->line->verb == FA_EXPECT_TELL || claim->line->verb == FA_DO_NOTHING_ELSE;
}

static struct row *make_rows(const struct fa_lab_result *result, size_t *ret_count)
{
    struct row *rows = fa_xcalloc(result->claim_count + result->delivery_count + 1, sizeof rows[0]);
    size_t count = 0;
    for (size_t i = 0; i < result->claim_count; i++) {
        const struct fa_lab_claim *claim = &result->claims[i];
        if (claim->line->verb == FA_EXPECT_TELL) {
            const struct fa_lab_delivery *taken =
                claim->delivery > 0 ? &result->deliveries[claim->delivery - 1] : NULL;
            rows[count] = (struct row){taken != NULL ? taken->at : claim->at, count, claim, taken};
            count++;
        }
    }
    for (size_t i = 0; i < result->delivery_count; i++) {
        const struct fa_lab_delivery *delivery = &result->deliveries[i];
        if (delivery->reached && !delivery->taken) {
            rows[count] = (struct row){delivery->at, count, NULL, delivery};
            count++;
        }
    }
    qsort(rows, count, sizeof rows[0], by_time);
    *ret_count = count;
    return rows;
}

/* What was asked for, without `expect tell` and the words of the message. */
static void put_expected(const struct fa_script_line *line, struct fa_buf *buf)
{
    static const char *const parts[] = {"via", "kind", "of", "step", "loop"};
    fa_buf_puts(buf, fa_script_text(line, "NAME"));
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (fa_script_text(line, parts[i]) != NULL) {
            fa_buf_printf(buf, " %s %s", parts[i], fa_script_text(line, parts[i]));
        }
    }
}

static void put_got(const struct fa_lab_delivery *delivery, struct fa_buf *buf)
{
    fa_buf_printf(buf, "%s via %s kind %s", delivery->person, delivery->channel,
                  fa_notification_kind_name(delivery->kind));
    if (delivery->name != NULL) {
        fa_buf_printf(buf, " of %s step %u loop %u", delivery->name, delivery->step + 1,
                      delivery->loop);
    }
}

static size_t width_of(const struct row *rows, size_t count)
{
    size_t width = 8;
    for (size_t i = 0; i < count; i++) {
        struct fa_buf buf;
        fa_buf_init(&buf, 4096);
        if (rows[i].claim != NULL) {
            put_expected(rows[i].claim->line, &buf);
        }
        width = buf.len > width ? buf.len : width;
        fa_buf_done(&buf);
    }
    return width < COLUMN_MAX ? width : COLUMN_MAX;
}

static void print_row(FILE *out, const struct row *row, size_t width, bool closed)
{
    struct fa_buf expected, got;
    char since[48], line[16] = "";
    fa_buf_init(&expected, 4096);
    fa_buf_init(&got, 4096);
    if (row->claim != NULL) {
        put_expected(row->claim->line, &expected);
        snprintf(line, sizeof line, "%" PRIu32, row->claim->line->line);
    }
    if (row->delivery != NULL) {
        put_got(row->delivery, &got);
    }
    fprintf(out, "  %-12s %5s  %-*s  %c  %s\n", fa_lab_since(row->at, since), line, (int)width,
            row->claim != NULL ? fa_buf_text(&expected) : "-",
            row->claim == NULL      ? (closed ? '+' : ' ')
            : row->delivery == NULL ? '!'
                                    : '=',
            row->delivery != NULL ? fa_buf_text(&got) : "-");
    fa_buf_done(&expected);
    fa_buf_done(&got);
}

static void print_sides(FILE *out, const struct fa_lab_result *result)
{
    size_t count;
    struct row *rows = make_rows(result, &count);
    size_t width = width_of(rows, count);
    fprintf(out, "  %-12s %5s  %-*s     %s\n", "when", "line", (int)width, "expected", "got");
    for (size_t i = 0; i < count; i++) {
        print_row(out, &rows[i], width, result->closed);
    }
    free(rows);
}

/* ---- text ---- */

/* The newest lines; the whole of it is there with --verbose. */
static const char *cut_story(const char *story, bool whole)
{
    size_t lines = 0;
    const char *at = story + strlen(story);
    while (!whole && at > story) {
        if (at[-1] == '\n' && ++lines > STORY_LINES) {
            return at;
        }
        at--;
    }
    return story;
}

static void print_story(FILE *out, const struct fa_lab_result *result, bool whole)
{
    if (result->story != NULL && result->story[0] != '\0') {
        const char *cut = cut_story(result->story, whole);
        fprintf(out, "what happened%s:\n%s",
                cut != result->story ? " last (--verbose shows all)" : "", cut);
    }
}

static void print_expectations(FILE *out, const struct fa_lab_result *result)
{
    fputs("what was told, as statements:\n", out);
    for (size_t i = 0; i < result->delivery_count; i++) {
        if (result->deliveries[i].reached) {
            struct fa_buf buf;
            fa_buf_init(&buf, 16384);
            fa_lab_put_expectation(&result->deliveries[i], &buf);
            fprintf(out, "%s\n", fa_buf_text(&buf));
            fa_buf_done(&buf);
        }
    }
    fputs("nothing else\n", out);
}

/* A hint stands below its failure; those of `nothing else` are messages under one line. */
static void print_failures(FILE *out, const char *path, const struct fa_lab_result *result)
{
    const char *head = "FAILED  ";
    enum fa_verb_id last = FA_VERB_ID__COUNT;
    for (size_t i = 0; i < result->claim_count; i++) {
        const struct fa_lab_claim *claim = &result->claims[i];
        if (claim->failure == NULL) {
            continue;
        }
        if (claim->line->verb != FA_DO_NOTHING_ELSE || last != FA_DO_NOTHING_ELSE) {
            fprintf(out, "%s%s:%" PRIu32 ":%" PRIu32 ": %s\n", head, path, claim->line->line,
                    claim->line->col, claim->failure);
            head = "        ";
        }
        if (claim->hint != NULL) {
            fprintf(out, "            %s\n", claim->hint);
        }
        last = claim->line->verb;
    }
    if (result->broken && result->line == 0) { /* the file itself */
        fprintf(out, "%s%s: %s\n", head, path, result->failure);
    } else if (result->broken) {
        fprintf(out, "%s%s:%" PRIu32 ":%" PRIu32 ": %s\n", head, path, result->line, result->col,
                result->failure);
    }
}

void fa_lab_print_text(FILE *out, const char *path, const struct fa_lab_result *result,
                       bool verbose)
{
    bool of_messages = false, of_others = result->broken;
    for (size_t i = 0; i < result->claim_count; i++) {
        bool message = is_of_message(&result->claims[i]);
        of_messages = of_messages || (message && result->claims[i].failure != NULL);
        of_others = of_others || (!message && result->claims[i].failure != NULL);
    }
    if (!result->failed) {
        fprintf(out, "ok      %s\n", path);
    } else {
        print_failures(out, path, result);
    }
    if (result->unwatched != NULL && result->unwatched[0] != '\0') {
        fprintf(out, "note    %s: no rule reads %s\n", path, result->unwatched);
    }
    if (of_messages) {
        print_sides(out, result);
    }
    if (of_others || verbose) {
        print_story(out, result, verbose);
    }
    if (verbose) {
        print_expectations(out, result);
    }
}

/* ---- JSON ---- */

static void put_json(FILE *out, const char *text)
{
    if (text == NULL) {
        fputs("null", out);
        return;
    }
    fputc('"', out);
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\') {
            fprintf(out, "\\%c", *p);
        } else if (*p < 0x20) {
            fprintf(out, "\\u%04x", *p);
        } else {
            fputc(*p, out);
        }
    }
    fputc('"', out);
}

static void put_failures(FILE *out, const struct fa_lab_result *result)
{
    const char *between = "";
    fputs(",\"failures\":[", out);
    for (size_t i = 0; i < result->claim_count; i++) {
        const struct fa_lab_claim *claim = &result->claims[i];
        if (claim->failure == NULL) {
            continue;
        }
        fprintf(out, "%s{\"line\":%" PRIu32 ",\"column\":%" PRIu32 ",\"at_ms\":%" PRId64, between,
                claim->line->line, claim->line->col, claim->at);
        fputs(",\"expected\":", out);
        put_json(out, claim->line->source);
        fputs(",\"failure\":", out);
        put_json(out, claim->failure);
        fputs(",\"hint\":", out);
        put_json(out, claim->hint);
        fputc('}', out);
        between = ",";
    }
    fputc(']', out);
}

/* The line whose expectation took it; 0: none. */
static uint32_t taken_by(const struct fa_lab_result *result, size_t delivery)
{
    for (size_t i = 0; i < result->claim_count; i++) {
        if (result->claims[i].delivery == delivery + 1) {
            return result->claims[i].line->line;
        }
    }
    return 0;
}

static void put_told(FILE *out, const struct fa_lab_result *result)
{
    fputs(",\"told\":[", out);
    for (size_t i = 0; i < result->delivery_count; i++) {
        const struct fa_lab_delivery *delivery = &result->deliveries[i];
        const struct {
            const char *key, *value;
        } texts[] = {{"person", delivery->person},
                     {"channel", delivery->channel},
                     {"kind", fa_notification_kind_name(delivery->kind)},
                     {"alarm", delivery->name},
                     {"summary", delivery->summary}};
        fprintf(out, "%s{\"at_ms\":%" PRId64, i > 0 ? "," : "", delivery->at);
        for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++) {
            fprintf(out, ",\"%s\":", texts[t].key);
            put_json(out, texts[t].value);
        }
        fprintf(out,
                ",\"step\":%u,\"loop\":%u,\"reached\":%s,\"again\":%s,\"expected_line\":%" PRIu32
                "}",
                delivery->step + 1, delivery->loop, delivery->reached ? "true" : "false",
                delivery->again ? "true" : "false", taken_by(result, i));
    }
    fputc(']', out);
}

void fa_lab_print_json(FILE *out, const char *path, const struct fa_lab_result *result,
                       bool verbose)
{
    fputs("{\"scenario\":", out);
    put_json(out, path);
    fprintf(out, ",\"ok\":%s,\"steps\":%zu", result->failed ? "false" : "true", result->steps);
    if (result->failed) {
        fprintf(out, ",\"line\":%" PRIu32 ",\"column\":%" PRIu32 ",\"failure\":", result->line,
                result->col);
        put_json(out, result->failure);
    }
    fputs(",\"unwatched\":", out);
    put_json(out, result->unwatched != NULL ? result->unwatched : "");
    put_failures(out, result);
    put_told(out, result);
    if (result->failed || verbose) {
        fputs(",\"timeline\":", out);
        put_json(out, result->story != NULL ? result->story : "");
    }
    fputs("}\n", out);
}
