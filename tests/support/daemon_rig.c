/* SPDX-License-Identifier: MIT */
/* Starts, watches and ends the daemon; speaks HTTP in the smallest way that can show a fault. The
 * company below is the configuration; a test may say each of its parts differently. */
#include "daemon_rig.h"

#include "rig_company.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- the company ---- */

static const char policies[] =
    "policies = (\n"
    "  { name = \"leaders\"; steps = ( { targets = [ \"chris\" ]; wait = \"15m\"; },\n"
    "      { targets = [ \"dana\" ]; wait = \"1h\"; } ); },\n"
    "  { name = \"independent\"; steps = ( { targets = [ \"ruth\" ]; wait = \"4h\"; },\n"
    "      { targets = [ \"independent\" ]; wait = \"12h\"; } ); },\n"
    "  { name = \"operators\"; steps = ( { targets = [ \"ines\" ]; wait = \"30m\"; },\n"
    "      { targets = [ \"team:it\" ]; wait = \"2h\"; } ); }\n"
    ");\n";

static const char severities[] =
    "severities = (\n"
    "  { name = \"critical\"; ack_default = \"30m\"; ack_max = \"4h\"; fail_attempts = 3;\n"
    "    fail_after = \"2s\"; },\n"
    "  { name = \"warning\"; fail_attempts = 3; fail_after = \"2s\"; },\n"
    "  { name = \"info\"; fail_attempts = 3; fail_after = \"2s\"; }\n"
    ");\n";

static const char guide[] =
    "categories = (\n"
    "  { name = \"question\"; title = \"A customer waits\"; guidance = \"solve\"; due = \"3d\";\n"
    "    severity = \"info\"; policy = \"leaders\"; },\n"
    "  { name = \"danger\"; title = \"A product that may hurt\"; guidance = \"raise\";\n"
    "    severity = \"critical\"; policy = \"leaders\"; },\n"
    "  { name = \"lying\"; title = \"We lie\"; guidance = \"raise\"; severity = \"critical\";\n"
    "    policy = \"independent\"; }\n"
    ");\n";

static const char rules[] =
    "rules = (\n"
    "  { name = \"queue-slow\"; category = \"danger\"; severity = \"critical\"; policy = \"leaders\";\n"
    "    metric = \"queue_seconds\"; take = \"last\"; per = [ \"queue\" ];\n"
    "    above = 120.0; clear_below = 90.0; summary = \"{queue} answers in {value|duration}\";\n"
    "    expect = \"Decide on staffing\"; }\n"
    ");\n";

static const char listeners[] =
    "listeners = (\n"
    "  { name = \"api\"; address = \"unix:./run/api.sock\"; mode = \"0666\"; routes = [ \"api\" ]; },\n"
    "  { name = \"metrics\"; address = \"127.0.0.1:0\"; routes = [ \"metrics\" ]; }\n"
    ");\n";

static const char feeds[] =
    "feeds = (\n"
    "  { name = \"statsd\"; address = \"udp:127.0.0.1:0\"; decoder = \"statsd\"; },\n"
    "  { name = \"local\"; address = \"unixgram:./run/statsd.sock\"; decoder = \"statsd\"; }\n"
    ");\n";

static const char store[] =
    "store = { plugin = \"sqlite\"; path = \"./store\"; mac_key = \"./secrets/mac.key\"; };\n";

/* BLAKE2b-256 of RIG_TOKEN. */
static const char token_hash[] = "6b043e295017b702aa7d10a6b6b41d3cae5639fe2eec1e0a1b8065f4c29deadc";

