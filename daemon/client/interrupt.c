/* SPDX-License-Identifier: MIT */
/* The one mutable global of the client: a flag that a signal handler can set. */
#include "client/interrupt.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t noted;

static void on_signal(int number)
{
    noted = 1;
}

void fa_interrupt_init(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART: a read must end */
    sigemptyset(&action.sa_mask);
    noted = 0;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        sigaction(numbers[i], &action, NULL);
    }
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
}

bool fa_interrupted(void)
{
    return noted != 0;
}
