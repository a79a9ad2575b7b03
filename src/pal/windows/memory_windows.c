// memory_windows.c: pages, rings, executable code.
//
// Invariant: no page is ever writable and executable at once; code goes from read-write to read-execute and stays there.
#include "pal/windows/windows_pal.h"

#include "base/bits.h"
#include "pal/pal.h"

pst_status windows_status(DWORD error)
{
    switch (error) {
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
    case ERROR_INVALID_NAME: return PST_E_NOTFOUND;
    case ERROR_ACCESS_DENIED:
    case ERROR_SHARING_VIOLATION: return PST_E_DENIED;
    case ERROR_NOT_ENOUGH_MEMORY:
    case ERROR_OUTOFMEMORY: return PST_E_NOMEM;
    case ERROR_DISK_FULL: return PST_E_NOSPACE;
    case ERROR_ALREADY_EXISTS:
    case ERROR_FILE_EXISTS: return PST_E_EXISTS;
    case ERROR_INVALID_PARAMETER: return PST_E_INVALID;
    default: return PST_E_IO;
    }
}

static SYSTEM_INFO system_info(void)
{
    SYSTEM_INFO info;
    GetSystemInfo(&info);
    return info;
}

size_t pst_pal_page_size(void)
{
    return system_info().dwPageSize;
}

