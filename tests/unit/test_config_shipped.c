/* SPDX-License-Identifier: MIT */
/* links: fa_alarms fa_plugin_sqlite_static PkgConfig::LIBSODIUM */
/* needs: fa_plugin_email fa_plugin_webhook fa_plugin_statsd fa_plugin_sqlite */
/* What is shipped and what --init writes: it loads, proves clean and survives being damaged. */
#include "fa_test.h"
#include "fa_config_test.h"

#include "alarms/describe.h"
#include "base/id.h"
#include "config/init.h"
#include "host/secret.h"

#include <dirent.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

static char *shipped_path(void)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/etc/firealarm.cfg", getenv("FA_SOURCE_DIR"));
    return path;
}

/* The real ones. */
static struct fa_plugins *built_plugins(void)
{
    char root[512];
    snprintf(root, sizeof root, "%s/plugins", getenv("FA_BUILD_DIR"));
    return fa_plugins_new(root);
}

static struct fa_config *load(const char *path, struct fa_test_told *told)
{
    struct fa_plugins *plugins = built_plugins();
    struct fa_config *config = NULL;
    fa_test_told_init(told);
    struct fa_config_world world = {.plugins = plugins};
    int rc = fa_config_load(path, &world, fa_test_told_fault, told, &config);
    fa_plugins_free(plugins);
    if (rc != 0) {
        assert_true(told->fault_count > 0);
        return NULL;
    }
    return config;
}

static void the_shipped_configuration_warns_of_nothing_but_that_nobody_watches(void **state)
{
    struct fa_test_told told;
    struct fa_config *config = load(shipped_path(), &told);
    assert_string_equal(fa_buf_text(&told.faults), "");
    const char *warnings = fa_buf_text(&told.warnings);
    assert_contains(warnings, "nobody outside watches this daemon");
    assert_ptr_equal(strchr(warnings, '\n'), warnings + strlen(warnings) - 1);
    assert_non_null(config);
    assert_true(config->rule_count >= 7);
    assert_int_equal(config->setup.severity_count, 3);
    assert_int_equal(config->setup.rearm, FA_HOUR);
    assert_string_equal(config->company, "ACME");
    const struct fa_rule *rule = fa_setup_rule(&config->setup, "values-violation");
    assert_int_equal(rule->incident.category_count, 4);
    assert_string_equal(rule->category, "lying");
    rule = fa_setup_rule(&config->setup, "customers-leaving");
    assert_int_equal(rule->metric.take, FA_TAKE_INCREASE);
    assert_int_equal(rule->metric.over, 30 * FA_DAY);
    assert_true(rule->metric.has_above && rule->metric.above == 20.0);
    rule = fa_setup_rule(&config->setup, "same-customer-twice");
    assert_string_equal(rule->severity, "warning");
    assert_string_equal(fa_setup_category(&config->setup, "pressure")->value, "safety");
    assert_int_equal(strlen(fa_setup_policy(&config->setup, "operators")->hash), 32);
    fa_config_free(config);
    fa_test_told_done(&told);
}

static void paths_are_absolute_and_count_from_the_files_directory(void **state)
{
    struct fa_test_told told;
    struct fa_config *config = load(shipped_path(), &told);
    char expect[600];
    char *real = realpath(getenv("FA_SOURCE_DIR"), NULL);
    snprintf(expect, sizeof expect, "%s/etc/secrets/mac.key", real);
    assert_string_equal(config->mac_key_file, expect);
    snprintf(expect, sizeof expect, "unix:%s/etc/run/api.sock", real);
    assert_string_equal(config->listeners[0].address, expect);
    snprintf(expect, sizeof expect, "%s/etc/store", real);
    assert_string_equal(config->store.given[0].name, "path");
    assert_string_equal(config->store.given[0].text.ptr, expect);
    free(real);
    fa_config_free(config);
    fa_test_told_done(&told);
}

