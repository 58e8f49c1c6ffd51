/* SPDX-License-Identifier: MIT */
/* Looking things up in a setup, and a policy's encoding: an open alarm refers to its policy by the
 * hash of these bytes, so a reload changes no climb under way. */
#include "alarms/policy.h"
#include "base/id.h"
#include "base/panic.h"
#include "base/texts.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* What is not given is not written: so the hash of a policy of old stays what it was. */
enum { TAG_NAME = 1, TAG_STEP = 2, TAG_REPEAT = 3 };
enum {
    TAG_TARGET = 1,
    TAG_CHANNEL = 2,
    TAG_WAIT = 3,
    TAG_DURING = 4,
    TAG_URGENT = 5,
    TAG_MEASURE = 16,
    TAG_BY = 17
};

#define POLICY_BYTES_MAX ((size_t)64 * 1024)

const struct fa_policy *fa_setup_policy(const struct fa_setup *setup, const char *name)
{
    for (size_t i = 0; i < setup->policy_count; i++) {
        if (strcmp(setup->policies[i].name, name) == 0) {
            return &setup->policies[i];
        }
    }
    return NULL;
}

const struct fa_severity *fa_setup_severity(const struct fa_setup *setup, const char *name)
{
    for (size_t i = 0; i < setup->severity_count; i++) {
        if (strcmp(setup->severities[i].name, name) == 0) {
            return &setup->severities[i];
        }
    }
    return NULL;
}

const struct fa_category *fa_setup_category(const struct fa_setup *setup, const char *name)
{
    for (size_t i = 0; i < setup->category_count; i++) {
        if (strcmp(setup->categories[i].name, name) == 0) {
            return &setup->categories[i];
        }
    }
    return NULL;
}

const struct fa_rule *fa_setup_rule(const struct fa_setup *setup, const char *name)
{
    for (size_t i = 0; i < setup->rule_count; i++) {
        if (strcmp(setup->rules[i]->name, name) == 0) {
            return setup->rules[i];
        }
    }
    return NULL;
}

uint32_t fa_policy_repeat(const struct fa_policy *policy)
{
    return policy->repeat > 0 && policy->repeat <= policy->step_count
               ? policy->repeat - 1
               : (uint32_t)policy->step_count - 1;
}

enum fa_measure fa_step_measure(const struct fa_step *step, const char **ret_calendar)
{
    *ret_calendar = step->during != NULL ? step->during : step->by;
    return step->measure == FA_MEASURE_CLOCK && step->during != NULL ? FA_MEASURE_OPEN
                                                                     : step->measure;
}

fa_time fa_step_over(const struct fa_step *step, const struct fa_directory *dir, fa_time from,
                     fa_time wait)
{
    const char *name;
    enum fa_measure measure = fa_step_measure(step, &name);
    return fa_calendar_after(name != NULL ? fa_directory_calendar(dir, name) : NULL, measure, from,
                             wait);
}

void fa_policy_encode(const struct fa_policy *policy, struct fa_buf *buf)
{
    fa_rec_put_text(buf, TAG_NAME, policy->name);
    for (size_t i = 0; i < policy->step_count; i++) {
        const struct fa_step *step = &policy->steps[i];
        struct fa_buf inner;
        fa_buf_init(&inner, POLICY_BYTES_MAX);
        for (size_t t = 0; t < step->target_count; t++) {
            fa_rec_put_text(&inner, TAG_TARGET, step->targets[t]);
        }
        for (size_t c = 0; c < step->channel_count; c++) {
            fa_rec_put_text(&inner, TAG_CHANNEL, step->channels[c]);
        }
        fa_rec_put_i64(&inner, TAG_WAIT, step->wait);
        fa_rec_put_text(&inner, TAG_DURING, step->during);
        if (step->urgent) {
            fa_rec_put_u64(&inner, TAG_URGENT, 1);
        }
        if (step->measure != FA_MEASURE_CLOCK) {
            fa_rec_put_u64(&inner, TAG_MEASURE, step->measure);
            fa_rec_put_text(&inner, TAG_BY, step->by);
        }
        fa_assert(!inner.over);
        fa_rec_put_bytes(buf, TAG_STEP, fa_buf_text(&inner), inner.len);
        fa_buf_done(&inner);
    }
    if (policy->repeat != 0) {
        fa_rec_put_u64(buf, TAG_REPEAT, policy->repeat);
    }
}

