/* SPDX-License-Identifier: MIT */
/* links: fa_daemon_rig fa_fetcher fa_child fa_base Threads::Threads */
/* needs: firealarm-fetcher */
/* The link with the real fetcher, and servers of every temper. Each test waits for what must
 * happen, with a guard; none sleeps. */
#include "fa_test.h"
#include "fetcher/link.h"
#include "tmpdir.h"
#include "zoo.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define GUARD    (20 * FA_SECOND)
#define SEEN_MAX 256

/* A server that answers every request with the same bytes, and keeps the last head. */
struct server {
    pthread_t thread;
    int fd;
    unsigned port;
    const char *answer;
    size_t len;
    pthread_mutex_t lock;
    char head[4096];
    unsigned count;
};

struct seen {
    bool ended, ok;
    uint32_t status;
    size_t bytes;
    uint64_t sum; /* of the body's bytes */
    char error[512], type[64];
};

struct rig {
    struct fa_fetch_link *link;
    enum fa_child_state state;
    char why[512];
    size_t starts;
    struct seen seen[SEEN_MAX]; /* by the run's number */
    struct tmpdir dir;
    struct server server;
};

/* ------------------------------------------------------------------------------------ the server
 */

static void serve(struct server *server, int fd)
{
    char head[4096];
    size_t len = 0;
    ssize_t n;
    while (len < sizeof head - 1 && (n = recv(fd, head + len, sizeof head - 1 - len, 0)) > 0) {
        len += (size_t)n;
        head[len] = '\0';
        if (strstr(head, "\r\n\r\n") != NULL) {
            pthread_mutex_lock(&server->lock);
            memcpy(server->head, head, len + 1);
            server->count++;
            pthread_mutex_unlock(&server->lock);
            for (size_t at = 0; at < server->len; at += (size_t)n) {
                n = send(fd, server->answer + at, server->len - at, MSG_NOSIGNAL);
                if (n <= 0) {
                    break;
                }
            }
            break;
        }
    }
    close(fd);
}

static void *accept_all(void *self)
{
    struct server *server = self;
    for (;;) {
        int fd = accept(server->fd, NULL, NULL);
        if (fd < 0) {
            return NULL;
        }
        serve(server, fd);
    }
}

static void start_server(struct server *server)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof addr;
    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->fd, (struct sockaddr *)&addr, len), 0);
    assert_int_equal(listen(server->fd, 128), 0);
    assert_int_equal(getsockname(server->fd, (struct sockaddr *)&addr, &len), 0);
    server->port = ntohs(addr.sin_port);
    pthread_mutex_init(&server->lock, NULL);
    assert_int_equal(pthread_create(&server->thread, NULL, accept_all, server), 0);
}

static void last_head(struct server *server, char head[4096])
{
    pthread_mutex_lock(&server->lock);
    memcpy(head, server->head, sizeof server->head);
    pthread_mutex_unlock(&server->lock);
}

/* ------------------------------------------------------------------------------------- the link */

static struct fa_now now(void)
{
    struct timespec mono, wall;
    clock_gettime(CLOCK_BOOTTIME, &mono);
    clock_gettime(CLOCK_REALTIME, &wall);
    return (struct fa_now){mono.tv_sec * FA_SECOND + mono.tv_nsec / 1000000,
                           wall.tv_sec * FA_SECOND + wall.tv_nsec / 1000000};
}

static void on_body(void *ctx, const struct fa_fetch_body *body)
{
    struct seen *seen = &((struct rig *)ctx)->seen[body->n];
    assert_false(seen->ended);
    seen->bytes += body->bytes.len;
    for (size_t i = 0; i < body->bytes.len; i++) {
        seen->sum += (unsigned char)body->bytes.ptr[i];
    }
    snprintf(seen->type, sizeof seen->type, "%.*s", FA_STR_ARG(body->type));
}

