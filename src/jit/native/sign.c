// sign.c: who vouches for a module. The signature (ECDSA on P-256 over SHA-256) is over every byte of the file in front of it.
#include "jit/native/module_internal.h"

#define PUBLIC_WORD "postern-key-p256"
#define SECRET_WORD "postern-secret-key-p256"

static pst_status digest_of(const uint8_t *bytes, size_t size, uint8_t out[PST_SHA256_SIZE])
{
    return pst_pal_sha256(bytes, size - PST_SIGNATURE_SIZE, out);
}

bool pst_native_is_signed(const uint8_t *bytes, size_t size)
{
    return pst_native_is(bytes, size) && pst_load32(bytes + size - NATIVE_TRAILER_SIZE + NATIVE_SIGNED_AT) == 1;
}

pst_status pst_native_sign(const pst_env *env, uint8_t *bytes, size_t size, const uint8_t key[PST_PRIVATE_KEY_SIZE])
{
    uint8_t digest[PST_SHA256_SIZE];
    if (!pst_native_is(bytes, size)) return pst_fail(env, PST_E_INVALID, "this is no native module: there is nothing to sign");
    uint8_t *trailer = bytes + size - NATIVE_TRAILER_SIZE;
    pst_store32(trailer + NATIVE_SIGNED_AT, 1);
    pst_status status = pst_pal_sha256(key, PST_PUBLIC_KEY_SIZE, trailer + NATIVE_KEY_AT);
    if (status == PST_OK) status = digest_of(bytes, size, digest);
    if (status == PST_OK) status = pst_pal_sign(key, digest, trailer + NATIVE_SIGNATURE_AT);
    return status == PST_OK ? PST_OK : pst_fail(env, status, "the module cannot be signed: %s", pst_status_text(status));
}

static pst_status check_by(const uint8_t *bytes, size_t size, const uint8_t *key)
{
    uint8_t digest[PST_SHA256_SIZE];
    PST_TRY(digest_of(bytes, size, digest));
    return pst_pal_signature_check(key, digest, bytes + size - PST_SIGNATURE_SIZE);
}

pst_status pst_native_check(const pst_env *env, const char *file, const uint8_t *bytes, size_t size, const pst_trust *trust)
{
    uint8_t id[PST_SHA256_SIZE];
    if (!pst_native_is_signed(bytes, size))
        return pst_fail(env, PST_E_DENIED, "%s is not signed: sign it with `postern compile --sign KEY`, or allow modules without signature", file);
    if (trust->count == 0) return pst_fail(env, PST_E_DENIED, "%s is signed, but no key is trusted here: name a file of public keys as trusted", file);
    for (uint32_t i = 0; i < trust->count; i++) {
        PST_TRY(pst_pal_sha256(trust->keys[i], PST_PUBLIC_KEY_SIZE, id));
        if (memcmp(id, bytes + size - NATIVE_TRAILER_SIZE + NATIVE_KEY_AT, sizeof id) != 0) continue;
        pst_status status = check_by(bytes, size, trust->keys[i]);
        if (status == PST_E_DENIED) return pst_fail(env, status, "%s was changed after it was signed: its signature does not fit", file);
        return status;
    }
    return pst_fail(env, PST_E_DENIED, "%s is signed by a key that is not among the %u that are trusted here", file, trust->count);
}

// --- Keys as text ---------------------------------------------------------------------------------------------

void pst_key_write(pst_text *out, const uint8_t *key, bool secret)
{
    pst_text_format(out, "%s ", secret ? SECRET_WORD : PUBLIC_WORD);
    for (size_t i = 0; i < (secret ? PST_PRIVATE_KEY_SIZE : PST_PUBLIC_KEY_SIZE); i++) pst_text_format(out, "%02x", key[i]);
    pst_text_add(out, "\n");
}

static int digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// The key behind word at the beginning of line, which has length characters. False: this is not such a line.
static bool key_of_line(const char *line, size_t length, const char *word, uint8_t *out, size_t size)
{
    size_t skip = strlen(word) + 1;
    if (length < skip + 2 * size || memcmp(line, word, skip - 1) != 0 || line[skip - 1] != ' ') return false;
    for (size_t i = 0; i < size; i++) {
        int high = digit(line[skip + 2 * i]), low = digit(line[skip + 2 * i + 1]);
        if (high < 0 || low < 0) return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    char next = length > skip + 2 * size ? line[skip + 2 * size] : '\n';
    return next == '\n' || next == ' ' || next == '\r' || next == '\t';
}

// Takes the next line from *text; its length without the line end.
static const char *take_line(const char **text, size_t *left, size_t *length)
{
    const char *line = *text, *end = memchr(line, '\n', *left);
    *length = end ? (size_t)(end - line) : *left;
    size_t whole = *length + (end ? 1 : 0);
    *text += whole;
    *left -= whole;
    return line;
}

static bool is_blank(const char *line, size_t length)
{
    size_t i = 0;
    while (i < length && (line[i] == ' ' || line[i] == '\t' || line[i] == '\r')) i++;
    return i == length || line[i] == '#';
}

pst_status pst_trust_read(const pst_env *env, const char *file, const char *text, size_t size, pst_trust *add_to)
{
    size_t length;
    for (uint32_t number = 1; size > 0; number++) {
        const char *line = take_line(&text, &size, &length);
        if (is_blank(line, length)) continue;
        if (add_to->count == PST_TRUST_KEYS_MAX) return pst_fail(env, PST_E_LIMIT, "%s: more than %u trusted keys", file, PST_TRUST_KEYS_MAX);
        if (!key_of_line(line, length, PUBLIC_WORD, add_to->keys[add_to->count], PST_PUBLIC_KEY_SIZE))
            return pst_fail(env, PST_E_FORMAT, "%s, line %u: this is no public key; one is written \"" PUBLIC_WORD "\", a space and %d hex digits "
                            "(`postern keygen` writes KEY.pub)", file, number, 2 * PST_PUBLIC_KEY_SIZE);
        add_to->count++;
    }
    return PST_OK;
}

pst_status pst_key_read(const pst_env *env, const char *file, const char *text, size_t size, uint8_t out[PST_PRIVATE_KEY_SIZE])
{
    size_t length;
    while (size > 0) {
        const char *line = take_line(&text, &size, &length);
        if (is_blank(line, length)) continue;
        if (key_of_line(line, length, SECRET_WORD, out, PST_PRIVATE_KEY_SIZE)) return PST_OK;
        break;
    }
    return pst_fail(env, PST_E_FORMAT, "%s is no secret key; `postern keygen` makes one", file);
}
