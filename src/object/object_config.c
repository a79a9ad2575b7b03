// object_config.c: values of .kconfig externs: how the host is configured, as constants that the verifier sees.
//
// Called by object_relocate.c. CONFIG_* come from the caller as text, in the notation of a kernel's configuration file; LINUX_* are answered from
// the kernel version. A weak extern without a value is 0.
#include <string.h>

#include "base/bits.h"
#include "object/object_internal.h"

enum { TRISTATE_NO = 0, TRISTATE_YES = 1, TRISTATE_MODULE = 2 }; // enum libbpf_tristate

#define VERSION(a, b) ((uint32_t)(a) << 16 | (uint32_t)(b) << 8)

typedef struct config_value {
    const pst_object *o;
    const char *name;
    object_extern_detail *d;
    uint8_t *bytes; // d->size of them
} config_value;

static pst_status refuse(const config_value *v, const char *text, const char *why)
{
    return pst_fail(v->o->arena.env, PST_E_FORMAT, "%s: section .kconfig: %s is %s on this host, %s", v->o->file, v->name, text, why);
}

static pst_status set_letter(const config_value *v, const char *text)
{
    char letter = text[0];
    switch (v->d->config) {
    case CONFIG_BOOL:
        if (letter == 'm') return refuse(v, text, "which a bool cannot hold: declare it as enum libbpf_tristate");
        v->bytes[0] = letter == 'y';
        break;
    case CONFIG_TRISTATE: v->bytes[0] = letter == 'y' ? TRISTATE_YES : letter == 'm' ? TRISTATE_MODULE : TRISTATE_NO; break;
    case CONFIG_CHAR: v->bytes[0] = (uint8_t)letter; break;
    case CONFIG_INT:
    case CONFIG_STRING: return refuse(v, text, "which needs a bool, char or enum libbpf_tristate");
    }
    v->d->is_set = true;
    return PST_OK;
}

static pst_status set_string(const config_value *v, const char *text)
{
    size_t length = strlen(text);
    if (v->d->config != CONFIG_STRING) return refuse(v, text, "which needs a char array");
    if (length < 2 || text[length - 1] != '"') return refuse(v, text, "which lacks its closing quote");
    length -= 2;
    if (length >= v->d->size) length = v->d->size - 1; // cut, as in libbpf
    memcpy(v->bytes, text + 1, length);
    v->d->is_set = true;
    return PST_OK;
}

static bool in_range(const object_extern_detail *d, uint64_t number)
{
    unsigned bits = d->size * 8;
    if (bits >= 64) return true;
    return d->is_signed ? number + ((uint64_t)1 << (bits - 1)) < (uint64_t)1 << bits : number >> bits == 0;
}

static pst_status set_number(const config_value *v, const char *text, uint64_t number)
{
    if (v->d->config == CONFIG_TRISTATE || v->d->config == CONFIG_STRING || (v->d->config == CONFIG_BOOL && number > 1) || !in_range(v->d, number))
        return refuse(v, text, "which its type cannot hold");
    for (uint32_t i = 0; i < v->d->size; i++) v->bytes[i] = (uint8_t)(number >> (8 * i));
    v->d->is_set = true;
    return PST_OK;
}

static bool digit_value(char c, unsigned base, unsigned *out)
{
    if (c >= '0' && c <= '9') *out = (unsigned)(c - '0');
    else if (c >= 'a' && c <= 'f') *out = (unsigned)(c - 'a') + 10;
    else if (c >= 'A' && c <= 'F') *out = (unsigned)(c - 'A') + 10;
    else return false;
    return *out < base;
}

// C notation: decimal, 0x, 0; may be negative.
static bool parse_number(const char *text, uint64_t *out)
{
    bool negative = *text == '-';
    if (negative) text++;
    unsigned base = 10;
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        base = 16;
        text += 2;
    } else if (text[0] == '0') {
        base = 8;
    }
    if (!*text) return false;
    uint64_t value = 0;
    for (; *text; text++) {
        unsigned digit;
        if (!digit_value(*text, base, &digit) || value > (UINT64_MAX - digit) / base) return false;
        value = value * base + digit;
    }
    *out = negative ? (uint64_t)0 - value : value;
    return true;
}

static pst_status set_text(const config_value *v, const char *text)
{
    if (text[0] == '"') return set_string(v, text);
    if ((text[0] == 'y' || text[0] == 'n' || text[0] == 'm') && text[1] == 0) return set_letter(v, text);
    uint64_t number;
    if (!parse_number(text, &number)) return refuse(v, text, "which is neither y, n, m, a number nor a string in quotes");
    if (v->d->config == CONFIG_BOOL) return refuse(v, text, "which needs an integer");
    return set_number(v, text, number);
}

// LINUX_*: what libbpf finds out about the running kernel.
static bool virtual_value(const char *name, const pst_object_target *target, uint64_t *out)
{
    *out = 0;
    if (strcmp(name, "LINUX_KERNEL_VERSION") == 0) *out = target->kernel_version;
    else if (strcmp(name, "LINUX_HAS_BPF_COOKIE") == 0) *out = target->kernel_version >= VERSION(5, 15);
    else if (strcmp(name, "LINUX_HAS_SYSCALL_WRAPPER") == 0) *out = target->kernel_version >= VERSION(4, 17);
    else return false;
    return true;
}

static pst_status resolve(const config_value *v, pst_object_extern *e, const pst_object_target *target)
{
    uint64_t number;
    if (virtual_value(e->name, target, &number)) {
        if (strcmp(e->name, "LINUX_KERNEL_VERSION") == 0 && number == 0 && !e->weak)
            return refuse(v, "unknown", "so the program cannot ask for it");
        PST_TRY(set_number(v, "a number", number));
    } else if (target->kconfig) {
        const char *text = target->kconfig(target->user, e->name);
        if (text) PST_TRY(set_text(v, text));
    }
    if (!v->d->is_set && !e->weak)
        return pst_fail(v->o->arena.env, PST_E_NOTFOUND, "%s: section .kconfig: this host has no value for %s: declare it __weak if the program can do without",
                        v->o->file, e->name);
    e->resolved = true;
    return PST_OK;
}

pst_status object_resolve_config(pst_object *o, const pst_object_target *target)
{
    const struct pst_object_internal *in = o->internal;
    if (in->kconfig_map < 0) return PST_OK;
    uint8_t *values = o->maps[in->kconfig_map].initial;
    for (uint32_t i = 0; i < o->extern_count; i++) {
        if (o->externs[i].kind != PST_EXTERN_KCONFIG) continue;
        config_value v = {.o = o, .name = o->externs[i].name, .d = &in->details[i], .bytes = values + in->details[i].offset};
        PST_TRY(resolve(&v, &o->externs[i], target));
    }
    return PST_OK;
}
