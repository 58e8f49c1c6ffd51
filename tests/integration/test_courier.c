/* SPDX-License-Identifier: MIT */
/* links: fa_courier fa_base */
/* needs: firealarm-courier fa_plugin_webhook fa_plugin_email */
/* The link with the real courier and receivers of every temper. Each test waits for what must
 * happen, with a guard; none sleeps. */
#include "fa_test.h"
#include "courier/link.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

#define GUARD    (15 * FA_SECOND)
#define SEEN_MAX 256

struct seen {
    struct fa_notification_id id;
    uint32_t verdict, status, attempt;
    bool plain;
    fa_time retry_after, at;
    char detail[256];
};

struct rig {
    struct fa_link *link;
    enum fa_child_state state;
    char why[512], log[512];
    struct seen seen[SEEN_MAX];
    size_t count;
    /* The receivers. */
    pid_t receivers;
    int receivers_in;
    char dir[64], log_path[96], ca[256];
    unsigned http, https, smtp, smtps;
    uint8_t last_id;
};

static struct fa_now now(void)
{
    struct timespec mono, wall;
    clock_gettime(CLOCK_BOOTTIME, &mono);
    clock_gettime(CLOCK_REALTIME, &wall);
    return (struct fa_now){mono.tv_sec * FA_SECOND + mono.tv_nsec / 1000000,
                           wall.tv_sec * FA_SECOND + wall.tv_nsec / 1000000};
}

static void on_verdict(void *ctx, const struct fa_frame_verdict *verdict)
{
    struct rig *rig = ctx;
    assert_true(rig->count < SEEN_MAX);
    struct seen *seen = &rig->seen[rig->count++];
    *seen = (struct seen){.id = verdict->id,
                          .verdict = verdict->verdict,
                          .status = verdict->status,
                          .attempt = verdict->attempt,
                          .plain = verdict->plain,
                          .retry_after = verdict->retry_after,
                          .at = now().mono};
    snprintf(seen->detail, sizeof seen->detail, "%.*s", FA_STR_ARG(verdict->detail));
}

static void on_log(void *ctx, uint32_t level, const char *text)
{
    struct rig *rig = ctx;
    snprintf(rig->log, sizeof rig->log, "%s", text);
}

static void on_state(void *ctx, enum fa_child_state state, const char *why)
{
    struct rig *rig = ctx;
    rig->state = state;
    if (why[0] != '\0') {
        snprintf(rig->why, sizeof rig->why, "%s", why);
    }
}

/* One turn of a loop. */
static void turn(struct rig *rig, fa_time until)
{
    struct fa_now at = now();
    fa_time next = fa_link_next_deadline(rig->link);
    next = next < until ? next : until;
    struct pollfd fd = {.fd = fa_link_child(rig->link)->fd, .events = POLLIN};
    if (fa_child_wants_write(fa_link_child(rig->link))) {
        fd.events |= POLLOUT;
    }
    int rc = poll(&fd, 1, next > at.mono ? (int)(next - at.mono) : 0);
    at = now();
    if (rc > 0 && (fd.revents & (POLLIN | POLLHUP | POLLERR))) {
        (void)fa_child_on_readable(fa_link_child(rig->link), at);
    } else if (rc > 0) {
        fa_child_on_writable(fa_link_child(rig->link), at);
    }
    if (fa_link_next_deadline(rig->link) <= at.mono) {
        fa_link_on_tick(rig->link, at);
    }
}

#define run_until(rig, cond)                                                                       \
    do {                                                                                           \
        fa_time guard_ = now().mono + GUARD;                                                       \
        while (!(cond)) {                                                                          \
            if (now().mono > guard_) {                                                             \
                fail_msg("did not happen in time: %s (state %d, why \"%s\", log \"%s\")", #cond,   \
                         (int)(rig)->state, (rig)->why, (rig)->log);                               \
            }                                                                                      \
            turn((rig), guard_);                                                                   \
        }                                                                                          \
    } while (0)

static const char *path_in(const char *variable, const char *fallback, const char *rest, char *buf,
                           size_t size)
{
    const char *dir = getenv(variable);
    snprintf(buf, size, "%s/%s", dir != NULL ? dir : fallback, rest);
    return buf;
}

/* ------------------------------------------------------------------------------------ receivers */

