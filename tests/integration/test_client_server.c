/* SPDX-License-Identifier: MIT */
/* links: fa_client PkgConfig::JANSSON */
#include "client_rig.h"
#include "client/send.h"

#include <dirent.h>

#define FILE_ARGS "file", "--category", "broken-promise", "--known", "seen"
#define TEXT      "Zq7-CANARY they left\n"
#define POSTED    "\"/v1/incidents\""

/* How many files of the spool end so. */
static size_t spooled(const struct rig *rig, const char *suffix)
{
    char path[128];
    size_t count = 0;
    snprintf(path, sizeof path, "%s/.local/state/firealarm/spool", rig->home);
    DIR *dir = opendir(path);
    for (const struct dirent *item; dir != NULL && (item = readdir(dir)) != NULL;) {
        size_t len = strlen(item->d_name), end = strlen(suffix);
        bool self = strcmp(item->d_name, ".") == 0 || strcmp(item->d_name, "..") == 0;
        count += !self && len > end && strcmp(item->d_name + len - end, suffix) == 0;
    }
    if (dir != NULL) {
        closedir(dir);
    }
    return count;
}

static void a_filing_gets_a_receipt_and_leaves_nothing_behind(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(RIG_RUN(rig, TEXT, FILE_ARGS, "--customer", "Initech", "--since", "2026-11-20",
                             "--about", "coo"),
                     0);
    assert_contains(rig->out, "7K2Q-M9XA-3DTR-WZ5E-142");
    assert_null(strstr(rig->out, "Chris Olsen"));
    assert_int_equal(rig_sent(rig, POSTED), 1);
    assert_int_equal(rig_sent(rig, "\\\"customer\\\":\\\"Initech\\\""), 1);
    assert_int_equal(rig_sent(rig, "\\\"since\\\":\\\"2026-11-20\\\""), 1);
    assert_int_equal(rig_sent(rig, "User-Agent"), 0);
    assert_int_equal(spooled(rig, ""), 0);
}

static const char *canary_where;

static int look_for_canary(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    char text[4096];
    FILE *file = kind == FTW_F ? fopen(path, "r") : NULL;
    size_t len = file != NULL ? fread(text, 1, sizeof text - 1, file) : 0;
    text[len] = '\0';
    if (file != NULL) {
        fclose(file);
    }
    bool own = strcmp(path + at->base, "in") == 0 || strcmp(path + at->base, "log") == 0 ||
               strstr(path, ".filing") != NULL;
    if (!own && strstr(text, "CANARY") != NULL) {
        canary_where = "a file that is not the spool";
    }
    return 0;
}

static void wait_for_request(const struct rig *rig, const char *needle)
{
    for (int i = 0; i < 2000 && rig_sent(rig, needle) == 0; i++) {
        usleep(5000);
    }
    assert_true(rig_sent(rig, needle) > 0);
}

static void what_happened_stands_in_no_argument_environment_or_stray_file(void **state)
{
    struct rig *rig = *state;
    static const char *const places[] = {"cmdline", "environ", "comm"};
    rig_mode(rig, "slow");
    pid_t pid = rig_start(rig, (const char *const[]){FILE_ARGS, NULL}, TEXT);
    wait_for_request(rig, POSTED);
    for (size_t i = 0; i < 3; i++) {
        char path[64], text[4096];
        snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, places[i]);
        FILE *file = fopen(path, "r");
        if (file == NULL) {
            assert_int_equal(i, 1); /* not dumpable: its environment is root's alone to read */
            continue;
        }
        size_t len = fread(text, 1, sizeof text, file);
        fclose(file);
        assert_null(memmem(text, len, "CANARY", 6));
    }
    canary_where = NULL;
    nftw(rig->root, look_for_canary, 16, FTW_PHYS);
    assert_null(canary_where);
    assert_int_equal(rig_finish(rig, pid), 75);
}

