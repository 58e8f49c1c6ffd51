/* SPDX-License-Identifier: MIT */
/* Links and codes: nothing but what was made opens anything. */
#include "api/link.h"
#include "fa_test.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t key[FA_LINK_KEY_BYTES] = {1, 2, 3};

static struct fa_link_to to_chris(void)
{
    return (struct fa_link_to){.alarm = {{{9, 8, 7, 6, 5, 4, 3, 2, 1, 0}}},
                               .person = "chris",
                               .step = 1,
                               .loop = 2,
                               .made = 1795334400000};
}

static void made(const struct fa_link_to *to, char token[FA_LINK_TOKEN_SIZE])
{
    assert_int_equal(fa_link_make(key, FA_LINK_ACK, to, token), 0);
}

static int parse(const char *token, struct fa_link_to *ret)
{
    return fa_link_parse(key, FA_LINK_ACK, fa_str_of(token), ret);
}

static void a_link_says_whom_it_was_made_for(void **state)
{
    static const struct {
        const char *person;
        uint32_t step, loop;
    } cases[] = {{"chris", 0, 0}, {"a", 3, 0}, {"x.y_z-0", 1, 9}, {NULL, 65535, 65535}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fa_link_to to = to_chris(), back = {0};
        char token[FA_LINK_TOKEN_SIZE];
        memset(to.person, 'n', FA_LINK_NAME_MAX); /* the longest */
        if (cases[i].person != NULL) {
            snprintf(to.person, sizeof to.person, "%s", cases[i].person);
        }
        to.step = cases[i].step;
        to.loop = cases[i].loop;
        made(&to, token);
        assert_int_equal(strspn(token, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "0123456789-_"),
                         strlen(token));
        assert_int_equal(parse(token, &back), 0);
        assert_string_equal(back.person, to.person);
        assert_true(fa_id_eq(back.alarm.id, to.alarm.id));
        assert_int_equal(back.step, to.step);
        assert_int_equal(back.loop, to.loop);
        assert_int_equal(back.made, to.made);
    }
}

static void a_name_that_is_none_gets_no_link(void **state)
{
    struct fa_link_to to = to_chris();
    char token[FA_LINK_TOKEN_SIZE];
    to.person[0] = '\0';
    assert_int_equal(fa_link_make(key, FA_LINK_ACK, &to, token), FA_EINVAL);
}

static void every_bit_that_is_flipped_is_refused(void **state)
{
    struct fa_link_to to = to_chris(), back;
    char token[FA_LINK_TOKEN_SIZE], flipped[FA_LINK_TOKEN_SIZE];
    uint8_t bytes[200];
    size_t len = 0, flips = 0;
    made(&to, token);
    assert_int_equal(sodium_base642bin(bytes, sizeof bytes, token, strlen(token), NULL, &len, NULL,
                                       sodium_base64_VARIANT_URLSAFE_NO_PADDING),
                     0);
    for (size_t bit = 0; bit < 8 * len; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        sodium_bin2base64(flipped, sizeof flipped, bytes, len,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING);
        assert_int_equal(parse(flipped, &back), FA_EDENIED);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        flips++;
    }
    assert_int_equal(flips, 8 * (20 + strlen("chris") + 32));
    /* And of its text: base64 has more than one spelling of some bytes, a link has one. */
    for (size_t i = 0; i < strlen(token); i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(flipped, token, sizeof flipped);
            flipped[i] = (char)((unsigned char)flipped[i] ^ 1u << bit);
            assert_int_equal(
                fa_link_parse(key, FA_LINK_ACK, (struct fa_str){flipped, strlen(token)}, &back),
                FA_EDENIED);
        }
    }
}

static void what_is_cut_or_grown_is_refused(void **state)
{
    struct fa_link_to to = to_chris(), back;
    char token[FA_LINK_TOKEN_SIZE], longer[3 * FA_LINK_TOKEN_SIZE];
    made(&to, token);
    for (size_t len = 0; len < strlen(token); len++) {
        assert_int_equal(fa_link_parse(key, FA_LINK_ACK, (struct fa_str){token, len}, &back),
                         FA_EDENIED);
    }
    static const char *const tails[] = {"A", "AA", "AAAA", "=", "==", " ", "\n", "."};
    for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
        snprintf(longer, sizeof longer, "%s%s", token, tails[i]);
        assert_int_equal(parse(longer, &back), FA_EDENIED);
    }
    snprintf(longer, sizeof longer, "%s%s", token, token);
    assert_int_equal(parse(longer, &back), FA_EDENIED);
}

