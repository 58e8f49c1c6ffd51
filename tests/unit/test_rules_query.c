/* SPDX-License-Identifier: MIT */
/* links: fa_lab */
/* What PromQL expressions are worth: tables of samples, expressions and results. Samples are given
 * as `name{labels} first+step*count`, one a minute from 0 on; results as `{labels} value` in the
 * order in which they come. */
#include "fa_test.h"
#include "lab/history.h"

static const char *const world =
    /* counters */
    "requests_total{job=\"a\",instance=\"0\"} 0+10*10\n"
    "requests_total{job=\"a\",instance=\"1\"} 0+20*10\n"
    "requests_total{job=\"b\",instance=\"0\"} 0+40*10\n"
    "resets_total 0 10 20 5 15 25 0 10\n"
    /* gauges */
    "queue{queue=\"support\"} 100 110 120 130 90 80 200 NaN 70 60 50\n"
    "queue{queue=\"sales\"} 1 2 3 4 5 6 7 8 9 10 11\n"
    "queue{queue=\"web10\"} 10+0*10\n"
    "queue{queue=\"web2\"} 20+0*10\n"
    "limit{queue=\"support\",team=\"x\"} 65+0*10\n"
    "limit{queue=\"sales\",team=\"y\"} 7+0*10\n"
    "owner{team=\"x\",person=\"ines\"} 1+0*10\n"
    "owner{team=\"y\",person=\"noah\"} 1+0*10\n"
    "stops 1 2 3 stale\n"
    "old 5\n"
    "big 1e308+0*3\n"
    "minus -4+1*8\n"
    /* a classic histogram */
    "seconds_bucket{le=\"0.1\"} 5+0*10\n"
    "seconds_bucket{le=\"1\"} 15+0*10\n"
    "seconds_bucket{le=\"10\"} 20+0*10\n"
    "seconds_bucket{le=\"+Inf\"} 20+0*10\n";

/* Writes out what the short notation stands for. */
static char *expand(const char *text)
{
    char *lines = calloc(1, 1 << 18);
    size_t len = 0;
    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        int name_len = (int)strcspn(line, " \n");
        const char *at = line + name_len;
        long minute = 0;
        while (*at == ' ') {
            char word[32];
            double first, step;
            int repeats = 0, used = 0;
            sscanf(++at, "%31[^ \n]%n", word, &used);
            at += used;
            bool series = sscanf(word, "%lf+%lf*%d", &first, &step, &repeats) == 3;
            for (int i = 0; i <= repeats; i++, minute++) {
                char number[32];
                snprintf(number, sizeof number, "%.17g", series ? first + step * i : 0.0);
                len += (size_t)sprintf(lines + len, "%.*s %s %ld\n", name_len, line,
                                       series ? number : word, minute * 60000);
            }
        }
    }
    return lines;
}

static void put_value(struct fa_buf *buf, const struct fa_query_value *value)
{
    char text[FA_NUMBER_TEXT_SIZE];
    struct fa_buf labels;
    if (value->type == FA_PROMQL_SCALAR) {
        fa_buf_puts(buf, fa_number_format(value->number, true, text));
    } else if (value->type == FA_PROMQL_STRING) {
        fa_buf_putstr(buf, value->text);
    }
    for (size_t i = 0; i < value->count; i++) {
        bool range = value->type == FA_PROMQL_MATRIX;
        fa_buf_puts(buf, i > 0 ? "; {" : "{");
        fa_buf_init(&labels, 4096);
        fa_labels_format(range ? value->series[i].labels : value->samples[i].labels, &labels);
        fa_buf_puts(buf, fa_buf_text(&labels));
        fa_buf_puts(buf, "}");
        fa_buf_done(&labels);
        for (size_t j = 0; range && j < value->series[i].count; j++) {
            fa_buf_printf(buf, " %s@%lld",
                          fa_number_format(value->series[i].points[j].value, true, text),
                          (long long)value->series[i].points[j].at / 1000);
        }
        if (!range) {
            fa_buf_printf(buf, " %s", fa_number_format(value->samples[i].value, true, text));
        }
    }
}

