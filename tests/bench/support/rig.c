/* SPDX-License-Identifier: MIT */
/* Starting, asking, ending. A bench that cannot do what it measures fails at once and says why: a
 * figure of half a run would be worse than none. */
#include "rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define GUARD_MS 30000.0
#define DNS_HOST "127.77.66.55" /* loopback that nothing else listens on */

static const char words[] =
    "company = \"ACME\";\n"
    "people = (\n"
    "  { name = \"filer\"; display = \"Maria Lopez\"; manager = \"boss\"; uid = %u; },\n"
    "  { name = \"boss\"; display = \"Chris Olsen\"; manager = \"top\"; uid = 60001;\n"
    "    channels = ( { channel = \"first\"; } ); },\n"
    "  { name = \"top\"; display = \"Dana Whitfield\"; manager = \"out\"; uid = 60002;\n"
    "    channels = ( { channel = \"top\"; } ); },\n"
    "  { name = \"out\"; independent = true; channels = ( { channel = \"out\"; } ); },\n"
    "  { name = \"far\"; independent = true; channels = ( { channel = \"far\"; } ); },\n"
    "  { name = \"ops\"; operator = true; uid = 60003; channels = ( { channel = \"ops\"; } ); },\n"
    "  { name = \"night\"; operator = true; channels = ( { channel = \"night\"; } ); }%s\n"
    ");\n"
    "policies = (\n"
    "  { name = \"leaders\"; steps = ( { targets = [ \"boss\" ]; wait = \"1h\"; },\n"
    "      { targets = [ \"top\" ]; wait = \"4h\"; } ); },\n"
    "  { name = \"operators\"; steps = ( { targets = [ \"ops\" ]; wait = \"1h\"; },\n"
    "      { targets = [ \"night\" ]; wait = \"4h\"; } ); },\n"
    "  { name = \"independent\"; steps = ( { targets = [ \"out\" ]; wait = \"4h\"; },\n"
    "      { targets = [ \"independent\" ]; wait = \"12h\"; } ); }%s\n"
    ");\n"
    "severities = ( { name = \"critical\"; fail_after = \"%s\"; },\n"
    "  { name = \"warning\"; } );\n"
    "categories = (\n"
    "  { name = \"question\"; title = \"A customer waits\"; guidance = \"solve\"; due = \"3d\";\n"
    "    severity = \"warning\"; policy = \"leaders\"; },\n"
    "  { name = \"danger\"; title = \"A product that may hurt\"; guidance = \"raise\";\n"
    "    severity = \"critical\"; policy = \"leaders\"; }\n"
    ");\n"
    "listeners = (\n"
    "  { name = \"api\"; address = \"unix:./run/api.sock\"; mode = \"0666\"; routes = [ \"api\" ];\n"
    "    limits = { connections = 512; }; },\n"
    "  { name = \"metrics\"; address = \"127.0.0.1:0\"; routes = [ \"metrics\" ]; },\n"
    "  { name = \"push\"; address = \"127.0.0.1:0\"; routes = [ \"ingest\" ]; }%s\n"
    ");\n"
    "feeds = (\n"
    "  { name = \"udp\"; address = \"udp:127.0.0.1:0\"; decoder = \"statsd\";%s },\n"
    "  { name = \"local\"; address = \"unixgram:./run/statsd.sock\"; decoder = \"statsd\"; },\n"
    "  { name = \"prom\"; decoder = \"prometheus\"; }\n"
    ");\n"
    "limits = { filings_open = 200000; alarms_open = 200000; alarms_per_rule = 200000; "
    "outbox = 200000; };\n"
    "store = { plugin = \"sqlite\"; path = \"./store\"; mac_key = \"./secrets/mac.key\";\n"
    "  allow_unsafe_fs = true; };\n"; /* TMPDIR may be in memory */

static const char plain_rules[] =
    "rules = ( { name = \"slow\"; category = \"danger\"; severity = \"critical\";\n"
    "  policy = \"leaders\"; metric = \"queue_seconds\"; take = \"last\"; per = [ \"k\" ];\n"
    "  above = 100.0; summary = \"{k} answers in {value}\"; expect = \"Decide on staffing\"; } );\n";

static void path_of(const struct rig *rig, const char *name, char path[256])
{
    snprintf(path, 256, "%s/%s", rig->dir, name);
}

