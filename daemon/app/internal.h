/* SPDX-License-Identifier: MIT */
/* The root object and what the files of this room do for each other. */
#ifndef FA_APP_INTERNAL_H
#define FA_APP_INTERNAL_H

#include "alarms/describe.h"
#include "api/api.h"
#include "app/daemon.h"
#include "app/log.h"
#include "courier/link.h"
#include "metrics/metrics.h"
#include "metrics/save.h"
#include "net/dgram.h"
#include "net/http.h"
#include "net/loop.h"
#include "rules/foreign.h"
#include "rules/rules.h"
#include "store/store.h"

#include <pthread.h>
#include <stdatomic.h>

#define FA_TICK_MS (30 * FA_SECOND)

struct fa_daemon;

/* A reply or a send that waits for a commit. */
struct fa_parked {
    uint64_t commit;
    struct fa_http_request *req; /* NULL: a send */
    int status;
    const char *type;
    char *body;
    size_t body_len;
    struct fa_notification_id send;
};
struct fa_parking {
    struct fa_parked *items; /* a queue by rising commit number */
    size_t first, count, cap;
};

/* One connection of a feed's decoder: all its datagrams, or one body (intake.c). */
#define FA_INTAKE_TOLD 3 /* refusals of which the sender hears in words */
struct fa_refusal {
    char reason[64], excerpt[64];
};
struct fa_pull;
/* What came of a body, for who asked: samples, and the first of the names that no rule reads. */
#define FA_INTAKE_NAMES 10
struct fa_intake_count {
    uint64_t taken, ignored;
    char *names[FA_INTAKE_NAMES]; /* owned */
    size_t name_count;
};
struct fa_intake {
    struct fa_feed_socket *feed;   /* NULL: not open */
    struct fa_pull *pull;          /* what a pull adds; NULL: it was sent */
    struct fa_intake_count *count; /* NULL: nobody asked */
    void *conn;                    /* the decoder's */
    uint64_t refused;
    struct fa_refusal first[FA_INTAKE_TOLD];
    int status; /* of the decoder's reply; 0: it gave none */
    char type[128];
    struct fa_buf body;
};

/* A child program on the loop (tend.c). The members before watch are its owner's to set. */
struct fa_tended {
    struct fa_daemon *daemon;
    const char *who;         /* "courier" */
    const char *code;        /* of the trouble that operators hear of while it is away */
    const char *away, *back; /* in words */
    struct fa_child *child;
    void *link; /* for the next two */
    void (*tick)(void *link, struct fa_now now);
    fa_time (*next)(void *link);
    struct fa_watch *watch;
    int fd;
    struct fa_timer timer, away_timer;
    fa_time down_since; /* mono; 0: it is up */
    bool told;          /* operators know that it is away */
    bool seen;          /* it was up at least once */
};

/* Of one fetch job (pull.c): its labels, and the series that came. */
#define FA_PULL_LABELS_MAX (FA_FETCH_JOB_LABELS_MAX + 2)
struct fa_handles {
    uint64_t *items;
    size_t count, cap;
};
struct fa_pull {
    struct fa_pull_label {
        char *name, *value;
        char *exported; /* what a series' own label of that name is called */
    } labels[FA_PULL_LABELS_MAX];
    size_t label_count;
    uint64_t named, samples;       /* of the body that comes in: series recognised, values taken */
    struct fa_handles now, before; /* series of this body, and of the last good one */
};

/* The proof that a heartbeat needs (beat.c), and what operators know of heartbeats. */
enum fa_beat_word { FA_BEAT_UNKNOWN, FA_BEAT_HEARD, FA_BEAT_UNHEARD };
struct fa_beat {
    fa_time began;   /* mono; 0: none is under way */
    uint64_t commit; /* that must be durable */
    enum fa_beat_word word;
};

