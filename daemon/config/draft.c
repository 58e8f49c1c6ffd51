/* SPDX-License-Identifier: MIT */
/* The tables: every group, every key. What is not here cannot be configured; what is here is read,
 * checked and documented by it (keys.c, reference.c). A default is written as in a file. */
#include "config/draft.h"

#define KEYS(table)         .keys = (table), .key_count = sizeof(table) / sizeof(table)[0]
#define AT(type, m)         .offset = offsetof(type, m)
#define LIST(type, m)       .offset = offsetof(type, m.items), .offset2 = offsetof(type, m.count)
#define PAIR(type, m, n)    .offset = offsetof(type, m), .offset2 = offsetof(type, n)
#define DURATION(low, high) .min = (low), .max = (high)

#define T struct fa_draft_contact
static const struct fa_key contact_keys[] = {
    {"channel", FA_KEY_NAME, FA_KEY_REQUIRED, AT(T, e.channel), .help = "The channel's name."},
    {"address", FA_KEY_TEXT, 0, AT(T, e.address), .max = 500,
     .help =
         "The person's address there, for instance a mail address. Without it the channel's own "
         "address is used."},
};
static const struct fa_section contact_section = {
    "a person's channel", KEYS(contact_keys), sizeof(T), .help = "One way to reach the person."};
#undef T

#define T struct fa_draft_person
static const struct fa_key person_keys[] = {
    {"name", FA_KEY_NAME, FA_KEY_REQUIRED, AT(T, e.name),
     .help = "Short name that targets, managers and teams refer to."},
    {"display", FA_KEY_TEXT, 0, AT(T, e.display), .max = 200,
     .help = "Name as people read it. Without it: name."},
    {"aliases", FA_KEY_TEXTS, 0, PAIR(T, e.aliases, e.alias_count), .max = 16,
     .help = "Other names that the person goes by, one person's each: who files about \"Bobby\" "
             "means them. People with one address on a channel count as one reader anyway."},
    {"uid", FA_KEY_U32S, 0, LIST(T, uid), .min = 0, .max = INT64_C(4294967294),
     .help = "User id on this machine: who connects to a Unix socket with it is this person."},
    {"uids", FA_KEY_U32S, 0, PAIR(T, e.uids, e.uid_count), .min = 0, .max = INT64_C(4294967294),
     .help = "The same, for several."},
    {"token", FA_KEY_TEXTS, 0, LIST(T, token), .max = 1,
     .help = "BLAKE2b-256 of the person's bearer token in 64 hexadecimal digits; never the token."},
    {"tokens", FA_KEY_TEXTS, 0, LIST(T, tokens), .max = 16, .help = "The same, for several."},
    {"roles", FA_KEY_TEXTS, 0, PAIR(T, e.roles, e.role_count), .max = 64,
     .help = "Roles that the person has; targets say \"role:NAME\"."},
    {"manager", FA_KEY_NAME, 0, AT(T, e.manager),
     .help = "Whom the person reports to. Decides who is too near to an accused."},
    {"deputies", FA_KEY_TEXTS, 0, PAIR(T, e.deputies, e.deputy_count), .max = 64,
     .help = "Who stands in for the person."},
    {"assistants", FA_KEY_TEXTS, 0, PAIR(T, e.assistants, e.assistant_count), .max = 64,
     .help = "Who works for the person and may learn what the person learns."},
    {"delegates", FA_KEY_TEXTS, 0, PAIR(T, e.delegates, e.delegate_count), .max = 64,
     .help = "Who reads the person's mail."},
    {"channels", FA_KEY_GROUPS, 0, LIST(T, contacts), .section = &contact_section,
     .help = "How to reach the person, the preferred way first."},
    {"independent", FA_KEY_BOOL, 0, AT(T, e.independent), .def = "false",
     .help = "An independent contact: takes what nobody else may learn. At least two are needed."},
    {"operator", FA_KEY_BOOL, 0, AT(T, e.operator_), .def = "false",
     .help = "May see the outbox, without content, and test channels."},
    {"budget", FA_KEY_U32, 0, AT(T, e.budget), .min = 1, .max = 10000,
     .help =
         "Messages a week that are meant to be enough for the person; the weekly digest says "
         "when there were more. Those about what people file do not count, and it holds nothing "
         "back. Without it: the digest's own."},
    {"zone", FA_KEY_TEXT, 0, AT(T, e.zone), .max = 100,
     .help = "Time zone for the times that the person reads, and for days of leave; for instance "
             "\"Europe/Berlin\". Without it: the company's."},
    {"hours", FA_KEY_NAME, 0, AT(T, e.hours),
     .help = "The calendar of the person's working hours."},
    {"leave", FA_KEY_TEXTS, 0, LIST(T, leave), .min = 1, .max = 366,
     .help = "When the person is away and deputies stand in: days (\"2026-12-24\"), stretches of "
             "them (\"2026-12-24..2027-01-02\") or a calendar's name."},
    {"language", FA_KEY_NAME, 0, AT(T, e.language),
     .help = "The language that the person reads, of those under languages: \"de\", or \"de-at\", "
             "which is \"de\" where there is none of that name. Without it: English."},
    {"email", FA_KEY_REFUSED,
     .help = "write channels = ( { channel = \"mail\"; address = \"...\"; } )"},
    {"mail", FA_KEY_REFUSED,
     .help = "write channels = ( { channel = \"mail\"; address = \"...\"; } )"},
};
static const struct fa_section person_section = {
    "a person", KEYS(person_keys), sizeof(T),
    .help = "Somebody who files, is told, or is reported on."};
#undef T

#define T struct fa_draft_team
static const struct fa_key team_keys[] = {
    {"name", FA_KEY_NAME, FA_KEY_REQUIRED, AT(T, e.name), .help = "Targets say \"team:NAME\"."},
    {"display", FA_KEY_TEXT, 0, AT(T, e.display), .max = 200, .help = "Name as people read it."},
    {"members", FA_KEY_TEXTS, FA_KEY_REQUIRED, PAIR(T, e.members, e.member_count), .min = 1,
     .max = 1000, .help = "People's names."},
};
static const struct fa_section team_section = {"a team", KEYS(team_keys), sizeof(T),
                                               .help = "Several people under one name."};
#undef T

