/* SPDX-License-Identifier: MIT */
/* The table of phrases, and what may stand for one.
 *
 * Invariants: a text that passed fa_phrase_check() can be put with any values; a value is put as it
 * is, and never read for places of its own. The English texts pass the check too (a test holds them
 * to it). Whoever puts a text where mark-up counts escapes it there, as any other. */
#include "text/phrase.h"
#include "base/panic.h"
#include "text/reader.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name; /* in capitals */
    const char *english;
} TABLE[FA_PHRASE__COUNT] = {
#define ROW(id, english) {#id, english},
    FA_PHRASES(ROW)
#undef ROW
};

_Static_assert(FA_PHRASE_STATE_RESOLVED == (int)FIREALARM_WORD_STATE_RESOLVED,
               "words are the first phrases");

const char *fa_phrase_name(enum fa_phrase phrase, char buf[FA_PHRASE_NAME_SIZE])
{
    size_t len = 0;
    for (const char *at = TABLE[phrase].name; *at != '\0' && len + 1 < FA_PHRASE_NAME_SIZE; at++) {
        buf[len++] = *at >= 'A' && *at <= 'Z' ? (char)(*at + 'a' - 'A') : *at;
    }
    buf[len] = '\0';
    return buf;
}

enum fa_phrase fa_phrase_find(const char *name)
{
    char buf[FA_PHRASE_NAME_SIZE];
    enum fa_phrase phrase = 0;
    while (phrase < FA_PHRASE__COUNT && strcmp(fa_phrase_name(phrase, buf), name) != 0) {
        phrase++;
    }
    return phrase;
}

const char *fa_phrase_text(const struct fa_language *language, enum fa_phrase phrase)
{
    return language != NULL && language->texts[phrase] != NULL ? language->texts[phrase]
                                                               : TABLE[phrase].english;
}

/* ---- places ---- */

/* The next {name} of text, which is cut to what follows it; what stood before it is *ret_before.
 * False: there is none. */
static bool next_place(struct fa_str *text, struct fa_str *ret_before, struct fa_str *ret_name)
{
    const char *open = text->len > 0 ? memchr(text->ptr, '{', text->len) : NULL;
    size_t before = open != NULL ? (size_t)(open - text->ptr) : text->len;
    const char *close = open != NULL ? memchr(open, '}', text->len - before) : NULL;
    if (close == NULL) {
        return false;
    }
    size_t to = (size_t)(close - text->ptr) + 1;
    *ret_before = (struct fa_str){text->ptr, before};
    *ret_name = (struct fa_str){open + 1, to - before - 2};
    *text = (struct fa_str){text->ptr + to, text->len - to};
    return true;
}

/* Which of the English places has this name, from 0; -1: none. name.ptr NULL: how many there are.
 */
static int place_of(enum fa_phrase phrase, struct fa_str name)
{
    struct fa_str rest = fa_str_of(TABLE[phrase].english), before, own;
    int at = 0;
    while (next_place(&rest, &before, &own)) {
        if (name.ptr != NULL && fa_str_eq(own, name)) {
            return at;
        }
        at++;
    }
    return name.ptr != NULL ? -1 : at;
}

void fa_phrase_put(struct fa_buf *out, const struct fa_language *language, enum fa_phrase phrase,
                   const char *const *values)
{
    struct fa_str rest = fa_str_of(fa_phrase_text(language, phrase)), before, name;
    int given = 0;
    while (values != NULL && values[given] != NULL) {
        given++;
    }
    fa_assert(given == place_of(phrase, (struct fa_str){NULL, 0}));
    while (next_place(&rest, &before, &name)) {
        int at = place_of(phrase, name);
        fa_assert(at >= 0);
        fa_buf_putstr(out, before);
        fa_buf_puts(out, values[at]);
    }
    fa_buf_putstr(out, rest);
}

/* ---- what may stand for a phrase ---- */

/* Where there is little room: buffers of reader.h. */
static size_t max_of(enum fa_phrase phrase)
{
    static const struct {
        enum fa_phrase from; /* up to the next */
        size_t max;
    } limits[] = {
        {FA_PHRASE_DECIMAL_POINT, 4},      {FA_PHRASE_UNIT_DAY, 8},
        {FA_PHRASE_MONTH_1, 20},           {FA_PHRASE_DATE, 40},
        {FA_PHRASE_BUSINESS_DAYS_ONE, 30}, {FA_PHRASE_AT_CUSTOMER, FA_PHRASE_MAX},
    };
    size_t max = FA_PHRASE_MAX;
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        max = phrase >= limits[i].from ? limits[i].max : max;
    }
    return max;
}

