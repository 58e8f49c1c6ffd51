/* SPDX-License-Identifier: MIT */
/* links: fa_client */
/* What a person types: times, a command line, answers at a terminal. The second byte chooses. An
 * answer is the same however the terminal or pipe hands it over (the first byte is the seed of the
 * cut), and nothing that commands a terminal stays in it. */
#include "fuzz.h"

#include "client/command.h"
#include "client/when.h"

#include <stdio.h>
#include <unistd.h>

static struct {
    struct fa_str rest;
    uint32_t seed;
} typed;

static ssize_t fuzz_read(void *buf, size_t size)
{
    size_t len = fuzz_cut(&typed.seed, typed.rest.len);
    len = len < size ? len : size;
    if (len > 0) {
        memcpy(buf, typed.rest.ptr, len);
    }
    typed.rest = (struct fa_str){typed.rest.ptr + len, typed.rest.len - len};
    return (ssize_t)len;
}

#define read(fd, buf, size) fuzz_read(buf, size)
#include "../../daemon/client/ask.c"
#undef read

static void check_clean(struct fa_str text)
{
    struct fa_buf again;
    fa_buf_init(&again, SIZE_MAX / 4);
    fa_clean(&again, text, true);
    fa_assert(fa_str_eq(fa_buf_str(&again), text));
    fa_buf_done(&again);
}

/* The questions of one conversation, and a hash of all answers. */
static uint64_t converse(struct fa_str text, uint32_t seed)
{
    static const char *const words[] = {"solve", NULL, "raise"};
    static FILE *nowhere;
    uint64_t hash = FUZZ_HASH;
    struct fa_world world = {.in = 0};
    struct fa_buf line;
    size_t index = 0;
    bool yes = false;
    nowhere = nowhere != NULL ? nowhere : fopen("/dev/null", "w");
    struct fa_client client = {
        .world = &world, .out = {.file = nowhere}, .talk = {.file = nowhere}};
    typed.rest = text;
    typed.seed = seed;
    fa_buf_init(&client.lines.buf, 4 * FA_TEXT_MAX);
    fa_buf_init(&line, 4 * FA_TEXT_MAX);
    fuzz_mix_number(&hash, fa_ask_number(&client, "which", 3, words, &index));
    fuzz_mix_number(&hash, (int64_t)index);
    fuzz_mix_number(&hash, fa_ask_yes(&client, "sure", &yes));
    fuzz_mix_number(&hash, yes);
    fuzz_mix_number(&hash, fa_ask_line(&client, "name", &line));
    check_clean(fa_buf_str(&line));
    fuzz_mix(&hash, fa_buf_text(&line), line.len);
    fa_buf_clear(&line);
    fuzz_mix_number(&hash, fa_ask_text(&client, &line));
    check_clean(fa_buf_str(&line));
    fuzz_mix(&hash, fa_buf_text(&line), line.len);
    fa_buf_done(&line);
    fa_buf_done(&client.lines.buf);
    return hash;
}

static void read_times(struct fa_str text)
{
    char when[FA_WHEN_SIZE], shown[FA_WHEN_SIZE];
    struct fa_err err = {0};
    fa_time wall = 0;
    fa_time now = INT64_C(1795334400000);
    int rc = fa_when_parse(text, now, when, &err);
    fa_assert(rc == 0 ? strlen(when) >= 10 : err.text[0] != '\0');
    rc = fa_when_since(text, now, when, &err);
    fa_assert(rc == 0 ? strlen(when) >= 10 : err.text[0] != '\0');
    if (rc == 0) { /* what the client takes, the daemon takes */
        fa_assert(fa_parse_since(fa_str_of(when), now, &wall, &err) == 0 && wall >= 0 &&
                  wall <= now + FA_DAY);
    }
    (void)!fa_when_read(text, &wall);
    char *copy = fa_xstrndup(text.ptr, text.len);
    fa_assert(!fa_str_has_control(fa_str_of(fa_when_show(copy, shown))));
    free(copy);
}

static void read_arguments(struct fuzz_input *in)
{
    char *argv[FA_ARGS_MAX + 8] = {fa_xstrdup("firealarm")};
    struct fa_args args;
    struct fa_err err = {0};
    int argc = 1;
    while (in->size > 0 && argc < FA_ARGS_MAX + 7) {
        struct fa_str word = fuzz_word(in);
        argv[argc++] = fa_xstrndup(word.ptr, word.len);
    }
    if (fa_args_parse(argc, (const char *const *)argv, &args, &err) == 0) {
        fa_assert(args.rest_count <= FA_ARGS_MAX && args.given_count <= FA_ARGS_MAX);
        for (size_t i = 0; i < args.given_count; i++) {
            fa_assert(args.given[i].value != NULL);
        }
    } else {
        fa_assert(err.text[0] != '\0');
    }
    for (int i = 0; i < argc; i++) {
        free(argv[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    uint32_t seed = fuzz_byte(&in) * 2654435761u + 1;
    uint8_t kind = fuzz_byte(&in) % 3;
    struct fa_str text = {in.size > 0 ? (const char *)in.data : "", in.size};
    if (kind == 0) {
        fa_assert(converse(text, seed) == converse(text, 0));
    } else if (kind == 1) {
        read_times(text);
    } else {
        read_arguments(&in);
    }
    return 0;
}