/* The result as text; an error's text when there is none. Caller frees. */
static char *result_of(struct fa_history *history, const char *text, fa_time at)
{
    struct fa_promql *promql = NULL;
    struct fa_query *query = NULL;
    struct fa_query_value value;
    struct fa_query_params params = fa_query_defaults(at);
    struct fa_err err;
    struct fa_buf buf;
    fa_buf_init(&buf, 1 << 20);
    if (fa_promql_parse(fa_str_of(text), &promql, &err) != 0 ||
        fa_query_run(promql, fa_history_source(history), &params, &query, &value, &err) != 0) {
        fa_buf_printf(&buf, "error: %s", err.text);
    } else {
        put_value(&buf, &value);
    }
    fa_query_free(query);
    fa_promql_free(promql);
    return fa_buf_take(&buf);
}

struct query_case {
    const char *text;
    int at; /* seconds */
    const char *wanted;
};

static void assert_results(const struct query_case *cases, size_t count)
{
    struct fa_history *history = fa_history_new();
    struct fa_err err;
    char *lines = expand(world);
    if (fa_history_read(history, fa_str_of(lines), "world", &err) != 0) {
        fail_msg("line %u: %s", err.line, err.text);
    }
    for (size_t i = 0; i < count; i++) {
        char *got = result_of(history, cases[i].text, cases[i].at * (fa_time)1000);
        bool same = cases[i].wanted[0] == '~' ? strstr(got, cases[i].wanted + 1) != NULL
                                              : strcmp(got, cases[i].wanted) == 0;
        if (!same) {
            fail_msg("%s at %d\n  is     %s\n  wanted %s", cases[i].text, cases[i].at, got,
                     cases[i].wanted);
        }
        free(got);
    }
    fa_history_free(history);
    free(lines);
}
#define assert_table(cases) assert_results(cases, sizeof cases / sizeof cases[0])

static void selectors_find_the_newest_sample_within_look_back(void **state)
{
    static const struct query_case cases[] = {
        {"old", 0, "{__name__=\"old\"} 5"},
        {"old", 299, "{__name__=\"old\"} 5"},
        {"old", 300, ""}, /* open on the left: five minutes are too old */
        {"stops", 179, "{__name__=\"stops\"} 3"},
        {"stops", 180, ""}, /* a marker ends it at once */
        {"queue{queue=~\"s.*\",queue!=\"sales\"}", 60,
         "{__name__=\"queue\",queue=\"support\"} 110"},
        {"queue{queue!~\"s.*|web2\"}", 60, "{__name__=\"queue\",queue=\"web10\"} 10"},
        {"{__name__=~\"st.ps\"}", 60, "{__name__=\"stops\"} 2"},
        {"old offset 1m", 60, "{__name__=\"old\"} 5"},
        {"stops offset -1m", 60, "{__name__=\"stops\"} 3"},
        {"stops @ 120", 600, "{__name__=\"stops\"} 3"},
        {"stops @ end() offset 8m", 600, "{__name__=\"stops\"} 3"},
        {"stops[2m]", 120, "{__name__=\"stops\"} 2@60 3@120"},
        {"stops[10m]", 300, "{__name__=\"stops\"} 1@0 2@60 3@120"},
        {"stops[1m] @ 120", 600, "{__name__=\"stops\"} 3@120"},
        {"nothing", 60, ""},
    };
    assert_table(cases);
}

