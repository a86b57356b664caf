/* Runs a fuzz target on the files that are named, without a fuzzer: what once failed is tried in
 * every test run. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LARGEST_INPUT = 1 << 20 };

int main(int count, char **names) {
    uint8_t *data = malloc(LARGEST_INPUT);
    for (int i = 1; i < count; i++) {
        FILE *file = fopen(names[i], "rb");
        if (file == NULL || data == NULL) {
            perror(names[i]);
            return EXIT_FAILURE;
        }
        LLVMFuzzerTestOneInput(data, fread(data, 1, LARGEST_INPUT, file));
        fclose(file);
    }
    free(data);
    return EXIT_SUCCESS;
}
