// crypto_linux.c: SHA-256 and signatures by OpenSSL's libcrypto, where the build found it.
#include "pal/pal.h"

#ifdef PST_HAVE_OPENSSL
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#define HALF (PST_PUBLIC_KEY_SIZE / 2) // of a point's two coordinates, of a signature's two numbers

pst_status pst_pal_sha256(const void *bytes, size_t size, uint8_t out[PST_SHA256_SIZE])
{
    // EVP_Digest reports failure when the provider refuses the algorithm or has no memory.
    return EVP_Digest(bytes, size, out, NULL, EVP_sha256(), NULL) == 1 ? PST_OK : PST_E_NOMEM;
}

// --- Keys -----------------------------------------------------------------------------------------------------

static bool get_number(const EVP_PKEY *key, const char *name, uint8_t out[HALF])
{
    BIGNUM *number = NULL;
    bool done = EVP_PKEY_get_bn_param(key, name, &number) == 1 && BN_bn2binpad(number, out, HALF) == HALF;
    BN_clear_free(number);
    return done;
}

pst_status pst_pal_key_create(uint8_t out[PST_PRIVATE_KEY_SIZE])
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    bool done = key && get_number(key, OSSL_PKEY_PARAM_EC_PUB_X, out) && get_number(key, OSSL_PKEY_PARAM_EC_PUB_Y, out + HALF) &&
                get_number(key, OSSL_PKEY_PARAM_PRIV_KEY, out + PST_PUBLIC_KEY_SIZE);
    EVP_PKEY_free(key);
    return done ? PST_OK : PST_E_NOMEM;
}

static EVP_PKEY *key_of_parameters(OSSL_PARAM_BLD *build, int selection)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    if (!parameters || !context || EVP_PKEY_fromdata_init(context) != 1 || EVP_PKEY_fromdata(context, &key, selection, parameters) != 1) key = NULL;
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(parameters);
    return key;
}

// secret NULL: a public key. NULL: these are no such numbers, or there is no memory.
static EVP_PKEY *make_key(const uint8_t public_key[PST_PUBLIC_KEY_SIZE], const uint8_t *secret)
{
    uint8_t point[1 + PST_PUBLIC_KEY_SIZE] = {4}; // uncompressed
    EVP_PKEY *key = NULL;
    memcpy(point + 1, public_key, PST_PUBLIC_KEY_SIZE);
    BIGNUM *number = secret ? BN_bin2bn(secret, HALF, NULL) : NULL;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    bool done = build && (!secret || number) && OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) == 1 &&
                OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point) == 1 &&
                (!secret || OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, number) == 1);
    if (done) key = key_of_parameters(build, secret ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY);
    OSSL_PARAM_BLD_free(build);
    BN_clear_free(number);
    return key;
}

// --- Signatures: OpenSSL writes them as DER, we as two numbers --------------------------------------------------

pst_status pst_pal_sign(const uint8_t key_bytes[PST_PRIVATE_KEY_SIZE], const uint8_t digest[PST_SHA256_SIZE], uint8_t out[PST_SIGNATURE_SIZE])
{
    uint8_t der[128];
    size_t size = sizeof der;
    const uint8_t *at = der;
    EVP_PKEY *key = make_key(key_bytes, key_bytes + PST_PUBLIC_KEY_SIZE);
    EVP_PKEY_CTX *context = key ? EVP_PKEY_CTX_new(key, NULL) : NULL;
    bool made = context && EVP_PKEY_sign_init(context) == 1 && EVP_PKEY_sign(context, der, &size, digest, PST_SHA256_SIZE) == 1;
    ECDSA_SIG *signature = made ? d2i_ECDSA_SIG(NULL, &at, (long)size) : NULL;
    bool done = signature && BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, HALF) == HALF &&
                BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + HALF, HALF) == HALF;
    ECDSA_SIG_free(signature);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(key);
    return done ? PST_OK : key ? PST_E_NOMEM : PST_E_INVALID;
}

static int to_der(const uint8_t signature[PST_SIGNATURE_SIZE], uint8_t **out)
{
    int size = -1;
    ECDSA_SIG *numbers = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature, HALF, NULL), *s = BN_bin2bn(signature + HALF, HALF, NULL);
    if (numbers && r && s && ECDSA_SIG_set0(numbers, r, s) == 1) {
        r = s = NULL; // its own now
        size = i2d_ECDSA_SIG(numbers, out);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(numbers);
    return size;
}

pst_status pst_pal_signature_check(const uint8_t public_key[PST_PUBLIC_KEY_SIZE], const uint8_t digest[PST_SHA256_SIZE],
                                   const uint8_t signature[PST_SIGNATURE_SIZE])
{
    uint8_t *der = NULL;
    int size = to_der(signature, &der);
    EVP_PKEY *key = make_key(public_key, NULL);
    EVP_PKEY_CTX *context = key ? EVP_PKEY_CTX_new(key, NULL) : NULL;
    bool right = size > 0 && context && EVP_PKEY_verify_init(context) == 1 &&
                 EVP_PKEY_verify(context, der, (size_t)size, digest, PST_SHA256_SIZE) == 1;
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(key);
    OPENSSL_free(der);
    return right ? PST_OK : PST_E_DENIED;
}
#else
pst_status pst_pal_sha256(const void *bytes, size_t size, uint8_t out[PST_SHA256_SIZE])
{
    (void)bytes;
    (void)size;
    (void)out;
    return PST_E_UNSUPPORTED;
}

pst_status pst_pal_key_create(uint8_t out[PST_PRIVATE_KEY_SIZE])
{
    (void)out;
    return PST_E_UNSUPPORTED;
}

pst_status pst_pal_sign(const uint8_t key[PST_PRIVATE_KEY_SIZE], const uint8_t digest[PST_SHA256_SIZE], uint8_t out[PST_SIGNATURE_SIZE])
{
    (void)key, (void)digest, (void)out;
    return PST_E_UNSUPPORTED;
}

pst_status pst_pal_signature_check(const uint8_t public_key[PST_PUBLIC_KEY_SIZE], const uint8_t digest[PST_SHA256_SIZE],
                                   const uint8_t signature[PST_SIGNATURE_SIZE])
{
    (void)public_key, (void)digest, (void)signature;
    return PST_E_UNSUPPORTED;
}
#endif
