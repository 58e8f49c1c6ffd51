/* SPDX-License-Identifier: MIT */
/* Calendars that lie elsewhere: has firealarm-fetcher get what a reading of the configuration
 * wanted, and keeps the copies of what holds.
 *
 * It is a fetcher of its own, there for a few seconds: a start has no loop yet, and at a reload the
 * thread that waits for calendars (calendars.c) waits for it too. What fetches for rules does not
 * notice.
 *
 * Invariants: fa_remote_fetch() touches nothing of the daemon but its options, gives up after a
 * time whatever the fetcher does, and leaves nothing of what was wanted undecided. A copy is
 * written only once the configuration with it holds, and is always a whole one. */
#include "app/internal.h"
#include "base/panic.h"
#include "config/remotes.h"
#include "fetcher/link.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define GRACE (5 * FA_SECOND) /* for the fetcher itself to start and to tell */
#define LOOK  (200)           /* ms: how soon it is noticed that nobody wants it any more */

/* More than a configuration takes (config/files.c), which says so better; what a server sends is
 * held to a limit in any case. */
#define TOGETHER ((size_t)16 << 20)

struct fetching {
    struct fa_remotes *remotes;
    struct fa_fetch_link *link;
    size_t begun; /* of the items: they have been gone through so far */
    size_t bytes; /* of all texts */
    bool has_ended;
};

static void fail(struct fa_remote *item, struct fa_str why)
{
    free(item->error);
    item->error = fa_xstrndup(why.ptr, why.len);
    item->state = FA_REMOTE_FAILED;
}

static void on_body(void *ctx, const struct fa_fetch_body *body)
{
    struct fetching *fetching = ctx;
    struct fa_buf *text = &fetching->remotes->items[body->n - 1]->text;
    fetching->bytes += body->bytes.len;
    if (fetching->bytes > TOGETHER) {
        text->over = true;
    } else {
        fa_buf_put(text, body->bytes.ptr, body->bytes.len);
    }
}

static void on_done(void *ctx, const struct fa_fetch_done *done)
{
    struct fa_remote *item = ((struct fetching *)ctx)->remotes->items[done->n - 1];
    if (!done->ok) {
        fail(item, done->error);
    } else if (item->text.over) {
        fail(item, FA_STR("more than its limit, or than that of all together"));
    } else {
        item->state = FA_REMOTE_FETCHED;
    }
}

static void on_log(void *ctx, uint32_t level, const char *text)
{
}

static void on_state(void *ctx, enum fa_child_state state, const char *why)
{
    struct fetching *fetching = ctx;
    fetching->has_ended =
        fetching->has_ended || state == FA_CHILD_WAITING || state == FA_CHILD_STOPPED;
}

/* As many as a fetcher takes at a time. */
static void begin_runs(struct fetching *fetching, struct fa_now now)
{
    while (fetching->begun < fetching->remotes->count &&
           fa_fetch_link_open_count(fetching->link) < FA_FETCH_OPEN_MAX) {
        struct fa_remote *item = fetching->remotes->items[fetching->begun++];
        const struct fa_fetch_run run = {.n = fetching->begun,
                                         .kind = FA_FETCH_CALENDAR,
                                         .url = item->url,
                                         .user = item->user,
                                         .password = item->password,
                                         .token = item->token,
                                         .ca = item->ca,
                                         .allow_private = item->allow_private,
                                         .timeout = FA_REMOTE_TIME,
                                         .body_max = FA_REMOTE_BYTES};
        int rc = item->state == FA_REMOTE_WANTED ? fa_fetch_link_run(fetching->link, &run, now) : 0;
        if (rc != 0) {
            fail(item, fa_str_of(fa_err_words(rc)));
        }
    }
    fa_child_on_writable(fa_fetch_link_child(fetching->link), now);
}

static struct fa_now read_clock(void)
{
    struct timespec ts;
    fa_assert(clock_gettime(CLOCK_BOOTTIME, &ts) == 0);
    return (struct fa_now){.mono = ts.tv_sec * FA_SECOND + ts.tv_nsec / 1000000,
                           .wall = (fa_time)time(NULL) * FA_SECOND};
}