static void arithmetic_and_comparisons(void **state)
{
    static const struct query_case cases[] = {
        {"1 + 2 * 3 - 4 / 8", 0, "6.5"},
        {"2 ^ 3 ^ 2", 0, "512"},
        {"-2 ^ 2", 0, "-4"},
        {"-7 % 3", 0, "-1"},
        {"1 / 0", 0, "+Inf"},
        {"0 / 0", 0, "NaN"},
        {"1 > bool 2", 0, "0"},
        {"1 atan2 1", 0, "0.7853981633974483"},
        {"0.1 + 0.2", 0, "0.30000000000000004"},
        {"1e21", 0, "1e+21"},
        {"1e20", 0, "100000000000000000000"},
        {"0.0000001", 0, "1e-07"},
        {"stops * 2", 60, "{} 4"},
        {"2 - stops", 60, "{} 0"},
        {"-stops", 60, "{} -2"},
        {"stops > 1", 60, "{__name__=\"stops\"} 2"},
        {"3 > stops", 60, "{__name__=\"stops\"} 2"},
        {"stops > bool 5", 60, "{} 0"},
        {"stops > 5", 60, ""},
        {"queue == NaN", 420, ""},
        {"time()", 75, "75"},
        {"\"words\"", 0, "words"},
    };
    assert_table(cases);
}

static void vectors_match_by_labels(void **state)
{
    static const struct query_case cases[] = {
        {"queue > on(queue) limit", 540, "{queue=\"sales\"} 10"},
        {"queue - on(queue) group_left(team) limit", 540,
         "{queue=\"sales\",team=\"y\"} 3; {queue=\"support\",team=\"x\"} -5"},
        {"limit * on(team) group_right() owner", 60,
         "{person=\"ines\",team=\"x\"} 65; {person=\"noah\",team=\"y\"} 7"},
        {"limit > bool ignoring(team) queue", 60, "{queue=\"sales\"} 1; {queue=\"support\"} 0"},
        {"queue and on(queue) limit{team=\"x\"}", 60, "{__name__=\"queue\",queue=\"support\"} 110"},
        {"queue{queue=~\"web.*\"} unless on(queue) queue{queue=\"web2\"}", 60,
         "{__name__=\"queue\",queue=\"web10\"} 10"},
        {"stops or limit{queue=\"sales\"}", 60,
         "{__name__=\"stops\"} 2; {__name__=\"limit\",queue=\"sales\",team=\"y\"} 7"},
        {"stops or old", 60, "{__name__=\"stops\"} 2"},
        {"stops or on() old", 60, "{__name__=\"stops\"} 2"},
        {"nothing or old", 60, "{__name__=\"old\"} 5"},
        {"nothing and old", 60, ""},
        {"old unless nothing", 60, "{__name__=\"old\"} 5"},
        {"requests_total / on(job) requests_total", 60, "~duplicate series for the match group"},
        {"requests_total * on(job) limit{queue=\"sales\"}", 60, ""},
        {"owner * on() limit{queue=\"sales\"}", 60, "~must be explicit"},
        {"requests_total * on() group_left() old", 60,
         "{instance=\"0\",job=\"a\"} 50; {instance=\"0\",job=\"b\"} 200; "
         "{instance=\"1\",job=\"a\"} 100"},
        {"label_replace(owner, \"person\", \"z\", \"\", \"\") * on() group_left() old", 60,
         "{person=\"z\",team=\"x\"} 5; {person=\"z\",team=\"y\"} 5"},
        {"{__name__=~\"stops|old\"} * 2", 60, "~same labelset"},
        {"-{__name__=~\"stops|old\"}", 60, "~same labelset"},
    };
    assert_table(cases);
}