static void on_done(void *ctx, const struct fa_fetch_done *done)
{
    struct seen *seen = &((struct rig *)ctx)->seen[done->n];
    assert_false(seen->ended);
    seen->ended = true;
    seen->ok = done->ok;
    seen->status = done->status;
    snprintf(seen->error, sizeof seen->error, "%.*s", FA_STR_ARG(done->error));
}

static void on_log(void *ctx, uint32_t level, const char *text)
{
}

static void on_state(void *ctx, enum fa_child_state state, const char *why)
{
    struct rig *rig = ctx;
    rig->state = state;
    rig->starts += state == FA_CHILD_STARTING;
    if (why[0] != '\0') {
        snprintf(rig->why, sizeof rig->why, "%s", why);
    }
}

/* One turn of a loop. */
static void turn(struct rig *rig, fa_time until)
{
    struct fa_child *child = fa_fetch_link_child(rig->link);
    struct fa_now at = now();
    fa_time next = fa_fetch_link_next_deadline(rig->link);
    next = next < until ? next : until;
    struct pollfd fd = {.fd = child->fd, .events = POLLIN};
    if (fa_child_wants_write(child)) {
        fd.events |= POLLOUT;
    }
    int rc = poll(&fd, 1, next > at.mono ? (int)(next - at.mono) : 0);
    at = now();
    if (rc > 0 && (fd.revents & (POLLIN | POLLHUP | POLLERR))) {
        (void)fa_child_on_readable(child, at);
    } else if (rc > 0) {
        fa_child_on_writable(child, at);
    }
    if (fa_fetch_link_next_deadline(rig->link) <= at.mono) {
        fa_fetch_link_on_tick(rig->link, at);
    }
}

#define run_until(rig, cond)                                                                       \
    do {                                                                                           \
        fa_time guard_ = now().mono + GUARD;                                                       \
        while (!(cond)) {                                                                          \
            if (now().mono > guard_) {                                                             \
                fail_msg("did not happen in time: %s (state %d, why \"%s\")", #cond,               \
                         (int)(rig)->state, (rig)->why);                                           \
            }                                                                                      \
            turn((rig), now().mono + 50);                                                          \
        }                                                                                          \
    } while (0)

static int setup(void **state)
{
    static const struct fa_fetch_link_callbacks callbacks = {on_body, on_done, on_log, on_state};
    struct rig *rig = calloc(1, sizeof *rig);
    const char *build = getenv("FA_BUILD_DIR");
    char path[512];
    tmpdir_make(&rig->dir);
    snprintf(path, sizeof path, "%s/daemon/fetcher/firealarm-fetcher",
             build != NULL ? build : "build-dev");
    struct fa_fetch_link_config config = {.path = path, .credentials_dir = rig->dir.path};
    start_server(&rig->server);
    rig->link = fa_fetch_link_new(&config, &callbacks, rig);
    fa_child_start(fa_fetch_link_child(rig->link), now());
    run_until(rig, rig->state == FA_CHILD_UP);
    *state = rig;
    return 0;
}

static int teardown(void **state)
{
    struct rig *rig = *state;
    fa_fetch_link_free(rig->link);
    shutdown(rig->server.fd, SHUT_RDWR);
    close(rig->server.fd);
    pthread_join(rig->server.thread, NULL);
    tmpdir_remove(&rig->dir);
    free(rig);
    return 0;
}

static struct fa_fetch_run run_to(const char *url)
{
    return (struct fa_fetch_run){.kind = FA_FETCH_SCRAPE,
                                 .url = url,
                                 .allow_private = true,
                                 .timeout = 2 * FA_SECOND,
                                 .body_max = 64 * 1024};
}

static const char *server_url(const struct rig *rig)
{
    static char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%u/metrics", rig->server.port);
    return url;
}

/* As number n, to its end. */
static const struct seen *do_run(struct rig *rig, uint64_t n, struct fa_fetch_run *run)
{
    run->n = n;
    assert_int_equal(fa_fetch_link_run(rig->link, run, now()), 0);
    run_until(rig, rig->seen[n].ended);
    return &rig->seen[n];
}

