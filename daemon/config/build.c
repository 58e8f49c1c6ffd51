/* SPDX-License-Identifier: MIT */
/* Puts the configuration together from the draft. Decides nothing but notations that no table
 * knows: tokens as hashes, a rule's `take`, a listener's routes, and what a rule inherits. Every
 * list keeps the draft's order and length, so that proofs find the setting of each entry. */
#include "config/build.h"
#include "base/id.h"
#include "base/texts.h"

#include <stdlib.h>
#include <string.h>

static void set_if_null(char **text, const char *value)
{
    if (*text == NULL) {
        *text = fa_xstrdup(value);
    }
}

struct tokens {
    uint8_t (*list)[FA_TOKEN_HASH_BYTES];
    size_t count;
};

static void add_token(struct fa_faults *faults, const config_setting_t *at, const char *key,
                      const char *text, struct tokens *tokens)
{
    uint8_t hash[FA_TOKEN_HASH_BYTES];
    if (fa_unhex(fa_str_of(text), hash, sizeof hash) != 0) {
        /* The text may be the secret itself: it is not repeated. */
        fa_fault_key(
            faults, at, key, FA_EPARSE,
            "%s must be the token's BLAKE2b-256 in 64 hexadecimal digits, never the token; "
            "\"b2sum -l 256\" makes it",
            key);
        return;
    }
    tokens->list = fa_xrealloc(tokens->list, (tokens->count + 1) * sizeof *tokens->list);
    memcpy(tokens->list[tokens->count++], hash, sizeof hash);
}

static void build_person(struct fa_faults *faults, struct fa_draft_person *draft,
                         struct fa_person_entry *entry)
{
    *entry = draft->e;
    memset(&draft->e, 0, sizeof draft->e);
    set_if_null(&entry->display, entry->name);
    if (draft->uid.count > 0) {
        size_t total = entry->uid_count + draft->uid.count;
        entry->uids = fa_xrealloc(entry->uids, total * sizeof *entry->uids);
        memcpy(entry->uids + entry->uid_count, draft->uid.items,
               draft->uid.count * sizeof *entry->uids);
        entry->uid_count = total;
    }
    struct tokens tokens = {entry->tokens, entry->token_count};
    for (size_t i = 0; i < draft->token.count; i++) {
        add_token(faults, draft->at, "token", draft->token.items[i], &tokens);
    }
    for (size_t i = 0; i < draft->tokens.count; i++) {
        add_token(faults, draft->at, "tokens", draft->tokens.items[i], &tokens);
    }
    entry->tokens = tokens.list;
    entry->token_count = tokens.count;
    entry->contact_count = draft->contacts.count;
    entry->contacts = fa_xcalloc(draft->contacts.count + 1, sizeof *entry->contacts);
    for (size_t i = 0; i < draft->contacts.count; i++) {
        entry->contacts[i] = draft->contacts.items[i].e;
        draft->contacts.items[i].e = (struct fa_contact){0};
    }
}

/* Moves the options; plugin and name are copied. */
static struct fa_plugin_config build_plugin(struct fa_faults *faults, const config_setting_t *at,
                                            const char *name, const char *plugin,
                                            struct fa_given_list *given)
{
    struct fa_plugin_config config = {.name = fa_xstrdup(name),
                                      .plugin = fa_xstrdup(plugin),
                                      .given = given->items,
                                      .given_count = given->count,
                                      .file = fa_xstrdup(fa_file_of(faults, at)),
                                      .line = fa_line_of(at)};
    *given = (struct fa_given_list){0};
    return config;
}

static void build_accounts(struct fa_draft *draft, struct fa_directory *dir)
{
    dir->models = fa_xcalloc(draft->models.count + 1, sizeof *dir->models);
    dir->accounts = fa_xcalloc(draft->accounts.count + 1, sizeof *dir->accounts);
    for (size_t i = 0; i < draft->models.count; i++) {
        struct fa_model_entry *model = &dir->models[dir->model_count++];
        *model = draft->models.items[i].e;
        draft->models.items[i].e = (struct fa_model_entry){0};
        set_if_null(&model->display, model->name);
    }
    for (size_t i = 0; i < draft->accounts.count; i++) {
        struct fa_account_entry *account = &dir->accounts[dir->account_count++];
        *account = draft->accounts.items[i].e;
        draft->accounts.items[i].e = (struct fa_account_entry){0};
        set_if_null(&account->display, account->name);
    }
}