/* One wait, and what came of it. */
static void turn(struct fetching *fetching)
{
    struct fa_child *child = fa_fetch_link_child(fetching->link);
    struct pollfd waited = {child->fd, POLLIN, 0};
    waited.events |= fa_child_wants_write(child) ? POLLOUT : 0;
    (void)poll(&waited, 1, LOOK);
    struct fa_now now = read_clock();
    if ((waited.revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
        (void)fa_child_on_readable(child, now);
    }
    if (child->fd >= 0) {
        fa_child_on_writable(child, now);
    }
    fa_fetch_link_on_tick(fetching->link, now);
    if (child->state == FA_CHILD_UP) {
        begin_runs(fetching, now);
    }
}

void fa_remote_fetch(const struct fa_daemon_options *options, struct fa_remotes *remotes,
                     const atomic_bool *cancelled)
{
    static const struct fa_fetch_link_callbacks callbacks = {on_body, on_done, on_log, on_state};
    struct fetching fetching = {.remotes = remotes};
    const struct fa_fetch_link_config config = {.path = options->fetcher,
                                                .credentials_dir = options->credentials};
    if (fa_remotes_is_ready(remotes)) {
        return;
    }
    fetching.link = fa_fetch_link_new(&config, &callbacks, &fetching);
    fa_time by = read_clock().mono + FA_REMOTE_TIME + GRACE;
    fa_child_start(fa_fetch_link_child(fetching.link), read_clock());
    while (!fa_remotes_is_ready(remotes) && !fetching.has_ended && !atomic_load(cancelled) &&
           read_clock().mono < by) {
        turn(&fetching);
    }
    fa_fetch_link_free(fetching.link);
    for (size_t i = 0; i < remotes->count; i++) {
        if (remotes->items[i]->state == FA_REMOTE_WANTED) {
            fail(remotes->items[i], FA_STR("firealarm-fetcher ended or gave no word of it"));
        }
    }
}

/* ---- copies ---- */

void fa_remote_keep(struct fa_remotes *remotes)
{
    struct fa_err err;
    for (size_t i = 0; i < remotes->count; i++) {
        struct fa_remote *item = remotes->items[i];
        if (item->state == FA_REMOTE_FETCHED &&
            fa_file_replace(item->file, 0640, fa_buf_str(&item->text), &err) != 0) {
            fa_log_err(FA_LOG_ERROR, &err);
            fail(item, fa_str_of(err.text));
        }
    }
}

/* ---- what is said of them ---- */

static struct fa_mirror_state *state_of(struct fa_daemon *daemon, const char *file)
{
    struct fa_renewal *renewal = &daemon->renewal;
    for (size_t i = 0; i < renewal->state_count; i++) {
        if (strcmp(renewal->states[i].file, file) == 0) {
            return &renewal->states[i];
        }
    }
    renewal->states =
        fa_xrealloc(renewal->states, (renewal->state_count + 1) * sizeof *renewal->states);
    renewal->states[renewal->state_count] = (struct fa_mirror_state){.file = fa_xstrdup(file)};
    return &renewal->states[renewal->state_count++];
}

bool fa_remote_settle(struct fa_daemon *daemon, const struct fa_remotes *remotes,
                      const char *refused)
{
    bool all = true;
    for (size_t i = 0; i < remotes->count; i++) {
        const struct fa_remote *item = remotes->items[i];
        struct fa_mirror_state *state = state_of(daemon, item->file);
        const char *error = item->state == FA_REMOTE_FAILED ? item->error : refused;
        snprintf(state->error, sizeof state->error, "%s", error != NULL ? error : "");
        state->runs++;
        state->failures += error != NULL;
        if (item->state == FA_REMOTE_FAILED) {
            fa_log(FA_LOG_WARNING, "the calendar %s cannot be fetched: %s; this copy stays",
                   item->file, item->error);
            all = false;
        }
    }
    /* A reload asks for those that are new alone, and knows nothing of the others. */
    if (remotes->all || daemon->config->mirror_count == 0) {
        fa_turn_trouble(daemon, "calendars-unfetched", all,
                        "calendars cannot be fetched; their last copies stay in force: see "
                        "'firealarm fetch'");
    }
    return all;
}

bool fa_remote_tell(struct fa_daemon *daemon, size_t i, struct fa_api_fetch *ret_fetch)
{
    if (i >= daemon->config->mirror_count) {
        return false;
    }
    const struct fa_mirror_entry *entry = &daemon->config->mirrors[i];
    const struct fa_mirror_state *state = state_of(daemon, entry->file);
    *ret_fetch = (struct fa_api_fetch){.name = entry->name,
                                       .kind = "calendar",
                                       .url = entry->host,
                                       .state = state->error[0] != '\0' ? "down"
                                                : state->runs > 0       ? "up"
                                                                        : "unknown",
                                       .error = state->error,
                                       .runs = state->runs,
                                       .failures = state->failures};
    return true;
}

void fa_remote_metrics(struct fa_daemon *daemon, struct fa_buf *out)
{
    struct fa_api_fetch copy;
    struct stat st;
    if (daemon->config->mirror_count == 0) {
        return;
    }
    fa_buf_puts(out, "# TYPE firealarm_calendar_up gauge\n"
                     "# HELP firealarm_calendar_up What was fetched last holds; none before.\n");
    for (size_t i = 0; fa_remote_tell(daemon, i, &copy); i++) {
        if (copy.runs > 0) {
            fa_buf_printf(out, "firealarm_calendar_up{calendar=\"%s\"} %d\n", copy.name,
                          copy.error[0] == '\0');
        }
    }
    fa_buf_puts(out, "# TYPE firealarm_calendar_copied_seconds gauge\n"
                     "# HELP firealarm_calendar_copied_seconds When the copy was written.\n");
    for (size_t i = 0; i < daemon->config->mirror_count; i++) {
        if (stat(daemon->config->mirrors[i].file, &st) == 0) {
            fa_buf_printf(out, "firealarm_calendar_copied_seconds{calendar=\"%s\"} %lld\n",
                          daemon->config->mirrors[i].name, (long long)st.st_mtim.tv_sec);
        }
    }
}

void fa_remote_done(struct fa_daemon *daemon)
{
    for (size_t i = 0; i < daemon->renewal.state_count; i++) {
        free(daemon->renewal.states[i].file);
    }
    free(daemon->renewal.states);
}
