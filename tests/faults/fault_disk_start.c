/* SPDX-License-Identifier: MIT */
/* links: fa_ledger */
/* needs: fa_daemon_programs */
/* A store that cannot be used at start: the daemon stays up, writes nothing, refuses filings with
 * 503, tells the operators from its configuration alone, at once and once an hour, tries every 30
 * s, and goes on with what there was as soon as it can. Each fault is put in and mended while
 * filings are open. */
#include "breaker.h"
#include "ledger.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define CANNOT "store cannot be opened"
#define TICKS  (60 * 2) /* of 30 s: an hour */

/* The store is on a file system of its own when this may be mounted. */
struct campaign {
    struct rig *rig;
    struct ledger *ledger;
    size_t tries;
};

static const char *at(struct rig *rig, const char *name)
{
    char path[100];
    snprintf(path, sizeof path, "small/store/%s", name);
    return rig_path(rig, name[0] != '\0' ? path : "small/store");
}

static void write_byte(const char *path, long offset, const char *bytes, size_t len)
{
    FILE *file = fopen(path, "r+e");
    assert_non_null(file);
    assert_int_equal(fseek(file, offset, SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    fclose(file);
}

/* ---- the faults ---- */

static void spoil_header(struct rig *rig)
{
    write_byte(at(rig, "firealarm.db"), 0, "SQLite format 4", 15);
}

static void mend_header(struct rig *rig)
{
    write_byte(at(rig, "firealarm.db"), 0, "SQLite format 3", 15);
}

/* user_version, at byte 60 of the header, big-endian. */
static void make_newer(struct rig *rig)
{
    write_byte(at(rig, "firealarm.db"), 60, "\0\0\3\347", 4);
}

static char version[4];

static void note_version(struct rig *rig)
{
    FILE *file = fopen(at(rig, "firealarm.db"), "re");
    assert_non_null(file);
    assert_int_equal(fseek(file, 60, SEEK_SET), 0);
    assert_int_equal(fread(version, 1, 4, file), 4);
    fclose(file);
}

static void make_as_before(struct rig *rig)
{
    write_byte(at(rig, "firealarm.db"), 60, version, 4);
}

static void put_directory_in_place(struct rig *rig)
{
    assert_int_equal(rename(at(rig, "firealarm.db"), at(rig, "good.db")), 0);
    assert_int_equal(mkdir(at(rig, "firealarm.db"), 0700), 0);
}

static void take_directory_away(struct rig *rig)
{
    assert_int_equal(rmdir(at(rig, "firealarm.db")), 0);
    assert_int_equal(rename(at(rig, "good.db"), at(rig, "firealarm.db")), 0);
}

static void make_readonly(struct rig *rig)
{
    assert_int_equal(mount(NULL, rig_path(rig, "small"), NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
}

static void make_writable(struct rig *rig)
{
    assert_int_equal(mount(NULL, rig_path(rig, "small"), NULL, MS_REMOUNT, NULL), 0);
}

/* All inodes but none: the WAL cannot be made. */
static void use_inodes(struct rig *rig)
{
    for (unsigned i = 0;; i++) {
        char name[40];
        snprintf(name, sizeof name, "small/inode-%u", i);
        int fd = open(rig_path(rig, name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0) {
            return;
        }
        close(fd);
    }
}

static void free_inodes(struct rig *rig)
{
    for (unsigned i = 0;; i++) {
        char name[40];
        snprintf(name, sizeof name, "small/inode-%u", i);
        if (unlink(rig_path(rig, name)) != 0) {
            return;
        }
    }
}

static const struct fault {
    const char *name;
    void (*spoil)(struct rig *rig), (*mend)(struct rig *rig);
    bool mounted; /* needs the small file system */
} faults[] = {
    {"a header that is none", spoil_header, mend_header, false},
    {"a newer schema", make_newer, make_as_before, false},
    {"a directory in the database's place", put_directory_in_place, take_directory_away, false},
    {"a file system that may not be written", make_readonly, make_writable, true},
    {"a file system without inodes", use_inodes, free_inodes, true},
};
#define FAULTS (sizeof faults / sizeof faults[0])

/* ---- one try ---- */

/* Name, size and time of change of what is in the store: equal when nothing was written. */
static void describe(struct rig *rig, char text[2000])
{
    DIR *dir = opendir(at(rig, ""));
    assert_non_null(dir);
    unsigned long sum = 0;
    size_t count = 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        struct stat st;
        /* The lock is taken and given back at each try; that it is there says nothing. */
        if (strcmp(entry->d_name, "lock") == 0 || entry->d_name[0] == '.') {
            continue;
        }
        assert_int_equal(fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW), 0);
        if (st.st_size == 0) { /* a WAL that SQLite made to look and had no use for */
            continue;
        }
        for (const char *c = entry->d_name; *c != '\0'; c++) {
            sum = sum * 31 + (unsigned char)*c;
        }
        sum += (unsigned long)st.st_size * 7 + (unsigned long)st.st_mtim.tv_nsec +
               (unsigned long)st.st_mtim.tv_sec * 1000003;
        count++;
    }
    closedir(dir);
    snprintf(text, 2000, "%zu %lu", count, sum);
}

/* Messages, not deliveries: one may come again under its key. */
static size_t told(struct rig *rig)
{
    const struct received *item, *before;
    size_t count = 0;
    for (size_t i = 0; (item = receiver_at(rig->receiver, i)) != NULL; i++) {
        bool counts = strcmp(item->path, "/ines") == 0 && strstr(item->body, CANNOT) != NULL;
        for (size_t k = 0; counts && k < i; k++) {
            before = receiver_at(rig->receiver, k);
            counts = strcmp(before->key, item->key) != 0;
        }
        count += counts;
    }
    return count;
}

static void try_one(struct campaign *campaign, const struct fault *fault)
{
    struct rig *rig = campaign->rig;
    char before[2000], after[2000];
    size_t told_before = told(rig);
    print_message("%s\n", fault->name);
    note_version(rig);
    fault->spoil(rig);
    describe(rig, before);
    unsigned n = ledger_add_any(campaign->ledger, "danger");
    rig_again(rig);
    assert_int_equal(ledger_file(campaign->ledger, rig, n), 503);
    rig_until(rig, told(rig) == told_before + 1);
    for (unsigned i = 0; i < 3; i++) {
        rig_later(rig); /* each is another try, and no other message */
        rig_until(rig, rig_log_count(rig, "no store: ") == i + 2);
    }
    assert_int_equal(told(rig), told_before + 1);
    for (unsigned i = 0; i < TICKS; i++) {
        rig_later(rig);
    }
    rig_until(rig, told(rig) > told_before + 1);
    assert_int_equal(ledger_file(campaign->ledger, rig, n), 503);
    describe(rig, after);
    assert_string_equal(before, after);
    fault->mend(rig);
    rig_later(rig);
    rig_until(rig, ledger_file(campaign->ledger, rig, n) == 201);
    assert_true(rig_logged(rig, "the store can be used again"));
    rig_stop(rig);
    campaign->tries++;
}

static bool make_disk(struct rig *rig)
{
    mkdir(rig_path(rig, "small"), 0700);
    bool mounted = getuid() == 0 && mount("tmpfs", rig_path(rig, "small"), "tmpfs", 0,
                                          "size=32m,nr_inodes=24,mode=0700") == 0;
    assert_int_equal(mkdir(at(rig, ""), 0700), 0);
    return mounted;
}

static void a_store_that_cannot_be_used_is_refused_told_and_recovered(void **state)
{
    static const struct promise_sizes sizes = {1, 4, 60, 0};
    struct campaign campaign = {.rig = *state, .ledger = ledger_new()};
    struct rig *rig = campaign.rig;
    struct ledger_result result;
    char note[200];
    if (!rig_has_hooks()) {
        print_message("SKIPPED: an hour passes only with test hooks\n");
        ledger_free(campaign.ledger);
        return;
    }
    bool mounted = make_disk(rig);
    if (!mounted) {
        print_message("SKIPPED: a small disk of one's own may not be mounted here\n");
    }
    rig->words.store = "store = { plugin = \"sqlite\"; path = \"./small/store\";\n"
                       "  allow_unsafe_fs = true; mac_key = \"./secrets/mac.key\"; };\n";
    campaign.ledger->store = "small/store";
    rig_start(rig);
    assert_int_equal(ledger_file(campaign.ledger, rig, ledger_add(campaign.ledger, "danger", NULL)),
                     201);
    rig_until(rig, rig_metric(rig, "firealarm_outbox") == 0);
    rig_stop(rig);
    size_t rounds = promise_tries(&sizes);
    for (size_t i = 0; i < rounds * FAULTS; i++) {
        if (mounted || !faults[i % FAULTS].mounted) {
            try_one(&campaign, &faults[i % FAULTS]);
        }
    }
    ledger_check(campaign.ledger, rig, &result);
    snprintf(note, sizeof note, "%zu kinds; operators told at once and each hour",
             mounted ? FAULTS : FAULTS - 2);
    ledger_print(&result,
                 &(struct promise_row){.fault = "a store that cannot be used at start",
                                       .tries = campaign.tries,
                                       /* Half a minute in no time ends a courier that starts. */
                                       .bound = "1 an end of the courier",
                                       .note = note},
                 (long)campaign.tries);
    ledger_free(campaign.ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_store_that_cannot_be_used_is_refused_told_and_recovered,
                                        rig_setup, rig_teardown),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
