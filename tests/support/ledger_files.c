/* SPDX-License-Identifier: MIT */
/* What a daemon leaves behind: a journal whose chain must verify and that holds no word of
 * anybody's, a log, and files beside the store. The store is opened here with the daemon's own
 * library, after the daemon has ended; that its rows hold filings is what they are for. */
#include "ledger.h"

#include "host/options.h"
#include "host/plugins.h"
#include "store/key.h"
#include "store/store.h"

#include <ftw.h>
#include <semaphore.h>
#include <sys/stat.h>

extern const struct firealarm_store firealarm_store;

struct reading {
    struct ledger *ledger;
    sem_t woken;
    bool answered;
    uint64_t from, checked, first_bad;
    size_t entries;
    int code;
};

static void broken(struct ledger *ledger, const char *fmt, ...) FA_PRINTF(2, 3);
static void broken(struct ledger *ledger, const char *fmt, ...)
{
    if (ledger->broken++ == 0) {
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(ledger->first_broken, sizeof ledger->first_broken, fmt, ap);
        va_end(ap);
    }
}

static void wake(void *ctx)
{
    sem_post(ctx);
}

static int pass_over(void *ctx, const struct fa_row *row, struct fa_err *err)
{
    return 0;
}

static void damaged(void *ctx, uint32_t kind, struct fa_str key)
{
    broken(((struct reading *)ctx)->ledger, "a row of kind %u does not verify", (unsigned)kind);
}

static void on_option_error(void *ctx, const struct fa_err *err)
{
    fail_msg("%s", err->text);
}

static void on_verified(void *ctx, const struct fa_store_answer *answer)
{
    struct reading *reading = ctx;
    reading->answered = true;
    reading->code = answer->code;
    reading->checked = answer->checked;
    reading->first_bad = answer->first_bad;
}

static void on_entries(void *ctx, const struct fa_store_answer *answer)
{
    struct reading *reading = ctx;
    reading->answered = true;
    reading->code = answer->code;
    reading->entries = answer->entry_count;
    for (size_t i = 0; i < answer->entry_count; i++) {
        const struct fa_entry *entry = &answer->entries[i];
        ledger_scan(reading->ledger, "the journal", LEDGER_ALL, entry->body.ptr, entry->body.len);
        reading->from = entry->n + 1;
    }
}

static void wait_for_answer(struct reading *reading, struct fa_store *store)
{
    while (!reading->answered) {
        sem_wait(&reading->woken);
        fa_store_poll(store);
    }
    reading->answered = false;
}

static void read_journal(struct reading *reading, struct fa_store *store,
                         const struct fa_store_head *head)
{
    fa_store_verify_journal(store, 1, on_verified, reading);
    wait_for_answer(reading, store);
    if (reading->code != 0 || reading->first_bad != 0 || reading->checked != head->n) {
        broken(reading->ledger,
               "the journal does not verify: code %d, entry %llu, %llu of %llu checked",
               reading->code, (unsigned long long)reading->first_bad,
               (unsigned long long)reading->checked, (unsigned long long)head->n);
    }
    if (!head->intact || !head->complete) {
        broken(reading->ledger, "the store's head is not %s", head->intact ? "complete" : "intact");
    }
    reading->from = 1;
    do {
        fa_store_read_journal(store, reading->from, FA_STORE_PAGE_ROWS, on_entries, reading);
        wait_for_answer(reading, store);
    } while (reading->code == 0 && reading->entries > 0);
}

static void read_store(struct ledger *ledger, struct rig *rig)
{
    struct reading reading = {.ledger = ledger};
    struct firealarm_host host = fa_host_table(NULL, NULL);
    struct fa_options *options = NULL;
    struct fa_store *store = NULL;
    struct fa_store_head head = {0};
    struct fa_err err = {.text = ""};
    const char *path = rig_path(rig, ledger->store);
    struct fa_option_given given[] = {
        {.name = "path", .kind = FA_GIVEN_TEXT, .text = {path, strlen(path)}},
        {.name = "allow_unsafe_fs", .kind = FA_GIVEN_BOOL, .number = 1},
    };
    struct fa_options_input input = {.table = firealarm_store.options,
                                     .what = "store",
                                     .name = "store",
                                     .given = given,
                                     .count = 2};
    assert_int_equal(fa_options_parse(&input, on_option_error, NULL, &options), 0);
    struct fa_store_options how = {.plugin = &firealarm_store,
                                   .settings = fa_options_settings(options),
                                   .host = &host,
                                   .wake = wake,
                                   .ctx = &reading.woken};
    struct fa_store_visitor visitor = {pass_over, damaged, &reading};
    sem_init(&reading.woken, 0, 0);
    int rc = fa_store_key_read(rig_path(rig, "secrets/mac.key"), false, how.key, &err);
    rc = rc == 0 ? fa_store_open(&how, &store, &err) : rc;
    rc = rc == 0 ? fa_store_load(store, &visitor, &head, &err) : rc;
    rc = rc == 0 ? fa_store_start(store, &err) : rc;
    if (rc == 0) {
        read_journal(&reading, store, &head);
    } else {
        broken(ledger, "the store cannot be read: %.200s", err.text);
    }
    (void)!fa_store_close(store, 10000);
    fa_options_free(options);
    sem_destroy(&reading.woken);
}

