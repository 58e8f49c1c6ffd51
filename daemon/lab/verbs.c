/* SPDX-License-Identifier: MIT */
/* What a line of a scenario may be, a row each. The row drives parsing, messages and the listing.
 *
 * A pattern is the verb's own words, then what must follow, then groups in brackets that may follow
 * in any order; script.h says what the words in capitals stand for. */
#include "lab/verbs.h"

const struct fa_script_verb fa_script_verbs[FA_SCRIPT_VERBS] = {
    {FA_DO_CONFIG, "config SOURCE", "a FILE or a BLOCK; before everything else, joined in order"},
    {FA_DO_RELOAD, "reload SOURCE", "files stay, blocks give way to this one"},
    {FA_DO_RELOAD_REFUSED, "reload refused SOURCE [TEXT]",
     "must be refused, with TEXT in a fault; the running configuration stays"},
    {FA_DO_ADVANCE, "advance DURATION", "time passes"},
    {FA_DO_METRIC,
     "metric SERIES NUMBERS [as gauge|counter|total|timer|set|state] [times COUNT] [every DURATION] "
     "[for DURATION] [ago DURATION]",
     "samples; a later line for the same series takes the place of one that repeats. With `ago` they "
     "say that they are of then: late, or a correction of the sample of that time"},
    {FA_DO_INTERVAL, "interval DURATION",
     "between samples of 0+10x20 and of lists in quotes that say no `every`; 1m"},
    {FA_DO_QUIET, "quiet SERIES", "a series that repeats falls silent"},
    {FA_DO_STALE, "stale SERIES", "the sender says that the series ends"},
    {FA_DO_ALERT, "alert SERIES [ends SIGNED] [every DURATION] [for DURATION] [TEXT]",
     "another system sends an alert: its name and labels, its end (+4m) and TEXT as its summary; an "
     "end that is past says that it is over. A later line takes the place of one that repeats"},
    {FA_DO_FILE, "file NAME PAIRS [TEXT] [times COUNT]",
     "NAME (nobody: not proved) files; category customer about strike level key known receipt; about "
     "and strike take several, a,b"},
    {FA_DO_WORD, "word NAME TEXT", "the reporter's word to receipt NAME"},
    {FA_DO_DONE, "done NAME [TEXT]", "the reporter closes receipt NAME"},
    {FA_DO_ACK, "ack ALARM by NAME [for DURATION] [TEXT]", "somebody owns it"},
    {FA_DO_RESOLVE, "resolve ALARM by NAME [TEXT]", "somebody closes it"},
    {FA_DO_COMMENT, "comment ALARM by NAME TEXT", "a word to an alarm"},
    {FA_DO_RECUSE, "recuse ALARM by NAME [about NAME]",
     "somebody steps out of an alarm, or names whom it is about"},
    {FA_DO_GUESS, "guess ALARM by NAME [times COUNT]",
     "a wrong code is typed on a link that NAME got"},
    {FA_DO_TEST, "test NAME", "an operator tests a person's channels"},
    {FA_DO_RECEIVER, "receiver NAME ok|503|404|hang|lost [for NAME]",
     "how a channel answers from now on; `for` one person only. lost: it takes the message and the "
     "answer never comes"},
    {FA_DO_COURIER, "courier dies|returns", "what it had open has no known outcome"},
    {FA_DO_CRASH, "crash [kept] [for DURATION]",
     "memory and all that was not durable are gone; kept: the oldest commit on its way was durable "
     "and nobody heard of it"},
    {FA_DO_RESTART, "restart [after DURATION]", "a clean stop, then a start from the store"},
    {FA_DO_STOP, "stop", "a clean stop"},
    {FA_DO_START, "start", "from the store"},
    {FA_DO_JUMP, "jump clock SIGNED", "the wall clock steps"},
    {FA_DO_FAIL_STORE, "fail store COUNT", "so many commits find it full; each is tried again"},
    {FA_DO_STORE_TAKES, "store takes DURATION", "until a commit is durable"},
    {FA_DO_REPLAY, "replay NAME via NAME", "an operator tries an unsettled notification again"},
    {FA_DO_DROP, "drop NAME via NAME", "an operator throws an unsettled notification away"},
    {FA_DO_TROUBLE, "trouble NAME [over]", "the daemon's own"},
    {FA_DO_SILENCE,
     "silence NAME TEXT by NAME for DURATION [after DURATION] [upto NAME] [says TEXT]",
     "alarms that fit all matchers in TEXT (\"rule=queue site=~eu.*\") tell nobody and do not "
     "climb; upto: severities that are worse are heard; says: the reason"},
    {FA_DO_UNSILENCE, "unsilence NAME by NAME", "a person ends it before its time"},
    {FA_DO_DRILL, "drill NAME by NAME [within DURATION] [now]",
     "an operator drills a policy; now: also in quiet hours"},
    {FA_DO_FORGET, "forget", "what was told and journalled so far counts as expected"},
    {FA_DO_NO_RESTARTS, "no restarts TEXT", "why --restart-everywhere must leave this one out"},
    {FA_DO_NEVER, "never tell NAME [via NAME]", "not even a try, from the next line on"},
    {FA_DO_ALLOW, "allow tell NAME [via NAME] [kind NAME]",
     "`nothing else` does not mind these; NAME anyone: whoever it is"},
    {FA_DO_NOTHING_ELSE, "nothing else",
     "at the end no delivery is left that nothing expected or allowed"},
    {FA_EXPECT_TELL,
     "expect tell NAME [via NAME] [kind NAME] [of ALARM] [step COUNT] [loop COUNT] [again] "
     "[lines COUNT] [says TEXT] [contains TEXT] [within DURATION]",
     "a delivery, or a line of a digest; lines: its message has so many, 1: it came by itself; `again` "
     "one that repeats a key; says, contains: its summary as rendered; with "
     "`at` at that time; within: lets so much time pass for it"},
    {FA_EXPECT_MESSAGES, "expect messages COUNT to NAME [via NAME]",
     "that reached NAME so far, a digest as one"},
    {FA_EXPECT_NO_TELL, "expect no tell [NAME] [via NAME] [kind NAME]",
     "no delivery left that fits"},
    {FA_EXPECT_TRY, "expect try NAME [via NAME] [kind NAME] [times COUNT]",
     "tries without a receiver that took it; times: exactly so many"},
    {FA_EXPECT_NOTHING, "expect nothing [for DURATION]", "no delivery is left; nor comes"},
    {FA_EXPECT_ALARM, "expect alarm ALARM NAME [FLAGS]",
     "its state: pending unacknowledged acknowledged returned resolved; flags: latched unknown "
     "orphaned shadow emptied filed overdue trouble drill shelved suppressed flapping, "
     "-flag: not set"},
    {FA_EXPECT_NO_ALARM, "expect no alarm ALARM", "there never was one, or it was not raised"},
    {FA_EXPECT_OWNER, "expect owner NAME [of ALARM]", "nobody: none"},
    {FA_EXPECT_STEP, "expect step COUNT [loop COUNT] [of ALARM]",
     "the step that was told last, from 1"},
    {FA_EXPECT_VALUE, "expect value NUMBER [of ALARM]", "of the series"},
    {FA_EXPECT_FILINGS, "expect filings COUNT [of ALARM]", "in the alarm"},
    {FA_EXPECT_REPLY, "expect reply ok|already|refused|none [NAME]",
     "to the last statement that asks; NAME: INVAL NOTFOUND CONFLICT DENIED FULL ...; none: it waits"},
    {FA_EXPECT_RECEIPT, "expect receipt NAME same as NAME", "one filing, not two"},
    {FA_EXPECT_FILING, "expect filing NAME open|raised|closed|gone", "by its receipt"},
    {FA_EXPECT_JOURNAL, "expect journal NAME [times COUNT]",
     "an entry of that code not taken yet; times: exactly so many"},
    {FA_EXPECT_NO_JOURNAL, "expect no journal NAME", "none left"},
    {FA_EXPECT_OUTBOX, "expect outbox COUNT [state NAME]", "notifications not settled"},
    {FA_EXPECT_SEES, "expect view NAME ALARM", "NAME may read it"},
    {FA_EXPECT_HEARD, "expect no silence",
     "each alarm that climbs reached somebody, or operators know that it reaches nobody"},
    {FA_EXPECT_BLIND, "expect no view NAME ALARM", "NAME may not know of it"},
    {FA_EXPECT_SILENCE, "expect silenced NAME waiting|active|over", "a silence of the scenario"},
    {FA_EXPECT_DRILL, "expect drill NAME running|passed|failed", "the last one of a policy"},
};

const char *fa_script_verb(size_t index, const char **ret_help)
{
    if (index >= FA_SCRIPT_VERBS) {
        return NULL;
    }
    *ret_help = fa_script_verbs[index].help;
    return fa_script_verbs[index].pattern;
}