static void put_channels(struct rig *rig, FILE *out)
{
    const char *name;
    fputs("channels = (\n", out);
    for (size_t i = 0; (name = rig_company_channel(i)) != NULL; i++) {
        fprintf(out,
                "%s  { name = \"%s\"; plugin = \"webhook\"; machine = true; allow_private = true;\n"
                "    allow_plain = true; url = \"http://127.0.0.1:%u/%s\"; }\n",
                i > 0 ? "," : "", name, receiver_http(rig->receiver), name);
    }
    if (rig->words.channels != NULL) {
        fprintf(out, ", %s", rig->words.channels);
    }
    fputs(");\n", out);
}

void rig_write_config(struct rig *rig)
{
    const struct rig_words *words = &rig->words;
    FILE *out = fopen(rig->config, "we");
    assert_non_null(out);
    fputs("company = \"ACME\";\n", out);
    if (words->people != NULL) {
        fputs(words->people, out);
    } else {
        rig_company_put(out, getuid(), token_hash, words->chris);
    }
    put_channels(rig, out);
    const char *parts[][2] = {
        {words->policies, policies},   {words->severities, severities},
        {words->guide, guide},         {words->rules, rules},
        {words->listeners, listeners}, {words->feeds, feeds},
        {words->store, store},         {words->more, ""},
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        fputs(parts[i][0] != NULL ? parts[i][0] : parts[i][1], out);
    }
    assert_int_equal(fclose(out), 0);
}

/* ---- small things ---- */

int64_t rig_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void rig_pause(void)
{
    struct timespec ts = {0, 4000000};
    nanosleep(&ts, NULL);
}

const char *rig_path(const struct rig *rig, const char *name)
{
    static char paths[4][512];
    static int next;
    next = (next + 1) % 4;
    snprintf(paths[next], sizeof paths[next], "%s/%s", rig->dir, name);
    return paths[next];
}

void rig_write(const struct rig *rig, const char *name, const char *text, mode_t mode)
{
    const char *path = rig_path(rig, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0 && fclose(file) == 0 && chmod(path, mode) == 0);
}