static void start_receivers(struct rig *rig)
{
    char script[512], line[512] = "";
    int in[2], out[2];
    posix_spawn_file_actions_t files;
    path_in("FA_SOURCE_DIR", ".", "tests/support/receivers.py", script, sizeof script);
    char *argv[] = {"/usr/bin/python3", script, rig->log_path, NULL};
    assert_int_equal(pipe(in) | pipe(out), 0);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in[0], 0);
    posix_spawn_file_actions_adddup2(&files, out[1], 1);
    posix_spawn_file_actions_addclosefrom_np(&files, 3);
    assert_int_equal(posix_spawn(&rig->receivers, argv[0], &files, NULL, argv, environ), 0);
    posix_spawn_file_actions_destroy(&files);
    close(in[0]);
    close(out[1]);
    rig->receivers_in = in[1];
    FILE *ready = fdopen(out[0], "r");
    assert_non_null(fgets(line, sizeof line, ready));
    fclose(ready);
    assert_int_equal(sscanf(line, "http=%u https=%u smtp=%u smtps=%u ca=%255s", &rig->http,
                            &rig->https, &rig->smtp, &rig->smtps, rig->ca),
                     5);
}

/* What the receivers saw so far. */
static char *received(struct rig *rig)
{
    static char text[1 << 20];
    FILE *file = fopen(rig->log_path, "r");
    size_t len = file != NULL ? fread(text, 1, sizeof text - 1, file) : 0;
    text[len] = '\0';
    if (file != NULL) {
        fclose(file);
    }
    return text;
}

static size_t count_of(const char *text, const char *word)
{
    size_t count = 0;
    for (const char *p = text; (p = strstr(p, word)) != NULL; p++) {
        count++;
    }
    return count;
}

/* ------------------------------------------------------------------------------------- channels */

struct hook {
    char url[128];
    struct fa_option_given options[4]; /* the last one is for a test's own */
    struct fa_frame_channel channel;
};

static void make_hook(struct hook *hook, const char *name, const char *url)
{
    snprintf(hook->url, sizeof hook->url, "%s", url);
    hook->options[0] = (struct fa_option_given){
        .name = "url", .kind = FA_GIVEN_TEXT, .text = fa_str_of(hook->url)};
    hook->options[1] =
        (struct fa_option_given){.name = "allow_private", .kind = FA_GIVEN_BOOL, .number = 1};
    hook->options[2] =
        (struct fa_option_given){.name = "allow_plain", .kind = FA_GIVEN_BOOL, .number = 1};
    hook->channel = (struct fa_frame_channel){.name = name,
                                              .plugin = "webhook",
                                              .timeout = 1500,
                                              .options = hook->options,
                                              .option_count = 3};
}

static void make_local_hook(struct rig *rig, struct hook *hook, const char *name, const char *path)
{
    char url[128];
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", rig->http, path);
    make_hook(hook, name, url);
}

struct mail {
    char relay[64];
    struct fa_option_given options[5];
    struct fa_frame_channel channel;
};

static void make_mail(struct mail *mail, const char *name, const char *host, unsigned port,
                      const char *tls)
{
    snprintf(mail->relay, sizeof mail->relay, "%s:%u", host, port);
    const struct fa_option_given options[5] = {
        {.name = "relay", .text = fa_str_of(mail->relay)},
        {.name = "tls", .text = fa_str_of(tls)},
        {.name = "from", .text = FA_STR("Fire alarm <alarm@example.com>")},
        {.name = "allow_plain", .kind = FA_GIVEN_BOOL, .number = 1},
    };
    memcpy(mail->options, options, sizeof options);
    mail->channel = (struct fa_frame_channel){.name = name,
                                              .plugin = "email",
                                              .timeout = 1500,
                                              .options = mail->options,
                                              .option_count = 4};
}

#define TEXT(literal)                                                                              \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }

static struct fa_notification_id send_as(struct rig *rig, const char *channel, const char *address,
                                         uint8_t n, const char *title)
{
    struct fa_notification_id id = {{{1, 2, n}}};
    static char key[FA_ID_TEXT_SIZE];
    fa_id_format(id.id, key);
    struct fa_frame_send send = {.id = id,
                                 .channel = channel,
                                 .notice = {.size = sizeof send.notice,
                                            .attempt = 1,
                                            .key = {key, strlen(key)},
                                            .kind = TEXT("alarm"),
                                            .alarm = TEXT("7K2Q-M9XA-3DTR-WZ5E"),
                                            .severity = TEXT("critical"),
                                            .title = {title, strlen(title)},
                                            .summary = TEXT("Customers wait."),
                                            .thread = TEXT("7K2Q-M9XA-3DTR-WZ5E"),
                                            .address = {address, strlen(address)},
                                            .now = now().wall}};
    assert_int_equal(fa_link_send(rig->link, &send, now()), 0);
    return id;
}

