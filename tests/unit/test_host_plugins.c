/* SPDX-License-Identifier: MIT */
/* links: fa_plugin_sqlite_static fa_test_stores */
/* Each broken plugin of tests/support/plugins_bad/ says what is wrong with it, in its own words. */
#include "fa_test.h"
#include "host/plugins.h"
#include "store_mem.h"
#include "tmpdir.h"

static char bad_root[1024], real_root[1024];

static void each_defect_has_its_own_message(void **state)
{
    static const struct {
        enum fa_plugin_kind kind;
        const char *name;
        int rc;
        const char *words;
    } rows[] = {
        {FA_PLUGIN_NOTIFIER, "no_symbol", FA_ECORRUPT, "exports no firealarm_notifier"},
        {FA_PLUGIN_NOTIFIER, "abi0", FA_EVERSION, "abi 0, this firealarm has abi 1"},
        {FA_PLUGIN_NOTIFIER, "abi99", FA_EVERSION, "abi 99, this firealarm has abi 1"},
        {FA_PLUGIN_NOTIFIER, "short", FA_ECORRUPT, "its table has 16 bytes, a notifier of abi 1"},
        {FA_PLUGIN_NOTIFIER, "null_name", FA_ECORRUPT, "the plugin has no name"},
        {FA_PLUGIN_NOTIFIER, "other_name", FA_ECORRUPT, "calls itself \"something_else\""},
        {FA_PLUGIN_NOTIFIER, "no_render", FA_ECORRUPT, "the notifier has no render function"},
        {FA_PLUGIN_NOTIFIER, "missing_library", FA_ECORRUPT, "cannot be loaded"},
        {FA_PLUGIN_NOTIFIER, "missing_library", FA_ECORRUPT, "nobody_has_this"},
        {FA_PLUGIN_NOTIFIER, "bad_type", FA_ECORRUPT, "entry 2 (\"second\") has an unknown type"},
        {FA_PLUGIN_NOTIFIER, "bad_default", FA_ECORRUPT, "default of entry 2: second = \"soon\""},
        {FA_PLUGIN_NOTIFIER, "absent", FA_ENOTFOUND, "absent.so); there are: "},
        {FA_PLUGIN_NOTIFIER, "../notifiers/good", FA_EINVAL, "is no plugin name"},
        {FA_PLUGIN_NOTIFIER, "", FA_EINVAL, "is no plugin name"},
        {FA_PLUGIN_DECODER, "no_feed", FA_ECORRUPT, "the decoder has no feed function"},
        {FA_PLUGIN_STORE, "no_put", FA_ECORRUPT, "the store has no put function"},
        {FA_PLUGIN_STORE, "no_commit", FA_ECORRUPT, "the store has no commit function"},
        {FA_PLUGIN_STORE, "abi99", FA_EVERSION, "store abi 99"},
    };
    struct fa_plugins *plugins = fa_plugins_new(bad_root);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct fa_plugin *plugin = NULL;
        struct fa_err err;
        int rc = fa_plugins_load(plugins, rows[i].kind, rows[i].name, &plugin, &err);
        if (rc != rows[i].rc || plugin != NULL) {
            fail_msg("%s: rc %d %s", rows[i].name, rc, rc < 0 ? err.text : "");
        }
        assert_contains(err.text, rows[i].words);
        if (rc != FA_EINVAL) {
            assert_contains(err.text, rows[i].name); /* it says which file */
        }
        assert_null(fa_plugins_find(plugins, rows[i].kind, rows[i].name));
    }
    fa_plugins_free(plugins);
}

static void a_failing_create_or_check_is_told_in_the_plugins_words(void **state)
{
    static const struct {
        enum fa_plugin_kind kind;
        const char *name, *words;
    } rows[] = {
        {FA_PLUGIN_NOTIFIER, "create_fails", "notifier \"ops\": no luck today"},
        {FA_PLUGIN_NOTIFIER, "create_silent", "notifier \"ops\": failed and does not say why"},
        {FA_PLUGIN_DECODER, "create_fails", "decoder \"ops\": no dictionary"},
    };
    struct fa_plugins *plugins = fa_plugins_new(bad_root);
    struct firealarm_host host = fa_host_table(NULL, NULL);
    struct firealarm_settings settings = {.name = "ops"};
    const struct fa_plugin *plugin = NULL;
    struct fa_err err;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        void *self = NULL;
        assert_int_equal(fa_plugins_load(plugins, rows[i].kind, rows[i].name, &plugin, &err), 0);
        assert_int_equal(fa_plugin_check(plugin, &settings, &err), 0);
        assert_int_equal(fa_plugin_create(plugin, &host, &settings, &self, &err), FA_EINVAL);
        assert_string_equal(err.text, rows[i].words);
        assert_null(self);
    }
    assert_int_equal(fa_plugins_load(plugins, FA_PLUGIN_NOTIFIER, "check_fails", &plugin, &err), 0);
    assert_int_equal(fa_plugin_check(plugin, &settings, &err), FA_EINVAL);
    assert_string_equal(err.text, "notifier \"ops\": first must not be empty");
    fa_plugins_free(plugins);
}