static void mark_independents(const struct fa_draft *draft, struct fa_directory *dir)
{
    for (size_t p = 0; p < dir->people_count; p++) {
        struct fa_person_entry *entry = &dir->people[p];
        for (size_t i = 0; i < draft->independent_roles.count; i++) {
            const char *role = draft->independent_roles.items[i];
            entry->independent =
                entry->independent || fa_texts_has(entry->roles, entry->role_count, role);
        }
    }
}

static void build_directory(struct fa_faults *faults, struct fa_draft *draft,
                            struct fa_config *config)
{
    struct fa_directory *dir = config->people;
    dir->people = fa_xcalloc(draft->people.count + 1, sizeof *dir->people);
    dir->teams = fa_xcalloc(draft->teams.count + 1, sizeof *dir->teams);
    dir->channels = fa_xcalloc(draft->channels.count + 1, sizeof *dir->channels);
    config->channels = fa_xcalloc(draft->channels.count + 1, sizeof *config->channels);
    for (size_t i = 0; i < draft->people.count; i++) {
        build_person(faults, &draft->people.items[i], &dir->people[dir->people_count++]);
    }
    mark_independents(draft, dir);
    for (size_t i = 0; i < draft->teams.count; i++) {
        struct fa_team_entry *team = &dir->teams[dir->team_count++];
        *team = draft->teams.items[i].e;
        draft->teams.items[i].e = (struct fa_team_entry){0};
        set_if_null(&team->display, team->name);
    }
    build_accounts(draft, dir);
    for (size_t i = 0; i < draft->channels.count; i++) {
        struct fa_draft_channel *from = &draft->channels.items[i];
        dir->channels[dir->channel_count++] = from->e;
        config->channels[config->channel_count++] =
            build_plugin(faults, from->at, from->e.name, from->e.plugin, &from->given);
        from->e = (struct fa_channel_entry){0};
    }
}

static void build_severities(struct fa_draft *draft, struct fa_setup *setup)
{
    static const struct {
        const char *name;
        fa_time ack_default, ack_max;
    } standard[] = {
        {"critical", 30 * FA_MINUTE, 4 * FA_HOUR},
        {"warning", 4 * FA_HOUR, FA_DAY},
        {"info", FA_DAY, 7 * FA_DAY},
    };
    size_t count = draft->severities.count;
    setup->severities = fa_xcalloc(count + 3, sizeof *setup->severities);
    for (size_t i = 0; i < count; i++) {
        setup->severities[i] = draft->severities.items[i].e;
        setup->severities[i].rank = (uint32_t)i;
        setup->severities[i].urgent = draft->severities.items[i].has_urgent
                                          ? setup->severities[i].urgent
                                          : setup->severities[i].name != NULL &&
                                                strcmp(setup->severities[i].name, "critical") == 0;
        draft->severities.items[i].e = (struct fa_severity){0};
    }
    for (size_t i = 0; count == 0 && i < 3; i++) {
        setup->severities[i] = (struct fa_severity){.name = fa_xstrdup(standard[i].name),
                                                    .rank = (uint32_t)i,
                                                    .ack_default = standard[i].ack_default,
                                                    .ack_max = standard[i].ack_max,
                                                    .fail_attempts = 3,
                                                    .fail_after = FA_MINUTE,
                                                    .urgent = i == 0};
    }
    setup->severity_count = count > 0 ? count : 3;
}

static void build_guide(struct fa_draft *draft, struct fa_setup *setup)
{
    setup->values = fa_xcalloc(draft->values.count + 1, sizeof *setup->values);
    setup->value_count = draft->values.count;
    for (size_t i = 0; i < draft->values.count; i++) {
        setup->values[i] = draft->values.items[i].e;
        draft->values.items[i].e = (struct fa_value){0};
    }
    setup->categories = fa_xcalloc(draft->categories.count + 1, sizeof *setup->categories);
    setup->category_count = draft->categories.count;
    for (size_t i = 0; i < draft->categories.count; i++) {
        setup->categories[i] = draft->categories.items[i].e;
        setup->categories[i].guidance = (enum fa_guidance)draft->categories.items[i].guidance;
        draft->categories.items[i].e = (struct fa_category){0};
    }
}

