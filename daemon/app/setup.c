/* SPDX-License-Identifier: MIT */
/* The configuration at start, at SIGHUP and when an import wrote the directory: read, prove, swap
 * whole or keep the old one. The last
 * accepted one is kept beside the store as accepted.cfg and runs when a start finds the files
 * refused. */
#include "app/internal.h"
#include "base/crashpoint.h"
#include "base/panic.h"
#include "calendar/reader.h"
#include "config/remotes.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ACCEPTED_MAX ((size_t)24 << 20)

static void on_fault(void *ctx, bool is_warning, const struct fa_err *err)
{
    unsigned *faults = ctx;
    *faults += !is_warning;
    fa_log_err(is_warning ? FA_LOG_WARNING : FA_LOG_ERROR, err);
}

/* ---- accepted.cfg ---- */

static void accepted_path(const struct fa_daemon *daemon, char *buf, size_t size)
{
    snprintf(buf, size, "%s/accepted.cfg", daemon->options->state);
}

void fa_setup_remember(const struct fa_daemon *daemon)
{
    char path[1024];
    struct fa_err err;
    if (daemon->options->state == NULL) {
        return;
    }
    accepted_path(daemon, path, sizeof path);
    if (fa_file_replace(path, 0600, fa_str_of(daemon->config->source), &err) != 0) {
        fa_log(FA_LOG_WARNING, "the accepted configuration cannot be kept: %s", err.text);
    }
}

static char *read_accepted(const struct fa_daemon *daemon, size_t *ret_len)
{
    char path[1024];
    struct stat st;
    if (daemon->options->state == NULL) {
        return NULL;
    }
    accepted_path(daemon, path, sizeof path);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return NULL;
    }
    /* Whoever may write it may make us tell anybody anything. */
    bool ours = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 022) == 0 &&
                (st.st_uid == geteuid() || st.st_uid == 0) && (size_t)st.st_size <= ACCEPTED_MAX;
    char *text = ours ? fa_xmalloc((size_t)st.st_size + 1) : NULL;
    ssize_t len = text != NULL ? read(fd, text, (size_t)st.st_size) : -1;
    close(fd);
    if (len < 0) {
        free(text);
        return NULL;
    }
    *ret_len = (size_t)len;
    return text;
}

static fa_time wall_now(void)
{
    return (fa_time)time(NULL) * FA_SECOND; /* there is no loop yet */
}

/* ---- faults that are told later ---- */

/* Those of a reading that has to be done again are not told twice. */
struct told {
    struct fa_err *list; /* owned; a warning has the code 0 */
    size_t count, cap;
};

static void keep_fault(void *ctx, bool is_warning, const struct fa_err *err)
{
    struct told *told = ctx;
    told->list = fa_xgrow(told->list, told->count, &told->cap, sizeof *told->list);
    told->list[told->count] = *err;
    told->list[told->count++].code = is_warning ? 0 : err->code;
}

/* How many faults there are, without warnings. */
static unsigned tell_faults(struct told *told, int rc, struct fa_err *ret_first)
{
    unsigned faults = 0;
    for (size_t i = 0; rc != FA_EAGAIN && i < told->count; i++) {
        bool is_fault = told->list[i].code != 0;
        fa_log_err(is_fault ? FA_LOG_ERROR : FA_LOG_WARNING, &told->list[i]);
        if (is_fault && faults++ == 0) {
            *ret_first = told->list[i];
        }
    }
    free(told->list);
    return faults;
}

/* What files say that change faster than they can be read. */
static int give_up(int rc, bool is_last, struct fa_err *err)
{
    if (rc == FA_EAGAIN && is_last) {
        rc = fa_err_set(err, FA_EBUSY, "the calendars change while they are read");
        fa_log_err(FA_LOG_ERROR, err);
    }
    return rc;
}

/* ---- start ---- */

/* Calendars of which there is no copy yet are fetched first. */
static int load_files(struct fa_daemon *daemon, const struct fa_config_world *world,
                      unsigned *ret_faults)
{
    int rc = FA_EAGAIN;
    for (int round = 0; rc == FA_EAGAIN && round < 2; round++) {
        struct told told = {0};
        struct fa_err first;
        if (round > 0) {
            fa_log(FA_LOG_NOTICE, "calendars without a copy are fetched");
            fa_remote_fetch(daemon->options, world->remotes, &daemon->renewal.cancelled);
        }
        rc = fa_config_load(daemon->options->config, world, keep_fault, &told, &daemon->config);
        *ret_faults = tell_faults(&told, rc, &first);
    }
    if (rc == 0) {
        fa_remote_keep(world->remotes);
    }
    return rc;
}

