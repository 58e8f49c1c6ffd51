/* SPDX-License-Identifier: MIT */
/* What a pass of alerting rules costs other systems, where they are installed. */
#ifndef FA_BENCH_EVALUATORS_H
#define FA_BENCH_EVALUATORS_H

#include <stddef.h>

/* Rules `mI > 1000`, each over its own `each` series; prints NAME_prometheus_ms and NAME_vmalert_ms
 * (CPU of one pass of all of them) and how many times own_ms that is, or "skipped". Fails when one
 * is installed and does not evaluate. */
void evaluators_run(const char *name, size_t rules, size_t each, double own_ms);

#endif
