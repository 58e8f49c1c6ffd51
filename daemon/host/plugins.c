/* SPDX-License-Identifier: MIT */
/* Loading plugins. Decides whether a shared object may be run at all and whether its table keeps
 * the contract; what it cannot decide is what the plugin's functions then do.
 *
 * Invariants:
 *  1. Nothing is handed to dlopen() that somebody other than root or ourselves could have changed:
 *     the file, its folder and the root are checked first. The check is by path; it cannot be
 *     raced by whom it keeps out, because they cannot write the folders.
 *  2. No byte past the plugin's own `size` is read, and no member is used before abi and size were.
 *  3. Nothing is unloaded: sanitizers keep their stacks, and a plugin's constants stay valid.
 *
 * Tests: tests/unit/test_host_plugins.c with the broken plugins of tests/support/plugins_bad/. */
#include "host/plugins.h"

#include "base/panic.h"
#include "base/str.h"
#include "host/options.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIST_MAX 200 /* bytes of names in a message */

#define NAME_MAX_BYTES 32

/* A function that a plugin must have, by its place in the table. */
struct required {
    const char *name;
    size_t offset;
};

#define END_OF(type, member) (offsetof(type, member) + sizeof(((type *)NULL)->member))

static const struct required decoder_required[] = {
    {"create", offsetof(struct firealarm_decoder, create)},
    {"destroy", offsetof(struct firealarm_decoder, destroy)},
    {"open", offsetof(struct firealarm_decoder, open)},
    {"feed", offsetof(struct firealarm_decoder, feed)},
    {"close", offsetof(struct firealarm_decoder, close)},
    {NULL, 0},
};
static const struct required notifier_required[] = {
    {"create", offsetof(struct firealarm_notifier, create)},
    {"destroy", offsetof(struct firealarm_notifier, destroy)},
    {"render", offsetof(struct firealarm_notifier, render)},
    {NULL, 0},
};
static const struct required store_required[] = {
    {"open", offsetof(struct firealarm_store, open)},
    {"close", offsetof(struct firealarm_store, close)},
    {"load", offsetof(struct firealarm_store, load)},
    {"begin", offsetof(struct firealarm_store, begin)},
    {"put", offsetof(struct firealarm_store, put)},
    {"erase", offsetof(struct firealarm_store, erase)},
    {"append", offsetof(struct firealarm_store, append)},
    {"commit", offsetof(struct firealarm_store, commit)},
    {"rollback", offsetof(struct firealarm_store, rollback)},
    {"get", offsetof(struct firealarm_store, get)},
    {"query", offsetof(struct firealarm_store, query)},
    {"journal", offsetof(struct firealarm_store, journal)},
    {NULL, 0},
};

/* Everything that differs between the kinds. The minimum is the size of the first version of each
 * contract without its optional tail. */
static const struct kind {
    const char *name, *folder, *symbol;
    uint32_t abi;
    size_t size, minimum;
    const struct required *required;
} kinds[FA_PLUGIN__COUNT] = {
    [FA_PLUGIN_DECODER] = {"decoder", "decoders", "firealarm_decoder", FIREALARM_DECODER_ABI,
                           sizeof(struct firealarm_decoder),
                           END_OF(struct firealarm_decoder, close), decoder_required},
    [FA_PLUGIN_NOTIFIER] = {"notifier", "notifiers", "firealarm_notifier", FIREALARM_NOTIFIER_ABI,
                            sizeof(struct firealarm_notifier),
                            END_OF(struct firealarm_notifier, render), notifier_required},
    [FA_PLUGIN_STORE] = {"store", "stores", "firealarm_store", FIREALARM_STORE_ABI,
                         sizeof(struct firealarm_store), END_OF(struct firealarm_store, journal),
                         store_required},
};

/* The part that all three kinds begin with. */
struct common {
    uint32_t abi, size;
    const char *name, *version, *summary;
    const struct firealarm_option *options;
};
#define COMMON_AS_IN(type)                                                                         \
    _Static_assert(offsetof(type, name) == offsetof(struct common, name) &&                        \
                       offsetof(type, options) == offsetof(struct common, options),                \
                   "the kinds begin alike")
COMMON_AS_IN(struct firealarm_decoder);
COMMON_AS_IN(struct firealarm_notifier);
COMMON_AS_IN(struct firealarm_store);

