/* SPDX-License-Identifier: MIT */
/* Reads scenarios by the table in verbs.c. Everything that can be judged without a world is judged
 * here: numbers, durations, words out of a list. Nothing is played; a file with one fault is
 * refused whole. */
#include "lab/runs.h"
#include "lab/script.h"
#include "lab/verbs.h"
#include "base/panic.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX   64
#define LINES_MAX   20000u
#define LINE_MAX    4096
#define BLOCK_MAX   ((size_t)1 << 20)
#define PATTERN_MAX 24

/* ---- words ---- */

struct word {
    char *text; /* owned */
    uint32_t col;
    bool quoted;
};

struct reader {
    const char *file;
    struct fa_str rest; /* the lines that follow */
    uint32_t line;      /* of the one being read */
    struct word words[WORDS_MAX];
    size_t count;
    struct fa_err *err;
};

static int fault(const struct reader *reader, uint32_t col, const char *fmt, ...) FA_PRINTF(3, 4);

static int fault(const struct reader *reader, uint32_t col, const char *fmt, ...)
{
    char text[sizeof reader->err->text];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return fa_err_at(reader->err, FA_EPARSE, reader->file, reader->line, col, "%s", text);
}

static void clear_words(struct reader *reader)
{
    for (size_t i = 0; i < reader->count; i++) {
        free(reader->words[i].text);
    }
    reader->count = 0;
}

/* A text in quotes from p on; *ret_end is behind the closing one. NULL: it has none. */
static char *read_quoted(const char *p, const char *end, const char **ret_end)
{
    struct fa_buf buf;
    fa_buf_init(&buf, LINE_MAX);
    for (p++; p < end && *p != '"'; p++) {
        bool escape = *p == '\\' && p + 1 < end;
        p += escape;
        fa_buf_putc(&buf, escape && *p == 'n' ? '\n' : *p);
    }
    *ret_end = p + 1;
    if (p == end) {
        fa_buf_done(&buf);
        return NULL;
    }
    return fa_buf_take(&buf);
}

/* A bare word: blanks inside braces and their quotes belong to it. */
static const char *end_of_word(const char *p, const char *end)
{
    int depth = 0;
    bool quoted = false;
    for (; p < end && (quoted || depth > 0 || (*p != ' ' && *p != '\t')); p++) {
        if (quoted && *p == '\\' && p + 1 < end) {
            p++;
        } else if (*p == '"' && (depth > 0 || quoted)) {
            quoted = !quoted;
        } else if (!quoted) {
            depth += *p == '{' ? 1 : *p == '}' && depth > 0 ? -1 : 0;
        }
    }
    return p;
}

static int split_words(struct reader *reader, struct fa_str line)
{
    const char *p = line.ptr, *end = line.ptr + line.len;
    while (p < end) {
        if (*p == ' ' || *p == '\t' || *p == '\r') {
            p++;
            continue;
        }
        if (*p == '#') {
            break;
        }
        uint32_t col = (uint32_t)(p - line.ptr) + 1;
        if (reader->count == WORDS_MAX) {
            return fault(reader, col, "too many words on one line");
        }
        struct word word = {.col = col, .quoted = *p == '"'};
        const char *next = p;
        if (word.quoted) {
            word.text = read_quoted(p, end, &next);
        } else {
            next = end_of_word(p, end);
            word.text = fa_xstrndup(p, (size_t)(next - p));
        }
        if (word.text == NULL) {
            return fault(reader, col, "this text has no closing quote");
        }
        reader->words[reader->count++] = word;
        p = next;
    }
    return 0;
}

/* ---- patterns ---- */

/* One word of a pattern. */
struct item {
    char text[72];
    bool opens, closes; /* a bracket before, behind */
};

static size_t split_pattern(const char *pattern, struct item *items)
{
    size_t count = 0;
    struct fa_str rest = fa_str_of(pattern);
    while (rest.len > 0) {
        struct fa_str word = fa_str_cut(rest, ' ', &rest);
        struct item *item = &items[count++];
        fa_assert(count <= PATTERN_MAX && word.len < sizeof item->text);
        item->opens = word.ptr[0] == '[';
        item->closes = word.ptr[word.len - 1] == ']';
        snprintf(item->text, sizeof item->text, "%.*s",
                 (int)(word.len - item->opens - item->closes), word.ptr + item->opens);
    }
    return count;
}

static bool is_slot(const struct item *item)
{
    return isupper((unsigned char)item->text[0]) && strchr(item->text, '|') == NULL;
}

