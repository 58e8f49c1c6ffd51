/* SPDX-License-Identifier: MIT */
/* Quantiles are of the values themselves (nearest rank), never interpolated: each printed number
 * was measured. */
#include "figures.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int64_t bench_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

double bench_ms_since(int64_t start_ns)
{
    return (double)(bench_ns() - start_ns) / 1e6;
}

void bench_pause_us(long us)
{
    struct timespec ts = {us / 1000000, us % 1000000 * 1000};
    nanosleep(&ts, NULL);
}

void bench_fail(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    fflush(stdout);
    exit(1);
}

void figures_add(struct figures *figures, double value)
{
    if (figures->count == figures->cap) {
        figures->cap = figures->cap > 0 ? figures->cap * 2 : 64;
        figures->values = realloc(figures->values, figures->cap * sizeof(double));
        if (figures->values == NULL) {
            bench_fail("out of memory");
        }
    }
    figures->values[figures->count++] = value;
    figures->sorted = 0;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double figures_at(struct figures *figures, double share)
{
    if (figures->count == 0) {
        return 0;
    }
    if (!figures->sorted) {
        qsort(figures->values, figures->count, sizeof(double), by_value);
        figures->sorted = 1;
    }
    size_t i = (size_t)(share * (double)figures->count);
    return figures->values[i < figures->count ? i : figures->count - 1];
}

void figures_print(struct figures *figures, const char *name)
{
    printf("%s=%.6g %s_min=%.6g %s_max=%.6g %s_rounds=%zu\n", name, figures_at(figures, 0.5), name,
           figures_at(figures, 0), name, figures_at(figures, 1), name, figures->count);
    fflush(stdout);
}

void figures_print_latency(struct figures *figures, const char *name)
{
    printf("%s_p50=%.6g %s_p99=%.6g %s_p999=%.6g %s_max=%.6g %s_count=%zu\n", name,
           figures_at(figures, 0.5), name, figures_at(figures, 0.99), name,
           figures_at(figures, 0.999), name, figures_at(figures, 1), name, figures->count);
    fflush(stdout);
}

void figures_done(struct figures *figures)
{
    free(figures->values);
    *figures = (struct figures){0};
}