static void what_cannot_be_sent_is_kept_and_sent_once_under_its_key(void **state)
{
    static const char *const modes[] = {"503",        "500",  "429",        "slow",
                                        "html",       "list", "huge",       "redirect",
                                        "no-receipt", "404",  "drop-answer"};
    struct rig *rig = *state;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        char receipt[64];
        rig_write(rig, "log", "");
        rig_mode(rig, modes[i]);
        if (RIG_RUN(rig, TEXT, FILE_ARGS) != 75 || rig->out[0] != '\0' ||
            spooled(rig, ".filing") != 1) {
            fail_msg("%s: %s%s", modes[i], rig->out, rig->err);
        }
        assert_contains(rig->err, "Your filing is safe");
        assert_null(strchr(rig->err, 033));
        rig_mode(rig, NULL);
        assert_int_equal(RIG_RUN(rig, "", "list"), 0);
        snprintf(receipt, sizeof receipt, "7K2Q-M9XA-3DTR-WZ5E-%zu", 142 + i);
        assert_contains(rig->err, receipt);
        assert_int_equal(spooled(rig, ""), 0);
        assert_int_equal(rig_sent(rig, POSTED), 2);
        assert_int_equal(RIG_RUN(rig, "", "list"), 0);
        assert_string_equal(rig->err, "");
        assert_int_equal(rig_sent(rig, POSTED), 2);
    }
}

/* A time to settle belongs to what is to be settled: an alarm that may wait two days is none. */
static void the_guide_gives_a_time_to_solve_and_none_to_raise(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(RIG_RUN(rig, "", "guide"), 0);
    assert_contains(rig->out, "slow-service: yours to solve, within 2 days\n");
    assert_contains(rig->out, "broken-promise: raise the alarm\n");
}

static void without_a_daemon_the_filing_is_kept_and_reads_say_so(void **state)
{
    struct rig *rig = *state;
    rig_stop(rig);
    assert_int_equal(RIG_RUN(rig, TEXT, FILE_ARGS), 75);
    assert_contains(rig->err, "cannot be reached");
    assert_contains(rig->err, "/spool/");
    assert_int_equal(RIG_RUN(rig, "", "list"), 69);
    assert_contains(rig->err, "still waits here");
    assert_int_equal(RIG_RUN(rig, "", "guide"), 69);
    assert_int_equal(RIG_RUN(rig, "", "spool", "send"), 75);
    unlink(rig->socket);
    rig_serve(rig, (const char *const[]){"--unix", rig->socket, NULL});
    assert_int_equal(RIG_RUN(rig, "", "spool", "send"), 0);
    assert_contains(rig->err, "7K2Q-M9XA-3DTR-WZ5E-142");
}

static void what_is_refused_is_explained_kept_and_sent_after_mending(void **state)
{
    struct rig *rig = *state;
    char command[512];
    assert_int_equal(RIG_RUN(rig, TEXT, "file", "--category", "nonsense", "--known", "seen"), 65);
    assert_contains(rig->err, "category: there is no such category");
    assert_contains(rig->err, "firealarm spool retry");
    assert_int_equal(spooled(rig, ".refused"), 1);
    assert_int_equal(RIG_RUN(rig, "", "list"), 0);
    assert_int_equal(rig_sent(rig, POSTED), 1);
    snprintf(command, sizeof command,
             "sed -i s/nonsense/slow-service/ %s/.local/state/firealarm/spool/*.refused",
             rig->home);
    assert_int_equal(system(command), 0);
    assert_int_equal(RIG_RUN(rig, "", "spool", "list", "--json"), 0);
    json_t *list = json_loads(rig->out, 0, NULL);
    char key[64];
    snprintf(key, sizeof key, "%s",
             json_string_value(json_object_get(json_array_get(list, 0), "key")));
    json_decref(list);
    assert_int_equal(RIG_RUN(rig, "", "spool", "retry", key), 0);
    assert_contains(rig->err, "7K2Q-M9XA-3DTR-WZ5E-142");
    assert_int_equal(spooled(rig, ""), 0);
    assert_int_equal(RIG_RUN(rig, "", "spool", "drop", key), 1);
}

