/* SPDX-License-Identifier: MIT */
/* Sizes by name, and one line a row. The row is written before the verdict: a broken promise stands
 * in the table as it was measured. */
#include "promise.h"

#include "fa_test.h"

enum size { SIZE_TEST, SIZE_CI, SIZE_NIGHT, SIZE_RELEASE };

static enum size size_now(void)
{
    static const char *const names[] = {"test", "ci", "night", "release"};
    const char *name = getenv("FA_PROMISE_SIZE");
    for (int i = SIZE_TEST; name != NULL && i <= SIZE_RELEASE; i++) {
        if (strcmp(name, names[i]) == 0) {
            return (enum size)i;
        }
    }
    if (name != NULL) {
        fail_msg("FA_PROMISE_SIZE is \"%s\": use test, ci, night or release", name);
    }
    return SIZE_TEST;
}

size_t promise_tries(const struct promise_sizes *sizes)
{
    switch (size_now()) {
    case SIZE_TEST:
        return sizes->test;
    case SIZE_CI:
        return sizes->ci;
    case SIZE_NIGHT:
        return sizes->night;
    case SIZE_RELEASE:
    default:
        return sizes->release != 0 ? sizes->release : sizes->night;
    }
}

int promise_is_exhaustive(void)
{
    return size_now() >= SIZE_NIGHT;
}

static const char *figure(long count, char text[24])
{
    if (count == PROMISE_NOT_LOOKED_AT) {
        return "-";
    }
    snprintf(text, 24, "%ld", count);
    return text;
}

static void write_row(FILE *file, const struct promise_row *row)
{
    char lost[24], missed[24], duplicates[24], leaks[24];
    fprintf(file, "%s\t%zu\t%s\t%s\t%s%s%s%s\t%s\t%s\n", row->fault, row->tries,
            figure(row->lost, lost), figure(row->missed, missed),
            figure(row->duplicates, duplicates), row->bound != NULL ? " (at most " : "",
            row->bound != NULL ? row->bound : "", row->bound != NULL ? ")" : "",
            figure(row->leaks, leaks), row->note != NULL ? row->note : "");
}

void promise_print(const struct promise_row *row)
{
    const char *path = getenv("FA_PROMISE_ROWS");
    printf("promise\t");
    write_row(stdout, row);
    fflush(stdout);
    if (path != NULL) {
        FILE *file = fopen(path, "a");
        assert_non_null(file);
        write_row(file, row);
        assert_int_equal(fclose(file), 0);
    }
    assert_true(row->tries > 0);
    if (row->lost > 0 || row->missed > 0 || row->leaks > 0 ||
        (row->bound == NULL && row->duplicates > 0)) {
        fail_msg("the promise is broken under \"%s\"", row->fault);
    }
}
