/* SPDX-License-Identifier: MIT */
/* `firealarm directory import`: files of people, teams and accounts become the directory's file,
 * once the whole configuration with them was proved, as the daemon would. All or nothing, and
 * nothing at all without --apply: what an export of last night holds is looked at first. Whoever
 * may write where the file lies may do it; the daemon notices a changed file by itself and proves
 * it once more. */
#include "calendar/reader.h"
#include "client/api.h"
#include "client/commands.h"
#include "client/file.h"
#include "client/roster.h"
#include "client/swap.h"

#include "base/panic.h"
#include "host/plugins.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SOURCE_MAX    ((size_t)16 << 20)
#define DIRECTORY_MAX ((size_t)8 << 20)
#define FEW           4u /* so few records of a kind may all go */

struct tally {
    size_t added, changed, gone, same;
};

struct job {
    struct fa_client *client;
    const struct fa_args *args;
    char *path;            /* of the directory's file */
    struct fa_roster past; /* what it holds */
    struct fa_intake_roster in;
    struct fa_buf out; /* the new file */
    struct fa_roster_line *lines;
    size_t line_count;
    struct tally tally[FA_ROSTER__COUNT];
    bool is_compared;
    struct fa_buf first;      /* the first fault, for operators */
    json_t *changes, *faults; /* with --json */
    unsigned elsewhere;       /* warnings about other files */
};

/* ---- what is wrong ---- */

static bool has_person(const struct fa_roster *roster, const char *name)
{
    bool has = false;
    for (size_t i = 0; i < roster->count && !has; i++) {
        const struct fa_roster_record *record = &roster->records[i];
        has = record->kind == FA_ROSTER_PERSON && strcmp(record->name, name) == 0;
    }
    return has;
}

/* Somebody whom the text names, who was imported before and is not any more; NULL. */
static const char *who_is_gone(const struct job *job, const char *text)
{
    for (size_t i = 0; i < job->past.count; i++) {
        const struct fa_roster_record *record = &job->past.records[i];
        char quoted[90];
        snprintf(quoted, sizeof quoted, "'%.80s'", record->name);
        if (record->kind == FA_ROSTER_PERSON && strstr(text, quoted) != NULL &&
            !has_person(&job->in.roster, record->name)) {
            return record->name;
        }
    }
    return NULL;
}

/* A fault in the new file is one of the source's line and column. */
static struct fa_err placed(const struct job *job, const struct fa_err *err)
{
    struct fa_err at = *err;
    const struct fa_roster_line *line = NULL;
    const char *gone = err->code == FA_ENOTFOUND ? who_is_gone(job, err->text) : NULL;
    if (job->path != NULL && strcmp(err->file, job->path) == 0 && err->line > 0 &&
        err->line <= job->line_count) {
        line = &job->lines[err->line - 1];
    }
    if (line != NULL && line->record != NULL) {
        bool has_column =
            line->record->file != job->path && line->field != NULL && line->field->column != NULL;
        fa_err_at(&at, err->code, line->record->file,
                  line->field != NULL ? line->field->line : line->record->line, 0, "%s%s%s%s",
                  has_column ? "column '" : "", has_column ? line->field->column : "",
                  has_column ? "': " : "", err->text);
    }
    if (gone != NULL) {
        struct fa_err said = at;
        fa_err_at(&at, said.code, said.file, said.line, said.col,
                  "%s; '%s' is gone with this import: name somebody else here first", said.text,
                  gone);
    }
    return at;
}

static void say_fault(struct job *job, bool is_warning, const struct fa_err *err)
{
    struct fa_client *client = job->client;
    char text[1024];
    if (job->faults != NULL) {
        json_array_append_new(
            job->faults, json_pack("{s:s, s:o, s:i, s:o}", "kind", is_warning ? "warning" : "error",
                                   "file", fa_json_clean(err->file), "line", (int)err->line, "text",
                                   fa_json_clean(err->text)));
        return;
    }
    fa_put(&client->out, is_warning ? FA_PLAIN : FA_BOLD, is_warning ? "warning: " : "error: ");
    fa_put(&client->out, FA_PLAIN, fa_err_format(err, text, sizeof text));
    fa_say(&client->out, "\n");
}