static const struct firealarm_option no_options[] = {{.name = NULL}};

struct loaded {
    struct fa_plugin plugin;
    void *table; /* owned copy */
    struct loaded *next;
};

struct fa_plugins {
    char *root;
    struct loaded *first;
};

const char *fa_plugin_kind_name(enum fa_plugin_kind kind)
{
    return kinds[kind].name;
}

struct fa_plugins *fa_plugins_new(const char *root)
{
    struct fa_plugins *plugins = fa_xcalloc(1, sizeof *plugins);
    plugins->root = fa_xstrdup(root);
    return plugins;
}

void fa_plugins_free(struct fa_plugins *plugins)
{
    if (plugins == NULL) {
        return;
    }
    while (plugins->first != NULL) {
        struct loaded *next = plugins->first->next;
        free(plugins->first->table);
        free(plugins->first);
        plugins->first = next;
    }
    free(plugins->root);
    free(plugins);
}

const struct fa_plugin *fa_plugins_find(const struct fa_plugins *plugins, enum fa_plugin_kind kind,
                                        const char *name)
{
    for (const struct loaded *at = plugins->first; at != NULL; at = at->next) {
        if (at->plugin.kind == kind && strcmp(at->plugin.name, name) == 0) {
            return &at->plugin;
        }
    }
    return NULL;
}

static bool is_name(const char *name)
{
    size_t len = strlen(name);
    return len > 0 && len <= NAME_MAX_BYTES &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == len;
}

static int check_required(const struct kind *kind, const void *table, const char *origin,
                          struct fa_err *err)
{
    for (const struct required *at = kind->required; at->name != NULL; at++) {
        void (*function)(void);
        memcpy(&function, (const char *)table + at->offset, sizeof function);
        if (function == NULL) {
            return fa_err_set(err, FA_ECORRUPT, "%s: the %s has no %s function", origin, kind->name,
                              at->name);
        }
    }
    return 0;
}

/* Checks in the order in which members may be looked at. */
static int check_table(const struct kind *kind, const struct common *table, const char *origin,
                       struct fa_err *err)
{
    if (table->abi != kind->abi) {
        return fa_err_set(err, FA_EVERSION,
                          "%s: made for %s abi %u, this firealarm has abi %u; install the plugin "
                          "that belongs to it",
                          origin, kind->name, (unsigned)table->abi, (unsigned)kind->abi);
    }
    if (table->size < kind->minimum) {
        return fa_err_set(err, FA_ECORRUPT,
                          "%s: its table has %u bytes, a %s of abi %u has at least %zu", origin,
                          (unsigned)table->size, kind->name, (unsigned)kind->abi, kind->minimum);
    }
    if (table->name == NULL) {
        return fa_err_set(err, FA_ECORRUPT, "%s: the plugin has no name", origin);
    }
    int rc = check_required(kind, table, origin, err);
    if (rc == 0 && table->options != NULL &&
        (rc = fa_options_check_table(table->options, err)) < 0) {
        fa_err_wrap(err, "%s", origin);
    }
    return rc;
}

static int add(struct fa_plugins *plugins, enum fa_plugin_kind which, const struct common *table,
               const char *origin, struct fa_err *err)
{
    const struct kind *kind = &kinds[which];
    if (fa_plugins_find(plugins, which, table->name) != NULL) {
        return fa_err_set(err, FA_EEXISTS, "%s: there is a %s \"%s\" already", origin, kind->name,
                          table->name);
    }
    struct loaded *loaded = fa_xcalloc(1, sizeof *loaded);
    loaded->table = fa_xcalloc(1, kind->size);
    memcpy(loaded->table, table, table->size < kind->size ? table->size : kind->size);
    loaded->plugin = (struct fa_plugin){
        .kind = which,
        .name = table->name,
        .version = table->version != NULL ? table->version : "",
        .summary = table->summary != NULL ? table->summary : "",
        .options = table->options != NULL ? table->options : no_options,
        .decoder = which == FA_PLUGIN_DECODER ? loaded->table : NULL,
        .notifier = which == FA_PLUGIN_NOTIFIER ? loaded->table : NULL,
        .store = which == FA_PLUGIN_STORE ? loaded->table : NULL,
    };
    loaded->next = plugins->first;
    plugins->first = loaded;
    return 0;
}

