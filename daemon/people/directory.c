/* SPDX-License-Identifier: MIT */
/* The directory: names to indices, and reporting lines.
 *
 * Invariants once sealed:
 *  1. every name in an entry (manager, deputy, member, channel ...) is somebody's;
 *  2. following managers ends;
 *  3. a name or alias is one person's. */
#include "people/directory.h"
#include "base/panic.h"
#include "base/texts.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#define uthash_fatal(msg) fa_panic(__FILE__, __LINE__, msg)
#include <uthash.h>

struct by_name {
    const char *name;
    fa_person person;
    UT_hash_handle hh;
};

struct by_uid {
    uint32_t uid;
    fa_person person;
    UT_hash_handle hh;
};

/* Everybody who has the role; "independent" is kept as one of its own. */
struct by_role {
    const char *role;
    struct fa_pset holders;
    UT_hash_handle hh;
};

struct by_account {
    const char *name;
    const struct fa_account_entry *account;
    UT_hash_handle hh;
};

struct fa_directory_index {
    struct by_name *names;
    struct by_account *accounts;
    struct by_uid *uids;
    struct by_role *roles;
    struct fa_pset independents;
    fa_person *managers; /* of each person; FA_NOBODY at the top */
};

struct fa_directory *fa_directory_new(void)
{
    return fa_xcalloc(1, sizeof(struct fa_directory));
}

static void free_person(struct fa_person_entry *entry)
{
    free(entry->name);
    free(entry->display);
    fa_texts_free(entry->aliases, entry->alias_count);
    free(entry->uids);
    free(entry->tokens);
    free(entry->manager);
    fa_texts_free(entry->roles, entry->role_count);
    fa_texts_free(entry->deputies, entry->deputy_count);
    fa_texts_free(entry->assistants, entry->assistant_count);
    fa_texts_free(entry->delegates, entry->delegate_count);
    for (size_t i = 0; i < entry->contact_count; i++) {
        free(entry->contacts[i].channel);
        free(entry->contacts[i].address);
    }
    free(entry->contacts);
    free(entry->mates);
    free(entry->zone);
    free(entry->language);
    free(entry->hours);
    fa_spans_done(&entry->leave);
}

static void free_index(struct fa_directory_index *index)
{
    if (index == NULL) {
        return;
    }
    struct by_name *name, *next_name;
    HASH_ITER(hh, index->names, name, next_name) {
        HASH_DEL(index->names, name);
        free(name);
    }
    struct by_uid *uid, *next_uid;
    HASH_ITER(hh, index->uids, uid, next_uid) {
        HASH_DEL(index->uids, uid);
        free(uid);
    }
    struct by_role *role, *next_role;
    HASH_ITER(hh, index->roles, role, next_role) {
        HASH_DEL(index->roles, role);
        fa_pset_done(&role->holders);
        free(role);
    }
    struct by_account *account, *next_account;
    HASH_ITER(hh, index->accounts, account, next_account) {
        HASH_DEL(index->accounts, account);
        free(account);
    }
    fa_pset_done(&index->independents);
    free(index->managers);
    free(index);
}

static void free_times(struct fa_directory *dir)
{
    for (size_t i = 0; i < dir->zone_count; i++) {
        free(dir->zones[i].name);
        free(dir->zones[i].shifts);
    }
    for (size_t i = 0; i < dir->calendar_count; i++) {
        free(dir->calendars[i].name);
        fa_spans_done(&dir->calendars[i].open);
        free(dir->calendars[i].days);
        free(dir->calendars[i].zone);
    }
    for (size_t i = 0; i < dir->schedule_count; i++) {
        free(dir->schedules[i].name);
        free(dir->schedules[i].display);
        free(dir->schedules[i].turns);
        fa_texts_free(dir->schedules[i].members, dir->schedules[i].member_count);
    }
    free(dir->zones);
    free(dir->calendars);
    free(dir->schedules);
}

static void free_accounts(struct fa_directory *dir)
{
    for (size_t i = 0; i < dir->model_count; i++) {
        free(dir->models[i].name);
        free(dir->models[i].display);
        free(dir->models[i].conduit);
    }
    for (size_t i = 0; i < dir->account_count; i++) {
        struct fa_account_entry *account = &dir->accounts[i];
        free(account->name);
        free(account->display);
        free(account->model);
        free(account->value_seen);
        free(account->conduit);
        fa_texts_free(account->touches, account->touch_count);
    }
    free(dir->models);
    free(dir->accounts);
}