/* ---- the directory ---- */

static FILE *create(const struct rig *rig, const char *name)
{
    char path[256];
    path_of(rig, name, path);
    FILE *file = fopen(path, "we");
    if (file == NULL || fchmod(fileno(file), 0600) != 0) {
        bench_fail("%s: %s", path, strerror(errno));
    }
    return file;
}

static void finish(FILE *file)
{
    if (fclose(file) != 0) {
        bench_fail("a file cannot be written: %s", strerror(errno));
    }
}

static void write_config(const struct rig *rig)
{
    static const char *const names[] = {"first", "top", "out", "far", "ops", "night"};
    FILE *file = create(rig, "firealarm.cfg");
    fprintf(file, words, getuid(), rig->people != NULL ? rig->people : "",
            rig->policies != NULL ? rig->policies : "",
            rig->fail_after != NULL ? rig->fail_after : "1m",
            rig->listeners != NULL ? rig->listeners : "",
            rig->feed_limits != NULL ? rig->feed_limits : "");
    fputs(rig->rules != NULL ? rig->rules : plain_rules, file);
    fputs("channels = (\n", file);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        fprintf(file,
                "  %s{ name = \"%s\"; plugin = \"webhook\"; machine = true; allow_private = true;\n"
                "    batch = 500; allow_plain = true; url = \"http://127.0.0.1:%u/%s\"; }\n",
                i > 0 ? "," : "", names[i], receiver_port(rig->receiver), names[i]);
    }
    fprintf(file, "%s);\n", rig->channels != NULL ? rig->channels : "");
    finish(file);
}

static void make_dir(const struct rig *rig, const char *name)
{
    char path[256];
    path_of(rig, name, path);
    if (mkdir(path, 0700) != 0) {
        bench_fail("%s: %s", path, strerror(errno));
    }
}

static void open_dns(struct rig *rig)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(53)};
    inet_pton(AF_INET, DNS_HOST, &addr.sin_addr);
    rig->dns_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (bind(rig->dns_fd, (struct sockaddr *)&addr, sizeof addr) != 0) {
        bench_fail("no silent name server at " DNS_HOST ": %s", strerror(errno));
    }
    FILE *file = create(rig, "resolv.conf");
    fputs("nameserver " DNS_HOST "\n", file);
    fchmod(fileno(file), 0644);
    finish(file);
}

void rig_open(struct rig *rig)
{
    const char *base = getenv("TMPDIR");
    snprintf(rig->dir, sizeof rig->dir, "%s/fa-bench-XXXXXX", base != NULL ? base : "/var/tmp");
    if (mkdtemp(rig->dir) == NULL) {
        bench_fail("%s: %s", rig->dir, strerror(errno));
    }
    snprintf(rig->api, sizeof rig->api, "%s/run/api.sock", rig->dir);
    snprintf(rig->statsd, sizeof rig->statsd, "%s/run/statsd.sock", rig->dir);
    make_dir(rig, "run");
    make_dir(rig, "state");
    make_dir(rig, "store");
    make_dir(rig, "secrets");
    FILE *key = create(rig, "secrets/mac.key");
    for (int i = 0; i < 32; i++) {
        fprintf(key, "%02x", i * 7 + 1);
    }
    fputc('\n', key);
    finish(key);
    rig->receiver = receiver_open(rig->on_post, rig->ctx);
    rig->dns_fd = -1;
    if (rig->silent_dns) {
        open_dns(rig);
    }
    write_config(rig);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    return remove(path);
}

void rig_close(struct rig *rig)
{
    if (rig->pid > 0) {
        rig_stop(rig);
    }
    receiver_close(rig->receiver);
    if (rig->dns_fd >= 0) {
        close(rig->dns_fd);
    }
    if (getenv("FA_BENCH_KEEP") == NULL) {
        nftw(rig->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    } else {
        fprintf(stderr, "kept: %s\n", rig->dir);
    }
}

/* ---- the process ---- */

int rig_can_silence_dns(void)
{
    pid_t pid = fork();
    int status = -1;
    if (pid == 0) {
        _exit(unshare(CLONE_NEWNS) == 0 ? 0 : 1);
    }
    waitpid(pid, &status, 0);
    return status == 0;
}

/* In the child: a mount namespace whose resolv.conf names the silent server. */
static void silence_dns(const struct rig *rig)
{
    char path[256];
    path_of(rig, "resolv.conf", path);
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount(path, "/etc/resolv.conf", NULL, MS_BIND, NULL) != 0) {
        _exit(99);
    }
}