static bool is_clean(struct fa_str text)
{
    struct fa_buf clean;
    fa_buf_init(&clean, 4 * text.len + 4);
    fa_reader_clean(&clean, text);
    bool same = fa_str_eq(fa_buf_str(&clean), text) &&
                (text.len == 0 || memchr(text.ptr, '\n', text.len) == NULL);
    fa_buf_done(&clean);
    return same;
}

static int check_places(enum fa_phrase phrase, struct fa_str text, struct fa_err *err)
{
    const char *english = TABLE[phrase].english;
    struct fa_str rest = text, before, name;
    uint32_t seen = 0, count = (uint32_t)place_of(phrase, (struct fa_str){NULL, 0});
    while (next_place(&rest, &before, &name)) {
        int at = place_of(phrase, name);
        if (at < 0 || memchr(before.ptr, '}', before.len) != NULL) {
            return fa_err_set(err, FA_EINVAL, "{%.*s} is no place of \"%s\"",
                              (int)fa_utf8_cut(name, 40), name.ptr, english);
        }
        if ((seen & 1u << at) != 0) {
            return fa_err_set(err, FA_EINVAL, "{%.*s} stands there twice", FA_STR_ARG(name));
        }
        seen |= 1u << at;
    }
    if (rest.len > 0 &&
        (memchr(rest.ptr, '{', rest.len) != NULL || memchr(rest.ptr, '}', rest.len) != NULL)) {
        return fa_err_set(err, FA_EINVAL, "a brace that belongs to no {place}");
    }
    if (seen != (1u << count) - 1) {
        return fa_err_set(err, FA_EINVAL, "a place is missing: it must say all that \"%s\" says",
                          english);
    }
    return 0;
}

int fa_phrase_check(enum fa_phrase phrase, struct fa_str text, struct fa_err *err)
{
    if (text.len == 0) {
        return fa_err_set(err, FA_EINVAL, "is empty: leave it out, then it is said in English");
    }
    if (text.len > max_of(phrase)) {
        return fa_err_set(err, FA_ETOOBIG, "is longer than %zu bytes", max_of(phrase));
    }
    if (!is_clean(text)) {
        return fa_err_set(err, FA_EINVAL,
                          "is not UTF-8, or holds a character that controls, hides or turns text");
    }
    return check_places(phrase, text, err);
}

/* ---- languages ---- */

static bool is_called(const struct fa_language *language, struct fa_str name)
{
    return strlen(language->name) == name.len &&
           strncasecmp(language->name, name.ptr, name.len) == 0;
}

const struct fa_language *fa_language_find(const struct fa_language *languages, size_t count,
                                           struct fa_str name)
{
    for (size_t i = 0; i < count; i++) {
        if (is_called(&languages[i], name)) {
            return &languages[i];
        }
    }
    struct fa_str rest, first = fa_str_cut(name, '-', &rest);
    return rest.ptr != NULL ? fa_language_find(languages, count, first) : NULL;
}

const char *fa_language_name(const struct fa_language *language)
{
    return language != NULL ? language->name : "en";
}

/* "q=0.8" among the parameters; 1 without. */
static double weight_of(struct fa_str parameters)
{
    double weight = 1;
    while (parameters.len > 0) {
        struct fa_str one = fa_str_trim(fa_str_cut(parameters, ';', &parameters));
        if (fa_str_starts(one, "q=") &&
            fa_parse_double((struct fa_str){one.ptr + 2, one.len - 2}, &weight) != 0) {
            weight = 0;
        }
    }
    return weight;
}

const struct fa_language *fa_language_accept(const struct fa_language *languages, size_t count,
                                             struct fa_str field)
{
    const struct fa_language *best = NULL;
    double best_weight = 0;
    while (field.len > 0) {
        struct fa_str parameters, one = fa_str_cut(field, ',', &field);
        struct fa_str name = fa_str_trim(fa_str_cut(one, ';', &parameters));
        double weight = weight_of(parameters);
        const struct fa_language *found = fa_language_find(languages, count, name);
        bool is_english = name.len >= 2 && strncasecmp(name.ptr, "en", 2) == 0 &&
                          (name.len == 2 || name.ptr[2] == '-');
        if ((found != NULL || is_english) && weight > best_weight) {
            best = found;
            best_weight = weight;
        }
    }
    return best;
}