static void keep_log(void *ctx, uint32_t level, const char *text)
{
    snprintf(ctx, 64, "%u %s", (unsigned)level, text);
}

static void a_good_one_is_loaded_once_and_can_log(void **state)
{
    char logged[64] = "";
    struct fa_plugins *plugins = fa_plugins_new(bad_root);
    struct firealarm_host host = fa_host_table(keep_log, logged);
    struct firealarm_settings settings = {.name = "ops"};
    const struct fa_plugin *first = NULL, *second = NULL;
    struct fa_err err;
    void *self = NULL;
    assert_int_equal(fa_plugins_load(plugins, FA_PLUGIN_NOTIFIER, "good", &first, &err), 0);
    assert_int_equal(fa_plugins_load(plugins, FA_PLUGIN_NOTIFIER, "good", &second, &err), 0);
    assert_ptr_equal(first, second);
    assert_string_equal(first->name, "good");
    assert_string_equal(first->summary, ""); /* it gave none */
    assert_string_equal(first->options[1].name, "second");
    assert_int_equal(fa_plugin_create(first, &host, &settings, &self, &err), 0);
    assert_string_equal(logged, "6 created");
    fa_plugin_destroy(first, self);
    /* The same name is another plugin in another kind. */
    assert_int_equal(fa_plugins_load(plugins, FA_PLUGIN_DECODER, "good", &second, &err), 0);
    assert_ptr_equal(second->notifier, NULL);
    assert_non_null(second->decoder);
    assert_string_equal(second->version, "");
    assert_null(second->options[0].name); /* no table is an empty table */
    fa_plugin_destroy(second, NULL);
    fa_plugins_free(plugins);
}

static void an_older_plugin_lacks_what_was_appended_later(void **state)
{
    struct fa_plugins *plugins = fa_plugins_new(bad_root);
    const struct fa_plugin *plugin = NULL;
    struct fa_err err;
    assert_int_equal(fa_plugins_load(plugins, FA_PLUGIN_NOTIFIER, "old", &plugin, &err), 0);
    assert_non_null(plugin->notifier->render);
    assert_null(plugin->notifier->judge);
    assert_null(plugin->notifier->check_address);
    fa_plugins_free(plugins);
}

static void the_real_store_is_loaded_from_the_build(void **state)
{
    struct fa_plugins *plugins = fa_plugins_new(real_root);
    const struct fa_plugin *plugin = NULL;
    struct fa_err err;
    int rc = fa_plugins_load(plugins, FA_PLUGIN_STORE, "sqlite", &plugin, &err);
    if (rc != 0) {
        fail_msg("%s", err.text);
    }
    assert_string_equal(plugin->name, "sqlite");
    fa_plugins_free(plugins);
}

static void linked_in_plugins_pass_the_same_checks(void **state)
{
    struct fa_plugins *plugins = fa_plugins_new(NULL);
    struct firealarm_store broken = firealarm_store;
    const struct fa_plugin *plugin = NULL;
    struct fa_err err;
    assert_int_equal(fa_plugins_add(plugins, FA_PLUGIN_STORE, &firealarm_store, &err), 0);
    assert_int_equal(fa_plugins_add(plugins, FA_PLUGIN_STORE, &firealarm_store, &err), FA_EEXISTS);
    assert_contains(err.text, "there is a store \"sqlite\" already");
    broken.name = "Not A Name";
    assert_int_equal(fa_plugins_add(plugins, FA_PLUGIN_STORE, &broken, &err), FA_ECORRUPT);
    broken.name = "other";
    broken.abi = 2;
    assert_int_equal(fa_plugins_add(plugins, FA_PLUGIN_STORE, &broken, &err), FA_EVERSION);
    assert_int_equal(fa_plugins_add(plugins, FA_PLUGIN_STORE, &fa_store_mem, &err), 0);
    assert_int_equal(fa_plugins_load(plugins, FA_PLUGIN_STORE, "memory", &plugin, &err), 0);
    assert_int_equal(fa_plugins_load(plugins, FA_PLUGIN_STORE, "none", &plugin, &err),
                     FA_ENOTFOUND);
    fa_plugins_free(plugins);
}