static struct fa_notification_id send_to(struct rig *rig, const char *channel, const char *address)
{
    return send_as(rig, channel, address, ++rig->last_id, "Support queue answers in 5 min 12 s");
}

static const struct seen *verdict_of(struct rig *rig, struct fa_notification_id id)
{
    for (size_t i = 0; i < rig->count; i++) {
        if (fa_id_eq(rig->seen[i].id.id, id.id)) {
            return &rig->seen[i];
        }
    }
    return NULL;
}

/* Sends one and waits for what comes of it. */
static const struct seen *try(struct rig *rig, const char *channel, const char *address)
{
    struct fa_notification_id id = send_to(rig, channel, address);
    run_until(rig, verdict_of(rig, id) != NULL);
    return verdict_of(rig, id);
}

/* A started courier with these channels. */
static void start(struct rig *rig, const struct fa_frame_channel *channels, size_t count)
{
    struct fa_err err = {0};
    assert_int_equal(fa_link_set_channels(rig->link, channels, count, &err), 0);
    if (rig->state == FA_CHILD_STOPPED) {
        fa_link_start(rig->link, now());
    }
    run_until(rig, rig->state == FA_CHILD_UP);
}

/* With the environment as it is now. */
static struct fa_link *make_link(struct rig *rig)
{
    static const struct fa_link_callbacks callbacks = {on_verdict, on_log, on_state};
    char path[512], plugins[512];
    struct fa_link_config config = {
        .path = path_in("FA_BUILD_DIR", "build-dev", "daemon/courier/firealarm-courier", path,
                        sizeof path),
        .plugins_dir = path_in("FA_BUILD_DIR", "build-dev", "plugins", plugins, sizeof plugins),
        .env = environ};
    return fa_link_new(&config, &callbacks, rig);
}

static int set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);
    strcpy(rig->dir, "/tmp/fa-courier-XXXXXX");
    if (mkdtemp(rig->dir) == NULL) {
        return -1;
    }
    snprintf(rig->log_path, sizeof rig->log_path, "%s/log", rig->dir);
    start_receivers(rig);
    rig->link = make_link(rig);
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;
    fa_link_free(rig->link);
    close(rig->receivers_in);
    kill(rig->receivers, SIGTERM);
    waitpid(rig->receivers, NULL, 0);
    unlink(rig->log_path);
    rmdir(rig->dir);
    free(rig);
    return 0;
}

/* ---------------------------------------------------------------------------------------- tests */

static void each_answer_of_a_webhook_has_its_verdict(void **state)
{
    struct rig *rig = *state;
    static const struct {
        const char *path;
        uint32_t verdict, status;
        const char *detail;
    } table[] = {
        {"/ok", FIREALARM_SENT, 200, "HTTP 200"},
        {"/204", FIREALARM_SENT, 204, "HTTP 204"},
        {"/500", FIREALARM_RETRY, 500, "HTTP 500"},
        {"/503", FIREALARM_RETRY, 503, "HTTP 503"},
        {"/408", FIREALARM_RETRY, 408, "HTTP 408"},
        {"/retry", FIREALARM_RETRY, 429, "HTTP 429"},
        {"/404", FIREALARM_REJECTED, 404, "HTTP 404"},
        {"/410", FIREALARM_REJECTED, 410, "HTTP 410"},
        {"/302", FIREALARM_REJECTED, 302, "is not followed"},
        {"/huge", FIREALARM_REJECTED, 200, "longer than 64 KiB"},
        {"/headers", FIREALARM_REJECTED, 200, "longer than 64 KiB"},
        {"/hang", FIREALARM_RETRY, 0, "timed out"},
        {"/drip", FIREALARM_RETRY, 200, "timed out"},
    };
    enum { COUNT = sizeof table / sizeof table[0] };
    static struct hook hooks[COUNT];
    struct fa_frame_channel channels[COUNT];
    struct fa_notification_id ids[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        make_local_hook(rig, &hooks[i], table[i].path, table[i].path);
        hooks[i].channel.machine = true; /* all go to one host: more than two at a time */
        channels[i] = hooks[i].channel;
    }
    start(rig, channels, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        ids[i] = send_to(rig, table[i].path, "");
    }
    run_until(rig, rig->count == COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        const struct seen *seen = verdict_of(rig, ids[i]);
        if (seen->verdict != table[i].verdict || seen->status != table[i].status) {
            fail_msg("%s: verdict %u, status %u (%s)", table[i].path, seen->verdict, seen->status,
                     seen->detail);
        }
        assert_contains(seen->detail, table[i].detail);
        assert_false(seen->plain);
        assert_int_equal(seen->retry_after, strcmp(table[i].path, "/retry") == 0 ? 7000 : -1);
    }
    const char *log = received(rig);
    assert_null(strstr(log, "HTTP /sink"));
    assert_contains(log, "HTTP /ok id=0410-2000-0000-0000 agent=firealarm/");
    assert_contains(log, "BODY {\"version\":1,\"key\":\"0410-2000-0000-0000\",\"kind\":\"alarm\"");
}

