/* SPDX-License-Identifier: MIT */
/* A number at a time: what rules compute with. */
#ifndef FA_METRICS_POINTS_H
#define FA_METRICS_POINTS_H

#include "base/time.h"

struct fa_point {
    fa_time at; /* wall */
    double value;
};

#endif