static bool is_choice(const struct item *item)
{
    return strchr(item->text, '|') != NULL;
}

static bool is_one_of(const char *choices, const char *text)
{
    struct fa_str rest = fa_str_of(choices);
    while (rest.len > 0) {
        if (fa_str_is(fa_str_cut(rest, '|', &rest), text)) {
            return true;
        }
    }
    return false;
}

static size_t prefix_of(const struct item *items, size_t count)
{
    size_t prefix = 0;
    while (prefix < count && !is_slot(&items[prefix]) && !is_choice(&items[prefix]) &&
           !items[prefix].opens) {
        prefix++;
    }
    return prefix;
}

/* How many of the verb's own words the line begins with; 0 unless it has all of them. */
static size_t fits(const struct fa_script_verb *verb, const struct reader *reader, size_t from)
{
    struct item items[PATTERN_MAX];
    size_t prefix = prefix_of(items, split_pattern(verb->pattern, items));
    for (size_t i = 0; i < prefix; i++) {
        if (from + i >= reader->count || reader->words[from + i].quoted ||
            strcmp(reader->words[from + i].text, items[i].text) != 0) {
            return 0;
        }
    }
    return prefix;
}

/* The verbs' words at `at` places after the common ones, for a suggestion. */
static int unknown_verb(const struct reader *reader, size_t from)
{
    const char *names[FA_SCRIPT_VERBS];
    static char store[FA_SCRIPT_VERBS][72];
    size_t second = from + 1 < reader->count && strcmp(reader->words[from].text, "expect") == 0;
    size_t count = 0;
    for (size_t i = 0; i < FA_SCRIPT_VERBS; i++) {
        struct item items[PATTERN_MAX];
        size_t n = split_pattern(fa_script_verbs[i].pattern, items);
        bool is_expect = strcmp(items[0].text, "expect") == 0;
        if (n > second && (second == 0 || is_expect)) {
            snprintf(store[count], sizeof store[count], "%s", items[second].text);
            names[count] = store[count];
            count++;
        }
    }
    const char *word = reader->words[from + second].text;
    const char *near = fa_suggest(word, names, count);
    return near != NULL ? fault(reader, reader->words[from + second].col,
                                "there is no verb '%.60s': did you mean '%s'?", word, near)
                        : fault(reader, reader->words[from + second].col,
                                "there is no verb '%.60s' (see --language)", word);
}

/* ---- slots ---- */

static int parse_number(const struct word *word, struct fa_script_slot *slot)
{
    return fa_parse_double(fa_str_of(word->text), &slot->number);
}

static int parse_numbers(const struct word *word, struct fa_script_slot *slot)
{
    struct fa_str rest = fa_str_of(word->text);
    struct fa_run run;
    int rc;
    do {
        rc = fa_run_next(&rest, &run);
    } while (rc == 0 && rest.ptr != NULL);
    slot->number = rc == 0 ? run.first : 0;
    return rc;
}

static int parse_count(const struct word *word, struct fa_script_slot *slot)
{
    uint64_t count = 0;
    int rc = fa_parse_u64(fa_str_of(word->text), &count);
    slot->number = (double)count;
    return rc != 0 || count > 1000000 ? FA_EPARSE : 0;
}

static int parse_length(const struct word *word, struct fa_script_slot *slot)
{
    return fa_parse_duration(fa_str_of(word->text), &slot->duration);
}

static int parse_signed(const struct word *word, struct fa_script_slot *slot)
{
    char sign = word->text[0];
    if ((sign != '+' && sign != '-') ||
        fa_parse_duration(fa_str_of(word->text + 1), &slot->duration) != 0) {
        return FA_EPARSE;
    }
    slot->duration = sign == '-' ? -slot->duration : slot->duration;
    return 0;
}

static int parse_any(const struct word *word, struct fa_script_slot *slot)
{
    return word->text[0] == '\0' ? FA_EPARSE : 0;
}

static int parse_text(const struct word *word, struct fa_script_slot *slot)
{
    return word->quoted ? 0 : FA_EPARSE;
}

/* name, or name{labels} with its brace closed. */
static int parse_braced(const struct word *word, struct fa_script_slot *slot)
{
    const char *brace = strchr(word->text, '{');
    size_t len = strlen(word->text);
    return word->quoted || len == 0 || brace == word->text ||
                   (brace != NULL && word->text[len - 1] != '}')
               ? FA_EPARSE
               : 0;
}