static void on_fault(void *ctx, bool is_warning, const struct fa_err *err)
{
    struct job *job = ctx;
    struct fa_err at = placed(job, err);
    bool is_ours = strcmp(at.file, err->file) != 0 || at.line != err->line;
    if (is_warning && !is_ours) {
        job->elsewhere++;
        return;
    }
    if (!is_warning && job->first.len == 0) {
        char text[1024];
        fa_buf_printf(&job->first, "%s\n", fa_err_format(&at, text, sizeof text));
    }
    say_fault(job, is_warning, &at);
}

/* ---- what comes in ---- */

static int read_source(struct job *job, const char *name, struct fa_buf *buf)
{
    struct fa_err err;
    bool is_standard = strcmp(name, "-") == 0;
    int fd = is_standard ? job->client->world->in : open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    int rc = fd < 0 ? fa_err_at(&err, FA_EIO, name, 0, 0, "cannot be opened: %s", strerror(errno))
                    : fa_file_read(fd, name, buf, &err);
    if (fd >= 0 && !is_standard) {
        close(fd);
    }
    return rc == 0
               ? FA_EXIT_OK
               : fa_complain(job->client, rc == FA_ECLOSED ? FA_EXIT_STOPPED : FA_EXIT_IO, &err);
}

static void progress(const struct job *job, const char *what, size_t count)
{
    if (job->client->interactive && job->faults == NULL) {
        fa_say(&job->client->talk, "%s (%zu)\n", what, count);
    }
}

static bool is_json(struct fa_str text)
{
    size_t i = 0;
    while (i < text.len && strchr(" \t\r\n", text.ptr[i]) != NULL && text.ptr[i] != '\0') {
        i++;
    }
    return i < text.len && (text.ptr[i] == '{' || text.ptr[i] == '[');
}

static int read_sources(struct job *job)
{
    for (size_t i = 0; i < job->args->rest_count; i++) {
        const char *name = job->args->rest[i];
        struct fa_buf buf;
        fa_buf_init(&buf, SOURCE_MAX);
        int code = read_source(job, name, &buf);
        if (code == FA_EXIT_OK) {
            struct fa_str text = fa_buf_str(&buf);
            (is_json(text) ? fa_roster_parse_json : fa_roster_parse_csv)(&job->in, name, text);
        }
        fa_buf_done(&buf);
        if (code != FA_EXIT_OK) {
            return code;
        }
        progress(job, "records read", job->in.roster.count);
    }
    return FA_EXIT_OK;
}

/* What was imported before. */
static int read_past(struct job *job)
{
    struct fa_err err;
    struct fa_buf buf;
    int fd = open(job->path, O_RDONLY | O_CLOEXEC | O_NOCTTY), code = FA_EXIT_OK;
    if (fd < 0 && errno == ENOENT) {
        return FA_EXIT_OK;
    }
    fa_buf_init(&buf, DIRECTORY_MAX);
    if (fd < 0) {
        fa_err_at(&err, FA_EIO, job->path, 0, 0, "cannot be opened: %s", strerror(errno));
        code = fa_complain(job->client, FA_EXIT_IO, &err);
    } else if (fa_file_read(fd, job->path, &buf, &err) != 0 ||
               fa_roster_parse(&job->past, job->path, fa_buf_str(&buf), &err) != 0) {
        code = fa_complain(job->client, FA_EXIT_FAILED, &err);
    }
    if (fd >= 0) {
        close(fd);
    }
    fa_buf_done(&buf);
    return code;
}

/* ---- what changes ---- */

static void add_key(void *ctx, const char *key)
{
    struct fa_buf *buf = ctx;
    fa_buf_printf(buf, "%s%s", buf->len > 0 ? ", " : "", key);
}

