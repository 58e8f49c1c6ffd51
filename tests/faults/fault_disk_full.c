/* SPDX-License-Identifier: MIT */
/* links: fa_ledger */
/* needs: fa_daemon_programs */
/* A full disk: 4 MB with a ballast of 256 KiB, filled by filings or by somebody else, as often as
 * it takes, and freed again. Filings are refused from the first one on until there is room, small
 * ones too; acknowledgements and deliveries go on from the ballast; when that is used up, answers
 * wait and come; and filings are taken again without a restart. A disk that may not be written any
 * more is fault_disk_readonly.c's. */
#include "ledger.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILLER "small/filler"

struct campaign {
    struct rig *rig;
    struct ledger *ledger;
    size_t tries, refused;
    struct ledger_result sum;
};

static const char small_store[] =
    "store = { plugin = \"sqlite\"; path = \"./small/store\"; ballast = 262144;\n"
    "  allow_unsafe_fs = true; mac_key = \"./secrets/mac.key\"; };\n";

/* All that is left goes to somebody else. */
static void fill(struct rig *rig)
{
    static char block[65536];
    int fd = open(rig_path(rig, FILLER), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    for (size_t size = sizeof block; size >= 512; size /= 2) {
        while (write(fd, block, size) == (ssize_t)size) {
        }
    }
    close(fd);
}

static void make_room(struct rig *rig)
{
    assert_int_equal(unlink(rig_path(rig, FILLER)), 0);
}

/* A filing of that many bytes by nobody that the ledger knows of: it only fills. */
static int file_large(struct rig *rig, unsigned n, size_t len)
{
    static char body[40000];
    int at = snprintf(body, sizeof body, "{\"key\":\"%032x\",\"category\":\"question\",\"text\":\"",
                      0x70000000u + n);
    memset(body + at, 'x', len);
    snprintf(body + at + len, sizeof body - (size_t)at - len, "\"}");
    return rig_ask(rig,
                   &(struct rig_call){
                       .method = "POST", .path = "/v1/incidents", .body = body, .guard_ms = 500})
        ->status;
}

static bool is_full(struct rig *rig)
{
    struct rig_call ready = {.method = "GET", .path = "/-/ready", .port = rig_port(rig, "metrics")};
    const struct rig_reply *reply = rig_ask(rig, &ready);
    return reply->status == 503 && strstr(reply->body, "full") != NULL;
}

/* Refused, and so is everything that is smaller. */
static void assert_refuses(struct campaign *campaign)
{
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(file_large(campaign->rig, 0x900000 + i, 10), 503);
        campaign->refused++;
    }
}

/* The alarm of filing n, owned while the disk is full: that is what the ballast is for. */
static void own(struct campaign *campaign, unsigned n)
{
    int status = ledger_take_over(campaign->ledger, campaign->rig, n);
    if (status != 200) {
        print_error("%d\n", status);
        rig_fail(campaign->rig, "an acknowledgement", __FILE__, __LINE__);
    }
}

/* Fills it; by filings or by another. */
static void run_full(struct campaign *campaign, bool by_filings)
{
    struct rig *rig = campaign->rig;
    unsigned n = 0, large = (unsigned)campaign->tries * 1000;
    int status = 201;
    if (!by_filings) {
        fill(rig);
    }
    /* A free page or two may be left within the database itself. */
    while ((status == 201 || status == 200 || (status == 0 && !is_full(rig))) && n++ < 900) {
        status = file_large(rig, large + n, 20000);
    }
    rig_until(rig, is_full(rig));
}

static void try_full(struct campaign *campaign, bool by_filings)
{
    struct rig *rig = campaign->rig;
    struct ledger *ledger = campaign->ledger;
    unsigned first = ledger_add_any(ledger, "danger"), later = ledger_add_any(ledger, "danger");
    /* One is told before, one is refused by its receiver until the disk is full. */
    assert_int_equal(ledger_file(ledger, rig, first), 201);
    rig_until(rig, (ledger_take_deliveries(ledger, rig), ledger->filings[first - 1].delivered));
    run_full(campaign, by_filings);
    assert_refuses(campaign);
    assert_int_equal(ledger_file(ledger, rig, later), 503);
    own(campaign, first);
    assert_refuses(campaign);
    /* The operators are told from what the ballast gave. */
    rig_until(rig, receiver_matches(rig->receiver, "/ines", "disk is full") > 0);
    if (access(rig_path(rig, FILLER), F_OK) == 0) {
        make_room(rig);
    } else { /* filings filled it: a larger disk */
        assert_int_equal(mount(NULL, rig_path(rig, "small"), NULL, MS_REMOUNT, "size=64m"), 0);
    }
    rig_until(rig, ledger_file(ledger, rig, later) == 201);
    assert_false(is_full(rig));
    assert_int_equal(rig_log_count(rig, "ready\n"), 1); /* it was not started again */
    campaign->tries++;
}

