/* SPDX-License-Identifier: MIT */
/* links: fa_alarms */
/* Each kind of stored row, and the grammar of records below them. The first byte is the kind. What
 * decodes is encoded, and what was encoded decodes to the same bytes again: no field is lost or
 * made up by a way through the store. */
#include "fuzz.h"

#include "alarms/evidence.h"
#include "alarms/internal.h"

/* What is cut says so in another place the next time it is written: from then on it is the same. */
static void put_evidence(const struct fa_evidence *evidence, struct fa_buf *out)
{
    struct fa_evidence again;
    struct fa_buf first;
    fa_buf_init(&first, FA_ROW_BYTES_MAX);
    fa_evidence_encode_head(evidence, &first);
    fa_evidence_encode_rule(evidence, &first);
    fa_assert(first.len <= FA_EVIDENCE_BYTES_MAX);
    fa_assert(fa_evidence_decode(fa_buf_str(&first), &again) == 0);
    fa_evidence_encode_head(&again, out);
    fa_evidence_encode_rule(&again, out);
    fa_buf_done(&first);
}

/* Encodes into out; negative: the bytes are no such row. */
static int there(uint8_t kind, struct fa_str bytes, struct fa_interned **texts, struct fa_buf *out)
{
    struct fa_alarm *alarm = NULL;
    struct fa_incident *incident = NULL;
    struct fa_notification *notification = NULL;
    struct fa_silence *silence = NULL;
    struct fa_evidence evidence;
    struct fa_policy policy;
    int rc;
    switch (kind % 6) {
    case 0:
        if ((rc = fa_alarm_decode(bytes, texts, &alarm)) == 0) {
            fa_alarm_encode(alarm, out);
            fa_alarm_free(alarm);
        }
        return rc;
    case 1:
        if ((rc = fa_incident_decode(bytes, texts, &incident)) == 0) {
            fa_incident_encode(incident, out);
            fa_incident_free(incident);
        }
        return rc;
    case 2:
        if ((rc = fa_notification_decode(bytes, texts, &notification)) == 0) {
            fa_notification_encode(notification, out);
            free(notification);
        }
        return rc;
    case 5:
        if ((rc = fa_silence_decode(bytes, texts, &silence)) == 0) {
            fa_silence_encode(silence, out);
            fa_silence_free(silence);
        }
        return rc;
    case 4:
        if ((rc = fa_evidence_decode(bytes, &evidence)) == 0) {
            put_evidence(&evidence, out);
        }
        return rc;
    default:
        if ((rc = fa_policy_decode(bytes, &policy)) == 0) {
            fa_policy_encode(&policy, out);
            fa_policy_done(&policy);
        }
        return rc;
    }
}

/* Fields lie one behind the other in the input and in nothing else. */
static void walk(struct fa_str bytes, unsigned depth)
{
    struct fa_rec_reader reader = fa_rec_read(bytes);
    struct fa_rec_field field;
    size_t last = bytes.len;
    while (fa_rec_next(&reader, &field)) {
        fa_assert(reader.rest.len < last);
        last = reader.rest.len;
        if (field.type == FA_REC_BYTES && field.bytes.len > 0) {
            fa_assert(field.bytes.ptr >= bytes.ptr &&
                      field.bytes.ptr + field.bytes.len <= bytes.ptr + bytes.len);
            if (depth > 0) {
                walk(field.bytes, depth - 1);
            }
        }
    }
    fa_assert(reader.bad || reader.rest.len == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    uint8_t kind = fuzz_byte(&in);
    struct fa_str bytes = {in.size > 0 ? (const char *)in.data : "", in.size};
    struct fa_interned *texts = NULL;
    struct fa_buf once, twice;
    fa_buf_init(&once, FA_ROW_BYTES_MAX);
    fa_buf_init(&twice, FA_ROW_BYTES_MAX);
    walk(bytes, 3);
    if (there(kind, bytes, &texts, &once) == 0) {
        fa_assert(there(kind, fa_buf_str(&once), &texts, &twice) == 0);
        fa_assert(fa_str_eq(fa_buf_str(&once), fa_buf_str(&twice)));
    }
    fa_buf_done(&once);
    fa_buf_done(&twice);
    fa_intern_done(&texts);
    return 0;
}
