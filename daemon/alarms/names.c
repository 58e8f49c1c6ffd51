/* SPDX-License-Identifier: MIT */
/* Codes and states in words. */
#include "alarms/engine.h"

const char *fa_alarm_state_name(enum fa_alarm_state state)
{
    static const char *const names[] = {
#define X(name, text) [FA_ALARM_##name] = text,
        FA_ALARM_STATES(X)
#undef X
    };
    return state < FA_ALARM__COUNT ? names[state] : "gone";
}

const char *fa_notification_kind_name(enum fa_notification_kind kind)
{
    static const char *const names[FA_NOTE__COUNT] = {
        "alarm",    "reminder", "help",    "acknowledged", "overdue",
        "returned", "resolved", "unowned", "test",
    };
    return names[kind];
}

const char *fa_notification_state_name(enum fa_notification_state state)
{
    static const char *const names[FA_NOTICE__COUNT] = {
        "queued", "waiting", "slow", "sent", "dead", "dropped",
    };
    return names[state];
}

const char *fa_journal_code_name(enum fa_journal_code code)
{
    switch (code) {
#define X(name, number)                                                                            \
    case FA_J_##name:                                                                              \
        return #name;
        FA_JOURNAL_CODES(X)
#undef X
    default:
        return "UNNAMED";
    }
}
