/* HTTP/2 and its WebSockets on a connection, behind the preface and an empty SETTINGS. */
#include "server_run.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) {
        return 0;
    }
    struct server_options options = script_options();
    options.write_high_water = 256;
    options.max_head_size = 1024;
    options.http2 = true;
    options.http2_max_streams = 8;
    options.http2_stream_window = 1024;
    options.http2_max_resets = 16;
    options.http2_max_glitches = 64;
    run_server(&options, SLICE_LITERAL("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"), data,
               size);
    return 0;
}