/* clang-format off */
/* A calendar that lies elsewhere; of both sections. */
#define REMOTE_KEYS                                                                                \
    {"url", FA_KEY_TEXT, 0, AT(T, remote.url), .min = 1, .max = 2000,                              \
     .help = "Where it comes from, for instance \"https://HOST/rota.ics\": firealarm-fetcher gets "  \
             "it a minute after each start and reload and then once a day, at most 1 MB within "   \
             "30s. file says where its copy lies. What cannot be fetched, is no calendar or makes " \
             "the configuration fail its proof changes nothing: the copy stays in force, and "     \
             "operators hear. Redirects are not followed."},                                       \
    {"user", FA_KEY_TEXT, 0, AT(T, remote.user), .min = 1, .max = 200,                             \
     .help = "Of url: to log in with."},                                                           \
    {"password", FA_KEY_PATH, FA_KEY_CREDENTIAL, AT(T, remote.password),                           \
     .help = "Of url: file or credential with the user's password."},                              \
    {"token", FA_KEY_PATH, FA_KEY_CREDENTIAL, AT(T, remote.token),                                 \
     .help = "Of url: file or credential with a bearer token."},                                   \
    {"ca", FA_KEY_PATH, 0, AT(T, remote.ca),                                                       \
     .help = "Of url: file with the authorities that its certificate is checked by."},             \
    {"allow_private", FA_KEY_BOOL, 0, AT(T, remote.allow_private), .def = "false",                 \
     .help = "Of url: it may be an address of this machine or of a private network."},             \
    {"allow_plain", FA_KEY_BOOL, 0, AT(T, remote.allow_plain), .def = "false",                     \
     .help = "Of url: a secret may go over http."},

/* clang-format on */
#define T struct fa_draft_calendar
static const struct fa_key calendar_keys[] = {
    {"name", FA_KEY_NAME, FA_KEY_REQUIRED, AT(T, name),
     .help = "What hours, leave and except refer to."},
    {"hours", FA_KEY_TEXTS, 0, LIST(T, hours), .min = 1, .max = 64,
     .help = "Each week the same: \"Mon-Fri 09:00-17:00\", \"Sat 10:00-13:00\", \"Fri "
             "22:00-06:00\" (into Saturday)."},
    {"file", FA_KEY_PATH, 0, AT(T, file),
     .help = "iCalendar, instead of hours: open while one of its events lasts. With url: where its "
             "copy lies, below the state directory, for instance /var/lib/firealarm/rota.ics."},
    {"except", FA_KEY_TEXTS, 0, LIST(T, except), .min = 1, .max = 16,
     .help = "Calendars whose time is taken out, for instance holidays."},
    {"zone", FA_KEY_TEXT, 0, AT(T, zone), .max = 100,
     .help = "Time zone of hours, of whole days and of times without one. Without it: the "
             "company's."},
    REMOTE_KEYS};
static const struct fa_section calendar_section = {
    "a calendar", KEYS(calendar_keys), sizeof(T),
    .help = "Open time under a name: working hours, holidays, leave. Calendars are read at start, "
            "at SIGHUP and once a day, for 400 days to come. Recurrences (RRULE) may be daily or "
            "rarer; EXDATE, RDATE and changed occurrences count. A time that clocks leap over is "
            "the moment of the leap; one that they show twice is the first for a beginning and the "
            "second for an end."};
#undef T

#define T struct fa_draft_schedule
static const struct fa_key schedule_keys[] = {
    {"name", FA_KEY_NAME, FA_KEY_REQUIRED, AT(T, name), .help = "Targets say \"schedule:NAME\"."},
    {"display", FA_KEY_TEXT, 0, AT(T, display), .max = 200, .help = "Name as people read it."},
    {"file", FA_KEY_PATH, FA_KEY_REQUIRED, AT(T, file),
     .help = "iCalendar. Each event says who is on duty: its ATTENDEEs, by the addresses of their "
             "channels; without such its SUMMARY, a person's name or display, several with "
             "commas. With url: where its copy lies, as of a calendar."},
    {"zone", FA_KEY_TEXT, 0, AT(T, zone), .max = 100,
     .help = "Time zone of whole days and of times without one. Without it: the company's."},
    REMOTE_KEYS};
static const struct fa_section schedule_section = {
    "a schedule", KEYS(schedule_keys), sizeof(T),
    .help = "A rotation: who is on duty when. A single event, or an occurrence that was changed or "
            "moved, takes its time from all events that recur: so a swap is one more event. Events "
            "of the same kind that overlap are on duty together."};
#undef T

#define T struct fa_draft_model
static const struct fa_key model_keys[] = {
    {"name", FA_KEY_NAME, FA_KEY_REQUIRED, AT(T, e.name), .help = "What accounts refer to."},
    {"display", FA_KEY_TEXT, 0, AT(T, e.display), .max = 200, .help = "Name as people read it."},
    {"conduit", FA_KEY_NAME, FA_KEY_REQUIRED, AT(T, e.conduit),
     .help = "The role that is the primary conduit to such a customer, and takes over from a "
             "conduit who is away or has left."},
};
static const struct fa_section model_section = {
    "a service model", KEYS(model_keys), sizeof(T),
    .help = "How a kind of customer is served: \"complex\", \"simple\", \"transaction\"."};
#undef T

#define T struct fa_draft_account
static const struct fa_key account_keys[] = {
    {"name", FA_KEY_TEXT, FA_KEY_REQUIRED, AT(T, e.name), .max = 200,
     .help = "The customer as filings and the label \"customer\" say it."},
    {"display", FA_KEY_TEXT, 0, AT(T, e.display), .max = 200, .help = "Name as people read it."},
    {"model", FA_KEY_NAME, FA_KEY_REQUIRED, AT(T, e.model),
     .help = "The service model. Its role stands in when the conduit is away or has left."},
    {"value_seen", FA_KEY_TEXT, 0, AT(T, e.value_seen), .max = 200,
     .help = "The level at which our value is seen there, for instance \"board\"."},
    {"conduit", FA_KEY_NAME, 0, AT(T, e.conduit),
     .help = "The person who is the primary conduit. Without one: those with the model's role."},
    {"touches", FA_KEY_TEXTS, 0, PAIR(T, e.touches, e.touch_count), .max = 200,
     .help = "Who touches or supports the customer: people, \"team:NAME\", \"role:NAME\", "
             "\"schedule:NAME\". The conduit is among them without being listed."},
};
static const struct fa_section account_section = {
    "an account", KEYS(account_keys), sizeof(T),
    .help = "A customer, and who answers for them: the targets account.conduit and "
            "account.touches."};
#undef T

#define T struct fa_draft_channel
static const struct fa_key channel_keys[] = {
    {"name", FA_KEY_NAME, FA_KEY_REQUIRED, AT(T, e.name),
     .help = "What people's channels refer to."},
    {"plugin", FA_KEY_NAME, FA_KEY_REQUIRED, AT(T, e.plugin),
     .help = "The notifier plugin. All further keys are the plugin's own."},
    {"shared", FA_KEY_BOOL, 0, AT(T, e.shared), .def = "false",
     .help = "More people than the addressee read it: a chat room, a wall display."},
    {"machine", FA_KEY_BOOL, 0, AT(T, e.machine), .def = "false",
     .help = "A program reads it, so there is no limit on how much it gets."},
    {"readers", FA_KEY_TEXTS, 0, PAIR(T, e.readers, e.reader_count), .max = 1000,
     .help =
         "Who reads a shared channel: people and \"team:NAME\". A shared channel without readers "
         "never carries what people filed."},
};
static const struct fa_section channel_section = {"a channel",
                                                  KEYS(channel_keys),
                                                  sizeof(T),
                                                  .is_open = true,
                                                  .given_offset = offsetof(T, given),
                                                  .help = "An instance of a notifier plugin."};
