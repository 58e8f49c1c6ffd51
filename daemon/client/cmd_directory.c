/* SPDX-License-Identifier: MIT */
/* `firealarm directory list` and `firealarm directory show`: who there is, and whom a name means at
 * this moment. Read from the configuration's files, as the daemon reads them: who may read those
 * sees it, and the daemon's interface tells nobody. */
#include "client/commands.h"

#include "calendar/reader.h"
#include "config/config.h"

#include <stdlib.h>
#include <string.h>

static void on_fault(void *ctx, bool is_warning, const struct fa_err *err)
{
    (void)ctx, (void)is_warning, (void)err; /* `firealarm check` tells them */
}

static const char *config_path(const struct fa_args *args)
{
    const char *given = fa_args_get(args, "daemon-config");
    return given != NULL ? given : "/etc/firealarm/firealarm.cfg";
}

/* NULL after a complaint. */
static struct fa_config *load(struct fa_client *client, const struct fa_args *args)
{
    fa_time now = client->world->now;
    const struct fa_calendars_config range = fa_calendars_ahead(now);
    struct fa_config_world world = {.calendars = fa_calendars_new(&range)};
    struct fa_config *config = NULL;
    struct fa_err err;
    if (fa_config_load(config_path(args), &world, on_fault, NULL, &config) != 0) {
        fa_err_at(&err, FA_EINVAL, config_path(args), 0, 0,
                  "cannot be read, or is not sound: see 'firealarm check'");
        fa_complain(client, FA_EXIT_FAILED, &err);
    }
    fa_calendars_free(world.calendars);
    return config;
}

/* "anna, bob" of a set. */
static void put_set(struct fa_buf *buf, const struct fa_directory *dir, const struct fa_pset *set)
{
    for (fa_person p = fa_pset_next(set, 0); p != FA_NOBODY; p = fa_pset_next(set, p + 1)) {
        fa_buf_printf(buf, "%s%s", buf->len > 0 ? ", " : "", dir->people[p].name);
    }
}

static void put_texts(struct fa_buf *buf, char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fa_buf_printf(buf, "%s%s", buf->len > 0 ? ", " : "", texts[i]);
    }
}

/* Whom the target means at this moment. */
static void put_reach(struct fa_buf *buf, const struct fa_directory *dir, const char *target,
                      const char *customer, fa_time now)
{
    const struct fa_ask ask = {.at = now, .customer = customer};
    struct fa_pset set;
    fa_pset_init(&set, dir);
    (void)!fa_directory_reach(dir, fa_str_of(target), &ask, &set);
    put_set(buf, dir, &set);
    fa_pset_done(&set);
}

static bool is_away(const struct fa_person_entry *person, fa_time now)
{
    return fa_spans_has(&person->leave, now);
}

/* ---- list ---- */

static void list_people(struct fa_client *client, const struct fa_directory *dir)
{
    struct fa_table table = {.titles = {"PERSON", "NAME", "MANAGER", "NOW", "ROLES"}, .columns = 5};
    for (size_t i = 0; i < dir->people_count; i++) {
        const struct fa_person_entry *person = &dir->people[i];
        bool away = is_away(person, client->world->now);
        struct fa_buf roles;
        fa_buf_init(&roles, 4096);
        put_texts(&roles, person->roles, person->role_count);
        fa_table_add(&table, FA_BOLD, person->name);
        fa_table_add(&table, FA_PLAIN, person->display);
        fa_table_add(&table, FA_PLAIN, person->manager != NULL ? person->manager : "-");
        fa_table_add(&table, away ? FA_YELLOW : FA_PLAIN, away ? "away" : "there");
        fa_table_add(&table, FA_DIM, fa_buf_text(&roles));
        fa_buf_done(&roles);
    }
    fa_table_print(&client->out, &table);
    fa_table_done(&table);
}

static void list_teams(struct fa_client *client, const struct fa_directory *dir)
{
    struct fa_table table = {.titles = {"TEAM", "NAME", "MEMBERS"}, .columns = 3};
    for (size_t i = 0; i < dir->team_count; i++) {
        struct fa_buf members;
        fa_buf_init(&members, 1 << 17);
        put_texts(&members, dir->teams[i].members, dir->teams[i].member_count);
        fa_table_add(&table, FA_BOLD, dir->teams[i].name);
        fa_table_add(&table, FA_PLAIN, dir->teams[i].display);
        fa_table_add(&table, FA_PLAIN, fa_buf_text(&members));
        fa_buf_done(&members);
    }
    fa_table_print(&client->out, &table);
    fa_table_done(&table);
}

