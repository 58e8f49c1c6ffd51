/* SPDX-License-Identifier: MIT */
/* Which channels of which people have ever carried a test (`firealarm channel test`), in the file
 * "tested" of the state directory: a line each, "TIME<tab>PERSON<tab>CHANNEL<tab>ADDRESS". Another
 * address is another channel. Lines of what is not configured any more go with the next test.
 * It is written each half minute at most, and at the end: who tests a thousand people would wait
 * for a thousand syncs of the disk, and so would the loop.
 *
 * What should have been tested: a person's only channel, and all of those whom a last step means.
 * A file that cannot be read or written costs warnings, nothing else. */
#include "app/internal.h"
#include "base/panic.h"
#include "base/texts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX ((size_t)4 << 20)

struct fa_tested_item {
    fa_time when;
    char *person, *channel, *address; /* owned; address "": the channel's own */
};

static const char *address_of(const struct fa_contact *contact)
{
    return contact->address != NULL ? contact->address : "";
}

/* The place of the item, or where it would be: they are sorted by person, channel and address. */
static size_t place_of(const struct fa_tested *tested, struct fa_str person, struct fa_str channel,
                       struct fa_str address)
{
    size_t low = 0, high = tested->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const struct fa_tested_item *item = &tested->items[mid];
        int order = fa_str_cmp(fa_str_of(item->person), person);
        order = order == 0 ? fa_str_cmp(fa_str_of(item->channel), channel) : order;
        order = order == 0 ? fa_str_cmp(fa_str_of(item->address), address) : order;
        low = order < 0 ? mid + 1 : low;
        high = order < 0 ? high : mid;
    }
    return low;
}

static bool is_at(const struct fa_tested *tested, size_t place, struct fa_str person,
                  struct fa_str channel, struct fa_str address)
{
    const struct fa_tested_item *item = &tested->items[place];
    return place < tested->count && fa_str_is(person, item->person) &&
           fa_str_is(channel, item->channel) && fa_str_is(address, item->address);
}

static void put(struct fa_tested *tested, fa_time when, struct fa_str person, struct fa_str channel,
                struct fa_str address)
{
    size_t place = place_of(tested, person, channel, address);
    if (is_at(tested, place, person, channel, address)) {
        tested->items[place].when = when;
        return;
    }
    tested->items = fa_xgrow(tested->items, tested->count, &tested->cap, sizeof *tested->items);
    struct fa_tested_item *item = &tested->items[place];
    memmove(item + 1, item, (tested->count++ - place) * sizeof *item);
    *item = (struct fa_tested_item){when, fa_xstrndup(person.ptr, person.len),
                                    fa_xstrndup(channel.ptr, channel.len),
                                    fa_xstrndup(address.ptr, address.len)};
}

static void free_item(struct fa_tested_item *item)
{
    free(item->person);
    free(item->channel);
    free(item->address);
}

/* ---- the file ---- */

static void file_path(const struct fa_daemon *daemon, char *buf, size_t size)
{
    snprintf(buf, size, "%s/tested", daemon->options->state);
}

void fa_tested_open(struct fa_daemon *daemon)
{
    char path[1024];
    struct fa_buf text;
    if (daemon->options->state == NULL) {
        return;
    }
    file_path(daemon, path, sizeof path);
    FILE *in = fopen(path, "re");
    fa_buf_init(&text, FILE_MAX);
    char piece[4096];
    for (size_t got; in != NULL && (got = fread(piece, 1, sizeof piece, in)) > 0;) {
        fa_buf_put(&text, piece, got);
    }
    if (in != NULL) {
        fclose(in);
    }
    struct fa_str rest = fa_buf_str(&text);
    while (rest.ptr != NULL && rest.len > 0) {
        struct fa_str line = fa_str_cut(rest, '\n', &rest), person, channel, address;
        struct fa_str when = fa_str_cut(line, '\t', &person);
        fa_time wall = 0;
        if (person.ptr == NULL || fa_parse_time(when, &wall) != 0) {
            continue;
        }
        person = fa_str_cut(person, '\t', &channel);
        if (channel.ptr == NULL) {
            continue;
        }
        channel = fa_str_cut(channel, '\t', &address);
        if (address.ptr != NULL) {
            put(&daemon->tested, wall, person, channel, address);
        }
    }
    fa_buf_done(&text);
}

