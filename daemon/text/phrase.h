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

#define FA_PHRASES_BUSINESS(X)                                                                     \
    X(BUSINESS_DAYS_ONE, "{count} business day")                                                   \
    X(BUSINESS_DAYS, "{count} business days")                                                      \
    X(BUSINESS_HOURS_ONE, "{count} business hour")                                                 \
    X(BUSINESS_HOURS, "{count} business hours")

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

/* The pages: what they share, a link's, filing, and what became of it. */
#define FA_PHRASES_PAGES(X)                                                                        \
    X(PAGE_COMPANY, "{company} fire alarm")                                                        \
    X(PAGE_FAILED, "That did not work")                                                            \
    X(NOBODY_TOLD, "Nobody can be told of it now.")                                                \
    X(NOBODY_TOLD_WHY, "Each person who would be is named in it, is close to somebody who is, "    \
                       "or cannot be reached. Do not wait: tell somebody whom you trust "          \
                       "yourself, outside this company if need be.")                               \
    X(FORM_FOREIGN, "This came from a page of another site, so nothing was done. Open this "       \
                    "page itself and try again.")                                                  \
    X(FORM_OTHER, "This is not what the form of this page sends.")                                 \
    X(FORM_BROKEN, "What came is not what the form of this page sends. Nothing was changed.")      \
    X(STORE_AWAY, "This cannot be looked up now, and nothing was changed. Please try again in "    \
                  "a minute. If it is urgent, call somebody.")                                     \
    X(INDEX_TITLE, "What can we do?")                                                              \
    X(INDEX_SAYS, "Something is badly wrong and you cannot mend it alone? You are right to say "   \
                  "so.")                                                                           \
    X(REPORT, "Report a problem")                                                                  \
    X(WHAT_BECAME, "What became of my report?")

#define FA_PHRASES_ACK(X)                                                                                 \
    X(LINK_DEAD, "This link opens nothing any more")                                                      \
    X(LINK_DEAD_WHY, "The alarm is over, or the link is older than a week, or it was cut short "          \
                     "on its way. Nothing was changed. If you were told of an alarm a moment "            \
                     "ago, open the link in the newest message.")                                         \
    X(LINK_LOCKED, "This link is locked")                                                                 \
    X(LINK_LOCKED_CLIMBS, "Too many wrong codes were typed here, so the alarm has gone on to "            \
                          "others. You can still own it with the firealarm command, or by "               \
                          "telling one of those who were called.")                                        \
    X(LINK_LOCKED_ONLY, "Too many wrong codes were typed here, so it takes none any more. You "           \
                        "can still own the alarm with the firealarm command.")                            \
    X(FILED_BY_PERSON, "A person reported a problem. What it is stands in the message.")                  \
    X(RAISED, "Raised")                                                                                   \
    X(YOU_ARE, "You are")                                                                                 \
    X(MORE_IN, "I say more in")                                                                           \
    X(MORE_CHANGE, "You say more in {length}. Change that, or add a word")                                \
    X(WORD_TO_OTHERS, "A word to the others")                                                             \
    X(CODE_QUESTION, "Type the code from the message")                                                    \
    X(CODE_HINT, "Six digits, beside the link.")                                                          \
    X(CODE_MISSING, "Nothing was changed yet: type the six digits from the message.")                     \
    X(CODE_WRONG_1, "This code is not right. You can try once more.")                                     \
    X(CODE_WRONG_2, "This code is not right. You can try twice more.")                                    \
    X(CODE_WRONG_3, "This code is not right. You can try three times more.")                              \
    X(CODE_WRONG_4, "This code is not right. You can try four times more.")                               \
    X(PAGE_OLD, "This page was older than what you see now. Nothing was changed by it.")                  \
    X(OWNED_BY_YOU, "You own this alarm.")                                                                \
    X(PROMISED_BY_YOU, "Your next word is promised by {time}.")                                           \
    X(OWNED_BY_OTHER, "{owner} owns this alarm until {time}.")                                            \
    X(NOTHING_EXPECTED, "Nothing is expected of you.")                                                    \
    X(PROMISE_OTHER, "Promise another time")                                                              \
    X(PROMISE_THIS, "Promise this")                                                                       \
    X(TAKE_OVER, "Take it over")                                                                          \
    X(I_OWN_IT_NOW, "I own it now")                                                                       \
    X(OWN_TITLE, "Will you own this alarm?")                                                              \
    X(OWN_TITLE_OWNED, "This alarm has an owner")                                                         \
    X(OWN_TITLE_DRILL, "This is a drill. Will you answer?")                                               \
    X(OWN_SAYS, "Who owns it sees to it. Nobody else is called then.")                                    \
    X(OWN_SAYS_CALM, "It is calm again for now, and nobody has owned it. If you own it, it is "           \
                     "closed.")                                                                           \
    X(OWN_SAYS_DRILL, "Nothing has happened. Whoever answers first ends the drill, and it is "            \
                      "kept how long that took.")                                                         \
    X(I_OWN_IT, "I own it")                                                                               \
    X(I_CLOSE_IT, "I own it: close it")                                                                   \
    X(I_ANSWER, "I answer")                                                                               \
    X(DONE_OWNED, "You own it")                                                                           \
    X(DONE_CLOSED, "It is closed")                                                                        \
    X(DONE_ANSWERED, "You answered")                                                                      \
    X(THANKS_OWNED, "Thank you. Nobody else is called now.")                                              \
    X(THANKS_CLOSED, "Thank you. It is closed in your name: it is calm now.")                             \
    X(CLOSED_SAYS,                                                                                        \
      "Nobody is called, and nothing more is expected of you. Should it begin again, it is a new alarm.") \
    X(THANKS_ANSWERED, "Thank you. The drill is over, and nothing else is to be done.")                   \
    X(PROMISED_OR_CLIMBS, "Your next word is promised by {time}. If none comes, the alarm goes "          \
                          "on to the level above you.")                                                   \
    X(PROMISED_USUAL, "The time that was asked for cannot be promised, a minute is the least: "           \
                      "so it is the usual one.")                                                          \
    X(OTHERS_CALLED, "Others were called after you. They hear that you own it.")                          \
    X(PROMISE_AGAIN, "To promise another time, open the link again.")