struct fa_fetch_job;
struct fa_fetching {
    struct fa_fetch_job **jobs; /* in the configuration's order */
    size_t count;
    struct fa_fetch_link *link; /* NULL: nothing is to be fetched */
    struct fa_tended tended;
    struct fa_timer timer;
    uint64_t last_run;
    struct fa_beat beat;
};

struct fa_body;
struct fa_feed_socket {
    struct fa_daemon *daemon;
    char *name;
    char *address;          /* of datagrams; NULL: it takes requests */
    struct fa_dgram *dgram; /* NULL: likewise */
    struct fa_intake datagrams;
    char *listener, **paths; /* of requests: as in struct fa_feed_entry */
    size_t path_count;
    struct fa_body *bodies; /* under way */
    const struct fa_plugin *plugin;
    struct fa_options *options;
    void *self;
    struct fa_feed *feed;
    uint64_t rejected, events_ignored;
    uint32_t labels_max, name_max, value_max;        /* of an alert; a series' are its feed's */
    uint64_t alerts, alerts_untaken, alerts_refused; /* all; no rule took it; over a limit */
    uint64_t alerts_refused_seen;
    uint64_t answers[6]; /* by the status' first digit */
    uint64_t series_refused_seen;
    bool over_budget, over_alerts, watched;
};

struct fa_listening {
    char *name, *address;
    struct fa_api_listener *api;
    struct fa_http_server *http;
    struct fa_tls *tls;
    bool kept; /* taken over from the configuration before */
};

/* Two lines: what people filed and the daemon's own never wait behind a flood of series. */
struct fa_outgoing {
    struct fa_line {
        struct fa_notification_id *ids;
        size_t first, count, cap;
    } urgent, series;
};
/* What is durable for one channel and not yet with the courier. */
struct fa_lane {
    char *channel;
    struct fa_outgoing outgoing;
};

/* What the notice under way is made of: thousands follow each other. */
struct fa_notice_texts {
    struct fa_buf words, clean; /* of the text under construction */
    struct fa_notice_chunk *chunks;
    struct fa_reader reader; /* of the notice under construction */
    struct firealarm_field fields[64];
    struct firealarm_line lines[FA_FRAME_LINES_MAX];
    struct firealarm_text phrases[FIREALARM_WORD__COUNT];
};

/* Filings in history (known.c). */
struct fa_history {
    uint64_t *bits; /* NULL: not counted */
    bool whole;     /* history was read to its end */
    bool unread;    /* an open filing is stored that cannot be understood: not in memory, either */
    unsigned opening;
};

/* The checkpoint (checkpoint.c). */
/* Where a save of the rules' changes is; zeros at first. */
struct fa_changes_save {
    const struct fa_rule_changes *next;
    bool is_begun;
};

struct fa_checkpoint {
    struct fa_timer timer;
    struct fa_save save; /* where the one under way is */
    struct fa_rules_save rules;
    struct fa_changes_save changes;
    fa_time began;    /* mono, of the newest */
    fa_time recalled; /* mono: when the one of the run before was read; 0: there was none */
    uint64_t samples; /* that had come then */
    uint64_t written;
    fa_time written_at; /* wall, of the newest; 0: none since start */
    bool is_ready;      /* what there was is read */
    bool is_open;       /* it has slices to come */
    bool is_told;       /* its end was seen */
    bool has_failed;    /* operators know */
};

/* Channels that carried a test (tested.c). */
struct fa_tested_item;
struct fa_tested {
    struct fa_tested_item *items; /* owned */
    size_t count, cap;
    unsigned missing; /* that should be there, as last counted */
};

/* The copy of a calendar that lies elsewhere (remote.c). */
struct fa_mirror_state {
    char *file;      /* owned */
    char error[400]; /* of the newest try; "": it went well, or there was none since the start */
    uint64_t runs, failures;
};