static void the_stored_copy_reads_back_the_same_with_the_same_places(void **state)
{
    struct fa_test_told told, again_told;
    struct fa_config *config = load(shipped_path(), &told), *again = NULL;
    fa_test_told_init(&again_told);
    assert_int_equal(fa_config_parse("stored", fa_str_of(config->source), NULL, fa_test_told_fault,
                                     &again_told, &again),
                     0);
    assert_string_equal(again->source, config->source);
    assert_int_equal(again->rule_count, config->rule_count);
    for (size_t i = 0; i < config->rule_count; i++) {
        assert_string_equal(again->rules[i]->file, config->rules[i]->file);
        assert_int_equal(again->rules[i]->line, config->rules[i]->line);
        assert_true(config->rules[i]->line > 0);
    }
    assert_string_equal(again->mac_key_file, config->mac_key_file);
    assert_string_equal(fa_setup_policy(&again->setup, "independent")->hash,
                        fa_setup_policy(&config->setup, "independent")->hash);
    fa_config_free(again);
    fa_config_free(config);
    fa_test_told_done(&told);
    fa_test_told_done(&again_told);
}

/* Cuts, doubles, swaps and overwrites pieces of the text. */
static void mutate(struct fa_buf *buf, const char *text, struct fa_rng *rng)
{
    static const char *const bits[] = {"}",    "{",  ")",           "(",  "\"", ";",
                                       ",",    "=",  "99999999999", "-1", "#",  "@include",
                                       "true", "/*", "\\",          "[",  "]",  "\n"};
    size_t len = strlen(text);
    fa_buf_put(buf, text, len);
    for (uint64_t n = 1 + fa_rng_next(rng) % 4; n > 0; n--) {
        size_t at = fa_rng_next(rng) % buf->len, cut = fa_rng_next(rng) % 40;
        struct fa_buf out;
        fa_buf_init(&out, (size_t)1 << 20);
        fa_buf_put(&out, buf->data, at);
        if (fa_rng_next(rng) % 3 == 0) {
            fa_buf_puts(&out, bits[fa_rng_next(rng) % (sizeof bits / sizeof bits[0])]);
        } else if (fa_rng_next(rng) % 2 == 0) {
            fa_buf_putc(&out, (char)(1 + fa_rng_next(rng) % 255));
        }
        size_t skip = at + cut < buf->len ? cut : 0;
        fa_buf_put(&out, buf->data + at + skip, buf->len - at - skip);
        fa_buf_done(buf);
        *buf = out;
    }
}

static void a_damaged_configuration_loads_clean_or_says_why(void **state)
{
    struct fa_test_told told;
    struct fa_config *config = load(shipped_path(), &told);
    struct fa_plugins *plugins = built_plugins();
    struct fa_rng rng = {{11, 13}};
    size_t refused = 0;
    for (int i = 0; i < 400; i++) {
        struct fa_buf text;
        fa_buf_init(&text, (size_t)1 << 20);
        mutate(&text, config->source, &rng);
        struct fa_test_told each;
        struct fa_config *damaged = fa_test_parse(fa_buf_text(&text), plugins, &each);
        if ((damaged == NULL) != (each.fault_count > 0)) {
            fail_msg("mutation %d: %s", i, fa_buf_text(&each.faults));
        }
        refused += damaged == NULL;
        fa_config_free(damaged);
        fa_test_told_done(&each);
        fa_buf_done(&text);
    }
    assert_true(refused > 100 && refused < 400);
    fa_plugins_free(plugins);
    fa_config_free(config);
    fa_test_told_done(&told);
}

static struct fa_init example(const char *dir)
{
    return (struct fa_init){
        .dir = dir,
        .company = "Quote \"and\" back\\slash & S\xc3\xb6hne",
        .relay = "127.0.0.1:25",
        .owner = {"Maria Lopez", "maria@example.com"},
        .independents = {{"Maria Lopez", "other@example.org"},
                         {"\xc3\x84\xc3\x96", "law@example.net"}},
        .uid = 4000000000u,
        .has_uid = true,
    };
}

static char *make_temp(void)
{
    static char dir[64];
    snprintf(dir, sizeof dir, "/tmp/fa-config-XXXXXX");
    assert_non_null(mkdtemp(dir));
    return dir;
}