/* A whole answer of len bytes of body; *ret_sum is theirs. */
static char *big_answer(size_t len, size_t *ret_len, uint64_t *ret_sum)
{
    char *answer = malloc(len + 200);
    size_t head = (size_t)sprintf(answer,
                                  "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n"
                                  "Content-Length: %zu\r\n\r\n",
                                  len);
    *ret_sum = 0;
    for (size_t i = 0; i < len; i++) {
        answer[head + i] = (char)('a' + i * 7 % 23);
        *ret_sum += (unsigned char)answer[head + i];
    }
    *ret_len = head + len;
    return answer;
}

/* ------------------------------------------------------------------------------------- the tests
 */

static void a_body_comes_whole_and_in_order(void **state)
{
    struct rig *rig = *state;
    struct fa_fetch_run run = run_to(server_url(rig));
    uint64_t sum;
    char *answer = big_answer(3000000, &rig->server.len, &sum), head[4096];
    rig->server.answer = answer;
    run.body_max = 3000000;
    const struct seen *seen = do_run(rig, 1, &run);
    assert_true(seen->ok);
    assert_int_equal(seen->status, 200);
    assert_int_equal(seen->bytes, 3000000);
    assert_int_equal(seen->sum, sum);
    assert_string_equal(seen->type, "text/plain; version=0.0.4");
    last_head(&rig->server, head);
    assert_contains(head, "GET /metrics HTTP/1.1\r\n");
    assert_contains(head, "\r\nAccept: text/plain;version=0.0.4");
    assert_contains(head, "\r\nX-Prometheus-Scrape-Timeout-Seconds: 2\r\n");
    assert_null(strstr(head, "Authorization"));
    run.body_max = 2999999;
    seen = do_run(rig, 2, &run);
    assert_false(seen->ok);
    assert_int_equal(seen->bytes, 0); /* nothing of it, not what fits */
    assert_contains(seen->error, "longer than max_bytes (2999999)");
    free(answer);
}

static void a_daemon_that_is_slow_to_read_gets_everything(void **state)
{
    struct rig *rig = *state;
    uint64_t sum;
    char *answer = big_answer(8000000, &rig->server.len, &sum);
    rig->server.answer = answer;
    for (uint64_t n = 1; n <= 4; n++) {
        struct fa_fetch_run run = run_to(server_url(rig));
        run.n = n;
        run.body_max = 8000000;
        run.timeout = 15 * FA_SECOND;
        assert_int_equal(fa_fetch_link_run(rig->link, &run, now()), 0);
    }
    fa_child_on_writable(fa_fetch_link_child(rig->link), now());
    for (uint64_t n = 1; n <= 4; n++) {
        struct timespec look = {0, 50000000}; /* while nothing is read, the jobs are held */
        nanosleep(&look, NULL);
        run_until(rig, rig->seen[n].ended);
    }
    for (uint64_t n = 1; n <= 4; n++) {
        assert_true(rig->seen[n].ok);
        assert_int_equal(rig->seen[n].bytes, 8000000);
        assert_int_equal(rig->seen[n].sum, sum);
    }
    assert_int_equal(rig->starts, 1);
    free(answer);
}

