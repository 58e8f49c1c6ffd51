/* SPDX-License-Identifier: MIT */
/* What a mail says: the same in plain text and in HTML, and the subject. */
#ifndef EMAIL_BODY_H
#define EMAIL_BODY_H

#include "out.h"

#include <firealarm/notifier.h>

void body_subject(struct out *out, const struct firealarm_notice *notice);
void body_text(struct out *out, const struct firealarm_notice *notice);
void body_html(struct out *out, const struct firealarm_notice *notice);
bool body_is_critical(const struct firealarm_notice *notice);

#endif
