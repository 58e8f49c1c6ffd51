/* SPDX-License-Identifier: MIT */
/* links: fa_ledger */
/* needs: fa_daemon_programs */
/* The zoo against one daemon. Every animal of tests/support/zoo.py is somebody's first channel,
 * with a channel that works behind it, and beside each of them dana is told of the same alarm over
 * hers. Judged by the order of events: dana never waits for an animal; whoever has a bad first
 * channel is told over the second one, at once when the animal refused and when the severity's
 * patience ends when it failed; whatever is tried again comes under its key; no redirect,
 * challenge, cookie or body is obeyed; the courier neither dies nor grows. */
#include "ledger.h"
#include "zoo.h"

#include <arpa/inet.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define FAIL_AFTER_MS    4000
#define CLOCKS_DIFFER_MS 20 /* ours begins when the answer came, and is cut to milliseconds */
#define SLOW_RETRY_MS    10000
#define ALL_WITHIN_MS    40000
#define COURIER_MAX_KIB  (96L * 1024) /* resident; a sanitizer's is not looked at */
#define DEAD             100

/* Filing number n of an animal; rounds follow each other. */
struct told {
    int64_t filed, good,
        next; /* when: before it was filed, dana's and the second channel's message */
};

struct world {
    struct rig *rig;
    struct zoo zoo;
    struct ledger *ledger;
    struct told *told; /* by filing, from 1 */
    size_t filings, rounds;
    char *texts[4];
};

/* ---- the configuration ---- */

static const char people_begin[] =
    "people = (\n"
    "  { name = \"maria\"; uid = %u; },\n"
    "  { name = \"dana\"; uid = 2006; channels = ( { channel = \"dana\"; } ); },\n"
    "  { name = \"ruth\"; independent = true; uid = 2009; channels = ( { channel = \"ruth\"; } ); },\n"
    "  { name = \"leo\"; independent = true; channels = ( { channel = \"leo\"; } ); },\n"
    "  { name = \"ines\"; operator = true; uid = 2007; token = "
    "\"6b043e295017b702aa7d10a6b6b41d3cae5639fe2eec1e0a1b8065f4c29deadc\";\n"
    "    channels = ( { channel = \"ines\"; } ); }\n";

static const char policies_begin[] =
    "policies = (\n"
    "  { name = \"independent\"; steps = ( { targets = [ \"independent\" ]; wait = \"4h\"; } ); },\n"
    "  { name = \"operators\"; steps = ( { targets = [ \"ines\" ]; wait = \"30m\"; } ); }\n";

static const char severities[] =
    "severities = ( { name = \"critical\"; fail_attempts = 3; fail_after = \"4s\"; } );\n"
    "times = { slow_retry = \"10s\"; };\n";

#define WEBHOOK                                                                                    \
    "plugin = \"webhook\"; machine = true; allow_private = true; allow_plain = true;"              \
    " url = \"http://127.0.0.1:%u"

static void put_animal(const struct world *w, const struct animal *animal, FILE *out[4])
{
    const char *name = animal->name, *mail = animal->address;
    fprintf(
        out[0],
        "  , { name = \"%s\"; channels = ( { channel = \"%s\"; %s%s%s }, { channel = \"then-%s\"; } "
        "); }\n",
        name, name, mail[0] != '\0' ? "address = \"" : "", mail, mail[0] != '\0' ? "\";" : "",
        name);
    fprintf(out[1],
            "%s{ name = \"%s\"; %s },\n"
            "  { name = \"then-%s\"; " WEBHOOK "/then-%s\"; }\n",
            animal == w->zoo.animals ? "" : ", ", name, animal->options, name,
            receiver_http(w->rig->receiver), name);
    fprintf(
        out[2],
        "  , { name = \"%s\"; steps = ( { targets = [ \"%s\", \"dana\" ]; wait = \"1h\"; } ); }\n",
        name, name);
    fprintf(out[3],
            "%s{ name = \"%s\"; title = \"An animal\"; guidance = \"raise\";\n"
            "    severity = \"critical\"; policy = \"%s\"; }\n",
            animal == w->zoo.animals ? "categories = ( " : ", ", name, name);
}