static void secrets_are_read_by_the_job_and_sent_where_they_belong(void **state)
{
    struct rig *rig = *state;
    char head[4096];
    struct fa_fetch_run run = run_to(server_url(rig));
    rig->server.answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    rig->server.len = strlen(rig->server.answer);
    tmpdir_write(&rig->dir, "shop-token", "s3cret-token\n", 0600);
    tmpdir_write(&rig->dir, "open-token", "s3cret-token\n", 0644);
    tmpdir_write(&rig->dir, "bad-token", "s3cret\r\nX-Evil: 1\n", 0600);
    run.token = "shop-token"; /* a credential's name */
    assert_true(do_run(rig, 1, &run)->ok);
    last_head(&rig->server, head);
    assert_contains(head, "\r\nAuthorization: Bearer s3cret-token\r\n");
    run.token = NULL;
    run.user = "me";
    run.password = "shop-token";
    assert_true(do_run(rig, 2, &run)->ok);
    last_head(&rig->server, head);
    assert_contains(head, "\r\nAuthorization: Basic bWU6czNjcmV0LXRva2Vu\r\n");
    unsigned before = rig->server.count;
    static const char *const bad[] = {"open-token", "bad-token", "no-token"};
    for (uint64_t i = 0; i < 3; i++) {
        struct fa_fetch_run other = run_to(server_url(rig));
        other.token = bad[i];
        const struct seen *seen = do_run(rig, 3 + i, &other);
        assert_false(seen->ok);
        assert_contains(seen->error, bad[i]);
        assert_null(strstr(seen->error, "s3cret"));
    }
    assert_int_equal(rig->server.count, before); /* without its secret nothing is sent */
}

static void headers_are_sent_as_they_are(void **state)
{
    struct rig *rig = *state;
    char head[4096];
    struct fa_fetch_run run = run_to(server_url(rig));
    rig->server.answer = "HTTP/1.1 204 No Content\r\n\r\n";
    rig->server.len = strlen(rig->server.answer);
    run.headers[0] = (struct fa_fetch_header){"X-Scope-OrgID", "shop"};
    run.headers[1] = (struct fa_fetch_header){"X-Empty", ""};
    run.header_count = 2;
    assert_true(do_run(rig, 1, &run)->ok);
    last_head(&rig->server, head);
    assert_contains(head, "\r\nX-Scope-OrgID: shop\r\n");
    assert_contains(head, "\r\nX-Empty:\r\n");
}

static void a_private_address_is_not_connected_to(void **state)
{
    struct rig *rig = *state;
    struct fa_fetch_run run = run_to(server_url(rig));
    run.allow_private = false;
    const struct seen *seen = do_run(rig, 1, &run);
    assert_false(seen->ok);
    assert_contains(seen->error, "its address is a private one; say allow_private = true");
    assert_int_equal(rig->server.count, 0);
    char url[64];
    snprintf(url, sizeof url, "tcp://localhost:%u", rig->server.port);
    run.url = url;
    run.kind = FA_FETCH_CHECK;
    assert_contains(do_run(rig, 2, &run)->error, "its address is a private one");
    run.allow_private = true;
    assert_true(do_run(rig, 3, &run)->ok);
}

/* What an animal's channel leads to. */
static void url_of(const struct animal *animal, char *url, size_t size)
{
    const char *at = strstr(animal->options, "url = \"");
    assert_non_null(at);
    at += strlen("url = \"");
    snprintf(url, size, "%.*s", (int)strcspn(at, "\""), at);
}

/* A page is an answer; what it holds is the decoder's business. The first answer of these is not
 * well, and there is no second try; the bomb is longer than its limit. */
static bool is_well(const struct animal *animal)
{
    static const char *const others[] = {"gzip-bomb", "reply-lost", "503-later-well"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (strcmp(animal->name, others[i]) == 0) {
            return false;
        }
    }
    return animal->verdict == ZOO_SENT || strcmp(animal->name, "portal") == 0;
}

/* Every server of the zoo at once: each costs its own job, and the fetcher is the same afterwards.
 */