static void say_change(struct job *job, const char *sign, const char *what,
                       const struct fa_roster_record *record, const char *keys)
{
    struct fa_screen *screen = &job->client->out;
    if (job->changes != NULL) {
        json_array_append_new(job->changes, json_pack("{s:s, s:s, s:o, s:s*}", "change", what,
                                                      "kind", fa_roster_word(record->kind), "name",
                                                      fa_json_clean(record->name), "keys", keys));
        return;
    }
    fa_say(screen, "%s %-8s", sign, fa_roster_word(record->kind));
    fa_put(screen, FA_PLAIN, record->name);
    fa_say(screen, keys != NULL ? ": %s\n" : "\n", keys);
}

static void change_one(struct job *job, const struct fa_roster_record *old,
                       const struct fa_roster_record *new)
{
    struct tally *tally = &job->tally[old != NULL ? old->kind : new->kind];
    struct fa_buf keys;
    fa_buf_init(&keys, 1024);
    if (old == NULL) {
        tally->added++;
        say_change(job, "+", "added", new, NULL);
    } else if (new == NULL) {
        tally->gone++;
        say_change(job, "-", "gone", old, NULL);
    } else if (fa_roster_compare(old, new, add_key, &keys) > 0) {
        tally->changed++;
        say_change(job, "~", "changed", new, fa_buf_text(&keys));
    } else {
        tally->same++;
    }
    fa_buf_done(&keys);
}

/* Two lists in one order, side by side. A name that comes twice is refused before. */
static void compare(struct job *job)
{
    const struct fa_roster_record **old = fa_roster_sorted(&job->past);
    const struct fa_roster_record **new = fa_roster_sorted(&job->in.roster);
    size_t o = 0, n = 0;
    while (o < job->past.count || n < job->in.roster.count) {
        int order = o == job->past.count        ? 1
                    : n == job->in.roster.count ? -1
                                                : fa_roster_order(old[o], new[n]);
        change_one(job, order <= 0 ? old[o] : NULL, order >= 0 ? new[n] : NULL);
        o += order <= 0;
        n += order >= 0;
    }
    job->is_compared = true;
    free(old);
    free(new);
}

static void refuse_twice(struct job *job)
{
    const struct fa_roster_record **list = fa_roster_sorted(&job->in.roster);
    for (size_t i = 1; i < job->in.roster.count; i++) {
        if (fa_roster_order(list[i - 1], list[i]) == 0 && list[i]->name[0] != '\0') {
            fa_roster_fault(&job->in, list[i]->file, list[i]->line, NULL,
                            "the %s '%.80s' was given already at %.100s:%u",
                            fa_roster_word(list[i]->kind), list[i]->name, list[i - 1]->file,
                            list[i - 1]->line);
        }
    }
    free(list);
}

/* An export that was cut short looks like people who left. */
static void refuse_exodus(struct job *job)
{
    for (enum fa_roster_kind kind = 0; kind < FA_ROSTER__COUNT; kind++) {
        const struct tally *tally = &job->tally[kind];
        size_t were = tally->gone + tally->changed + tally->same;
        if (tally->gone > FEW && tally->gone * 2 > were && !fa_args_has(job->args, "many-gone")) {
            fa_roster_fault(&job->in, job->path, 0, NULL,
                            "%zu of %zu %s would be gone: is the file whole? If that is meant, "
                            "say --many-gone",
                            tally->gone, were, fa_roster_list(kind));
        }
    }
}

/* ---- the end ---- */

static void say_end(struct job *job, const struct fa_config *config, bool is_written)
{
    struct fa_screen *screen = &job->client->out;
    for (enum fa_roster_kind kind = 0; job->is_compared && kind < FA_ROSTER__COUNT; kind++) {
        const struct tally *tally = &job->tally[kind];
        fa_say(screen, "%-9s%zu added, %zu changed, %zu gone, %zu the same\n", fa_roster_list(kind),
               tally->added, tally->changed, tally->gone, tally->same);
    }
    if (job->elsewhere > 0) {
        fa_say(screen, "%u warning%s elsewhere: see 'firealarm check'\n", job->elsewhere,
               job->elsewhere == 1 ? "" : "s");
    }
    if (config == NULL) {
        fa_say(screen, "refused: nothing was changed\n");
    } else if (is_written) {
        fa_say(screen, "written to ");
        fa_put(screen, FA_PLAIN, job->path);
        fa_say(screen, "; a running daemon takes it in within half a minute\n");
    } else {
        fa_say(screen, "sound; nothing was written: say --apply\n");
    }
}

