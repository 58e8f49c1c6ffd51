/* SPDX-License-Identifier: MIT */
/* The words that a message is framed by, in English. A notice may bring them in its reader's
 * language, in this order (`words`); what it brings none for is said in English. New ones are
 * appended: their places are known to plugins that were built before. */
#ifndef FIREALARM_WORDS_H
#define FIREALARM_WORDS_H

/* Of a kind of notice: what stands before its title, and what it is. */
#define FIREALARM_WORDS(X)                                                                         \
    X(ALARM_SAYS, "You are asked to act.")                                                         \
    X(REMINDER, "Reminder")                                                                        \
    X(REMINDER_SAYS, "Nobody owns this yet.")                                                      \
    X(OVERDUE, "Overdue")                                                                          \
    X(OVERDUE_SAYS, "The owner's time for the next word has passed.")                              \
    X(OWNED, "Owned")                                                                              \
    X(OWNED_SAYS, "Somebody owns it. Nothing is expected of you.")                                 \
    X(RESOLVED, "Resolved")                                                                        \
    X(RESOLVED_SAYS, "It is over. Nothing is expected of you.")                                    \
    X(RETURNED, "Calm for now")                                                                    \
    X(RETURNED_SAYS, "The values are back in bounds. It is still watched.")                        \
    X(HELP, "Help wanted")                                                                         \
    X(HELP_SAYS, "A colleague asks for your help. It is raised if it stays open.")                 \
    X(UNOWNED, "Nobody owned")                                                                     \
    X(UNOWNED_SAYS, "It went away by itself, and nobody had owned it.")                            \
    X(DIGEST_SAYS, "Each line is an alarm of its own.")                                            \
    X(WEEKLY, "Weekly")                                                                            \
    X(WEEKLY_SAYS, "Once a week, for you alone. Nothing is to be answered.")                       \
    X(TEST, "Test")                                                                                \
    X(TEST_SAYS, "This is a test. Nothing is expected of you.")                                    \
    X(DRILL, "Drill")                                                                              \
    X(DRILL_SAYS, "Nothing has happened: this is a drill.")                                        \
    X(FIRE_ALARM, "Fire alarm")                                                                    \
    X(COLON, ": ")                                                                                 \
    X(EXPECTED, "Expected of you")                                                                 \
    X(TO_OWN_IT, "To own it")                                                                      \
    X(OPEN_LINK, "To own it, open this link")                                                      \
    X(TYPE_CODE, "and type the code")                                                              \
    X(OR, "Or")                                                                                    \
    X(OWN_IT, "Own it")                                                                            \
    X(CODE, "code")                                                                                \
    X(SINCE, "Since")                                                                              \
    X(OWNER, "Owner")                                                                              \
    X(NEXT_WORD_BY, "Next word by")                                                                \
    X(CALLED_IN_VAIN, "Called, and nobody owns it")                                                \
    X(ALSO_TOLD, "Also told")                                                                      \
    X(CATEGORY, "Category")                                                                        \
    X(CUSTOMER, "Customer")                                                                        \
    X(VALUE, "Value")                                                                              \
    X(FILINGS, "Filings")                                                                          \
    X(DETAILS, "Details")                                                                          \
    X(SENT_TO, "Sent to")                                                                          \
    X(SENT_AT, "Sent at")                                                                          \
    X(ALARM, "Alarm")                                                                              \
    X(RULE, "Rule")                                                                                \
    X(LINE_SINCE, "since")                                                                         \
    X(LINE_OWNER, "owner")                                                                         \
    X(STATE_ACKNOWLEDGED, "acknowledged")                                                          \
    X(STATE_RETURNED, "returned")                                                                  \
    X(STATE_RESOLVED, "resolved")

enum firealarm_word {
#define FIREALARM_WORD_ID(id, english) FIREALARM_WORD_##id,
    FIREALARM_WORDS(FIREALARM_WORD_ID)
#undef FIREALARM_WORD_ID
        FIREALARM_WORD__COUNT
};

#endif