void fa_directory_free(struct fa_directory *dir)
{
    if (dir == NULL) {
        return;
    }
    for (size_t i = 0; i < dir->people_count; i++) {
        free_person(&dir->people[i]);
    }
    for (size_t i = 0; i < dir->team_count; i++) {
        free(dir->teams[i].name);
        free(dir->teams[i].display);
        fa_texts_free(dir->teams[i].members, dir->teams[i].member_count);
    }
    for (size_t i = 0; i < dir->channel_count; i++) {
        free(dir->channels[i].name);
        free(dir->channels[i].plugin);
        fa_texts_free(dir->channels[i].readers, dir->channels[i].reader_count);
    }
    free_times(dir);
    free_accounts(dir);
    free(dir->people);
    free(dir->teams);
    free(dir->channels);
    free_index(dir->index);
    free(dir);
}

static void index_roles(struct fa_directory *dir, fa_person person)
{
    const struct fa_person_entry *entry = &dir->people[person];
    if (entry->independent) {
        fa_pset_add(&dir->index->independents, person);
    }
    for (size_t i = 0; i < entry->role_count; i++) {
        struct by_role *role = NULL;
        HASH_FIND_STR(dir->index->roles, entry->roles[i], role);
        if (role == NULL) {
            role = fa_xcalloc(1, sizeof *role);
            role->role = entry->roles[i];
            fa_pset_init(&role->holders, dir);
            HASH_ADD_KEYPTR(hh, dir->index->roles, role->role, strlen(role->role), role);
        }
        fa_pset_add(&role->holders, person);
    }
}

/* A name that a target's notation means otherwise would be told in somebody else's stead. */
static bool is_reserved(const char *name)
{
    return name[0] == '\0' || strchr(name, ':') != NULL ||
           strcmp(name, FA_TARGET_INDEPENDENT) == 0 || strncmp(name, "account.", 8) == 0 ||
           strncmp(name, "label.", 6) == 0 || strncmp(name, "reporter.", 9) == 0;
}

static int index_name(struct fa_directory *dir, fa_person person, const char *called,
                      struct fa_err *err)
{
    struct by_name *name = NULL;
    if (is_reserved(called)) {
        return fa_err_set(err, FA_EINVAL,
                          "person '%s': a name is not empty, not 'independent', has no ':', and "
                          "does not begin like the targets account., label. and reporter.",
                          called);
    }
    HASH_FIND_STR(dir->index->names, called, name);
    if (name != NULL && called == dir->people[person].name) {
        return fa_err_set(err, FA_EEXISTS, "person '%s' is listed twice", called);
    }
    if (name != NULL) {
        return fa_err_set(err, FA_EEXISTS, "alias '%s' of '%s' is a name of '%s' already", called,
                          dir->people[person].name, dir->people[name->person].name);
    }
    name = fa_xcalloc(1, sizeof *name);
    name->name = called;
    name->person = person;
    HASH_ADD_KEYPTR(hh, dir->index->names, name->name, strlen(name->name), name);
    return 0;
}

/* After all names, so that a clash is told of the alias. */
static int index_aliases(struct fa_directory *dir, struct fa_err *err)
{
    int rc = 0;
    for (fa_person person = 0; person < dir->people_count; person++) {
        const struct fa_person_entry *entry = &dir->people[person];
        for (size_t i = 0; i < entry->alias_count && rc == 0; i++) {
            rc = index_name(dir, person, entry->aliases[i], err);
        }
    }
    return rc;
}

static int index_person(struct fa_directory *dir, fa_person person, struct fa_err *err)
{
    const struct fa_person_entry *entry = &dir->people[person];
    int rc = index_name(dir, person, entry->name, err);
    if (rc != 0) {
        return rc;
    }
    index_roles(dir, person);
    for (size_t i = 0; i < entry->uid_count; i++) {
        struct by_uid *uid = NULL;
        HASH_FIND(hh, dir->index->uids, &entry->uids[i], sizeof(uint32_t), uid);
        if (uid != NULL) {
            return fa_err_set(err, FA_EEXISTS, "uid %u belongs to both '%s' and '%s'",
                              entry->uids[i], dir->people[uid->person].name, entry->name);
        }
        uid = fa_xcalloc(1, sizeof *uid);
        uid->uid = entry->uids[i];
        uid->person = person;
        HASH_ADD(hh, dir->index->uids, uid, sizeof(uint32_t), uid);
    }
    return 0;
}

