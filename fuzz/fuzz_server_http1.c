/* HTTP/1 and WebSockets on a connection. */
#include "server_run.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) {
        return 0;
    }
    struct server_options options = script_options();
    options.write_high_water = 256;
    run_server(&options, SLICE_EMPTY, data, size);
    return 0;
}