static void a_certificate_nobody_vouches_for_is_refused(void **state)
{
    struct rig *rig = *state;
    struct hook unknown, known;
    char url[128];
    snprintf(url, sizeof url, "https://localhost:%u/ok", rig->https);
    make_hook(&unknown, "unknown", url);
    make_hook(&known, "known", url);
    known.options[3] = (struct fa_option_given){.name = "ca", .text = fa_str_of(rig->ca)};
    known.channel.option_count = 4;
    unknown.channel.timeout = known.channel.timeout = GUARD; /* a handshake takes what it takes */
    start(rig, (struct fa_frame_channel[]){unknown.channel, known.channel}, 2);
    const struct seen *seen = try(rig, "unknown", "");
    assert_int_equal(seen->verdict, FIREALARM_REJECTED);
    assert_contains(seen->detail, "certificate");
    assert_null(strstr(received(rig), "HTTP /ok"));
    assert_int_equal(try(rig, "known", "")->verdict, FIREALARM_SENT);
}

static void a_private_address_is_refused_unless_it_is_meant(void **state)
{
    struct rig *rig = *state;
    static const char *const hosts[] = {"127.0.0.1", "localhost", "2130706433",
                                        "0x7f.1",    "[::1]",     "[::ffff:127.0.0.1]"};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        struct hook hook;
        char url[128];
        snprintf(url, sizeof url, "http://%s:%u/ok", hosts[i], rig->http);
        make_hook(&hook, "hook", url);
        hook.options[1].number = 0;
        start(rig, &hook.channel, 1);
        const struct seen *seen = try(rig, "hook", "");
        assert_int_equal(seen->verdict, FIREALARM_REJECTED);
        assert_contains(seen->detail, "allow_private");
    }
    assert_null(strstr(received(rig), "HTTP /ok"));
}

static void each_answer_of_a_mail_relay_has_its_verdict(void **state)
{
    struct rig *rig = *state;
    static const struct {
        const char *address;
        uint32_t verdict, status;
    } table[] = {
        {"ann@example.com", FIREALARM_SENT, 250},     {"450@example.com", FIREALARM_RETRY, 450},
        {"550@example.com", FIREALARM_REJECTED, 550}, {"hang@example.com", FIREALARM_RETRY, 354},
        {"ben@example.com", FIREALARM_SENT, 250},
    };
    struct mail mail;
    make_mail(&mail, "mail", "127.0.0.1", rig->smtp, "none");
    start(rig, &mail.channel, 1);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const struct seen *seen = try(rig, "mail", table[i].address);
        if (seen->verdict != table[i].verdict || seen->status != table[i].status) {
            fail_msg("%s: verdict %u, status %u (%s)", table[i].address, seen->verdict,
                     seen->status, seen->detail);
        }
        assert_false(seen->plain);
    }
    const char *log = received(rig);
    assert_contains(log, "SMTP EHLO example.com");
    assert_contains(log, "SMTP MAIL FROM:<alarm@example.com> SIZE=");
    assert_contains(log, "MAIL Message-ID: <0410-2000-0000-0000@example.com>");
    assert_int_equal(count_of(log, "MAIL --=-firealarm-part-=--"), 3);
}

static void without_starttls_no_word_of_a_mail_is_said(void **state)
{
    struct rig *rig = *state;
    struct mail mail;
    make_mail(&mail, "mail", "127.0.0.1", rig->smtp, "starttls");
    start(rig, &mail.channel, 1);
    const struct seen *seen = try(rig, "mail", "ann@example.com");
    assert_int_equal(seen->verdict, FIREALARM_REJECTED);
    assert_contains(received(rig), "SMTP EHLO");
    assert_null(strstr(received(rig), "MAIL FROM"));
}

static void mail_goes_over_tls(void **state)
{
    struct rig *rig = *state;
    struct mail mail;
    make_mail(&mail, "mail", "localhost", rig->smtps, "tls");
    mail.options[3] = (struct fa_option_given){.name = "ca", .text = fa_str_of(rig->ca)};
    start(rig, &mail.channel, 1);
    const struct seen *seen = try(rig, "mail", "ann@example.com");
    assert_string_equal(seen->detail, "SMTP 250");
    assert_int_equal(seen->verdict, FIREALARM_SENT);
}

