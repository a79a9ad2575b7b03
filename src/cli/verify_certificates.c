// verify_certificates.c: the file of `postern verify --certificate` and `--recheck`: the certificates of an object's programs, by name.
//
// All little-endian: "PSTCERT1", the number of certificates (4 bytes), and for each the length of its program's name (2), the name, the length of the
// certificate (4), and the certificate (src/verify/certificate.h). The file is hostile when it is read.
#include <string.h>

#include "base/cursor.h"
#include "cli/verify_work.h"
#include "pal/pal.h"

#define MAGIC "PSTCERT1"
#define MAGIC_SIZE 8u
#define FILE_MAX ((size_t)64 << 20)
#define COUNT_MAX 65536u
#define NAME_MAX_BYTES 1024u

static void put_number(pst_text *out, uint64_t value, unsigned size)
{
    char bytes[8];
    for (unsigned i = 0; i < size; i++) bytes[i] = (char)(value >> (8 * i) & 0xff);
    pst_text_bytes(out, bytes, size);
}

void verify_certificates_begin(verify_certificates *c)
{
    *c = (verify_certificates){0};
    pst_text_init(&c->entries, cli_env());
}

void verify_certificates_add(verify_certificates *c, const verify_subject *subject, const verify_answer *answer)
{
    const pst_verdict *v = verify_verdict(answer);
    size_t length = strlen(subject->program);
    if (v->kind != PST_VERDICT_ACCEPT) return;
    if (!v->certificate || length > NAME_MAX_BYTES || c->count == COUNT_MAX) {
        c->missing++;
        return;
    }
    put_number(&c->entries, length, 2);
    pst_text_add(&c->entries, subject->program);
    put_number(&c->entries, v->certificate_size, 4);
    pst_text_bytes(&c->entries, (const char *)v->certificate, v->certificate_size);
    c->count++;
}

cli_exit verify_certificates_write(const verify_certificates *c, const char *path)
{
    pst_text file;
    pst_text_init(&file, cli_env());
    pst_text_bytes(&file, MAGIC, MAGIC_SIZE);
    put_number(&file, c->count, 4);
    pst_text_bytes(&file, pst_text_cstr(&c->entries), c->entries.size);
    pst_status status = file.failed || c->entries.failed ? PST_E_NOMEM : pst_pal_file_write(cli_env(), path, file.data, file.size);
    pst_text_free(&file);
    return status == PST_OK ? CLI_OK : cli_fail_last((cli_exit)VERIFY_UNREADABLE, "the certificates cannot be written");
}

// The next entry of the file; false: it is malformed.
static bool read_entry(pst_cursor *cursor, const uint8_t **name, uint16_t *length, verify_data *out)
{
    return pst_cursor_u16(cursor, length) && *length <= NAME_MAX_BYTES && pst_cursor_bytes(cursor, *length, name) && pst_cursor_u32(cursor, &out->size) &&
           pst_cursor_bytes(cursor, out->size, &out->bytes);
}

static bool read_head(pst_cursor *cursor, uint32_t *count)
{
    const uint8_t *magic;
    return pst_cursor_bytes(cursor, MAGIC_SIZE, &magic) && memcmp(magic, MAGIC, MAGIC_SIZE) == 0 && pst_cursor_u32(cursor, count) && *count <= COUNT_MAX;
}

cli_exit verify_certificates_read(verify_certificates *c, const char *path)
{
    cli_forget_sentence();
    if (pst_pal_file_read(cli_env(), path, FILE_MAX, &c->bytes, &c->size) != PST_OK)
        return cli_fail_last((cli_exit)VERIFY_UNREADABLE, "the certificates cannot be read");
    pst_cursor cursor = pst_cursor_make(c->bytes, c->size);
    bool whole = read_head(&cursor, &c->count);
    for (uint32_t i = 0; whole && i < c->count; i++) {
        const uint8_t *name;
        uint16_t length;
        verify_data data;
        whole = read_entry(&cursor, &name, &length, &data);
    }
    if (whole && pst_cursor_left(&cursor) == 0) return CLI_OK;
    return cli_fail((cli_exit)VERIFY_UNREADABLE, "%s: this is no file of certificates, or it is damaged; 'postern verify FILE --certificate %s' makes one", path,
                    path);
}

bool verify_certificates_find(const verify_certificates *c, const char *program, verify_data *out)
{
    pst_cursor cursor = pst_cursor_make(c->bytes, c->size);
    uint32_t count;
    if (!read_head(&cursor, &count)) return false;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *name;
        uint16_t length;
        if (!read_entry(&cursor, &name, &length, out)) return false;
        if (length == strlen(program) && memcmp(name, program, length) == 0) return true;
    }
    return false;
}

void verify_certificates_end(verify_certificates *c)
{
    pst_text_free(&c->entries);
    pst_free(cli_env(), c->bytes, c->size);
    c->bytes = NULL;
}