#undef T

#define T struct fa_draft_severity
static const struct fa_key severity_keys[] = {
    {"name", FA_KEY_NAME, FA_KEY_REQUIRED, AT(T, e.name), .help = "What rules refer to."},
    {"ack_default", FA_KEY_DURATION, 0, AT(T, e.ack_default), DURATION(FA_MINUTE, 30 * FA_DAY),
     .def = "4h",
     .help = "An acknowledgement without a time lasts so long, then the climb resumes."},
    {"ack_max", FA_KEY_DURATION, 0, AT(T, e.ack_max), DURATION(FA_MINUTE, 90 * FA_DAY), .def = "1d",
     .help = "The longest that an acknowledgement may last."},
    {"fail_attempts", FA_KEY_U32, 0, AT(T, e.fail_attempts), .min = 1, .max = 100, .def = "3",
     .help = "After so many failed tries of one message the escalation moves on."},
    {"fail_after", FA_KEY_DURATION, 0, AT(T, e.fail_after), DURATION(FA_SECOND, FA_DAY),
     .def = "1m", .help = "Or after failing for so long, whichever comes first."},
    {"urgent", FA_KEY_BOOL, 0, PAIR(T, e.urgent, has_urgent),
     .help = "People's quiet hours do not hold it back. Without it: true for \"critical\"."},
};
static const struct fa_section severity_section = {
    "a severity", KEYS(severity_keys), sizeof(T),
    .help = "How hard an alarm presses, the worst first. Without the list: critical (30m, 4h), "
            "warning (4h, 1d) and info (1d, 7d) for ack_default and ack_max."};
#undef T

#define T struct fa_draft_value
static const struct fa_key value_keys[] = {
    {"name", FA_KEY_NAME, FA_KEY_REQUIRED, AT(T, e.name), .help = "What rules refer to."},
    {"title", FA_KEY_TEXT, FA_KEY_REQUIRED, AT(T, e.title), .max = 200,
     .help = "The value in plain words, for instance \"We do not lie\"."},
    {"violations", FA_KEY_TEXTS, FA_KEY_REQUIRED, PAIR(T, e.violations, e.violation_count),
     .min = 1, .max = 64,
     .help = "The categories that violate it; each belongs to one value at most."},
};
static const struct fa_section value_section = {"a value", KEYS(value_keys), sizeof(T),
                                                .help = "What the company stands for, named once."};
#undef T

#define T struct fa_draft_category
static const struct fa_key category_keys[] = {
    {"name", FA_KEY_NAME, FA_KEY_REQUIRED, AT(T, e.name),
     .help = "What rules and values refer to."},
    {"title", FA_KEY_TEXT, FA_KEY_REQUIRED, AT(T, e.title), .max = 200,
     .help = "The kind of problem in one line."},
    {"examples", FA_KEY_TEXTS, 0, PAIR(T, e.examples, e.example_count), .max = 16,
     .help = "Examples in plain words: people recognise their case by them."},
    {"hint", FA_KEY_TEXT, 0, AT(T, e.hint), .max = 500, .help = "One sentence: why this guidance."},
    {"guidance", FA_KEY_CHOICE, 0, AT(T, guidance), .choices = "solve help raise", .def = "raise",
     .help = "solve: yours to mend; help: ask the helpers; raise: pull the alarm."},
    {"severity", FA_KEY_NAME, FA_KEY_REQUIRED, AT(T, e.severity),
     .help = "Of the alarm that a filing becomes."},
    {"policy", FA_KEY_NAME, FA_KEY_REQUIRED, AT(T, e.policy),
     .help = "Of the alarm that a filing becomes."},
    {"helpers", FA_KEY_TEXTS, 0, PAIR(T, e.helpers, e.helper_count), .max = 64,
     .help = "Targets that are told of a filing which asks for help."},
    {"due", FA_KEY_MEASURED, 0, PAIR(T, e.due, e.due_measure), DURATION(FA_MINUTE, 365 * FA_DAY),
     .def = "2d",
     .help =
         "What is to be solved or helped with is raised when it is not done by then. \"4 "
         "business hours\" and \"2 business days\" are counted from the filing as for of a rule "
         "is: what is filed on Friday at 16:00 is due in \"2 business days\" on Tuesday at "
         "16:00."},
    {"calendar", FA_KEY_NAME, 0, AT(T, e.calendar),
     .help = "The calendar that business days and hours of due are counted by. Without it: the "
             "company's."},
    {"value", FA_KEY_NAME, 0, AT(T, e.value),
     .help = "The value that it violates. Not needed: the value lists it."},
    {"unsilenceable", FA_KEY_BOOL, 0, AT(T, e.unsilenceable), .def = "false",
     .help = "No silence, maintenance window or inhibition hides its alarms. What people file is "
             "never hidden, whatever its category."},
};
static const struct fa_section category_section = {"a category", KEYS(category_keys), sizeof(T),
                                                   .help = "A kind of problem that people file."};
#undef T

#define T struct fa_draft_step
static const struct fa_key step_keys[] = {
    {"targets", FA_KEY_TEXTS, FA_KEY_REQUIRED, PAIR(T, e.targets, e.target_count), .min = 1,
     .max = 64, .help = "Whom to tell: a person, \"role:NAME\", \"team:NAME\" or \"independent\"."},
    {"channels", FA_KEY_TEXTS, 0, PAIR(T, e.channels, e.channel_count), .max = 16,
     .help = "Only over these channels. Without it: each person's own, in their order."},
    {"wait", FA_KEY_MEASURED, 0, PAIR(T, e.wait, e.measure), DURATION(FA_MINUTE, 7 * FA_DAY),
     .def = "15m",
     .help = "From this step to the next; from the last to its repetition. \"4 business hours\" "
             "and \"2 business days\" are counted by the step's during, without it by the "
             "company's calendar; see for of a rule."},
    {"during", FA_KEY_NAME, 0, AT(T, e.during),
     .help = "A calendar: the step is told only while it is open, and its wait runs only then. "
             "Without it: at any time."},
    {"urgent", FA_KEY_BOOL, 0, AT(T, e.urgent), .def = "false",
     .help = "People's quiet hours do not hold this step back, however severe the alarm is."},
};
static const struct fa_section step_section = {"a step", KEYS(step_keys), sizeof(T),
                                               .help = "One rung of a policy."};
#undef T

