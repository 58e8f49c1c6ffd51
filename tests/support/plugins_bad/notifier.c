/* SPDX-License-Identifier: MIT */
/* A notifier that keeps the contract unless a definition breaks one thing of it. */
#include <firealarm/notifier.h>

#include <stdio.h>

#define FIREALARM_OLD_SIZE (uint32_t)(offsetof(struct firealarm_notifier, render) + sizeof(void *))

#ifndef SYMBOL
#define SYMBOL firealarm_notifier
#endif
#ifndef ABI
#define ABI FIREALARM_NOTIFIER_ABI
#endif
#ifndef SIZE
#define SIZE (uint32_t)sizeof(struct firealarm_notifier)
#endif
#ifndef RENDER
#define RENDER render
#endif
#ifndef OPTION_TYPE
#define OPTION_TYPE FIREALARM_OPT_TEXT
#endif
#ifndef OPTION_DEFAULT
#define OPTION_DEFAULT "x"
#endif

static const struct firealarm_option options[] = {
    {.name = "first", .type = FIREALARM_OPT_TEXT},
    {.name = "second", .type = OPTION_TYPE, .default_text = OPTION_DEFAULT},
    {.name = NULL},
};

static int32_t check(const struct firealarm_settings *settings, struct firealarm_error *error)
{
#ifdef CHECK_FAILS
    snprintf(error->text, sizeof error->text, "first must not be empty");
    return -1;
#else
    return 0;
#endif
}

static int32_t create(const struct firealarm_host *host, const struct firealarm_settings *settings,
                      void **ret_self, struct firealarm_error *error)
{
#if defined(CREATE_FAILS)
    snprintf(error->text, sizeof error->text, "no luck today");
    return -1;
#elif defined(CREATE_SILENT)
    return -1;
#else
    host->log(host->ctx, 6, "created");
    return 0;
#endif
}

static void destroy(void *self)
{
}

#ifdef UNDEFINED
int32_t nobody_has_this(void);
#endif

int32_t render(void *self, const struct firealarm_notice *notice,
               struct firealarm_request_out *ret_request, struct firealarm_error *error);
int32_t render(void *self, const struct firealarm_notice *notice,
               struct firealarm_request_out *ret_request, struct firealarm_error *error)
{
#ifdef UNDEFINED
    return nobody_has_this();
#else
    return 0;
#endif
}

FIREALARM_EXPORT extern const struct firealarm_notifier SYMBOL;
const struct firealarm_notifier SYMBOL = {
    .abi = ABI,
    .size = SIZE,
#if defined(NULL_NAME)
    .name = NULL,
#elif defined(OTHER_NAME)
    .name = "something_else",
#else
    .name = NAME,
#endif
    .version = "1",
    .options = options,
    .check = check,
    .create = create,
    .destroy = destroy,
    .render = RENDER,
};