static void remove_tree(const char *path)
{
    DIR *dir = opendir(path);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        char sub[700];
        snprintf(sub, sizeof sub, "%s/%s", path, entry->d_name);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            unlink(sub) != 0) {
            remove_tree(sub);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    (void)rmdir(path);
}

static void assert_mode(const char *dir, const char *name, mode_t mode)
{
    char path[300];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_int_equal(stat(path, &st), 0);
    if ((st.st_mode & 07777) != mode) {
        fail_msg("%s has mode %o", name, st.st_mode & 07777);
    }
}

static void what_init_writes_proves_clean(void **state)
{
    char dir[200], path[300];
    snprintf(dir, sizeof dir, "%s/new", make_temp());
    struct fa_init in = example(dir);
    struct fa_err err;
    assert_int_equal(fa_config_init(&in, &err), 0);
    snprintf(path, sizeof path, "%s/firealarm.cfg", dir);
    struct fa_test_told told;
    struct fa_config *config = load(path, &told);
    assert_string_equal(fa_buf_text(&told.faults), "");
    assert_non_null(config);
    assert_string_equal(config->company, in.company);
    assert_int_equal(config->people->people_count, 3);
    assert_int_equal(fa_directory_find_uid(config->people, 4000000000u), 0);
    assert_mode(dir, "", 0750);
    assert_mode(dir, "secrets", 0700);
    assert_mode(dir, "secrets/mac.key", 0600);
    assert_mode(dir, "secrets/owner.token", 0600);
    assert_mode(dir, "secrets/independent-1.token", 0600);
    assert_mode(dir, "secrets/independent-2.token", 0600);
    for (size_t i = 0; i < config->people->people_count; i++) { /* who is told can own it */
        assert_int_equal(config->people->people[i].token_count, 1);
    }
    assert_mode(dir, "firealarm.cfg", 0640);
    fa_config_free(config);
    fa_test_told_done(&told);
    dir[strlen(dir) - 4] = '\0';
    remove_tree(dir);
}

static void the_owners_token_opens_and_is_not_in_the_configuration(void **state)
{
    char dir[200], path[300], *token = NULL, *key = NULL;
    size_t len = 0, key_len = 0;
    snprintf(dir, sizeof dir, "%s", make_temp());
    struct fa_init in = example(dir);
    struct fa_err err;
    assert_int_equal(fa_config_init(&in, &err), 0);
    snprintf(path, sizeof path, "%s/secrets/owner.token", dir);
    assert_int_equal(fa_secret_read(path, &token, &len, &err), 0);
    snprintf(path, sizeof path, "%s/secrets/mac.key", dir);
    assert_int_equal(fa_secret_read(path, &key, &key_len, &err), 0);
    assert_int_equal(key_len, 64);
    snprintf(path, sizeof path, "%s/firealarm.cfg", dir);
    struct fa_test_told told;
    struct fa_config *config = load(path, &told);
    uint8_t hash[32];
    crypto_generichash(hash, sizeof hash, (const unsigned char *)token, len, NULL, 0);
    assert_int_equal(fa_directory_find_token(config->people, hash), 0);
    assert_null(strstr(config->source, token));
    assert_null(strstr(config->source, key));
    fa_secret_free(token, len);
    fa_secret_free(key, key_len);
    fa_config_free(config);
    fa_test_told_done(&told);
    remove_tree(dir);
}

static void init_overwrites_nothing_and_leaves_nothing_behind(void **state)
{
    char dir[200], path[300];
    snprintf(dir, sizeof dir, "%s", make_temp());
    snprintf(path, sizeof path, "%s/firealarm.cfg", dir);
    FILE *file = fopen(path, "w");
    fputs("mine\n", file);
    fclose(file);
    struct fa_init in = example(dir);
    struct fa_err err;
    assert_int_equal(fa_config_init(&in, &err), FA_EEXISTS);
    assert_contains(err.text, "firealarm.cfg exists already");
    char line[16] = "";
    file = fopen(path, "r");
    assert_non_null(fgets(line, sizeof line, file));
    fclose(file);
    assert_string_equal(line, "mine\n");
    snprintf(path, sizeof path, "%s/secrets", dir);
    assert_int_equal(access(path, F_OK), -1);
    remove_tree(dir);
}

