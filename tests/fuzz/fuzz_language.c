/* SPDX-License-Identifier: MIT */
/* links: fa_text fa_base */
/* The first byte picks a phrase; up to the next newline a text for it, what follows is a browser's
 * Accept-Language. A text that may be said says every value whole, once for each place and in no
 * other order than its own, reads none of them for places, and is no longer than it may be.
 * libconfig's grammar around it is fuzz_config's. */
#include "text/reader.h"

#include <stdlib.h>
#include <string.h>

/* As long as the largest phrase has places; one holds what looks like a place. */
static const char *const VALUES[] = {"<1>", "{owner}", "}2{", "<4>", "<5>", "<6>"};

static size_t places_of(const char *text)
{
    size_t count = 0;
    while ((text = strchr(text, '{')) != NULL) {
        text++;
        count++;
    }
    return count;
}

static void check_said(enum fa_phrase phrase, const struct fa_language *language)
{
    const char *values[sizeof VALUES / sizeof VALUES[0] + 1] = {NULL};
    size_t count = places_of(fa_phrase_text(NULL, phrase)), len = 0;
    struct fa_buf out;
    for (size_t i = 0; i < count; i++) {
        values[i] = VALUES[i];
        len += strlen(values[i]);
    }
    fa_buf_init(&out, 4096);
    fa_phrase_put(&out, language, phrase, values);
    for (size_t i = 0; i < count; i++) {
        if (strstr(fa_buf_text(&out), values[i]) == NULL) {
            abort();
        }
    }
    /* Beside the values there is the text without its places. */
    const char *at = language->texts[phrase];
    size_t own = 0;
    for (bool inside = false; *at != '\0'; at++) {
        inside = inside || *at == '{';
        own += !inside;
        inside = inside && *at != '}';
    }
    if (out.len != own + len || places_of(language->texts[phrase]) != count ||
        !fa_utf8_valid(fa_buf_str(&out))) {
        abort();
    }
    fa_buf_done(&out);
}

static void check_reader(const struct fa_language *language)
{
    static const double numbers[] = {0, -0.5, 12345.678, -999999999999999.0, 1e300};
    char time[FA_READER_TIME_SIZE], text[40];
    const struct fa_reader_zone zone = {3600, "CET"};
    bool good = fa_utf8_valid(fa_str_of(
        fa_reader_time(language, INT64_C(1763799300000), INT64_C(1063799300000), &zone, time)));
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        good = good && fa_utf8_valid(fa_str_of(fa_reader_percent(language, numbers[i], text)));
    }
    good = good && fa_utf8_valid(fa_str_of(fa_reader_duration(language, INT64_MIN, text)));
    if (!good) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char de[] = "de", pt[] = "pt-br";
    struct fa_language languages[] = {{.name = de}, {.name = pt}};
    struct fa_err err;
    if (size == 0) {
        return 0;
    }
    enum fa_phrase phrase = (enum fa_phrase)(data[0] % FA_PHRASE__COUNT);
    struct fa_str field,
        text = fa_str_cut((struct fa_str){(const char *)data + 1, size - 1}, '\n', &field);
    if (memchr(text.len > 0 ? text.ptr : "x", '\0', text.len) == NULL &&
        fa_phrase_check(phrase, text, &err) == 0) {
        char copy[FA_PHRASE_MAX + 1];
        memcpy(copy, text.ptr, text.len);
        copy[text.len] = '\0';
        languages[0].texts[phrase] = copy;
        check_said(phrase, &languages[0]);
        check_reader(&languages[0]);
    }
    const struct fa_language *found = fa_language_accept(languages, 2, field);
    if (found != NULL && found != &languages[0] && found != &languages[1]) {
        abort();
    }
    return 0;
}
