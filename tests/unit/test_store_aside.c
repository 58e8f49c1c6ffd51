/* SPDX-License-Identifier: MIT */
/* links: fa_test_stores fa_host Threads::Threads */
/* The file beside the store: whole under its name or not there. */
#include "store_fixture.h"
#include "store/aside.h"
#include "tmpdir.h"

#include <sys/stat.h>
#include <unistd.h>

static void put_piece(struct fixture *fixture, const char *text)
{
    struct fa_buf buf;
    fa_buf_init(&buf, 1 << 20);
    fa_buf_puts(&buf, text);
    fa_aside_put(fixture->store, &buf);
}

static enum fa_aside_state settled(struct fixture *fixture)
{
    struct fa_aside aside;
    for (;;) {
        fa_aside_get(fixture->store, &aside);
        if (aside.state != FA_ASIDE_WRITING) {
            return aside.state;
        }
        wait_wake(fixture);
    }
}

static void write_file(struct fixture *fixture, const char *path, const char *text)
{
    fa_aside_begin(fixture->store, path);
    put_piece(fixture, text);
    put_piece(fixture, ", and more");
    fa_aside_end(fixture->store);
    assert_true(fa_aside_wait(fixture->store, 0, 10000));
    assert_int_equal(settled(fixture), FA_ASIDE_DONE);
}

static void what_was_put_is_read_back_and_the_next_takes_its_place(void **state)
{
    struct fixture *fixture = *state;
    struct fa_aside_file file;
    struct fa_err err;
    struct tmpdir dir;
    char path[256];
    tmpdir_make(&dir);
    snprintf(path, sizeof path, "%s/windows", dir.path);
    start(fixture);
    assert_int_equal(fa_aside_open(path, &file, &err), FA_ENOTFOUND);
    write_file(fixture, path, "one");
    assert_int_equal(fa_aside_open(path, &file, &err), 0);
    assert_true(fa_str_is(file.bytes, "one, and more"));
    fa_aside_close(&file);
    /* one that is not ended leaves what is there */
    fa_aside_begin(fixture->store, path);
    put_piece(fixture, "half");
    fa_aside_drop(fixture->store);
    assert_int_equal(settled(fixture), FA_ASIDE_NONE);
    assert_int_equal(fa_aside_open(path, &file, &err), 0);
    assert_true(fa_str_is(file.bytes, "one, and more"));
    fa_aside_close(&file);
    /* commits go on beside it, and closing in the middle leaves it too */
    fa_aside_begin(fixture->store, path);
    put_piece(fixture, "half");
    wait_durable(fixture, submit_one(fixture, "a", "v"));
    assert_int_equal(stop(fixture), 0);
    start(fixture);
    write_file(fixture, path, "two");
    assert_int_equal(fa_aside_open(path, &file, &err), 0);
    assert_true(fa_str_is(file.bytes, "two, and more"));
    fa_aside_close(&file);
    tmpdir_remove(&dir);
}

static void a_file_that_was_touched_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct fa_aside_file file;
    struct fa_err err;
    struct tmpdir dir;
    char path[256], bytes[256];
    tmpdir_make(&dir);
    snprintf(path, sizeof path, "%s/windows", dir.path);
    start(fixture);
    write_file(fixture, path, "one");
    FILE *stream = fopen(path, "r");
    size_t len = fread(bytes, 1, sizeof bytes, stream);
    fclose(stream);
    for (size_t i = 0; i < 2 * len; i++) {
        size_t at = i / 2, left = i % 2 == 0 ? len : at;
        bytes[at] ^= i % 2 == 0;
        stream = fopen(path, "w");
        assert_int_equal(fwrite(bytes, 1, left, stream), left);
        fclose(stream);
        assert_int_equal(fa_aside_open(path, &file, &err), FA_ECORRUPT);
        assert_contains(err.text, path);
        bytes[at] ^= i % 2 == 0;
    }
    tmpdir_remove(&dir);
}

static void what_cannot_be_written_is_said_and_stops_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct fa_aside aside;
    struct fa_aside_file file;
    struct fa_err err;
    struct tmpdir dir;
    char path[256];
    tmpdir_make(&dir);
    snprintf(path, sizeof path, "%s/nowhere/windows", dir.path);
    start(fixture);
    fa_aside_begin(fixture->store, path);
    put_piece(fixture, "one");
    fa_aside_end(fixture->store);
    assert_false(fa_aside_wait(fixture->store, 0, 10000));
    fa_aside_get(fixture->store, &aside);
    assert_int_equal(aside.state, FA_ASIDE_FAILED);
    assert_contains(aside.err.text, "nowhere");
    wait_durable(fixture, submit_one(fixture, "a", "v"));
    snprintf(path, sizeof path, "%s/pipe.new", dir.path);
    assert_int_equal(mkfifo(path, 0600), 0); /* it waits for nobody */
    assert_int_equal(fa_aside_open(path, &file, &err), FA_ECORRUPT);
    snprintf(path, sizeof path, "%s/pipe", dir.path);
    fa_aside_begin(fixture->store, path);
    fa_aside_end(fixture->store);
    assert_false(fa_aside_wait(fixture->store, 0, 10000));
    wait_durable(fixture, submit_one(fixture, "b", "v"));
    snprintf(path, sizeof path, "%s/windows", dir.path);
    write_file(fixture, path, "later");
    fa_aside_get(fixture->store, &aside);
    assert_int_equal(aside.waiting, 0);
    tmpdir_remove(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_put_is_read_back_and_the_next_takes_its_place,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_that_was_touched_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_written_is_said_and_stops_nothing, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