int fa_setup_load(struct fa_daemon *daemon)
{
    unsigned faults = 0;
    struct fa_config_world world = {.plugins = daemon->plugins,
                                    .calendars = fa_renewal_calendars(daemon, wall_now()),
                                    .remotes = fa_remotes_new(false)};
    int rc = load_files(daemon, &world, &faults);
    fa_remotes_free(world.remotes);
    world.remotes = NULL;
    if (rc != 0) {
        size_t len = 0;
        fa_log(FA_LOG_ERROR, "the configuration is refused: %u fault%s", faults,
               faults == 1 ? "" : "s");
        char *text = read_accepted(daemon, &len);
        faults = 0;
        rc = text == NULL ? FA_ENOTFOUND
                          : fa_config_parse("accepted.cfg", (struct fa_str){text, len}, &world,
                                            on_fault, &faults, &daemon->config);
        free(text);
        daemon->on_accepted = daemon->is_refused = rc == 0;
    }
    if (daemon->on_accepted) {
        fa_log(FA_LOG_WARNING, "running on the configuration that was accepted last");
    }
    if (rc == 0) {
        daemon->directory_tried = daemon->on_accepted ? fa_file_mark_of(daemon->config->directory)
                                                      : daemon->config->directory_mark;
    }
    fa_calendars_free(world.calendars);
    return rc;
}

/* ---- reload ---- */

/* Opens what the new configuration needs, then swaps; an error leaves all as it was. */
static int swap(struct fa_daemon *daemon, struct fa_config *config, struct fa_err *err)
{
    struct fa_listening *listening = NULL;
    struct fa_feed_socket **feeds = NULL;
    struct fa_fetch_job **jobs = NULL;
    size_t listening_count = 0, feed_count = 0;
    if (strcmp(config->store.plugin, daemon->config->store.plugin) != 0 ||
        strcmp(config->mac_key_file, daemon->config->mac_key_file) != 0) {
        return fa_err_set(err, FA_EUNSUPPORTED, "another store or key needs a restart");
    }
    int rc = fa_sender_set_channels(daemon, config, err);
    if (rc == 0) {
        rc = fa_listeners_open(daemon, config, &listening, &listening_count, err);
    }
    if (rc == 0) {
        rc = fa_fetch_open(daemon, config, &jobs, err);
    }
    if (rc == 0) {
        rc = fa_feeds_open(daemon, config, &feeds, &feed_count, err);
    }
    if (rc != 0) {
        struct fa_err other;
        (void)!fa_sender_set_channels(daemon, daemon->config, &other);
        if (listening != NULL) {
            fa_listeners_restore(daemon, listening, listening_count);
        }
        fa_fetch_close(jobs, jobs != NULL ? config->fetch_count : 0);
        return rc;
    }
    fa_listeners_renew(listening, listening_count, config);
    fa_listeners_close(daemon->listening, daemon->listening_count);
    fa_feeds_close(daemon->feeds, daemon->feed_count);
    daemon->listening = listening;
    daemon->listening_count = listening_count;
    daemon->feeds = feeds;
    daemon->feed_count = feed_count;
    fa_fetch_swap(daemon, jobs, config->fetch_count);
    fa_windows_reload(daemon, config);
    struct fa_config *old = daemon->config;
    daemon->config = config;
    fa_changes_sweep(daemon);
    fa_feeds_bind(daemon);
    fa_fetch_bind(daemon);
    struct fa_event event = {.kind = FA_EV_RELOAD, .u.reload = {&config->setup}};
    fa_turn_step(daemon, &event);
    fa_api_set_texts(daemon->api, config->company, config->notice, config->pages_url);
    fa_config_free(old);
    return 0;
}

/* Of nobody who was there it may be said by a file's absence that they are gone. */
static int directory_is_there(const struct fa_config *old, const struct fa_config *config,
                              struct fa_err *err)
{
    static const struct fa_file_mark none;
    bool had = memcmp(&old->directory_mark, &none, sizeof none) != 0;
    bool has = memcmp(&config->directory_mark, &none, sizeof none) != 0;
    return !had || has || config->directory == NULL
               ? 0
               : fa_err_set(err, FA_ENOTFOUND,
                            "directory: '%.300s' was there and is gone: import it again, or take "
                            "the key away",
                            config->directory);
}