static void exec_daemon(const struct rig *rig)
{
    const char *build = getenv("FA_BUILD_DIR");
    char program[512], config[256], state[256], plugins[512], courier[512], log[256];
    build = build != NULL ? build : "build-release";
    snprintf(program, sizeof program, "%s/daemon/app/firealarmd", build);
    snprintf(plugins, sizeof plugins, "%s/plugins", build);
    snprintf(courier, sizeof courier, "%s/daemon/courier/firealarm-courier", build);
    path_of(rig, "firealarm.cfg", config);
    path_of(rig, "state", state);
    path_of(rig, "log", log);
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(fd, 1);
    dup2(fd, 2);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (rig->silent_dns) {
        silence_dns(rig);
    }
    execl(program, program, "-c", config, "--state", state, "--plugins", plugins, "--courier",
          courier, (char *)NULL);
    _exit(127);
}

/* The log of the running one, or as much as fits. */
static void read_log(const struct rig *rig, char *text, size_t size)
{
    char path[256];
    path_of(rig, "log", path);
    FILE *file = fopen(path, "re");
    size_t len = 0;
    if (file != NULL && fseek(file, rig->log_from, SEEK_SET) == 0) {
        len = fread(text, 1, size - 1, file);
    }
    if (file != NULL) {
        fclose(file);
    }
    text[len] = '\0';
}

static unsigned port_of(const char *log, const char *name)
{
    const char *at = strstr(log, name);
    const char *port = at != NULL ? strstr(at, " port ") : NULL;
    if (port == NULL) {
        bench_fail("the log says no port of %s:\n%s", name, log);
    }
    return (unsigned)strtoul(port + 6, NULL, 10);
}

static void wait_until_ready(struct rig *rig)
{
    char log[1 << 14];
    int64_t start = bench_ns();
    for (;;) {
        int status;
        read_log(rig, log, sizeof log);
        if (strstr(log, "ready\n") != NULL) {
            break;
        }
        if (waitpid(rig->pid, &status, WNOHANG) == rig->pid || bench_ms_since(start) > GUARD_MS) {
            bench_fail("the daemon does not start:\n%s", log);
        }
        bench_pause_us(500);
    }
    rig->http_port = port_of(log, "listener metrics");
    rig->push_port = port_of(log, "listener push");
    rig->udp_port = port_of(log, "feed udp");
}

void rig_exec(struct rig *rig)
{
    struct stat st;
    char path[256];
    path_of(rig, "log", path);
    rig->log_from = stat(path, &st) == 0 ? (long)st.st_size : 0;
    fflush(stdout);
    rig->pid = fork();
    if (rig->pid == 0) {
        exec_daemon(rig);
    }
}

void rig_await(struct rig *rig)
{
    wait_until_ready(rig);
    int fd = rig_connect_http(rig), status = rig_get(fd, "/-/healthy", NULL, 0);
    close(fd);
    if (status != 200) {
        bench_fail("the daemon is not healthy: %d", status);
    }
}

double rig_start(struct rig *rig)
{
    int64_t start = bench_ns();
    rig_exec(rig);
    rig_await(rig);
    double ms = bench_ms_since(start);
    (void)rig_courier(rig);
    return ms;
}

void rig_stop(struct rig *rig)
{
    char log[1 << 14];
    int status = 0;
    kill(rig->pid, SIGTERM);
    waitpid(rig->pid, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        read_log(rig, log, sizeof log);
        bench_fail("the daemon ended with wait status 0x%x:\n%s", (unsigned)status, log);
    }
    rig->pid = 0;
}

static pid_t courier_now(const struct rig *rig)
{
    char path[64], name[32] = "";
    long pid = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)rig->pid, (int)rig->pid);
    FILE *file = fopen(path, "re");
    if (file == NULL || fscanf(file, "%ld", &pid) != 1) {
        pid = 0;
    }
    if (file != NULL) {
        fclose(file);
    }
    snprintf(path, sizeof path, "/proc/%ld/comm", pid);
    file = fopen(path, "re"); /* between fork and exec it is no courier yet */
    if (file == NULL || fgets(name, sizeof name, file) == NULL ||
        strncmp(name, "firealarm-couri", 15) != 0) {
        pid = 0;
    }
    if (file != NULL) {
        fclose(file);
    }
    return (pid_t)pid;
}