#define FA_PHRASES_FILE(X)                                                                         \
    X(FILE_SAYS, "You are right to say it. Is somebody in danger now? Call the emergency "         \
                 "services first.")                                                                \
    X(ASK_KIND, "What kind of problem is it?")                                                     \
    X(ASK_KIND_OTHER, "Something else, or I am not sure")                                          \
    X(ASK_TEXT, "What happened?")                                                                  \
    X(ASK_CUSTOMER, "Which customer does it hurt?")                                                \
    X(ASK_SINCE, "Since when?")                                                                    \
    X(ASK_KNOWN, "How do you know?")                                                               \
    X(ASK_KNOWN_SEEN, "I saw it myself")                                                           \
    X(ASK_KNOWN_TOLD, "Somebody who was there told me")                                            \
    X(ASK_KNOWN_HEARD, "I heard of it")                                                            \
    X(ASK_ABOUT, "Who is it about?")                                                               \
    X(ASK_ABOUT_HINT, "They, and those close to them, are not told. First and last name; "         \
                      "several with commas.")                                                      \
    X(ASK_STRIKE, "Who else must not be told?")                                                    \
    X(ASK_STRIKE_HINT, "You need no reason.")                                                      \
    X(ASK_CALLED, "Your name")                                                                     \
    X(ASK_CALLED_HINT, "It is passed on as not proved. Leave it empty if you would rather not "    \
                       "say.")                                                                     \
    X(OPTIONAL, "(optional)")                                                                      \
    X(FILE_NEXT, "Next: see who is told")                                                          \
    X(FILE_NOT_YET, "Nothing is filed yet, and nobody is told.")                                   \
    X(FILE_FAILED, "It is NOT filed yet. {fault} What you typed is still here.")                   \
    X(FILE_EMPTY, "Please say in a few words what happened.")                                      \
    X(PREVIEW_TITLE, "This is what happens")                                                       \
    X(PREVIEW_SOLVE, "Most people can solve this with those around them. It is kept, and "         \
                     "nobody is told yet.")                                                        \
    X(PREVIEW_HELP, "You need not solve this alone. Those who can help are told.")                 \
    X(PREVIEW_RAISE, "This raises the alarm.")                                                     \
    X(PREVIEW_DUE, "If it is not solved in {length}, it becomes an alarm by itself.")              \
    X(PREVIEW_TOLD, "Who is told")                                                                 \
    X(PREVIEW_NAMED, "Those you named, and those close to them, are not told. Where we do not "    \
                     "know a name, only independent contacts are.")                                \
    X(PREVIEW_TEXT, "What you say")                                                                \
    X(TOLD_AT_ONCE, "At once")                                                                     \
    X(TOLD_AFTER, "After {length}, if nobody takes it on")                                         \
    X(TOLD_INDEPENDENT, "an independent contact")                                                  \
    X(TOLD_SOMEBODY, "somebody responsible")                                                       \
    X(TOLD_SEVERAL, "{role} ({count} people)")                                                     \
    X(DO_FILE_EVEN_SO, "File it all the same")                                                     \
    X(DO_RAISE, "Raise the alarm")                                                                 \
    X(DO_FILE, "File it now")                                                                      \
    X(DO_RAISE_INSTEAD, "It is worse: raise the alarm")                                            \
    X(DO_CHANGE, "Change something")                                                               \
    X(FILED_TITLE, "It is filed")                                                                  \
    X(FILED_TITLE_BEFORE, "It was filed already")                                                  \
    X(FILED_RAISED, "The alarm is raised. It climbs until somebody takes it on.")                  \
    X(FILED_HELP, "Those who can help are told.")                                                  \
    X(FILED_KEPT, "It is kept, and tried again.")                                                  \
    X(FILED_SOLVE, "It is kept, and becomes an alarm if it is not solved in time.")                \
    X(RECEIPT, "Your receipt")                                                                     \
    X(RECEIPT_KEEP, "Keep it: write it down, or take a picture.")                                  \
    X(RECEIPT_SAYS, "It is shown once, and nobody can find it again. With it you see what "        \
                    "became of your report. Show it to nobody.")

