/* SPDX-License-Identifier: MIT */
/* From files to a proved configuration, in the order in which faults can be told apart:
 *
 *   read and join -> scan -> parse -> tables (types, ranges, unknown keys) -> put together -> prove
 *
 * Reading goes on after a fault, so that one run shows them all. Only two things are held back: the
 * proof when a file has an error of grammar (what it would have defined would be reported missing),
 * and the proof about conflicts when people, teams or channels themselves are at fault. */
#include "config/build.h"
#include "base/texts.h"
#include "config/calendars.h"
#include "config/proof.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void read_draft(struct fa_faults *faults, const struct fa_files *files,
                       struct fa_draft *draft)
{
    struct fa_seen seen = {0};
    const config_setting_t *first = NULL;
    for (size_t i = 0; i < files->count; i++) {
        if (files->files[i].is_read) {
            const config_setting_t *root = config_root_setting(&files->files[i].tree);
            first = first == NULL ? root : first;
            fa_keys_members(faults, &fa_draft_section, root, draft, &seen);
        }
    }
    if (faults->unread_files == 0) {
        fa_keys_finish(faults, &fa_draft_section, first, draft, &seen);
    }
}

/* The last word on people is the directory's own. */
static bool seal(struct fa_faults *faults, struct fa_config *config)
{
    struct fa_err err;
    if (fa_directory_seal(config->people, &err) != 0) {
        fa_fault(faults, NULL, err.code, "%s", err.text);
        return false;
    }
    return true;
}

static void prove(struct fa_faults *faults, const struct fa_draft *draft, struct fa_config *config,
                  struct fa_plugins *plugins)
{
    size_t policies = draft->policies.count;
    struct fa_proof proof = {.faults = faults,
                             .draft = draft,
                             .config = config,
                             .plugins = plugins,
                             .policy_used = fa_xcalloc(policies + 1, sizeof(bool)),
                             .policy_filings = fa_xcalloc(policies + 1, sizeof(bool)),
                             .policy_categories = fa_xcalloc(policies + 1, sizeof(bool))};
    size_t before = faults->count;
    fa_proof_index(&proof);
    fa_prove_names(&proof);
    fa_prove_people(&proof);
    fa_prove_accounts(&proof);
    bool people_sound = faults->count == before && faults->people_count == 0;
    fa_prove_guide(&proof);
    fa_build_inherit(config, draft);
    fa_prove_rules(&proof);
    fa_prove_policies(&proof);
    fa_prove_hiding(&proof);
    fa_prove_weekly(&proof);
    fa_prove_languages(&proof);
    fa_prove_plugins(&proof); /* says where feeds take requests */
    fa_prove_sockets(&proof);
    fa_prove_fetches(&proof);
    if (people_sound && seal(faults, config)) {
        fa_prove_conflicts(&proof);
        fa_prove_days(&proof);
    }
    fa_proof_index_done(&proof);
    free(proof.policy_used);
    free(proof.policy_filings);
    free(proof.policy_categories);
}

struct fa_file_mark fa_file_mark_of(const char *path)
{
    struct stat st;
    if (path == NULL || stat(path, &st) != 0) {
        return (struct fa_file_mark){0};
    }
    return (struct fa_file_mark){st.st_dev, st.st_ino, st.st_size,
                                 st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec};
}

/* The directory that an import wrote, or the one that is tried in its place. */
static void add_directory(struct fa_faults *faults, struct fa_files *files,
                          const struct fa_str *instead)
{
    char *path = fa_files_directory(files);
    struct fa_buf buf = {0};
    if (path == NULL) {
        return;
    }
    files->directory_mark = fa_file_mark_of(path);
    if (instead != NULL) {
        fa_files_add_directory(files, path, *instead, faults);
    } else if (access(path, F_OK) != 0 && errno == ENOENT) {
        fa_warn(faults, NULL,
                "directory: '%.300s' is not there yet, so nobody is in it: 'firealarm directory "
                "import' writes it",
                path);
    } else if (fa_files_read_directory(path, &buf, faults) == 0) {
        fa_files_add_directory(files, path, fa_buf_str(&buf), faults);
    } else {
        faults->unread_files++;
    }
    fa_buf_done(&buf);
    free(path);
}