static void a_caller_who_is_not_known_is_told_and_loses_nothing(void **state)
{
    struct rig *rig = *state;
    rig_mode(rig, "403");
    assert_int_equal(RIG_RUN(rig, TEXT, FILE_ARGS), 77);
    assert_int_equal(spooled(rig, ".filing"), 1);
    assert_int_equal(RIG_RUN(rig, "", "outbox", "list"), 77);
}

static void faults_of_the_command_line_exit_with_2_before_anything_is_kept(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(RIG_RUN(rig, TEXT, "file"), 2);
    assert_contains(rig->err, "--category NAME");
    assert_contains(rig->err, "--known");
    assert_int_equal(RIG_RUN(rig, " \n", FILE_ARGS), 2);
    assert_contains(rig->err, "nothing was said");
    assert_int_equal(RIG_RUN(rig, TEXT, FILE_ARGS, "--since", "soon"), 2);
    assert_int_equal(RIG_RUN(rig, TEXT, FILE_ARGS, "--since", "1969-12-31"), 2);
    assert_contains(rig->err, "--since: that is before 1970");
    assert_int_equal(RIG_RUN(rig, TEXT, FILE_ARGS, "--since", "2962-12-31"), 2);
    assert_contains(rig->err, "--since: that is in the future");
    assert_int_equal(RIG_RUN(rig, "", "show", "../../x"), 2);
    assert_int_equal(RIG_RUN(rig, "", "status", "x?y"), 2);
    assert_int_equal(RIG_RUN(rig, "", "list", "--limit", "0"), 2);
    assert_int_equal(RIG_RUN(rig, "", "ack", "7K2Q-M", "--for", "soon"), 2);
    assert_int_equal(RIG_RUN(rig, "", "ack", "7K2Q-M", "--for", "1ms"), 2);
    assert_contains(rig->err, "a minute at least");
    assert_int_equal(rig_sent(rig, "POST"), 0);
    rig_write(rig, "home/.config/firealarm/client.cfg", "sockt = \"/x\";");
    assert_int_equal(RIG_RUN(rig, "", "list"), 78);
    assert_contains(rig->err, "client.cfg:1");
}

static void a_long_list_is_asked_for_page_by_page(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(RIG_RUN(rig, "", "list"), 0);
    assert_null(strstr(rig->out, "--all"));
    assert_int_equal(RIG_RUN(rig, "", "list", "--limit", "1"), 0);
    assert_contains(rig->out, "... and more: --all lists every one.");
    assert_int_equal(RIG_RUN(rig, "", "list", "--all", "--limit", "5"), 2);
    assert_contains(rig->err, "--all has no limit");
    assert_int_equal(RIG_RUN(rig, "", "list", "--all", "--before", "2026-11-21"), 0);
    assert_contains(rig->out, "7K2Q-M9XA");
    assert_contains(rig->out, "7K2Q-AAAA");
    assert_contains(rig->out, "7K2Q-BBBB-3DTR-WZ5E"); /* of history: by the whole id only */
    assert_null(strstr(rig->out, "7K2Q-AAAA-3DTR"));
    assert_int_equal(rig_sent(rig, "before=2026-11-21T00:00:00Z&after="), 2);
    assert_int_equal(rig_sent(rig, "limit=500&before=2026-11-20T05:00:00.250Z/7K2Q\""), 1);
    assert_int_equal(RIG_RUN(rig, "", "list", "--all", "--json"), 0);
    const char *at = rig->out;
    for (unsigned page = 0; page < 3; page++) { /* each a document of its own */
        json_t *json = json_loads(at, JSON_DISABLE_EOF_CHECK, NULL);
        assert_int_equal(json_array_size(json_object_get(json, "alarms")), 1);
        json_decref(json);
        at = strchr(at, '\n') + 1;
    }
    assert_string_equal(at, "");
    static const char *const nowhere[] = {"closed", "all"}; /* no place; the same place */
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(RIG_RUN(rig, "", "list", "--all", "--state", nowhere[i]), 70);
        assert_contains(rig->err, "does not say where its next page begins");
    }
}