/* Checks that each of the names is a person. */
static int known(const struct fa_directory *dir, char *const *names, size_t count,
                 const char *whose, const char *what, struct fa_err *err)
{
    for (size_t i = 0; i < count; i++) {
        if (fa_directory_find(dir, fa_str_of(names[i])) == FA_NOBODY) {
            return fa_err_set(err, FA_ENOTFOUND, "%s of '%s': there is no person '%s'", what, whose,
                              names[i]);
        }
    }
    return 0;
}

static int seal_person(struct fa_directory *dir, fa_person person, struct fa_err *err)
{
    const struct fa_person_entry *entry = &dir->people[person];
    const struct {
        char *const *names;
        size_t count;
        const char *what;
    } lists[] = {
        {&entry->manager, entry->manager != NULL, "manager"},
        {entry->deputies, entry->deputy_count, "deputy"},
        {entry->assistants, entry->assistant_count, "assistant"},
        {entry->delegates, entry->delegate_count, "delegate"},
    };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        int rc = known(dir, lists[i].names, lists[i].count, entry->name, lists[i].what, err);
        if (rc != 0) {
            return rc;
        }
    }
    for (size_t i = 0; i < entry->contact_count; i++) {
        if (fa_directory_channel(dir, entry->contacts[i].channel) == NULL) {
            return fa_err_set(err, FA_ENOTFOUND, "channel of '%s': there is no channel '%s'",
                              entry->name, entry->contacts[i].channel);
        }
    }
    dir->index->managers[person] =
        entry->manager == NULL ? FA_NOBODY : fa_directory_find(dir, fa_str_of(entry->manager));
    return 0;
}

static int seal_team(const struct fa_directory *dir, size_t at, struct fa_err *err)
{
    const struct fa_team_entry *team = &dir->teams[at];
    if (fa_directory_team(dir, fa_str_of(team->name)) != team) {
        return fa_err_set(err, FA_EEXISTS, "team '%s' is listed twice", team->name);
    }
    return known(dir, team->members, team->member_count, team->name, "member", err);
}

static int no_such(struct fa_err *err, const char *what, const char *whose, const char *name)
{
    return fa_err_set(err, FA_ENOTFOUND, "%s of '%s': there is no '%s'", what, whose, name);
}

static int seal_times(const struct fa_directory *dir, struct fa_err *err)
{
    int rc = 0;
    for (size_t i = 0; i < dir->people_count && rc == 0; i++) {
        const struct fa_person_entry *entry = &dir->people[i];
        if (entry->zone != NULL && fa_directory_zone(dir, entry->zone) == NULL) {
            rc = no_such(err, "zone", entry->name, entry->zone);
        } else if (entry->hours != NULL && fa_directory_calendar(dir, entry->hours) == NULL) {
            rc = no_such(err, "hours", entry->name, entry->hours);
        }
    }
    for (size_t i = 0; i < dir->schedule_count && rc == 0; i++) {
        const struct fa_schedule_entry *schedule = &dir->schedules[i];
        if (fa_directory_schedule(dir, fa_str_of(schedule->name)) != schedule) {
            return fa_err_set(err, FA_EEXISTS, "schedule '%s' is listed twice", schedule->name);
        }
        rc = known(dir, schedule->members, schedule->member_count, schedule->name, "member", err);
    }
    return rc;
}

/* A conduit may be gone: their role stands in. */
static int seal_account(struct fa_directory *dir, size_t at, struct fa_err *err)
{
    const struct fa_account_entry *account = &dir->accounts[at];
    if (fa_directory_account(dir, account->name) != NULL) {
        return fa_err_set(err, FA_EEXISTS, "account '%s' is listed twice", account->name);
    }
    if (account->model != NULL && fa_directory_model(dir, account->model) == NULL) {
        return no_such(err, "model", account->name, account->model);
    }
    struct by_account *entry = fa_xcalloc(1, sizeof *entry);
    entry->name = account->name;
    entry->account = account;
    HASH_ADD_KEYPTR(hh, dir->index->accounts, entry->name, strlen(entry->name), entry);
    return 0;
}