static void build_policies(struct fa_draft *draft, struct fa_setup *setup)
{
    setup->policies = fa_xcalloc(draft->policies.count + 1, sizeof *setup->policies);
    setup->policy_count = draft->policies.count;
    for (size_t i = 0; i < draft->policies.count; i++) {
        struct fa_draft_policy *from = &draft->policies.items[i];
        struct fa_policy *policy = &setup->policies[i];
        policy->name = from->name;
        from->name = NULL;
        policy->repeat = from->repeat_from;
        policy->step_count = from->steps.count;
        policy->steps = fa_xcalloc(from->steps.count + 1, sizeof *policy->steps);
        for (size_t s = 0; s < from->steps.count; s++) {
            policy->steps[s] = from->steps.items[s].e;
            from->steps.items[s].e = (struct fa_step){0};
        }
    }
}

/* "p90" or "p99.9" as a fraction; false when it is no quantile. */
static bool parse_quantile(const char *take, double *ret_quantile)
{
    double percent = 0;
    if (take[0] != 'p' || fa_parse_double(fa_str_of(take + 1), &percent) != 0) {
        return false;
    }
    *ret_quantile = percent / 100;
    return true;
}

static void build_take(struct fa_faults *faults, const struct fa_draft_rule *draft,
                       struct fa_metric_rule *metric)
{
    static const char *const words[] = {
        [FA_TAKE_LAST] = "last",   [FA_TAKE_AVG] = "avg",           [FA_TAKE_MIN] = "min",
        [FA_TAKE_MAX] = "max",     [FA_TAKE_SUM] = "sum",           [FA_TAKE_COUNT] = "count",
        [FA_TAKE_RATE] = "rate",   [FA_TAKE_INCREASE] = "increase", [FA_TAKE_SHARE] = "share",
        [FA_TAKE_QUANTILE] = NULL,
    };
    const char *take = draft->take != NULL ? draft->take : "last";
    char hint[96];
    for (size_t i = 0; i < FA_TAKE__COUNT; i++) {
        if (words[i] != NULL && strcmp(words[i], take) == 0) {
            metric->take = (enum fa_take)i;
            return;
        }
    }
    metric->take = FA_TAKE_QUANTILE;
    if (!parse_quantile(take, &metric->quantile)) {
        fa_fault_key(
            faults, draft->at, "take", FA_EINVAL,
            "take: '%s' is none of last, avg, min, max, sum, count, rate, increase, share, p1 "
            "to p99%s",
            take, fa_did_you_mean(take, words, FA_TAKE__COUNT, hint));
    } else if (metric->quantile < 0.01 || metric->quantile > 0.99) {
        fa_fault_key(faults, draft->at, "take", FA_ERANGE,
                     "take: a quantile is from p1 to p99, not '%s'; the ends are min and max",
                     take);
    }
}

static void build_rules(struct fa_faults *faults, struct fa_draft *draft, struct fa_config *config)
{
    config->rules = fa_xcalloc(draft->rules.count + 1, sizeof *config->rules);
    config->rule_count = draft->rules.count;
    for (size_t i = 0; i < draft->rules.count; i++) {
        struct fa_draft_rule *from = &draft->rules.items[i];
        struct fa_rule *rule = config->rules[i] = fa_xcalloc(1, sizeof *rule);
        *rule = from->e;
        memset(&from->e, 0, sizeof from->e);
        rule->file = fa_xstrdup(fa_file_of(faults, from->at));
        rule->line = fa_line_of(from->at);
        rule->is_incident = from->incident.at != NULL;
        rule->metric.at_least = from->at_least;
        rule->incident = from->incident.e;
        memset(&from->incident.e, 0, sizeof from->incident.e);
        rule->is_alert = from->alert.at != NULL;
        rule->alert = from->alert.e;
        memset(&from->alert.e, 0, sizeof from->alert.e);
        build_take(faults, from, &rule->metric);
        fa_build_query(faults, config, from, rule);
    }
    config->setup.rules = (const struct fa_rule *const *)config->rules;
    config->setup.rule_count = config->rule_count;
}