static void the_commands_print_what_people_need(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(RIG_RUN(rig, "", "list"), 0);
    assert_contains(rig->out, "7K2Q-M9XA  unacknowledged");
    assert_null(strchr(rig->out, 033));
    assert_int_equal(RIG_RUN(rig, "", "list", "--json"), 0);
    json_t *json = json_loads(rig->out, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(json, "alarms")), 2);
    json_decref(json);
    assert_int_equal(RIG_RUN(rig, "", "show", "7k2q-m"), 0);
    assert_contains(rig->out, "They left.");
    assert_int_equal(RIG_RUN(rig, "", "show", "AAAA"), 1);
    assert_int_equal(RIG_RUN(rig, "On it", "ack", "7K2Q-M", "--for", "1h", "--note"), 0);
    assert_contains(rig->out, "maria owns it until Sun 22 Nov 2026 09:00");
    assert_int_equal(rig_sent(rig, "\\\"note\\\":\\\"On it\\\""), 1);
    assert_int_equal(RIG_RUN(rig, "", "ack", "7K2Q-M9XA-3DTR", "--for", "1h"), 0);
    assert_string_equal(rig->out,
                        "Closed: it is calm now. Nobody is called, and nothing is promised.\n");
    assert_int_equal(RIG_RUN(rig, "", "ack", "7K2Q-M9XA"), 0);
    assert_string_equal(rig->out, "Closed: you answered, and the drill is over.\n");
    assert_int_equal(RIG_RUN(rig, "Mended", "resolve", "7K2Q-M"), 0);
    assert_contains(rig->out, "it is resolved");
    assert_int_equal(RIG_RUN(rig, "Soon", "comment", "7K2Q-M"), 0);
    assert_int_equal(RIG_RUN(rig, "7K2Q-M9XA-3DTR-WZ5E-142\n", "status"), 0);
    assert_contains(rig->out, "somebody has taken it");
    assert_int_equal(RIG_RUN(rig, "7K2Q m9xa 3dtr wz5e 142\n", "status"), 0);
    assert_int_equal(RIG_RUN(rig, "", "status", "7K2Q", "M9XA", "3DTR", "WZ5E", "142"), 0);
    assert_int_equal(
        RIG_RUN(rig, "7K2Q\u2011M9XA\u20133DTR\u200b\u2212\uff37Z5E\u00a0\n", "status"), 0);
    assert_int_equal(RIG_RUN(rig, "", "show", "7K2Q\u2011M"), 0);
    assert_int_equal(RIG_RUN(rig, "", "status", "AAAA-M9XA-3DTR-WZ5E-142"), 1);
    assert_int_equal(RIG_RUN(rig, "", "outbox", "list"), 0);
    assert_contains(rig->out, "451");
    assert_int_equal(RIG_RUN(rig, "", "outbox", "drop", "9QXK"), 0);
    assert_int_equal(RIG_RUN(rig, "", "fetch", "list"), 0);
    assert_contains(rig->out, "https://shop/metrics");
    assert_contains(rig->out, "HTTP 404");
    assert_null(strchr(rig->out, '\x1b'));
    assert_int_equal(RIG_RUN(rig, "", "channel", "test", "maria"), 0);
    assert_contains(rig->out, "2 test messages");
    assert_int_equal(RIG_RUN(rig, TEXT, FILE_ARGS, "--preview"), 0);
    assert_contains(rig->out, "raise the alarm");
    assert_int_equal(rig_sent(rig, POSTED), 0);
}

static void a_program_files_json_and_its_key_makes_it_one(void **state)
{
    struct rig *rig = *state;
    static const char request[] = "{\"key\": \"00112233445566778899aabbccddeeff\", \"text\": "
                                  "\"x\", \"category\": \"slow-service\", \"known\": \"seen\"}";
    for (int i = 0; i < 2; i++) {
        assert_int_equal(RIG_RUN(rig, request, "file", "--request", "-", "--json"), 0);
        json_t *json = json_loads(rig->out, 0, NULL);
        assert_string_equal(json_string_value(json_object_get(json, "receipt")),
                            "7K2Q-M9XA-3DTR-WZ5E-142");
        json_decref(json);
    }
    assert_int_equal(RIG_RUN(rig, "{\"txt\": 1}", "file", "--request", "-"), 2);
    assert_contains(rig->err, "do you mean \"text\"?");
}