static const struct {
    const char *name;
    int (*parse)(const struct word *word, struct fa_script_slot *slot);
    const char *wanted;
} KINDS[] = {
    {"ALARM", parse_braced, "an alarm such as rule{label=\"value\"} or @R"},
    {"SERIES", parse_braced, "a series such as metric{label=\"value\"}"},
    {"NAME", parse_any, "a name"},
    {"SOURCE", parse_any, "a file or <<WORD"},
    {"NUMBER", parse_number, "a number"},
    {"NUMBERS", parse_numbers, "a number, or several such as 10,20 or \"0+10x20 _x5 stale\""},
    {"COUNT", parse_count, "a whole number up to 1000000"},
    {"DURATION", parse_length, "a duration such as 30s, 15m or 1h30m"},
    {"SIGNED", parse_signed, "a duration behind + or -, such as -1h"},
    {"TEXT", parse_text, "a text in quotes"},
};

static int read_block(struct reader *reader, const struct word *word, char **ret_text)
{
    const char *end = word->text + 2;
    struct fa_buf buf;
    if (end[0] == '\0') {
        return fault(reader, word->col, "<< needs the word that ends the text, as <<END");
    }
    fa_buf_init(&buf, BLOCK_MAX);
    uint32_t first = reader->line;
    while (reader->rest.len > 0) {
        struct fa_str line = fa_str_cut(reader->rest, '\n', &reader->rest);
        reader->line++;
        if (fa_str_is(fa_str_trim(line), end)) {
            *ret_text = fa_buf_take(&buf);
            return 0;
        }
        fa_buf_putstr(&buf, line);
        fa_buf_putc(&buf, '\n');
    }
    fa_buf_done(&buf);
    reader->line = first;
    return fault(reader, word->col, "the text after <<%.60s is not ended by a line '%.60s'", end,
                 end);
}

static int fill_slot(struct reader *reader, struct fa_script_line *line, const struct item *item,
                     const char *keyword, const struct word *word)
{
    fa_assert(line->slot_count < FA_SCRIPT_SLOTS);
    struct fa_script_slot *slot = &line->slots[line->slot_count];
    *slot = (struct fa_script_slot){.col = word->col, .quoted = word->quoted};
    const char *wanted = item->text;
    int rc =
        is_choice(item) && (word->quoted || !is_one_of(item->text, word->text)) ? FA_EPARSE : 0;
    for (size_t i = 0; rc == 0 && is_slot(item) && i < sizeof KINDS / sizeof KINDS[0]; i++) {
        if (strcmp(KINDS[i].name, item->text) == 0) {
            rc = KINDS[i].parse(word, slot);
            wanted = KINDS[i].wanted;
        }
    }
    if (rc != 0) {
        return fault(reader, word->col, "'%.60s' is not %s", word->text, wanted);
    }
    slot->name = keyword != NULL ? keyword : is_choice(item) ? "choice" : item->text;
    slot->name_len = strlen(slot->name);
    if (strcmp(item->text, "SOURCE") == 0 && !word->quoted && strncmp(word->text, "<<", 2) == 0) {
        slot->name = "BLOCK";
        rc = read_block(reader, word, &slot->text);
    } else {
        slot->text = fa_xstrdup(word->text);
    }
    line->slot_count += rc == 0;
    return rc;
}

static void add_rest(struct fa_script_line *line, const char *text)
{
    line->rest = fa_xrealloc(line->rest, (line->rest_count + 1) * sizeof(char *));
    line->rest[line->rest_count++] = fa_xstrdup(text);
}

/* Takes the bare words that follow. */
static int take_rest(struct reader *reader, struct fa_script_line *line, const struct item *item,
                     size_t *at)
{
    bool pairs = strcmp(item->text, "PAIRS") == 0;
    for (; *at < reader->count && !reader->words[*at].quoted; (*at)++) {
        if (pairs && strcmp(reader->words[*at].text, "times") == 0) {
            break;
        }
        if (pairs && strchr(reader->words[*at].text, '=') == NULL) {
            return fault(reader, reader->words[*at].col, "'%.60s' is no key=value",
                         reader->words[*at].text);
        }
        add_rest(line, reader->words[*at].text);
    }
    return 0;
}

static bool is_rest(const struct item *item)
{
    return strcmp(item->text, "PAIRS") == 0 || strcmp(item->text, "FLAGS") == 0;
}

