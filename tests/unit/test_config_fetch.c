/* SPDX-License-Identifier: MIT */
/* Fetch jobs that are refused, each with the one fault that must be told at the job's line, and
 * such as are sound. The rest of the configuration is not here: its faults are at other lines. */
#include "fa_test.h"
#include "fa_config_test.h"

#define HEAD "company = \"ACME\";\nfetch = ( { name = \"shop\"; url = \"https://x/metrics\"; } ,\n"
#define LINE "t.cfg:3:"

struct row {
    const char *job, *expect; /* NULL: it is sound */
};

/* What is told at the job's line, one after the other. */
static void faults_of(const char *job, char *buf, size_t size)
{
    char text[4096];
    struct fa_test_told told;
    size_t len = 0;
    snprintf(text, sizeof text, HEAD "{ %s } );\n", job);
    fa_config_free(fa_test_parse(text, NULL, &told));
    buf[0] = '\0';
    for (const char *at = fa_buf_text(&told.faults); (at = strstr(at, LINE)) != NULL; at++) {
        len += (size_t)snprintf(buf + len, size - len, "%.*s\n", (int)strcspn(at, "\n"), at);
    }
    fa_test_told_done(&told);
}

static void check(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char told[4096];
        faults_of(rows[i].job, told, sizeof told);
        if (rows[i].expect == NULL ? told[0] != '\0'
                                   : strstr(told, rows[i].expect) == NULL ||
                                         strchr(told, '\n') != told + strlen(told) - 1) {
            fail_msg("%s\ngives:\n%swanted: %s", rows[i].job, told,
                     rows[i].expect != NULL ? rows[i].expect : "nothing");
        }
    }
}
#define CHECK(rows) check(rows, sizeof(rows) / sizeof((rows)[0]))

/* clang-format off */
static void sound_jobs_are_taken(void **state)
{
    static const struct row rows[] = {
        {"name = \"a\"; url = \"https://shop.example.com/metrics\";", NULL},
        {"name = \"a\"; url = \"http://shop.example.com:9100/metrics?x=1\"; every = \"1m\"; timeout = \"30s\";", NULL},
        {"name = \"a\"; url = \"http://[2001:4860::1]:9100/\"; decoder = \"statsd\"; max_bytes = 4096;", NULL},
        {"name = \"a\"; url = \"http://127.0.0.1:9100/\"; allow_private = true;", NULL},
        {"name = \"a\"; kind = \"query\"; url = \"https://p:9090\"; query = \"sum(up)\"; metric = \"a:b_c\";", NULL},
        {"name = \"a\"; kind = \"check\"; url = \"tcp://mail.example.com:25\";", NULL},
        {"name = \"a\"; kind = \"heartbeat\"; secret_url = \"watcher-url\"; every = \"1m\";", NULL},
        {"name = \"a\"; url = \"https://x\"; token = \"shop-token\";", NULL},
        {"name = \"a\"; url = \"https://x\"; user = \"me\"; password = \"/etc/secret\";", NULL},
        {"name = \"a\"; url = \"http://x\"; token = \"shop-token\"; allow_plain = true;", NULL},
        {"name = \"a\"; url = \"https://x\"; headers = { X-Scope-OrgID = \"1\"; }; labels = { region = \"eu\"; job = \"j\"; };", NULL},
        {"name = \"a\"; url = \"https://x\"; gauge_sign = \"delta\";", NULL}, /* the decoder's to judge */
    };
    CHECK(rows);
}

static void a_job_says_what_and_where(void **state)
{
    static const struct row rows[] = {
        {"url = \"https://x\";", "a fetch job lacks name"},
        {"name = \"a\";", "a fetch job lacks url"},
        {"name = \"shop\"; url = \"https://x\";", "shop"},
        {"name = \"a\"; url = \"ftp://x/\";", "'ftp://x/' is no address: write \"https://HOST/PATH\""},
        {"name = \"a\"; url = \"file:///etc/passwd\";", "is no address"},
        {"name = \"a\"; url = \"tcp://x:1\";", "is no address: write \"https://HOST/PATH\""},
        {"name = \"a\"; url = \"https:///x\";", "its host or port is not right"},
        {"name = \"a\"; url = \"https://x:0/\";", "its host or port is not right"},
        {"name = \"a\"; url = \"https://x:70000/\";", "its host or port is not right"},
        {"name = \"a\"; url = \"https://[::1/\";", "its host or port is not right"},
        {"name = \"a\"; url = \"https://a b/\";", "its host or port is not right"},
        {"name = \"a\"; url = \"https://x/#y\";", "it holds a blank or #"},
        {"name = \"a\"; kind = \"check\"; url = \"tcp://x\";", "is no \"tcp://HOST:PORT\""},
        {"name = \"a\"; kind = \"check\"; url = \"tcp://x:25/y\";", "is no \"tcp://HOST:PORT\""},
        {"name = \"a\"; url = \"http://127.0.0.1:1/\";", "is a private address: say allow_private = true"},
        {"name = \"a\"; url = \"http://localhost/\";", "is a private address"},
        {"name = \"a\"; url = \"http://[::1]:1/\";", "is a private address"},
        {"name = \"a\"; url = \"http://10.1.2.3/\";", "is a private address"},
        {"name = \"a\"; url = \"http://192.168.0.1/\";", "is a private address"},
        {"name = \"a\"; url = \"http://172.31.0.1/\";", "is a private address"},
        {"name = \"a\"; url = \"http://169.254.169.254/\";", "is a private address"},
        {"name = \"a\"; kind = \"scrap\"; url = \"https://x\";", "scrap"},
        {"name = \"a\"; url = \"https://x\"; evry = \"1m\"; every = \"0s\";", "every"},
        {"name = \"a\"; url = \"https://x\"; every = \"10s\"; timeout = \"11s\";", "timeout is longer than every"},
    };
    CHECK(rows);
}