static void a_wrong_address_harms_no_other(void **state)
{
    struct rig *rig = *state;
    struct mail mail;
    make_mail(&mail, "mail", "127.0.0.1", rig->smtp, "none");
    start(rig, &mail.channel, 1);
    const struct seen *seen = try(rig, "mail", "x@example.com>\r\nRCPT TO:<evil@example.com");
    assert_int_equal(seen->verdict, FIREALARM_REJECTED);
    assert_contains(seen->detail, "recipient is not a bare mail address");
    assert_int_equal(try(rig, "mail", "ann@example.com")->verdict, FIREALARM_SENT);
    assert_null(strstr(received(rig), "evil"));
}

static void a_channel_that_cannot_be_made_costs_itself_only(void **state)
{
    struct rig *rig = *state;
    struct hook good, no_plugin, bad_option, no_secret;
    make_local_hook(rig, &good, "good", "/ok");
    make_local_hook(rig, &no_plugin, "no-plugin", "/ok");
    no_plugin.channel.plugin = "pigeon";
    make_local_hook(rig, &bad_option, "bad-option", "/ok");
    bad_option.options[0].name = "ulr";
    make_local_hook(rig, &no_secret, "no-secret", "/ok");
    no_secret.options[3] =
        (struct fa_option_given){.name = "secret", .text = FA_STR("/nonexistent/secret")};
    no_secret.channel.option_count = 4;
    start(rig,
          (struct fa_frame_channel[]){no_plugin.channel, bad_option.channel, no_secret.channel,
                                      good.channel},
          4);
    const struct seen *seen = try(rig, "no-plugin", "");
    assert_int_equal(seen->verdict, FIREALARM_REJECTED);
    assert_contains(seen->detail, "pigeon");
    assert_contains(try(rig, "bad-option", "")->detail, "ulr");
    assert_contains(try(rig, "no-secret", "")->detail, "/nonexistent/secret");
    assert_contains(try(rig, "nobody", "")->detail, "no channel of that name");
    assert_int_equal(try(rig, "good", "")->verdict, FIREALARM_SENT);
    assert_contains(rig->log, "cannot be used");
}

static void a_hanging_endpoint_delays_no_other(void **state)
{
    struct rig *rig = *state;
    struct hook hang;
    struct mail other;
    struct fa_notification_id hanging[6];
    make_local_hook(rig, &hang, "hang", "/hang");
    make_mail(&other, "other", "127.0.0.1", rig->smtp, "none");
    start(rig, (struct fa_frame_channel[]){hang.channel, other.channel}, 2);
    for (size_t i = 0; i < 6; i++) {
        hanging[i] = send_to(rig, "hang", "");
    }
    struct fa_notification_id id = send_to(rig, "other", "ann@example.com");
    run_until(rig, verdict_of(rig, id) != NULL);
    assert_int_equal(verdict_of(rig, id)->verdict, FIREALARM_SENT);
    assert_int_equal(rig->count, 1); /* it came back before every one of the others */
    run_until(rig, rig->count == 7);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(verdict_of(rig, hanging[i])->verdict, FIREALARM_RETRY);
    }
    assert_int_equal(count_of(received(rig), "HTTP /hang"), 6);
}

static void a_relay_that_hangs_after_the_final_dot_delays_no_other(void **state)
{
    struct rig *rig = *state;
    struct mail mail;
    struct hook ok;
    make_mail(&mail, "mail", "127.0.0.1", rig->smtp, "none");
    make_local_hook(rig, &ok, "ok", "/ok");
    mail.channel.timeout = 6 * FA_SECOND; /* longer than a courier may stand still */
    start(rig, (struct fa_frame_channel[]){mail.channel, ok.channel}, 2);
    pid_t pid = fa_link_child(rig->link)->pid;
    struct fa_notification_id hanging = send_to(rig, "mail", "hang@example.com");
    run_until(rig, strstr(received(rig), "MAIL --=-firealarm-part-=--") != NULL);
    assert_int_equal(try(rig, "ok", "")->verdict, FIREALARM_SENT);
    assert_int_equal(try(rig, "mail", "ann@example.com")->verdict, FIREALARM_SENT);
    assert_null(verdict_of(rig, hanging));
    run_until(rig, verdict_of(rig, hanging) != NULL);
    assert_int_equal(verdict_of(rig, hanging)->verdict, FIREALARM_RETRY);
    assert_int_equal(fa_link_child(rig->link)->pid, pid);
}