pid_t rig_courier(const struct rig *rig)
{
    int64_t start = bench_ns();
    pid_t pid;
    while ((pid = courier_now(rig)) == 0) {
        if (bench_ms_since(start) > GUARD_MS) {
            bench_fail("no courier runs");
        }
        bench_pause_us(500);
    }
    return pid;
}

/* ---- what the processes take ---- */

static double kib_of(const char *status, const char *name)
{
    const char *at = strstr(status, name);
    return at != NULL ? strtod(at + strlen(name), NULL) : 0;
}

static void read_proc(pid_t pid, const char *name, char *text, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    FILE *file = fopen(path, "re");
    size_t len = file != NULL ? fread(text, 1, size - 1, file) : 0;
    if (file == NULL || len == 0) {
        bench_fail("%s cannot be read", path);
    }
    fclose(file);
    text[len] = '\0';
}

struct usage usage_of(pid_t pid)
{
    char text[8192];
    unsigned long user = 0, system = 0;
    read_proc(pid, "status", text, sizeof text);
    struct usage usage = {.rss_mib = kib_of(text, "VmRSS:") / 1024,
                          .peak_mib = kib_of(text, "VmHWM:") / 1024};
    read_proc(pid, "stat", text, sizeof text);
    const char *at = strrchr(text, ')');
    if (at == NULL || sscanf(at + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
                             &system) != 2) {
        bench_fail("/proc/%d/stat cannot be understood", (int)pid);
    }
    usage.cpu_ms = (double)(user + system) * 1000 / (double)sysconf(_SC_CLK_TCK);
    return usage;
}

/* ---- the disk ---- */

int rig_open_disk(const struct rig *rig)
{
    char path[256];
    path_of(rig, "disk", path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        bench_fail("%s: %s", path, strerror(errno));
    }
    return fd;
}

double rig_sync_ms(int fd, unsigned i)
{
    static const char block[512];
    int64_t start = bench_ns();
    if (pwrite(fd, block, sizeof block, (off_t)i * (off_t)sizeof block) != sizeof block ||
        fdatasync(fd) != 0) {
        bench_fail("fdatasync: %s", strerror(errno));
    }
    return bench_ms_since(start);
}

/* ---- speaking ---- */

static int connect_to(int kind, const struct sockaddr *addr, socklen_t len)
{
    int fd = socket(addr->sa_family, kind | SOCK_CLOEXEC, 0), one = 1;
    if (fd < 0 || connect(fd, addr, len) != 0) {
        bench_fail("cannot connect: %s", strerror(errno));
    }
    if (kind == SOCK_STREAM && addr->sa_family == AF_INET) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    }
    struct timeval guard = {(time_t)(GUARD_MS / 1000), 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &guard, sizeof guard);
    return fd;
}

static int connect_unix(int kind, const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    snprintf(addr.sun_path, sizeof addr.sun_path, "%.107s", path);
    return connect_to(kind, (struct sockaddr *)&addr, sizeof addr);
}

static int connect_port(int kind, unsigned port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                               .sin_port = htons((uint16_t)port)};
    return connect_to(kind, (struct sockaddr *)&addr, sizeof addr);
}

int rig_connect_api(const struct rig *rig)
{
    return connect_unix(SOCK_STREAM, rig->api);
}

int rig_connect_http(const struct rig *rig)
{
    return connect_port(SOCK_STREAM, rig->http_port);
}

int rig_connect_push(const struct rig *rig)
{
    return connect_port(SOCK_STREAM, rig->push_port);
}

int rig_connect_listener(const struct rig *rig, const char *name)
{
    char log[1 << 14], what[80];
    snprintf(what, sizeof what, "listener %s:", name);
    read_log(rig, log, sizeof log);
    return connect_port(SOCK_STREAM, port_of(log, what));
}

int rig_connect_statsd(const struct rig *rig)
{
    return connect_unix(SOCK_DGRAM, rig->statsd);
}

int rig_connect_udp(const struct rig *rig)
{
    return connect_port(SOCK_DGRAM, rig->udp_port);
}