static void list_accounts(struct fa_client *client, const struct fa_directory *dir)
{
    struct fa_table table = {.titles = {"ACCOUNT", "NAME", "MODEL", "CONDUIT NOW"}, .columns = 4};
    for (size_t i = 0; i < dir->account_count; i++) {
        const struct fa_account_entry *account = &dir->accounts[i];
        struct fa_buf conduit;
        fa_buf_init(&conduit, 1 << 17);
        put_reach(&conduit, dir, FA_TARGET_CONDUIT, account->name, client->world->now);
        fa_table_add(&table, FA_BOLD, account->name);
        fa_table_add(&table, FA_PLAIN, account->display);
        fa_table_add(&table, FA_PLAIN, account->model);
        fa_table_add(&table, FA_PLAIN, fa_buf_text(&conduit));
        fa_buf_done(&conduit);
    }
    fa_table_print(&client->out, &table);
    fa_table_done(&table);
}

static int run_list(struct fa_client *client, const struct fa_args *args)
{
    static const struct {
        const char *word;
        void (*list)(struct fa_client *, const struct fa_directory *);
    } lists[] = {{"people", list_people}, {"teams", list_teams}, {"accounts", list_accounts}};
    const char *word = args->rest_count > 0 ? args->rest[0] : "people";
    struct fa_err err;
    for (size_t i = 0; i < FA_COUNT(lists); i++) {
        if (strcmp(lists[i].word, word) == 0) {
            struct fa_config *config = load(client, args);
            if (config == NULL) {
                return FA_EXIT_FAILED;
            }
            lists[i].list(client, config->people);
            fa_config_free(config);
            return FA_EXIT_OK;
        }
    }
    fa_err_set(&err, FA_EINVAL, "'%.60s' is none of people, teams and accounts", word);
    return fa_complain(client, FA_EXIT_USAGE, &err);
}

/* ---- show ---- */

static void say_line(struct fa_client *client, const char *what, const char *text)
{
    if (text != NULL && text[0] != '\0') {
        fa_say(&client->out, "%-12s", what);
        fa_put(&client->out, FA_PLAIN, text);
        fa_say(&client->out, "\n");
    }
}

static void say_texts(struct fa_client *client, const char *what, char *const *texts, size_t count)
{
    struct fa_buf buf;
    fa_buf_init(&buf, 1 << 17);
    put_texts(&buf, texts, count);
    say_line(client, what, fa_buf_text(&buf));
    fa_buf_done(&buf);
}

static void say_reach(struct fa_client *client, const struct fa_directory *dir, const char *what,
                      const char *target, const char *customer)
{
    struct fa_buf buf;
    fa_buf_init(&buf, 1 << 17);
    put_reach(&buf, dir, target, customer, client->world->now);
    say_line(client, what, fa_buf_text(&buf));
    fa_buf_done(&buf);
}

static bool has_text(char *const *texts, size_t count, const char *text)
{
    bool has = false;
    for (size_t i = 0; i < count; i++) {
        has = has || strcmp(texts[i], text) == 0;
    }
    return has;
}

/* Teams, reports and customers: where the person is named. */
static void say_named(struct fa_client *client, const struct fa_directory *dir, const char *name)
{
    struct fa_buf teams, reports, accounts;
    fa_buf_init(&teams, 1 << 17);
    fa_buf_init(&reports, 1 << 17);
    fa_buf_init(&accounts, 1 << 20);
    for (size_t i = 0; i < dir->team_count; i++) {
        if (has_text(dir->teams[i].members, dir->teams[i].member_count, name)) {
            put_texts(&teams, &dir->teams[i].name, 1);
        }
    }
    for (size_t i = 0; i < dir->people_count; i++) {
        if (dir->people[i].manager != NULL && strcmp(dir->people[i].manager, name) == 0) {
            put_texts(&reports, &dir->people[i].name, 1);
        }
    }
    for (size_t i = 0; i < dir->account_count; i++) {
        const struct fa_account_entry *account = &dir->accounts[i];
        bool is_conduit = account->conduit != NULL && strcmp(account->conduit, name) == 0;
        if (is_conduit || has_text(account->touches, account->touch_count, name)) {
            fa_buf_printf(&accounts, "%s%s%s", accounts.len > 0 ? ", " : "", account->name,
                          is_conduit ? " (conduit)" : "");
        }
    }
    say_line(client, "Teams", fa_buf_text(&teams));
    say_line(client, "Reports", fa_buf_text(&reports));
    say_line(client, "Customers", fa_buf_text(&accounts));
    fa_buf_done(&teams);
    fa_buf_done(&reports);
    fa_buf_done(&accounts);
}

