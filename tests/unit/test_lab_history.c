/* SPDX-License-Identifier: MIT */
/* History read from Prometheus text and CSV: the same samples in both, every fault at its place. */
#include "fa_test.h"

#include "lab/history.h"

#include <inttypes.h>

struct list {
    const struct fa_query_source *source;
    char text[2048];
};

static int list_series(void *ctx, const struct fa_labels *labels, void *series)
{
    struct list *list = ctx;
    const struct fa_point *points;
    size_t count = list->source->read(list->source->ctx, series, INT64_MIN, INT64_MAX, &points);
    struct fa_buf buf;
    fa_buf_init(&buf, 1024);
    fa_labels_format(labels, &buf);
    size_t len = strlen(list->text);
    len += (size_t)snprintf(list->text + len, sizeof list->text - len, "%s:", fa_buf_text(&buf));
    for (size_t i = 0; i < count; i++) {
        len += (size_t)snprintf(list->text + len, sizeof list->text - len, " %g@%" PRId64,
                                points[i].value, points[i].at);
    }
    snprintf(list->text + len, sizeof list->text - len, "\n");
    fa_buf_done(&buf);
    return 0;
}

/* All of it, a series a line. */
static void assert_holds(struct fa_history *history, const char *wanted)
{
    struct list list = {.source = fa_history_source(history)};
    assert_int_equal(list.source->select(list.source->ctx, NULL, 0, list_series, &list), 0);
    assert_string_equal(list.text, wanted);
    fa_history_free(history);
}

static void lines_of_one_series_may_be_written_differently(void **state)
{
    struct fa_history *history = fa_history_new();
    struct fa_err err;
    const char *text = "# TYPE q gauge\n"
                       "q{a=\"1 2\",b=\"x\"} 5 1000\n"
                       "q{a=\"1 2\",b=\"x\"} 6 2000\r\n"
                       "q{b=\"x\",a=\"1 2\"}\t7   3000 \n"
                       "\n"
                       "{\"q\",a=\"1 2\",b=\"x\",} 8 4000\n"
                       "q{a=\"1 2\",b=\"x\"} 4 500\n"
                       "q{a=\"1 2\",b=\"x\"} 9 2000\n"
                       "up 1 7\n";
    assert_int_equal(fa_history_read(history, fa_str_of(text), "x", &err), 0);
    assert_int_equal(fa_history_series(history), 2);
    assert_holds(history, "__name__=\"q\",a=\"1 2\",b=\"x\": 4@500 5@1000 9@2000 7@3000 8@4000\n"
                          "__name__=\"up\": 1@7\n");
}

static void a_line_that_begins_like_a_known_one_is_read_to_its_end(void **state)
{
    static const char *const bad[] = {"q{a=\"b\"} 5 1000 7", "q{a=\"b\"} 5",
                                      "q{a=\"b\"} 5 x",      "q{a=\"b\"} x 1000",
                                      "q{a=\"b\"}",          "q{a=\"b\"} 5 1000 # {} 1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct fa_history *history = fa_history_new();
        struct fa_err err;
        char text[128];
        snprintf(text, sizeof text, "q{a=\"b\"} 5 1000\n%s\n", bad[i]);
        if (fa_history_read(history, fa_str_of(text), "x", &err) != FA_EPARSE) {
            fail_msg("'%s' is taken", bad[i]);
        }
        assert_int_equal(err.line, 2);
        fa_history_free(history);
    }
}