#define T struct fa_draft_policy
static const struct fa_key policy_keys[] = {
    {"name", FA_KEY_NAME, FA_KEY_REQUIRED, AT(T, name),
     .help = "What rules and categories refer to. The policy \"operators\" is needed: it hears of "
             "the daemon's own troubles."},
    {"steps", FA_KEY_GROUPS, FA_KEY_REQUIRED, LIST(T, steps), .section = &step_section,
     .help = "In their order; the last repeats until somebody owns the alarm."},
    {"repeat_from", FA_KEY_U32, 0, AT(T, repeat_from), .min = 1, .max = 64,
     .help = "After the last step the climb goes on with this one, counted from 1, and each loop "
             "widens. Without it: with the last."},
};
static const struct fa_section policy_section = {"a policy", KEYS(policy_keys), sizeof(T),
                                                 .help = "Who is told, in which order."};
#undef T

#define T struct fa_draft_incident
static const struct fa_key incident_keys[] = {
    {"category", FA_KEY_TEXTS, 0, PAIR(T, e.categories, e.category_count), .max = 64,
     .help = "Categories of filings that count."},
    {"value", FA_KEY_TEXTS, 0, LIST(T, values), .max = 64,
     .help = "Values: all their violations count."},
    {"per", FA_KEY_TEXTS, 0, PAIR(T, e.per, e.per_count), .max = 1,
     .help = "\"customer\": one alarm for each customer."},
    {"count", FA_KEY_U32, 0, AT(T, e.count), .min = 1, .max = 10000, .def = "1",
     .help = "Filings needed."},
    {"distinct_reporters", FA_KEY_U32, 0, AT(T, e.distinct_reporters), .min = 1, .max = 1000,
     .def = "1", .help = "Different people who must have filed."},
    {"within", FA_KEY_DURATION, 0, AT(T, e.within), DURATION(FA_MINUTE, 400 * FA_DAY),
     .help = "Only filings that are not older count. Without it: all open ones."},
};
static const struct fa_section incident_section = {
    "an incident pattern", KEYS(incident_keys), sizeof(T), .help = "Which filings make the alarm."};
#undef T

#define T struct fa_draft_alert
static const struct fa_key alert_keys[] = {
    {"where", FA_KEY_CHOSEN, FA_KEY_REQUIRED, PAIR(T, e.matches, e.match_count),
     .help =
         "Labels that the alert must carry, for instance { alertname = \"QueueSlow\"; severity = "
         "[ \"critical\", \"page\" ]; }: of a list, one."},
    {"per", FA_KEY_TEXTS, 0, PAIR(T, e.per, e.per_count), .max = 16,
     .help = "Labels that tell one alarm from another. Without it: all that the alert has."},
};
static const struct fa_section alert_section = {
    "an alert pattern", KEYS(alert_keys), sizeof(T),
    .help =
        "Which alerts of other systems make the alarm. It is over when they are said to be over; "
        "one that nobody renews is unknown and climbs on."};
#undef T

#define T struct fa_draft_rule
static const struct fa_key rule_keys[] = {
    {"name", FA_KEY_NAME, FA_KEY_REQUIRED, AT(T, e.name), .help = "Names the alarm too."},
    {"category", FA_KEY_NAME, 0, AT(T, e.category),
     .help = "Needed; an incident rule has the first that counts, if it names none."},
    {"severity", FA_KEY_NAME, 0, AT(T, e.severity), .help = "Without it: the category's."},
    {"policy", FA_KEY_NAME, 0, AT(T, e.policy), .help = "Without it: the category's."},
    {"summary", FA_KEY_TEXT, 0, AT(T, e.summary), .max = 1000,
     .help =
         "What the reader sees first; fields in braces, for instance {queue}, {value|duration}, "
         "{since|time}."},
    {"expect", FA_KEY_TEXT, 0, AT(T, e.expect), .max = 500,
     .help = "What is expected of the reader; plain text."},
    {"for", FA_KEY_MEASURED, 0, PAIR(T, e.for_ms, e.for_measure), DURATION(0, 30 * FA_DAY),
     .def = "0s",
     .help = "The condition must hold so long. \"4 business hours\" are as much open time of the "
             "calendar; of \"2 business days\" each is a day on which it is open, and half of its "
             "open time is half a day. So with hours from 9 to 17 what holds since Friday 16:00 "
             "fires on Tuesday at 16:00, and what begins on Saturday as if it were Monday 9:00; a "
             "holiday is no business day."},
    {"calendar", FA_KEY_NAME, 0, AT(T, e.calendar),
     .help = "The calendar that business days and hours of for are counted by. Without it: the "
             "company's."},
    {"keep_firing_for", FA_KEY_DURATION, 0, AT(T, e.keep_firing_for), DURATION(0, 30 * FA_DAY),
     .def = "0s", .help = "The condition must be over so long before the alarm returns."},
    {"hits", FA_KEY_U32, 0, AT(T, e.hits), .min = 1, .max = 64,
     .help = "With of: the condition must hold at so many of the last samples."},
    {"of", FA_KEY_U32, 0, AT(T, e.of), .min = 1, .max = 64,
     .help = "How many samples hits looks back on."},
    {"latched", FA_KEY_BOOL, 0, AT(T, e.latched), .def = "false",
     .help = "The alarm stays until a person closes it."},
    {"shadow", FA_KEY_BOOL, 0, AT(T, e.shadow), .def = "false",
     .help = "Evaluate and keep a record, tell nobody."},
    {"metric", FA_KEY_TEXT, 0, AT(T, e.metric.metric), .max = 200,
     .help = "The metric's name. A rule has one of metric, expr, incident and alert."},
    {"where", FA_KEY_PAIRS, 0, PAIR(T, e.metric.matches, e.metric.match_count),
     .help = "Labels that the series must carry, for instance { region = \"eu\"; }."},
    {"take", FA_KEY_TEXT, 0, AT(T, take), .max = 16,
     .help = "How the window becomes one number: last, avg, min, max, sum, count, rate, increase, "
             "share, or p1 to p99 for a quantile. Without it: last."},
    {"at_least", FA_KEY_U32, 0, AT(T, at_least), .min = 0, .max = INT64_C(1000000000), .def = "0",
     .help = "Fewer samples than that in the window say nothing."},
    {"over", FA_KEY_DURATION, 0, AT(T, e.metric.over), DURATION(FA_SECOND, 400 * FA_DAY),
     .help = "The window; needed for every take but last."},
    {"look_back", FA_KEY_DURATION, 0, AT(T, e.metric.look_back), DURATION(FA_SECOND, 400 * FA_DAY),
     .def = "5m", .help = "How old the newest sample may be; more for what is sent once a day."},
    {"per", FA_KEY_TEXTS, 0, PAIR(T, e.metric.per, e.metric.per_count), .max = 16,
     .help = "Labels that tell one alarm from another."},
    {"above", FA_KEY_REAL, 0, PAIR(T, e.metric.above, e.metric.has_above),
     .help = "Fires when the number is above it."},
    {"below", FA_KEY_REAL, 0, PAIR(T, e.metric.below, e.metric.has_below),
     .help = "Fires when the number is below it."},
    {"clear_below", FA_KEY_REAL, 0, PAIR(T, e.metric.clear_below, e.metric.has_clear_below),
     .help = "With above: clears only when the number is below this lower one."},
    {"clear_above", FA_KEY_REAL, 0, PAIR(T, e.metric.clear_above, e.metric.has_clear_above),
     .help = "With below: clears only when the number is above this higher one."},
    {"absent", FA_KEY_DURATION, 0, AT(T, e.metric.absent), DURATION(FA_SECOND, 400 * FA_DAY),
     .help = "Fires when no sample came for so long; instead of above or below."},
    {"incident", FA_KEY_GROUP, 0, AT(T, incident), .section = &incident_section,
     .help = "Fires on what people file."},
    {"and_expr", FA_KEY_TEXT, FA_KEY_LINES, AT(T, and_expr), .max = 65536,
     .help =
         "With incident: fires only while this PromQL expression yields a label set too; with per "
         "one whose label customer, if it has it, is the filing's. A filing that came before the "
         "numbers is raised when they say so. It adds an alarm: the filing climbs by its category "
         "as always, also when the numbers say nothing or are missing; a level below \"raise\" is "
         "raised by it. Each filing is raised once by such a rule."},
    {"alert", FA_KEY_GROUP, 0, AT(T, alert), .section = &alert_section,
     .help = "Fires on what another monitoring system has decided."},
    {"expr", FA_KEY_TEXT, FA_KEY_LINES, AT(T, e.query.text), .max = 65536,
     .help =
         "Fires for each label set that this PromQL expression yields; instead of metric. One "
         "function is ours: sketch_quantile_over_time(0.9, m[15m]), within 1 %, also of timers and "
         "of more than a sample a second, of which quantile_over_time is refused."},
    {"clear_expr", FA_KEY_TEXT, FA_KEY_LINES, AT(T, e.query.clear_text), .max = 65536,
     .help = "With expr: clears only when this expression yields the label set."},
    {"settle", FA_KEY_DURATION, 0, AT(T, e.query.settle), DURATION(0, FA_HOUR), .def = "1s",
     .help =
         "With expr or and_expr: what aggregates or joins waits so long for samples that belong together."},
    {"every", FA_KEY_DURATION, 0, AT(T, e.query.every), DURATION(FA_SECOND, FA_DAY), .def = "15s",
     .help =
         "With expr or and_expr: a value that moves by itself, such as a rate, is looked at so often."},
};
static const struct fa_section rule_section = {
    "a rule", KEYS(rule_keys), sizeof(T),
    .help = "When an alarm is raised: from a metric, from filings, or from alerts of others."};