static uint32_t build_routes(struct fa_faults *faults, const struct fa_draft_listener *draft)
{
    static const char *const words[] = {"ingest", "api", "pages", "metrics"};
    static const uint32_t bits[] = {FA_ROUTES_INGEST, FA_ROUTES_API, FA_ROUTES_PAGES,
                                    FA_ROUTES_METRICS};
    uint32_t routes = 0;
    for (size_t i = 0; i < draft->routes.count; i++) {
        const char *word = draft->routes.items[i];
        char hint[96];
        size_t k = 0;
        while (k < 4 && strcmp(words[k], word) != 0) {
            k++;
        }
        if (k < 4) {
            routes |= bits[k];
        } else {
            fa_fault_key(faults, draft->at, "routes", FA_EINVAL,
                         "routes: '%.60s' is none of ingest, api, pages, metrics%s", word,
                         fa_did_you_mean(word, words, 4, hint));
        }
    }
    return routes;
}

/* "unix:./x" with the path made absolute. */
static void resolve_address(const struct fa_faults *faults, char **address)
{
    char *colon = *address != NULL ? strchr(*address, ':') : NULL;
    if (colon == NULL || strncmp(*address, "unix", 4) != 0) {
        return;
    }
    char *path = fa_files_resolve(faults->files, colon + 1);
    size_t size = (size_t)(colon - *address) + strlen(path) + 2;
    char *out = fa_xmalloc(size);
    snprintf(out, size, "%.*s:%s", (int)(colon - *address), *address, path);
    free(path);
    free(*address);
    *address = out;
}

static void build_sockets(struct fa_faults *faults, struct fa_draft *draft,
                          struct fa_config *config)
{
    config->listeners = fa_xcalloc(draft->listeners.count + 1, sizeof *config->listeners);
    config->feeds = fa_xcalloc(draft->feeds.count + 1, sizeof *config->feeds);
    for (size_t i = 0; i < draft->listeners.count; i++) {
        struct fa_draft_listener *from = &draft->listeners.items[i];
        struct fa_listener_entry *listener = &config->listeners[config->listener_count++];
        *listener = from->e;
        from->e = (struct fa_listener_entry){0};
        listener->limits = from->limits.e;
        listener->routes = build_routes(faults, from);
        struct tokens tokens = {0};
        for (size_t k = 0; k < from->token.count; k++) {
            add_token(faults, from->at, "token", from->token.items[k], &tokens);
        }
        listener->tokens = tokens.list;
        listener->token_count = tokens.count;
        listener->file = fa_xstrdup(fa_file_of(faults, from->at));
        listener->line = fa_line_of(from->at);
        resolve_address(faults, &listener->address);
    }
    for (size_t i = 0; i < draft->feeds.count; i++) {
        struct fa_draft_feed *from = &draft->feeds.items[i];
        config->feeds[config->feed_count++] = (struct fa_feed_entry){
            .name = from->name,
            .address = from->address,
            .listener = from->listener,
            .paths = from->path.items,
            .path_count = from->path.count,
            .mode = from->mode,
            .decoder = build_plugin(faults, from->at, from->name, from->decoder, &from->given),
            .series_max = from->limits.series,
            .labels_max = from->limits.labels,
            .name_max = from->limits.name,
            .value_max = from->limits.value,
        };
        from->name = from->address = from->listener = NULL;
        from->path.items = NULL;
        from->path.count = 0;
        resolve_address(faults, &config->feeds[i].address);
    }
}

static void build_fetches(struct fa_faults *faults, struct fa_draft *draft,
                          struct fa_config *config)
{
    config->fetches = fa_xcalloc(draft->fetches.count + 1, sizeof *config->fetches);
    for (size_t i = 0; i < draft->fetches.count; i++) {
        struct fa_draft_fetch *from = &draft->fetches.items[i];
        struct fa_fetch_entry *fetch = &config->fetches[config->fetch_count++];
        *fetch = from->e;
        from->e = (struct fa_fetch_entry){0};
        if (fetch->timeout == 0) {
            fetch->timeout = fetch->every < 10 * FA_SECOND ? fetch->every : 10 * FA_SECOND;
        }
        bool reads = fetch->kind == FA_JOB_SCRAPE || fetch->kind == FA_JOB_QUERY;
        const char *decoder = from->decoder != NULL ? from->decoder : reads ? "prometheus" : NULL;
        fetch->decoder = build_plugin(faults, from->at, fetch->name, decoder, &from->given);
        fetch->series_max = from->limits.series;
        fetch->labels_max = from->limits.labels;
        fetch->name_max = from->limits.name;
        fetch->value_max = from->limits.value;
        fetch->file = fa_xstrdup(fa_file_of(faults, from->at));
        fetch->line = fa_line_of(from->at);
    }
}

