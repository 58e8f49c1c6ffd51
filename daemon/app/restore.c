/* SPDX-License-Identifier: MIT */
/* `firealarmd --restore DIR`: a copy is brought beside the store, looked through whole, shown
 * against what is there now, and, when a person says so, put in its place. Nothing is thrown away:
 * the replaced store is kept beside the new one, and the operators are told at the next start.
 *
 * It runs as the user that the store's directory belongs to, so that the daemon finds its files as
 * it left them; only the configuration and the key are read as who called. */
#include "app/internal.h"
#include "base/panic.h"
#include "host/secret.h"
#include "store/key.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SECRETS "secrets_" /* as the unit names its credentials */

static int fail(const struct fa_err *err)
{
    char text[800];
    fprintf(stderr, "firealarmd: %s\n", fa_err_format(err, text, sizeof text));
    return err->code == FA_EBUSY ? FA_EXIT_BUSY : FA_EXIT_FAILED;
}

static void print_fault(void *ctx, bool is_warning, const struct fa_err *err)
{
    if (!is_warning) {
        (void)fail(err);
    }
}

static void on_plugin_log(void *ctx, uint32_t level, const char *text)
{
    fprintf(stderr, "firealarmd: %s\n", text);
}

/* Without the service's credentials secrets_NAME is secrets/NAME beside the configuration. */
static int read_key(struct fa_daemon *daemon, struct fa_err *err)
{
    const char *value = daemon->config->mac_key_file;
    char *path = NULL, config[PATH_MAX], beside[PATH_MAX + 300];
    int rc;
    if (daemon->options->credentials == NULL && strncmp(value, SECRETS, strlen(SECRETS)) == 0) {
        snprintf(config, sizeof config, "%s", daemon->options->config);
        snprintf(beside, sizeof beside, "%s/secrets/%s", dirname(config), value + strlen(SECRETS));
        return fa_store_key_read(beside, false, daemon->key, err);
    }
    rc = fa_secret_resolve(fa_str_of(value), daemon->options->credentials, &path, err);
    rc = rc == 0 ? fa_store_key_read(path, false, daemon->key, err) : rc;
    free(path);
    return rc;
}

/* A store whose disk is gone has no directory: it is made as its parent's owner would. */
static int become_owner(const struct fa_daemon *daemon, struct fa_err *err)
{
    char path[FA_STORE_PATH_SIZE], parent[FA_STORE_PATH_SIZE];
    struct stat st;
    if (fa_keep_path(daemon, path)[0] == '\0') {
        return 0;
    }
    snprintf(parent, sizeof parent, "%s", path);
    bool missing = stat(path, &st) != 0;
    if (missing && stat(dirname(parent), &st) != 0) {
        return fa_err_set(err, FA_EIO, "%s: %s", path, strerror(errno));
    }
    if (geteuid() == 0 && st.st_uid != 0 &&
        (setgroups(0, NULL) != 0 || setresgid(st.st_gid, st.st_gid, st.st_gid) != 0 ||
         setresuid(st.st_uid, st.st_uid, st.st_uid) != 0)) {
        return fa_err_set(err, FA_EDENIED, "cannot become the store's user: %s", strerror(errno));
    }
    if (missing && mkdir(path, 0700) != 0) {
        return fa_err_set(err, FA_EIO, "%s: %s", path, strerror(errno));
    }
    return 0;
}

/* Every file of the copy, as whoever this runs as by now. */
static int check_readable(const char *copy, struct fa_err *err)
{
    const struct dirent *entry;
    DIR *list = opendir(copy);
    int rc = list != NULL ? 0 : -1, code;
    while (rc == 0 && (entry = readdir(list)) != NULL) {
        rc = faccessat(dirfd(list), entry->d_name, R_OK, AT_EACCESS);
    }
    code = errno;
    if (list != NULL) {
        closedir(list);
    }
    if (rc != 0 && code == EACCES) {
        return fa_err_set(err, FA_EDENIED,
                          "%s: the store's user, uid %u, may not read it all, and reads it here: "
                          "chown -R %u it, in a place that this user can get at",
                          copy, (unsigned)geteuid(), (unsigned)geteuid());
    }
    return rc == 0 ? 0 : fa_err_set(err, FA_EIO, "%s: %s", copy, strerror(code));
}

/* What one store holds. */
struct looked {
    struct fa_store_head head;
    unsigned alarms, filings;
    struct fa_store_findings findings;
};

static int look(struct fa_daemon *daemon, struct fa_store *store, struct looked *ret,
                struct fa_err *err)
{
    struct fa_store_visitor visitor = {fa_keep_take_row, NULL, daemon};
    struct fa_engine_stats stats;
    daemon->engine = fa_engine_new(&daemon->config->setup);
    int rc = fa_store_load(store, &visitor, &ret->head, err);
    fa_engine_count(daemon->engine);
    fa_engine_stats(daemon->engine, &stats);
    ret->filings = stats.filings_open;
    ret->alarms = 0;
    for (size_t i = 0; i < FA_ALARM__COUNT; i++) {
        ret->alarms += i != FA_ALARM_RESOLVED ? stats.alarms[i] : 0;
    }
    fa_engine_free(daemon->engine);
    daemon->engine = NULL;
    return rc;
}

static void show(const char *what, const struct looked *looked)
{
    char time[32];
    printf("%s its journal ends at %llu (%s); open alarms %u, open filings %u\n", what,
           (unsigned long long)looked->head.n, fa_time_format(looked->head.time, time),
           looked->alarms, looked->filings);
}

