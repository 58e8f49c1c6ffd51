/* SPDX-License-Identifier: MIT */
/* links: fa_dummy_decoders */
/* Two decoders of different shape, loaded as plugins are: the contract of decoder.h holds for a
 * text body with escapes and for a compressed one. */
#include "fa_test.h"
#include "fa_sink.h"

#include <dlfcn.h>
#include <snappy-c.h>

#define NOW INT64_C(1700000000000)

static const struct firealarm_decoder *load(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/tests/decoders/%s.so", getenv("FA_BUILD_DIR"), name);
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (object == NULL) {
        fail_msg("%s", dlerror());
    }
    const struct firealarm_decoder *decoder = dlsym(object, "firealarm_decoder");
    assert_non_null(decoder);
    assert_int_equal(decoder->abi, FIREALARM_DECODER_ABI);
    assert_int_equal(decoder->size, sizeof *decoder);
    assert_string_equal(decoder->name, name);
    return decoder;
}

struct setup {
    const char *header_name, *header_value;
    int64_t option;
};

/* One request through the decoder in pieces; what it said is in sink->text. */
static void post(const struct firealarm_decoder *decoder, const struct setup *setup,
                 struct fa_sink *sink, const char *body, size_t len, size_t piece)
{
    struct firealarm_error error = {{0}};
    struct firealarm_value value = {.number = setup->option};
    struct firealarm_settings settings = {.name = "test", .values = &value, .count = 1};
    struct firealarm_host host = {.abi = FIREALARM_HOST_ABI, .size = sizeof host};
    struct firealarm_label header = {{setup->header_name, 0}, {setup->header_value, 0}};
    struct firealarm_request request = {.size = sizeof request,
                                        .transport = FIREALARM_HTTP,
                                        .method = FIREALARM_TEXT("POST"),
                                        .path = FIREALARM_TEXT("/write"),
                                        .headers = &header};
    if (setup->header_name != NULL) {
        header.name.len = strlen(setup->header_name);
        header.value.len = strlen(setup->header_value);
        request.header_count = 1;
    }
    void *self = NULL, *conn = NULL;
    fa_sink_init(sink, NOW);
    assert_int_equal(decoder->create(&host, &settings, &self, &error), 0);
    assert_int_equal(decoder->open(self, &request, &conn, &error), 0);
    fa_sink_feed(sink, decoder, conn, body, len, piece);
    decoder->close(conn);
    decoder->destroy(self);
}

struct row {
    const char *body, *said;
};

static void check_rows(const char *name, const struct row *rows, size_t count)
{
    static const size_t pieces[] = {0, 1, 7};
    const struct firealarm_decoder *decoder = load(name);
    struct fa_sink *sink = malloc(sizeof *sink);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < 3; k++) {
            post(decoder, &(struct setup){0}, sink, rows[i].body, strlen(rows[i].body), pieces[k]);
            if (strcmp(sink->text, rows[i].said) != 0) {
                fail_msg("%s\nin pieces of %zu said:\n%s\nexpected:\n%s", rows[i].body, pieces[k],
                         sink->text, rows[i].said);
            }
        }
    }
    free(sink);
}

static void influx_lines_become_series_of_each_field(void **state)
{
    static const struct row rows[] = {
        {"", "reply 204  \n"},
        {"# comment\n\n", "reply 204  \n"},
        {"cpu,host=a value=1.5,idle=2i 1700000000123000000\n",
         "gauge cpu_value{host=\"a\"} 1.5 @1700000000123\n"
         "gauge cpu_idle{host=\"a\"} 2 @1700000000123\nreply 204  \n"},
        {" m,t=a v=1\r\nm,t=a v=2", "gauge m_v{t=\"a\"} 1\ngauge m_v{t=\"a\"} 2\nreply 204  \n"},
        {"sales\\,eu,a\\=b=c\\ d,host=h\\ 1 b=T,i=7i,s=\"q\\\"\\\\\nnl\",u=8u,v=-1.5e1 1700000000123000000",
         "state sales,eu_b{a=b=\"c d\",host=\"h 1\"} 1 @1700000000123\n"
         "gauge sales,eu_i{a=b=\"c d\",host=\"h 1\"} 7 @1700000000123\n"
         "gauge sales,eu_u{a=b=\"c d\",host=\"h 1\"} 8 @1700000000123\n"
         "gauge sales,eu_v{a=b=\"c d\",host=\"h 1\"} -15 @1700000000123\nreply 204  \n"},
        {"good v=1\ncpu,host=f=o v=1\ngood v=2\n",
         "gauge good_v 1\nreject fields are missing: cpu,host=f=o v=1\ngauge good_v 2\n"
         "reply 400 application/json {\"error\":\"partial write: dropped=1\"}\n"},
        {"cpu,=x v=1\ncpu\ncpu v=\ncpu v=1x\ncpu v=\"open\n",
         "reject a name or value is empty: cpu,=x v=1\nreject fields are missing: cpu\n"
         "reject a field's value is neither number, boolean nor string: cpu v=\n"
         "reject a field's value is neither number, boolean nor string: cpu v=1x\n"
         "reject a field's value is neither number, boolean nor string: cpu v=\"open\n\n"
         "reply 400 application/json {\"error\":\"partial write: dropped=5\"}\n"},
    };
    check_rows("influx", rows, sizeof rows / sizeof rows[0]);
}

static size_t pack(const char *text, char *out, size_t size)
{
    assert_int_equal(snappy_compress(text, strlen(text), out, &size), SNAPPY_OK);
    return size;
}

static void a_snappy_body_is_read_after_its_declared_length_was_checked(void **state)
{
    const struct firealarm_decoder *decoder = load("snappy");
    struct fa_sink *sink = malloc(sizeof *sink);
    struct setup setup = {.option = 65536};
    char packed[4096];
    size_t len =
        pack("deals 42.5 1700000000000\ndeals stale 1700000015000\nbad\n", packed, sizeof packed);
    for (size_t piece = 0; piece < 3; piece++) {
        post(decoder, &setup, sink, packed, len, piece);
        assert_string_equal(sink->text, "total deals 42.5 @1700000000000\n"
                                        "stale total deals @1700000015000\n"
                                        "reject not NAME VALUE TIME: bad\nreply 204  \n");
    }
    post(decoder, &(struct setup){.option = 10}, sink, packed, len, 0);
    assert_string_equal(sink->text, "reject declares more than max_bytes: \n"
                                    "reply 400 text/plain declares more than max_bytes\n");
    post(decoder, &setup, sink, packed, len - 3, 0);
    assert_contains(sink->text, "a damaged snappy block");
    post(decoder, &setup, sink, "\xff\xff\xff\xff\xff\xff", 6, 0);
    assert_contains(sink->text, "not a snappy block");
    post(decoder, &setup, sink, "\xff\xff\xff\xff\x0f", 5, 0);
    assert_contains(sink->text, "declares more than max_bytes");
    setup.header_name = "content-encoding";
    setup.header_value = "zstd";
    post(decoder, &setup, sink, packed, len, 1);
    assert_string_equal(sink->text, "reply 415 text/plain only snappy\n");
    free(sink);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(influx_lines_become_series_of_each_field),
        cmocka_unit_test(a_snappy_body_is_read_after_its_declared_length_was_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
