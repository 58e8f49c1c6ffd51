/* SPDX-License-Identifier: MIT */
/* A store over the faulty one over memory, for tests of the store's host side. The wake callback
 * raises a semaphore, on which the tests wait as the loop would on its eventfd. */
#ifndef FA_TEST_STORE_FIXTURE_H
#define FA_TEST_STORE_FIXTURE_H

#include "fa_test.h"
#include "host/plugins.h"
#include "store/store.h"
#include "store_faulty.h"
#include "store_mem.h"

#include <semaphore.h>
#include <time.h>

struct fixture {
    struct fa_mem_disk disk;
    struct fa_faulty faulty;
    struct firealarm_value value, inner_value;
    struct firealarm_settings settings, inner;
    struct firealarm_host host;
    struct fa_store *store;
    struct fa_store_head head;
    sem_t woken;
    char loaded[4096], damaged[256];
    uint8_t key_byte;
};

static inline void wake(void *ctx)
{
    sem_post(ctx);
}

static inline int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    sem_init(&fixture->woken, 0, 0);
    fixture->inner = fa_mem_settings(&fixture->disk, &fixture->inner_value);
    fixture->faulty.inner = &fa_store_mem;
    fixture->faulty.inner_settings = &fixture->inner;
    fixture->settings = fa_faulty_settings(&fixture->faulty, &fixture->value);
    fixture->host = fa_host_table(NULL, NULL);
    fixture->key_byte = 7;
    *state = fixture;
    return 0;
}

static inline int tear_down(void **state)
{
    struct fixture *fixture = *state;
    (void)fa_store_close(fixture->store, 0);
    fa_mem_disk_done(&fixture->disk);
    sem_destroy(&fixture->woken);
    free(fixture);
    return 0;
}

static inline void append_text(char *buf, size_t size, const char *fmt, ...) FA_PRINTF(3, 4);
static inline void append_text(char *buf, size_t size, const char *fmt, ...)
{
    size_t len = strlen(buf);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(buf + len, size - len, fmt, ap);
    va_end(ap);
}

static inline int keep_row(void *ctx, const struct fa_row *row, struct fa_err *err)
{
    struct fixture *fixture = ctx;
    append_text(fixture->loaded, sizeof fixture->loaded, "%u/%.*s=%.*s ", (unsigned)row->kind,
                FA_STR_ARG(row->key), FA_STR_ARG(row->value));
    return 0;
}

static inline void keep_damaged(void *ctx, uint32_t kind, struct fa_str key)
{
    struct fixture *fixture = ctx;
    append_text(fixture->damaged, sizeof fixture->damaged, "%u/%.*s ", (unsigned)kind,
                FA_STR_ARG(key));
}

static inline int open_and_load(struct fixture *fixture, struct fa_err *err)
{
    struct fa_store_options options = {.plugin = &fa_store_faulty,
                                       .settings = &fixture->settings,
                                       .host = &fixture->host,
                                       .wake = wake,
                                       .ctx = &fixture->woken,
                                       .retry_ms = 5};
    memset(options.key, fixture->key_byte, sizeof options.key);
    struct fa_store_visitor visitor = {keep_row, keep_damaged, fixture};
    fixture->loaded[0] = fixture->damaged[0] = '\0';
    int rc = fa_store_open(&options, &fixture->store, err);
    return rc < 0 ? rc : fa_store_load(fixture->store, &visitor, &fixture->head, err);
}

static inline void start(struct fixture *fixture)
{
    struct fa_err err = {.text = ""};
    if (open_and_load(fixture, &err) != 0 || fa_store_start(fixture->store, &err) != 0) {
        fail_msg("%s", err.text);
    }
}

static inline int stop(struct fixture *fixture)
{
    int rc = fa_store_close(fixture->store, 10000);
    fixture->store = NULL;
    return rc;
}

/* Waits for the writer to say something; a test that hangs here fails by its time limit. */
static inline void wait_wake(struct fixture *fixture)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 20;
    if (sem_timedwait(&fixture->woken, &until) != 0) {
        fail_msg("the writer says nothing");
    }
}

static inline void wait_durable(struct fixture *fixture, uint64_t number)
{
    while (fa_store_durable(fixture->store) < number) {
        wait_wake(fixture);
    }
}

static inline void wait_state(struct fixture *fixture, enum fa_store_state state)
{
    while (fa_store_state(fixture->store) != state) {
        wait_wake(fixture);
    }
}

static inline void put(struct fa_txn *txn, uint32_t kind, bool live, fa_time time, const char *key,
                       const char *value)
{
    struct fa_row row = {kind, live, time, fa_str_of(key), fa_str_of(value)};
    assert_int_equal(fa_txn_put(txn, &row), 0);
}

static inline uint64_t journal(struct fa_txn *txn, fa_time time, const char *body)
{
    uint64_t n = 0;
    assert_int_equal(fa_txn_journal(txn, time, fa_str_of(body), &n), 0);
    return n;
}

static inline uint64_t submit_one(struct fixture *fixture, const char *key, const char *value)
{
    struct fa_txn *txn = fa_txn_begin(fixture->store);
    put(txn, 1, true, 1, key, value);
    journal(txn, 1, key);
    return fa_txn_submit(txn);
}

/* What a read brought, as text. */
struct answer {
    char text[4096], next_key[64];
    int code, answered;
    size_t rows, damaged;
    bool more;
    fa_time next_before;
    uint64_t checked, first_bad;
    char error[512];
};

static inline void keep_answer(void *ctx, const struct fa_store_answer *answer)
{
    struct answer *kept = ctx;
    kept->answered++;
    kept->code = answer->code;
    kept->rows = answer->row_count;
    kept->damaged = answer->damaged;
    kept->more = answer->more;
    kept->next_before = answer->next_before;
    kept->checked = answer->checked;
    kept->first_bad = answer->first_bad;
    snprintf(kept->next_key, sizeof kept->next_key, "%.*s", FA_STR_ARG(answer->next_key));
    snprintf(kept->error, sizeof kept->error, "%s", answer->err->text);
    for (size_t i = 0; i < answer->row_count; i++) {
        append_text(kept->text, sizeof kept->text, "%.*s=%.*s ", FA_STR_ARG(answer->rows[i].key),
                    FA_STR_ARG(answer->rows[i].value));
    }
    for (size_t i = 0; i < answer->entry_count; i++) {
        append_text(kept->text, sizeof kept->text, "%llu:%.*s ",
                    (unsigned long long)answer->entries[i].n, FA_STR_ARG(answer->entries[i].body));
    }
}

static inline void wait_answer(struct fixture *fixture, const struct answer *answer)
{
    for (;;) {
        fa_store_poll(fixture->store);
        if (answer->answered > 0) {
            break;
        }
        wait_wake(fixture);
    }
    assert_int_equal(answer->answered, 1);
}

static inline void write_three(struct fixture *fixture)
{
    start(fixture);
    submit_one(fixture, "a", "alpha");
    submit_one(fixture, "b", "beta");
    submit_one(fixture, "c", "gamma");
    assert_int_equal(stop(fixture), 0);
}

#endif