static int seal_channel(const struct fa_directory *dir, size_t at, struct fa_err *err)
{
    const struct fa_channel_entry *channel = &dir->channels[at];
    struct fa_pset readers;
    int rc = 0;
    if (fa_directory_channel(dir, channel->name) != channel) {
        return fa_err_set(err, FA_EEXISTS, "channel '%s' is listed twice", channel->name);
    }
    fa_pset_init(&readers, dir);
    for (size_t i = 0; i < channel->reader_count && rc == 0; i++) {
        if (fa_directory_resolve(dir, fa_str_of(channel->readers[i]), &readers) != 0) {
            rc = fa_err_set(err, FA_ENOTFOUND, "reader of '%s': there is no '%s'", channel->name,
                            channel->readers[i]);
        }
    }
    fa_pset_done(&readers);
    return rc;
}

/* A token names one person, or a request would be somebody else's. */
static int check_tokens(const struct fa_directory *dir, fa_person person, struct fa_err *err)
{
    const struct fa_person_entry *entry = &dir->people[person];
    for (size_t i = 0; i < entry->token_count; i++) {
        fa_person owner = fa_directory_find_token(dir, entry->tokens[i]);
        if (owner != person) {
            return fa_err_set(err, FA_EEXISTS, "'%s' and '%s' have the same token", entry->name,
                              dir->people[owner].name);
        }
    }
    return 0;
}

static int check_lines_end(const struct fa_directory *dir, struct fa_err *err)
{
    for (fa_person person = 0; person < dir->people_count; person++) {
        fa_person at = person;
        for (size_t steps = 0; at != FA_NOBODY; steps++) {
            if (steps > dir->people_count) {
                return fa_err_set(err, FA_EINVAL, "the managers above '%s' form a circle (at '%s')",
                                  dir->people[person].name, dir->people[at].name);
            }
            at = dir->index->managers[at];
        }
    }
    return 0;
}

/* Where an address leads is up to what sends there: two channels of one plugin reach one place by
 * it, be they two relays or two hours of the day. */
struct mailbox {
    const char *plugin, *address;
    fa_person person;
};

static int by_address(const void *a, const void *b)
{
    const struct mailbox *x = a, *y = b;
    int order = strcmp(x->plugin, y->plugin);
    return order != 0 ? order : strcasecmp(x->address, y->address);
}

static void add_mate(struct fa_person_entry *entry, fa_person mate)
{
    entry->mates = fa_xrealloc(entry->mates, (entry->mate_count + 1) * sizeof *entry->mates);
    entry->mates[entry->mate_count++] = mate;
}

/* Who has one address with whom. Channels whose own address serves for all say who reads them. */
static void seal_mates(struct fa_directory *dir)
{
    size_t count = 0;
    for (fa_person p = 0; p < dir->people_count; p++) {
        count += dir->people[p].contact_count;
    }
    struct mailbox *boxes = fa_xcalloc(count + 1, sizeof *boxes);
    count = 0;
    for (fa_person p = 0; p < dir->people_count; p++) {
        for (size_t i = 0; i < dir->people[p].contact_count; i++) {
            const struct fa_contact *contact = &dir->people[p].contacts[i];
            if (contact->address != NULL) {
                boxes[count++] = (struct mailbox){
                    fa_directory_channel(dir, contact->channel)->plugin, contact->address, p};
            }
        }
    }
    qsort(boxes, count, sizeof *boxes, by_address);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = i + 1; k < count && by_address(&boxes[i], &boxes[k]) == 0; k++) {
            if (boxes[i].person != boxes[k].person) {
                add_mate(&dir->people[boxes[i].person], boxes[k].person);
                add_mate(&dir->people[boxes[k].person], boxes[i].person);
            }
        }
    }
    free(boxes);
}

