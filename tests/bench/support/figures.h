/* SPDX-License-Identifier: MIT */
/* Time, sets of measured values and how they are printed. */
#ifndef FA_BENCH_FIGURES_H
#define FA_BENCH_FIGURES_H

#include <stddef.h>
#include <stdint.h>

struct figures {
    double *values;
    size_t count, cap;
    int sorted;
};

int64_t bench_ns(void); /* CLOCK_MONOTONIC */
double bench_ms_since(int64_t start_ns);
void bench_pause_us(long us);

void figures_add(struct figures *figures, double value);
/* The value at that share of the sorted ones (0.5: the median); 0 when there are none. */
double figures_at(struct figures *figures, double share);
/* "NAME=MEDIAN NAME_min=.. NAME_max=.. NAME_rounds=..", one line. */
void figures_print(struct figures *figures, const char *name);
/* Of single latencies, not of rounds: "NAME_p50=.. NAME_p99=.. NAME_max=.. NAME_count=..". */
void figures_print_latency(struct figures *figures, const char *name);
void figures_done(struct figures *figures);

/* Ends the program with a line on standard error: a bench that could not measure has failed. */
_Noreturn void bench_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