/* A root of our own with a copy of the good notifier, to loosen one lock at a time. */
struct tree {
    struct tmpdir root;
    char folder[512], file[640];
};

static void make_tree(struct tree *tree)
{
    char command[4096];
    tmpdir_make(&tree->root);
    snprintf(tree->folder, sizeof tree->folder, "%s/notifiers", tree->root.path);
    snprintf(tree->file, sizeof tree->file, "%s/good.so", tree->folder);
    snprintf(command, sizeof command, "mkdir -m 755 '%s' && cp '%s/notifiers/good.so' '%s'",
             tree->folder, bad_root, tree->file);
    assert_int_equal(system(command), 0);
    chmod(tree->file, 0644);
}

static void remove_tree(struct tree *tree)
{
    unlink(tree->file);
    rmdir(tree->folder);
    tmpdir_remove(&tree->root);
}

static int load_from(const struct tree *tree, struct fa_err *err)
{
    const struct fa_plugin *plugin = NULL;
    struct fa_plugins *plugins = fa_plugins_new(tree->root.path);
    int rc = fa_plugins_load(plugins, FA_PLUGIN_NOTIFIER, "good", &plugin, err);
    fa_plugins_free(plugins);
    return rc;
}

static void what_somebody_else_could_change_is_not_run(void **state)
{
    struct tree tree;
    struct fa_err err;
    make_tree(&tree);
    assert_int_equal(load_from(&tree, &err), 0);
    const struct {
        const char *path;
        mode_t loose, tight;
    } rows[] = {
        {tree.file, 0666, 0644},    {tree.file, 0664, 0644},      {tree.folder, 0775, 0755},
        {tree.folder, 01777, 0755}, {tree.root.path, 0777, 0700},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        chmod(rows[i].path, rows[i].loose);
        assert_int_equal(load_from(&tree, &err), FA_EDENIED);
        assert_contains(err.text, rows[i].path);
        assert_contains(err.text, "lets group or others change it");
        chmod(rows[i].path, rows[i].tight);
    }
    assert_int_equal(load_from(&tree, &err), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(tree.file, 12345, 0), 0);
        assert_int_equal(load_from(&tree, &err), FA_EDENIED);
        assert_contains(err.text, "owned by uid 12345");
    } else {
        print_message("a file of another owner: skipped, needs root\n");
    }
    remove_tree(&tree);
}

static void only_a_plain_file_in_a_directory_is_a_plugin(void **state)
{
    struct tree tree;
    struct fa_err err;
    char target[4096];
    make_tree(&tree);
    unlink(tree.file);
    snprintf(target, sizeof target, "%s/notifiers/good.so", bad_root);
    assert_int_equal(symlink(target, tree.file), 0);
    assert_int_equal(load_from(&tree, &err), FA_EDENIED);
    assert_contains(err.text, "symbolic link");
    unlink(tree.file);
    FILE *file = fopen(tree.file, "we");
    assert_non_null(file);
    fputs("this is no shared object", file);
    fclose(file);
    chmod(tree.file, 0644);
    assert_int_equal(load_from(&tree, &err), FA_ECORRUPT);
    assert_contains(err.text, "cannot be loaded");
    unlink(tree.file);
    rmdir(tree.folder);
    assert_int_equal(load_from(&tree, &err), FA_ENOTFOUND);
    assert_contains(err.text, tree.folder);
    remove_tree(&tree);
}

int main(void)
{
    const char *build = getenv("FA_BUILD_DIR");
    snprintf(bad_root, sizeof bad_root, "%s/tests/plugins_bad",
             build != NULL ? build : "build-dev");
    snprintf(real_root, sizeof real_root, "%s/plugins", build != NULL ? build : "build-dev");
    /* The loader's own rule holds for the build as well, whatever umask it was made with. */
    char command[4096];
    snprintf(command, sizeof command, "chmod -R go-w '%s' '%s'", bad_root, real_root);
    if (system(command) != 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_defect_has_its_own_message),
        cmocka_unit_test(a_failing_create_or_check_is_told_in_the_plugins_words),
        cmocka_unit_test(a_good_one_is_loaded_once_and_can_log),
        cmocka_unit_test(an_older_plugin_lacks_what_was_appended_later),
        cmocka_unit_test(the_real_store_is_loaded_from_the_build),
        cmocka_unit_test(linked_in_plugins_pass_the_same_checks),
        cmocka_unit_test(what_somebody_else_could_change_is_not_run),
        cmocka_unit_test(only_a_plain_file_in_a_directory_is_a_plugin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
