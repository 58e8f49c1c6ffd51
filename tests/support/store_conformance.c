/* SPDX-License-Identifier: MIT */
/* The conformance suite: the sentences of firealarm/store.h, each as a test. It talks to the
 * plugin's table alone, so MACs and chain values are arbitrary bytes here. */
#include "fa_test.h"
#include "store_conformance.h"

struct open_store {
    const struct firealarm_store *plugin;
    void *self;
    struct firealarm_error error;
};

static struct firealarm_text text_of(const char *text)
{
    return (struct firealarm_text){text, strlen(text)};
}

static struct open_store open_it(void **state)
{
    struct fa_conformance *conformance = *state;
    struct open_store store = {.plugin = conformance->plugin};
    int32_t rc =
        store.plugin->open(&conformance->host, &conformance->settings, &store.self, &store.error);
    if (rc != 0) {
        fail_msg("open: %d %s", (int)rc, store.error.text);
    }
    return store;
}

static void close_it(struct open_store *store)
{
    store->plugin->close(store->self);
}

static struct firealarm_row make_row(uint32_t kind, bool live, int64_t time, const char *key,
                                     const char *value)
{
    struct firealarm_row row = {
        .kind = kind, .live = live, .time = time, .key = text_of(key), .value = text_of(value)};
    memset(row.mac, (int)strlen(value) + 1, sizeof row.mac);
    return row;
}