#undef T

#define T struct fa_draft_maintenance
static const struct fa_key maintenance_keys[] = {
    {"name", FA_KEY_NAME, FA_KEY_REQUIRED, AT(T, name), .help = "For messages and lists."},
    {"where", FA_KEY_TEXTS, FA_KEY_REQUIRED, LIST(T, where), .min = 1, .max = FA_MATCHERS_MAX,
     .help = "Matchers, all of which an alarm must fit: \"NAME=VALUE\", \"NAME!=VALUE\", "
             "\"NAME=~REGEX\" or \"NAME!~REGEX\", where NAME is rule, severity, category or a "
             "label. For instance [ \"rule=queue-slow\", \"site=~eu-.*\" ]."},
    {"calendar", FA_KEY_NAME, 0, AT(T, calendar),
     .help = "It is on while this calendar is open. One of calendar and weekly is needed."},
    {"weekly", FA_KEY_TEXTS, 0, LIST(T, weekly), .min = 1, .max = FA_MAINTENANCE_SLOTS,
     .help =
         "It is on at these times of the week: \"sun 02:00-04:00\", \"mon-fri 22:00-02:00\", \"daily "
         "03:00-03:30\"."},
    {"zone", FA_KEY_TEXT, 0, AT(T, zone), .max = 100,
     .help = "Time zone of weekly, for instance that of the data centre. Without it: the "
             "company's."},
    {"reason", FA_KEY_TEXT, FA_KEY_REQUIRED, AT(T, reason), .min = 1, .max = FA_SILENCE_REASON_MAX,
     .help = "What is being done; who misses an alarm reads it."},
    {"owner", FA_KEY_NAME, FA_KEY_REQUIRED, AT(T, owner),
     .help = "The person who answers for it, and hears of its beginning and end."},
};
static const struct fa_section maintenance_section = {
    "a maintenance window", KEYS(maintenance_keys), sizeof(T),
    .help = "A silence that comes again and again: alarms that it takes are raised and recorded, "
            "tell nobody and do not climb until it ends. What people file is never silenced."};
#undef T

#define T struct fa_draft_inhibition
static const struct fa_key inhibition_keys[] = {
    {"when", FA_KEY_TEXTS, FA_KEY_REQUIRED, LIST(T, when), .min = 1, .max = FA_MATCHERS_MAX,
     .help = "Matchers of the alarm that explains others while it is unacknowledged or "
             "acknowledged, and not hidden itself."},
    {"hide", FA_KEY_TEXTS, FA_KEY_REQUIRED, LIST(T, hide), .min = 1, .max = FA_MATCHERS_MAX,
     .help = "Matchers of those that it hides. No alarm of them may be one that when takes."},
    {"equal", FA_KEY_TEXTS, 0, LIST(T, equal), .max = FA_INHIBIT_EQUAL_MAX,
     .help = "Labels that must have the same value on both sides, for instance [ \"site\" ]."},
    {"reason", FA_KEY_TEXT, FA_KEY_REQUIRED, AT(T, reason), .min = 1, .max = FA_SILENCE_REASON_MAX,
     .help = "Why the one explains the others; who looks for a hidden alarm reads it."},
    {"owner", FA_KEY_NAME, FA_KEY_REQUIRED, AT(T, owner), .help = "The person who answers for it."},
};
static const struct fa_section inhibition_section = {
    "an inhibition", KEYS(inhibition_keys), sizeof(T),
    .help = "An alarm that explains others hides them while it fires, and shows how many."};
#undef T

#define T struct fa_draft_define
static const struct fa_key define_keys[] = {
    {"name", FA_KEY_TEXT, FA_KEY_REQUIRED, AT(T, name), .max = 200,
     .help = "Stands for the expression in those of rules and of other definitions."},
    {"expr", FA_KEY_TEXT, FA_KEY_REQUIRED | FA_KEY_LINES, AT(T, expr), .max = 65536,
     .help = "PromQL."},
};
static const struct fa_section define_section = {"a definition", KEYS(define_keys), sizeof(T),
                                                 .help = "An expression that rules share."};
#undef T