static void configure(struct world *w)
{
    struct rig_words *words = &w->rig->words;
    size_t len;
    FILE *out[4];
    for (size_t i = 0; i < 4; i++) {
        out[i] = open_memstream(&w->texts[i], &len);
    }
    fprintf(out[0], people_begin, getuid());
    fputs(policies_begin, out[2]);
    for (size_t i = 0; i < w->zoo.count; i++) {
        put_animal(w, &w->zoo.animals[i], out);
    }
    for (size_t i = 0; i < 4; i++) {
        fputs(i == 1 ? "" : ");\n", out[i]);
        assert_int_equal(fclose(out[i]), 0);
    }
    words->people = w->texts[0];
    words->channels = w->texts[1];
    words->policies = w->texts[2];
    words->guide = w->texts[3];
    words->severities = severities;
    words->rules = words->feeds = "";
}

/* May this process have a resolver of its own? Asked by a child, which leaves with it. */
static bool may_have_names(void)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        _exit(unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0
                  ? 0
                  : 1);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* ---- what happened ---- */

static void take_arrivals(struct world *w)
{
    const struct received *item;
    for (size_t i = 0; (item = receiver_at(w->rig->receiver, i)) != NULL; i++) {
        const char *at = strstr(item->body, "text-");
        size_t n = at != NULL ? strtoul(at + 5, NULL, 10) : 0;
        if (n == 0 || n > w->filings) {
            continue;
        }
        struct told *told = &w->told[n];
        const char *name = w->zoo.animals[(n - 1) % w->zoo.count].name;
        if (strcmp(item->path, "/dana") == 0) {
            told->good = told->good != 0 ? told->good : item->at;
        } else if (strncmp(item->path, "/then-", 6) == 0 && strcmp(item->path + 6, name) == 0) {
            told->next = told->next != 0 ? told->next : item->at;
        } else {
            fail_msg("filing %zu, for %s, came to %s", n, name, item->path);
        }
    }
}

/* As an operator sees it. */
static json_t *outbox(struct world *w)
{
    const struct rig_reply *reply =
        rig_ask(w->rig, &(struct rig_call){.method = "GET",
                                           .path = "/v1/outbox",
                                           .header = "Authorization: Bearer " RIG_TOKEN "\r\n"});
    assert_int_equal(reply->status, 200);
    return rig_json(reply);
}

static bool has_message(const json_t *box, const char *channel)
{
    const json_t *item;
    size_t i;
    json_array_foreach(json_object_get(box, "notifications"), i, item)
    {
        if (strcmp(json_string_value(json_object_get(item, "channel")), channel) == 0) {
            return true;
        }
    }
    return false;
}

/* Its line in the daemon's log with the word that it must have. */
static bool was_explained(const char *log, const struct animal *animal)
{
    char begin[64];
    snprintf(begin, sizeof begin, "channel '%s': notification ", animal->name);
    for (const char *at = log; (at = strstr(at, begin)) != NULL; at++) {
        char line[1300];
        snprintf(line, sizeof line, "%.*s", (int)strcspn(at, "\n"), at);
        if (strstr(line, animal->word) != NULL) {
            return true;
        }
    }
    return false;
}

static size_t tries_before(const struct world *w, const struct animal *animal, int64_t from,
                           int64_t until)
{
    /* Over one connection there may be several requests, and on another none. */
    static const char *const whats[] = {"contact", "request"};
    size_t most = 0;
    for (size_t k = 0; k < 2; k++) {
        size_t count, tries = 0;
        struct zoo_event *events = zoo_events(&w->zoo, animal->name, whats[k], &count);
        for (size_t i = 0; i < count; i++) {
            tries += events[i].at >= from && events[i].at <= until;
        }
        free(events);
        most = tries > most ? tries : most;
    }
    return most;
}

/* Everybody was told of the filings from that one on, and what was said of each animal is known. */
static bool is_over(struct world *w, size_t from)
{
    bool over = true;
    char *log = rig_log(w->rig);
    json_t *box = outbox(w);
    take_arrivals(w);
    for (size_t n = from; over && n <= w->filings; n++) {
        const struct animal *animal = &w->zoo.animals[(n - 1) % w->zoo.count];
        over = w->told[n].good != 0 &&
               (animal->verdict >= ZOO_REJECTED ? w->told[n].next != 0 && was_explained(log, animal)
                                                : !has_message(box, animal->name));
    }
    json_decref(box);
    free(log);
    return over;
}