/* Reading anew (calendars.c). */
struct fa_renewal {
    struct fa_calendars *calendars; /* being read; NULL: nothing is */
    struct fa_remotes *remotes;     /* being fetched, likewise */
    const struct fa_daemon_options *options;
    atomic_bool cancelled;          /* nobody waits for them any more */
    struct fa_mirror_state *states; /* owned */
    size_t state_count;
    struct fa_waker *waker;
    struct fa_timer timer;
    pthread_t thread;
    bool is_running; /* the thread */
    bool is_reload;  /* of everything, for SIGHUP; else of the calendars alone */
    bool again;      /* SIGHUP came meanwhile */
    unsigned rounds;
};

struct fa_daemon {
    const struct fa_daemon_options *options;
    struct fa_loop *loop;
    struct fa_plugins *plugins;
    struct firealarm_host host;
    struct fa_config *config;
    struct fa_engine *engine;
    struct fa_metrics *metrics;
    struct fa_rules *rules;
    struct fa_foreign *foreign;
    bool rules_dirty;                /* of both */
    bool rules_run;                  /* they do: what they tell of is being decided on */
    struct fa_rule_changes *changes; /* by rule (changes.c) */
    struct fa_actions unfinished;    /* rows of evidence that wait for the rules to have run */
    size_t explained;                /* series read for evidence of whole expressions this turn */

    struct fa_store
        *store; /* NULL: it cannot be used; then nothing is written and no filing taken */
    struct fa_options *store_options;
    struct fa_waker *store_waker;
    uint8_t key[FA_STORE_KEY_BYTES];
    struct fa_txn *txn;
    uint64_t last_commit, journal_next;
    struct fa_timer store_retry;
    fa_time store_told; /* mono: when operators were last told that there is no store */
    bool store_full;
    struct fa_history known;
    enum fa_copy_state copy_seen; /* of the newest copy, as it was told */
    uint64_t copies_done, copies_failed, copied_n;
    fa_time copied; /* wall; when the newest good one was done */
    bool store_old; /* an older copy was found in place, by the witness or by a receipt */

    struct fa_checkpoint checkpoint;
    struct fa_actions actions;
    struct fa_buf journal_body; /* of the entry that is being written */
    struct fa_buf evidence;     /* the same */
    struct fa_rng seeds[64];    /* for events to come */
    size_t seed_left;
    struct fa_parking parking; /* replies and sends of commits that are not durable yet */
    size_t turn_from;          /* items of the turn under way start here: no number yet */

    struct fa_link *link;
    struct fa_tended courier;
    struct fa_notice_texts notice;
    struct fa_lane *lanes; /* durable, not yet with the courier */
    size_t lane_count, lane_cap, lane_next;

    struct fa_api *api;
    struct fa_listening *listening;
    size_t listening_count;
    struct fa_feed_socket **feeds;
    size_t feed_count;
    struct fa_fetching fetch;
    struct fa_renewal renewal;
    struct fa_tested tested;

    struct fa_timer tick, stop_timer;
    bool stopping;
    int exit_status;
    unsigned draining;
    bool courier_drained;
    fa_time started;  /* wall */
    bool on_accepted; /* the files were refused: what was accepted last runs */
    bool is_refused;  /* the files as they are now, at start or at the newest reload */
    struct fa_file_mark directory_tried;
    int directory_refused; /* the last import was refused: operators know; -1: not looked at yet */
};

/* turn.c */
void fa_turn_init(struct fa_daemon *daemon);
struct fa_api_answer fa_turn_step(struct fa_daemon *daemon, struct fa_event *event);
void fa_turn_park_reply(struct fa_daemon *daemon, struct fa_http_request *req, int status,
                        const char *type, struct fa_str body);
