/* SPDX-License-Identifier: MIT */
/* Feeds a fuzz target the files of the directories (or files) given, each whole and cut at every
 * length up to 512, so that the corpus is a test also without libFuzzer. An empty corpus fails. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return -1;
    }
    size_t size = 0, cap = 1 << 20;
    uint8_t *data = malloc(cap);
    if (data != NULL) {
        size = fread(data, 1, cap, file);
    }
    fclose(file);
    for (size_t len = 0; data != NULL && len <= size && len <= 512; len++) {
        uint8_t *copy = malloc(len > 0 ? len : 1); /* of its exact size, for the sanitizer */
        memcpy(copy, data, len);
        LLVMFuzzerTestOneInput(copy, len);
        free(copy);
    }
    if (data != NULL) {
        LLVMFuzzerTestOneInput(data, size);
    }
    free(data);
    return 0;
}

static int run_directory(const char *path)
{
    DIR *dir = opendir(path);
    if (dir == NULL) {
        perror(path);
        return -1;
    }
    int count = 0;
    for (struct dirent *entry; count >= 0 && (entry = readdir(dir)) != NULL;) {
        char name[4096];
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.') {
            count = run_file(name) == 0 ? count + 1 : -1;
        }
    }
    closedir(dir);
    return count;
}

int main(int argc, char **argv)
{
    int total = 0;
    for (int i = 1; i < argc; i++) {
        struct stat st;
        int count = stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode) ? run_directory(argv[i])
                    : run_file(argv[i]) == 0                       ? 1
                                                                   : -1;
        if (count < 0) {
            return 1;
        }
        total += count;
    }
    printf("%d inputs\n", total);
    return total > 0 ? 0 : 1;
}