static void a_receipt_that_cannot_be_printed_is_not_lost(void **state)
{
    struct rig *rig = *state;
    pid_t pid = fork();
    if (pid == 0) {
        rig_write(rig, "in", TEXT);
        char path[128];
        rig_path(path, sizeof path, rig, "in");
        dup2(open(path, O_RDONLY), 0);
        dup2(open("/dev/full", O_WRONLY), 1);
        rig_exec(rig, (const char *const[]){FILE_ARGS, NULL});
    }
    assert_int_equal(rig_finish(rig, pid), 74);
    assert_int_equal(spooled(rig, ".filing"), 1);
    assert_int_equal(RIG_RUN(rig, "", "spool", "send"), 0);
    assert_contains(rig->err, "7K2Q-M9XA-3DTR-WZ5E-142");
}

static void without_a_place_to_keep_it_the_filing_is_still_sent(void **state)
{
    struct rig *rig = *state;
    rig_write(rig, "home/.local", "a file where a directory should be");
    assert_int_equal(RIG_RUN(rig, TEXT, FILE_ARGS), 0);
    assert_contains(rig->err, "sent at once");
    assert_contains(rig->out, "7K2Q-M9XA-3DTR-WZ5E-142");
    rig_stop(rig);
    assert_int_equal(RIG_RUN(rig, TEXT, FILE_ARGS), 74);
    assert_contains(rig->err, "neither sent nor kept");
}

static unsigned step_to_die_at, step_now;

static void die_at_step(const char *step)
{
    if (++step_now == step_to_die_at) {
        kill(getpid(), SIGKILL);
    }
}

/* In the child: one filing, killed at a step. The receipt goes to the file "out". */
static void send_and_die(struct rig *rig)
{
    char path[128], spool[128], receipts[128];
    struct fa_world world = {
        .config_home = rig->root, .state_home = rig->root, .cache_home = rig->root};
    struct fa_client client = {.world = &world};
    struct fa_filing filing;
    char *receipt = NULL;
    rig_path(path, sizeof path, rig, "out");
    client.out = client.talk = (struct fa_screen){.file = fopen(path, "w"), .columns = 80};
    client.settings = (struct fa_settings){.socket = rig->socket, .timeout = 2000};
    snprintf(spool, sizeof spool, "%s/.local/state/firealarm/spool", rig->home);
    snprintf(receipts, sizeof receipts, "%s/.local/state/firealarm/receipts", rig->home);
    fa_spool_init(&client.spool, spool, receipts, 0);
    client.spool.on_step = die_at_step;
    fa_filing_init(&filing);
    fa_filing_set(&filing, "text", "They left");
    fa_filing_set(&filing, "category", "slow-service");
    _exit(fa_send_new(&client, &filing, &receipt));
}

static void a_kill_at_any_step_of_sending_files_once_and_gives_a_receipt(void **state)
{
    struct rig *rig = *state;
    int code;
    unsigned killed = 0;
    do {
        bool printed;
        size_t sent = 0;
        step_to_die_at++;
        step_now = 0;
        rig_write(rig, "log", "");
        rig_write(rig, "out", "");
        pid_t pid = fork();
        if (pid == 0) {
            send_and_die(rig);
        }
        code = rig_finish(rig, pid);
        printed = strstr(rig->out, "7K2Q-") != NULL;
        sent = rig_sent(rig, POSTED);
        bool kept = spooled(rig, ".filing") == 1;
        if (sent > 0 && !kept && !printed) {
            fail_msg("killed at step %u: sent, and neither kept nor printed", step_to_die_at);
        }
        assert_int_equal(RIG_RUN(rig, "", "spool", "send"), 0);
        assert_int_equal(strstr(rig->err, "7K2Q-") != NULL, kept);
        assert_int_equal(spooled(rig, ".filing"), 0);
        assert_int_equal(rig_sent(rig, POSTED), sent + kept);
        killed += code == 1000 + SIGKILL;
    } while (code == 1000 + SIGKILL);
    assert_int_equal(code, 0);
    assert_int_equal(killed, 9); /* four of keeping, three of sending, two of removing */
}