/* What the turn has for the store so far. */
void fa_turn_submit(struct fa_daemon *daemon);
/* Writes a row of the host's own that says nothing but that it was written; its commit number. */
uint64_t fa_turn_write(struct fa_daemon *daemon, uint32_t kind, struct fa_str key);
uint64_t fa_turn_next_journal(const struct fa_daemon *daemon);
/* Replies and sends whose commit is durable leave. */
void fa_turn_release(struct fa_daemon *daemon);
void fa_turn_done(struct fa_daemon *daemon);
void fa_turn_trouble(struct fa_daemon *daemon, const char *code, bool over, const char *fmt, ...)
    FA_PRINTF(4, 5);
/* Of what happened and has no end: a person resolves it. */
void fa_turn_trouble_once(struct fa_daemon *daemon, const char *code, const char *text);

/* keep.c: the store's life. */
int fa_keep_init(struct fa_daemon *daemon, struct fa_err *err) FA_MUST_CHECK;
/* 0, FA_EBUSY (exit 73), or another code: the daemon goes on without it and tries again. */
int fa_keep_open(struct fa_daemon *daemon, struct fa_err *err) FA_MUST_CHECK;
void fa_keep_without(struct fa_daemon *daemon, const struct fa_err *err);
void fa_keep_watch(struct fa_daemon *daemon);
/* A receipt of ours, for journal entry n, is not in the store. */
void fa_keep_tell_lost(struct fa_daemon *daemon, uint64_t n);
/* FA_EXIT_OK, or 74 when something queued is not durable. */
int fa_keep_close(struct fa_daemon *daemon);

/* What opening the store takes (witness: a buffer that must live as long). */
int fa_keep_plugin(struct fa_daemon *daemon, struct fa_store_options *ret_options,
                   char witness[FA_STORE_PATH_SIZE], struct fa_err *err) FA_MUST_CHECK;
/* The store's directory by the configuration; "" when it has none. */
const char *fa_keep_path(const struct fa_daemon *daemon, char buf[FA_STORE_PATH_SIZE]);
int fa_keep_take_row(void *daemon, const struct fa_row *row, struct fa_err *err) FA_MUST_CHECK;

/* copies.c: as struct fa_api_host says of `copy`. */
int fa_copies_ask(struct fa_daemon *daemon, bool start, struct fa_store_copy *ret_copy,
                  struct fa_err *err) FA_MUST_CHECK;
/* After a wake-up: says how it ended. */
void fa_copies_watch(struct fa_daemon *daemon);
void fa_copies_metrics(const struct fa_daemon *daemon, struct fa_buf *out);
/* known.c: reads the history of a store that was opened. */
void fa_known_open(struct fa_daemon *daemon);
void fa_known_done(struct fa_daemon *daemon);
/* A filing goes to history. */
void fa_known_add(struct fa_daemon *daemon, struct fa_str key);
/* False: no filing of that id is in history. */
bool fa_known_may_have(const struct fa_daemon *daemon, struct fa_incident_id id);

/* tend.c */
void fa_tended_init(struct fa_tended *tended);
void fa_tended_done(struct fa_tended *tended);
/* For the link's callbacks. */
void fa_tended_state(struct fa_tended *tended, enum fa_child_state state, const char *why);
void fa_tended_log(const struct fa_tended *tended, uint32_t level, const char *text);
/* After anything that may have changed the child: its descriptor, what it waits for, when. */
void fa_tended_drive(struct fa_tended *tended);

/* sender.c */
void fa_outgoing_put(struct fa_outgoing *outgoing, bool of_series, struct fa_notification_id id);
/* The line whose first goes next, NULL when none may: series leave a quarter of the courier's open
 * attempts to the others. Whoever handed the first over takes it off by line->first++. */
struct fa_line *fa_outgoing_next(struct fa_outgoing *outgoing, size_t open);
void fa_outgoing_done(struct fa_outgoing *outgoing);
/* The engine's word for a frame's verdict; what no courier of ours says is a retry. */
enum fa_verdict_kind fa_sender_verdict(uint32_t verdict);
int fa_sender_open(struct fa_daemon *daemon, struct fa_err *err) FA_MUST_CHECK;
int fa_sender_set_channels(struct fa_daemon *daemon, const struct fa_config *config,
                           struct fa_err *err) FA_MUST_CHECK;
