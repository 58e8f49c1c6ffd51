/* SPDX-License-Identifier: MIT */
/* links: fa_client fa_store fa_host */
/* Small files that people write or copy by hand: the client's configuration and token, secrets, the
 * store's key. The first byte chooses. Each is taken whole, or refused with words that name the
 * file, and never with a byte of a secret in them. */
#include "fuzz.h"

#include "client/client.h"
#include "host/secret.h"
#include "store/key.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file in memory, by its path. */
static const char *lay_down(struct fa_str text, char path[64], int *ret_fd)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    fa_assert(fd >= 0 && fchmod(fd, 0600) == 0);
    fa_assert(write(fd, text.ptr, text.len) == (ssize_t)text.len);
    snprintf(path, 64, "/proc/self/fd/%d", fd);
    *ret_fd = fd;
    return path;
}

static void check_fault(const struct fa_err *err, const char *path)
{
    char text[1024];
    fa_assert(err->code < 0 && strstr(fa_err_format(err, text, sizeof text), path) != NULL);
}

static void read_secret(const char *path, struct fa_str text)
{
    struct fa_err err = {0};
    char *secret = NULL;
    size_t len = 0;
    if (fa_secret_read(path, &secret, &len, &err) == 0) {
        fa_assert(len > 0 && len <= text.len && memcmp(secret, text.ptr, len) == 0);
        fa_secret_free(secret, len);
    } else {
        check_fault(&err, path);
    }
}

static void read_key(const char *path, struct fa_str text)
{
    struct fa_err err = {0};
    uint8_t key[FA_STORE_KEY_BYTES];
    if (fa_store_key_read(path, false, key, &err) != 0) {
        check_fault(&err, path);
    } else {
        fa_assert(text.len == 2 * FA_STORE_KEY_BYTES || text.len == 2 * FA_STORE_KEY_BYTES + 1);
    }
}

static void read_settings(const char *path)
{
    struct fa_world world = {.config_home = "/nonexistent", .system_config = "/nonexistent"};
    struct fa_settings settings;
    struct fa_err err = {0};
    if (fa_settings_load(&world, path, &settings, &err) != 0) {
        fa_assert(err.code < 0 && err.text[0] != '\0');
        return;
    }
    fa_assert((settings.url == NULL) != (settings.socket == NULL));
    fa_assert(settings.url == NULL || strncmp(settings.url, "https://", 8) == 0);
    fa_assert(settings.timeout >= 100 && settings.timeout <= 5 * FA_MINUTE);
    fa_settings_done(&settings);
}

/* The token's file, named by a configuration that is right. */
static void read_token(const char *path)
{
    char text[128], config[64];
    int fd;
    snprintf(text, sizeof text, "token_file = \"%s\";\n", path);
    read_settings(lay_down(fa_str_of(text), config, &fd));
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    uint8_t kind = fuzz_byte(&in) % 4;
    struct fa_str text = {in.size > 0 ? (const char *)in.data : "", in.size};
    char path[64];
    int fd;
    lay_down(text, path, &fd);
    if (kind == 0) {
        read_secret(path, text);
    } else if (kind == 1) {
        read_key(path, text);
    } else if (kind == 2) {
        read_settings(path);
    } else {
        read_token(path);
    }
    close(fd);
    return 0;
}