#define FA_PHRASES_STATUS(X)                                                                       \
    X(STATUS_HINT, "As it was shown when you filed. Small letters and missing dashes do not "      \
                   "matter.")                                                                      \
    X(STATUS_SHOW, "Show what became of it")                                                       \
    X(STATUS_EMPTY, "Type the receipt first.")                                                     \
    X(STATUS_TOO_LONG, "That is too long. Add it in parts.")                                       \
    X(STATUS_TITLE, "Your report")                                                                 \
    X(STATUS_EVENTS, "What happened with it")                                                      \
    X(STATUS_OWNED, "Somebody is on it.")                                                          \
    X(STATUS_OWNED_UNTIL, "They promised to say more by {time}.")                                  \
    X(STATUS_CLOSED, "It is closed.")                                                              \
    X(STATUS_CLOSED_SAYS, "If it goes on, please report it again.")                                \
    X(STATUS_RAISED, "It is an alarm. The first person is being told.")                            \
    X(STATUS_CLIMBS, "Nobody has taken it on yet. It keeps climbing until somebody does.")         \
    X(STATUS_KEPT, "It is kept. No alarm was raised yet.")                                         \
    X(STATUS_WORDS, "Promises to say more: {kept} kept, {missed} missed.")                         \
    X(STATUS_DUE, "If it is not solved, it becomes an alarm by itself: {time}.")                   \
    X(STATUS_TOLD, "People told so far: {count}.")                                                 \
    X(STATUS_ADD, "Add something")                                                                 \
    X(STATUS_DO_ADD, "Add it")                                                                     \
    X(STATUS_DO_CLOSE, "It is solved: close it")                                                   \
    X(EVENT_FILED, "You filed it.")                                                                \
    X(EVENT_TOLD, "The first person was told.")                                                    \
    X(EVENT_OWNED, "Somebody took it on.")                                                         \
    X(EVENT_OVERDUE, "A promised word did not come. It went on to the level above.")               \
    X(EVENT_COMMENT, "You added:")                                                                 \
    X(EVENT_CLOSED, "It was closed.")

/* clang-format off */
#define FA_PHRASES(X)                                                                              \
    FIREALARM_WORDS(X) FA_PHRASES_POINTS(X) FA_PHRASES_UNITS(X) FA_PHRASES_MONTHS(X)               \
    FA_PHRASES_TIMES(X) FA_PHRASES_BUSINESS(X) FA_PHRASES_MESSAGES(X) FA_PHRASES_WEEKLY(X) FA_PHRASES_PAGES(X)             \
    FA_PHRASES_ACK(X) FA_PHRASES_FILE(X) FA_PHRASES_STATUS(X)
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