static void a_killed_courier_is_replaced_and_what_it_held_is_unknown(void **state)
{
    struct rig *rig = *state;
    struct hook hang, ok;
    make_local_hook(rig, &hang, "hang", "/hang");
    make_local_hook(rig, &ok, "ok", "/ok");
    hang.channel.timeout = 60 * FA_SECOND;
    start(rig, (struct fa_frame_channel[]){hang.channel, ok.channel}, 2);
    struct fa_notification_id id = send_to(rig, "hang", "");
    run_until(rig, strstr(received(rig), "HTTP /hang") != NULL);
    pid_t first = fa_link_child(rig->link)->pid;
    assert_int_equal(kill(first, SIGKILL), 0);
    run_until(rig, verdict_of(rig, id) != NULL);
    assert_int_equal(verdict_of(rig, id)->verdict, FA_FRAME_OUTCOME_UNKNOWN);
    assert_int_equal(fa_link_open_count(rig->link), 0);
    run_until(rig, rig->state == FA_CHILD_UP);
    assert_int_not_equal(fa_link_child(rig->link)->pid, first);
    assert_int_equal(try(rig, "ok", "")->verdict, FIREALARM_SENT);
}

static void a_courier_that_stands_still_is_replaced(void **state)
{
    struct rig *rig = *state;
    struct hook hang;
    make_local_hook(rig, &hang, "hang", "/hang");
    hang.channel.timeout = 60 * FA_SECOND;
    start(rig, &hang.channel, 1);
    struct fa_notification_id id = send_to(rig, "hang", "");
    run_until(rig, strstr(received(rig), "HTTP /hang") != NULL);
    pid_t first = fa_link_child(rig->link)->pid;
    assert_int_equal(kill(first, SIGSTOP), 0);
    run_until(rig, verdict_of(rig, id) != NULL);
    assert_contains(rig->why, "did not answer for 1s200ms");
    assert_int_equal(verdict_of(rig, id)->verdict, FA_FRAME_OUTCOME_UNKNOWN);
    run_until(rig, rig->state == FA_CHILD_UP);
    assert_int_not_equal(fa_link_child(rig->link)->pid, first);
}

static void new_channels_are_taken_while_old_attempts_go_on(void **state)
{
    struct rig *rig = *state;
    struct hook slow, ok;
    make_local_hook(rig, &slow, "hook", "/slow");
    make_local_hook(rig, &ok, "hook", "/ok");
    start(rig, &slow.channel, 1);
    pid_t pid = fa_link_child(rig->link)->pid;
    struct fa_notification_id id = send_to(rig, "hook", "");
    run_until(rig, strstr(received(rig), "HTTP /slow") != NULL);
    start(rig, &ok.channel, 1);
    assert_int_equal(try(rig, "hook", "")->verdict, FIREALARM_SENT);
    assert_contains(received(rig), "HTTP /ok");
    run_until(rig, verdict_of(rig, id) != NULL);
    assert_int_equal(verdict_of(rig, id)->verdict, FIREALARM_SENT);
    assert_int_equal(fa_link_child(rig->link)->pid, pid);
}

static void a_stopped_courier_ends_by_itself(void **state)
{
    struct rig *rig = *state;
    struct hook hang;
    make_local_hook(rig, &hang, "hang", "/hang");
    start(rig, &hang.channel, 1);
    struct fa_notification_id id = send_to(rig, "hang", "");
    run_until(rig, strstr(received(rig), "HTTP /hang") != NULL);
    fa_child_stop(fa_link_child(rig->link), now());
    run_until(rig, rig->state == FA_CHILD_STOPPED && fa_link_child(rig->link)->pid == 0);
    assert_int_equal(verdict_of(rig, id)->verdict, FA_FRAME_OUTCOME_UNKNOWN);
    assert_string_equal(rig->why, "");
}