#define T struct fa_draft_http_limits
static const struct fa_key http_limits_keys[] = {
    {"connections", FA_KEY_U32, 0, AT(T, e.connections), .min = 1, .max = 10000, .def = "256",
     .help = "Open at once."},
    {"header_bytes", FA_KEY_U32, 0, AT(T, e.header_bytes), .min = 1024, .max = 1 << 20,
     .def = "16384", .help = "Of one request."},
    {"body_bytes", FA_KEY_U32, 0, AT(T, e.body_bytes), .min = 1024, .max = 64 << 20,
     .def = "1048576", .help = "Of one request."},
    {"header_time", FA_KEY_DURATION, 0, AT(T, e.header_ms), DURATION(FA_SECOND, 10 * FA_MINUTE),
     .def = "10s", .help = "For a request's header to come in."},
    {"total_time", FA_KEY_DURATION, 0, AT(T, e.total_ms), DURATION(FA_SECOND, FA_HOUR), .def = "1m",
     .help = "For a whole request."},
    {"idle_time", FA_KEY_DURATION, 0, AT(T, e.idle_ms), DURATION(FA_SECOND, FA_HOUR), .def = "1m",
     .help = "Between two requests."},
};
static const struct fa_section http_limits_section = {"a listener's limits", KEYS(http_limits_keys),
                                                      sizeof(T), .help = "What a peer may take."};
#undef T

#define T struct fa_draft_listener
static const struct fa_key listener_keys[] = {
    {"name", FA_KEY_NAME, FA_KEY_REQUIRED, AT(T, e.name), .help = "For messages and metrics."},
    {"address", FA_KEY_TEXT, FA_KEY_REQUIRED, AT(T, e.address), .max = 200,
     .help = "\"unix:/run/firealarm/api.sock\", \"127.0.0.1:8650\", \"[::1]:8650\" or \"*:8650\"."},
    {"mode", FA_KEY_MODE, 0, AT(T, e.mode), .def = "0660", .help = "Of a Unix socket's file."},
    {"routes", FA_KEY_TEXTS, FA_KEY_REQUIRED, LIST(T, routes), .min = 1, .max = 4,
     .help =
         "What is served: ingest, api, pages, metrics. Feeds and people never share a listener."},
    {"cert", FA_KEY_PATH, 0, AT(T, e.cert),
     .help = "Certificate chain, PEM. TCP beyond loopback needs it."},
    {"key", FA_KEY_PATH, FA_KEY_CREDENTIAL, AT(T, e.key), .help = "Its private key, PEM."},
    {"token", FA_KEY_TEXTS, 0, LIST(T, token), .min = 1, .max = 16,
     .help = "Who feeds must show one of these bearer tokens, each written as its BLAKE2b-256 in "
             "64 hexadecimal digits. ingest beyond loopback needs it; else everybody may feed who "
             "can connect. People's tokens are theirs and open nothing here."},
    {"limits", FA_KEY_GROUP, 0, AT(T, limits), .section = &http_limits_section,
     .help = "What a peer may take."},
};
static const struct fa_section listener_section = {"a listener", KEYS(listener_keys), sizeof(T),
                                                   .help = "An HTTP server's socket."};
#undef T

#define T struct fa_draft_feed_limits
static const struct fa_key feed_limits_keys[] = {
    {"series", FA_KEY_U32, 0, AT(T, series), .min = 1, .max = 10000000, .def = "100000",
     .help = "Series kept for this feed; further ones are counted and dropped."},
    {"labels", FA_KEY_U32, 0, AT(T, labels), .min = 0, .max = 256, .def = "32",
     .help = "Labels of one series."},
    {"name", FA_KEY_U32, 0, AT(T, name), .min = 8, .max = 4096, .def = "200",
     .help = "Bytes of a metric's or label's name."},
    {"value", FA_KEY_U32, 0, AT(T, value), .min = 8, .max = 65536, .def = "1024",
     .help = "Bytes of a label's value."},
};
static const struct fa_section feed_limits_section = {"a feed's limits", KEYS(feed_limits_keys),
                                                      sizeof(T), .help = "What a sender may take."};
#undef T

#define T struct fa_draft_feed
static const struct fa_key feed_keys[] = {
    {"name", FA_KEY_NAME, FA_KEY_REQUIRED, AT(T, name), .help = "For messages and metrics."},
    {"address", FA_KEY_TEXT, 0, AT(T, address), .max = 200,
     .help = "Of datagrams: \"udp:127.0.0.1:8125\" or \"unixgram:/run/firealarm/statsd.sock\". "
             "Without it the feed takes requests, on listeners whose routes hold ingest."},
    {"mode", FA_KEY_MODE, 0, AT(T, mode), .def = "0660", .help = "Of a Unix socket's file."},
    {"listener", FA_KEY_NAME, 0, AT(T, listener),
     .help = "Of requests: the one listener that takes them; else all with ingest do."},
    {"path", FA_KEY_TEXTS, 0, LIST(T, path), .min = 1, .max = 16,
     .help = "Of requests: where they come, e.g. \"/api/v1/write\"; else the decoder's own paths."},
    {"decoder", FA_KEY_NAME, FA_KEY_REQUIRED, AT(T, decoder),
     .help = "The decoder plugin. All further keys are the plugin's own."},
    {"limits", FA_KEY_GROUP, 0, AT(T, limits), .section = &feed_limits_section,
     .help = "What a sender may take."},
};
static const struct fa_section feed_section = {"a feed",
                                               KEYS(feed_keys),
                                               sizeof(T),
                                               .is_open = true,
                                               .given_offset = offsetof(T, given),
                                               .help = "Where samples come in."};
#undef T

