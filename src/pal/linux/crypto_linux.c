// crypto_linux.c: SHA-256 by OpenSSL's libcrypto, where the build found it.
#include "pal/pal.h"

#ifdef PST_HAVE_OPENSSL
#include <openssl/evp.h>

pst_status pst_pal_sha256(const void *bytes, size_t size, uint8_t out[PST_SHA256_SIZE])
{
    // EVP_Digest reports failure when the provider refuses the algorithm or has no memory.
    return EVP_Digest(bytes, size, out, NULL, EVP_sha256(), NULL) == 1 ? PST_OK : PST_E_NOMEM;
}
#else
pst_status pst_pal_sha256(const void *bytes, size_t size, uint8_t out[PST_SHA256_SIZE])
{
    (void)bytes;
    (void)size;
    (void)out;
    return PST_E_UNSUPPORTED;
}
#endif