/* FA_EAGAIN: calendars have to be read first; nothing is made then. */
static int make(struct fa_faults *faults, struct fa_files *files,
                const struct fa_config_world *world, struct fa_config **ret_config)
{
    int rc = 0;
    struct fa_draft draft = {0};
    fa_files_parse(files, faults);
    add_directory(faults, files, world != NULL ? world->directory : NULL);
    read_draft(faults, files, &draft);
    struct fa_config *config = fa_build(faults, &draft);
    if (faults->unread_files == 0) {
        rc = fa_build_calendars(faults, files, &draft, world, config);
    }
    if (faults->unread_files == 0 && rc == 0) {
        fa_build_business(faults, &draft, config);
    }
    if (faults->unread_files == 0 && rc == 0) {
        prove(faults, &draft, config, world != NULL ? world->plugins : NULL);
    }
    for (size_t i = 0; faults->count == 0 && i < config->setup.policy_count; i++) {
        fa_policy_seal(&config->setup.policies[i]);
    }
    fa_keys_free(&fa_draft_section, &draft);
    *ret_config = config;
    return rc;
}

/* Gives the configuration out, or frees it after faults. */
static int finish(int rc, struct fa_faults *faults, struct fa_files *files,
                  struct fa_config *config, struct fa_config **ret_config)
{
    rc = faults->count == 0 ? rc : FA_EINVAL;
    if (rc == 0) {
        config->source = fa_files_source(files);
        config->directory_mark = files->directory_mark;
        *ret_config = config;
    } else {
        fa_config_free(config);
    }
    fa_files_done(files);
    return rc;
}

int fa_config_load(const char *path, const struct fa_config_world *world, fa_config_fault_fn *fault,
                   void *ctx, struct fa_config **ret_config)
{
    struct fa_files files = {0};
    struct fa_faults faults = {.fn = fault, .ctx = ctx, .files = &files};
    struct fa_config *config = NULL;
    int rc = fa_files_load(&files, path, &faults);
    if (rc == 0) {
        rc = make(&faults, &files, world, &config);
    }
    return finish(rc, &faults, &files, config, ret_config);
}

int fa_config_directory(const char *path, fa_config_fault_fn *fault, void *ctx, char **ret_path)
{
    struct fa_files files = {0};
    struct fa_faults faults = {.fn = fault, .ctx = ctx, .files = &files};
    *ret_path = NULL;
    if (fa_files_load(&files, path, &faults) == 0) {
        fa_files_parse(&files, &faults);
        *ret_path = fa_files_directory(&files);
    }
    fa_files_done(&files);
    return faults.count == 0 ? 0 : FA_EINVAL;
}

int fa_config_parse(const char *name, struct fa_str text, const struct fa_config_world *world,
                    fa_config_fault_fn *fault, void *ctx, struct fa_config **ret_config)
{
    struct fa_files files = {0};
    struct fa_faults faults = {.fn = fault, .ctx = ctx, .files = &files};
    struct fa_config *config = NULL;
    int rc = fa_files_take(&files, name, text, &faults);
    if (rc == 0) {
        rc = make(&faults, &files, world, &config);
    }
    return finish(rc, &faults, &files, config, ret_config);
}

static void free_plugin(struct fa_plugin_config *plugin)
{
    struct fa_given_list given = {plugin->given, plugin->given_count};
    fa_given_free(&given);
    free(plugin->name);
    free(plugin->plugin);
    free(plugin->file);
}

static void free_language(struct fa_language *language)
{
    for (size_t i = 0; i < FA_PHRASE__COUNT; i++) {
        free(language->texts[i]);
    }
    free(language->name);
}

