/* SPDX-License-Identifier: MIT */
/* What the program says to people in words of its own, each phrase once and in English, and the
 * languages that say it otherwise.
 *
 * A language holds texts for some of the phrases; what it has none for, and who has none, is said
 * in English. {name} is the place of a value. A text has each of its phrase's places once, in any
 * order, and no others, so no language can drop a value that the English says. Links, codes and
 * severities are in no phrase: whoever composes a message puts them beside it.
 *
 * What people wrote (filings, rules' summaries, titles of categories) is no phrase. */
#ifndef FA_TEXT_PHRASE_H
#define FA_TEXT_PHRASE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <firealarm/words.h>

/* How numbers, lengths and times look; the first two lists with little room. */
#define FA_PHRASES_POINTS(X)                                                                       \
    X(DECIMAL_POINT, ".")                                                                          \
    X(THOUSANDS_POINT, ",")
#define FA_PHRASES_UNITS(X)                                                                        \
    X(UNIT_DAY, "d")                                                                               \
    X(UNIT_HOUR, "h")                                                                              \
    X(UNIT_MINUTE, "min")                                                                          \
    X(UNIT_SECOND, "s")                                                                            \
    X(UNIT_MILLISECOND, "ms")
#define FA_PHRASES_MONTHS(X)                                                                       \
    X(MONTH_1, "Jan")                                                                              \
    X(MONTH_2, "Feb")                                                                              \
    X(MONTH_3, "Mar")                                                                              \
    X(MONTH_4, "Apr")                                                                              \
    X(MONTH_5, "May")                                                                              \
    X(MONTH_6, "Jun")                                                                              \
    X(MONTH_7, "Jul")                                                                              \
    X(MONTH_8, "Aug")                                                                              \
    X(MONTH_9, "Sep")                                                                              \
    X(MONTH_10, "Oct")                                                                             \
    X(MONTH_11, "Nov")                                                                             \
    X(MONTH_12, "Dec")                                                                             \
    X(NUMBER_UNKNOWN, "unknown")                                                                   \
    X(NUMBER_INFINITE, "infinite")
#define FA_PHRASES_TIMES(X)                                                                        \
    X(DATE, "{day} {month} {time}")                                                                \
    X(DATE_OF_YEAR, "{day} {month} {year} {time}")                                                 \
    X(TIME_AGO, "{length} ago")                                                                    \
    X(TIME_AHEAD, "in {length}")                                                                   \
    X(TIME_NOW, "now")                                                                             \
    X(TIME_UNKNOWN, "an unknown time")

#define FA_PHRASES_MESSAGES(X)                                                                     \
    X(AT_CUSTOMER, " at {customer}")                                                               \
    X(FILING_CLOSED, "(closed)")                                                                   \
    X(FLAPPING, "(flapping: {count} times in the last hour)")                                      \
    X(DRILL_CALL, "DRILL of the policy {policy}, begun by {who}: nothing has happened. "           \
                  "Acknowledge it as you would an alarm, so that it is known how long that takes") \
    X(DRILL_ANSWERED, "DRILL of the policy {policy} is over: {owner} answered after {length}")     \
    X(DRILL_UNANSWERED, "DRILL of the policy {policy} is over: nobody answered in time")           \
    X(HELP_ASKED, "A colleague asks for help: {kind}{at_customer}")                                \
    X(SILENCED, "{owner} silenced {alarms} until {time}: {reason}")                                \
    X(UNSILENCED, "No longer silenced: {alarms} ({owner}: {reason}). What still holds climbs on "  \
                  "from now.")                                                                     \
    X(UNSILENCED_BY, "No longer silenced: {alarms} ({owner}: {reason}), ended by {who}. What "     \
                     "still holds climbs on from now.")                                            \
    X(TEST_SUMMARY, "This is a test. Nothing has happened, nothing is to be done.")                \
    X(HOW_KNOWN, "How it is known")                                                                \
    X(KNOWN_SEEN, "seen by the reporter")                                                          \
    X(KNOWN_TOLD, "told to the reporter")                                                          \
    X(KNOWN_HEARD, "heard by the reporter")                                                        \
    X(NOT_PROVED, "Who filed it is not proved")                                                    \
    X(NOT_PROVED_NAME, "Who filed it is not proved; the name given is: {name}")                    \
    X(AS_REPORTED, "{since}, as reported")                                                         \
    X(HELP_EXPECTED, "Help to solve it before it is due; then it becomes an alarm")                \
    X(DIGEST_TITLE, "{count} alarms")                                                              \
    X(DIGEST_TITLE_RULE, "{count} alarms of {rule}")                                               \
    X(DIGEST_NEWS_TITLE, "{count} alarms are owned or over")                                       \
    X(DIGEST_NEWS_TITLE_RULE, "{count} alarms of {rule} are owned or over")                        \
    X(DIGEST_SUMMARY, "They came together and are told in one message, a line each.")              \
    X(DIGEST_TO_OWN, "{command}, with the id of its line")                                         \
    X(SILENCED_TITLE, "Alarms are silenced")                                                       \
    X(UNSILENCED_TITLE, "A silence is over")                                                       \
    X(TEST_TITLE, "Test of this channel")                                                          \
    X(WEEKLY_TITLE, "Weekly digest: {count} to look at")                                           \
    X(WEEKLY_TITLE_QUIET, "Weekly digest: all quiet")