void fa_sender_queue(struct fa_daemon *daemon, struct fa_notification_id id);
void fa_sender_pump(struct fa_daemon *daemon);
/* Nothing is with the courier or waits for it. */
bool fa_sender_is_idle(const struct fa_daemon *daemon);
void fa_sender_close(struct fa_daemon *daemon);

/* notice.c: the frame for one notification. False: there is nothing to say any more. Its texts live
 * until the next one is composed. */
bool fa_notice_compose(const struct fa_daemon *daemon, const struct fa_notification *notification,
                       fa_time now, struct fa_frame_send *ret_send, struct fa_notice_texts *texts);
void fa_notice_init(struct fa_notice_texts *texts);
void fa_notice_clear(struct fa_notice_texts *texts);
void fa_notice_done(struct fa_notice_texts *texts);

/* feeds.c */
int fa_feeds_open(struct fa_daemon *daemon, const struct fa_config *config,
                  struct fa_feed_socket ***ret_feeds, size_t *ret_count,
                  struct fa_err *err) FA_MUST_CHECK;
void fa_feeds_close(struct fa_feed_socket **feeds, size_t count);
void fa_feeds_watch(struct fa_daemon *daemon);
void fa_feeds_metrics(const struct fa_daemon *daemon, struct fa_buf *out);

/* A feed's decoder with its options, and no connection yet. */
int fa_decoder_open(struct fa_feed_socket *feed, const struct fa_plugin_config *config,
                    struct fa_err *err) FA_MUST_CHECK;
void fa_decoder_close(struct fa_feed_socket *feed);

/* pull.c */
void fa_pull_add_label(struct fa_pull *pull, const char *name, const char *value);
/* Those of the series, then its own; ret_all has room for both. */
size_t fa_pull_labels(const struct fa_pull *pull, const struct fa_label *labels, size_t count,
                      struct fa_label *ret_all);
/* A series that came before the restart. */
void fa_pull_recall(struct fa_pull *pull, uint64_t handle);
/* The metrics that its series are of go. */
void fa_pull_forget(struct fa_pull *pull);
void fa_pull_note(struct fa_pull *pull, const uint64_t *handles, size_t n);
/* The body is over. What does not come any more is stale; when it failed, everything. */
void fa_pull_end(struct fa_pull *pull, struct fa_feed *feed, bool ok, fa_time wall);
void fa_pull_done(struct fa_pull *pull);

/* fetch.c: as with feeds, open makes what a configuration wants, and swap cannot fail. */
int fa_fetch_open(struct fa_daemon *daemon, const struct fa_config *config,
                  struct fa_fetch_job ***ret_jobs, struct fa_err *err) FA_MUST_CHECK;
void fa_fetch_close(struct fa_fetch_job **jobs, size_t count);
/* Takes jobs; before the old configuration goes. */
void fa_fetch_swap(struct fa_daemon *daemon, struct fa_fetch_job **jobs, size_t count);
/* After it: places in the metrics, and the fetcher itself. */
void fa_fetch_bind(struct fa_daemon *daemon);
/* After a checkpoint was loaded: what its jobs brought before the restart is theirs. */
void fa_fetch_recall(struct fa_daemon *daemon);
void fa_fetch_stop(struct fa_daemon *daemon);
void fa_fetch_metrics(const struct fa_daemon *daemon, struct fa_buf *out);
/* For the interface's host (api.h). */
bool fa_fetch_tell(void *daemon, size_t i, struct fa_api_fetch *ret_fetch);

/* intake.c. request and what it points to live until fa_intake_close(); after an error, too. */
int fa_intake_open(struct fa_intake *intake, struct fa_feed_socket *feed,
                   const struct firealarm_request *request, struct fa_err *err) FA_MUST_CHECK;