static void init_names_what_is_missing(void **state)
{
    struct fa_err err;
    struct fa_init in = example("/tmp/never-made");
    in.independents[1].mail = NULL;
    assert_int_equal(fa_config_init(&in, &err), FA_EINVAL);
    assert_contains(err.text, "the second independent contact's mail address is missing");
    in = example("/tmp/never-made");
    in.owner.mail = "nobody";
    assert_int_equal(fa_config_init(&in, &err), FA_EINVAL);
    assert_contains(err.text, "no mail address");
    in = example("/tmp/never-made");
    in.independents[0].mail = "MARIA@example.com";
    assert_int_equal(fa_config_init(&in, &err), FA_EINVAL);
    assert_contains(err.text, "three people");
    in = example("/tmp/never-made");
    in.company = "two\nlines";
    assert_int_equal(fa_config_init(&in, &err), FA_EINVAL);
}

struct script {
    const char *const *answers;
    size_t at;
};

static bool answer(void *ctx, const char *question, const char *def, char *buf, size_t size)
{
    struct script *script = ctx;
    const char *text = script->answers[script->at];
    if (text == NULL) {
        return false;
    }
    script->at++;
    snprintf(buf, size, "%s", text);
    return true;
}

static void init_asks_for_what_the_options_lack(void **state)
{
    static const char *const answers[] = {"ACME",
                                          "",
                                          "Maria",
                                          "no address",
                                          "maria@example.com",
                                          "Ruth",
                                          "ruth@example.org",
                                          "Leo",
                                          "leo@example.net",
                                          "",
                                          NULL};
    struct script script = {answers, 0};
    struct fa_init in = {.dir = "/tmp/x"};
    struct fa_init_answers store;
    struct fa_err err;
    assert_int_equal(fa_init_ask(&in, &store, answer, &script, &err), 0);
    assert_string_equal(in.owner.display, "Maria");
    assert_string_equal(in.owner.mail, "maria@example.com");
    assert_string_equal(in.independents[1].mail, "leo@example.net");
    assert_string_equal(in.relay, "127.0.0.1:25");
    static const char *const few[] = {"ACME", NULL};
    script = (struct script){few, 0};
    in = (struct fa_init){.dir = "/tmp/x"};
    assert_int_equal(fa_init_ask(&in, &store, answer, &script, &err), FA_EINVAL);
    assert_contains(err.text, "Your name");
}

static void the_reference_names_every_group_and_default(void **state)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    fa_config_reference(out, NULL);
    fclose(out);
    static const char *const parts[] = {
        ".TH FIREALARM.CFG 5", ".SS people",       ".SS people.channels", ".SS policies.steps",
        ".SS rules.incident",  ".SS feeds.limits", "clear_below",         "default 1h",
        "solve help raise",    "required",         "rules.d/*.cfg",
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        assert_contains(text, parts[i]);
    }
    free(text);
}

static void a_summary_may_use_what_is_filled_in_and_nothing_else(void **state)
{
    size_t count = 0;
    const char *const *names = fa_config_summary_fields(&count);
    for (size_t i = 0; i < count; i++) {
        assert_non_null(fa_describe_names[i]);
        assert_string_equal(names[i], fa_describe_names[i]);
    }
    assert_null(fa_describe_names[count]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shipped_configuration_warns_of_nothing_but_that_nobody_watches),
        cmocka_unit_test(paths_are_absolute_and_count_from_the_files_directory),
        cmocka_unit_test(the_stored_copy_reads_back_the_same_with_the_same_places),
        cmocka_unit_test(a_damaged_configuration_loads_clean_or_says_why),
        cmocka_unit_test(what_init_writes_proves_clean),
        cmocka_unit_test(the_owners_token_opens_and_is_not_in_the_configuration),
        cmocka_unit_test(init_overwrites_nothing_and_leaves_nothing_behind),
        cmocka_unit_test(init_names_what_is_missing),
        cmocka_unit_test(init_asks_for_what_the_options_lack),
        cmocka_unit_test(a_summary_may_use_what_is_filled_in_and_nothing_else),
        cmocka_unit_test(the_reference_names_every_group_and_default),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