#define T struct fa_draft_fetch
static const struct fa_key fetch_keys[] = {
    {"name", FA_KEY_NAME, FA_KEY_REQUIRED, AT(T, e.name),
     .help = "For messages and metrics; the label job of its series."},
    {"kind", FA_KEY_CHOICE, 0, AT(T, e.kind), .choices = "scrape query check heartbeat",
     .def = "scrape",
     .help = "scrape: what the address answers is read by a decoder. query: the address is a "
             "Prometheus-compatible server's, and its answer to a query becomes a metric. check: "
             "does it answer at all? heartbeat: a dead man's switch. The address is called only "
             "while the daemon makes progress, so that somebody outside notices when it does not: "
             "no deadline is overdue, and since the call before a write reached the disk and the "
             "courier answered."},
    {"url", FA_KEY_TEXT, 0, AT(T, e.url), .min = 1, .max = 2000,
     .help = "\"https://HOST/metrics\"; of a query the server's, without /api/v1/query; of a check "
             "also \"tcp://HOST:PORT\", which is well when it accepts a connection. Redirects are "
             "not followed."},
    {"secret_url", FA_KEY_PATH, FA_KEY_CREDENTIAL, AT(T, e.secret_url),
     .help = "Of a heartbeat, instead of url: file or credential with the address, since whoever "
             "knows that one can say that all is well."},
    {"every", FA_KEY_DURATION, 0, AT(T, e.every), DURATION(FA_SECOND, FA_DAY), .def = "15s",
     .help = "From one run to the next. A run that is due while the one before it is not over is "
             "left out."},
    {"timeout", FA_KEY_DURATION, 0, AT(T, e.timeout), DURATION(100, 10 * FA_MINUTE),
     .help = "For a run as a whole; not longer than every. Without it: 10s, or every if that is "
             "less."},
    {"decoder", FA_KEY_NAME, 0, AT(T, decoder),
     .help = "Of a scrape: the decoder plugin that reads the answer; without it: prometheus. All "
             "further keys are the plugin's own."},
    {"query", FA_KEY_TEXT, FA_KEY_LINES, AT(T, e.query), .min = 1, .max = 10000,
     .help = "Of a query: the expression that the server evaluates to an instant vector or a "
             "scalar."},
    {"metric", FA_KEY_TEXT, 0, AT(T, e.metric), .min = 1, .max = 200,
     .help = "Of a query: what rules call the answer; its labels stay."},
    {"labels", FA_KEY_PAIRS, 0, PAIR(T, e.labels, e.label_count),
     .help =
         "Added to every series, for instance { region = \"eu\"; }. job (the name) and instance "
         "(host and port) are there without being written. A label of that name that comes with "
         "the series is called exported_NAME then."},
    {"user", FA_KEY_TEXT, 0, AT(T, e.user), .min = 1, .max = 200, .help = "To log in with."},
    {"password", FA_KEY_PATH, FA_KEY_CREDENTIAL, AT(T, e.password),
     .help = "File or credential with the user's password."},
    {"token", FA_KEY_PATH, FA_KEY_CREDENTIAL, AT(T, e.token),
     .help = "File or credential with a bearer token."},
    {"headers", FA_KEY_PAIRS, 0, PAIR(T, e.headers, e.header_count),
     .help = "Sent along, for instance { X-Scope-OrgID = \"shop\"; }. No secrets: they are visible "
             "here."},
    {"ca", FA_KEY_PATH, 0, AT(T, e.ca),
     .help = "PEM file of the authorities to trust instead of the system's."},
    {"allow_private", FA_KEY_BOOL, 0, AT(T, e.allow_private), .def = "false",
     .help = "The address may be private or loopback."},
    {"allow_plain", FA_KEY_BOOL, 0, AT(T, e.allow_plain), .def = "false",
     .help = "A token or password may go over http://, where others can read it."},
    {"max_bytes", FA_KEY_U32, 0, AT(T, e.max_bytes), .min = 1024, .max = 256 << 20,
     .def = "16777216", .help = "Of an answer, decompressed; a longer one counts as none."},
    {"limits", FA_KEY_GROUP, 0, AT(T, limits), .section = &feed_limits_section,
     .help = "What it may take."},
};
static const struct fa_section fetch_section = {
    "a fetch job",
    KEYS(fetch_keys),
    sizeof(T),
    .is_open = true,
    .given_offset = offsetof(T, given),
    .help = "What is pulled by firealarm-fetcher, which runs only when there is such a job. Each "
            "has series of its own: up (1 or 0) and scrape_duration_seconds, of a scrape or query "
            "also scrape_samples_scraped (those that rules watch); of a check probe_success, "
            "probe_duration_seconds and probe_http_status_code. What a scrape or query brought "
            "ends with the first run that fails, and is unknown then."};
#undef T

#define T struct fa_draft_pages
static const struct fa_key pages_keys[] = {
    {"url", FA_KEY_TEXT, FA_KEY_REQUIRED, AT(T, url), .max = 200,
     .help = "Where people's phones reach the listener whose routes hold pages: "
             "\"https://alarm.example.com\". Links in messages begin with it."},
};
static const struct fa_section pages_section = {
    "the pages", KEYS(pages_keys), sizeof(T),
    .help = "Small pages for a phone: to own an alarm by the link in its message, to file, and to "
            "see what became of a filing. Without this group messages carry no link."};
#undef T

#define T struct fa_draft_store
static const struct fa_key store_keys[] = {
    {"plugin", FA_KEY_NAME, 0, AT(T, plugin), .def = "sqlite",
     .help = "The store plugin. All further keys are the plugin's own."},
    {"mac_key", FA_KEY_PATH, FA_KEY_REQUIRED | FA_KEY_CREDENTIAL, AT(T, mac_key),
     .help =
         "File with 64 hexadecimal digits: the key under which records are sealed. Never keep it "
         "beside the store's backups."},
};
static const struct fa_section store_section = {
    "the store",
    KEYS(store_keys),
    sizeof(T),
    .is_open = true,
    .given_offset = offsetof(T, given),
    .help = "Where filings, alarms and the journal are kept."};
#undef T

#define T struct fa_draft_times
static const struct fa_key times_keys[] = {
    {"rearm", FA_KEY_DURATION, 0, AT(T, rearm), DURATION(FA_MINUTE, 7 * FA_DAY), .def = "1h",
     .help = "An alarm that returned to normal and fires again within it goes on where it was."},
    {"returned_max", FA_KEY_DURATION, 0, AT(T, returned_max), DURATION(FA_HOUR, 30 * FA_DAY),
     .def = "1d",
     .help = "Returned and unowned for so long: closed as owned by nobody, and the level "
             "above hears of it."},
    {"slow_retry", FA_KEY_DURATION, 0, AT(T, slow_retry), DURATION(10 * FA_SECOND, FA_DAY),
     .def = "5m", .help = "Between tries of a rejected message while the alarm is unowned."},
};
static const struct fa_section times_section = {"the times", KEYS(times_keys), sizeof(T),
                                                .help = "Times of the engine."};
#undef T

#define T struct fa_draft_weekly
static const struct fa_key weekly_keys[] = {
    {"to", FA_KEY_TEXTS, FA_KEY_REQUIRED, LIST(T, to), .min = 1, .max = 64,
     .help = "Who gets it: people, \"role:NAME\", \"team:NAME\" or \"independent\". Each needs a "
             "channel that is not shared."},
    {"at", FA_KEY_TEXT, 0, AT(T, time), .max = 40, .def = "Mon 08:00",
     .help = "When, by each reader's own clocks."},
    {"budget", FA_KEY_U32, 0, AT(T, budget), .min = 1, .max = 10000,
     .help = "Messages a week that are meant to be enough for a person whose own budget is not "
             "given. Without it: no limit is told of."},
};
static const struct fa_section weekly_section = {
    "the weekly digest", KEYS(weekly_keys), sizeof(T),
    .help = "Once a week, for each reader what that one may know: near misses, feeds that stopped, "
            "rules that never fired, people never reached, alarms past due, how the reader's own "
            "promises were kept, and messages against the budget for them; \"firealarm weekly\" "
            "shows it beforehand. Promises of others are counted nowhere, and messages about what "
            "people filed in no number of messages. Without this group there is none."};
#undef T