static void aggregations(void **state)
{
    static const struct query_case cases[] = {
        {"sum(requests_total)", 60, "{} 70"},
        {"sum by (job) (requests_total)", 60, "{job=\"a\"} 30; {job=\"b\"} 40"},
        {"sum without (instance) (requests_total)", 60, "{job=\"a\"} 30; {job=\"b\"} 40"},
        {"avg(requests_total)", 60, "{} 23.333333333333332"},
        {"avg({__name__=\"big\"} or label_replace(big, \"x\", \"y\", \"\", \"\"))", 60,
         "{} 1e+308"},
        {"min(queue)", 60, "{} 2"},
        {"max(queue)", 60, "{} 110"},
        {"max(queue)", 420, "{} 20"}, /* NaN gives way */
        {"count(queue)", 60, "{} 4"},
        {"group(queue)", 60, "{} 1"},
        {"stddev(queue{queue=~\"web.*\"})", 60, "{} 5"},
        {"stdvar(queue{queue=~\"web.*\"})", 60, "{} 25"},
        {"quantile(0.5, queue)", 60, "{} 15"},
        {"quantile(-1, queue)", 60, "{} -Inf"},
        {"quantile(2, queue)", 60, "{} +Inf"},
        {"topk(2, queue)", 60,
         "{__name__=\"queue\",queue=\"support\"} 110; {__name__=\"queue\",queue=\"web2\"} 20"},
        {"bottomk(1, queue)", 60, "{__name__=\"queue\",queue=\"sales\"} 2"},
        {"topk(0, queue)", 60, ""},
        {"topk(NaN, queue)", 60, "~no whole number"},
        {"topk by (job) (1, requests_total)", 60,
         "{__name__=\"requests_total\",instance=\"1\",job=\"a\"} 20; "
         "{__name__=\"requests_total\",instance=\"0\",job=\"b\"} 40"},
        {"limitk(1, queue)", 60, "{__name__=\"queue\",queue=\"sales\"} 2"},
        {"count(limit_ratio(0.5, queue)) + count(limit_ratio(-0.5, queue))", 60, "{} 4"},
        {"count_values(\"n\", limit)", 60, "{n=\"7\"} 1; {n=\"65\"} 1"},
        {"count_values by (queue) (\"n\", queue{queue=\"web2\"})", 60,
         "{n=\"20\",queue=\"web2\"} 1"},
        {"sum(nothing)", 60, ""},
    };
    assert_table(cases);
}

static void functions_of_ranges(void **state)
{
    static const struct query_case cases[] = {
        {"increase(requests_total{job=\"b\"}[5m])", 300, "{instance=\"0\",job=\"b\"} 200"},
        {"rate(requests_total{job=\"b\"}[5m])", 300,
         "{instance=\"0\",job=\"b\"} 0.6666666666666666"},
        {"rate(old[5m])", 60, ""}, /* one sample is no rate */
        {"increase(resets_total[7m])", 420, "{} 52.5"},
        {"delta(minus[4m])", 240, "{} 4"},
        {"irate(resets_total[5m])", 180, "{} 0.08333333333333333"},
        {"idelta(resets_total[5m])", 180, "{} -15"},
        {"resets(resets_total[8m])", 420, "{} 2"},
        {"changes(resets_total[8m])", 420, "{} 7"},
        {"changes(queue{queue=\"web2\"}[8m])", 420, "{queue=\"web2\"} 0"},
        {"sum_over_time(stops[3m])", 120, "{} 6"},
        {"avg_over_time(stops[3m])", 120, "{} 2"},
        {"avg_over_time(big[4m])", 180, "{} 1e+308"},
        {"count_over_time(stops[10m])", 300, "{} 3"},
        {"min_over_time(minus[9m])", 480, "{} -4"},
        {"max_over_time(queue{queue=\"support\"}[11m])", 600, "{queue=\"support\"} 200"},
        {"last_over_time(stops[10m])", 300, "{__name__=\"stops\"} 3"},
        {"present_over_time(stops[10m])", 300, "{} 1"},
        {"quantile_over_time(0.5, stops[10m])", 300, "{} 2"},
        {"stddev_over_time(stops[10m])", 300, "{} 0.816496580927726"},
        {"stdvar_over_time(stops[10m])", 300, "{} 0.6666666666666666"},
        {"mad_over_time(stops[10m])", 300, "{} 1"},
        {"ts_of_max_over_time(stops[10m])", 300, "{} 120"},
        {"ts_of_min_over_time(stops[10m])", 300, "{} 0"},
        {"ts_of_last_over_time(stops[10m])", 300, "{} 120"},
        {"deriv(minus[5m])", 300, "{} 0.016666666666666666"},
        {"predict_linear(minus[5m], 60)", 300, "{} 2"},
        {"double_exponential_smoothing(minus[5m], 0.5, 0.5)", 300, "{} 1"},
        {"double_exponential_smoothing(minus[5m], 1, 0.5)", 300, "~between 0 and 1"},
        {"absent_over_time(nothing{a=\"b\",c=~\"d\"}[5m])", 60, "{a=\"b\"} 1"},
        {"absent_over_time(stops[5m])", 60, ""},
        {"max_over_time(rate(resets_total[2m])[5m:1m])", 300, "{} 0.16666666666666666"},
        {"sum_over_time(stops[3m:30s])", 120, "{} 9"},
        {"count_over_time(stops[3m:])", 120, "{} 3"},
        {"sum_over_time((stops > 1)[3m:1m])", 120, "{} 5"},
        {"rate({__name__=~\"stops|minus\"}[5m])", 120, "~same labelset"},
    };
    assert_table(cases);
}

