/* SPDX-License-Identifier: MIT */
/* One firealarmd with its courier in a directory of its own: a configuration is written, the daemon
 * is started and watched by its log, spoken to over its sockets and always ended. Nothing here
 * sleeps for a time: everything waits for what must happen, with a guard. FA_TEST=PATTERN runs some
 * tests of a binary, FA_RIG_KEEP=1 keeps the directory with log, store and trace.
 *
 * The company is that of rig_company.h. Each of its people has a channel whose path at the receiver
 * is "/NAME"; chris has "/first" and then "/second". */
#ifndef FA_TEST_DAEMON_RIG_H
#define FA_TEST_DAEMON_RIG_H

#include "fa_test.h"
#include "receiver.h"

#include <jansson.h>
#include <sys/types.h>

#define RIG_GUARD_MS 15000
#define RIG_TOKEN    "chris.0123456789abcdef0123456789abcdef" /* chris' bearer token */

/* Blocks of the configuration that a test says differently; NULL: the company's. */
struct rig_words {
    const char *people, *channels, *policies, *severities, *guide, *listeners, *feeds, *rules;
    const char *store;
    const char *chris; /* his channels */
    const char *more;  /* appended */
};

struct rig {
    char dir[128], config[160], log_path[160], api[160], statsd[160];
    struct receiver *receiver;
    struct rig_words words;
    pid_t pid;
    size_t log_from; /* where the log of the running one begins */
    bool unclean;    /* a test ended it by force: its exit status says nothing */
    /* Set before rig_start(); each may be NULL or 0. */
    const char *crash_at;     /* FA_CRASH_AT */
    const char *const *under; /* a command to run it under, e.g. strace */
    const char *courier;      /* another path than the built one */
    const char *fetcher;      /* likewise */
    const char *calendar;     /* likewise */
    const char *every;        /* FA_CALENDARS_EVERY */
    unsigned files_max;       /* RLIMIT_NOFILE */
    bool silent_dns;          /* a mount namespace whose resolver is a socket that never answers */
    int dns_fd;               /* that socket; closed at the end */
};

/* cmocka's per-test fixtures; *state is the struct rig. */
int rig_setup(void **state);
int rig_teardown(void **state);

/* ---- the processes ---- */
void rig_write_config(struct rig *rig);
void rig_write(const struct rig *rig, const char *name, const char *text, mode_t mode);
/* A path in the rig's directory; four in turn. */
const char *rig_path(const struct rig *rig, const char *name);
void rig_spawn(struct rig *rig); /* without waiting for anything */
void rig_start(struct rig *rig); /* writes the configuration and waits for "ready" */
void rig_again(struct rig *rig); /* starts it as it is and waits for "ready" */
void rig_signal(struct rig *rig, int signo);
/* Waits for its end and gives the wait status. */
int rig_wait(struct rig *rig);
/* Without waiting; true when it has ended, status then has how (if it is not known from before). */
bool rig_has_ended(struct rig *rig, int *status);
int rig_stop(struct rig *rig);  /* SIGTERM; asserts exit status 0 */
void rig_kill(struct rig *rig); /* SIGKILL and wait */
/* The courier's process; waits for it when there is none at the moment. */
pid_t rig_courier(struct rig *rig);
pid_t rig_courier_now(struct rig *rig); /* 0: none */
/* The same for the fetcher, and for a process that it made for a run. */
pid_t rig_fetcher(struct rig *rig);
pid_t rig_fetcher_now(struct rig *rig);
pid_t rig_fetch_job_now(struct rig *rig);
/* Moves the daemon's clocks forward by 30 s (builds with test hooks only). */
void rig_later(struct rig *rig);
bool rig_has_hooks(void);
const char *rig_built_courier(void);
const char *rig_built_fetcher(void);
/* CPU time used so far, ms. */
long rig_cpu_ms(const struct rig *rig);
size_t rig_fd_count(const struct rig *rig);

/* ---- the log ---- */
char *rig_log(struct rig *rig); /* of the running one; free() */
bool rig_logged(struct rig *rig, const char *word);
size_t rig_log_count(struct rig *rig, const char *word);
unsigned rig_port(struct rig *rig, const char *name); /* from "listener NAME:" or "feed NAME:" */

/* ---- speaking ---- */
struct rig_reply {
    int status; /* 0: no answer */
    char head[4096];
    char body[1 << 18];
};
struct rig_call {
    const char *method, *path, *body, *header; /* header: "Name: value\r\n" or NULL */
    size_t body_len;                           /* 0: body is a text */
    const char *socket;                        /* NULL: the api's Unix socket */
    unsigned port;                             /* not 0: TCP instead */
    unsigned uid;                              /* not 0: connect as this one (root only) */
    int guard_ms;                              /* 0: RIG_GUARD_MS */
};
/* Static memory, until the next call. */
const struct rig_reply *rig_ask(struct rig *rig, const struct rig_call *call);
const struct rig_reply *rig_get(struct rig *rig, const char *path);
const struct rig_reply *rig_post(struct rig *rig, const char *path, const char *body);
/* The reply's body; the test frees it. Fails the test when it is no JSON. */
json_t *rig_json(const struct rig_reply *reply);
/* Files under a key made of n; gives the status and writes the receipt. */
int rig_file(struct rig *rig, unsigned n, const char *category, char receipt[64]);
int rig_status(struct rig *rig, const char *receipt);
void rig_statsd(struct rig *rig, const char *line); /* over UDP */
void rig_statsd_local(struct rig *rig, const char *line);
bool rig_try_statsd_local(struct rig *rig, const char *line); /* false: nobody is there */
/* The value of one line of /metrics, -1 when there is none. name with its labels. */
double rig_metric(struct rig *rig, const char *name);
/* The id of the first open alarm of that rule or category; "" when none. */
const char *rig_alarm(struct rig *rig, const char *rule);
/* Is that person on duty in the first schedule? */
bool rig_is_on_duty(struct rig *rig, const char *who);
int rig_connect(struct rig *rig); /* a bare connection to the api's socket */

/* ---- the client ---- */
/* Its settings: as chris by his token, or as whoever runs the test. */
void rig_client_settings(struct rig *rig, bool as_chris);
/* `firealarm WORDS` under these; nothing to read. What it prints, errors too, is read from the
 * pipe. */
FILE *rig_client_start(struct rig *rig, const char *words);
int rig_client_end(FILE *pipe, char *out, size_t size); /* its exit status */
int rig_client(struct rig *rig, const char *words, char *out, size_t size);

/* Does the file hold the word? Then its text, which the caller frees. */
bool rig_has_text(const char *path, const char *word, char **ret_text);

int64_t rig_ms(void);
void rig_pause(void); /* a few milliseconds between two looks */

/* Waits until cond holds; the daemon's log is in the message of a failure. */
#define rig_until(rig, cond)                                                                       \
    do {                                                                                           \
        int64_t guard_ = rig_ms() + RIG_GUARD_MS;                                                  \
        while (!(cond)) {                                                                          \
            if (rig_ms() > guard_) {                                                               \
                rig_fail((rig), #cond, __FILE__, __LINE__);                                        \
            }                                                                                      \
            rig_pause();                                                                           \
        }                                                                                          \
    } while (0)
void rig_fail(struct rig *rig, const char *what, const char *file, int line);

#endif
