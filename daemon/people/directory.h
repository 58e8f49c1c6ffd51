/* SPDX-License-Identifier: MIT */
/* Who there is: people, teams, roles and the channels that reach them. Built by config/ (or a test)
 * by filling the arrays, then sealed once; immutable afterwards. People are named by their index in
 * this directory within one loop turn and by their name in everything that is stored. */
#ifndef FA_PEOPLE_DIRECTORY_H
#define FA_PEOPLE_DIRECTORY_H

#include "base/str.h"
#include "people/span.h"

typedef uint32_t fa_person;
#define FA_NOBODY UINT32_MAX

#define FA_TOKEN_HASH_BYTES 32

/* A set of people of one directory. */
struct fa_pset {
    uint64_t *bits; /* owned; NULL up to 64 people, as sets come and go with each decision */
    uint64_t few;   /* theirs */
    uint32_t count; /* people in the directory */
};

struct fa_contact {
    char *channel; /* a channel's name */
    char *address; /* the person's address there; NULL: the channel's own */
};

struct fa_person_entry {
    char *name, *display;
    char **aliases; /* other names they are called by; nobody else's name or alias */
    size_t alias_count;
    uint32_t *uids;
    size_t uid_count;
    uint8_t (*tokens)[FA_TOKEN_HASH_BYTES]; /* BLAKE2b-256 of the bearer token's text */
    size_t token_count;
    char **roles;
    size_t role_count;
    char *manager;                              /* a person's name or NULL */
    char **deputies, **assistants, **delegates; /* names; delegates read this person's mail */
    size_t deputy_count, assistant_count, delegate_count;
    struct fa_contact *contacts; /* in order of preference */
    size_t contact_count;
    fa_person *mates; /* who has an address of theirs too; made by fa_directory_seal() */
    size_t mate_count;
    bool independent;      /* an independent contact */
    bool operator_;        /* may see the outbox and test channels */
    uint32_t budget;       /* messages a week that they are meant to get at most; 0: none */
    char *zone;            /* of fa_directory.zones, for the times that they read; NULL: UTC */
    char *language;        /* "de"; what messages are written in does not go by it; NULL */
    char *hours;           /* a calendar's name: outside of it only what is urgent; NULL: always */
    struct fa_spans leave; /* away: deputies stand in */
};

struct fa_team_entry {
    char *name, *display;
    char **members; /* people's names */
    size_t member_count;
};

/* An instance of a notifier plugin. */
struct fa_channel_entry {
    char *name, *plugin;
    bool shared;    /* more than its addressee reads it (a chat room, a webhook) */
    bool machine;   /* the reader is a program: no limit on how much it gets */
    char **readers; /* of a shared channel: person names and "team:NAME"; none: never for filings */
    size_t reader_count;
};

/* Open time under a name: working hours without holidays. */
struct fa_calendar_entry {
    char *name;
    char *zone; /* of fa_directory.zones: of its days */
    struct fa_spans open;
    fa_time *days; /* when each day on which it is open first opens, by its zone; sorted */
    size_t day_count;
    fa_time known_until; /* nothing is known from then on */
};

/* Several may be on duty at once. */
struct fa_turn {
    struct fa_span span;
    uint32_t member; /* its place in members */
};

/* A rotation, target "schedule:NAME". Overrides and swaps are worked in already. */
struct fa_schedule_entry {
    char *name, *display;
    char **members; /* people's names */
    size_t member_count;
    struct fa_turn *turns; /* by span.from */
    size_t turn_count;
    fa_time known_until;
};

/* How a kind of customer is served. */
struct fa_model_entry {
    char *name, *display; /* "complex", "simple", "transaction" */
    char *conduit;        /* the role that is the primary conduit */
};

/* A customer. */
struct fa_account_entry {
    char *name, *display; /* name: what filings and the label "customer" say */
    char *model;          /* a model's name; NULL: no conduit by role */
    char *value_seen;     /* the level at which our value is seen there, in words; may be NULL */
    char *conduit;        /* a person's name; NULL or gone or away: the model's role */
    char **touches;       /* targets: everyone who touches or supports the customer; none of them
                             depends on the alarm ("account.touches" would be itself) */
    size_t touch_count;
};

struct fa_directory {
    struct fa_person_entry *people;
    size_t people_count;
    struct fa_team_entry *teams;
    size_t team_count;
    struct fa_channel_entry *channels;
    size_t channel_count;
    struct fa_zone *zones;
    size_t zone_count;
    struct fa_calendar_entry *calendars;
    size_t calendar_count;
    struct fa_schedule_entry *schedules;
    size_t schedule_count;
    struct fa_model_entry *models;
    size_t model_count;
    struct fa_account_entry *accounts;
    size_t account_count;
    struct fa_directory_index *index; /* made by fa_directory_seal() */
};

/* An empty directory; fill the arrays with malloc'ed memory (fa_x*). */
struct fa_directory *fa_directory_new(void);
void fa_directory_free(struct fa_directory *dir); /* accepts NULL */
/* Builds the index. FA_EEXISTS a name, alias, uid or token twice, FA_ENOTFOUND a name that nobody
 * has, FA_EINVAL a reserved name or a reporting line that is a circle; err names both ends. */
int fa_directory_seal(struct fa_directory *dir, struct fa_err *err) FA_MUST_CHECK;