/* Slot names point into these: patterns are constant, their words are interned once. */
static const char *keyword_of(const char *text)
{
    static const char *const known[] = {
        "as",     "times", "every", "for",  "by",    "of",    "via",  "kind", "step",
        "loop",   "over",  "after", "same", "again", "state", "kept", "says", "contains",
        "within", "about", "ends",  "upto", "lines", "to",    "now",  "ago"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(known[i], text) == 0) {
            return known[i];
        }
    }
    fa_panic(__FILE__, __LINE__, "a keyword of a pattern is not in the list");
}

static const char *kind_name(const struct item *item)
{
    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++) {
        if (strcmp(KINDS[i].name, item->text) == 0) {
            return KINDS[i].name;
        }
    }
    return "choice";
}

/* One group in brackets, items[first..last], against the words from *at on. */
static int match_group(struct reader *reader, struct fa_script_line *line, const struct item *items,
                       size_t *at, bool *ret_taken)
{
    const struct word *word = &reader->words[*at];
    const char *keyword = NULL;
    const struct item *item = items;
    *ret_taken = false;
    if (is_rest(item)) {
        *ret_taken = !word->quoted;
        return take_rest(reader, line, item, at);
    }
    if (is_slot(item)) {
        if (word->quoted ? strcmp(item->text, "TEXT") != 0 && strcmp(item->text, "NAME") != 0
                         : strcmp(item->text, "TEXT") == 0) {
            return 0;
        }
    } else if (word->quoted || strcmp(item->text, word->text) != 0) {
        return 0;
    } else {
        keyword = keyword_of(item->text);
        struct fa_script_slot *slot = &line->slots[line->slot_count];
        (*at)++;
        if (item->closes) { /* a word alone */
            *slot = (struct fa_script_slot){.name = keyword,
                                            .name_len = strlen(keyword),
                                            .text = fa_xstrdup(keyword),
                                            .col = word->col};
            line->slot_count++;
            *ret_taken = true;
            return 0;
        }
        item++;
        if (*at == reader->count) {
            return fault(reader, word->col, "'%.60s' wants something after it", keyword);
        }
        word = &reader->words[*at];
    }
    *ret_taken = true;
    (*at)++;
    return fill_slot(reader, line, item, keyword != NULL ? keyword : kind_name(item), word);
}

static int match_groups(struct reader *reader, struct fa_script_line *line, struct item *items,
                        size_t count, size_t at)
{
    const char *pattern = "";
    for (size_t i = 0; i < FA_SCRIPT_VERBS; i++) {
        pattern = fa_script_verbs[i].id == line->verb ? fa_script_verbs[i].pattern : pattern;
    }
    while (at < reader->count) {
        bool taken = false;
        for (size_t i = 0; i < count && !taken; i++) {
            if (items[i].opens) {
                int rc = match_group(reader, line, &items[i], &at, &taken);
                if (rc != 0) {
                    return rc;
                }
                items[i].opens = items[i].opens && !taken;
            }
        }
        if (!taken) {
            return fault(reader, reader->words[at].col, "'%.60s' does not belong here: %s",
                         reader->words[at].text, pattern);
        }
    }
    return 0;
}

static int match(struct reader *reader, struct fa_script_line *line,
                 const struct fa_script_verb *verb, size_t at)
{
    struct item items[PATTERN_MAX];
    size_t count = split_pattern(verb->pattern, items);
    size_t i = prefix_of(items, count);
    const char *keyword = NULL;
    line->verb = verb->id;
    at += i;
    for (; i < count && !items[i].opens; i++) {
        if (is_rest(&items[i])) {
            int rc = take_rest(reader, line, &items[i], &at);
            if (rc != 0) {
                return rc;
            }
            continue;
        }
        if (at == reader->count) {
            return fault(reader, reader->words[at - 1].col, "something is missing: %s",
                         verb->pattern);
        }
        const struct word *word = &reader->words[at++];
        if (is_slot(&items[i]) || is_choice(&items[i])) {
            int rc = fill_slot(reader, line, &items[i],
                               keyword != NULL ? keyword : kind_name(&items[i]), word);
            if (rc != 0) {
                return rc;
            }
            keyword = NULL;
        } else if (strcmp(word->text, items[i].text) != 0) {
            return fault(reader, word->col, "'%.60s' does not belong here: %s", word->text,
                         verb->pattern);
        } else {
            keyword = keyword_of(items[i].text);
        }
    }
    return match_groups(reader, line, items + i, count - i, at);
}

/* ---- lines ---- */