static void csv_is_read_in_both_shapes(void **state)
{
    static const struct {
        const char *csv, *metric, *wanted;
    } rows[] = {
        {"time,q,other\n2026-01-05T08:00:00Z,1,\n2026-01-05T08:01:00Z,2,7\n", NULL,
         "__name__=\"other\": 7@1767600060000\n"
         "__name__=\"q\": 1@1767600000000 2@1767600060000\n"},
        {"\xef\xbb\xbf\"when\";\"q{queue=\"\"north\"\"}\"\r\n2026-01-05;1,5e1\r\n", NULL, NULL},
        {"when;\"q{queue=\"\"north\"\"}\"\r\n2026-01-05 08:00;1.5e1\r\n\r\n", NULL,
         "__name__=\"q\",queue=\"north\": 15@1767600000000\n"},
        {"Date\tQueue length\n2026-01-05\t3\n", NULL,
         "__name__=\"Queue length\": 3@1767571200000\n"},
        {"timestamp,metric,queue,value\n1767600000,q,\"a,b\",5\n1767600001000,q,,6\n", NULL,
         "__name__=\"q\": 6@1767600001000\n__name__=\"q\",queue=\"a,b\": 5@1767600000000\n"},
        {"value,ts,queue\n5,1767600000.5,north\n", "q",
         "__name__=\"q\",queue=\"north\": 5@1767600000500\n"},
        {"value,ts,queue\n5,1767600000.5,north\n", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fa_history *history = fa_history_new();
        struct fa_err err;
        int ret =
            fa_history_read_csv(history, fa_str_of(rows[i].csv), "x.csv", rows[i].metric, &err);
        if ((ret == 0) != (rows[i].wanted != NULL)) {
            fail_msg("row %zu: %d %s", i, ret, ret != 0 ? err.text : "");
        }
        if (ret == 0) {
            assert_holds(history, rows[i].wanted);
        } else {
            fa_history_free(history);
        }
    }
}

static void faults_in_csv_name_line_and_column(void **state)
{
    static const struct {
        const char *csv;
        uint32_t line;
        const char *words;
    } rows[] = {
        {"time,q\n2026-01-05,x\n", 2, "column 2: a number should stand here"},
        {"time,q\n2026-13-05,1\n", 2, "column 1: a time should stand here"},
        {"time,q\n2026-01-05,1,2\n", 2, "column 3: not as many columns"},
        {"time,q\n2026-01-05,\"1\n", 2, "column 2: the quote is not closed"},
        {"time,q\n2026-01-05,\"1\"\"\n", 2, "column 2: the quote is not closed"},
        {"time,q\n2026-01-05,\"1\"2\n", 2, "column 2: the quote is not closed"},
        {"time\n1\n", 1, "titles of at least two columns"},
        {"time,\n1,2\n", 1, "column 2: has no title"},
        {"time,metric,value\n1,,2\n", 2, "column 2: the name of a metric"},
        {"time,metric,a,a,value\n1,q,1,2,2\n", 2, "two columns have one title"},
        {"time,q\n1e300,1\n", 2, "a time should stand here"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fa_history *history = fa_history_new();
        struct fa_err err;
        if (fa_history_read_csv(history, fa_str_of(rows[i].csv), "x.csv", NULL, &err) == 0) {
            fail_msg("row %zu is taken", i);
        }
        assert_int_equal(err.line, rows[i].line);
        assert_contains(err.text, rows[i].words);
        fa_history_free(history);
    }
}

static void csv_is_told_from_prometheus_text(void **state)
{
    assert_true(fa_history_is_csv(fa_str_of("time,q\n1,2\n")));
    assert_true(fa_history_is_csv(fa_str_of("a;\"q{x=\"\"y\"\"}\"\n")));
    assert_false(fa_history_is_csv(fa_str_of("q{a=\"b\",c=\"d\"} 1 2\n")));
    assert_false(fa_history_is_csv(fa_str_of("# HELP q a, b\nq 1 2\n")));
    assert_false(fa_history_is_csv(fa_str_of("q 1 2\n")));
    assert_false(fa_history_is_csv(fa_str_of("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_of_one_series_may_be_written_differently),
        cmocka_unit_test(a_line_that_begins_like_a_known_one_is_read_to_its_end),
        cmocka_unit_test(csv_is_read_in_both_shapes),
        cmocka_unit_test(faults_in_csv_name_line_and_column),
        cmocka_unit_test(csv_is_told_from_prometheus_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
