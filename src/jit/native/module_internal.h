// module_internal.h: what the files of this folder share.
#ifndef PST_JIT_NATIVE_MODULE_INTERNAL_H
#define PST_JIT_NATIVE_MODULE_INTERNAL_H

#include <string.h>

#include "base/bits.h"
#include "base/cursor.h"
#include "jit/native/module.h"

// What every module exports.
#define NATIVE_SYMBOL_MODULE "postern_module" // the description
#define NATIVE_SYMBOL_CODE "postern_code"
#define NATIVE_SYMBOL_TABLE "postern_table"   // 8 bytes that say whether the module is in use, then addresses

#define NATIVE_TABLE_HEAD 8u
#define NATIVE_CODE_ALIGN 64u

// The last bytes of a file. The signature is over everything in front of itself.
#define NATIVE_TRAILER_MAGIC "PSTNMOD1"
#define NATIVE_TRAILER_SIZE 128u
// offsets in it: magic 0, description's offset in the file 8 and size 16 (8 bytes each), signed (1 or 0) 24, zero 28, key id 32, signature 64
#define NATIVE_SIGNED_AT 24u
#define NATIVE_KEY_AT 32u
#define NATIVE_SIGNATURE_AT 64u

/// A file that grows, with places that are filled in later.
void native_pad(pst_text *out, size_t align, uint8_t byte); // to a multiple of align
void native_zero(pst_text *out, size_t count);
void native_put16(pst_text *out, uint16_t value);
void native_put32(pst_text *out, uint32_t value);
void native_put64(pst_text *out, uint64_t value);
void native_put_string(pst_text *out, const char *text); // length, bytes, NUL
void native_patch32(pst_text *out, size_t at, uint32_t value);

/// Appends the description.
void native_describe(const pst_native *native, pst_text *out);
/// Appends the code of all programs, for a table that begins distance bytes after the first byte of it.
void native_put_code(const pst_native *native, int64_t distance, pst_text *out);
/// Appends the file around both, without trailer; *described: where the description lies in it.
void native_write_elf(const pst_native *native, const pst_text *description, pst_text *out, uint64_t *described);
void native_write_pe(const pst_native *native, bool driver, const pst_text *description, pst_text *out, uint64_t *described);
/// Of a driver that begins at base and is complete, trailer included: the kernel refuses one without.
void native_put_pe_checksum(pst_text *out, size_t base);

#endif
