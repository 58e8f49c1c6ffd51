/* SPDX-License-Identifier: MIT */
/* links: fa_api PkgConfig::JANSSON PkgConfig::LIBSODIUM */
/* Forms and links: a form is an object of at most so many clean texts, or an error, and what it
 * says is found again by its name; a token that was not made with the key is none, one that was
 * says what it was made of, and no code but six digits is a try. */
#include "fuzz.h"

#include "api/form.h"
#include "api/link.h"

static void check_form(struct fa_str body)
{
    json_t *form = NULL, *text;
    const char *name;
    if (fa_form_parse(body, &form) != 0) {
        return;
    }
    fa_assert(json_object_size(form) <= FA_FORM_FIELDS_MAX);
    json_object_foreach(form, name, text)
    {
        struct fa_str value = {json_string_value(text), json_string_length(text)};
        fa_assert(name[0] != '\0' && strcmp(fa_form_text(form, name), value.ptr) == 0);
        fa_assert(fa_utf8_valid(value) && memchr(value.ptr, '\r', value.len) == NULL);
        for (size_t i = 0; i < value.len; i++) {
            unsigned char c = (unsigned char)value.ptr[i];
            fa_assert((c >= 0x20 || c == '\n') && c != 0x7f);
        }
    }
    json_decref(form);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t key[FA_LINK_KEY_BYTES] = {1};
    struct fa_str text = {(const char *)data, size};
    struct fa_link_to to, made = {.step = 1};
    char token[FA_LINK_TOKEN_SIZE];
    check_form(text);
    fa_assert(fa_link_parse(key, FA_LINK_ACK, text, &to) != 0);
    memcpy(made.person, data, size < FA_LINK_NAME_MAX ? size : FA_LINK_NAME_MAX);
    if (fa_link_make(key, FA_LINK_ACK, &made, token) == 0) {
        fa_assert(fa_link_parse(key, FA_LINK_ACK, fa_str_of(token), &to) == 0);
        fa_assert(strcmp(to.person, made.person) == 0 && to.step == 1);
    }
    enum fa_link_typed typed = fa_link_code_check(key, &made, text);
    size_t digits = 0;
    for (size_t i = 0; i < size; i++) {
        digits += data[i] >= '0' && data[i] <= '9';
    }
    fa_assert(typed == FA_TYPED_NOTHING || digits == 6);
    return 0;
}