static void print_json(struct job *job, bool is_sound, bool is_written)
{
    json_t *all = json_pack("{s:b, s:b, s:O, s:O}", "sound", is_sound, "applied", is_written,
                            "changes", job->changes, "faults", job->faults);
    char *text = json_dumps(all, JSON_COMPACT | JSON_ENSURE_ASCII);
    fa_say(&job->client->out, "%s\n", text != NULL ? text : "{}");
    free(text);
    json_decref(all);
}

static struct fa_calendars *calendars(fa_time now)
{
    const struct fa_calendars_config range = fa_calendars_ahead(now);
    return fa_calendars_new(&range);
}

static struct fa_config *prove(struct job *job, const char *config_path)
{
    const char *dir = fa_args_get(job->args, "plugins");
    struct fa_plugins *plugins = fa_plugins_new(dir != NULL ? dir : FA_PLUGIN_DIR);
    struct fa_config *config = NULL;
    fa_buf_init(&job->out, DIRECTORY_MAX);
    fa_roster_write(&job->in.roster, &job->out, &job->lines, &job->line_count);
    struct fa_str text = fa_buf_str(&job->out);
    if (job->out.over) {
        fa_roster_fault(&job->in, job->path, 0, NULL, "would be larger than %zu KiB",
                        DIRECTORY_MAX >> 10);
    } else {
        progress(job, "proving the whole configuration with it", job->in.roster.count);
        struct fa_config_world world = {.plugins = plugins,
                                        .calendars = calendars(job->client->world->now),
                                        .directory = &text};
        (void)!fa_config_load(config_path, &world, on_fault, job, &config);
        fa_calendars_free(world.calendars);
    }
    fa_plugins_free(plugins);
    return config;
}

static int finish(struct job *job, struct fa_swap *swap, const struct fa_config *config)
{
    struct fa_err err;
    bool apply = swap->dir_fd >= 0 && config != NULL;
    int rc = apply ? fa_swap_write(swap, fa_buf_str(&job->out), &err) : 0;
    if (job->faults != NULL) {
        print_json(job, config != NULL, apply && rc == 0);
    } else if (rc == 0) {
        say_end(job, config, apply);
    }
    return rc != 0          ? fa_complain(job->client, FA_EXIT_IO, &err)
           : config == NULL ? FA_EXIT_FAILED
                            : FA_EXIT_OK;
}

/* Operators hear of a refresh that did not come, whatever kept it. */
static void mark_refused(struct job *job, struct fa_swap *swap)
{
    struct fa_err err;
    const char *why = job->first.len > 0 ? fa_buf_text(&job->first) : "it could not be read\n";
    if (fa_swap_refuse(swap, why, &err) != 0) {
        fa_complain(job->client, FA_EXIT_IO, &err);
    }
}

static int import(struct job *job, struct fa_swap *swap, const char *config_path)
{
    int code = read_past(job);
    code = code == FA_EXIT_OK ? read_sources(job) : code;
    if (code != FA_EXIT_OK) {
        return code;
    }
    for (enum fa_roster_kind kind = 0; kind < FA_ROSTER__COUNT; kind++) {
        if (!job->in.has[kind]) {
            fa_roster_keep(&job->in.roster, &job->past, kind);
        }
    }
    refuse_twice(job);
    if (job->in.faults == 0) {
        compare(job);
        refuse_exodus(job);
    }
    struct fa_config *config = job->in.faults == 0 ? prove(job, config_path) : NULL;
    code = finish(job, swap, config);
    fa_config_free(config);
    return code;
}