#define T struct fa_draft_language
static const struct fa_key language_keys[] = {
    {"name", FA_KEY_NAME, FA_KEY_REQUIRED, AT(T, name),
     .help = "Its tag, such as \"de\" or \"pt-br\": what a person's language and a browser's "
             "Accept-Language name it by."},
    {"phrases", FA_KEY_PAIRS, FA_KEY_REQUIRED, LIST(T, phrases),
     .help =
         "What is said for each phrase: own_it = \"Ich \303\274bernehme\"; the last section lists "
         "them. A text holds each {place} of its phrase once, in any order. What is left out "
         "is said in English."},
};
static const struct fa_section language_section = {
    "a language", KEYS(language_keys), sizeof(T),
    .help =
        "What messages and pages say of themselves, in another language: to a person with this "
        "language over channels that are not machine, on the page behind their links, and on the "
        "other pages to a browser that asks for it. What people wrote, also rules' summaries and "
        "categories' titles, is passed on as it is; so are names of states, severities and "
        "categories. The API, the command line, the journal, logs and what a webhook calls its "
        "fields are in English."};
#undef T

#define T struct fa_draft_limits
static const struct fa_key limits_keys[] = {
    {"filings_open", FA_KEY_U32, 0, AT(T, filings_open), .min = 100, .max = 1000000, .def = "10000",
     .help = "Filings that are not closed."},
    {"alarms_open", FA_KEY_U32, 0, AT(T, alarms_open), .min = 100, .max = 1000000, .def = "10000",
     .help = "Alarms that are not resolved."},
    {"alarms_per_rule", FA_KEY_U32, 0, AT(T, alarms_per_rule), .min = 1, .max = 1000000,
     .def = "1000",
     .help =
         "Alarms of one rule that are not resolved. One alarm more, RULE/further, stands for all "
         "other label sets that the rule holds for and says how many they are; when one of the "
         "others is resolved, the first of them becomes an alarm of its own."},
    {"outbox", FA_KEY_U32, 0, AT(T, outbox), .min = 100, .max = 1000000, .def = "20000",
     .help = "Messages that are not settled."},
};
static const struct fa_section limits_section = {
    "the limits", KEYS(limits_keys), sizeof(T),
    .help = "What the daemon holds; operators are told when one is reached."};
#undef T

#define T struct fa_draft
static const struct fa_key top_keys[] = {
    {"company", FA_KEY_TEXT, FA_KEY_REQUIRED, AT(T, company), .max = 200,
     .help = "Your company's name, as people read it."},
    {"notice", FA_KEY_TEXT, FA_KEY_LINES, AT(T, notice), .max = 4000,
     .help =
         "What the client says before it asks anything, for instance who can read this machine."},
    {"directory", FA_KEY_PATH, 0, AT(T, directory),
     .help =
         "The file with people, teams and accounts that \"firealarm directory import\" writes, "
         "for instance /var/lib/firealarm/directory.cfg. It is read with the others, and again "
         "within half a minute when it has changed. While it is not there yet, nobody is in it."},
    {"zone", FA_KEY_TEXT, 0, AT(T, zone), .max = 100,
     .help = "The company's time zone, for instance \"Europe/Berlin\", for people, calendars and "
             "schedules that name none. Without it: UTC."},
    {"calendar", FA_KEY_NAME, 0, AT(T, calendar),
     .help = "The company's working calendar: business days and hours are counted by it, where a "
             "rule, a step or a category names no other."},
    {"independent_roles", FA_KEY_TEXTS, 0, LIST(T, independent_roles), .max = 16,
     .help = "Roles that make whoever has them an independent contact, as if each had "
             "independent = true: for instance \"auditor\"."},
    {"people", FA_KEY_GROUPS, 0, LIST(T, people), .section = &person_section,
     .help = "Everybody who is named elsewhere."},
    {"calendars", FA_KEY_GROUPS, 0, LIST(T, calendars), .section = &calendar_section,
     .help = "Working hours, holidays, leave."},
    {"schedules", FA_KEY_GROUPS, 0, LIST(T, schedules), .section = &schedule_section,
     .help = "Rotations."},
    {"teams", FA_KEY_GROUPS, 0, LIST(T, teams), .section = &team_section, .help = "Teams."},
    {"models", FA_KEY_GROUPS, 0, LIST(T, models), .section = &model_section,
     .help = "How customers are served."},
    {"accounts", FA_KEY_GROUPS, 0, LIST(T, accounts), .max = 50000, .section = &account_section,
     .help = "Customers."},
    {"channels", FA_KEY_GROUPS, 0, LIST(T, channels), .section = &channel_section,
     .help = "Ways to reach people."},
    {"severities", FA_KEY_GROUPS, 0, LIST(T, severities), .section = &severity_section,
     .help = "The worst first."},
    {"values", FA_KEY_GROUPS, 0, LIST(T, values), .section = &value_section,
     .help = "What the company stands for."},
    {"categories", FA_KEY_GROUPS, 0, LIST(T, categories), .section = &category_section,
     .help = "What people may file."},
    {"policies", FA_KEY_GROUPS, 0, LIST(T, policies), .section = &policy_section,
     .help = "Who is told, in which order."},
    {"define", FA_KEY_GROUPS, 0, LIST(T, defines), .section = &define_section,
     .help = "Names for expressions."},
    {"rules", FA_KEY_GROUPS, 0, LIST(T, rules), .section = &rule_section,
     .help = "When an alarm is raised."},
    {"maintenance", FA_KEY_GROUPS, 0, LIST(T, maintenance), .section = &maintenance_section,
     .help = "When alarms are silent by plan."},
    {"inhibit", FA_KEY_GROUPS, 0, LIST(T, inhibitions), .section = &inhibition_section,
     .help = "Which alarms hide others."},
    {"listeners", FA_KEY_GROUPS, 0, LIST(T, listeners), .section = &listener_section,
     .help = "Where people and programs reach the daemon."},
    {"feeds", FA_KEY_GROUPS, 0, LIST(T, feeds), .section = &feed_section,
     .help = "Where samples come in."},
    {"fetch", FA_KEY_GROUPS, 0, LIST(T, fetches), .section = &fetch_section,
     .help = "What is pulled."},
    {"pages", FA_KEY_GROUP, 0, AT(T, pages), .section = &pages_section,
     .help = "Where links lead."},
    {"store", FA_KEY_GROUP, 0, AT(T, store), .section = &store_section,
     .help = "What is kept where."},
    {"times", FA_KEY_GROUP, 0, AT(T, times), .section = &times_section,
     .help = "Times of the engine."},
    {"limits", FA_KEY_GROUP, 0, AT(T, limits), .section = &limits_section,
     .help = "What the daemon holds."},
    {"weekly", FA_KEY_GROUP, 0, AT(T, weekly), .section = &weekly_section,
     .help = "A digest once a week."},
    {"languages", FA_KEY_GROUPS, 0, LIST(T, languages), .max = 50, .section = &language_section,
     .help = "Languages other than English that people read."},
};
const struct fa_section fa_draft_section = {
    "the configuration", KEYS(top_keys), sizeof(T),
    .help =
        "The files are firealarm.cfg and, beside it, rules.d/*.cfg and conf.d/*.cfg in the order "
        "of their names. Lists are joined over all files."};
#undef T