static void functions_of_vectors(void **state)
{
    static const struct query_case cases[] = {
        {"abs(minus)", 60, "{} 3"},
        {"sgn(minus)", 60, "{} -1"},
        {"ceil(old / 2)", 60, "{} 3"},
        {"floor(old / 2)", 60, "{} 2"},
        {"round(old / 2)", 60, "{} 3"},
        {"round(old, 2)", 60, "{} 6"},
        {"clamp(queue{queue=\"support\"}, 0, 50)", 60, "{queue=\"support\"} 50"},
        {"clamp(old, 3, 2)", 60, ""},
        {"clamp_min(old, 7)", 60, "{} 7"},
        {"clamp_max(queue{queue=\"support\"}, 5)", 420, "{queue=\"support\"} NaN"},
        {"exp(vector(0))", 0, "{} 1"},
        {"ln(vector(0))", 0, "{} -Inf"},
        {"log2(vector(8))", 0, "{} 3"},
        {"log10(vector(100))", 0, "{} 2"},
        {"sqrt(vector(-1))", 0, "{} NaN"},
        {"deg(vector(pi()))", 0, "{} 180"},
        {"rad(vector(180))", 0, "{} 3.141592653589793"},
        {"sin(vector(0.5))", 0, "{} 0.479425538604203"},
        {"cos(vector(0.5))", 0, "{} 0.8775825618903728"},
        {"tan(vector(0.5))", 0, "{} 0.5463024898437905"},
        {"asin(vector(0.5))", 0, "{} 0.5235987755982989"},
        {"acos(vector(0.5))", 0, "{} 1.0471975511965979"},
        {"atan(vector(0.5))", 0, "{} 0.4636476090008061"},
        {"sinh(vector(0.5))", 0, "{} 0.5210953054937474"},
        {"cosh(vector(0.5))", 0, "{} 1.1276259652063807"},
        {"tanh(vector(0.5))", 0, "{} 0.46211715726000974"},
        {"asinh(vector(1.5))", 0, "{} 1.1947632172871094"},
        {"acosh(vector(1.5))", 0, "{} 0.9624236501192069"},
        {"atanh(vector(0.5))", 0, "{} 0.5493061443340548"},
        {"acos(vector(2))", 0, "{} NaN"},
        {"scalar(old)", 60, "5"},
        {"scalar(queue)", 60, "NaN"},
        {"timestamp(old)", 200, "{} 0"},
        {"timestamp(old + 1)", 200, "{} 200"},
        {"absent(nothing{a=\"b\",a=\"c\",d=\"e\"})", 60, "{d=\"e\"} 1"},
        {"absent(old)", 60, ""},
        {"absent(sum(nothing))", 60, "{} 1"},
        {"sort(queue)", 420,
         "{__name__=\"queue\",queue=\"sales\"} 8; {__name__=\"queue\",queue=\"web10\"} 10; "
         "{__name__=\"queue\",queue=\"web2\"} 20; {__name__=\"queue\",queue=\"support\"} NaN"},
        {"sort_desc(queue{queue=~\"s.*\"})", 420,
         "{__name__=\"queue\",queue=\"sales\"} 8; {__name__=\"queue\",queue=\"support\"} NaN"},
        {"sort_by_label(queue{queue=~\"web.*\"}, \"queue\")", 60,
         "{__name__=\"queue\",queue=\"web2\"} 20; {__name__=\"queue\",queue=\"web10\"} 10"},
        {"sort_by_label_desc(queue{queue=~\"web.*\"}, \"queue\")", 60,
         "{__name__=\"queue\",queue=\"web10\"} 10; {__name__=\"queue\",queue=\"web2\"} 20"},
        {"label_replace(old, \"a\", \"$1-${2}-$$\", \"__name__\", \"(o)(.*)\")", 60,
         "{__name__=\"old\",a=\"o-ld-$\"} 5"},
        {"label_replace(old, \"a\", \"${whole}\", \"__name__\", \"(?P<whole>.*)\")", 60,
         "{__name__=\"old\",a=\"old\"} 5"},
        {"label_replace(old, \"a\", \"x\", \"__name__\", \"ol\")", 60, "{__name__=\"old\"} 5"},
        {"label_replace(old, \"__name__\", \"\", \"\", \"\")", 60, "{} 5"},
        {"label_replace(old, \"\", \"x\", \"\", \"\")", 60, "~no name of a label"},
        {"label_replace(owner, \"team\", \"\", \"\", \"\") and label_replace(owner, \"person\", "
         "\"\", \"\", \"\")",
         60, ""},
        {"label_join(owner{team=\"x\"}, \"both\", \"/\", \"team\", \"person\")", 60,
         "{__name__=\"owner\",both=\"x/ines\",person=\"ines\",team=\"x\"} 1"},
        {"histogram_quantile(0.5, seconds_bucket)", 60, "{} 0.55"},
        {"histogram_quantile(1, seconds_bucket)", 60, "{} 10"},
        {"histogram_quantile(0.5, seconds_bucket{le!=\"+Inf\"})", 60, "{} NaN"},
        {"histogram_fraction(0.1, 1, seconds_bucket)", 60, "{} 0.5"},
        {"histogram_quantile(0.5, old)", 60, ""},
    };
    assert_table(cases);
}