/* By name or alias, to the letter. */
fa_person fa_directory_find(const struct fa_directory *dir, struct fa_str name);
/* As people write it: a name, an alias or what they are shown as, whatever its ASCII case; to the
 * letter a name or alias goes before all else. FA_NOBODY where it is nobody's, or nobody knows
 * which of several they mean: if the wrong one were accused, the right one would be told. */
fa_person fa_directory_called(const struct fa_directory *dir, const char *typed);
fa_person fa_directory_find_uid(const struct fa_directory *dir, uint32_t uid);
/* Constant time in the number of tokens compared. */
fa_person fa_directory_find_token(const struct fa_directory *dir,
                                  const uint8_t hash[FA_TOKEN_HASH_BYTES]);
const struct fa_team_entry *fa_directory_team(const struct fa_directory *dir, struct fa_str name);
const struct fa_channel_entry *fa_directory_channel(const struct fa_directory *dir,
                                                    const char *name);
fa_person fa_directory_manager(const struct fa_directory *dir, fa_person person);
bool fa_directory_has_role(const struct fa_directory *dir, fa_person person, struct fa_str role);

#define FA_TARGET_INDEPENDENT "independent"

/* A target or subject: "maria", "role:coo", "team:support", "independent", "conduit:CUSTOMER" (the
 * account's own conduit, of one who left those with the model's role). Adds those meant to set;
 * FA_ENOTFOUND when the directory knows no such person, team, role or account. Neither time nor
 * leave counts. */
int fa_directory_resolve(const struct fa_directory *dir, struct fa_str target,
                         struct fa_pset *set) FA_MUST_CHECK;

struct fa_ask_label {
    struct fa_str name, value;
};

/* What a target may depend on beyond the directory. */
struct fa_ask {
    fa_time at;                        /* wall: who is on duty, who is away */
    const char *customer;              /* of the filing or the label "customer"; NULL: none */
    const char *reporter;              /* a person's name; NULL: not known, or not to be used */
    const struct fa_ask_label *labels; /* of the alarm */
    size_t label_count;
};

/* Whom the target means at a moment: what fa_directory_resolve() knows, and "schedule:NAME" (its
 * members on duty), "account.conduit", "account.touches", "label.NAME" (the person whom the label
 * names), "label.NAME.manager", "reporter.manager". Who is away is replaced by the first of their
 * deputies who is not, and theirs; a conduit who is away or gone by their deputies, else by those
 * with the model's role. Who is away and has nobody stays. Nobody stands in for "independent":
 * those who are there, when none is, all. Adds nobody when there is nobody; FA_ENOTFOUND when the
 * directory has no such schedule, role, team or person. */
int fa_directory_reach(const struct fa_directory *dir, struct fa_str target,
                       const struct fa_ask *ask, struct fa_pset *set) FA_MUST_CHECK;

const struct fa_zone *fa_directory_zone(const struct fa_directory *dir, const char *name);
/* The zone of the person of that name; NULL: UTC. */
const struct fa_zone *fa_directory_zone_of(const struct fa_directory *dir, const char *person);
const struct fa_calendar_entry *fa_directory_calendar(const struct fa_directory *dir,
                                                      const char *name);
/* Open time. Of what is not known (from known_until on, or of no calendar at all: NULL) all is
 * open: nothing waits for ever. The first open moment at or after `at`; when so much
 * of what the measure counts has passed since `from`. A day of what is not known has 24 hours. */
fa_time fa_calendar_opens(const struct fa_calendar_entry *calendar, fa_time at);
fa_time fa_calendar_after(const struct fa_calendar_entry *calendar, enum fa_measure measure,
                          fa_time from, fa_time length);
/* How much of from..until counts; fa_calendar_after() the other way round. */
fa_time fa_calendar_between(const struct fa_calendar_entry *calendar, enum fa_measure measure,
                            fa_time from, fa_time until);
const struct fa_schedule_entry *fa_directory_schedule(const struct fa_directory *dir,
                                                      struct fa_str name);
const struct fa_model_entry *fa_directory_model(const struct fa_directory *dir, const char *name);
const struct fa_account_entry *fa_directory_account(const struct fa_directory *dir,
                                                    const char *name);

/* Adds to set everybody who must not learn of what is about `subject` (a target's notation): those
 * meant, their deputies, assistants and mailbox delegates, everyone who reports to them directly or
 * not, their managers up to, not including, the first independent one, and everyone whose mail one
 * of all these reads, as a delegate or because a channel has one address for both. Unknown names
 * add nobody. */
void fa_people_conflicted(const struct fa_directory *dir, struct fa_str subject,
                          struct fa_pset *set);
/* Adds those whom the reporter struck: the person, deputies, assistants, delegates, and those whose
 * mail one of these reads. */
void fa_people_struck(const struct fa_directory *dir, struct fa_str name, struct fa_pset *set);

void fa_pset_init(struct fa_pset *set, const struct fa_directory *dir);
void fa_pset_done(struct fa_pset *set);
void fa_pset_add(struct fa_pset *set, fa_person person);
void fa_pset_remove_all(struct fa_pset *set, const struct fa_pset *others);
void fa_pset_add_all(struct fa_pset *set, const struct fa_pset *others);
bool fa_pset_has(const struct fa_pset *set, fa_person person);
bool fa_pset_is_empty(const struct fa_pset *set);
bool fa_pset_intersects(const struct fa_pset *a, const struct fa_pset *b);
/* The first member at or after `from`, FA_NOBODY at the end. */
fa_person fa_pset_next(const struct fa_pset *set, fa_person from);

#endif
