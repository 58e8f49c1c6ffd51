/* SPDX-License-Identifier: MIT */
/* The manual page firealarm.cfg(5) from the tables: a key that can be configured is documented, and
 * with the range and default that are really checked. The plugins that are there come last. */
#include "config/draft.h"
#include "host/plugins.h"

#include <string.h>

/* roff reads a leading dot or quote and every backslash as its own. */
static void put(FILE *out, const char *text)
{
    if (*text == '.' || *text == '\'') {
        fputs("\\&", out);
    }
    for (; *text != '\0'; text++) {
        if (*text == '\\') {
            fputs("\\e", out);
        } else if (*text == '-') {
            fputs("\\-", out);
        } else {
            fputc(*text, out);
        }
    }
}

static const char *type_words(const struct fa_key *key)
{
    static const char *const words[] = {
        [FA_KEY_TEXT] = "text",
        [FA_KEY_NAME] = "name",
        [FA_KEY_PATH] = "path",
        [FA_KEY_DURATION] = "duration",
        [FA_KEY_MEASURED] = "duration or business time",
        [FA_KEY_U32] = "whole number",
        [FA_KEY_REAL] = "number",
        [FA_KEY_BOOL] = "true or false",
        [FA_KEY_CHOICE] = "one of",
        [FA_KEY_MODE] = "octal digits in quotes",
        [FA_KEY_TEXTS] = "text or list of texts",
        [FA_KEY_U32S] = "whole number or list of them",
        [FA_KEY_PAIRS] = "group of texts",
        [FA_KEY_CHOSEN] = "group of texts or lists of them",
        [FA_KEY_GROUP] = "group",
        [FA_KEY_GROUPS] = "list of groups",
        [FA_KEY_REFUSED] = "",
    };
    return words[key->type];
}

static void put_range(FILE *out, const struct fa_key *key)
{
    char low[40], high[40];
    if ((key->type == FA_KEY_DURATION || key->type == FA_KEY_MEASURED) && key->max > 0) {
        fprintf(out, ", %s to %s", fa_format_duration(key->min, low),
                fa_format_duration(key->max, high));
    } else if ((key->type == FA_KEY_U32 || key->type == FA_KEY_U32S) && key->max > 0) {
        fprintf(out, ", %lld to %lld", (long long)key->min, (long long)key->max);
    } else if (key->type == FA_KEY_TEXT && key->max > 0) {
        fprintf(out, ", up to %lld bytes", (long long)key->max);
    } else if (key->type == FA_KEY_TEXTS && key->max > 0) {
        fprintf(out, ", up to %lld", (long long)key->max);
    }
}

static void put_key(FILE *out, const struct fa_key *key)
{
    fprintf(out, ".TP\n.BR ");
    put(out, key->name);
    fprintf(out, " \" (%s", type_words(key));
    if (key->choices != NULL) {
        fprintf(out, " %s", key->choices);
    }
    put_range(out, key);
    if ((key->flags & FA_KEY_REQUIRED) != 0) {
        fputs("; required", out);
    } else if (key->def != NULL) {
        fprintf(out, "; default %s", key->def);
    }
    fputs(")\"\n", out);
    put(out, key->help);
    fputc('\n', out);
}

/* The keys of one group, then those of the groups in it. */
static void put_section(FILE *out, const struct fa_section *section, const char *path)
{
    fputs(".SS ", out);
    put(out, path);
    fputc('\n', out);
    put(out, section->help);
    fputc('\n', out);
    for (size_t i = 0; i < section->key_count; i++) {
        if (section->keys[i].type != FA_KEY_REFUSED) {
            put_key(out, &section->keys[i]);
        }
    }
    if (section->is_open) {
        fputs(".TP\n.I other keys\nare options of the plugin.\n", out);
    }
    for (size_t i = 0; i < section->key_count; i++) {
        const struct fa_key *key = &section->keys[i];
        char sub[200];
        if (key->section != NULL) {
            snprintf(sub, sizeof sub, "%s%s%s", strcmp(path, "top") == 0 ? "" : path,
                     strcmp(path, "top") == 0 ? "" : ".", key->name);
            put_section(out, key->section, sub);
        }
    }
}