static void keys_and_purposes_do_not_mix(void **state)
{
    struct fa_link_to to = to_chris(), back;
    char token[FA_LINK_TOKEN_SIZE];
    uint8_t other[FA_LINK_KEY_BYTES] = {1, 2, 4};
    for (int purpose = 0; purpose < 256; purpose++) {
        assert_int_equal(fa_link_make(key, (enum fa_link_purpose)purpose, &to, token), 0);
        assert_int_equal(parse(token, &back), purpose == FA_LINK_ACK ? 0 : FA_EDENIED);
    }
    assert_int_equal(fa_link_make(other, FA_LINK_ACK, &to, token), 0);
    assert_int_equal(parse(token, &back), FA_EDENIED);
}

static enum fa_link_typed type(const struct fa_link_to *to, const char *text)
{
    return fa_link_code_check(key, to, fa_str_of(text));
}

static void only_six_digits_are_a_try(void **state)
{
    static const char *const no_tries[] = {
        "", " ", "-", "1", "12345", "1234567", "12345a", "abcdef", "test", "१२३४५६", "123456123456",
    };
    struct fa_link_to to = to_chris();
    for (size_t i = 0; i < sizeof no_tries / sizeof no_tries[0]; i++) {
        assert_int_equal(type(&to, no_tries[i]), FA_TYPED_NOTHING);
    }
}

static void of_many_codes_one_is_right(void **state)
{
    struct fa_link_to to = to_chris();
    char code[FA_LINK_CODE_SIZE], typed[16];
    unsigned right = 0;
    fa_link_code(key, to.alarm, to.person, code);
    assert_int_equal(strspn(code, "0123456789"), 6);
    unsigned first = (unsigned)strtoul(code, NULL, 10) / 20000 * 20000; /* those near it */
    for (unsigned i = first; i < first + 20000; i++) {
        snprintf(typed, sizeof typed, "%06u", i);
        right += type(&to, typed) == FA_TYPED_RIGHT;
    }
    assert_int_equal(right, 1);
    static const char *const between[] = {" ", "-", "", "\u00a0", "\u2011", "\u2013", "\u200b"};
    for (size_t i = 0; i < sizeof between / sizeof between[0]; i++) {
        snprintf(typed, sizeof typed, " %.3s%s%s ", code, between[i], code + 3);
        assert_int_equal(type(&to, typed), FA_TYPED_RIGHT);
    }
    char wide[6 * 3 + 1] = "";
    for (size_t i = 0; i < 6; i++) {
        snprintf(wide + 3 * i, 4, "\xef\xbc%c", (char)(0x90 + code[i] - '0'));
    }
    assert_int_equal(type(&to, wide), FA_TYPED_RIGHT);
}

static void a_code_is_one_persons_for_one_alarm(void **state)
{
    char mine[FA_LINK_CODE_SIZE], other[FA_LINK_CODE_SIZE];
    struct fa_link_to to = to_chris();
    unsigned same = 0;
    fa_link_code(key, to.alarm, "chris", mine);
    for (unsigned i = 0; i < 1000; i++) {
        struct fa_alarm_id alarm = {{{(uint8_t)i, (uint8_t)(i >> 8), 1}}};
        fa_link_code(key, alarm, "chris", other);
        same += strcmp(mine, other) == 0;
    }
    assert_true(same <= 2); /* about one in a million each */
    fa_link_code(key, to.alarm, "dana", other);
    assert_string_not_equal(mine, other);
    to.step = 7; /* a later message of the same alarm has the same code */
    assert_int_equal(type(&to, mine), FA_TYPED_RIGHT);
}

static void digits_are_evenly_spread(void **state)
{
    unsigned counts[6][10] = {{0}};
    for (unsigned i = 0; i < 20000; i++) {
        struct fa_alarm_id alarm = {{{(uint8_t)i, (uint8_t)(i >> 8), 2}}};
        char code[FA_LINK_CODE_SIZE];
        fa_link_code(key, alarm, "chris", code);
        for (size_t d = 0; d < 6; d++) {
            counts[d][code[d] - '0']++;
        }
    }
    for (size_t d = 0; d < 6; d++) {
        for (size_t v = 0; v < 10; v++) {
            assert_in_range(counts[d][v], 1800, 2200);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_link_says_whom_it_was_made_for),
        cmocka_unit_test(a_name_that_is_none_gets_no_link),
        cmocka_unit_test(every_bit_that_is_flipped_is_refused),
        cmocka_unit_test(what_is_cut_or_grown_is_refused),
        cmocka_unit_test(keys_and_purposes_do_not_mix),
        cmocka_unit_test(only_six_digits_are_a_try),
        cmocka_unit_test(of_many_codes_one_is_right),
        cmocka_unit_test(a_code_is_one_persons_for_one_alarm),
        cmocka_unit_test(digits_are_evenly_spread),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
