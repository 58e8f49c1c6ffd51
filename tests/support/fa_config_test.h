/* SPDX-License-Identifier: MIT */
/* For tests of configurations: all faults of a text as one string of lines, and plugins that stand
 * in for the real ones. */
#ifndef FA_CONFIG_TEST_H
#define FA_CONFIG_TEST_H

#include "base/buf.h"
#include "config/config.h"
#include "host/plugins.h"

#include <string.h>

struct fa_test_told {
    struct fa_buf faults, warnings; /* "file:line:col: text\n" each */
    size_t fault_count, warning_count;
};

static inline void fa_test_told_init(struct fa_test_told *told)
{
    memset(told, 0, sizeof *told);
    fa_buf_init(&told->faults, (size_t)1 << 22);
    fa_buf_init(&told->warnings, (size_t)1 << 22);
}

static inline void fa_test_told_done(struct fa_test_told *told)
{
    fa_buf_done(&told->faults);
    fa_buf_done(&told->warnings);
}

static inline void fa_test_told_fault(void *ctx, bool is_warning, const struct fa_err *err)
{
    struct fa_test_told *told = ctx;
    char line[1024];
    fa_err_format(err, line, sizeof line);
    fa_buf_printf(is_warning ? &told->warnings : &told->faults, "%s\n", line);
    *(is_warning ? &told->warning_count : &told->fault_count) += 1;
}

/* The configuration or NULL; the caller frees it and calls fa_test_told_done. */
static inline struct fa_config *fa_test_parse(const char *text, struct fa_plugins *plugins,
                                              struct fa_test_told *told)
{
    struct fa_config_world world = {.plugins = plugins};
    struct fa_config *config = NULL;
    fa_test_told_init(told);
    int rc = fa_config_parse("t.cfg", fa_str_of(text), &world, fa_test_told_fault, told, &config);
    return rc == 0 ? config : NULL;
}

static inline int32_t stub_check_address(struct firealarm_text address,
                                         struct firealarm_error *error)
{
    if (memchr(address.ptr, '@', address.len) == NULL) {
        snprintf(error->text, sizeof error->text, "no mail address");
        return -1;
    }
    return 0;
}

static inline int32_t stub_create(const struct firealarm_host *host,
                                  const struct firealarm_settings *settings, void **ret_self,
                                  struct firealarm_error *error)
{
    (void)host, (void)settings, (void)error;
    *ret_self = NULL;
    return 0;
}

static inline void stub_destroy(void *self)
{
    (void)self;
}

static inline int32_t stub_render(void *self, const struct firealarm_notice *notice,
                                  struct firealarm_request_out *ret_request,
                                  struct firealarm_error *error)
{
    (void)self, (void)notice, (void)ret_request, (void)error;
    return -1;
}

static inline int32_t stub_open(void *self, const struct firealarm_request *request,
                                void **ret_conn, struct firealarm_error *error)
{
    (void)self, (void)request, (void)error;
    *ret_conn = NULL;
    return 0;
}

static inline int32_t stub_feed(void *conn, const struct firealarm_sink *sink,
                                struct firealarm_text bytes, uint32_t flags,
                                struct firealarm_error *error)
{
    (void)conn, (void)sink, (void)bytes, (void)flags, (void)error;
    return 0;
}

static const struct firealarm_option stub_email_options[] = {
    {.name = "relay", .type = FIREALARM_OPT_TEXT, .flags = FIREALARM_OPT_REQUIRED, .help = "h"},
    {.name = "from", .type = FIREALARM_OPT_TEXT, .flags = FIREALARM_OPT_REQUIRED, .help = "h"},
    {.name = "timeout",
     .type = FIREALARM_OPT_DURATION,
     .default_text = "10s",
     .min = 1000,
     .max = 60000,
     .help = "h"},
    {.name = NULL},
};
static const struct firealarm_option stub_webhook_options[] = {
    {.name = "url", .type = FIREALARM_OPT_TEXT, .flags = FIREALARM_OPT_REQUIRED, .help = "h"},
    {.name = "secret", .type = FIREALARM_OPT_SECRET, .help = "h"},
    {.name = NULL},
};
static const struct firealarm_option stub_no_options[] = {{.name = NULL}};

static const struct firealarm_notifier stub_email = {
    .abi = FIREALARM_NOTIFIER_ABI,
    .size = sizeof stub_email,
    .name = "email",
    .version = "1",
    .summary = "stub",
    .options = stub_email_options,
    .create = stub_create,
    .destroy = stub_destroy,
    .render = stub_render,
    .check_address = stub_check_address,
};
static const struct firealarm_notifier stub_webhook = {
    .abi = FIREALARM_NOTIFIER_ABI,
    .size = sizeof stub_webhook,
    .name = "webhook",
    .version = "1",
    .summary = "stub",
    .options = stub_webhook_options,
    .create = stub_create,
    .destroy = stub_destroy,
    .render = stub_render,
};
static const struct firealarm_decoder stub_statsd = {
    .abi = FIREALARM_DECODER_ABI,
    .size = sizeof stub_statsd,
    .name = "statsd",
    .version = "1",
    .summary = "stub",
    .options = stub_no_options,
    .transports = 1u << FIREALARM_DATAGRAM,
    .create = stub_create,
    .destroy = stub_destroy,
    .open = stub_open,
    .feed = stub_feed,
    .close = stub_destroy,
};
static const struct firealarm_decoder stub_remote = {
    .abi = FIREALARM_DECODER_ABI,
    .size = sizeof stub_remote,
    .name = "remote",
    .version = "1",
    .summary = "stub",
    .options = stub_no_options,
    .transports = 1u << FIREALARM_HTTP,
    .create = stub_create,
    .destroy = stub_destroy,
    .open = stub_open,
    .feed = stub_feed,
    .close = stub_destroy,
    .paths = "/remote /remote/more",
};

/* email, webhook, statsd, remote and the real sqlite. NULL when one is refused. */
static inline struct fa_plugins *fa_test_plugins(void)
{
    struct fa_plugins *plugins = fa_plugins_new(NULL);
    const struct {
        enum fa_plugin_kind kind;
        const void *table;
    } rows[] = {
        {FA_PLUGIN_NOTIFIER, &stub_email},   {FA_PLUGIN_NOTIFIER, &stub_webhook},
        {FA_PLUGIN_DECODER, &stub_statsd},   {FA_PLUGIN_DECODER, &stub_remote},
        {FA_PLUGIN_STORE, &firealarm_store},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fa_err err;
        if (fa_plugins_add(plugins, rows[i].kind, rows[i].table, &err) != 0) {
            fprintf(stderr, "%s\n", err.text);
            fa_plugins_free(plugins);
            return NULL;
        }
    }
    return plugins;
}

#endif