static void show_person(struct fa_client *client, const struct fa_directory *dir, fa_person person)
{
    const struct fa_person_entry *entry = &dir->people[person];
    say_line(client, "Person", entry->display);
    say_texts(client, "Also called", entry->aliases, entry->alias_count);
    say_texts(client, "Roles", entry->roles, entry->role_count);
    say_line(client, "Manager", entry->manager);
    say_texts(client, "Deputies", entry->deputies, entry->deputy_count);
    say_texts(client, "Assistants", entry->assistants, entry->assistant_count);
    say_texts(client, "Mail read by", entry->delegates, entry->delegate_count);
    say_line(client, "Independent", entry->independent ? "yes" : NULL);
    if (is_away(entry, client->world->now)) {
        say_reach(client, dir, "Away, now", entry->name, NULL);
    }
    say_named(client, dir, entry->name);
}

static void show_account(struct fa_client *client, const struct fa_directory *dir,
                         const struct fa_account_entry *account)
{
    say_line(client, "Account", account->display);
    say_line(client, "Model", account->model);
    say_line(client, "Value seen", account->value_seen);
    say_line(client, "Conduit", account->conduit);
    say_reach(client, dir, "Conduit now", FA_TARGET_CONDUIT, account->name);
    say_texts(client, "Touched by", account->touches, account->touch_count);
    say_reach(client, dir, "Told now", "account.touches", account->name);
}

static int show(struct fa_client *client, const struct fa_directory *dir, const char *name)
{
    struct fa_pset meant;
    struct fa_err err;
    fa_person person = fa_directory_find(dir, fa_str_of(name));
    const struct fa_account_entry *account = fa_directory_account(dir, name);
    if (person != FA_NOBODY) {
        show_person(client, dir, person);
    }
    if (account != NULL) {
        show_account(client, dir, account);
    }
    if (person != FA_NOBODY || account != NULL) {
        return FA_EXIT_OK;
    }
    const struct fa_ask ask = {.at = client->world->now};
    fa_pset_init(&meant, dir);
    int rc = fa_directory_reach(dir, fa_str_of(name), &ask, &meant);
    fa_pset_done(&meant);
    if (rc != 0) {
        fa_err_set(&err, FA_ENOTFOUND,
                   "there is no person, account or target '%.80s'; a target is \"team:NAME\", "
                   "\"role:NAME\" or \"schedule:NAME\"",
                   name);
        return fa_complain(client, FA_EXIT_FAILED, &err);
    }
    say_reach(client, dir, "Means now", name, NULL);
    return FA_EXIT_OK;
}

static int run_show(struct fa_client *client, const struct fa_args *args)
{
    struct fa_config *config = load(client, args);
    int code = config != NULL ? show(client, config->people, args->rest[0]) : FA_EXIT_FAILED;
    fa_config_free(config);
    return code;
}

static const struct fa_opt options[] = {
    {.name = "daemon-config",
     .value = "FILE",
     .file = true,
     .help = "The daemon's configuration (/etc/firealarm/firealarm.cfg)."},
};

static const struct fa_example list_examples[] = {
    {"firealarm directory list accounts", "The customers, and who answers for each now."},
};

static const struct fa_example show_examples[] = {
    {"firealarm directory show maria", "Her line, her deputies, her customers."},
    {"firealarm directory show 'Initech Ltd'", "Who is told of this customer at this moment."},
    {"firealarm directory show role:coo", "Whom a policy's target means now."},
};

const struct fa_cmd fa_cmd_directory_list = {
    .name = "directory list",
    .usage = "[people|teams|accounts]",
    .args_max = 1,
    .summary = "list who there is",
    .about = "As the files of the configuration say it, with leave at this moment. It is for those "
             "who may read them.",
    .options = options,
    .option_count = FA_COUNT(options),
    .examples = list_examples,
    .example_count = FA_COUNT(list_examples),
    .run = run_list,
    .flags = FA_CMD_QUIET,
};

const struct fa_cmd fa_cmd_directory_show = {
    .name = "directory show",
    .usage = "NAME",
    .args_min = 1,
    .args_max = 1,
    .summary = "show a person, a customer, or whom a target means",
    .about = "NAME is a person, an account, or a target such as team:NAME. As the files of the "
             "configuration say it, at this moment: for somebody who is away, who stands in.",
    .options = options,
    .option_count = FA_COUNT(options),
    .examples = show_examples,
    .example_count = FA_COUNT(show_examples),
    .run = run_show,
    .flags = FA_CMD_QUIET,
};