static void dates_are_those_of_the_calendar(void **state)
{
    static const struct query_case cases[] = {
        {"year(vector(1709164799))", 0, "{} 2024"}, /* 2024-02-28T23:59:59 */
        {"month(vector(1709164799))", 0, "{} 2"},
        {"day_of_month(vector(1709164800))", 0, "{} 29"},
        {"days_in_month(vector(1709164800))", 0, "{} 29"},
        {"day_of_week(vector(1709164800))", 0, "{} 4"},
        {"day_of_year(vector(1709251200))", 0, "{} 61"},
        {"hour(vector(1709164799))", 0, "{} 23"},
        {"minute(vector(1709164799))", 0, "{} 59"},
        {"year(vector(-1))", 0, "{} 1969"},
        {"day_of_week(vector(-1))", 0, "{} 3"},
        {"day_of_month(vector(-1))", 0, "{} 31"},
        {"year(vector(4102444800))", 0, "{} 2100"},
        {"days_in_month(vector(4105209600))", 0, "{} 28"}, /* 2100 is no leap year */
        {"hour()", 3600 * 5 + 60, "{} 5"},
        {"minute()", 3600 * 5 + 60, "{} 1"},
        {"year(vector(NaN))", 0, "{} NaN"},
    };
    assert_table(cases);
}

static void the_answer_has_limits(void **state)
{
    struct fa_history *history = fa_history_new();
    struct fa_promql *promql = NULL;
    struct fa_query *query = NULL;
    struct fa_query_value value;
    struct fa_err err;
    struct fa_query_params params = fa_query_defaults(FA_DAY);
    assert_int_equal(fa_promql_parse(FA_STR("sum_over_time(vector(1)[100y:1ms])"), &promql, &err),
                     0);
    params.steps_max = 1000;
    assert_int_equal(
        fa_query_run(promql, fa_history_source(history), &params, &query, &value, &err),
        FA_ETOOBIG);
    assert_int_equal(err.col, 15);
    params.steps_max = SIZE_MAX;
    params.bytes_max = 100000;
    assert_int_equal(
        fa_query_run(promql, fa_history_source(history), &params, &query, &value, &err),
        FA_ETOOBIG);
    fa_promql_free(promql);
    fa_history_free(history);
}