void fa_policy_seal(struct fa_policy *policy)
{
    struct fa_buf buf;
    fa_buf_init(&buf, POLICY_BYTES_MAX);
    fa_policy_encode(policy, &buf);
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(fa_buf_text(&buf), buf.len));
    fa_hex(canonical.digest, sizeof canonical.digest, policy->hash);
    fa_buf_done(&buf);
}

static int decode_step(struct fa_str bytes, struct fa_step *step)
{
    struct fa_rec_reader reader = fa_rec_read(bytes);
    struct fa_rec_field field;
    while (fa_rec_next(&reader, &field)) {
        if (field.tag == TAG_TARGET) {
            fa_texts_add(&step->targets, &step->target_count, field.bytes);
        } else if (field.tag == TAG_CHANNEL) {
            fa_texts_add(&step->channels, &step->channel_count, field.bytes);
        } else if (field.tag == TAG_WAIT) {
            step->wait = field.i64;
        } else if (field.tag == TAG_DURING && step->during == NULL) {
            step->during = fa_xstrndup(field.bytes.ptr, field.bytes.len);
        } else if (field.tag == TAG_URGENT) {
            step->urgent = field.u64 != 0;
        } else if (field.tag == TAG_MEASURE && field.u64 < FA_MEASURE__COUNT) {
            step->measure = (enum fa_measure)field.u64;
        } else if (field.tag == TAG_BY && step->by == NULL) {
            step->by = fa_xstrndup(field.bytes.ptr, field.bytes.len);
        }
    }
    return reader.bad || step->target_count == 0 || step->wait <= 0 || step->wait > FA_DURATION_MAX
               ? FA_ECORRUPT
               : 0;
}

int fa_policy_decode(struct fa_str bytes, struct fa_policy *ret_policy)
{
    struct fa_policy policy = {0};
    struct fa_rec_reader reader = fa_rec_read(bytes);
    struct fa_rec_field field;
    int rc = 0;
    while (rc == 0 && fa_rec_next(&reader, &field)) {
        if (field.tag == TAG_NAME && policy.name == NULL) {
            policy.name = fa_xstrndup(field.bytes.ptr, field.bytes.len);
        } else if (field.tag == TAG_STEP) {
            policy.steps =
                fa_xrealloc(policy.steps, (policy.step_count + 1) * sizeof(struct fa_step));
            policy.steps[policy.step_count] = (struct fa_step){0};
            rc = decode_step(field.bytes, &policy.steps[policy.step_count++]);
        } else if (field.tag == TAG_REPEAT) {
            policy.repeat = (uint32_t)field.u64;
        }
    }
    if (rc != 0 || reader.bad || policy.name == NULL || policy.step_count == 0 ||
        policy.repeat > policy.step_count) {
        fa_policy_done(&policy);
        return FA_ECORRUPT;
    }
    fa_policy_seal(&policy);
    *ret_policy = policy;
    return 0;
}

void fa_policy_done(struct fa_policy *policy)
{
    for (size_t i = 0; i < policy->step_count; i++) {
        struct fa_step *step = &policy->steps[i];
        fa_texts_free(step->targets, step->target_count);
        fa_texts_free(step->channels, step->channel_count);
        free(step->during);
        free(step->by);
    }
    free(policy->steps);
    free(policy->name);
    *policy = (struct fa_policy){0};
}

void fa_policy_people(const struct fa_policy *policy, const struct fa_directory *dir,
                      const struct fa_ask *ask, struct fa_pset *set)
{
    for (size_t i = 0; i < policy->step_count; i++) {
        for (size_t t = 0; t < policy->steps[i].target_count; t++) {
            /* A target that left the directory adds nobody; the step is then skipped. */
            (void)!fa_directory_reach(dir, fa_str_of(policy->steps[i].targets[t]), ask, set);
        }
    }
}