/* The ballast is used up, too: what was asked waits for its answer and gets it. */
static void try_waiting(struct campaign *campaign)
{
    struct rig *rig = campaign->rig;
    struct ledger *ledger = campaign->ledger;
    unsigned n = ledger_add_any(ledger, "danger");
    assert_int_equal(ledger_file(ledger, rig, n), 201);
    rig_until(rig, (ledger_take_deliveries(ledger, rig), ledger->filings[n - 1].delivered));
    rig_until(rig, rig_metric(rig, "firealarm_outbox") == 0);
    run_full(campaign, false);
    fill(rig);
    char path[100];
    snprintf(path, sizeof path, "/v1/alarms/%s/comment", ledger_alarm_of(ledger, rig, n));
    struct rig_call comment = {
        .method = "POST", .path = path, .uid = ledger_first_told(ledger, n), .guard_ms = 300};
    static char body[7000] = "{\"text\":\"";
    memset(body + 9, 'y', 6000);
    memcpy(body + 6009, "\"}", 3);
    comment.body = body;
    /* Until not even a comment fits; a comment that was answered is kept. */
    int status = 200;
    for (int i = 0; i < 200 && status == 200; i++) {
        status = rig_ask(rig, &comment)->status;
        fill(rig);
    }
    assert_true(status == 0 || status == 409);
    if (status == 0) {
        assert_int_equal(ledger_take_over(ledger, rig, n), 0);
        assert_true(rig_metric(rig, "firealarm_store_waiting") >= 1);
    }
    assert_refuses(campaign);
    make_room(rig);
    rig_until(rig, rig_metric(rig, "firealarm_store_waiting") == 0);
    own(campaign, n);
    rig_until(rig, !is_full(rig));
    campaign->tries++;
}

static bool make_disk(struct rig *rig)
{
    mkdir(rig_path(rig, "small"), 0700);
    if (getuid() != 0 ||
        mount("tmpfs", rig_path(rig, "small"), "tmpfs", 0, "size=4m,mode=0700") != 0) {
        return false;
    }
    assert_int_equal(mkdir(rig_path(rig, "small/store"), 0700), 0);
    return true;
}

/* One daemon on one disk, filled in turn by each. */
static bool try_disk(struct campaign *campaign)
{
    void *state;
    struct ledger_result one;
    assert_int_equal(rig_setup(&state), 0);
    struct rig *rig = campaign->rig = state;
    bool mounted = make_disk(rig);
    if (mounted) {
        campaign->ledger = ledger_new();
        campaign->ledger->store = "small/store";
        campaign->ledger->other_filings = true;
        campaign->ledger->guard_ms = 500;
        rig->words.store = small_store;
        rig_start(rig);
        try_full(campaign, false);
        try_waiting(campaign);
        try_full(campaign, true);
        campaign->ledger->guard_ms = 0;
        ledger_check(campaign->ledger, rig, &one);
        ledger_sum(&campaign->sum, &one);
        ledger_free(campaign->ledger);
    }
    assert_int_equal(rig_teardown(&state), 0);
    return mounted;
}

static void a_full_disk_loses_nothing_and_recovers(void **unused)
{
    static const struct promise_sizes sizes = {1, 6, 200, 0};
    struct campaign campaign = {.tries = 0};
    char note[200];
    size_t disks = promise_tries(&sizes);
    for (size_t i = 0; i < disks; i++) {
        if (!try_disk(&campaign)) {
            print_message("SKIPPED: a small disk of one's own may not be mounted here\n");
            return;
        }
    }
    snprintf(note, sizeof note, "%zu filings refused with 503; recovered without a restart",
             campaign.refused);
    ledger_print(
        &campaign.sum,
        &(struct promise_row){.fault = "a full disk", .tries = campaign.tries, .note = note}, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_disk_loses_nothing_and_recovers),
    };
    setenv("FA_TEST_STORE_RETRY_MS", "20", 1);
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
