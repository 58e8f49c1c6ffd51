/* SPDX-License-Identifier: MIT */
/* The link by which one person owns one alarm from a phone, and the short code that goes with it.
 * The message has both; the link has no code in it, so whoever has only the link (a scanner, a
 * proxy's log) can do nothing with it. Pure: keys and times are given. */
#ifndef FA_API_LINK_H
#define FA_API_LINK_H

#include "alarms/alarm.h"
#include "people/directory.h"

#define FA_LINK_KEY_BYTES 32
#define FA_LINK_KEPT      (7 * FA_DAY) /* from `made` on */
#define FA_LINK_NAME_MAX  64           /* bytes of a person's name */
#define FA_LINK_CODE_SIZE 7            /* six digits */
/* The token in base64: what stands before the name, the name, the MAC. */
#define FA_LINK_TOKEN_SIZE ((20 + FA_LINK_NAME_MAX + 32 + 2) / 3 * 4 + 1)

/* Of what kind the deed is; a token of one kind is none of another. */
enum fa_link_purpose { FA_LINK_ACK = 1 };

struct fa_link_to {
    struct fa_alarm_id alarm;
    char person[FA_LINK_NAME_MAX + 1];
    uint32_t step, loop; /* of the notification: its level */
    fa_time made;        /* wall, whole minutes */
};

/* FA_EINVAL: the person's name is longer than names are. */
int fa_link_make(const uint8_t key[FA_LINK_KEY_BYTES], enum fa_link_purpose purpose,
                 const struct fa_link_to *to, char token[FA_LINK_TOKEN_SIZE]) FA_MUST_CHECK;
/* FA_EDENIED: it was not made with this key for this purpose; the work is the same whatever is
 * wrong with it. Age is the caller's to judge. */
int fa_link_parse(const uint8_t key[FA_LINK_KEY_BYTES], enum fa_link_purpose purpose,
                  struct fa_str token, struct fa_link_to *ret_to) FA_MUST_CHECK;

/* Six digits, the same in every message to this person about this alarm: who is told twice has one
 * code to type. Nothing of it is in any token. */
void fa_link_code(const uint8_t key[FA_LINK_KEY_BYTES], struct fa_alarm_id alarm,
                  const char *person, char code[FA_LINK_CODE_SIZE]);
enum fa_link_typed {
    FA_TYPED_NOTHING, /* empty, or no code at all: nobody guesses so */
    FA_TYPED_WRONG,
    FA_TYPED_RIGHT,
};
/* Blanks and dashes of any kind in it are passed over; digits may be full-width. */
enum fa_link_typed fa_link_code_check(const uint8_t key[FA_LINK_KEY_BYTES],
                                      const struct fa_link_to *to, struct fa_str typed);

/* Who owns the alarm and until when, in a word that a form brings back: what was typed on an older
 * page takes it from nobody. An alarm that climbs on, unowned, keeps its stamp. */
#define FA_LINK_STAMP_SIZE 17
void fa_link_stamp(const uint8_t key[FA_LINK_KEY_BYTES], const struct fa_alarm *alarm,
                   char stamp[FA_LINK_STAMP_SIZE]);

#endif