/* The store that is there now. Where its journal ended, as far as anybody knows. */
static int look_at_present(struct fa_daemon *daemon, const struct fa_store_options *options,
                           uint64_t *ret_n, struct fa_err *err)
{
    struct fa_store *store = NULL;
    struct looked present = {0};
    int rc = fa_store_open(options, &store, err);
    if (rc == FA_EBUSY) {
        return rc;
    }
    rc = rc == 0 ? look(daemon, store, &present, err) : rc;
    if (rc != 0) {
        char text[800];
        printf("The store that is there cannot be read: %s\n",
               fa_err_format(err, text, sizeof text));
    } else {
        show("The store that is there:", &present);
    }
    (void)!fa_store_close(store, 0);
    *ret_n = present.head.n > present.head.reached ? present.head.n : present.head.reached;
    return 0;
}

static void show_loss(const struct looked *copy, uint64_t present)
{
    unsigned long long from = copy->head.n + 1;
    if (copy->findings.damaged > 0 || copy->findings.first_bad > 0 || !copy->head.intact ||
        !copy->head.complete) {
        printf("The copy is DAMAGED: %llu rows do not verify, its journal %s, and %s\n",
               (unsigned long long)copy->findings.damaged,
               copy->findings.first_bad > 0 || !copy->head.intact ? "does not either" : "does",
               copy->head.complete ? "no row is missing" : "rows are missing");
    }
    if (present > copy->head.n) {
        printf("Journal entries %llu to %llu would be LOST, with every filing, alarm and "
               "acknowledgement in them.\n",
               from, (unsigned long long)present);
    }
    puts("Samples are in no copy. What was sent since is sent again where it is not settled.");
}

/* "yes" or nothing happens. */
static bool agreed(void)
{
    char line[16] = "";
    if (!isatty(STDIN_FILENO)) {
        fputs("firealarmd: say --yes, or ask on a terminal\n", stderr);
        return false;
    }
    printf("Put it in place? (yes/no) ");
    fflush(stdout);
    return fgets(line, sizeof line, stdin) != NULL && strcmp(line, "yes\n") == 0;
}

/* *ret_tried: it came so far that the store may not be what it was. */
static int restore(struct fa_daemon *daemon, const char *from, bool yes, bool *ret_tried,
                   struct fa_err *err)
{
    struct fa_store_options options;
    struct fa_store *copy = NULL;
    struct looked looked = {0};
    char witness[FA_STORE_PATH_SIZE], kept[FA_STORE_PATH_SIZE];
    uint64_t present = 0;
    int rc = fa_keep_plugin(daemon, &options, witness, err);
    if (rc == 0 && options.witness != NULL && access(options.witness, F_OK) != 0) {
        options.witness = NULL; /* opening would make it, and not as the daemon does */
    }
    rc = rc == 0 ? check_readable(from, err) : rc;
    rc = rc == 0 ? look_at_present(daemon, &options, &present, err) : rc;
    rc = rc == 0 ? fa_store_open_copy(&options, from, true, &copy, err) : rc;
    rc = rc == 0 ? look(daemon, copy, &looked, err) : rc;
    if (rc == 0 && looked.head.n == 0) {
        /* What SQLite makes of a file of no bytes, which is what is left of a copy cut off. */
        rc = fa_err_set(err, FA_ECORRUPT, "%s: nothing is in it, not even a journal", from);
    }
    rc = rc == 0 ? fa_store_check(copy, FA_ROW__LAST, &looked.findings, err) : rc;
    if (rc == 0) {
        /* What the witness says is known also when the store that was there is not. */
        present = looked.head.reached > present ? looked.head.reached : present;
        show("The copy:", &looked);
        show_loss(&looked, present);
        rc = yes || agreed() ? 0 : FA_ECLOSED;
    }
    if (rc == 0) {
        rc = fa_store_adopt(copy, (fa_time)time(NULL) * FA_SECOND, present, kept, err);
        *ret_tried = true;
    } else if (rc == FA_ECLOSED) {
        fa_err_set(err, rc, "nobody said yes");
    }
    (void)!fa_store_close(copy, 0);
    if (rc == 0) {
        printf("The copy is in place. What was there is in %s.\n"
               "Start firealarmd: it tells the operators.\n",
               kept);
    }
    sodium_memzero(options.key, sizeof options.key);
    return rc;
}

int fa_daemon_restore(const struct fa_daemon_options *options, const char *from, bool yes)
{
    struct fa_daemon daemon = {.options = options};
    struct fa_err err;
    char path[PATH_MAX];
    if (sodium_init() < 0) {
        return FA_EXIT_FAILED;
    }
    if (realpath(from, path) == NULL) {
        fa_err_set(&err, FA_ENOTFOUND, "%s: %s", from, strerror(errno));
        return fail(&err);
    }
    daemon.host = fa_host_table(on_plugin_log, NULL);
    daemon.plugins = fa_plugins_new(options->plugins);
    int status = FA_EXIT_CONFIG;
    struct fa_config_world world = {.plugins = daemon.plugins};
    if (fa_config_load(options->config, &world, print_fault, NULL, &daemon.config) == 0) {
        bool tried = false;
        int rc = read_key(&daemon, &err);
        rc = rc == 0 ? become_owner(&daemon, &err) : rc;
        rc = rc == 0 ? restore(&daemon, path, yes, &tried, &err) : rc;
        fflush(stdout);
        status = rc == 0 ? FA_EXIT_OK : fail(&err);
        if (rc != 0 && !tried) {
            fputs("firealarmd: nothing was changed; the store is as it was\n", stderr);
        }
    }
    fa_options_free(daemon.store_options);
    sodium_memzero(daemon.key, sizeof daemon.key);
    fa_config_free(daemon.config);
    fa_plugins_free(daemon.plugins);
    return status;
}