/* ---- judging ---- */

/* Broken promises of one filing, each said. */
static long judge(const struct world *w, size_t n)
{
    const struct animal *animal = &w->zoo.animals[(n - 1) % w->zoo.count];
    const struct told *told = &w->told[n];
    const char *fault = NULL;
    size_t tries = tries_before(w, animal, told->filed, told->next);
    /* Of those before it one slow retry each may fall into the same seconds. */
    size_t older = (n - 1) / w->zoo.count;
    bool bad = animal->verdict >= ZOO_REJECTED;
    if (told->good == 0) {
        fault = "dana was not told";
    } else if (bad != (told->next != 0)) {
        fault = bad ? "nobody was told over the second channel" : "the second channel was used";
    } else if (animal->verdict == ZOO_REJECTED && tries > 1 + older) {
        fault = "it refused and was tried again before the second channel";
    } else if (animal->verdict == ZOO_REJECTED && told->next - told->filed >= FAIL_AFTER_MS) {
        fault = "it refused, and yet the second channel had to wait";
    } else if (animal->verdict == ZOO_FAILS &&
               told->next - told->filed < FAIL_AFTER_MS - CLOCKS_DIFFER_MS && tries > 0 &&
               tries < 3) {
        /* (One whose tries cannot be seen, as it has no address, had its three.) */
        fault = "the second channel came too early";
    } else if (animal->verdict == ZOO_FAILS && told->next < told->good) {
        fault = "dana was told after the second channel";
    }
    if (fault != NULL) {
        print_error(
            "%s, filing %zu: %s (filed 0, dana %+lld ms, second channel %+lld ms, %zu tries)\n",
            animal->name, n, fault, (long long)(told->good - told->filed),
            (long long)(told->next - told->filed), tries);
    }
    return fault != NULL;
}

/* Two messages with the same key at two animals, or of one filing under two keys. */
static long judge_keys(const struct world *w, long *ret_again)
{
    size_t count;
    long broken = 0;
    struct zoo_event *events = zoo_events(&w->zoo, NULL, NULL, &count);
    *ret_again = 0;
    for (size_t i = 0; i < count; i++) {
        char key[160], of[160];
        if ((strcmp(events[i].what, "request") != 0 && strcmp(events[i].what, "mail") != 0) ||
            sscanf(events[i].words, "%159s %159s", key, of) != 2) {
            continue;
        }
        bool again = false;
        for (size_t k = 0; k < i && !again; k++) {
            char key2[160], of2[160];
            if (strcmp(events[k].what, events[i].what) == 0 &&
                sscanf(events[k].words, "%159s %159s", key2, of2) == 2) {
                again = strcmp(key, key2) == 0;
                if (again && strcmp(of, of2) != 0) {
                    print_error("%s: one key for %s and %s\n", key, of, of2);
                    broken++;
                }
            }
        }
        *ret_again += again;
    }
    free(events);
    return broken;
}

static void assert_nothing_was_obeyed(const struct world *w)
{
    static const char *const never[] = {"sink",  "credentials", "cookie",   "encoding",
                                        "clear", "smuggled",    "pipelined"};
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
        size_t count;
        struct zoo_event *events = zoo_events(&w->zoo, NULL, never[i], &count);
        if (count > 0) {
            fail_msg("%zu times: %s %s", count, never[i], events[0].words);
        }
        free(events);
    }
    /* Without TLS that can be trusted not even the sender is named. */
    static const char *const dark[] = {"mail-starttls-stripped", "mail-starttls-refused",
                                       "mail-starttls-bad", "mail-starttls-expired",
                                       "mail-login-stripped"};
    for (size_t i = 0; i < sizeof dark / sizeof dark[0]; i++) {
        size_t count;
        struct zoo_event *events = zoo_events(&w->zoo, dark[i], "smtp", &count);
        for (size_t k = 0; k < count; k++) {
            assert_int_not_equal(strncmp(events[k].words, "MAIL", 4), 0);
        }
        assert_true(count > 0);
        free(events);
    }
}