static void make_certificate(const struct rig *rig, const char *name)
{
    char command[1024];
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 "
             "-subj /CN=%s -addext subjectAltName=DNS:localhost -keyout %s/%s.key -out %s/%s.pem "
             "2>/dev/null",
             name, rig->root, name, rig->root, name);
    assert_int_equal(system(command), 0);
}

static void configure_tls(struct rig *rig, const char *host, const char *ca)
{
    char text[512];
    snprintf(text, sizeof text,
             "url = \"https://%s:%d\"; ca = \"%s/%s.pem\"; token_file = \"%s/token\"; timeout = "
             "\"2s\";",
             host, rig->port, rig->root, ca, rig->root);
    rig_write(rig, "home/.config/firealarm/client.cfg", text);
}

static void over_tls_only_the_configured_authority_is_trusted(void **state)
{
    struct rig *rig = *state;
    char pem[128], key[128];
    rig_stop(rig);
    make_certificate(rig, "right");
    make_certificate(rig, "wrong");
    rig_path(pem, sizeof pem, rig, "right.pem");
    rig_path(key, sizeof key, rig, "right.key");
    rig_write(rig, "token", "id.secret\n");
    rig_serve(rig, (const char *const[]){"--tls", pem, key, "--token", "id.secret", NULL});
    configure_tls(rig, "localhost", "right");
    assert_int_equal(RIG_RUN(rig, TEXT, FILE_ARGS), 0);
    assert_int_equal(rig_sent(rig, "Bearer id.secret"), 1);
    configure_tls(rig, "localhost", "wrong");
    assert_int_equal(RIG_RUN(rig, TEXT, FILE_ARGS), 75);
    assert_contains(rig->err, "cannot prove that it is the daemon");
    configure_tls(rig, "127.0.0.1", "right"); /* a name that the certificate does not bear */
    assert_int_equal(RIG_RUN(rig, "", "list"), 69);
    assert_int_equal(rig_sent(rig, "Bearer"), 1);
    configure_tls(rig, "localhost", "right");
    rig_write(rig, "token", "id.other\n");
    assert_int_equal(RIG_RUN(rig, "", "spool", "send"), 77);
    rig_write(rig, "token", "id.secret\n");
    assert_int_equal(RIG_RUN(rig, "", "spool", "send"), 0);
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, rig_open, rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RIG(a_filing_gets_a_receipt_and_leaves_nothing_behind),
        WITH_RIG(what_happened_stands_in_no_argument_environment_or_stray_file),
        WITH_RIG(what_cannot_be_sent_is_kept_and_sent_once_under_its_key),
        WITH_RIG(the_guide_gives_a_time_to_solve_and_none_to_raise),
        WITH_RIG(without_a_daemon_the_filing_is_kept_and_reads_say_so),
        WITH_RIG(what_is_refused_is_explained_kept_and_sent_after_mending),
        WITH_RIG(a_caller_who_is_not_known_is_told_and_loses_nothing),
        WITH_RIG(faults_of_the_command_line_exit_with_2_before_anything_is_kept),
        WITH_RIG(a_long_list_is_asked_for_page_by_page),
        WITH_RIG(the_commands_print_what_people_need),
        WITH_RIG(a_program_files_json_and_its_key_makes_it_one),
        WITH_RIG(a_receipt_that_cannot_be_printed_is_not_lost),
        WITH_RIG(without_a_place_to_keep_it_the_filing_is_still_sent),
        WITH_RIG(a_kill_at_any_step_of_sending_files_once_and_gives_a_receipt),
        WITH_RIG(over_tls_only_the_configured_authority_is_trusted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
