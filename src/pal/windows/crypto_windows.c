// crypto_windows.c: SHA-256 and signatures by the system's CNG.
#include "pal/windows/windows_pal.h"

#include <bcrypt.h>
#include <string.h>

#include "pal/pal.h"

static bool hash_all(BCRYPT_HASH_HANDLE hash, const uint8_t *bytes, size_t size, uint8_t *out)
{
    while (size > 0) {
        ULONG part = size > (1u << 30) ? 1u << 30 : (ULONG)size;
        if (BCryptHashData(hash, (PUCHAR)(uintptr_t)bytes, part, 0) != 0) return false; // only reads, but takes no const
        bytes += part;
        size -= part;
    }
    return BCryptFinishHash(hash, out, PST_SHA256_SIZE, 0) == 0;
}

pst_status pst_pal_sha256(const void *bytes, size_t size, uint8_t out[PST_SHA256_SIZE])
{
    BCRYPT_ALG_HANDLE algorithm;
    BCRYPT_HASH_HANDLE hash;
    bool done = false;
    if (BCryptOpenAlgorithmProvider(&algorithm, BCRYPT_SHA256_ALGORITHM, NULL, 0) != 0) return PST_E_UNSUPPORTED;
    if (BCryptCreateHash(algorithm, &hash, NULL, 0, NULL, 0, 0) == 0) {
        done = hash_all(hash, bytes, size, out);
        BCryptDestroyHash(hash);
    }
    BCryptCloseAlgorithmProvider(algorithm, 0);
    return done ? PST_OK : PST_E_NOMEM;
}

// --- Keys -----------------------------------------------------------------------------------------------------

#define BLOB_MAX (sizeof(BCRYPT_ECCKEY_BLOB) + PST_PRIVATE_KEY_SIZE)

// Opens the algorithm and imports a key; both are closed by close_key.
typedef struct open_key {
    BCRYPT_ALG_HANDLE algorithm;
    BCRYPT_KEY_HANDLE key;
} open_key;

static void close_key(open_key *open)
{
    if (open->key) BCryptDestroyKey(open->key);
    if (open->algorithm) BCryptCloseAlgorithmProvider(open->algorithm, 0);
}

static bool open_algorithm(open_key *open)
{
    *open = (open_key){0};
    return BCryptOpenAlgorithmProvider(&open->algorithm, BCRYPT_ECDSA_P256_ALGORITHM, NULL, 0) == 0;
}

static bool import_key(open_key *open, const uint8_t *bytes, size_t size)
{
    uint8_t blob[BLOB_MAX];
    bool secret = size == PST_PRIVATE_KEY_SIZE;
    BCRYPT_ECCKEY_BLOB head = {.dwMagic = secret ? BCRYPT_ECDSA_PRIVATE_P256_MAGIC : BCRYPT_ECDSA_PUBLIC_P256_MAGIC, .cbKey = PST_PUBLIC_KEY_SIZE / 2};
    if (!open_algorithm(open)) return false;
    memcpy(blob, &head, sizeof head);
    memcpy(blob + sizeof head, bytes, size);
    LPCWSTR kind = secret ? BCRYPT_ECCPRIVATE_BLOB : BCRYPT_ECCPUBLIC_BLOB;
    NTSTATUS status = BCryptImportKeyPair(open->algorithm, NULL, kind, &open->key, blob, (ULONG)(sizeof head + size), 0);
    SecureZeroMemory(blob, sizeof blob);
    return status == 0;
}

pst_status pst_pal_key_create(uint8_t out[PST_PRIVATE_KEY_SIZE])
{
    uint8_t blob[BLOB_MAX];
    ULONG size = 0;
    open_key open;
    bool done = open_algorithm(&open) && BCryptGenerateKeyPair(open.algorithm, &open.key, 256, 0) == 0 && BCryptFinalizeKeyPair(open.key, 0) == 0 &&
                BCryptExportKey(open.key, NULL, BCRYPT_ECCPRIVATE_BLOB, blob, sizeof blob, &size, 0) == 0 && size == sizeof blob;
    if (done) memcpy(out, blob + sizeof(BCRYPT_ECCKEY_BLOB), PST_PRIVATE_KEY_SIZE);
    SecureZeroMemory(blob, sizeof blob);
    close_key(&open);
    return done ? PST_OK : PST_E_UNSUPPORTED;
}

pst_status pst_pal_sign(const uint8_t key[PST_PRIVATE_KEY_SIZE], const uint8_t digest[PST_SHA256_SIZE], uint8_t out[PST_SIGNATURE_SIZE])
{
    ULONG size = 0;
    open_key open;
    bool imported = import_key(&open, key, PST_PRIVATE_KEY_SIZE);
    bool done = imported && BCryptSignHash(open.key, NULL, (PUCHAR)(uintptr_t)digest, PST_SHA256_SIZE, out, PST_SIGNATURE_SIZE, &size, 0) == 0 &&
                size == PST_SIGNATURE_SIZE;
    close_key(&open);
    return done ? PST_OK : imported ? PST_E_NOMEM : PST_E_INVALID;
}

pst_status pst_pal_signature_check(const uint8_t public_key[PST_PUBLIC_KEY_SIZE], const uint8_t digest[PST_SHA256_SIZE],
                                   const uint8_t signature[PST_SIGNATURE_SIZE])
{
    open_key open;
    bool right = import_key(&open, public_key, PST_PUBLIC_KEY_SIZE) &&
                 BCryptVerifySignature(open.key, NULL, (PUCHAR)(uintptr_t)digest, PST_SHA256_SIZE, (PUCHAR)(uintptr_t)signature, PST_SIGNATURE_SIZE, 0) == 0;
    close_key(&open);
    return right ? PST_OK : PST_E_DENIED;
}