static long status_kib(pid_t pid, const char *field)
{
    char path[64], line[256];
    long kib = -1;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (kib < 0 && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, field, strlen(field)) == 0) {
            kib = strtol(line + strlen(field), NULL, 10);
        }
    }
    fclose(file);
    return kib;
}

/* ---- the tests ---- */

static void file_for_all(struct world *w)
{
    for (size_t i = 0; i < w->zoo.count; i++) {
        unsigned n = ledger_add(w->ledger, w->zoo.animals[i].name, NULL);
        w->told[n].filed = rig_ms();
        assert_int_equal(ledger_file(w->ledger, w->rig, n), 201);
        w->filings = n;
    }
}

/* What the daemon's log must say of each try that failed. */
static long judge_log(const struct world *w)
{
    long broken = 0;
    char *log = rig_log(w->rig);
    for (size_t i = 0; i < w->zoo.count; i++) {
        const struct animal *animal = &w->zoo.animals[i];
        if (animal->verdict != ZOO_SENT && !was_explained(log, animal)) {
            print_error("%s: the log never says \"%s\"\n", animal->name, animal->word);
            broken++;
        }
    }
    free(log);
    return broken;
}

static void open_world(struct world *w, struct rig *rig)
{
    char address[32], line[64];
    bool names = may_have_names();
    *w = (struct world){.rig = rig, .ledger = ledger_new()};
    w->rounds = promise_tries(&(struct promise_sizes){1, 3, 20, 100});
    /* An address of this process: other tests have name servers too. */
    unsigned pid = (unsigned)getpid();
    snprintf(address, sizeof address, "127.%u.%u.%u", 64 + (pid >> 16) % 64, (pid >> 8) % 256,
             pid % 256);
    snprintf(line, sizeof line, "nameserver %s\n", address);
    zoo_open(&w->zoo, rig_path(rig, "zoo.log"), names ? address : NULL);
    if (names) {
        rig_write(rig, "resolv.conf", line, 0644);
        rig->silent_dns = true;
    } else {
        print_message("SKIPPED: receivers whose name misbehaves need root\n");
    }
    w->told = calloc(w->rounds * w->zoo.count + 1, sizeof *w->told);
    w->ledger->patience_ms = 500; /* all of it is over by then but the slow retries */
    w->ledger->may_wait = true;
    ledger_secret(w->ledger, "correct-horse-battery");
    configure(w);
    rig_start(rig);
}

static void close_world(struct world *w)
{
    zoo_close(&w->zoo);
    ledger_free(w->ledger);
    free(w->told);
    for (size_t i = 0; i < 4; i++) {
        free(w->texts[i]);
    }
}

static void each_animal_delays_nobody_and_loses_nothing(void **state)
{
    struct world w;
    struct ledger_result result;
    char note[80];
    long again = 0;
    open_world(&w, *state);
    pid_t courier = rig_courier(w.rig);
    for (size_t round = 0; round < w.rounds; round++) {
        size_t first = w.filings + 1;
        file_for_all(&w);
        int64_t guard = rig_ms() + ALL_WITHIN_MS;
        while (!is_over(&w, first) && rig_ms() < guard) {
            usleep(50000);
        }
    }
    long missed = judge_keys(&w, &again) + judge_log(&w);
    for (size_t n = 1; n <= w.filings; n++) {
        missed += judge(&w, n);
    }
    assert_nothing_was_obeyed(&w);
    assert_int_equal(rig_courier_now(w.rig), courier);
    long kib = status_kib(courier, "VmHWM:");
    ledger_check(w.ledger, w.rig, &result);
    result.missed += missed;
    result.duplicates += again;
    snprintf(note, sizeof note, "%zu kinds, with a courier of at most %ld MiB", w.zoo.count,
             kib / 1024);
    ledger_print(&result,
                 &(struct promise_row){.fault = "a receiver that misbehaves",
                                       .tries = w.filings,
                                       .bound = "one a try",
                                       .note = note},
                 LONG_MAX);
#ifndef __SANITIZE_ADDRESS__
    assert_true(kib < COURIER_MAX_KIB);
#endif
    close_world(&w);
}