static void done(struct job *job)
{
    fa_roster_done(&job->past);
    fa_roster_done(&job->in.roster);
    fa_buf_done(&job->out);
    fa_buf_done(&job->first);
    json_decref(job->changes);
    json_decref(job->faults);
    free(job->lines);
    free(job->path);
}

static int run(struct fa_client *client, const struct fa_args *args)
{
    const char *given = fa_args_get(args, "daemon-config");
    const char *config_path = given != NULL ? given : "/etc/firealarm/firealarm.cfg";
    struct job job = {.client = client, .args = args};
    struct fa_swap swap = {.dir_fd = -1};
    struct fa_err err;
    job.in.told = on_fault;
    job.in.ctx = &job;
    job.changes = client->json ? json_array() : NULL;
    job.faults = client->json ? json_array() : NULL;
    fa_buf_init(&job.first, 4096);
    int code = FA_EXIT_FAILED;
    if (fa_config_directory(config_path, on_fault, &job, &job.path) != 0) {
        fa_err_at(&err, FA_EPARSE, config_path, 0, 0, "cannot be read: nothing was changed");
        fa_complain(client, code, &err);
    } else if (job.path == NULL) {
        fa_err_at(&err, FA_ENOTFOUND, config_path, 0, 0,
                  "says nowhere that there is a directory: add "
                  "directory = \"/var/lib/firealarm/directory.cfg\";");
        fa_complain(client, code, &err);
    } else if (fa_args_has(args, "apply") && fa_swap_begin(&swap, job.path, &err) != 0) {
        code = fa_complain(client, err.code == FA_EBUSY ? FA_EXIT_BUSY : FA_EXIT_IO, &err);
    } else {
        code = import(&job, &swap, config_path);
        if (code != FA_EXIT_OK && swap.dir_fd >= 0) {
            mark_refused(&job, &swap);
        }
    }
    fa_swap_end(&swap);
    done(&job);
    return code;
}

static const struct fa_opt options[] = {
    {.name = "apply",
     .help = "Write the directory, if it is sound. Without it nothing is written."},
    {.name = "many-gone", .help = "More than half of the people, teams or accounts may be gone."},
    {.name = "daemon-config",
     .value = "FILE",
     .file = true,
     .help = "The daemon's configuration (/etc/firealarm/firealarm.cfg)."},
    {.name = "plugins", .value = "DIR", .file = true, .help = "The daemon's plugins."},
};

static const struct fa_example examples[] = {
    {"firealarm directory import people.csv accounts.csv",
     "What would change, and is it sound? Nothing is written."},
    {"firealarm directory import --apply people.csv", "The same, then the daemon takes it in."},
    {"crm-export | firealarm directory import --apply -", "A refresh of every night."},
};

const struct fa_cmd fa_cmd_directory_import = {
    .name = "directory import",
    .usage = "FILE|-...",
    .args_min = 1,
    .args_max = FA_ARGS_MAX,
    .summary = "take people, teams and accounts from CSV or JSON",
    .about =
        "Shows what would be added, changed and gone, proves the whole configuration with it, and "
        "with --apply replaces the file that the configuration's key directory names: all of it or "
        "nothing. Run it as root or as the daemon's user. A running daemon proves the file once "
        "more and takes it in within half a minute. An import with --apply that is refused changes "
        "nothing, and operators are told.\n\n"
        "A CSV file has a header. Its column person, team or account holds the name and says what "
        "the file is of; channel.NAME is the address for that channel (- for the channel's own), "
        "the preferred one first; all other columns are keys of firealarm.cfg(5), such as manager, "
        "roles or touches. Several texts in one cell are parted by ; or |. JSON is "
        "{\"people\": [...], \"teams\": [...], \"accounts\": [...]} with the same keys. What a "
        "file holds replaces all that was imported of its kind; of kinds that are in no file "
        "everything stays.",
    .options = options,
    .option_count = FA_COUNT(options),
    .examples = examples,
    .example_count = FA_COUNT(examples),
    .run = run,
    .flags = FA_CMD_QUIET,
};