static void samples_that_cannot_be_read_say_where(void **state)
{
    static const struct {
        const char *text;
        unsigned line, column;
        const char *words;
    } cases[] = {
        {"a 1 0\n{ 1 0\n", 2, 3, "the name of a label"},
        {"a{b=\"c\" 1 0", 1, 9, "\",\" or \"}\""},
        {"a{b=c} 1 0", 1, 5, "a value in quotes"},
        {"a{b=\"c\",b=\"d\"} 1 0", 1, 11, "not named before"},
        {"a x 0", 1, 3, "a value"},
        {"a 1", 1, 4, "the time in milliseconds"},
        {"a 1 1.5", 1, 5, "the time in milliseconds"},
        {"a 1 0 0", 1, 7, "the end of the line"},
        {"{b=\"c\"} 1 0", 1, 7, NULL},
        {"1 2 3", 1, 1, "the name of a metric"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fa_history *history = fa_history_new();
        struct fa_err err;
        int ret = fa_history_read(history, fa_str_of(cases[i].text), "file", &err);
        if (cases[i].words == NULL) {
            assert_int_equal(ret, 0);
        } else if (ret == 0 || err.line != cases[i].line || err.col != cases[i].column ||
                   strstr(err.text, cases[i].words) == NULL) {
            fail_msg("\"%s\": line %u, column %u: %s", cases[i].text, err.line, err.col, err.text);
        }
        fa_history_free(history);
    }
}

static void numbers_are_read_as_prometheus_writes_them(void **state)
{
    static const struct {
        const char *text;
        double value;
    } good[] = {{"+Inf", (double)INFINITY},
                {"-INF", -(double)INFINITY},
                {"inf", (double)INFINITY},
                {"+1.5", 1.5},
                {"-2e3", -2000},
                {"0", 0}};
    static const char *const bad[] = {"", "+", "+-1", "infi", "1x", "0x10", "--1"};
    double value = 0;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(fa_number_parse(fa_str_of(good[i].text), &value), 0);
        assert_true(value == good[i].value);
    }
    assert_int_equal(fa_number_parse(FA_STR("nAn"), &value), 0);
    assert_true(isnan(value));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (fa_number_parse(fa_str_of(bad[i]), &value) == 0) {
            fail_msg("\"%s\" is taken for a number", bad[i]);
        }
    }
}

static void lines_come_in_any_order_and_the_later_one_counts(void **state)
{
    struct fa_history *history = fa_history_new();
    struct fa_err err;
    const char *text = "# HELP a words\n\n a{b=\"c\"} 3 3000\na{b=\"c\"} 1 1000\r\n"
                       "a{b=\"c\"} 2 2000\na{b=\"c\"} 4 2000\n{\"a\",b=\"c\"} +Inf 4000\n";
    if (fa_history_read(history, fa_str_of(text), "file", &err) != 0) {
        fail_msg("%u:%u: %s", err.line, err.col, err.text);
    }
    assert_int_equal(fa_history_series(history), 1);
    assert_int_equal(fa_history_samples(history), 5);
    char *got = result_of(history, "a[1m]", 4000);
    assert_string_equal(got, "{__name__=\"a\",b=\"c\"} 1@1 4@2 3@3 +Inf@4");
    free(got);
    fa_history_free(history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(selectors_find_the_newest_sample_within_look_back),
        cmocka_unit_test(arithmetic_and_comparisons),
        cmocka_unit_test(vectors_match_by_labels),
        cmocka_unit_test(aggregations),
        cmocka_unit_test(functions_of_ranges),
        cmocka_unit_test(functions_of_vectors),
        cmocka_unit_test(dates_are_those_of_the_calendar),
        cmocka_unit_test(the_answer_has_limits),
        cmocka_unit_test(samples_that_cannot_be_read_say_where),
        cmocka_unit_test(numbers_are_read_as_prometheus_writes_them),
        cmocka_unit_test(lines_come_in_any_order_and_the_later_one_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