int fa_plugins_add(struct fa_plugins *plugins, enum fa_plugin_kind kind, const void *table,
                   struct fa_err *err)
{
    char origin[64];
    snprintf(origin, sizeof origin, "built-in %s", kinds[kind].name);
    int rc = check_table(&kinds[kind], table, origin, err);
    const struct common *common = table;
    if (rc == 0 && !is_name(common->name)) {
        rc = fa_err_set(err, FA_ECORRUPT, "%s: \"%s\" is no plugin name", origin, common->name);
    }
    return rc < 0 ? rc : add(plugins, kind, common, origin, err);
}

/* Only root or we ourselves may be able to change what is at path. */
static int check_owner(const char *path, bool directory, struct fa_err *err)
{
    struct stat st;
    if ((directory ? stat(path, &st) : lstat(path, &st)) < 0) {
        int code = errno == ENOENT || errno == ENOTDIR ? FA_ENOTFOUND : FA_EIO;
        return fa_err_set(err, code, "%s: %s", path, strerror(errno));
    }
    if (directory ? !S_ISDIR(st.st_mode) : !S_ISREG(st.st_mode)) {
        return fa_err_set(err, FA_EDENIED, "%s: not a %s%s", path,
                          directory ? "directory" : "plain file",
                          S_ISLNK(st.st_mode) ? " but a symbolic link" : "");
    }
    if (st.st_uid != 0 && st.st_uid != geteuid()) {
        return fa_err_set(err, FA_EDENIED,
                          "%s: owned by uid %u; plugins are run only if they belong to root "
                          "(chown root)",
                          path, (unsigned)st.st_uid);
    }
    if ((st.st_mode & 022) != 0) {
        return fa_err_set(err, FA_EDENIED,
                          "%s: mode %04o lets group or others change it (chmod go-w)", path,
                          (unsigned)(st.st_mode & 07777));
    }
    return 0;
}

static int load(struct fa_plugins *plugins, enum fa_plugin_kind which, const char *name,
                const char *path, struct fa_err *err)
{
    const struct kind *kind = &kinds[which];
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (object == NULL) {
        return fa_err_set(err, FA_ECORRUPT, "%s: cannot be loaded: %s", path, dlerror());
    }
    const struct common *table = dlsym(object, kind->symbol);
    if (table == NULL) {
        return fa_err_set(err, FA_ECORRUPT, "%s: exports no %s, so it is no %s plugin", path,
                          kind->symbol, kind->name);
    }
    int rc = check_table(kind, table, path, err);
    if (rc < 0) {
        return rc;
    }
    if (strcmp(table->name, name) != 0) {
        return fa_err_set(err, FA_ECORRUPT,
                          "%s: calls itself \"%.*s\"; file name and name must "
                          "agree",
                          path, NAME_MAX_BYTES, table->name);
    }
    return add(plugins, which, table, path, err);
}

static int is_object(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return len > 3 && strcmp(entry->d_name + len - 3, ".so") == 0;
}