void *pst_pal_pages_alloc(size_t size)
{
    if (size == 0) size = 1;
    return VirtualAlloc(NULL, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
}

void pst_pal_pages_free(void *pages, size_t size)
{
    (void)size;
    if (pages) VirtualFree(pages, 0, MEM_RELEASE);
}

pst_status pst_pal_pages_protect(void *pages, size_t size, bool read_only)
{
    DWORD old;
    if (!VirtualProtect(pages, size, read_only ? PAGE_READONLY : PAGE_READWRITE, &old)) return windows_status(GetLastError());
    return PST_OK;
}

size_t pst_pal_ring_granularity(void)
{
    return system_info().dwAllocationGranularity;
}

// Maps the section at base: header and data, then data again.
static bool ring_map(uint8_t *base, HANDLE section, size_t header, size_t data)
{
    if (!MapViewOfFileEx(section, FILE_MAP_ALL_ACCESS, 0, 0, header + data, base)) return false;
    ULARGE_INTEGER offset = {.QuadPart = header};
    if (MapViewOfFileEx(section, FILE_MAP_ALL_ACCESS, offset.HighPart, offset.LowPart, data, base + header + data)) return true;
    UnmapViewOfFile(base);
    return false;
}

void *pst_pal_ring_alloc(size_t header, size_t data, pst_ring_share *share)
{
    size_t file_size, span;
    if (share) *share = (pst_ring_share){-1, -1};
    if (data == 0 || PST_ADD_OVERFLOW(header, data, &file_size) || PST_ADD_OVERFLOW(file_size, data, &span)) return NULL;
    ULARGE_INTEGER size = {.QuadPart = file_size};
    HANDLE section = CreateFileMappingW(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, size.HighPart, size.LowPart, NULL);
    if (!section) return NULL;
    uint8_t *base = NULL;
    // A reserved range must be given back before views can go there, and another thread may take it in between: try again.
    for (int attempt = 0; attempt < 16 && !base; attempt++) {
        base = VirtualAlloc(NULL, span, MEM_RESERVE, PAGE_NOACCESS);
        if (!base) break;
        VirtualFree(base, 0, MEM_RELEASE);
        if (!ring_map(base, section, header, data)) base = NULL;
    }
    CloseHandle(section); // the views keep the memory
    return base;
}

void pst_pal_ring_free(void *ring, size_t header, size_t data)
{
    if (!ring) return;
    UnmapViewOfFile((uint8_t *)ring + header + data);
    UnmapViewOfFile(ring);
}

void *pst_pal_shared_alloc(size_t size, intptr_t *share)
{
    *share = -1;
    return pst_pal_pages_alloc(size);
}

intptr_t pst_pal_share_copy(intptr_t share, bool read_only)
{
    (void)share, (void)read_only;
    return -1;
}

void pst_pal_share_close(intptr_t share)
{
    (void)share;
}

#define NEAR_DISTANCE ((uintptr_t)512 << 20) // from our own code to where compiled code begins
#define NEAR_SPAN ((uintptr_t)384 << 20)     // from there on
#define NEAR_TRIES 4

// Address space for code, where nobody can guess: within 2 GiB of our own code, so that compiled code calls ours by a short instruction, if the
// system has room there in a few tries; else anywhere.
static uint8_t *reserve_near(size_t bytes)
{
    uintptr_t own = (uintptr_t)&pst_pal_code_alloc & ~(uintptr_t)0x1fffff, step = system_info().dwAllocationGranularity;
    uintptr_t begin = own > 2 * NEAR_DISTANCE ? own - NEAR_DISTANCE : own + NEAR_DISTANCE;
    for (int i = 0; i < NEAR_TRIES && bytes < NEAR_SPAN; i++) {
        uint64_t chance;
        pst_pal_random(&chance, sizeof chance);
        uintptr_t wish = begin + (uintptr_t)(chance % (NEAR_SPAN / step)) * step;
        void *pages = VirtualAlloc((void *)wish, bytes, MEM_RESERVE, PAGE_NOACCESS);
        if (pages) return pages;
    }
    return VirtualAlloc(NULL, bytes, MEM_RESERVE, PAGE_NOACCESS);
}

static size_t whole_pages(size_t size)
{
    size_t page = pst_pal_page_size();
    return size > SIZE_MAX - 4 * page ? 0 : (size_t)pst_align_up(size ? size : 1, page);
}

pst_status pst_pal_code_alloc(size_t size, pst_code *out)
{
    *out = (pst_code){0};
    // Under arbitrary code guard VirtualProtect to executable will fail; saying so now spares the work of compiling.
    PROCESS_MITIGATION_DYNAMIC_CODE_POLICY policy = {0};
    if (GetProcessMitigationPolicy(GetCurrentProcess(), ProcessDynamicCodePolicy, &policy, sizeof policy) &&
        policy.ProhibitDynamicCode)
        return PST_E_DENIED;
    size_t page = pst_pal_page_size(), bytes = whole_pages(size);
    uint8_t *pages = bytes ? reserve_near(bytes + 2 * page) : NULL;
    if (!pages) return PST_E_NOMEM;
    // The first and the last page are never opened: what runs, reads or writes off either end of a program faults.
    if (!VirtualAlloc(pages + page, bytes, MEM_COMMIT, PAGE_READWRITE)) {
        VirtualFree(pages, 0, MEM_RELEASE);
        return PST_E_NOMEM;
    }
    *out = (pst_code){.bytes = pages + page, .size = size, .sealed = false};
    return PST_OK;
}

pst_status pst_pal_code_seal(pst_code *code)
{
    DWORD old;
    if (!VirtualProtect(code->bytes, code->size ? code->size : 1, PAGE_EXECUTE_READ, &old)) return PST_E_DENIED;
    FlushInstructionCache(GetCurrentProcess(), code->bytes, code->size);
    code->sealed = true;
    return PST_OK;
}

pst_status pst_pal_code_functions(pst_code *code, size_t at, uint32_t count)
{
#if PST_HOST_X64
    PRUNTIME_FUNCTION functions = (PRUNTIME_FUNCTION)(void *)(code->bytes + at);
    if (!RtlAddFunctionTable(functions, count, (DWORD64)(uintptr_t)code->bytes)) return PST_E_NOMEM;
    code->functions = functions;
    return PST_OK;
#else
    (void)code, (void)at, (void)count;
    return PST_E_UNSUPPORTED;
#endif
}

void pst_pal_code_free(pst_code *code)
{
#if PST_HOST_X64
    if (code->functions) (void)RtlDeleteFunctionTable(code->functions);
#endif
    if (code->bytes) VirtualFree(code->bytes - pst_pal_page_size(), 0, MEM_RELEASE);
    *code = (pst_code){0};
}

pst_status pst_pal_code_name(const void *bytes, size_t size, const char *name)
{
    (void)bytes, (void)size, (void)name;
    return PST_E_UNSUPPORTED;
}