static void no_server_costs_more_than_its_own_job(void **state)
{
    struct rig *rig = *state;
    struct zoo *zoo = calloc(1, sizeof *zoo);
    char url[256];
    uint64_t n = 0;
    const struct animal *of[SEEN_MAX] = {NULL};
    zoo_open(zoo, tmpdir_file(&rig->dir, "zoo.log"), NULL);
    pid_t fetcher = fa_fetch_link_child(rig->link)->pid;
    for (size_t i = 0; i < zoo->count; i++) {
        const struct animal *animal = &zoo->animals[i];
        if (animal->address[0] != '\0' || strncmp(animal->name, "tls-", 4) == 0) {
            continue;
        }
        url_of(animal, url, sizeof url);
        struct fa_fetch_run run = run_to(url);
        run.n = ++n;
        of[n] = animal;
        int rc = FA_EFULL;
        while ((rc = fa_fetch_link_run(rig->link, &run, now())) == FA_EFULL) {
            turn(rig, now().mono + 100);
        }
        assert_int_equal(rc, 0);
    }
    assert_true(n > 50);
    for (uint64_t i = 1; i <= n; i++) {
        run_until(rig, rig->seen[i].ended);
        if (rig->seen[i].ok != is_well(of[i])) {
            fail_msg("%s: %s (HTTP %u)", of[i]->name, rig->seen[i].error, rig->seen[i].status);
        }
        if (!rig->seen[i].ok) {
            assert_int_equal(rig->seen[i].bytes, 0);
        }
    }
    assert_int_equal(zoo_count(zoo, NULL, "sink"), 0); /* where the redirects lead */
    assert_int_equal(zoo_count(zoo, NULL, "credentials"), 0);
    assert_int_equal(zoo_count(zoo, NULL, "cookie"), 0);
    assert_int_equal(fa_fetch_link_child(rig->link)->pid, fetcher);
    assert_int_equal(rig->state, FA_CHILD_UP);
    zoo_close(zoo);
    free(zoo);
}

/* The daemon is protected from the kernel's choice when memory is short, and its children have that
 * from it. */
static void it_is_what_may_go_when_memory_is_short(void **state)
{
    struct rig *rig = *state;
    char path[64];
    int score = 0;
    snprintf(path, sizeof path, "/proc/%d/oom_score_adj", (int)fa_fetch_link_child(rig->link)->pid);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%d", &score), 1);
    fclose(file);
    assert_int_equal(score, 500);
}

static void a_killed_fetcher_takes_its_jobs_with_it(void **state)
{
    struct rig *rig = *state;
    struct zoo *zoo = calloc(1, sizeof *zoo);
    char url[256] = "", path[64];
    long job = 0;
    zoo_open(zoo, tmpdir_file(&rig->dir, "zoo.log"), NULL);
    for (size_t i = 0; i < zoo->count; i++) {
        if (strcmp(zoo->animals[i].name, "hangs-after-request") == 0) {
            url_of(&zoo->animals[i], url, sizeof url);
        }
    }
    struct fa_fetch_run run = run_to(url);
    run.n = 1;
    run.timeout = 60 * FA_SECOND;
    assert_int_equal(fa_fetch_link_run(rig->link, &run, now()), 0);
    run_until(rig, zoo_count(zoo, "hangs-after-request", "request") == 1);
    pid_t fetcher = fa_fetch_link_child(rig->link)->pid;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)fetcher, (int)fetcher);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%ld", &job), 1);
    fclose(file);
    assert_int_equal(kill(fetcher, SIGKILL), 0);
    run_until(rig, rig->seen[1].ended);
    assert_false(rig->seen[1].ok);
    assert_contains(rig->seen[1].error, "the fetcher ended");
    run_until(rig, kill((pid_t)job, 0) != 0);
    run_until(rig, rig->state == FA_CHILD_UP);
    zoo_close(zoo);
    free(zoo);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_body_comes_whole_and_in_order),
        T(a_daemon_that_is_slow_to_read_gets_everything),
        T(secrets_are_read_by_the_job_and_sent_where_they_belong),
        T(headers_are_sent_as_they_are),
        T(a_private_address_is_not_connected_to),
        T(no_server_costs_more_than_its_own_job),
        T(it_is_what_may_go_when_memory_is_short),
        T(a_killed_fetcher_takes_its_jobs_with_it),
    };
    signal(SIGPIPE, SIG_IGN);
    cmocka_set_test_filter(getenv("FA_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