/* A proxy would read what is sent, a .netrc would say its passwords to whoever asks. */
static void no_proxy_and_no_netrc_of_the_environment_is_obeyed(void **state)
{
    static const char *const names[] = {"http_proxy", "https_proxy", "all_proxy", "ALL_PROXY"};
    struct rig *rig = *state;
    struct hook hook;
    struct mail mail;
    char proxy[64], netrc[128];
    snprintf(netrc, sizeof netrc, "%s/.netrc", rig->dir);
    snprintf(proxy, sizeof proxy, "http://127.0.0.1:%u", rig->http);
    FILE *file = fopen(netrc, "we");
    assert_true(file != NULL && fputs("default login ann password hunter2\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        setenv(names[i], proxy, 1);
    }
    setenv("HOME", rig->dir, 1);
    fa_link_free(rig->link);
    rig->link = make_link(rig);
    make_local_hook(rig, &hook, "hook", "/ok");
    make_mail(&mail, "mail", "127.0.0.1", rig->smtp, "none");
    start(rig, (struct fa_frame_channel[]){hook.channel, mail.channel}, 2);
    assert_int_equal(try(rig, "hook", "")->verdict, FIREALARM_SENT);
    assert_int_equal(try(rig, "mail", "ann@example.com")->verdict, FIREALARM_SENT);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        unsetenv(names[i]);
    }
    unlink(netrc);
    assert_contains(received(rig), "HTTP /ok id=");
    assert_contains(received(rig), "authorization=None");
    assert_null(strstr(received(rig), "HTTP http:"));
    assert_null(strstr(received(rig), "authorization=Basic"));
    assert_null(strstr(received(rig), "SMTP AUTH"));
}

static void a_message_sent_plain_needs_no_plugin(void **state)
{
    struct rig *rig = *state;
    struct mail mail;
    make_mail(&mail, "mail", "127.0.0.1", rig->smtp, "none");
    start(rig, &mail.channel, 1);
    struct fa_frame_send send = {.id = {{{9}}},
                                 .channel = "mail",
                                 .plain = true,
                                 .notice = {.size = sizeof send.notice,
                                            .attempt = 3,
                                            .key = TEXT("k"),
                                            .title = TEXT("Caf\xc3\xa9"),
                                            .address = TEXT("ann@example.com")}};
    assert_int_equal(fa_link_send(rig->link, &send, now()), 0);
    assert_int_equal(fa_link_send(rig->link, &send, now()), FA_EEXISTS);
    run_until(rig, verdict_of(rig, send.id) != NULL);
    assert_int_equal(verdict_of(rig, send.id)->verdict, FIREALARM_SENT);
    assert_true(verdict_of(rig, send.id)->plain);
    assert_contains(received(rig), "MAIL  =?UTF-8?B?Q2Fmw6k=?=");
}

/* ---- several messages in one request */

#define TOGETHER 5

static void make_batch_hook(struct rig *rig, struct hook *hook, const char *path)
{
    make_local_hook(rig, hook, "hook", path);
    hook->options[3] = (struct fa_option_given){
        .name = "batch", .kind = FA_GIVEN_INT, .number = 100, .text = {"", 0}};
    hook->channel.option_count = 4;
}

/* Messages 1 to TOGETHER, handed to the courier in one piece. */
static void send_together(struct rig *rig, uint8_t poison)
{
    for (uint8_t n = 1; n <= TOGETHER; n++) {
        send_as(rig, "hook", "", n, n == poison ? "This is <poison>" : "Customers wait");
    }
    rig->count = 0;
    rig->last_id = TOGETHER;
    fa_child_on_writable(fa_link_child(rig->link), now());
}

static const struct seen *seen_of(struct rig *rig, uint8_t n)
{
    struct fa_notification_id id = {{{1, 2, n}}};
    const struct seen *seen = verdict_of(rig, id);
    assert_non_null(seen);
    return seen;
}

static void what_waits_together_leaves_in_one_request(void **state)
{
    struct rig *rig = *state;
    struct hook hook;
    make_batch_hook(rig, &hook, "/ok");
    start(rig, &hook.channel, 1);
    send_together(rig, 0);
    run_until(rig, rig->count == TOGETHER);
    for (uint8_t n = 1; n <= TOGETHER; n++) {
        assert_int_equal(seen_of(rig, n)->verdict, FIREALARM_SENT);
        assert_int_equal(seen_of(rig, n)->status, 200);
    }
    assert_int_equal(count_of(received(rig), "HTTP /ok id=batch_"), 1);
    assert_int_equal(count_of(received(rig), "HTTP /ok"), 1);
    assert_contains(received(rig), "BODY {\"type\":\"firealarm.batch\",\"notifications\":[{");
    for (uint8_t n = 1; n <= TOGETHER; n++) {
        struct fa_id id = {{1, 2, n}};
        char key[FA_ID_TEXT_SIZE], member[64];
        snprintf(member, sizeof member, "{\"version\":1,\"key\":\"%s\"", fa_id_format(id, key));
        assert_int_equal(count_of(received(rig), member), 1);
    }
    /* One alone keeps the ordinary form. */
    assert_int_equal(try(rig, "hook", "")->verdict, FIREALARM_SENT);
    assert_int_equal(count_of(received(rig), "HTTP /ok id=batch_"), 1);
    assert_int_equal(count_of(received(rig), "BODY {\"version\":1,"), 1);
}