static void secrets_are_named_and_never_in_clear(void **state)
{
    static const struct row rows[] = {
        {"name = \"a\"; url = \"https://me:hunter2@x/\";", "url holds a login: write user"},
        {"name = \"a\"; url = \"http://x\"; token = \"t\";", "a secret would go over http://"},
        {"name = \"a\"; url = \"http://x\"; user = \"u\"; password = \"p\";", "a secret would go over http://"},
        {"name = \"a\"; url = \"https://x\"; password = \"p\";", "password needs user"},
        {"name = \"a\"; url = \"https://x\"; user = \"u\"; token = \"t\";", "a request has one login"},
        {"name = \"a\"; url = \"https://x\"; token = \"a/b\";", "token"},
        {"name = \"a\"; url = \"https://x\"; headers = { Authorization = \"Bearer x\"; };", "secrets are never in these files"},
        {"name = \"a\"; url = \"https://x\"; headers = { cookie = \"x\"; };", "secrets are never in these files"},
    };
    CHECK(rows);
    char told[4096];
    faults_of(rows[0].job, told, sizeof told);
    assert_null(strstr(told, "hunter2"));
    faults_of("name = \"a\"; kind = \"heartbeat\"; url = \"https://x/hunter2\";", told, sizeof told);
    assert_contains(told, "the address of a heartbeat is a secret");
    assert_null(strstr(told, "hunter2"));
}

static void keys_belong_to_their_kind(void **state)
{
    static const struct row rows[] = {
        {"name = \"a\"; kind = \"check\"; url = \"https://x\"; decoder = \"statsd\";", "decoder is of a scrape, and this is a check"},
        {"name = \"a\"; url = \"https://x\"; query = \"up\";", "query is of a query, and this is a scrape"},
        {"name = \"a\"; url = \"https://x\"; metric = \"up\";", "metric is of a query, and this is a scrape"},
        {"name = \"a\"; kind = \"query\"; url = \"https://x\"; query = \"up\";", "a query needs query, and metric"},
        {"name = \"a\"; kind = \"query\"; url = \"https://x\"; query = \"up\"; metric = \"9x\";", "metric"},
        {"name = \"a\"; kind = \"query\"; url = \"https://x?y=1\"; query = \"up\"; metric = \"m\";", "holds a query"},
        {"name = \"a\"; url = \"https://x\"; secret_url = \"s\";", "secret_url is of a heartbeat, and this is a scrape"},
        {"name = \"a\"; kind = \"heartbeat\";", "a heartbeat lacks secret_url"},
        {"name = \"a\"; kind = \"check\"; url = \"https://x\"; zebra = 1;", "unknown key 'zebra' in a check"},
        {"name = \"a\"; url = \"https://x\"; labels = { a-b = \"x\"; };", "'a-b' is no label's name"},
    };
    CHECK(rows);
}
/* clang-format on */

static void a_job_that_runs_seldom_is_warned_of(void **state)
{
    struct fa_test_told told;
    fa_config_free(fa_test_parse(HEAD "{ name = \"a\"; url = \"https://x\"; every = \"1h\"; } );\n",
                                 NULL, &told));
    assert_contains(fa_buf_text(&told.warnings), LINE " every is longer than the 5m");
    assert_null(strstr(fa_buf_text(&told.warnings), "t.cfg:2:"));
    fa_test_told_done(&told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_jobs_are_taken),
        cmocka_unit_test(a_job_says_what_and_where),
        cmocka_unit_test(secrets_are_named_and_never_in_clear),
        cmocka_unit_test(keys_belong_to_their_kind),
        cmocka_unit_test(a_job_that_runs_seldom_is_warned_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
