/* SPDX-License-Identifier: MIT */
/* A world that ends the program, or never ends, says which one it was. */
#include "worlds.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define SECONDS 300 /* of processor; with a sanitizer the longest take a hundred */

static char ends_with_abort[64], does_not_end[80];

static void on_signal(int number)
{
    const char *text = number == SIGPROF ? does_not_end : ends_with_abort;
    (void)!write(STDERR_FILENO, text, strlen(text));
    signal(number, SIG_DFL);
    raise(number);
}

void worlds_watch(uint64_t seed)
{
    static const struct itimerval limit = {.it_value = {.tv_sec = SECONDS}};
    snprintf(ends_with_abort, sizeof ends_with_abort, "world %" PRIu64 " ends with an abort\n",
             seed);
    snprintf(does_not_end, sizeof does_not_end,
             "FAILED  world %" PRIu64 " does not end within %d seconds\n", seed, SECONDS);
    signal(SIGABRT, on_signal);
    signal(SIGPROF, on_signal);
    setitimer(ITIMER_PROF, &limit, NULL);
}

void worlds_watch_ends(void)
{
    static const struct itimerval none = {0};
    setitimer(ITIMER_PROF, &none, NULL);
}
