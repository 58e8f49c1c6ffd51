/* SPDX-License-Identifier: MIT */
/* Finds and loads plugins: ROOT/decoders/NAME.so, ROOT/notifiers/NAME.so, ROOT/stores/NAME.so.
 * A plugin runs with all our rights, so the file and its folders must belong to root or to us and
 * nobody else may write them. Each defect has its own message; nothing is ever unloaded. */
#ifndef FA_HOST_PLUGINS_H
#define FA_HOST_PLUGINS_H

#include "base/err.h"

#include <firealarm/decoder.h>
#include <firealarm/notifier.h>
#include <firealarm/store.h>

enum fa_plugin_kind { FA_PLUGIN_DECODER, FA_PLUGIN_NOTIFIER, FA_PLUGIN_STORE, FA_PLUGIN__COUNT };

/* A loaded plugin. The tables are our own copies: what an older plugin lacks is NULL in them. */
struct fa_plugin {
    enum fa_plugin_kind kind;
    const char *name, *version, *summary;   /* never NULL */
    const struct firealarm_option *options; /* never NULL; a table that was checked */
    /* The one that belongs to kind; the others are NULL. */
    const struct firealarm_decoder *decoder;
    const struct firealarm_notifier *notifier;
    const struct firealarm_store *store;
};

struct fa_plugins;

/* root is the directory that holds decoders/, notifiers/ and stores/; NULL: only those added. */
struct fa_plugins *fa_plugins_new(const char *root);
/* Frees the tables; the shared objects stay mapped. Accepts NULL. */
void fa_plugins_free(struct fa_plugins *plugins);

/* Registers a plugin that is linked in; table is a struct firealarm_decoder, _notifier or _store
 * and must outlive plugins. Same checks and errors as fa_plugins_load, FA_EEXISTS for a second of
 * the same kind and name. */
int fa_plugins_add(struct fa_plugins *plugins, enum fa_plugin_kind kind, const void *table,
                   struct fa_err *err) FA_MUST_CHECK;
/* Gives the plugin, loading it when this is the first call for it. *ret_plugin lives as long as
 * plugins. FA_EINVAL: not a plugin's name; FA_ENOTFOUND: no such file; FA_EDENIED: somebody else
 * could change it; FA_EVERSION: another abi; FA_ECORRUPT: it breaks the contract. */
int fa_plugins_load(struct fa_plugins *plugins, enum fa_plugin_kind kind, const char *name,
                    const struct fa_plugin **ret_plugin, struct fa_err *err) FA_MUST_CHECK;
/* One that was added or loaded, NULL if there is none. */
const struct fa_plugin *fa_plugins_find(const struct fa_plugins *plugins, enum fa_plugin_kind kind,
                                        const char *name);

/* The names in the kind's folder, sorted; nothing is loaded. */
void fa_plugins_list(const struct fa_plugins *plugins, enum fa_plugin_kind kind,
                     void (*fn)(void *ctx, const char *name), void *ctx);

/* "decoder", "notifier", "store". */
const char *fa_plugin_kind_name(enum fa_plugin_kind kind);

/* Runs the plugin's check(), if it has one. The error reads `notifier "mail": <its words>`. */
int fa_plugin_check(const struct fa_plugin *plugin, const struct firealarm_settings *settings,
                    struct fa_err *err) FA_MUST_CHECK;
/* create() of a decoder or notifier (a store is opened by fa_store_open). host must outlive self.
 */
int fa_plugin_create(const struct fa_plugin *plugin, const struct firealarm_host *host,
                     const struct firealarm_settings *settings, void **ret_self,
                     struct fa_err *err) FA_MUST_CHECK;
/* destroy(); accepts a NULL self. */
void fa_plugin_destroy(const struct fa_plugin *plugin, void *self);

/* The host's table for plugins; log may be NULL (then nothing is logged) and is called on the
 * thread that called the plugin: for a store that is the writer thread. */
struct firealarm_host fa_host_table(void (*log)(void *ctx, uint32_t level, const char *text),
                                    void *ctx);

#endif