/* Any split of the bytes; end: these are the last of a datagram or body. FA_EINVAL: the decoder
 * says that no more of it is of use. */
int fa_intake_feed(struct fa_intake *intake, struct fa_str bytes, bool end,
                   struct fa_err *err) FA_MUST_CHECK;
void fa_intake_close(struct fa_intake *intake); /* harmless when it is not open */

/* ingest.c: requests to feeds, for the interface's host (api.h). */
void fa_ingest_each(void *ctx, fa_api_place_fn *fn, void *fn_ctx);
void *fa_ingest_find(void *daemon, const char *listener, const char *path);
void fa_ingest_head(void *daemon, void *feed, struct fa_http_request *req,
                    struct fa_http_route *route);
void fa_ingest_body(void *daemon, struct fa_http_request *req, struct fa_str piece);
void fa_ingest_end(void *daemon, struct fa_http_request *req);
void fa_ingest_gone(void *daemon, struct fa_http_request *req);
/* Answers what is under way with 503: the feed or its decoder goes. */
void fa_ingest_stop(struct fa_feed_socket *feed);

/* Gives each feed its place in the metrics and its limits, as the running configuration says. */
void fa_feeds_bind(struct fa_daemon *daemon);

/* evidence.c: makes *row the engine's head and what the rules say of it now. False: they have to be
 * asked again when they have run. */
bool fa_evidence_finish(struct fa_daemon *daemon, struct fa_str head, struct fa_buf *row);

/* changes.c */
void fa_changes_note(struct fa_daemon *daemon, const struct fa_signal *signal);
/* Newest first; the texts are borrowed until the next one is noted. Returns how many. */
size_t fa_changes_read(struct fa_daemon *daemon, const char *rule,
                       struct fa_rule_change ret[FA_RULE_CHANGES]);
/* Forgets those of rules that are not in the configuration. */
void fa_changes_sweep(struct fa_daemon *daemon);
void fa_changes_done(struct fa_daemon *daemon);
/* Appends those of about so many rules to what fa_metrics_save wrote; none is forgotten meanwhile.
 * False: that was all. */
bool fa_changes_save(const struct fa_daemon *daemon, struct fa_changes_save *save, size_t rules,
                     struct fa_buf *buf);
/* What is no sense is left out. */
void fa_changes_load(struct fa_daemon *daemon, struct fa_str bytes);

/* tested.c */
void fa_tested_open(struct fa_daemon *daemon);
void fa_tested_close(struct fa_daemon *daemon);
/* A test arrived. */
void fa_tested_note(struct fa_daemon *daemon, const struct fa_notification *n);
void fa_tested_each_missing(void *daemon, fa_api_untested_fn *fn, void *fn_ctx);
void fa_tested_announce(struct fa_daemon *daemon);
/* The directory or the policies are others. */
void fa_tested_count(struct fa_daemon *daemon);
void fa_tested_metrics(struct fa_daemon *daemon, struct fa_buf *out);

/* remote.c */
/* Blocks until it is known of all that was wanted what became of it, for some 35 s at most. Uses
 * nothing but its arguments: may run on a thread of its own. */
void fa_remote_fetch(const struct fa_daemon_options *options, struct fa_remotes *remotes,
                     const atomic_bool *cancelled);
/* Writes the copies of what was fetched: the configuration with it holds. One that cannot be
 * written counts as not fetched. */
void fa_remote_keep(struct fa_remotes *remotes);
/* Tells what came of it. refused: why what was fetched is not used; NULL: it is. False: some could
 * not be fetched. */
bool fa_remote_settle(struct fa_daemon *daemon, const struct fa_remotes *remotes,
                      const char *refused);
bool fa_remote_tell(struct fa_daemon *daemon, size_t i, struct fa_api_fetch *ret_fetch);
void fa_remote_metrics(struct fa_daemon *daemon, struct fa_buf *out);
void fa_remote_done(struct fa_daemon *daemon);

