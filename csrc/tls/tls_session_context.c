/* The names of sessions: a digest of the authorities' files, whatever their order in a folder. The
 * same files make the same name in every worker, and after a reload. Keeps nothing. */
#include "tls/tls_session_context.h"

#include <dirent.h>
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

struct digest {
    unsigned char bytes[32]; /* SHA-256 */
};

_Static_assert(sizeof(struct digest) <= SSL_MAX_SID_CTX_LENGTH, "OpenSSL takes no longer name");

/* A file that cannot be read is as one without a byte: whoever loads it has said so. */
static bool digest_file(const char *path, struct digest *digest) {
    char bytes[4096];
    size_t length;
    FILE *file = fopen(path, "re");
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    bool is_made = hash != NULL && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1;
    while (is_made && file != NULL && (length = fread(bytes, 1, sizeof(bytes), file)) > 0) {
        is_made = EVP_DigestUpdate(hash, bytes, length) == 1;
    }
    is_made = is_made && EVP_DigestFinal_ex(hash, digest->bytes, NULL) == 1;
    EVP_MD_CTX_free(hash);
    if (file != NULL) {
        fclose(file);
    }
    return is_made;
}

/* Added up, not XORed: in a folder of `openssl rehash` each file stands twice. */
static bool add_file(const char *path, struct digest *sum) {
    struct digest digest;
    if (!digest_file(path, &digest)) {
        return false;
    }
    for (size_t i = 0; i < sizeof(sum->bytes); i++) {
        sum->bytes[i] = (unsigned char)(sum->bytes[i] + digest.bytes[i]);
    }
    return true;
}

/* Adds the files of a folder; *closes* it. */
static bool add_folder(DIR *folder, const char *path, struct digest *sum) {
    bool is_made = true;
    struct dirent *entry;
    while (is_made && (entry = readdir(folder)) != NULL) {
        char file[PATH_MAX];
        int length = snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.' && length < (int)sizeof(file)) {
            is_made = add_file(file, sum);
        }
    }
    closedir(folder);
    return is_made;
}

bool tls_session_context_set(SSL_CTX *context, enum tls_verify verify, const char *ca_certs) {
    struct digest sum = {.bytes = "casgi"};
    bool is_made = true;
    if (verify != TLS_VERIFY_NONE && ca_certs != NULL) {
        DIR *folder = opendir(ca_certs);
        is_made = folder != NULL ? add_folder(folder, ca_certs, &sum) : add_file(ca_certs, &sum);
    }
    sum.bytes[0] ^= (unsigned char)verify;
    return is_made && SSL_CTX_set_session_id_context(context, sum.bytes, sizeof(sum.bytes)) == 1;
}