static void put_option(FILE *out, const struct firealarm_option *option)
{
    static const char *const words[] = {
        [FIREALARM_OPT_TEXT] = "text",
        [FIREALARM_OPT_INT] = "whole number",
        [FIREALARM_OPT_DURATION] = "duration",
        [FIREALARM_OPT_BOOL] = "true or false",
        [FIREALARM_OPT_SECRET] = "file or credential",
        [FIREALARM_OPT_CHOICE] = "one of",
    };
    char low[40], high[40];
    fputs(".TP\n.BR ", out);
    put(out, option->name);
    fprintf(out, " \" (%s", words[option->type]);
    if (option->choices != NULL) {
        fprintf(out, " %s", option->choices);
    }
    if (option->max != 0 && option->type == FIREALARM_OPT_DURATION) {
        fprintf(out, ", %s to %s", fa_format_duration(option->min, low),
                fa_format_duration(option->max, high));
    } else if (option->max != 0 && option->type == FIREALARM_OPT_INT) {
        fprintf(out, ", %lld to %lld", (long long)option->min, (long long)option->max);
    }
    if ((option->flags & FIREALARM_OPT_REQUIRED) != 0) {
        fputs("; required", out);
    } else if (option->default_text != NULL) {
        fprintf(out, "; default %s", option->default_text);
    }
    fputs(")\"\n", out);
    put(out, option->help != NULL ? option->help : "");
    fputc('\n', out);
}

struct listing {
    FILE *out;
    struct fa_plugins *plugins;
    enum fa_plugin_kind kind;
};

/* One that cannot be loaded has nothing to say here; --check says why. */
static void put_plugin(void *ctx, const char *name)
{
    const struct listing *listing = ctx;
    const struct fa_plugin *plugin = NULL;
    struct fa_err err;
    if (fa_plugins_load(listing->plugins, listing->kind, name, &plugin, &err) != 0) {
        return;
    }
    fprintf(listing->out, ".SS %s ", fa_plugin_kind_name(listing->kind));
    put(listing->out, name);
    fputc('\n', listing->out);
    put(listing->out, plugin->summary);
    fputs(".\n", listing->out);
    if (plugin->decoder != NULL && plugin->decoder->paths != NULL) {
        fputs("Requests come to ", listing->out);
        put(listing->out, plugin->decoder->paths);
        fputs(" unless the feed says otherwise.\n", listing->out);
    }
    for (const struct firealarm_option *o = plugin->options; o->name != NULL; o++) {
        put_option(listing->out, o);
    }
}

void fa_config_reference(FILE *out, struct fa_plugins *plugins)
{
    fputs(".TH FIREALARM.CFG 5\n.SH NAME\nfirealarm.cfg \\- configuration of firealarmd\n"
          ".SH DESCRIPTION\n"
          "Settings are written as in libconfig files: name = value; lists are ( ), arrays [ ], "
          "groups { }; comments begin with #.\n"
          "Durations are texts such as \"30s\", \"15m\", \"1h30m\", \"2d\" or \"1w\".\n"
          "A path begins with / or, counted from the directory of this file, with ./ or ../; that "
          "holds for options of plugins and for addresses of Unix sockets too.\n"
          "Secrets are never in these files: an option that is one names its file, or a systemd "
          "credential by its plain name.\n"
          ".PP\nAll faults are reported at once, with file and line; a configuration with one is "
          "refused whole.\n.SH GROUPS\n",
          out);
    put_section(out, &fa_draft_section, "top");
    if (plugins != NULL) {
        fputs(".SH OPTIONS OF PLUGINS\nThey stand in the group that names the plugin: a channel's, "
              "a feed's, a fetch job's or the store's.\n",
              out);
        struct listing listing = {out, plugins, 0};
        for (; listing.kind < FA_PLUGIN__COUNT; listing.kind++) {
            fa_plugins_list(plugins, listing.kind, put_plugin, &listing);
        }
    }
    fputs(
        ".SH PHRASES\nWhat a language may say otherwise, and what is said in English. Where there "
        "are two for one and for many, the first is for 1 alone.\n",
        out);
    for (enum fa_phrase phrase = 0; phrase < FA_PHRASE__COUNT; phrase++) {
        char name[FA_PHRASE_NAME_SIZE];
        fputs(".TP\n.B ", out);
        put(out, fa_phrase_name(phrase, name));
        fputs("\n\"", out);
        put(out, fa_phrase_text(NULL, phrase));
        fputs("\"\n", out);
    }
    fputs(".SH FILES\n.I firealarm.cfg\n.br\n.I rules.d/*.cfg\n.br\n.I conf.d/*.cfg\n", out);
}