#define ok(store, call)                                                                            \
    do {                                                                                           \
        int32_t rc_ = (store)->plugin->call;                                                       \
        if (rc_ != 0) {                                                                            \
            fail_msg("%s: %d %s", #call, (int)rc_, (store)->error.text);                           \
        }                                                                                          \
    } while (0)

static void begin(struct open_store *store)
{
    ok(store, begin(store->self, &store->error));
}

static void commit(struct open_store *store)
{
    ok(store, commit(store->self, &store->error));
}

static void put(struct open_store *store, uint32_t kind, bool live, int64_t time, const char *key,
                const char *value)
{
    struct firealarm_row row = make_row(kind, live, time, key, value);
    ok(store, put(store->self, &row, &store->error));
}

static int32_t append(struct open_store *store, uint64_t n, const char *body)
{
    struct firealarm_entry entry = {.n = n, .time = (int64_t)n * 10, .body = text_of(body)};
    memset(entry.chain, (int)n, sizeof entry.chain);
    return store->plugin->append(store->self, &entry, &store->error);
}

/* Everything a walk shows, as one text: "kind/key=value@time ". */
struct seen {
    char text[32768];
    size_t len, count, stop_after;
    uint64_t head;
    struct firealarm_row last;
    char last_key[64];
};

static int32_t see_row(void *ctx, const struct firealarm_row *row)
{
    struct seen *seen = ctx;
    seen->count++;
    int n = snprintf(seen->text + seen->len, sizeof seen->text - seen->len, "%u/%.*s=%.*s@%lld ",
                     (unsigned)row->kind, (int)row->key.len, row->key.ptr, (int)row->value.len,
                     row->value.ptr, (long long)row->time);
    seen->len += n > 0 && (size_t)n < sizeof seen->text - seen->len ? (size_t)n : 0;
    seen->last = *row;
    memcpy(seen->last_key, row->key.ptr, row->key.len);
    seen->last.key.ptr = seen->last_key;
    for (size_t i = 0; i < sizeof row->mac && row->value.len < 200; i++) {
        assert_int_equal(row->mac[i], (uint8_t)(row->value.len + 1));
    }
    return seen->count == seen->stop_after ? 77 : 0;
}

static int32_t see_entry(void *ctx, const struct firealarm_entry *entry)
{
    struct seen *seen = ctx;
    seen->count++;
    seen->head = entry->n;
    assert_int_equal(entry->time, entry->n * 10);
    assert_int_equal(entry->chain[31], (uint8_t)entry->n);
    int n = snprintf(seen->text + seen->len, sizeof seen->text - seen->len, "%llu:%.*s ",
                     (unsigned long long)entry->n, (int)entry->body.len, entry->body.ptr);
    seen->len += n > 0 && (size_t)n < sizeof seen->text - seen->len ? (size_t)n : 0;
    return seen->count == seen->stop_after ? 77 : 0;
}

static void starts_empty(void **state)
{
    struct open_store store = open_it(state);
    struct seen seen = {.len = 0};
    ok(&store, load(store.self, see_row, see_entry, &seen, &store.error));
    ok(&store, query(store.self, 1, INT64_MAX, text_of(""), 10, see_row, &seen, &store.error));
    ok(&store, journal(store.self, 1, 10, see_entry, &seen, &store.error));
    assert_int_equal(seen.count, 0);
    assert_int_equal(store.plugin->get(store.self, 1, text_of("a"), see_row, &seen, &store.error),
                     FIREALARM_STORE_NOT_FOUND);
    close_it(&store);
}

static void gives_back_after_reopening_what_was_committed(void **state)
{
    struct open_store store = open_it(state);
    begin(&store);
    put(&store, 1, true, 5, "a", "one");
    put(&store, 2, true, 6, "a", "two");
    put(&store, 1, false, 7, "b", "");
    assert_int_equal(append(&store, 1, "filed"), 0);
    assert_int_equal(append(&store, 2, ""), 0);
    commit(&store);
    close_it(&store);

    store = open_it(state);
    struct seen seen = {.len = 0}, history = {.len = 0}, journal = {.len = 0};
    ok(&store, load(store.self, see_row, see_entry, &seen, &store.error));
    assert_int_equal(seen.count, 3);
    assert_contains(seen.text, "1/a=one@5 ");
    assert_contains(seen.text, "2/a=two@6 ");
    assert_contains(seen.text, "2: ");
    assert_int_equal(seen.head, 2);
    ok(&store, query(store.self, 1, INT64_MAX, text_of(""), 10, see_row, &history, &store.error));
    assert_string_equal(history.text, "1/b=@7 ");
    ok(&store, journal(store.self, 1, 10, see_entry, &journal, &store.error));
    assert_string_equal(journal.text, "1:filed 2: ");
    close_it(&store);
}

static void replaces_a_row_and_moves_it_between_live_and_history(void **state)
{
    struct open_store store = open_it(state);
    begin(&store);
    put(&store, 1, true, 5, "a", "old");
    commit(&store);
    begin(&store);
    put(&store, 1, false, 9, "a", "newer");
    commit(&store);
    struct seen seen = {.len = 0}, got = {.len = 0};
    ok(&store, load(store.self, see_row, see_entry, &seen, &store.error));
    assert_int_equal(seen.count, 0);
    ok(&store, get(store.self, 1, text_of("a"), see_row, &got, &store.error));
    assert_string_equal(got.text, "1/a=newer@9 ");
    begin(&store);
    put(&store, 1, true, 10, "a", "again");
    put(&store, 1, true, 11, "a", "twice");
    commit(&store);
    ok(&store, load(store.self, see_row, see_entry, &seen, &store.error));
    assert_string_equal(seen.text, "1/a=twice@11 ");
    close_it(&store);
}

static void a_row_that_ended_is_history_alone(void **state)
{
    struct open_store store = open_it(state);
    for (int round = 0; round < 2; round++) {
        const char *key = round == 0 ? "a" : "b";
        struct firealarm_row row = make_row(1, true, 9 + round, key, "ended");
        row.live = 2;
        begin(&store);
        put(&store, 1, true, 5, key, "live");
        if (round == 0) {
            commit(&store); /* and in a transaction of its own */
            begin(&store);
        }
        ok(&store, put(store.self, &row, &store.error));
        commit(&store);
    }
    for (int round = 0; round < 2; round++) {
        struct seen live = {.len = 0}, history = {.len = 0};
        ok(&store, load(store.self, see_row, see_entry, &live, &store.error));
        assert_int_equal(live.count, 0);
        ok(&store,
           query(store.self, 1, INT64_MAX, text_of(""), 10, see_row, &history, &store.error));
        assert_string_equal(history.text, "1/b=ended@10 1/a=ended@9 ");
        assert_int_equal(history.last.live, 2);
        close_it(&store);
        store = open_it(state);
    }
    close_it(&store);
}

static void erases_and_does_not_mind_what_is_not_there(void **state)
{
    struct open_store store = open_it(state);
    struct seen seen = {.len = 0};
    begin(&store);
    put(&store, 1, true, 5, "a", "x");
    put(&store, 1, true, 5, "b", "y");
    commit(&store);
    begin(&store);
    ok(&store, erase(store.self, 1, text_of("a"), &store.error));
    ok(&store, erase(store.self, 2, text_of("b"), &store.error));
    ok(&store, erase(store.self, 9, text_of("never"), &store.error));
    put(&store, 1, true, 6, "c", "z");
    ok(&store, erase(store.self, 1, text_of("c"), &store.error));
    commit(&store);
    ok(&store, load(store.self, see_row, see_entry, &seen, &store.error));
    assert_string_equal(seen.text, "1/b=y@5 ");
    close_it(&store);
}

static void nothing_of_a_rolled_back_transaction_is_there(void **state)
{
    struct open_store store = open_it(state);
    begin(&store);
    put(&store, 1, true, 5, "kept", "v");
    assert_int_equal(append(&store, 1, "kept"), 0);
    commit(&store);
    begin(&store);
    put(&store, 1, true, 6, "kept", "changed");
    put(&store, 1, true, 6, "gone", "v");
    assert_int_equal(append(&store, 2, "gone"), 0);
    store.plugin->rollback(store.self);
    for (int round = 0; round < 2; round++) {
        struct seen seen = {.len = 0};
        ok(&store, load(store.self, see_row, see_entry, &seen, &store.error));
        assert_string_equal(seen.text, "1/kept=v@5 1:kept ");
        close_it(&store);
        store = open_it(state);
    }
    begin(&store); /* the number is given again */
    assert_int_equal(append(&store, 2, "then"), 0);
    commit(&store);
    close_it(&store);
}

static void a_transaction_that_was_open_at_close_is_gone(void **state)
{
    struct open_store store = open_it(state);
    begin(&store);
    put(&store, 1, true, 5, "a", "v");
    close_it(&store);
    store = open_it(state);
    struct seen seen = {.len = 0};
    ok(&store, load(store.self, see_row, see_entry, &seen, &store.error));
    assert_int_equal(seen.count, 0);
    close_it(&store);
}

static void changes_belong_into_a_transaction(void **state)
{
    struct open_store store = open_it(state);
    struct firealarm_row row = make_row(1, true, 5, "a", "v");
    const struct firealarm_store *plugin = store.plugin;
    assert_int_equal(plugin->put(store.self, &row, &store.error), FIREALARM_STORE_FAILED);
    assert_int_equal(plugin->erase(store.self, 1, row.key, &store.error), FIREALARM_STORE_FAILED);
    assert_int_equal(append(&store, 1, "x"), FIREALARM_STORE_FAILED);
    assert_int_equal(plugin->commit(store.self, &store.error), FIREALARM_STORE_FAILED);
    begin(&store);
    assert_int_equal(plugin->begin(store.self, &store.error), FIREALARM_STORE_FAILED);
    plugin->rollback(store.self);
    plugin->rollback(store.self); /* one too many harms nothing */
    begin(&store);
    commit(&store);
    close_it(&store);
}

static void the_journal_has_no_gap_and_no_repetition(void **state)
{
    struct open_store store = open_it(state);
    begin(&store);
    assert_int_equal(append(&store, 2, "x"), FIREALARM_STORE_FAILED);
    assert_int_equal(append(&store, 0, "x"), FIREALARM_STORE_FAILED);
    assert_int_equal(append(&store, 1, "x"), 0);
    assert_int_equal(append(&store, 1, "x"), FIREALARM_STORE_FAILED);
    assert_int_equal(append(&store, 3, "x"), FIREALARM_STORE_FAILED);
    assert_int_equal(append(&store, 2, "y"), 0);
    commit(&store);
    close_it(&store);
    store = open_it(state);
    begin(&store);
    assert_int_equal(append(&store, 2, "z"), FIREALARM_STORE_FAILED);
    assert_int_equal(append(&store, 4, "z"), FIREALARM_STORE_FAILED);
    assert_int_equal(append(&store, 3, "z"), 0);
    commit(&store);
    struct seen seen = {.len = 0};
    ok(&store, journal(store.self, 2, 1, see_entry, &seen, &store.error));
    ok(&store, journal(store.self, 0, 1, see_entry, &seen, &store.error));
    ok(&store, journal(store.self, 4, 10, see_entry, &seen, &store.error));
    ok(&store, journal(store.self, UINT64_MAX, 10, see_entry, &seen, &store.error));
    assert_string_equal(seen.text, "2:y 1:x ");
    close_it(&store);
}

static void history_is_newest_first_by_time_then_key(void **state)
{
    struct open_store store = open_it(state);
    begin(&store);
    put(&store, 1, false, 5, "b", "v");
    put(&store, 1, false, 5, "a", "v");
    put(&store, 1, false, 5, "\xff", "v");
    put(&store, 1, false, -3, "old", "v");
    put(&store, 1, false, 9, "new", "v");
    put(&store, 1, true, 8, "live", "v");
    put(&store, 2, false, 8, "other", "v");
    commit(&store);
    struct seen seen = {.len = 0}, some = {.len = 0}, none = {.len = 0};
    ok(&store, query(store.self, 1, INT64_MAX, text_of(""), 10, see_row, &seen, &store.error));
    assert_string_equal(seen.text, "1/new=v@9 1/\xff=v@5 1/b=v@5 1/a=v@5 1/old=v@-3 ");
    ok(&store, query(store.self, 1, 5, text_of("b"), 1, see_row, &some, &store.error));
    assert_string_equal(some.text, "1/a=v@5 ");
    ok(&store, query(store.self, 1, 5, text_of(""), 1, see_row, &some, &store.error));
    assert_string_equal(some.text, "1/a=v@5 1/old=v@-3 ");
    ok(&store, query(store.self, 1, INT64_MAX, text_of(""), 0, see_row, &none, &store.error));
    ok(&store, query(store.self, 1, -3, text_of("old"), 5, see_row, &none, &store.error));
    assert_int_equal(none.count, 0);
    close_it(&store);
}

static void a_walk_stops_when_it_is_told_to(void **state)
{
    struct open_store store = open_it(state);
    begin(&store);
    for (int i = 0; i < 5; i++) {
        char key[8];
        snprintf(key, sizeof key, "k%d", i);
        put(&store, 1, i % 2 == 0, i, key, "v");
        assert_int_equal(append(&store, (uint64_t)i + 1, "e"), 0);
    }
    commit(&store);
    struct seen live = {.stop_after = 2}, history = {.stop_after = 1}, entries = {.stop_after = 3},
                got = {.stop_after = 1};
    const struct firealarm_store *plugin = store.plugin;
    assert_int_equal(plugin->load(store.self, see_row, see_entry, &live, &store.error), 77);
    assert_int_equal(
        plugin->query(store.self, 1, 99, text_of(""), 9, see_row, &history, &store.error), 77);
    assert_int_equal(plugin->journal(store.self, 1, 9, see_entry, &entries, &store.error), 77);
    assert_int_equal(plugin->get(store.self, 1, text_of("k1"), see_row, &got, &store.error), 77);
    assert_int_equal(live.count + history.count + entries.count + got.count, 7);
    begin(&store); /* and leaves nothing open behind it */
    put(&store, 1, true, 1, "after", "v");
    commit(&store);
    close_it(&store);
}

static void keys_and_values_are_any_bytes_up_to_their_limits(void **state)
{
    struct open_store store = open_it(state);
    char key[FIREALARM_STORE_KEY_MAX + 1];
    char *value = malloc(FIREALARM_STORE_VALUE_MAX + 1);
    assert_non_null(value);
    for (size_t i = 0; i <= FIREALARM_STORE_VALUE_MAX; i++) {
        value[i] = (char)(i * 7);
    }
    memset(key, 0, sizeof key);
    struct firealarm_row row = {.kind = UINT32_MAX,
                                .live = 1,
                                .time = INT64_MIN,
                                .key = {key, FIREALARM_STORE_KEY_MAX},
                                .value = {value, FIREALARM_STORE_VALUE_MAX}};
    begin(&store);
    ok(&store, put(store.self, &row, &store.error));
    row.key.len = FIREALARM_STORE_KEY_MAX - 1; /* zeros, but fewer: another key */
    row.value.len = 1;
    ok(&store, put(store.self, &row, &store.error));
    commit(&store);
    begin(&store);
    const struct firealarm_store *plugin = store.plugin;
    row.key.len = FIREALARM_STORE_KEY_MAX + 1;
    assert_int_equal(plugin->put(store.self, &row, &store.error), FIREALARM_STORE_FAILED);
    row.key.len = 0;
    assert_int_equal(plugin->put(store.self, &row, &store.error), FIREALARM_STORE_FAILED);
    row.key.len = 1;
    row.value.len = FIREALARM_STORE_VALUE_MAX + 1;
    assert_int_equal(plugin->put(store.self, &row, &store.error), FIREALARM_STORE_FAILED);
    plugin->rollback(store.self);
    struct seen seen = {.len = 0};
    row.key.len = FIREALARM_STORE_KEY_MAX;
    ok(&store, get(store.self, UINT32_MAX, row.key, see_row, &seen, &store.error));
    assert_int_equal(seen.last.value.len, FIREALARM_STORE_VALUE_MAX);
    assert_true(seen.last.time == INT64_MIN);
    free(value);
    close_it(&store);
}

/* 10,000 rows, many to a millisecond, in pages: each exactly once. */
static void pages_through_ten_thousand_rows(void **state)
{
    enum { ROWS = 10000, PAGE = 500, PER_MS = 700 };
    struct open_store store = open_it(state);
    for (int i = 0; i < ROWS; i++) {
        char key[16];
        if (i % 1000 == 0) {
            begin(&store);
        }
        snprintf(key, sizeof key, "%05d", (i * 7919) % ROWS);
        put(&store, 3, false, i / PER_MS, key, "v");
        assert_int_equal(append(&store, (uint64_t)i + 1, "e"), 0);
        if (i % 1000 == 999) {
            commit(&store);
        }
    }
    size_t total = 0, pages = 0;
    struct seen seen = {.last = {.time = INT64_MAX}};
    bool *found = calloc(ROWS, sizeof *found);
    assert_non_null(found);
    do {
        struct firealarm_text key = seen.last.key;
        char copy[64];
        memcpy(copy, seen.last_key, sizeof copy);
        key.ptr = copy;
        int64_t before = seen.last.time;
        seen.count = seen.len = 0;
        ok(&store, query(store.self, 3, before, key, PAGE, see_row, &seen, &store.error));
        total += seen.count;
        pages++;
        for (char *at = seen.text; seen.count > 0 && (at = strstr(at, "3/")) != NULL; at += 2) {
            size_t i = strtoul(at + 2, NULL, 10) % ROWS;
            assert_false(found[i]);
            found[i] = true;
        }
    } while (seen.count == PAGE);
    assert_int_equal(total, ROWS);
    assert_int_equal(pages, ROWS / PAGE + 1);
    free(found);
    struct seen entries = {.len = 0};
    ok(&store, journal(store.self, 1, UINT32_MAX, see_entry, &entries, &store.error));
    assert_int_equal(entries.count, ROWS);
    close_it(&store);
}

static void close_takes_null(void **state)
{
    const struct fa_conformance *conformance = *state;
    conformance->plugin->close(NULL);
}

static void is_held_by_one_at_a_time(void **state)
{
    struct fa_conformance *conformance = *state;
    struct open_store store = open_it(state);
    void *second = NULL;
    assert_int_equal(
        store.plugin->open(&conformance->host, &conformance->settings, &second, &store.error),
        FIREALARM_STORE_BUSY);
    assert_true(strlen(store.error.text) > 0);
    close_it(&store);
    store = open_it(state);
    close_it(&store);
}

static void the_reserve_can_be_taken_given_up_and_taken_again(void **state)
{
    struct open_store store = open_it(state);
    if (store.plugin->reserve != NULL) {
        ok(&store, reserve(store.self, 1, &store.error));
        ok(&store, reserve(store.self, 1, &store.error));
        (void)store.plugin->reserve(store.self, 0, &store.error);
        assert_int_equal(store.plugin->reserve(store.self, 0, &store.error),
                         FIREALARM_STORE_NOT_FOUND);
        ok(&store, reserve(store.self, 1, &store.error));
    }
    close_it(&store);
}

static void count_all(const struct firealarm_store *plugin, void *self, struct seen *ret_live,
                      struct seen *ret_journal)
{
    struct firealarm_error error;
    *ret_live = *ret_journal = (struct seen){.len = 0};
    assert_int_equal(plugin->load(self, see_row, see_entry, ret_live, &error), 0);
    assert_int_equal(plugin->journal(self, 1, UINT32_MAX, see_entry, ret_journal, &error), 0);
}

/* Rows of 3 KB, so that a copy needs many steps; key k00 to k99. */
static void put_many(struct open_store *store, uint64_t n, char fill)
{
    static char value[3000];
    memset(value, fill, sizeof value - 1);
    begin(store);
    for (int i = 0; i < 100; i++) {
        char key[8];
        snprintf(key, sizeof key, "k%02d", i);
        put(store, 1, true, 1, key, value);
    }
    assert_int_equal(append(store, n, "many"), 0);
    commit(store);
}

static void a_copy_holds_what_was_committed_until_its_last_step(void **state)
{
    struct fa_conformance *conformance = *state;
    struct open_store store = open_it(state);
    const struct firealarm_store *plugin = store.plugin;
    char dir[] = "/tmp/fa-copy-XXXXXX", word[32];
    uint64_t done = 0, total = 0, n = 1;
    struct seen live, journal, copied, copied_journal;
    void *copy = NULL;
    if (plugin->copy_begin == NULL) {
        close_it(&store);
        return;
    }
    assert_non_null(mkdtemp(dir));
    put_many(&store, n, 'a');
    ok(&store, copy_begin(store.self, dir, &store.error));
    assert_true(plugin->copy_begin(store.self, dir, &store.error) < 0); /* one at a time */
    int32_t rc;
    while ((rc = plugin->copy_step(store.self, &done, &total, &store.error)) == 1) {
        assert_true(done <= total);
        n++; /* over what was copied and what was not */
        put_many(&store, n, (char)('a' + n % 20));
        if (n == 2) { /* a store may begin anew then */
            begin(&store);
            put(&store, 2, true, 1, "undone", "never");
            plugin->rollback(store.self);
        }
    }
    assert_int_equal(rc, 0);
    assert_true(n > 2 && total > 0);
    plugin->copy_end(store.self);
    count_all(plugin, store.self, &live, &journal);
    assert_int_equal(
        plugin->copy_open(&conformance->host, &conformance->settings, dir, 0, &copy, &store.error),
        0);
    count_all(plugin, copy, &copied, &copied_journal);
    assert_int_equal(copied.count, live.count);
    assert_memory_equal(copied.text, live.text, live.len);
    assert_string_equal(copied_journal.text, journal.text);
    assert_int_equal(copied_journal.head, n);
    /* It is a store of its own: what happens to it does not happen to the first. */
    assert_int_equal(plugin->begin(copy, &store.error), 0);
    assert_int_equal(plugin->erase(copy, 1, text_of("k00"), &store.error), 0);
    assert_int_equal(plugin->commit(copy, &store.error), 0);
    assert_true(plugin->adopt(copy, &store.error, &store.error) < 0);
    plugin->close(copy);
    count_all(plugin, store.self, &copied, &copied_journal);
    assert_int_equal(copied.count, live.count);
    /* The store is in use, so nothing can be put in its place. */
    assert_int_equal(
        plugin->copy_open(&conformance->host, &conformance->settings, dir, 1, &copy, &store.error),
        FIREALARM_STORE_BUSY);
    close_it(&store);
    snprintf(word, sizeof word, "rm -r %s", dir);
    assert_int_equal(system(word), 0);
}

static void a_copy_that_is_given_up_leaves_the_store_as_it_is(void **state)
{
    struct open_store store = open_it(state);
    char dir[] = "/tmp/fa-copy-XXXXXX", word[32];
    uint64_t done = 0, total = 0;
    struct seen live, journal;
    if (store.plugin->copy_begin != NULL) {
        assert_non_null(mkdtemp(dir));
        put_many(&store, 1, 'a');
        ok(&store, copy_begin(store.self, dir, &store.error));
        assert_int_equal(store.plugin->copy_step(store.self, &done, &total, &store.error), 1);
        store.plugin->copy_end(store.self);
        put_many(&store, 2, 'b');
        count_all(store.plugin, store.self, &live, &journal);
        assert_int_equal(journal.head, 2);
        snprintf(word, sizeof word, "rm -r %s", dir);
        assert_int_equal(system(word), 0);
    }
    close_it(&store);
}

static void an_adopted_copy_is_the_store_from_then_on(void **state)
{
    struct fa_conformance *conformance = *state;
    struct open_store store = open_it(state);
    const struct firealarm_store *plugin = store.plugin;
    char dir[] = "/tmp/fa-copy-XXXXXX", word[32];
    uint64_t done = 0, total = 0;
    struct firealarm_error kept = {""};
    struct seen live, journal;
    void *copy = NULL;
    if (plugin->copy_begin == NULL) {
        close_it(&store);
        return;
    }
    assert_non_null(mkdtemp(dir));
    put_many(&store, 1, 'a');
    ok(&store, copy_begin(store.self, dir, &store.error));
    while (plugin->copy_step(store.self, &done, &total, &store.error) == 1) {
    }
    plugin->copy_end(store.self);
    put_many(&store, 2, 'b');
    close_it(&store);
    assert_int_equal(
        plugin->copy_open(&conformance->host, &conformance->settings, dir, 1, &copy, &store.error),
        0);
    assert_int_equal(plugin->adopt(copy, &kept, &store.error), 0);
    assert_true(kept.text[0] != '\0');
    plugin->close(copy);
    store = open_it(state);
    count_all(plugin, store.self, &live, &journal);
    assert_int_equal(journal.head, 1);
    assert_int_equal(append(&store, 2, "not in a transaction"), FIREALARM_STORE_FAILED);
    put_many(&store, 2, 'c');
    close_it(&store);
    snprintf(word, sizeof word, "rm -r %s", dir);
    assert_int_equal(system(word), 0);
}

int fa_conformance_run(const char *group, int (*setup)(void **state), int (*teardown)(void **state))
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_empty),
        cmocka_unit_test(gives_back_after_reopening_what_was_committed),
        cmocka_unit_test(replaces_a_row_and_moves_it_between_live_and_history),
        cmocka_unit_test(a_row_that_ended_is_history_alone),
        cmocka_unit_test(erases_and_does_not_mind_what_is_not_there),
        cmocka_unit_test(nothing_of_a_rolled_back_transaction_is_there),
        cmocka_unit_test(a_transaction_that_was_open_at_close_is_gone),
        cmocka_unit_test(changes_belong_into_a_transaction),
        cmocka_unit_test(the_journal_has_no_gap_and_no_repetition),
        cmocka_unit_test(history_is_newest_first_by_time_then_key),
        cmocka_unit_test(a_walk_stops_when_it_is_told_to),
        cmocka_unit_test(keys_and_values_are_any_bytes_up_to_their_limits),
        cmocka_unit_test(pages_through_ten_thousand_rows),
        cmocka_unit_test(close_takes_null),
        cmocka_unit_test(is_held_by_one_at_a_time),
        cmocka_unit_test(the_reserve_can_be_taken_given_up_and_taken_again),
        cmocka_unit_test(a_copy_holds_what_was_committed_until_its_last_step),
        cmocka_unit_test(a_copy_that_is_given_up_leaves_the_store_as_it_is),
        cmocka_unit_test(an_adopted_copy_is_the_store_from_then_on),
    };
    size_t count = sizeof tests / sizeof tests[0];
    for (size_t i = 0; i < count; i++) {
        tests[i].setup_func = setup;
        tests[i].teardown_func = teardown;
    }
    return _cmocka_run_group_tests(group, tests, count, NULL, NULL);
}
