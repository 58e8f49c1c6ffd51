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
        "alarm",   "reminder", "help",     "acknowledged", "overdue", "returned", "resolved",
        "unowned", "test",     "silenced", "silence-over", "digest",  "weekly",
    };
    return names[kind];
}

const char *fa_notification_state_name(enum fa_notification_state state)
{
    static const char *const names[FA_NOTICE__COUNT] = {
        "queued", "waiting", "slow", "sent", "dead", "dropped", "held",
    };
    return names[state];
}

const char *fa_silence_state_name(enum fa_silence_state state)
{
    static const char *const names[] = {
#define X(name, text) [FA_SILENCE_##name] = text,
        FA_SILENCE_STATES(X)
#undef X
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

const char *fa_moment_name(const struct fa_moment *moment)
{
    static const char *const names[] = {
        [FA_J_START] = "restarted",      [FA_J_PENDING] = "pending",
        [FA_J_RAISED] = "raised",        [FA_J_STEP] = "step",
        [FA_J_EMPTIED] = "emptied",      [FA_J_RETURNED] = "returned",
        [FA_J_RESUMED] = "resumed",      [FA_J_ACKED] = "acknowledged",
        [FA_J_OVERDUE] = "overdue",      [FA_J_RESOLVED] = "resolved",
        [FA_J_UNOWNED] = "unowned",      [FA_J_COMMENTED] = "commented",
        [FA_J_UNKNOWN] = "unknown",      [FA_J_ATTACHED] = "filing",
        [FA_J_ORPHANED] = "orphaned",    [FA_J_SENT] = "sent",
        [FA_J_RETRY] = "failed",         [FA_J_REJECTED] = "rejected",
        [FA_J_MOVED_ON] = "moved-on",    [FA_J_DEAD] = "dead",
        [FA_J_DROPPED] = "dropped",      [FA_J_REPLAY] = "replayed",
        [FA_J_UNREACHED] = "unreached",  [FA_J_WRONG_CODE] = "wrong-code",
        [FA_J_LOCKED] = "locked",        [FA_M_LEFT_OUT] = "left-out",
        [FA_M_MUTE] = "no-channel",      [FA_M_LOST] = "lost",
        [FA_M_FULL] = "outbox-full",     [FA_J_SHELVED] = "silenced",
        [FA_J_SUPPRESSED] = "inhibited", [FA_J_HEARD] = "heard-again",
        [FA_J_HIDDEN] = "hidden-long",   [FA_J_SKIPPED] = "skipped",
        [FA_J_PAUSED] = "paused",        [FA_J_KEPT] = "kept",
        [FA_J_RECUSED] = "recused",      [FA_J_HELD] = "held",
        [FA_J_SPARED] = "spared",        [FA_J_DRILL] = "drill",
        [FA_J_ANSWERED] = "answered",    [FA_J_SILENT] = "unanswered",
    };
    const char *name = moment->code < sizeof names / sizeof names[0] ? names[moment->code] : NULL;
    return name != NULL ? name : "other";
}