static void free_setup(struct fa_setup *setup)
{
    for (size_t i = 0; i < setup->policy_count; i++) {
        fa_policy_done(&setup->policies[i]);
    }
    for (size_t i = 0; i < setup->severity_count; i++) {
        free(setup->severities[i].name);
    }
    for (size_t i = 0; i < setup->category_count; i++) {
        struct fa_category *category = &setup->categories[i];
        free(category->name);
        free(category->title);
        free(category->hint);
        free(category->severity);
        free(category->policy);
        free(category->value);
        free(category->calendar);
        fa_texts_free(category->examples, category->example_count);
        fa_texts_free(category->helpers, category->helper_count);
    }
    for (size_t i = 0; i < setup->value_count; i++) {
        free(setup->values[i].name);
        free(setup->values[i].title);
        fa_texts_free(setup->values[i].violations, setup->values[i].violation_count);
    }
    for (size_t i = 0; i < setup->maintenance_count; i++) {
        fa_maintenance_done(&setup->maintenance[i]);
    }
    for (size_t i = 0; i < setup->inhibition_count; i++) {
        fa_inhibition_done(&setup->inhibitions[i]);
    }
    fa_texts_free(setup->weekly.to, setup->weekly.to_count);
    for (size_t i = 0; i < setup->language_count; i++) {
        free_language(&setup->languages[i]);
    }
    free(setup->languages);
    free(setup->maintenance);
    free(setup->inhibitions);
    free(setup->policies);
    free(setup->severities);
    free(setup->categories);
    free(setup->values);
}

static void free_matches(struct fa_rule_match *matches, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(matches[i].name);
        free(matches[i].value);
    }
    free(matches);
}

static void free_rule(struct fa_rule *rule)
{
    free_matches(rule->metric.matches, rule->metric.match_count);
    free_matches(rule->alert.matches, rule->alert.match_count);
    fa_texts_free(rule->alert.per, rule->alert.per_count);
    free(rule->metric.metric);
    fa_texts_free(rule->metric.per, rule->metric.per_count);
    fa_promql_free(rule->query.expr);
    fa_promql_free(rule->query.clear);
    free(rule->query.text);
    free(rule->query.clear_text);
    fa_texts_free(rule->incident.categories, rule->incident.category_count);
    fa_texts_free(rule->incident.per, rule->incident.per_count);
    free(rule->name);
    free(rule->category);
    free(rule->severity);
    free(rule->policy);
    free(rule->summary);
    free(rule->expect);
    free(rule->calendar);
    free(rule->file);
    free(rule);
}

static void free_sockets(struct fa_config *config)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        free(config->listeners[i].name);
        free(config->listeners[i].address);
        free(config->listeners[i].cert);
        free(config->listeners[i].key);
        free(config->listeners[i].tokens);
        free(config->listeners[i].file);
    }
    for (size_t i = 0; i < config->feed_count; i++) {
        free(config->feeds[i].name);
        free(config->feeds[i].address);
        free(config->feeds[i].listener);
        fa_texts_free(config->feeds[i].paths, config->feeds[i].path_count);
        free_plugin(&config->feeds[i].decoder);
    }
    free(config->listeners);
    free(config->feeds);
}

static void free_fetch(struct fa_fetch_entry *fetch)
{
    free(fetch->name);
    free(fetch->url);
    free(fetch->secret_url);
    free(fetch->query);
    free(fetch->metric);
    free(fetch->user);
    free(fetch->password);
    free(fetch->token);
    free(fetch->ca);
    free_matches(fetch->headers, fetch->header_count);
    free_matches(fetch->labels, fetch->label_count);
    free_plugin(&fetch->decoder);
    free(fetch->file);
}

void fa_config_free(struct fa_config *config)
{
    if (config == NULL) {
        return;
    }
    free_setup(&config->setup);
    for (size_t i = 0; i < config->rule_count; i++) {
        free_rule(config->rules[i]);
    }
    fa_build_defines_free(config);
    for (size_t i = 0; i < config->channel_count; i++) {
        free_plugin(&config->channels[i]);
    }
    free_sockets(config);
    for (size_t i = 0; i < config->fetch_count; i++) {
        free_fetch(&config->fetches[i]);
    }
    free(config->fetches);
    for (size_t i = 0; i < config->mirror_count; i++) {
        free(config->mirrors[i].name);
        free(config->mirrors[i].file);
        free(config->mirrors[i].host);
    }
    free(config->mirrors);
    free_plugin(&config->store);
    fa_directory_free(config->people);
    free(config->rules);
    free(config->channels);
    free(config->mac_key_file);
    free(config->company);
    free(config->pages_url);
    free(config->notice);
    free(config->directory);
    free(config->source);
    free(config);
}