static bool is_configured(const struct fa_directory *dir, const struct fa_tested_item *item)
{
    fa_person person = fa_directory_find(dir, fa_str_of(item->person));
    for (size_t i = 0; person != FA_NOBODY && i < dir->people[person].contact_count; i++) {
        const struct fa_contact *contact = &dir->people[person].contacts[i];
        if (strcmp(contact->channel, item->channel) == 0 &&
            strcmp(address_of(contact), item->address) == 0) {
            return true;
        }
    }
    return false;
}

static void forget_others(struct fa_daemon *daemon)
{
    struct fa_tested *tested = &daemon->tested;
    size_t kept = 0;
    for (size_t i = 0; i < tested->count; i++) {
        if (is_configured(daemon->config->people, &tested->items[i])) {
            tested->items[kept++] = tested->items[i];
        } else {
            free_item(&tested->items[i]);
        }
    }
    tested->count = kept;
}

static void write_file(const struct fa_daemon *daemon)
{
    char path[1024], when[32];
    struct fa_err err;
    struct fa_buf lines;
    file_path(daemon, path, sizeof path);
    fa_buf_init(&lines, FILE_MAX);
    for (size_t i = 0; i < daemon->tested.count; i++) {
        const struct fa_tested_item *item = &daemon->tested.items[i];
        fa_buf_printf(&lines, "%s\t%s\t%s\t%s\n", fa_time_format(item->when, when), item->person,
                      item->channel, item->address);
    }
    if (fa_file_replace(path, 0600, fa_buf_str(&lines), &err) != 0) {
        fa_log(FA_LOG_WARNING, "what was tested cannot be kept: %s", err.text);
    }
    fa_buf_done(&lines);
}

void fa_tested_note(struct fa_daemon *daemon, const struct fa_notification *n)
{
    put(&daemon->tested, fa_loop_now(daemon->loop).wall, fa_str_of(n->person),
        fa_str_of(n->channel), fa_str_of(n->address));
    daemon->tested.is_new = true;
}

void fa_tested_keep(struct fa_daemon *daemon)
{
    if (daemon->tested.is_new && daemon->options->state != NULL) {
        forget_others(daemon);
        write_file(daemon);
    }
    daemon->tested.is_new = false;
}

void fa_tested_close(struct fa_daemon *daemon)
{
    fa_tested_keep(daemon);
    for (size_t i = 0; i < daemon->tested.count; i++) {
        free_item(&daemon->tested.items[i]);
    }
    free(daemon->tested.items);
}

/* ---- what was never tested ---- */

/* Adds whom a last step may mean, on whatever day. */
static void add_last(const struct fa_directory *dir, const char *target, struct fa_pset *set)
{
    static const char schedule[] = "schedule:";
    struct fa_str name = fa_str_of(target);
    if (!fa_str_starts(name, schedule)) {
        (void)!fa_directory_resolve(dir, name, set);
        return;
    }
    name = (struct fa_str){name.ptr + sizeof schedule - 1, name.len - (sizeof schedule - 1)};
    const struct fa_schedule_entry *entry = fa_directory_schedule(dir, name);
    for (size_t i = 0; entry != NULL && i < entry->member_count; i++) {
        fa_person person = fa_directory_find(dir, fa_str_of(entry->members[i]));
        if (person != FA_NOBODY) {
            fa_pset_add(set, person);
        }
    }
}

