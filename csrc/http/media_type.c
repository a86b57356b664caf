/* Extensions and their types: what web sites are made of, as IANA registers them. Not those of the
 * system, which differ from host to host. */
#include "http/media_type.h"

#define UTF8 "; charset=utf-8"

/* TYPE(extension, type) */
#define MEDIA_TYPES(TYPE)                                                                          \
    TYPE("css", "text/css" UTF8)                                                                   \
    TYPE("js", "text/javascript" UTF8)                                                             \
    TYPE("mjs", "text/javascript" UTF8)                                                            \
    TYPE("html", "text/html" UTF8)                                                                 \
    TYPE("htm", "text/html" UTF8)                                                                  \
    TYPE("svg", "image/svg+xml")                                                                   \
    TYPE("png", "image/png")                                                                       \
    TYPE("jpg", "image/jpeg")                                                                      \
    TYPE("jpeg", "image/jpeg")                                                                     \
    TYPE("gif", "image/gif")                                                                       \
    TYPE("webp", "image/webp")                                                                     \
    TYPE("avif", "image/avif")                                                                     \
    TYPE("ico", "image/vnd.microsoft.icon")                                                        \
    TYPE("bmp", "image/bmp")                                                                       \
    TYPE("tiff", "image/tiff")                                                                     \
    TYPE("woff2", "font/woff2")                                                                    \
    TYPE("woff", "font/woff")                                                                      \
    TYPE("ttf", "font/ttf")                                                                        \
    TYPE("otf", "font/otf")                                                                        \
    TYPE("eot", "application/vnd.ms-fontobject")                                                   \
    TYPE("json", "application/json")                                                               \
    TYPE("map", "application/json")                                                                \
    TYPE("webmanifest", "application/manifest+json")                                               \
    TYPE("wasm", "application/wasm")                                                               \
    TYPE("txt", "text/plain" UTF8)                                                                 \
    TYPE("md", "text/markdown" UTF8)                                                               \
    TYPE("csv", "text/csv" UTF8)                                                                   \
    TYPE("xml", "application/xml")                                                                 \
    TYPE("pdf", "application/pdf")                                                                 \
    TYPE("zip", "application/zip")                                                                 \
    TYPE("gz", "application/gzip")                                                                 \
    TYPE("tar", "application/x-tar")                                                               \
    TYPE("zst", "application/zstd")                                                                \
    TYPE("mp4", "video/mp4")                                                                       \
    TYPE("m4v", "video/mp4")                                                                       \
    TYPE("webm", "video/webm")                                                                     \
    TYPE("ogv", "video/ogg")                                                                       \
    TYPE("mov", "video/quicktime")                                                                 \
    TYPE("mp3", "audio/mpeg")                                                                      \
    TYPE("m4a", "audio/mp4")                                                                       \
    TYPE("ogg", "audio/ogg")                                                                       \
    TYPE("opus", "audio/ogg")                                                                      \
    TYPE("wav", "audio/wav")                                                                       \
    TYPE("flac", "audio/flac")                                                                     \
    TYPE("vtt", "text/vtt" UTF8)                                                                   \
    TYPE("m3u8", "application/vnd.apple.mpegurl")                                                  \
    TYPE("ts", "video/mp2t")

static struct slice extension_of(struct slice name) {
    const char *dot = memrchr(name.data, '.', name.length);
    return dot == NULL ? SLICE_EMPTY : slice_without_front(name, (size_t)(dot - name.data) + 1);
}

struct slice media_type_of(struct slice name) {
    static const struct {
        struct slice extension, type;
    } types[] = {
#define TYPE(extension, type) {{extension, sizeof(extension) - 1}, {type, sizeof(type) - 1}},
        MEDIA_TYPES(TYPE)
#undef TYPE
    };
    struct slice extension = extension_of(name);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (slice_equals_ignoring_case(extension, types[i].extension)) {
            return types[i].type;
        }
    }
    return SLICE_LITERAL("application/octet-stream");
}