/* Reads one answer with a Content-Length, or none, into buf. */
static size_t read_answer(int fd, char *buf, size_t size, const char **ret_body)
{
    size_t len = 0;
    for (;;) {
        ssize_t n = recv(fd, buf + len, size - 1 - len, 0);
        if (n <= 0) {
            bench_fail("no answer: %s", n == 0 ? "closed" : strerror(errno));
        }
        len += (size_t)n;
        buf[len] = '\0';
        const char *end = strstr(buf, "\r\n\r\n");
        const char *at = end != NULL ? strcasestr(buf, "\r\nContent-Length:") : NULL;
        size_t length = at != NULL && at < end ? strtoul(at + 17, NULL, 10) : 0;
        if (end != NULL && len >= (size_t)(end + 4 - buf) + length) {
            *ret_body = end + 4;
            return len;
        }
    }
}

int rig_ask(int fd, const char *request, size_t len, char *body, size_t size)
{
    static _Thread_local char buf[4u << 20];
    const char *at;
    int status = 0;
    if (send(fd, request, len, MSG_NOSIGNAL) != (ssize_t)len) {
        bench_fail("cannot send: %s", strerror(errno));
    }
    read_answer(fd, buf, sizeof buf, &at);
    if (sscanf(buf, "HTTP/1.1 %d", &status) != 1) {
        bench_fail("no HTTP: %.60s", buf);
    }
    if (body != NULL) {
        snprintf(body, size, "%s", at);
    }
    return status;
}

int rig_get(int fd, const char *path, char *body, size_t size)
{
    char request[256];
    int len = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
    return rig_ask(fd, request, (size_t)len, body, size);
}

size_t rig_filing(char *buf, size_t size, const char *category, unsigned n)
{
    static atomic_uint serial;
    char body[512];
    unsigned unique = atomic_fetch_add(&serial, 1);
    int len = snprintf(body, sizeof body,
                       "{\"key\":\"%08x%08x%08x%08x\",\"category\":\"%s\",\"customer\":\"Initech\","
                       "\"text\":\"The delivery is late again and they were promised Monday <%u>\","
                       "\"known\":\"told\",\"about\":[],\"strike\":[]}",
                       (unsigned)getpid(), unique, unique * 2654435761u, n, category, n);
    return (size_t)snprintf(buf, size,
                            "POST /v1/incidents HTTP/1.1\r\nHost: x\r\n"
                            "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                            len, body);
}

double rig_metric(int fd, const char *name)
{
    static _Thread_local char body[1u << 20];
    char line[200];
    snprintf(line, sizeof line, "\n%s ", name);
    if (rig_get(fd, "/metrics", body, sizeof body) != 200) {
        bench_fail("/metrics is refused");
    }
    const char *at = strstr(body, line);
    if (at == NULL) {
        bench_fail("/metrics has no %s", name);
    }
    return strtod(at + strlen(line), NULL);
}

/* ---- the loop's lag ---- */

struct probe {
    pthread_t thread;
    int fd;
    atomic_int stop;
    struct figures figures, machine;
};

static void *run_probe(void *arg)
{
    struct probe *probe = arg;
    while (!atomic_load(&probe->stop)) {
        int64_t start = bench_ns();
        rig_get(probe->fd, "/-/healthy", NULL, 0);
        figures_add(&probe->figures, bench_ms_since(start));
        start = bench_ns();
        bench_pause_us(1000);
        figures_add(&probe->machine, bench_ms_since(start) - 1);
    }
    return NULL;
}

struct probe *probe_start(const struct rig *rig)
{
    struct probe *probe = calloc(1, sizeof *probe);
    if (probe == NULL) {
        bench_fail("out of memory");
    }
    probe->fd = rig_connect_http(rig);
    if (pthread_create(&probe->thread, NULL, run_probe, probe) != 0) {
        bench_fail("the probe cannot start a thread");
    }
    return probe;
}

static void move_figures(struct figures *from, struct figures *to)
{
    for (size_t i = 0; i < from->count; i++) {
        figures_add(to, from->values[i]);
    }
    figures_done(from);
}

void probe_stop(struct probe *probe, struct figures *ret_lag, struct figures *ret_machine)
{
    atomic_store(&probe->stop, 1);
    pthread_join(probe->thread, NULL);
    move_figures(&probe->figures, ret_lag);
    move_figures(&probe->machine, ret_machine);
    close(probe->fd);
    free(probe);
}