/* Whom each policy's last step may mean; the caller frees them. */
static struct fa_pset *last_steps(const struct fa_config *config)
{
    struct fa_pset *sets = fa_xcalloc(config->setup.policy_count + 1, sizeof *sets);
    for (size_t i = 0; i < config->setup.policy_count; i++) {
        const struct fa_policy *policy = &config->setup.policies[i];
        const struct fa_step *step = &policy->steps[policy->step_count - 1];
        fa_pset_init(&sets[i], config->people);
        for (size_t t = 0; t < step->target_count; t++) {
            add_last(config->people, step->targets[t], &sets[i]);
        }
    }
    return sets;
}

static bool is_of_last_step(const struct fa_setup *setup, const struct fa_pset *sets,
                            fa_person person, const char *channel)
{
    for (size_t i = 0; i < setup->policy_count; i++) {
        const struct fa_step *step = &setup->policies[i].steps[setup->policies[i].step_count - 1];
        bool goes =
            step->channel_count == 0 || fa_texts_has(step->channels, step->channel_count, channel);
        if (goes && fa_pset_has(&sets[i], person)) {
            return true;
        }
    }
    return false;
}

static bool is_tested(const struct fa_tested *tested, const char *name,
                      const struct fa_contact *contact)
{
    struct fa_str person = fa_str_of(name), channel = fa_str_of(contact->channel),
                  address = fa_str_of(contact->address);
    return is_at(tested, place_of(tested, person, channel, address), person, channel, address);
}

void fa_tested_each_missing(void *ctx, fa_api_untested_fn *fn, void *fn_ctx)
{
    struct fa_daemon *daemon = ctx;
    const struct fa_setup *setup = &daemon->config->setup;
    struct fa_pset *sets = last_steps(daemon->config);
    for (fa_person p = 0; p < setup->people->people_count; p++) {
        const struct fa_person_entry *entry = &setup->people->people[p];
        for (size_t i = 0; i < entry->contact_count; i++) {
            const struct fa_contact *contact = &entry->contacts[i];
            bool matters =
                entry->contact_count == 1 || is_of_last_step(setup, sets, p, contact->channel);
            if (matters && !is_tested(&daemon->tested, entry->name, contact)) {
                fn(fn_ctx, entry->name, contact->channel);
            }
        }
    }
    for (size_t i = 0; i < setup->policy_count; i++) {
        fa_pset_done(&sets[i]);
    }
    free(sets);
}

static void count_one(void *ctx, const char *person, const char *channel)
{
    ++*(unsigned *)ctx;
}

#define NAMED_MAX 3u

struct list {
    struct fa_buf text;
    unsigned count;
};

static void add_named(void *ctx, const char *person, const char *channel)
{
    struct list *list = ctx;
    if (list->count++ < NAMED_MAX) {
        fa_buf_printf(&list->text, "%s%s of %s", list->count > 1 ? ", " : "", channel, person);
    }
}

void fa_tested_announce(struct fa_daemon *daemon)
{
    struct list list = {.count = 0};
    fa_buf_init(&list.text, 1024);
    fa_tested_each_missing(daemon, add_named, &list);
    if (list.count > NAMED_MAX) {
        fa_buf_printf(&list.text, " and %u more", list.count - NAMED_MAX);
    }
    if (list.count > 0) {
        fa_log(FA_LOG_WARNING,
               "channels that were never tested: %s; 'firealarm channel test PERSON' "
               "shows whether they work",
               fa_buf_text(&list.text));
    }
    fa_buf_done(&list.text);
}

void fa_tested_metrics(struct fa_daemon *daemon, struct fa_buf *out)
{
    unsigned missing = 0;
    fa_tested_each_missing(daemon, count_one, &missing);
    fa_buf_printf(out,
                  "# TYPE firealarm_channels_untested gauge\n"
                  "# HELP firealarm_channels_untested Only ones, or those of last steps.\n"
                  "firealarm_channels_untested %u\n",
                  missing);
}