void fa_plugins_list(const struct fa_plugins *plugins, enum fa_plugin_kind kind,
                     void (*fn)(void *ctx, const char *name), void *ctx)
{
    char folder[3072];
    struct dirent **entries = NULL;
    if (plugins->root == NULL) {
        return;
    }
    snprintf(folder, sizeof folder, "%s/%s", plugins->root, kinds[kind].folder);
    int count = scandir(folder, &entries, is_object, alphasort);
    for (int i = 0; i < count; i++) {
        entries[i]->d_name[strlen(entries[i]->d_name) - 3] = '\0';
        fn(ctx, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

static void add_name(void *ctx, const char *name)
{
    char *text = ctx;
    size_t len = strlen(text);
    if (len + strlen(name) + 3 < LIST_MAX) {
        snprintf(text + len, LIST_MAX - len, "%s%s", len > 0 ? ", " : "", name);
    }
}

static int not_there(const struct fa_plugins *plugins, enum fa_plugin_kind kind, const char *name,
                     const char *path, struct fa_err *err)
{
    char names[LIST_MAX] = "";
    fa_plugins_list(plugins, kind, add_name, names);
    return fa_err_set(err, FA_ENOTFOUND, "there is no %s \"%s\" (no file %s); there are: %s",
                      kinds[kind].name, name, path, names[0] != '\0' ? names : "none");
}

int fa_plugins_load(struct fa_plugins *plugins, enum fa_plugin_kind kind, const char *name,
                    const struct fa_plugin **ret_plugin, struct fa_err *err)
{
    const struct fa_plugin *found = fa_plugins_find(plugins, kind, name);
    if (found != NULL) {
        *ret_plugin = found;
        return 0;
    }
    if (!is_name(name)) {
        return fa_err_set(err, FA_EINVAL,
                          "\"%.40s\" is no plugin name: lower-case letters, digits, '-' and '_', "
                          "at most %d",
                          name, NAME_MAX_BYTES);
    }
    if (plugins->root == NULL) {
        return fa_err_set(err, FA_ENOTFOUND, "there is no %s \"%s\"", kinds[kind].name, name);
    }
    char folder[3072], path[4096];
    int n = snprintf(folder, sizeof folder, "%s/%s", plugins->root, kinds[kind].folder);
    if (n < 0 || (size_t)n >= sizeof folder) {
        return fa_err_set(err, FA_ETOOBIG, "the plugin directory's name is too long");
    }
    snprintf(path, sizeof path, "%s/%s.so", folder, name);
    int rc = check_owner(plugins->root, true, err);
    if (rc == 0) {
        rc = check_owner(folder, true, err);
    }
    if (rc == 0) {
        rc = check_owner(path, false, err);
        if (rc == FA_ENOTFOUND) {
            return not_there(plugins, kind, name, path, err);
        }
    }
    if (rc == 0) {
        rc = load(plugins, kind, name, path, err);
    }
    if (rc == 0) {
        *ret_plugin = fa_plugins_find(plugins, kind, name);
    }
    return rc;
}

/* A plugin's words, made safe: it may have forgotten the NUL or written none at all. */
static int plugin_error(const struct fa_plugin *plugin, const struct firealarm_settings *settings,
                        const struct firealarm_error *error, struct fa_err *err)
{
    char words[sizeof error->text + 1] = "failed and does not say why";
    if (error->text[0] != '\0') {
        memcpy(words, error->text, sizeof error->text);
        words[sizeof error->text] = '\0';
    }
    return fa_err_set(err, FA_EINVAL, "%s \"%s\": %s", fa_plugin_kind_name(plugin->kind),
                      settings->name != NULL ? settings->name : plugin->name, words);
}

int fa_plugin_check(const struct fa_plugin *plugin, const struct firealarm_settings *settings,
                    struct fa_err *err)
{
    int32_t (*check)(const struct firealarm_settings *, struct firealarm_error *) =
        plugin->kind == FA_PLUGIN_DECODER    ? plugin->decoder->check
        : plugin->kind == FA_PLUGIN_NOTIFIER ? plugin->notifier->check
                                             : plugin->store->check;
    struct firealarm_error error = {""};
    if (check == NULL || check(settings, &error) == 0) {
        return 0;
    }
    return plugin_error(plugin, settings, &error, err);
}

int fa_plugin_create(const struct fa_plugin *plugin, const struct firealarm_host *host,
                     const struct firealarm_settings *settings, void **ret_self, struct fa_err *err)
{
    fa_assert(plugin->kind != FA_PLUGIN_STORE);
    struct firealarm_error error = {""};
    void *self = NULL;
    int32_t rc = plugin->kind == FA_PLUGIN_DECODER
                     ? plugin->decoder->create(host, settings, &self, &error)
                     : plugin->notifier->create(host, settings, &self, &error);
    if (rc != 0) {
        return plugin_error(plugin, settings, &error, err);
    }
    *ret_self = self;
    return 0;
}

void fa_plugin_destroy(const struct fa_plugin *plugin, void *self)
{
    if (plugin->kind == FA_PLUGIN_DECODER) {
        plugin->decoder->destroy(self);
    } else if (plugin->kind == FA_PLUGIN_NOTIFIER) {
        plugin->notifier->destroy(self);
    }
}

static void log_nothing(void *ctx, uint32_t level, const char *text)
{
}

struct firealarm_host fa_host_table(void (*log)(void *ctx, uint32_t level, const char *text),
                                    void *ctx)
{
    return (struct firealarm_host){
        .abi = FIREALARM_HOST_ABI,
        .size = sizeof(struct firealarm_host),
        .log = log != NULL ? log : log_nothing,
        .ctx = ctx,
    };
}