/* ---- files ---- */

static struct ledger *walking; /* nftw() has no context */
static size_t root_len;
static const char *walking_store;

static char *read_file(const char *path, size_t *ret_len)
{
    FILE *file = fopen(path, "re");
    struct stat st;
    char *text = NULL;
    *ret_len = 0;
    if (file != NULL && fstat(fileno(file), &st) == 0) {
        text = malloc((size_t)st.st_size + 1);
        assert_non_null(text);
        *ret_len = fread(text, 1, (size_t)st.st_size, file);
    }
    if (file != NULL) {
        fclose(file);
    }
    return text;
}

/* What is said of the configuration names whom it names, whatever was filed: such lines go. */
static void blank_configuration(char *text)
{
    static const char *const words[] = {"/firealarm.cfg:", "channels that were never tested: "};
    for (size_t len; *text != '\0'; text += len + (text[len] == '\n')) {
        len = strcspn(text, "\n");
        bool blank = false;
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
            blank |= memmem(text, len, words[i], strlen(words[i])) != NULL;
        }
        if (blank) {
            memset(text, ' ', len);
        }
    }
}

/* Of the daemon's: what lies beside the store. The configuration names people, and the tests' own
 * files are no leak of its. */
static int look_at_file(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    const char *name = path + root_len;
    size_t len, store_len = strlen(walking_store);
    bool of_store = strncmp(name, walking_store, store_len) == 0 && name[store_len] == '/';
    if (kind != FTW_F || !S_ISREG(st->st_mode) || of_store || strncmp(name, "secrets/", 8) == 0 ||
        (strncmp(name, "state/", 6) != 0 && strncmp(name, "run/", 4) != 0 &&
         strcmp(name, "log") != 0)) {
        return 0;
    }
    char *text = read_file(path, &len);
    if (text != NULL) {
        text[len] = '\0';
        bool log = strcmp(name, "log") == 0, copy = strncmp(name, "state/backups/", 14) == 0;
        unsigned what = log ? LEDGER_ALL : copy ? LEDGER_SECRETS : LEDGER_WORDS | LEDGER_SECRETS;
        if (log) {
            blank_configuration(text);
        }
        ledger_scan(walking, name, what, text, len);
    }
    free(text);
    return 0;
}

static void scan_deliveries(struct ledger *ledger)
{
    for (size_t i = 0; i < ledger->delivery_count; i++) {
        const char *body = ledger->deliveries[i].body;
        ledger_scan(ledger, "a message", LEDGER_SECRETS, body, strlen(body));
        if (strstr(body, "Lopez") != NULL || strstr(body, "maria") != NULL) {
            ledger_scan(ledger, "a message", LEDGER_NAMES, body, strlen(body));
        }
    }
}

void ledger_read_files(struct ledger *ledger, struct rig *rig)
{
    char *key, *key_end;
    size_t len;
    key = read_file(rig_path(rig, "secrets/mac.key"), &len);
    assert_non_null(key);
    key[len] = '\0';
    if ((key_end = strchr(key, '\n')) != NULL) {
        *key_end = '\0';
    }
    size_t secrets = ledger->secret_count;
    ledger_secret(ledger, key);
    read_store(ledger, rig);
    scan_deliveries(ledger);
    walking = ledger;
    walking_store = ledger->store;
    root_len = strlen(rig->dir) + 1;
    (void)nftw(rig->dir, look_at_file, 16, FTW_PHYS);
    ledger->secret_count = secrets;
    free(key);
}