struct fa_config *fa_build(struct fa_faults *faults, struct fa_draft *draft)
{
    struct fa_config *config = fa_xcalloc(1, sizeof *config);
    config->people = fa_directory_new();
    config->setup.people = config->people;
    config->company = draft->company;
    config->notice = draft->notice;
    config->directory = draft->directory;
    config->pages_url = draft->pages.url;
    draft->company = draft->notice = draft->directory = draft->pages.url = NULL;
    build_directory(faults, draft, config);
    build_severities(draft, &config->setup);
    build_guide(draft, &config->setup);
    build_policies(draft, &config->setup);
    fa_build_defines(faults, draft, config);
    build_rules(faults, draft, config);
    build_sockets(faults, draft, config);
    build_fetches(faults, draft, config);
    if (draft->store.at != NULL) {
        config->store = build_plugin(faults, draft->store.at, "store", draft->store.plugin,
                                     &draft->store.given);
        config->mac_key_file = draft->store.mac_key;
        draft->store.mac_key = NULL;
    }
    config->setup.weekly = (struct fa_weekly){.to = draft->weekly.to.items,
                                              .to_count = draft->weekly.to.count,
                                              .budget = draft->weekly.budget};
    draft->weekly.to.items = NULL;
    draft->weekly.to.count = 0;
    config->setup.rearm = draft->times.rearm;
    config->setup.returned_max = draft->times.returned_max;
    config->setup.slow_retry = draft->times.slow_retry;
    config->setup.filings_open_max = draft->limits.filings_open;
    config->setup.alarms_open_max = draft->limits.alarms_open;
    config->setup.alarms_per_rule_max = draft->limits.alarms_per_rule;
    config->setup.outbox_max = draft->limits.outbox;
    return config;
}

static const struct fa_value *find_value(const struct fa_setup *setup, const char *name)
{
    for (size_t i = 0; i < setup->value_count; i++) {
        if (setup->values[i].name != NULL && strcmp(setup->values[i].name, name) == 0) {
            return &setup->values[i];
        }
    }
    return NULL;
}

static const struct fa_category *find_category(const struct fa_setup *setup, const char *name)
{
    for (size_t i = 0; name != NULL && i < setup->category_count; i++) {
        if (setup->categories[i].name != NULL && strcmp(setup->categories[i].name, name) == 0) {
            return &setup->categories[i];
        }
    }
    return NULL;
}

static void add_category(struct fa_incident_rule *incident, const char *name)
{
    for (size_t i = 0; i < incident->category_count; i++) {
        if (strcmp(incident->categories[i], name) == 0) {
            return;
        }
    }
    incident->categories = fa_xrealloc(incident->categories, (incident->category_count + 1) *
                                                                 sizeof *incident->categories);
    incident->categories[incident->category_count++] = fa_xstrdup(name);
}

void fa_build_inherit(struct fa_config *config, const struct fa_draft *draft)
{
    const struct fa_setup *setup = &config->setup;
    for (size_t i = 0; i < config->rule_count; i++) {
        struct fa_rule *rule = config->rules[i];
        const struct fa_draft_incident *incident = &draft->rules.items[i].incident;
        for (size_t v = 0; v < incident->values.count; v++) {
            const struct fa_value *value = find_value(setup, incident->values.items[v]);
            for (size_t c = 0; value != NULL && c < value->violation_count; c++) {
                add_category(&rule->incident, value->violations[c]);
            }
        }
        if (rule->is_incident && rule->incident.category_count > 0) {
            set_if_null(&rule->category, rule->incident.categories[0]);
        }
        const struct fa_category *category = find_category(setup, rule->category);
        if (rule->is_alert) {
            set_if_null(&rule->summary, "{rule}: {summary|default:it fires} since {since|time}");
        } else if (!rule->is_incident) {
            set_if_null(&rule->summary, "{rule}: {value} since {since|time}");
        }
        if (category != NULL) {
            set_if_null(&rule->severity, category->severity);
            set_if_null(&rule->policy, category->policy);
        }
    }
}