/* The weekly digest. Where a language tells one from many, there are two. */
#define FA_PHRASES_WEEKLY(X)                                                                       \
    X(WEEK, "Your week from {from} to {to}")                                                       \
    X(AND_MORE, "and {count} more")                                                                \
    X(PROMISES, "Promises")                                                                        \
    X(PROMISE_PAST_DUE, "past due: {alarm}, open since {time}")                                    \
    X(PROMISES_OWN, "yours this week: {kept} kept, {missed} missed")                               \
    X(NEVER_REACHED, "People never reached")                                                       \
    X(FAILED_ONE, "{person}: {count} message failed, none arrived")                                \
    X(FAILED_MANY, "{person}: {count} messages failed, none arrived")                              \
    X(UNTRIED, "{person}: nothing has reached them yet ({command})")                               \
    X(OVER_BUDGET, "Over their budget of messages")                                                \
    X(OVER_BUDGET_LINE, "{person}: {count} of {budget}")                                           \
    X(GOT, "Messages to you this week: {count}")                                                   \
    X(GOT_OF, "Messages to you this week: {count} of {budget}")                                    \
    X(GOT_OVER, "Messages to you this week: {count}, over your budget of {budget}")                \
    X(NEAR_MISSES, "Near misses")                                                                  \
    X(NEAR_ONE, "{count} time within a tenth of its threshold, at worst {percent} % of it")        \
    X(NEAR_MANY, "{count} times within a tenth of its threshold, at worst {percent} % of it")      \
    X(BRIEF_ONE, "began {count} time and did not last")                                            \
    X(BRIEF_MANY, "began {count} times and did not last")                                          \
    X(FEEDS_STOPPED, "Feeds that stopped")                                                         \
    X(NO_DATA, "{rule}: no data for {length}, since {time}")                                       \
    X(NO_DATA_UNUSUAL, "{rule}: no data for {length}, since {time}; before that never longer "     \
                       "than {usual}")                                                             \
    X(NEVER_FIRED, "Rules that never fired")                                                       \
    X(NEVER_FIRED_LINE, "{rule}: known since {time}")                                              \
    X(ALL_QUIET, "All quiet: nothing came near, nothing stopped, everybody was reached.")

/* clang-format off */
#define FA_PHRASES(X)                                                                              \
    FIREALARM_WORDS(X) FA_PHRASES_POINTS(X) FA_PHRASES_UNITS(X) FA_PHRASES_MONTHS(X)               \
    FA_PHRASES_TIMES(X) FA_PHRASES_MESSAGES(X) FA_PHRASES_WEEKLY(X)
/* clang-format on */

/* Of the first of them, FIREALARM_WORD_X is FA_PHRASE_X. */
enum fa_phrase {
#define FA_PHRASE_ID(id, english) FA_PHRASE_##id,
    FA_PHRASES(FA_PHRASE_ID)
#undef FA_PHRASE_ID
        FA_PHRASE__COUNT
};

#define FA_PHRASE_NAME_SIZE 40
#define FA_PHRASE_MAX       600u /* bytes of a text */

struct fa_language {
    char *name;                    /* "de", "pt-br" */
    char *texts[FA_PHRASE__COUNT]; /* NULL: in English */
};

/* What it is called in a file: "own_it"; in buf. */
const char *fa_phrase_name(enum fa_phrase phrase, char buf[FA_PHRASE_NAME_SIZE]);
/* FA_PHRASE__COUNT: no phrase is called so. */
enum fa_phrase fa_phrase_find(const char *name);

/* The text as it stands, with its places. language NULL: English. */
const char *fa_phrase_text(const struct fa_language *language, enum fa_phrase phrase);
/* Appends the text with its values, which stand in the order of the English one's places and end
 * with NULL; NULL for a phrase without any. */
void fa_phrase_put(struct fa_buf *out, const struct fa_language *language, enum fa_phrase phrase,
                   const char *const *values);
#define FA_VALUES(...) ((const char *const[]){__VA_ARGS__, NULL})

/* May a language say that for the phrase? FA_EINVAL or FA_ETOOBIG says what is wrong: a place that
 * is missing, unknown or there twice, a brace that is none, no UTF-8, a character that controls,
 * hides or turns text, too long, empty. */
int fa_phrase_check(enum fa_phrase phrase, struct fa_str text, struct fa_err *err) FA_MUST_CHECK;

/* The language that is called so, "de-at" also by its first part; letters' case aside. NULL:
 * English, or none has the name. */
const struct fa_language *fa_language_find(const struct fa_language *languages, size_t count,
                                           struct fa_str name);
/* The one that an Accept-Language field likes best, NULL for English. */
const struct fa_language *fa_language_accept(const struct fa_language *languages, size_t count,
                                             struct fa_str field);
/* "en" where language is NULL. */
const char *fa_language_name(const struct fa_language *language);

#endif
