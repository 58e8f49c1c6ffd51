/* SPDX-License-Identifier: MIT */
/* links: PkgConfig::JANSSON */
#include "fa_test.h"
#include "client/client.h"
#include "client/file.h"
#include "client/guide.h"

#include <ftw.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utime.h>

#define NOW INT64_C(1795334400000)

struct fixture {
    char root[64], spool[128], receipts[128], config[128];
    struct fa_world world;
};

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    return remove(path);
}

static int open_dir(void **state)
{
    struct fixture *fix = calloc(1, sizeof *fix);
    strcpy(fix->root, "/tmp/fa-spool-XXXXXX");
    assert_non_null(mkdtemp(fix->root));
    snprintf(fix->spool, sizeof fix->spool, "%s/state/spool", fix->root);
    snprintf(fix->receipts, sizeof fix->receipts, "%s/state/receipts", fix->root);
    snprintf(fix->config, sizeof fix->config, "%s/client.cfg", fix->root);
    fix->world = (struct fa_world){
        .config_home = fix->root, .state_home = fix->root, .cache_home = fix->root, .now = NOW};
    *state = fix;
    return 0;
}

static int close_dir(void **state)
{
    struct fixture *fix = *state;
    nftw(fix->root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(fix);
    return 0;
}

static void make_filing(struct fa_filing *filing)
{
    fa_filing_init(filing);
    fa_filing_set(filing, "text", "They left.");
    fa_filing_set(filing, "category", "service");
}

static unsigned step_to_die_at, step_now;

static void die_at_step(const char *step)
{
    if (++step_now == step_to_die_at) {
        kill(getpid(), SIGKILL);
    }
}

/* Counts what a later run finds, and that it can all be read. */
static size_t readable_filings(const struct fixture *fix)
{
    struct fa_spool spool;
    struct fa_spool_list list;
    struct fa_err err;
    fa_spool_init(&spool, fix->spool, fix->receipts, NOW);
    assert_int_equal(fa_spool_list(&spool, &list, &err), 0);
    size_t count = list.count;
    for (size_t i = 0; i < count; i++) {
        struct fa_filing filing;
        int lock = -1;
        assert_int_equal(fa_spool_take(&spool, &list.entries[i], &filing, &lock, &err), 0);
        assert_string_equal(fa_filing_get(&filing, "text"), "They left.");
        fa_filing_done(&filing);
        fa_spool_release(lock);
        assert_int_equal(fa_spool_remove(&spool, &list.entries[i], &err), 0);
    }
    fa_spool_list_done(&list);
    fa_spool_done(&spool);
    return count;
}

static void a_kill_at_any_step_leaves_the_whole_filing_or_none(void **state)
{
    struct fixture *fix = *state;
    unsigned kept = 0, lost = 0, step = 0;
    int status;
    do {
        step++;
        pid_t pid = fork();
        if (pid == 0) {
            struct fa_spool spool;
            struct fa_filing filing;
            struct fa_err err;
            int lock;
            step_to_die_at = step;
            fa_spool_init(&spool, fix->spool, fix->receipts, NOW);
            spool.on_step = die_at_step;
            make_filing(&filing);
            _exit(fa_spool_put(&spool, &filing, &lock, &err) == 0 ? 0 : 1);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        size_t count = readable_filings(fix);
        assert_true(count <= 1);
        kept += count == 1;
        lost += count == 0;
        if (!WIFSIGNALED(status)) {
            assert_int_equal(WEXITSTATUS(status), 0);
            assert_int_equal(count, 1);
        }
    } while (WIFSIGNALED(status));
    assert_int_equal(lost, 2); /* before writing; written and not yet named */
    assert_int_equal(kept, 3); /* named; kept; and the run that nobody killed */
}

static void remains_of_a_killed_run_go_when_they_are_old(void **state)
{
    struct fixture *fix = *state;
    char fresh[256], old[256];
    struct utimbuf past = {.actime = NOW / 1000 - 120, .modtime = NOW / 1000 - 120};
    struct utimbuf now = {.actime = NOW / 1000, .modtime = NOW / 1000};
    struct fa_err err;
    int fd;
    assert_int_equal(fa_dir_make(fix->spool, &err), 0);
    snprintf(fresh, sizeof fresh, "%s/.00112233445566778899aabbccddeeff.new", fix->spool);
    snprintf(old, sizeof old, "%s/.10112233445566778899aabbccddeeff.new", fix->spool);
    assert_int_equal(fa_file_create(fresh, "x", &fd, &err), 0);
    close(fd);
    assert_int_equal(fa_file_create(old, "x", &fd, &err), 0);
    close(fd);
    utime(fresh, &now);
    utime(old, &past);
    assert_int_equal(readable_filings(fix), 0);
    assert_int_equal(access(fresh, F_OK), 0);
    assert_int_not_equal(access(old, F_OK), 0);
}

static void nobody_else_can_read_a_filing(void **state)
{
    struct fixture *fix = *state;
    struct fa_spool spool;
    struct fa_filing filing;
    struct fa_spool_list list;
    struct fa_err err;
    struct stat info;
    int lock;
    umask(0);
    fa_spool_init(&spool, fix->spool, fix->receipts, NOW);
    make_filing(&filing);
    assert_int_equal(fa_spool_put(&spool, &filing, &lock, &err), 0);
    assert_int_equal(fa_spool_list(&spool, &list, &err), 0);
    char *path = fa_spool_path(&spool, &list.entries[0]);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(stat(fix->spool, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    assert_int_equal(chmod(fix->spool, 0755), 0);
    assert_int_equal(fa_dir_make(fix->spool, &err), FA_EDENIED);
    assert_contains(err.text, "chmod 700");
    free(path);
    fa_spool_release(lock);
    fa_spool_list_done(&list);
    fa_filing_done(&filing);
    fa_spool_done(&spool);
}

static void a_filing_that_another_run_holds_is_left_alone(void **state)
{
    struct fixture *fix = *state;
    struct fa_spool spool;
    struct fa_filing filing, other;
    struct fa_spool_list list;
    struct fa_err err;
    int lock, second;
    fa_spool_init(&spool, fix->spool, fix->receipts, NOW);
    make_filing(&filing);
    assert_int_equal(fa_spool_put(&spool, &filing, &lock, &err), 0);
    assert_int_equal(fa_spool_list(&spool, &list, &err), 0);
    assert_int_equal(fa_spool_take(&spool, &list.entries[0], &other, &second, &err), FA_EBUSY);
    fa_spool_release(lock);
    assert_int_equal(fa_spool_take(&spool, &list.entries[0], &other, &second, &err), 0);
    assert_string_equal(other.key, filing.key);
    fa_spool_release(second);
    fa_filing_done(&other);
    fa_spool_list_done(&list);
    fa_filing_done(&filing);
    fa_spool_done(&spool);
}

static void a_receipt_is_kept_once_for_a_filing(void **state)
{
    struct fixture *fix = *state;
    struct fa_spool spool;
    struct fa_err err;
    char *kept[4];
    fa_spool_init(&spool, fix->spool, fix->receipts, NOW);
    assert_int_equal(fa_receipt_list(&spool, kept, 4), 0);
    assert_int_equal(fa_receipt_keep(&spool, "aa", "7K2Q-M9XA-3DTR-WZ5E-142", &err), 0);
    assert_int_equal(fa_receipt_keep(&spool, "aa", "7K2Q-M9XA-3DTR-WZ5E-142", &err), 0);
    assert_int_equal(fa_receipt_list(&spool, kept, 4), 1);
    assert_string_equal(kept[0], "7K2Q-M9XA-3DTR-WZ5E-142");
    free(kept[0]);
    fa_spool_done(&spool);
}

static void broken_spool_files_are_refused_with_the_reason(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"", "line 1"},
        {"{\"request\": {}}", "not written by this version"},
        {"{\"firealarm_filing\": 2, \"request\": {}}", "not written by this version"},
        {"{\"firealarm_filing\": 1}", "no request"},
        {"{\"firealarm_filing\": 1, \"request\": {\"key\": \"x\"}}", "\"text\" is missing"},
        {"{\"firealarm_filing\": 1, \"request\": {\"text\": \"x\"}}", "\"key\" is 32 digits"},
        {"{\"firealarm_filing\": 1, \"request\": {\"text\": \"x\", \"abuot\": []}}",
         "do you mean \"about\"?"},
        {"{\"firealarm_filing\": 1, \"request\": {\"text\": 7}}", "\"text\" is a text"},
        {"{\"firealarm_filing\": 1, \"request\": {\"text\": \"x\", \"about\": [1]}}",
         "\"about\" is a list of texts"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fa_filing filing;
        struct fa_err err;
        assert_true(fa_filing_decode(fa_str_of(rows[i].text), &filing, &err) < 0);
        assert_contains(err.text, rows[i].says);
    }
}

static void texts_are_cleaned_and_latin1_becomes_utf8(void **state)
{
    struct fa_buf buf;
    struct fa_err err;
    fa_buf_init(&buf, 1000);
    assert_int_equal(fa_filing_text(FA_STR("\n gr\xfc\xdf\r\n\033[31mred\n\n"), &buf, &err), 0);
    assert_string_equal(fa_buf_text(&buf), "gr\xc3\xbc\xc3\x9f\nred");
    assert_int_equal(fa_filing_text(FA_STR(" \n\r\n"), &buf, &err), FA_EINVAL);
    char *large = malloc(FA_TEXT_MAX + 1);
    memset(large, 'x', FA_TEXT_MAX + 1);
    assert_int_equal(fa_filing_text((struct fa_str){large, FA_TEXT_MAX + 1}, &buf, &err),
                     FA_ETOOBIG);
    free(large);
    fa_buf_done(&buf);
}

static void people_are_found_by_part_of_a_name(void **state)
{
    static const char json[] = "{\"people\": [{\"name\": \"maria\", \"display\": \"Maria Lopez\"}, "
                               "{\"name\": \"mario\", \"display\": \"Mario Rossi\", \"aliases\": "
                               "[\"Super M\", 7]}], \"groups\": "
                               "[{\"name\": \"team:support\", \"display\": \"Support\"}]}";
    json_t *answer = json_loads(json, 0, NULL);
    struct fa_guide guide;
    struct fa_err err;
    fa_guide_from(answer, FA_GUIDE_LIVE, &guide);
    assert_string_equal(fa_guide_find(&guide, FA_STR("maria"), &err), "maria");
    assert_string_equal(fa_guide_find(&guide, FA_STR("rossi"), &err), "mario");
    assert_string_equal(fa_guide_find(&guide, FA_STR("super m"), &err), "mario");
    assert_string_equal(fa_guide_find(&guide, FA_STR(" SUPPORT "), &err), "team:support");
    assert_null(fa_guide_find(&guide, FA_STR("mari"), &err));
    assert_contains(err.text, "any of 2");
    assert_null(fa_guide_find(&guide, FA_STR("Marja"), &err));
    assert_contains(err.text, "do you mean");
    assert_null(fa_guide_find(&guide, FA_STR(""), &err));
    assert_string_equal(fa_guide_display(&guide, "mario"), "Mario Rossi");
    fa_guide_done(&guide);
    json_decref(answer);
}

static void put_file(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

static void wrong_settings_are_refused_with_their_line(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"sockt = \"/x\";", "do you mean 'socket'?"},
        {"\nsocket = 7;", "client.cfg:2: 'socket' is a text"},
        {"socket = \"x\";", "whole path"},
        {"socket = \"/x\";\nurl = \"https://a\";", "exclude each other"},
        {"url = \"http://a\";", "https://"},
        {"url = \"https://user@a\";", "https://"},
        {"url = \"https://a/path\";", "https://"},
        {"ca = \"/x\";", "there is none"},
        {"timeout = \"1\";", "\"100ms\" to \"5m\""},
        {"socket = ", "client.cfg:1"},
        {"token_file = \"/nonexistent/token\";", "cannot be read"},
        {"@include \"/dev/null\"\n", "client.cfg:1"},
        {"timeout = 99999999999;", "client.cfg:1"},
        {"spool = ((((((((((((((((((((((((((((((1))))))))))))))))))))))))))))));", "client.cfg:1"},
    };
    struct fixture *fix = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fa_settings settings;
        struct fa_err err;
        char text[1024];
        put_file(fix->config, rows[i].text, 0600);
        assert_true(fa_settings_load(&fix->world, fix->config, &settings, &err) < 0);
        assert_contains(fa_err_format(&err, text, sizeof text), rows[i].says);
    }
}

static void a_token_that_others_can_read_is_refused(void **state)
{
    struct fixture *fix = *state;
    char token[128], text[256];
    struct fa_settings settings;
    struct fa_err err;
    snprintf(token, sizeof token, "%s/token", fix->root);
    snprintf(text, sizeof text, "url = \"https://a:8443/\"; token_file = \"%s\";", token);
    put_file(fix->config, text, 0600);
    put_file(token, "id.secret\n", 0640);
    assert_int_equal(fa_settings_load(&fix->world, fix->config, &settings, &err), FA_EDENIED);
    assert_contains(err.text, "chmod 600");
    put_file(token, "id.secret\n", 0600);
    assert_int_equal(fa_settings_load(&fix->world, fix->config, &settings, &err), 0);
    assert_string_equal(settings.token, "id.secret");
    assert_string_equal(settings.url, "https://a:8443");
    fa_settings_done(&settings);
    put_file(token, "id.sec\nX-Evil: 1\n", 0600);
    assert_int_equal(fa_settings_load(&fix->world, fix->config, &settings, &err), FA_EINVAL);
}

static void without_a_file_the_local_daemon_is_meant(void **state)
{
    struct fixture *fix = *state;
    struct fa_settings settings;
    struct fa_err err;
    assert_int_equal(fa_settings_load(&fix->world, NULL, &settings, &err), 0);
    assert_string_equal(settings.socket, FA_DEFAULT_SOCKET);
    fa_settings_done(&settings);
    assert_int_equal(fa_settings_load(&fix->world, fix->config, &settings, &err), FA_ENOTFOUND);
}

#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, open_dir, close_dir)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DIR(a_kill_at_any_step_leaves_the_whole_filing_or_none),
        WITH_DIR(remains_of_a_killed_run_go_when_they_are_old),
        WITH_DIR(nobody_else_can_read_a_filing),
        WITH_DIR(a_filing_that_another_run_holds_is_left_alone),
        WITH_DIR(a_receipt_is_kept_once_for_a_filing),
        cmocka_unit_test(broken_spool_files_are_refused_with_the_reason),
        cmocka_unit_test(texts_are_cleaned_and_latin1_becomes_utf8),
        cmocka_unit_test(people_are_found_by_part_of_a_name),
        WITH_DIR(wrong_settings_are_refused_with_their_line),
        WITH_DIR(a_token_that_others_can_read_is_refused),
        WITH_DIR(without_a_file_the_local_daemon_is_meant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