int fa_setup_reload(struct fa_daemon *daemon, bool is_last)
{
    struct fa_config_world world = {.plugins = daemon->plugins,
                                    .calendars = daemon->renewal.calendars,
                                    .remotes = daemon->renewal.remotes,
                                    .is_waiting_elsewhere = true};
    struct fa_config *config = NULL;
    struct told told = {0};
    struct fa_err err = {0};
    int rc = fa_config_load(daemon->options->config, &world, keep_fault, &told, &config);
    (void)tell_faults(&told, rc, &err);
    rc = give_up(rc, is_last, &err);
    if (rc == FA_EAGAIN) {
        return rc;
    }
    if (rc == 0) {
        FA_CRASHPOINT("app.before_reload");
        rc = directory_is_there(daemon->config, config, &err);
        rc = rc == 0 ? swap(daemon, config, &err) : rc;
        FA_CRASHPOINT("app.after_reload");
        if (rc != 0) {
            fa_log_err(FA_LOG_ERROR, &err);
            fa_config_free(config);
        }
    }
    if (rc == 0) {
        daemon->on_accepted = false;
        daemon->directory_tried = daemon->config->directory_mark;
        fa_remote_keep(daemon->renewal.remotes);
        fa_setup_remember(daemon);
        fa_tested_count(daemon);
        fa_daemon_announce(daemon);
        fa_log(FA_LOG_NOTICE, "the new configuration holds");
    } else {
        fa_log(FA_LOG_ERROR, "the new configuration is refused, the running one stays");
    }
    daemon->is_refused = rc != 0;
    fa_turn_trouble(daemon, "configuration-refused", rc == 0,
                    "a changed configuration was refused; the running one stays: see the log");
    if (rc == 0) {
        fa_turn_trouble(daemon, "calendars-refused", true, "%s", "");
        (void)fa_remote_settle(daemon, daemon->renewal.remotes, NULL);
    }
    return rc;
}

/* ---- the daily look at calendars ---- */

/* Rules, feeds, listeners and what runs of them are left alone: only who there is and when is
 * taken from `fresh`, which gets the old. */
static void take_directory(struct fa_daemon *daemon, struct fa_config *fresh)
{
    struct fa_config *config = daemon->config;
    struct fa_directory *people = config->people;
    char *source = config->source;
    config->people = fresh->people;
    config->setup.people = fresh->people;
    config->source = fresh->source;
    config->walk_from = fresh->walk_from;
    config->known_until = fresh->known_until;
    fresh->people = people;
    fresh->setup.people = people;
    fresh->source = source;
    struct fa_event event = {.kind = FA_EV_RELOAD, .u.reload = {&config->setup, true}};
    fa_turn_step(daemon, &event);
}

int fa_setup_renew(struct fa_daemon *daemon, bool is_last)
{
    struct fa_remotes *remotes = daemon->renewal.remotes;
    struct fa_config_world world = {.plugins = daemon->plugins,
                                    .calendars = daemon->renewal.calendars,
                                    .remotes = remotes,
                                    .is_waiting_elsewhere = true,
                                    .is_fresh = true};
    struct fa_config *fresh = NULL;
    struct told told = {0};
    struct fa_err err = {0};
    char text[800];
    int rc = fa_config_parse(daemon->options->config, fa_str_of(daemon->config->source), &world,
                             keep_fault, &told, &fresh);
    (void)tell_faults(&told, rc, &err);
    rc = give_up(rc, is_last, &err);
    if (rc == FA_EAGAIN) {
        return rc;
    }
    if (rc == 0) {
        take_directory(daemon, fresh);
        fa_config_free(fresh);
        fa_remote_keep(remotes);
        fa_setup_remember(daemon);
        fa_log(FA_LOG_INFO, "the calendars were read for 400 days to come");
    } else {
        fa_log(FA_LOG_ERROR, "the calendars are refused, those that were read last stay");
    }
    fa_turn_trouble(daemon, "calendars-refused", rc == 0,
                    "calendars cannot be used as they are now; those read last stay: %s",
                    fa_err_format(&err, text, sizeof text));
    bool all = fa_remote_settle(daemon, remotes, rc != 0 ? text : NULL);
    return rc != 0 || all ? rc : FA_ENOTFOUND;
}

/* An import that was refused leaves its mark beside the file. */
static void look_for_refusal(struct fa_daemon *daemon)
{
    char path[1024];
    const char *directory = daemon->config->directory;
    snprintf(path, sizeof path, "%.1000s.refused", directory != NULL ? directory : "");
    int refused = directory != NULL && access(path, F_OK) == 0;
    if (refused != daemon->directory_refused) {
        daemon->directory_refused = refused;
        fa_turn_trouble(daemon, "directory-refused", !refused,
                        "an import of the directory was refused; what was imported before stays: "
                        "run 'firealarm directory import' again and see what it says");
    }
}

void fa_setup_look(struct fa_daemon *daemon)
{
    struct fa_file_mark mark = fa_file_mark_of(daemon->config->directory);
    if (memcmp(&mark, &daemon->directory_tried, sizeof mark) != 0) {
        daemon->directory_tried = mark;
        fa_log(FA_LOG_NOTICE, "the directory was changed");
        fa_renewal_reload(daemon);
    }
    look_for_refusal(daemon);
}
