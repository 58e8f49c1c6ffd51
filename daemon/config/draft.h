/* SPDX-License-Identifier: MIT */
/* What the files say, one struct for each group, before it is put together and proved. Each holds
 * its setting, so that a proof can name file and line. */
#ifndef FA_CONFIG_DRAFT_H
#define FA_CONFIG_DRAFT_H

#include "config/keys.h"

#define FA_ARRAY(type)                                                                             \
    struct {                                                                                       \
        type *items;                                                                               \
        size_t count;                                                                              \
    }
#define FA_TEXTS FA_ARRAY(char *)

struct fa_draft_contact {
    const config_setting_t *at;
    struct fa_contact e;
};

struct fa_draft_person {
    const config_setting_t *at;
    struct fa_person_entry e; /* all but contacts and tokens */
    FA_ARRAY(uint32_t) uid;
    FA_TEXTS token, tokens, leave;
    FA_ARRAY(struct fa_draft_contact) contacts;
};

struct fa_draft_calendar {
    const config_setting_t *at;
    char *name, *file, *zone;
    struct fa_fetch_entry remote; /* url and what goes with it */
    FA_TEXTS hours, except;
};

struct fa_draft_schedule {
    const config_setting_t *at;
    char *name, *display, *file, *zone;
    struct fa_fetch_entry remote;
};

struct fa_draft_team {
    const config_setting_t *at;
    struct fa_team_entry e;
};

struct fa_draft_model {
    const config_setting_t *at;
    struct fa_model_entry e;
};

struct fa_draft_account {
    const config_setting_t *at;
    struct fa_account_entry e;
};

struct fa_draft_channel {
    const config_setting_t *at;
    struct fa_channel_entry e;
    struct fa_given_list given;
};

struct fa_draft_severity {
    const config_setting_t *at;
    struct fa_severity e;
    bool has_urgent;
};

struct fa_draft_value {
    const config_setting_t *at;
    struct fa_value e;
};

struct fa_draft_category {
    const config_setting_t *at;
    struct fa_category e;
    uint32_t guidance;
};

struct fa_draft_step {
    const config_setting_t *at;
    struct fa_step e;
};

struct fa_draft_policy {
    const config_setting_t *at;
    char *name;
    uint32_t repeat_from;
    FA_ARRAY(struct fa_draft_step) steps;
};

struct fa_draft_incident {
    const config_setting_t *at; /* NULL: the rule has none */
    struct fa_incident_rule e;
    FA_TEXTS values;
};

struct fa_draft_alert {
    const config_setting_t *at; /* NULL: the rule has none */
    struct fa_alert_rule e;
};

struct fa_draft_rule {
    const config_setting_t *at;
    struct fa_rule e;
    char *take, *and_expr;
    uint32_t at_least;
    struct fa_draft_incident incident;
    struct fa_draft_alert alert;
};

struct fa_draft_maintenance {
    const config_setting_t *at;
    char *name, *reason, *owner, *calendar, *zone;
    FA_TEXTS where, weekly;
};

struct fa_draft_inhibition {
    const config_setting_t *at;
    char *reason, *owner;
    FA_TEXTS when, hide, equal;
};

struct fa_draft_define {
    const config_setting_t *at;
    char *name, *expr;
};

struct fa_draft_http_limits {
    const config_setting_t *at;
    struct fa_http_limits_config e;
};

struct fa_draft_listener {
    const config_setting_t *at;
    struct fa_listener_entry e;
    FA_TEXTS routes, token;
    struct fa_draft_http_limits limits;
};

struct fa_draft_feed_limits {
    const config_setting_t *at;
    uint32_t series, labels, name, value;
};

struct fa_draft_feed {
    const config_setting_t *at;
    char *name, *address, *decoder, *listener;
    FA_TEXTS path;
    uint32_t mode;
    struct fa_draft_feed_limits limits;
    struct fa_given_list given;
};

struct fa_draft_fetch {
    const config_setting_t *at;
    struct fa_fetch_entry e;
    char *decoder;
    struct fa_draft_feed_limits limits;
    struct fa_given_list given;
};

struct fa_draft_pages {
    const config_setting_t *at; /* NULL: none was given */
    char *url;
};

struct fa_draft_store {
    const config_setting_t *at; /* NULL: none was given */
    char *plugin, *mac_key;
    struct fa_given_list given;
};

struct fa_draft_times {
    const config_setting_t *at;
    fa_time rearm, returned_max, slow_retry;
};

struct fa_draft_weekly {
    const config_setting_t *at; /* NULL: none was given */
    FA_TEXTS to;
    char *time;
    uint32_t budget;
};

struct fa_draft_language {
    const config_setting_t *at;
    char *name;
    FA_ARRAY(struct fa_rule_match) phrases;
};

struct fa_draft_limits {
    const config_setting_t *at;
    uint32_t filings_open, alarms_open, alarms_per_rule, outbox;
};

struct fa_draft {
    const config_setting_t *at;
    char *company, *notice, *directory, *zone, *calendar;
    FA_ARRAY(char *) independent_roles;
    FA_ARRAY(struct fa_draft_person) people;
    FA_ARRAY(struct fa_draft_calendar) calendars;
    FA_ARRAY(struct fa_draft_schedule) schedules;
    FA_ARRAY(struct fa_draft_team) teams;
    FA_ARRAY(struct fa_draft_model) models;
    FA_ARRAY(struct fa_draft_account) accounts;
    FA_ARRAY(struct fa_draft_channel) channels;
    FA_ARRAY(struct fa_draft_severity) severities;
    FA_ARRAY(struct fa_draft_value) values;
    FA_ARRAY(struct fa_draft_category) categories;
    FA_ARRAY(struct fa_draft_policy) policies;
    FA_ARRAY(struct fa_draft_define) defines;
    FA_ARRAY(struct fa_draft_rule) rules;
    FA_ARRAY(struct fa_draft_maintenance) maintenance;
    FA_ARRAY(struct fa_draft_inhibition) inhibitions;
    FA_ARRAY(struct fa_draft_listener) listeners;
    FA_ARRAY(struct fa_draft_feed) feeds;
    FA_ARRAY(struct fa_draft_fetch) fetches;
    struct fa_draft_pages pages;
    struct fa_draft_store store;
    struct fa_draft_times times;
    struct fa_draft_limits limits;
    struct fa_draft_weekly weekly;
    FA_ARRAY(struct fa_draft_language) languages;
};

/* The whole configuration, and every section in the order of the reference. */
extern const struct fa_section fa_draft_section;

#endif
