/* SPDX-License-Identifier: MIT */
/* links: fa_test_stores fa_plugin_sqlite_static fa_host */
/* Every store against the one suite. */
#include "fa_test.h"
#include "host/plugins.h"
#include "store_conformance.h"
#include "store_faulty.h"
#include "store_mem.h"
#include "tmpdir.h"

struct fixture {
    struct fa_conformance conformance; /* first: it is what the suite gets */
    struct firealarm_value values[3], inner_value;
    struct firealarm_settings inner;
    struct fa_mem_disk disk;
    struct fa_faulty faulty;
    struct tmpdir dir;
};

static struct fixture *new_fixture(void **state, const struct firealarm_store *plugin)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    fixture->conformance.plugin = plugin;
    fixture->conformance.host = fa_host_table(NULL, NULL);
    *state = fixture;
    return fixture;
}

static int set_up_mem(void **state)
{
    struct fixture *fixture = new_fixture(state, &fa_store_mem);
    fixture->conformance.settings = fa_mem_settings(&fixture->disk, fixture->values);
    return 0;
}

static int set_up_faulty(void **state)
{
    struct fixture *fixture = new_fixture(state, &fa_store_faulty);
    fixture->inner = fa_mem_settings(&fixture->disk, &fixture->inner_value);
    fixture->faulty.inner = &fa_store_mem;
    fixture->faulty.inner_settings = &fixture->inner;
    fixture->conformance.settings = fa_faulty_settings(&fixture->faulty, fixture->values);
    return 0;
}

static int tear_down_mem(void **state)
{
    struct fixture *fixture = *state;
    fa_mem_disk_done(&fixture->disk);
    free(fixture);
    return 0;
}

static int set_up_sqlite(void **state)
{
    struct fixture *fixture = new_fixture(state, &firealarm_store);
    tmpdir_make(&fixture->dir);
    fixture->values[0].text = (struct firealarm_text){fixture->dir.path, strlen(fixture->dir.path)};
    fixture->values[1].number = 65536;
    fixture->values[2].number = 1;
    fixture->conformance.settings = (struct firealarm_settings){"main", fixture->values, 3};
    return 0;
}

static int tear_down_sqlite(void **state)
{
    struct fixture *fixture = *state;
    tmpdir_remove(&fixture->dir);
    free(fixture);
    return 0;
}

int main(void)
{
    int failed = fa_conformance_run("memory", set_up_mem, tear_down_mem);
    failed += fa_conformance_run("faulty", set_up_faulty, tear_down_mem);
    failed += fa_conformance_run("sqlite", set_up_sqlite, tear_down_sqlite);
    return failed != 0;
}