/* A port that takes connections and never reads from one. */
static int dead_port(unsigned *ret_port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *ret_port = ntohs(at.sin_port);
    return fd;
}

/* One step with a hundred people behind dead ports, and then dana. */
static void configure_dead(struct rig *rig, int fds[DEAD], char *texts[3])
{
    struct rig_words *words = &rig->words;
    size_t len;
    FILE *out[3];
    for (size_t i = 0; i < 3; i++) {
        out[i] = open_memstream(&texts[i], &len);
    }
    fprintf(out[0], people_begin, getuid());
    fprintf(out[2],
            "%s  , { name = \"all\"; steps = ( { wait = \"1h\";"
            " targets = [ \"team:dead\", \"dana\" ]; } ); } );\n"
            "teams = ( { name = \"dead\"; members = [ ",
            policies_begin);
    for (unsigned i = 0; i < DEAD; i++) {
        unsigned port;
        fds[i] = dead_port(&port);
        fprintf(out[0],
                "  , { name = \"p%u\"; channels = ( { channel = \"c%u\"; },"
                " { channel = \"then-c%u\"; } ); }\n",
                i, i, i);
        fprintf(out[1],
                "%s{ name = \"c%u\"; " WEBHOOK "/c%u\"; }, { name = \"then-c%u\"; " WEBHOOK
                "/then-c%u\"; }\n",
                i > 0 ? ", " : "", i, port, i, i, receiver_http(rig->receiver), i);
        fprintf(out[2], "%s\"p%u\"", i > 0 ? ", " : "", i);
    }
    fputs(" ]; }\n", out[2]);
    for (size_t i = 0; i < 3; i++) {
        fputs(i == 1 ? "" : ");\n", out[i]);
        assert_int_equal(fclose(out[i]), 0);
    }
    words->people = texts[0];
    words->channels = texts[1];
    words->policies = texts[2];
    words->guide = "categories = ( { name = \"all\"; title = \"All\"; guidance = \"raise\";"
                   " severity = \"critical\"; policy = \"all\"; } );\n";
    words->severities = severities;
    words->rules = words->feeds = "";
}

static void a_hundred_dead_endpoints_hold_up_nobody(void **state)
{
    struct rig *rig = *state;
    struct ledger *ledger = ledger_new();
    struct ledger_result result;
    char *texts[3];
    int fds[DEAD];
    long missed = 0;
    configure_dead(rig, fds, texts);
    rig_start(rig);
    pid_t courier = rig_courier(rig);
    assert_int_equal(ledger_file(ledger, rig, ledger_add(ledger, "all", NULL)), 201);
    for (unsigned i = 0; i < DEAD; i++) {
        char path[32];
        snprintf(path, sizeof path, "/then-c%u", i);
        rig_until(rig, receiver_find(rig->receiver, path, "text-1 ") != NULL);
    }
    const struct received *first = receiver_at(rig->receiver, 0);
    if (strcmp(first->path, "/dana") != 0) {
        print_error("%s was told before dana\n", first->path);
        missed++;
    }
    assert_int_equal(rig_courier_now(rig), courier);
    ledger->patience_ms = 500;
    ledger->may_wait = true;
    ledger_check(ledger, rig, &result);
    result.missed += missed;
    ledger_print(&result,
                 &(struct promise_row){.fault = "a hundred receivers that never read, and one "
                                                "that does",
                                       .tries = DEAD},
                 0);
    ledger_free(ledger);
    for (size_t i = 0; i < DEAD; i++) {
        close(fds[i]);
    }
    for (size_t i = 0; i < 3; i++) {
        free(texts[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_animal_delays_nobody_and_loses_nothing, rig_setup,
                                        rig_teardown),
        cmocka_unit_test_setup_teardown(a_hundred_dead_endpoints_hold_up_nobody, rig_setup,
                                        rig_teardown),
    };
    signal(SIGPIPE, SIG_IGN);
    cmocka_set_test_filter(getenv("FA_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