static char *read_all(const char *path, size_t from)
{
    FILE *file = fopen(path, "re");
    size_t len = 0, cap = 1 << 16;
    char *text = malloc(cap);
    if (file != NULL && fseek(file, (long)from, SEEK_SET) == 0) {
        size_t n;
        while ((n = fread(text + len, 1, cap - len - 1, file)) > 0) {
            len += n;
            if (cap - len < 2) {
                cap *= 2;
                text = realloc(text, cap);
            }
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    text[len] = '\0';
    return text;
}

bool rig_has_text(const char *path, const char *word, char **ret_text)
{
    char *text = read_all(path, 0);
    bool found = strstr(text, word) != NULL;
    if (found) {
        *ret_text = text;
    } else {
        free(text);
    }
    return found;
}

void rig_fail(struct rig *rig, const char *what, const char *file, int line)
{
    char *log = rig_log(rig);
    size_t len = strlen(log), from = len > 4000 ? len - 4000 : 0;
    fprintf(stderr, "%s:%d: did not happen in time: %s\nlog: %s\n", file, line, what, log + from);
    free(log);
    _fail(file, line);
}

/* ---- fixtures ---- */

int rig_setup(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);
    const char *base = getenv("TMPDIR");
    snprintf(rig->dir, sizeof rig->dir, "%s/fa-rig-XXXXXX", base != NULL ? base : "/var/tmp");
    if (mkdtemp(rig->dir) == NULL || chmod(rig->dir, 0755) != 0) {
        perror(rig->dir);
        return -1;
    }
    snprintf(rig->config, sizeof rig->config, "%s/firealarm.cfg", rig->dir);
    snprintf(rig->log_path, sizeof rig->log_path, "%s/log", rig->dir);
    snprintf(rig->api, sizeof rig->api, "%s/run/api.sock", rig->dir);
    snprintf(rig->statsd, sizeof rig->statsd, "%s/run/statsd.sock", rig->dir);
    mkdir(rig_path(rig, "run"), 0755);
    mkdir(rig_path(rig, "state"), 0700);
    mkdir(rig_path(rig, "store"), 0700);
    mkdir(rig_path(rig, "secrets"), 0700);
    rig_write(rig, "secrets/mac.key",
              "8f3c1d2e4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0\n", 0600);
    rig->receiver = receiver_start();
    rig->dns_fd = -1;
    *state = rig;
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    return remove(path);
}

/* Each process that the daemon started writes into its log: while one is there, nobody is granted
 * a lease of the file. True where the file system knows of no leases. */
static bool is_alone(const struct rig *rig)
{
    int fd = open(rig->log_path, O_WRONLY | O_CLOEXEC);
    int rc = fcntl(fd, F_SETLEASE, F_WRLCK);
    bool alone = fd < 0 || rc == 0 || (errno != EAGAIN && errno != EBUSY);
    close(fd);
    return alone;
}

static int check_alone(const struct rig *rig)
{
    int64_t guard = rig_ms() + RIG_GUARD_MS;
    while (!is_alone(rig)) {
        if (rig_ms() > guard) {
            fprintf(stderr, "a process of the daemon outlived it\n");
            return -1;
        }
        rig_pause();
    }
    return 0;
}

int rig_teardown(void **state)
{
    struct rig *rig = *state;
    int rc = 0;
    if (rig->pid > 0) {
        bool by_force = rig->unclean;
        kill(rig->pid, SIGCONT);
        kill(rig->pid, SIGTERM);
        int status = rig_wait(rig);
        if (!by_force && (!WIFEXITED(status) || WEXITSTATUS(status) != 0)) {
            char *log = read_all(rig->log_path, rig->log_from);
            fprintf(stderr, "the daemon ended with wait status 0x%x\n%s\n", status, log);
            free(log);
            rc = -1;
        }
    }
    rc = check_alone(rig) == 0 ? rc : -1;
    receiver_stop(rig->receiver);
    if (rig->dns_fd >= 0) {
        close(rig->dns_fd);
    }
    (void)umount2(rig_path(rig, "small"), MNT_DETACH);
    if (getenv("FA_RIG_KEEP") != NULL) {
        fprintf(stderr, "kept: %s\n", rig->dir);
    } else {
        (void)nftw(rig->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    }
    free(rig);
    return rc;
}

/* ---- the process ---- */

static const char *built(const char *rest)
{
    static char paths[8][512];
    static int next;
    const char *dir = getenv("FA_BUILD_DIR");
    next = (next + 1) % 8;
    snprintf(paths[next], sizeof paths[next], "%s/%s", dir != NULL ? dir : "build-dev", rest);
    return paths[next];
}

const char *rig_built_courier(void)
{
    return built("daemon/courier/firealarm-courier");
}

const char *rig_built_fetcher(void)
{
    return built("daemon/fetcher/firealarm-fetcher");
}

/* Gives the child a resolv.conf of its own; exits when that may not be done here. */
static void enter_silent_dns(const struct rig *rig)
{
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount(rig_path(rig, "resolv.conf"), "/etc/resolv.conf", NULL, MS_BIND, NULL) != 0) {
        _exit(99);
    }
}

static void exec_daemon(struct rig *rig)
{
    const char *argv[40];
    size_t n = 0;
    for (size_t i = 0; rig->under != NULL && rig->under[i] != NULL; i++) {
        argv[n++] = rig->under[i];
    }
    const char *own[] = {built("daemon/app/firealarmd"),
                         "-c",
                         rig->config,
                         "--state",
                         rig_path(rig, "state"),
                         "--plugins",
                         built("plugins"),
                         "--courier",
                         rig->courier != NULL ? rig->courier : rig_built_courier(),
                         "--fetcher",
                         rig->fetcher != NULL ? rig->fetcher : rig_built_fetcher(),
                         "--calendar",
                         rig->calendar != NULL ? rig->calendar
                                               : built("daemon/calendar/firealarm-calendar"),
                         NULL};
    memcpy(argv + n, own, sizeof own);
    int log = open(rig->log_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(log, 1);
    dup2(log, 2);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (rig->files_max != 0) {
        struct rlimit limit = {rig->files_max, rig->files_max};
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (rig->silent_dns) {
        enter_silent_dns(rig);
    }
    if (rig->every != NULL) {
        setenv("FA_CALENDARS_EVERY", rig->every, 1);
    }
    if (rig->crash_at != NULL) {
        setenv("FA_CRASH_AT", rig->crash_at, 1);
    }
    if (rig->under != NULL) { /* the leak checker cannot run under a tracer */
        setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
    }
    execvp(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

void rig_spawn(struct rig *rig)
{
    struct stat st;
    assert_int_equal(rig->pid, 0);
    rig->log_from = stat(rig->log_path, &st) == 0 ? (size_t)st.st_size : 0;
    rig->unclean = rig->crash_at != NULL || rig->under != NULL;
    rig->pid = fork();
    assert_true(rig->pid >= 0);
    if (rig->pid == 0) {
        exec_daemon(rig);
    }
}

bool rig_has_ended(struct rig *rig, int *status)
{
    if (rig->pid > 0 && waitpid(rig->pid, status, WNOHANG) == rig->pid) {
        rig->pid = 0;
        return true;
    }
    return rig->pid == 0;
}

void rig_again(struct rig *rig)
{
    int status = 0;
    rig_spawn(rig);
    rig_until(rig, rig_logged(rig, "ready\n") || rig_has_ended(rig, &status));
    if (rig->pid == 0) {
        print_error("the daemon ended with wait status 0x%x\n", status);
        rig_fail(rig, "a start", __FILE__, __LINE__);
    }
}

void rig_start(struct rig *rig)
{
    rig_write_config(rig);
    rig_again(rig);
}

void rig_signal(struct rig *rig, int signo)
{
    assert_true(rig->pid > 0);
    assert_int_equal(kill(rig->pid, signo), 0);
}

int rig_wait(struct rig *rig)
{
    int status = 0;
    int64_t guard = rig_ms() + RIG_GUARD_MS;
    while (!rig_has_ended(rig, &status)) {
        if (rig_ms() > guard) {
            print_error("the daemon did not end in time\n");
            kill(rig->pid, SIGKILL);
            guard = INT64_MAX;
        }
        rig_pause();
    }
    return status;
}

int rig_stop(struct rig *rig)
{
    rig_signal(rig, SIGTERM);
    int status = rig_wait(rig);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        print_error("wait status 0x%x\n", status);
        rig_fail(rig, "an orderly end", __FILE__, __LINE__);
    }
    return status;
}

void rig_kill(struct rig *rig)
{
    rig_signal(rig, SIGKILL);
    rig_wait(rig);
}

static bool is_called(long pid, const char *comm)
{
    char path[64], name[64] = "";
    snprintf(path, sizeof path, "/proc/%ld/comm", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    bool is = fgets(name, sizeof name, file) != NULL && strncmp(name, comm, strlen(comm)) == 0;
    fclose(file);
    return is;
}

/* Between fork and exec it is none yet. */
static pid_t child_now(pid_t parent, const char *comm)
{
    char path[64];
    long pid = 0, found = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
    FILE *file = fopen(path, "re");
    while (file != NULL && found == 0 && fscanf(file, "%ld", &pid) == 1) {
        found = is_called(pid, comm) ? pid : 0;
    }
    if (file != NULL) {
        fclose(file);
    }
    return (pid_t)found;
}

pid_t rig_courier_now(struct rig *rig)
{
    return child_now(rig->pid, "firealarm-couri");
}

pid_t rig_courier(struct rig *rig)
{
    pid_t pid = 0;
    rig_until(rig, (pid = rig_courier_now(rig)) > 0);
    return pid;
}

pid_t rig_fetcher_now(struct rig *rig)
{
    return child_now(rig->pid, "firealarm-fetch");
}

pid_t rig_fetcher(struct rig *rig)
{
    pid_t pid = 0;
    rig_until(rig, (pid = rig_fetcher_now(rig)) > 0);
    return pid;
}

pid_t rig_fetch_job_now(struct rig *rig)
{
    return child_now(rig_fetcher_now(rig), "firealarm-fetch");
}

bool rig_has_hooks(void)
{
#ifdef FA_TEST_HOOKS
    return true;
#else
    return false;
#endif
}

void rig_later(struct rig *rig)
{
    static const char word[] = "half a minute has passed";
    assert_true(rig_has_hooks());
    size_t before = rig_log_count(rig, word);
    rig_signal(rig, SIGUSR1);
    /* Or a request that is on its way would be half a minute late. */
    rig_until(rig, rig_log_count(rig, word) > before);
}

long rig_cpu_ms(const struct rig *rig)
{
    char path[64];
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)rig->pid);
    char *text = read_all(path, 0);
    const char *at = strrchr(text, ')');
    assert_non_null(at);
    int n = sscanf(at + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
    free(text);
    assert_int_equal(n, 2);
    return (long)(user + system) * 1000 / sysconf(_SC_CLK_TCK);
}

size_t rig_fd_count(const struct rig *rig)
{
    char path[64];
    size_t count = 0;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)rig->pid);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    while (readdir(dir) != NULL) {
        count++;
    }
    closedir(dir);
    return count - 2;
}

/* ---- the log ---- */

char *rig_log(struct rig *rig)
{
    return read_all(rig->log_path, rig->log_from);
}

size_t rig_log_count(struct rig *rig, const char *word)
{
    char *log = rig_log(rig);
    size_t count = 0;
    for (const char *at = log; (at = strstr(at, word)) != NULL; at++) {
        count++;
    }
    free(log);
    return count;
}

bool rig_logged(struct rig *rig, const char *word)
{
    char *log = rig_log(rig);
    bool found = strstr(log, word) != NULL;
    free(log);
    return found;
}

unsigned rig_port(struct rig *rig, const char *name)
{
    char *log = rig_log(rig), wanted[2][80];
    unsigned port = 0;
    snprintf(wanted[0], sizeof wanted[0], "listener %s:", name);
    snprintf(wanted[1], sizeof wanted[1], "feed %s:", name);
    for (int i = 0; i < 2; i++) {
        for (const char *at = log; (at = strstr(at, wanted[i])) != NULL; at++) {
            char line[300];
            snprintf(line, sizeof line, "%.*s", (int)strcspn(at, "\n"), at);
            const char *found = strstr(line, " port ");
            port = found != NULL ? (unsigned)strtoul(found + 6, NULL, 10) : port;
        }
    }
    free(log);
    return port;
}

/* ---- HTTP ---- */

static int connect_unix(const char *path, int type, unsigned uid)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
    /* The raw call: of this thread alone. */
    if (uid != 0 && syscall(SYS_setresuid, -1, uid, -1) != 0) {
        close(fd);
        return -1;
    }
    int rc = connect(fd, (struct sockaddr *)&at, sizeof at);
    if (uid != 0) {
        assert_int_equal(syscall(SYS_setresuid, -1, 0, -1), 0);
    }
    if (rc != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static int connect_port(unsigned port, int type)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&at, sizeof at) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

int rig_connect(struct rig *rig)
{
    return connect_unix(rig->api, SOCK_STREAM, 0);
}

/* Until the peer closes. False: the guard has passed. */
static bool read_reply(int fd, char *buf, size_t size, int guard_ms)
{
    int64_t guard = rig_ms() + guard_ms;
    size_t len = 0;
    for (;;) {
        struct pollfd ready = {fd, POLLIN, 0};
        int64_t left = guard - rig_ms();
        if (left <= 0 || poll(&ready, 1, (int)left) <= 0) {
            return false;
        }
        ssize_t n = recv(fd, buf + len, size - 1 - len, 0);
        if (n <= 0) {
            buf[len] = '\0';
            return true;
        }
        len += (size_t)n;
    }
}

static void parse_reply(const char *text, struct rig_reply *reply)
{
    const char *end = strstr(text, "\r\n\r\n");
    if (end != NULL && sscanf(text, "HTTP/1.1 %d", &reply->status) == 1) {
        snprintf(reply->head, sizeof reply->head, "%.*s", (int)(end - text), text);
        snprintf(reply->body, sizeof reply->body, "%s", end + 4);
    }
}

const struct rig_reply *rig_ask(struct rig *rig, const struct rig_call *call)
{
    static struct rig_reply reply;
    static char buf[1 << 19];
    reply = (struct rig_reply){0};
    int fd = call->port != 0 ? connect_port(call->port, SOCK_STREAM)
                             : connect_unix(call->socket != NULL ? call->socket : rig->api,
                                            SOCK_STREAM, call->uid);
    if (fd < 0) {
        return &reply;
    }
    const char *body = call->body != NULL ? call->body : "";
    size_t body_len = call->body_len > 0 ? call->body_len : strlen(body);
    int len =
        snprintf(buf, sizeof buf,
                 "%s %s HTTP/1.1\r\nHost: test\r\nConnection: close\r\n%s"
                 "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                 call->method, call->path, call->header != NULL ? call->header : "", body_len);
    assert_true(body_len < sizeof buf - (size_t)len);
    memcpy(buf + len, body, body_len);
    len += (int)body_len;
    if (send(fd, buf, (size_t)len, MSG_NOSIGNAL) == len &&
        read_reply(fd, buf, sizeof buf, call->guard_ms != 0 ? call->guard_ms : RIG_GUARD_MS)) {
        parse_reply(buf, &reply);
    }
    close(fd);
    return &reply;
}

const struct rig_reply *rig_get(struct rig *rig, const char *path)
{
    return rig_ask(rig, &(struct rig_call){.method = "GET", .path = path});
}

const struct rig_reply *rig_post(struct rig *rig, const char *path, const char *body)
{
    return rig_ask(rig, &(struct rig_call){.method = "POST", .path = path, .body = body});
}

json_t *rig_json(const struct rig_reply *reply)
{
    json_error_t error;
    json_t *root = json_loads(reply->body, 0, &error);
    if (root == NULL) {
        fail_msg("status %d, no JSON (%s): %s", reply->status, error.text, reply->body);
    }
    return root;
}

int rig_file(struct rig *rig, unsigned n, const char *category, char receipt[64])
{
    char body[512];
    snprintf(body, sizeof body,
             "{\"key\":\"%032x\",\"category\":\"%s\",\"customer\":\"customer-%u\","
             "\"text\":\"text-%u\"}",
             n, category, n, n);
    const struct rig_reply *reply = rig_post(rig, "/v1/incidents", body);
    const char *at = strstr(reply->body, "\"receipt\":\"");
    receipt[0] = '\0';
    if (reply->status / 100 == 2 && at != NULL) {
        snprintf(receipt, 64, "%.*s", (int)strcspn(at + 11, "\""), at + 11);
    }
    return reply->status;
}

int rig_status(struct rig *rig, const char *receipt)
{
    char body[128];
    snprintf(body, sizeof body, "{\"receipt\":\"%s\"}", receipt);
    return rig_post(rig, "/v1/status", body)->status;
}

static void send_datagram(int fd, const char *line)
{
    assert_true(fd >= 0);
    assert_int_equal(send(fd, line, strlen(line), MSG_NOSIGNAL), strlen(line));
    close(fd);
}

void rig_statsd(struct rig *rig, const char *line)
{
    send_datagram(connect_port(rig_port(rig, "statsd"), SOCK_DGRAM), line);
}

void rig_statsd_local(struct rig *rig, const char *line)
{
    send_datagram(connect_unix(rig->statsd, SOCK_DGRAM, 0), line);
}

bool rig_try_statsd_local(struct rig *rig, const char *line)
{
    int fd = connect_unix(rig->statsd, SOCK_DGRAM, 0);
    bool sent = fd >= 0 && send(fd, line, strlen(line), MSG_NOSIGNAL) == (ssize_t)strlen(line);
    if (fd >= 0) {
        close(fd);
    }
    return sent;
}

double rig_metric(struct rig *rig, const char *name)
{
    const struct rig_reply *reply = rig_ask(
        rig,
        &(struct rig_call){.method = "GET", .path = "/metrics", .port = rig_port(rig, "metrics")});
    size_t len = strlen(name);
    for (const char *at = reply->body; (at = strstr(at, name)) != NULL; at++) {
        if ((at == reply->body || at[-1] == '\n') && at[len] == ' ') {
            return strtod(at + len, NULL);
        }
    }
    return -1;
}

const char *rig_alarm(struct rig *rig, const char *rule)
{
    static char id[64];
    id[0] = '\0';
    /* As a leader: the reporter is not told. */
    const struct rig_reply *reply =
        rig_ask(rig, &(struct rig_call){.method = "GET", .path = "/v1/alarms", .uid = 2005});
    if (reply->status != 200) {
        return id;
    }
    json_t *root = rig_json(reply), *item;
    size_t i;
    json_array_foreach(json_object_get(root, "alarms"), i, item)
    {
        const char *names[] = {json_string_value(json_object_get(item, "rule")),
                               json_string_value(json_object_get(item, "category"))};
        for (int k = 0; k < 2 && id[0] == '\0'; k++) {
            if (names[k] != NULL && strcmp(names[k], rule) == 0) {
                snprintf(id, sizeof id, "%s", json_string_value(json_object_get(item, "id")));
            }
        }
    }
    json_decref(root);
    return id;
}

bool rig_is_on_duty(struct rig *rig, const char *who)
{
    json_t *body = rig_json(rig_get(rig, "/v1/oncall"));
    const json_t *list = json_object_get(body, "schedules");
    const json_t *on = json_array_get(json_object_get(json_array_get(list, 0), "on_duty"), 0);
    const char *person = json_string_value(json_object_get(on, "person"));
    bool is = person != NULL && strcmp(person, who) == 0;
    json_decref(body);
    return is;
}

/* ---- the client ---- */

void rig_client_settings(struct rig *rig, bool as_chris)
{
    char settings[512];
    int len = snprintf(settings, sizeof settings, "socket = \"%s\";\n", rig->api);
    if (as_chris) {
        rig_write(rig, "token", RIG_TOKEN "\n", 0600);
        snprintf(settings + len, sizeof settings - (size_t)len, "token_file = \"%s\";\n",
                 rig_path(rig, "token"));
    }
    rig_write(rig, "client.cfg", settings, 0600);
}

FILE *rig_client_start(struct rig *rig, const char *words)
{
    char command[1024];
    snprintf(command, sizeof command,
             "HOME=%s XDG_STATE_HOME=%s TZ=UTC %s/daemon/client/firealarm --config %s %s "
             "2>&1 < /dev/null",
             rig->dir, rig->dir, getenv("FA_BUILD_DIR"), rig_path(rig, "client.cfg"), words);
    FILE *pipe = popen(command, "re");
    assert_non_null(pipe);
    return pipe;
}

int rig_client_end(FILE *pipe, char *out, size_t size)
{
    size_t len = fread(out, 1, size - 1, pipe);
    out[len] = '\0';
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int rig_client(struct rig *rig, const char *words, char *out, size_t size)
{
    return rig_client_end(rig_client_start(rig, words), out, size);
}
