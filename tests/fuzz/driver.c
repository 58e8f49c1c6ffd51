/* SPDX-License-Identifier: MIT */
/* Feeds each file of the directories on the command line to the fuzz target, and each of its
 * halves, so that a corpus serves as a test where libFuzzer is not. Fails when there was none. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX (1u << 20)

/* Exactly as large as the input, so that a sanitizer sees the first byte read beyond it. */
static void feed(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    if (copy == NULL) {
        abort();
    }
    memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static int feed_file(const char *dir, const char *name, uint8_t *buf)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return 0;
    }
    size_t size = fread(buf, 1, INPUT_MAX, file);
    fclose(file);
    feed(buf, size);
    feed(buf, size / 2);
    feed(buf + size / 2, size - size / 2);
    return 1;
}

int main(int argc, char **argv)
{
    int fed = 0;
    uint8_t *buf = malloc(INPUT_MAX);
    for (int i = 1; buf != NULL && i < argc; i++) {
        DIR *dir = opendir(argv[i]);
        for (const struct dirent *item; dir != NULL && (item = readdir(dir)) != NULL;) {
            fed += item->d_name[0] != '.' && feed_file(argv[i], item->d_name, buf);
        }
        if (dir != NULL) {
            closedir(dir);
        }
    }
    free(buf);
    printf("%d inputs\n", fed);
    return fed == 0;
}