int fa_directory_seal(struct fa_directory *dir, struct fa_err *err)
{
    int rc = 0;
    fa_assert(dir->index == NULL && dir->people_count < FA_NOBODY);
    dir->index = fa_xcalloc(1, sizeof *dir->index);
    dir->index->managers = fa_xcalloc(dir->people_count, sizeof(fa_person));
    fa_pset_init(&dir->index->independents, dir);
    for (fa_person person = 0; person < dir->people_count && rc == 0; person++) {
        rc = index_person(dir, person, err);
    }
    rc = rc == 0 ? index_aliases(dir, err) : rc;
    for (fa_person person = 0; person < dir->people_count && rc == 0; person++) {
        rc = seal_person(dir, person, err);
        rc = rc == 0 ? check_tokens(dir, person, err) : rc;
    }
    for (size_t i = 0; i < dir->team_count && rc == 0; i++) {
        rc = seal_team(dir, i, err);
    }
    for (size_t i = 0; i < dir->channel_count && rc == 0; i++) {
        rc = seal_channel(dir, i, err);
    }
    for (size_t i = 0; i < dir->account_count && rc == 0; i++) {
        rc = seal_account(dir, i, err);
    }
    rc = rc == 0 ? seal_times(dir, err) : rc;
    if (rc == 0) {
        seal_mates(dir);
        rc = check_lines_end(dir, err);
    }
    return rc;
}

fa_person fa_directory_find(const struct fa_directory *dir, struct fa_str name)
{
    struct by_name *found = NULL;
    if (name.len > 0) {
        HASH_FIND(hh, dir->index->names, name.ptr, name.len, found);
    }
    return found != NULL ? found->person : FA_NOBODY;
}