/* calendars.c */
struct fa_calendars *fa_renewal_calendars(const struct fa_daemon *daemon, fa_time wall);
int fa_renewal_open(struct fa_daemon *daemon, struct fa_err *err) FA_MUST_CHECK;
/* SIGHUP. */
void fa_renewal_reload(struct fa_daemon *daemon);
void fa_renewal_close(struct fa_daemon *daemon);

/* windows.c */
void fa_windows_open(struct fa_daemon *daemon);
void fa_windows_close(struct fa_daemon *daemon);
/* What the engine's alarms say about their rules, after it was loaded. */
void fa_windows_restore(struct fa_daemon *daemon);
/* config's rules over the samples that are there; the old configuration may go afterwards. */
void fa_windows_reload(struct fa_daemon *daemon, const struct fa_config *config);
/* The wall clock stepped by delta. */
void fa_windows_step(struct fa_daemon *daemon, fa_time delta);

/* Each half minute: looks at some of the series, for the weekly digest. */
void fa_windows_survey(struct fa_daemon *daemon);
/* All samples are forgotten; the rules know their active alarms. shift: of the wall clock. */
void fa_windows_forget(struct fa_daemon *daemon, fa_time shift);

/* checkpoint.c: reads it, when rules and feeds are there. */
void fa_checkpoint_open(struct fa_daemon *daemon);
void fa_checkpoint_tick(struct fa_daemon *daemon);
void fa_checkpoint_metrics(const struct fa_daemon *daemon, struct fa_buf *out);
/* After a wake-up of the store. */
void fa_checkpoint_watch(struct fa_daemon *daemon);
/* The metrics it is of are freed. */
void fa_checkpoint_forget(struct fa_daemon *daemon);
/* The last one, before the store is closed. */
void fa_checkpoint_stop(struct fa_daemon *daemon);

/* listen.c */
int fa_listeners_open(struct fa_daemon *daemon, const struct fa_config *config,
                      struct fa_listening **ret_list, size_t *ret_count,
                      struct fa_err *err) FA_MUST_CHECK;
/* After everything else of a reload was opened: those that stay get their new limits and routes. */
void fa_listeners_renew(struct fa_listening *list, size_t count, const struct fa_config *config);
/* Gives back what a refused reload took over, and closes what it opened. */
void fa_listeners_restore(struct fa_daemon *daemon, struct fa_listening *list, size_t count);
void fa_listeners_close(struct fa_listening *list, size_t count);
void fa_listeners_metrics(const struct fa_daemon *daemon, struct fa_buf *out);

/* daemon.c: deadlines are acted on, filings are taken and messages leave. */
bool fa_daemon_is_well(const struct fa_daemon *daemon);
/* daemon.c: after the store's key was read. */
void fa_daemon_renew_keys(struct fa_daemon *daemon);

/* Says where listeners and feeds are. */
void fa_daemon_announce(const struct fa_daemon *daemon);

/* setup.c: configuration at start, at SIGHUP, and its calendars each day. FA_EAGAIN: what calendars
 * wants must be read first, but not when this is the last try; any other error was told. */
int fa_setup_load(struct fa_daemon *daemon);
int fa_setup_reload(struct fa_daemon *daemon, bool is_last);
int fa_setup_renew(struct fa_daemon *daemon, bool is_last);
/* Each half minute: has an import written the directory, or was one refused? */
void fa_setup_look(struct fa_daemon *daemon);
void fa_setup_remember(const struct fa_daemon *daemon);

/* replace.c: puts the bytes in the place of the file, whole and durable, or leaves it as it was.
 * FA_EIO; it blocks. */
int fa_file_replace(const char *path, mode_t mode, struct fa_str bytes,
                    struct fa_err *err) FA_MUST_CHECK;

#endif