static void line_done(struct fa_script_line *line)
{
    for (size_t i = 0; i < line->slot_count; i++) {
        free(line->slots[i].text);
    }
    for (size_t i = 0; i < line->rest_count; i++) {
        free(line->rest[i]);
    }
    free(line->rest);
    free(line->source);
}

static int parse_time(struct reader *reader, struct fa_script_line *line, size_t *from)
{
    if (reader->words[0].quoted || strcmp(reader->words[0].text, "at") != 0) {
        return 0;
    }
    const char *time = reader->count > 1 ? reader->words[1].text : "";
    if (time[0] != '+' || fa_parse_duration(fa_str_of(time + 1), &line->at) != 0) {
        return fault(reader, reader->words[0].col,
                     "'at' wants the time since the beginning, such as +15m, and a verb");
    }
    if (reader->count == 2) {
        return fault(reader, reader->words[1].col, "and what happens at %.60s?", time);
    }
    *from = 2;
    return 0;
}

static bool is_maybe(const struct reader *reader, size_t from)
{
    return from + 1 < reader->count && !reader->words[from].quoted &&
           strcmp(reader->words[from].text, "maybe") == 0;
}

static int parse_line(struct reader *reader, struct fa_str text, struct fa_script *script)
{
    struct fa_script_line line = {.line = reader->line, .at = FA_NEVER};
    size_t from = 0, best = 0;
    int rc = split_words(reader, text);
    if (rc != 0 || reader->count == 0) {
        return rc;
    }
    rc = parse_time(reader, &line, &from);
    if (rc != 0) {
        return rc;
    }
    line.maybe = is_maybe(reader, from);
    from += line.maybe;
    const struct fa_script_verb *verb = NULL;
    for (size_t i = 0; i < FA_SCRIPT_VERBS; i++) {
        size_t words = fits(&fa_script_verbs[i], reader, from);
        if (words > best) {
            best = words;
            verb = &fa_script_verbs[i];
        }
    }
    if (verb == NULL) {
        return unknown_verb(reader, from);
    }
    line.col = reader->words[from].col;
    struct fa_str source = fa_str_trim(text);
    line.source = fa_xstrndup(source.ptr, source.len);
    rc = match(reader, &line, verb, from);
    if (rc != 0) {
        line_done(&line);
        return rc;
    }
    script->lines = fa_xgrow(script->lines, script->count, &script->cap, sizeof line);
    script->lines[script->count++] = line;
    return 0;
}

int fa_script_parse(const char *file, struct fa_str text, struct fa_script *ret_script,
                    struct fa_err *err)
{
    struct fa_script script = {.file = fa_xstrdup(file)};
    struct reader reader = {.file = file, .rest = text, .err = err};
    int rc = 0;
    if (text.len > 0 && (!fa_utf8_valid(text) || memchr(text.ptr, '\0', text.len) != NULL)) {
        rc = fa_err_at(err, FA_EPARSE, file, 0, 0, "is no UTF-8 text");
    }
    while (rc == 0 && reader.rest.len > 0) {
        struct fa_str line = fa_str_cut(reader.rest, '\n', &reader.rest);
        reader.line++;
        if (line.len > LINE_MAX || reader.line > LINES_MAX) {
            rc = fault(&reader, 1, "a line too long, or too many of them");
        } else {
            rc = parse_line(&reader, line, &script);
        }
        clear_words(&reader);
    }
    if (rc != 0) {
        fa_script_done(&script);
        return rc;
    }
    *ret_script = script;
    return 0;
}

void fa_script_done(struct fa_script *script)
{
    for (size_t i = 0; i < script->count; i++) {
        line_done(&script->lines[i]);
    }
    free(script->lines);
    free(script->file);
    *script = (struct fa_script){0};
}

const struct fa_script_slot *fa_script_slot(const struct fa_script_line *line, const char *name)
{
    for (size_t i = 0; i < line->slot_count; i++) {
        if (strcmp(line->slots[i].name, name) == 0) {
            return &line->slots[i];
        }
    }
    return NULL;
}

const char *fa_script_text(const struct fa_script_line *line, const char *name)
{
    const struct fa_script_slot *slot = fa_script_slot(line, name);
    return slot != NULL ? slot->text : NULL;
}

fa_time fa_script_duration(const struct fa_script_line *line, const char *name, fa_time otherwise)
{
    const struct fa_script_slot *slot = fa_script_slot(line, name);
    return slot != NULL ? slot->duration : otherwise;
}