static bool is_alias(const struct fa_person_entry *entry, const char *typed)
{
    for (size_t i = 0; i < entry->alias_count; i++) {
        if (strcasecmp(entry->aliases[i], typed) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_called(const struct fa_person_entry *entry, const char *typed)
{
    return strcasecmp(entry->name, typed) == 0 || is_alias(entry, typed) ||
           (entry->display != NULL && strcasecmp(entry->display, typed) == 0);
}

fa_person fa_directory_called(const struct fa_directory *dir, const char *typed)
{
    fa_person found = fa_directory_find(dir, fa_str_of(typed));
    if (found != FA_NOBODY) {
        return found; /* as programs write it */
    }
    size_t count = 0;
    for (fa_person p = 0; p < dir->people_count; p++) {
        if (is_called(&dir->people[p], typed)) {
            found = p;
            count++;
        }
    }
    return count == 1 ? found : FA_NOBODY;
}

fa_person fa_directory_find_uid(const struct fa_directory *dir, uint32_t uid)
{
    struct by_uid *found = NULL;
    HASH_FIND(hh, dir->index->uids, &uid, sizeof uid, found);
    return found != NULL ? found->person : FA_NOBODY;
}

fa_person fa_directory_find_token(const struct fa_directory *dir,
                                  const uint8_t hash[FA_TOKEN_HASH_BYTES])
{
    fa_person owner = FA_NOBODY;
    for (fa_person person = 0; person < dir->people_count; person++) {
        for (size_t i = 0; i < dir->people[person].token_count; i++) {
            unsigned difference = 0;
            for (size_t b = 0; b < FA_TOKEN_HASH_BYTES; b++) {
                difference |= (unsigned)(dir->people[person].tokens[i][b] ^ hash[b]);
            }
            owner = difference == 0 ? person : owner;
        }
    }
    return owner;
}

const struct fa_team_entry *fa_directory_team(const struct fa_directory *dir, struct fa_str name)
{
    for (size_t i = 0; i < dir->team_count; i++) {
        if (fa_str_is(name, dir->teams[i].name)) {
            return &dir->teams[i];
        }
    }
    return NULL;
}

const struct fa_channel_entry *fa_directory_channel(const struct fa_directory *dir,
                                                    const char *name)
{
    for (size_t i = 0; i < dir->channel_count; i++) {
        if (strcmp(dir->channels[i].name, name) == 0) {
            return &dir->channels[i];
        }
    }
    return NULL;
}

const struct fa_zone *fa_directory_zone(const struct fa_directory *dir, const char *name)
{
    for (size_t i = 0; i < dir->zone_count; i++) {
        if (strcmp(dir->zones[i].name, name) == 0) {
            return &dir->zones[i];
        }
    }
    return NULL;
}

const struct fa_zone *fa_directory_zone_of(const struct fa_directory *dir, const char *person)
{
    fa_person at = person != NULL ? fa_directory_find(dir, fa_str_of(person)) : FA_NOBODY;
    const char *zone = at != FA_NOBODY ? dir->people[at].zone : NULL;
    return zone != NULL ? fa_directory_zone(dir, zone) : NULL;
}

const struct fa_calendar_entry *fa_directory_calendar(const struct fa_directory *dir,
                                                      const char *name)
{
    for (size_t i = 0; i < dir->calendar_count; i++) {
        if (strcmp(dir->calendars[i].name, name) == 0) {
            return &dir->calendars[i];
        }
    }
    return NULL;
}

const struct fa_schedule_entry *fa_directory_schedule(const struct fa_directory *dir,
                                                      struct fa_str name)
{
    for (size_t i = 0; i < dir->schedule_count; i++) {
        if (fa_str_is(name, dir->schedules[i].name)) {
            return &dir->schedules[i];
        }
    }
    return NULL;
}

const struct fa_model_entry *fa_directory_model(const struct fa_directory *dir, const char *name)
{
    for (size_t i = 0; i < dir->model_count; i++) {
        if (strcmp(dir->models[i].name, name) == 0) {
            return &dir->models[i];
        }
    }
    return NULL;
}

static const struct fa_account_entry *find_account(const struct fa_directory *dir,
                                                   struct fa_str name)
{
    struct by_account *found = NULL;
    HASH_FIND(hh, dir->index->accounts, name.ptr, name.len, found);
    return found != NULL ? found->account : NULL;
}

const struct fa_account_entry *fa_directory_account(const struct fa_directory *dir,
                                                    const char *name)
{
    return find_account(dir, fa_str_of(name));
}

fa_person fa_directory_manager(const struct fa_directory *dir, fa_person person)
{
    return person < dir->people_count ? dir->index->managers[person] : FA_NOBODY;
}

bool fa_directory_has_role(const struct fa_directory *dir, fa_person person, struct fa_str role)
{
    const struct fa_person_entry *entry = &dir->people[person];
    for (size_t i = 0; i < entry->role_count; i++) {
        if (fa_str_is(role, entry->roles[i])) {
            return true;
        }
    }
    return false;
}

static int resolve_team(const struct fa_directory *dir, struct fa_str name, struct fa_pset *set)
{
    const struct fa_team_entry *team = fa_directory_team(dir, name);
    if (team == NULL) {
        return FA_ENOTFOUND;
    }
    for (size_t i = 0; i < team->member_count; i++) {
        fa_pset_add(set, fa_directory_find(dir, fa_str_of(team->members[i])));
    }
    return 0;
}

static int resolve_role(const struct fa_directory *dir, struct fa_str name, struct fa_pset *set)
{
    struct by_role *role = NULL;
    if (name.len > 0) {
        HASH_FIND(hh, dir->index->roles, name.ptr, name.len, role);
    }
    if (role == NULL) {
        return FA_ENOTFOUND;
    }
    fa_pset_add_all(set, &role->holders);
    return 0;
}

/* The account's own; who left has those with the model's role in their place. */
static int resolve_conduit(const struct fa_directory *dir, struct fa_str name, struct fa_pset *set)
{
    const struct fa_account_entry *account = find_account(dir, name);
    if (account == NULL) {
        return FA_ENOTFOUND;
    }
    fa_person own =
        account->conduit != NULL ? fa_directory_find(dir, fa_str_of(account->conduit)) : FA_NOBODY;
    fa_pset_add(set, own);
    const struct fa_model_entry *model =
        own == FA_NOBODY && account->model != NULL ? fa_directory_model(dir, account->model) : NULL;
    return model != NULL ? resolve_role(dir, fa_str_of(model->conduit), set) : 0;
}

static struct fa_str behind(struct fa_str text, const char *prefix)
{
    size_t len = strlen(prefix);
    return (struct fa_str){text.ptr + len, text.len - len};
}

int fa_directory_resolve(const struct fa_directory *dir, struct fa_str target, struct fa_pset *set)
{
    if (fa_str_starts(target, "team:")) {
        return resolve_team(dir, behind(target, "team:"), set);
    }
    if (fa_str_starts(target, "role:")) {
        return resolve_role(dir, behind(target, "role:"), set);
    }
    if (fa_str_starts(target, "conduit:")) {
        return resolve_conduit(dir, behind(target, "conduit:"), set);
    }
    if (fa_str_is(target, FA_TARGET_INDEPENDENT)) {
        fa_pset_add_all(set, &dir->index->independents);
        return fa_pset_is_empty(&dir->index->independents) ? FA_ENOTFOUND : 0;
    }
    fa_person person = fa_directory_find(dir, target);
    fa_pset_add(set, person);
    return person == FA_NOBODY ? FA_ENOTFOUND : 0;
}