static void a_message_the_receiver_refuses_takes_no_other_with_it(void **state)
{
    struct rig *rig = *state;
    struct hook hook;
    make_batch_hook(rig, &hook, "/poison");
    start(rig, &hook.channel, 1);
    send_together(rig, 3);
    run_until(rig, rig->count == TOGETHER);
    for (uint8_t n = 1; n <= TOGETHER; n++) {
        bool poison = n == 3;
        assert_int_equal(seen_of(rig, n)->verdict, poison ? FIREALARM_REJECTED : FIREALARM_SENT);
        assert_int_equal(seen_of(rig, n)->status, poison ? 422 : 200);
        assert_int_equal(seen_of(rig, n)->attempt, 1);
    }
    assert_int_equal(count_of(received(rig), "HTTP /poison"), 1 + TOGETHER);
}

static void a_batch_whose_answer_is_lost_comes_again_under_the_same_keys(void **state)
{
    struct rig *rig = *state;
    struct hook hook;
    make_batch_hook(rig, &hook, "/lost");
    start(rig, &hook.channel, 1);
    send_together(rig, 0);
    run_until(rig, rig->count == TOGETHER);
    for (uint8_t n = 1; n <= TOGETHER; n++) {
        assert_int_equal(seen_of(rig, n)->verdict, FIREALARM_RETRY);
    }
    send_together(rig, 0);
    run_until(rig, rig->count == TOGETHER);
    for (uint8_t n = 1; n <= TOGETHER; n++) {
        assert_int_equal(seen_of(rig, n)->verdict, FIREALARM_SENT);
    }
    const char *first = strstr(received(rig), "id=batch_");
    assert_non_null(first);
    char id[64] = "";
    snprintf(id, sizeof id, "%.*s", (int)strcspn(first, " "), first);
    assert_int_equal(count_of(received(rig), id), 2);
}

static void a_courier_that_dies_with_a_batch_leaves_each_message_open(void **state)
{
    struct rig *rig = *state;
    struct hook hang, ok;
    make_batch_hook(rig, &hang, "/hang");
    make_batch_hook(rig, &ok, "/ok");
    hang.channel.timeout = 60 * FA_SECOND;
    start(rig, &hang.channel, 1);
    send_together(rig, 0);
    run_until(rig, strstr(received(rig), "HTTP /hang") != NULL);
    assert_int_equal(kill(fa_link_child(rig->link)->pid, SIGKILL), 0);
    run_until(rig, rig->count == TOGETHER);
    for (uint8_t n = 1; n <= TOGETHER; n++) {
        assert_int_equal(seen_of(rig, n)->verdict, FA_FRAME_OUTCOME_UNKNOWN);
    }
    start(rig, &ok.channel, 1);
    send_together(rig, 0);
    run_until(rig, rig->count == TOGETHER);
    for (uint8_t n = 1; n <= TOGETHER; n++) {
        struct fa_id id = {{1, 2, n}};
        char key[FA_ID_TEXT_SIZE], member[64];
        snprintf(member, sizeof member, "\"key\":\"%s\"", fa_id_format(id, key));
        assert_int_equal(seen_of(rig, n)->verdict, FIREALARM_SENT);
        assert_int_equal(count_of(received(rig), member), 2);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_answer_of_a_webhook_has_its_verdict),
        TEST(a_certificate_nobody_vouches_for_is_refused),
        TEST(a_private_address_is_refused_unless_it_is_meant),
        TEST(each_answer_of_a_mail_relay_has_its_verdict),
        TEST(without_starttls_no_word_of_a_mail_is_said),
        TEST(mail_goes_over_tls),
        TEST(a_wrong_address_harms_no_other),
        TEST(a_channel_that_cannot_be_made_costs_itself_only),
        TEST(a_hanging_endpoint_delays_no_other),
        TEST(a_relay_that_hangs_after_the_final_dot_delays_no_other),
        TEST(a_killed_courier_is_replaced_and_what_it_held_is_unknown),
        TEST(a_courier_that_stands_still_is_replaced),
        TEST(new_channels_are_taken_while_old_attempts_go_on),
        TEST(a_stopped_courier_ends_by_itself),
        TEST(no_proxy_and_no_netrc_of_the_environment_is_obeyed),
        TEST(a_message_sent_plain_needs_no_plugin),
        TEST(what_waits_together_leaves_in_one_request),
        TEST(a_message_the_receiver_refuses_takes_no_other_with_it),
        TEST(a_batch_whose_answer_is_lost_comes_again_under_the_same_keys),
        TEST(a_courier_that_dies_with_a_batch_leaves_each_message_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
