// jit_report.c: what jit_bench measured, as a table and as JSON.
#include <math.h>
#include <stdio.h>

#include "base/json.h"
#include "jit_bench.h"
#include "pal/pal.h"

// --- Text -------------------------------------------------------------------------------------------------------

// Programs with maps have no native form: their base is the kernel.
static jit_runner base_of(const jit_row *row)
{
    return row->ns[BY_NATIVE] > 0 ? BY_NATIVE : BY_LINUX;
}

static void print_row(const jit_results *results, const jit_row *row)
{
    jit_runner base = base_of(row);
    printf("%-16s %6u %8.2f ", row->name, row->insns, (double)row->bytes[BY_JIT] / row->insns);
    if (row->ns[BY_NATIVE] > 0) printf("%10.1f", row->ns[BY_NATIVE]);
    else printf("%10s", "-");
    for (int r = BY_NATIVE + 1; r < RUNNERS; r++) {
        if (!results->has[r]) continue;
        if (row->ns[r] > 0 && row->ns[base] > 0) printf(" %8.2fx", row->ns[r] / row->ns[base]);
        else if (row->ns[r] > 0) printf(" %7.0fns", row->ns[r]);
        else printf(" %9s", "-");
    }
    printf("%s\n", row->ns[BY_JIT] > 0 && row->ns[BY_LINUX] > 0 && row->ns[BY_JIT] > row->ns[BY_LINUX] * 1.03 ? "  slower than linux" : "");
}

static void print_mean(const jit_results *results, jit_runner base, const char *label)
{
    unsigned rows, most = 0;
    printf("%-43s", label);
    for (int r = BY_NATIVE + 1; r < RUNNERS; r++) {
        if (!results->has[r]) continue;
        double mean = jit_mean(results, (jit_runner)r, base, &rows);
        if (rows) printf(" %8.2fx", mean);
        else printf(" %9s", "-");
        if (rows > most) most = rows;
    }
    printf("  (%u programs at most)\n", most);
}

static void print_programs(const jit_results *results, bool with_native)
{
    unsigned rows = 0;
    for (unsigned i = 0; i < results->count; i++) rows += (results->rows[i].ns[BY_NATIVE] > 0) == with_native;
    if (!rows) return;
    printf("\n%-16s %6s %8s %10s", with_native ? "of native" : "of linux", "insns", "B/insn", "native ns");
    for (int r = BY_NATIVE + 1; r < RUNNERS; r++)
        if (results->has[r]) printf(" %9s", jit_runner_name((jit_runner)r));
    printf("\n");
    for (unsigned i = 0; i < results->count; i++)
        if ((results->rows[i].ns[BY_NATIVE] > 0) == with_native) print_row(results, &results->rows[i]);
}

static void print_costs(const jit_results *results)
{
    static const char *const names[JIT_TIERS + 1] = {"jit", "jit-quick", "interp"};
    printf("\n%-10s %11s %12s %11s %13s %11s %9s\n", "", "empty call", "helper call", "local call", "compile/insn", "bytes/insn", "pages");
    for (int i = 0; i <= JIT_TIERS; i++) {
        const jit_call_costs *calls = &results->calls[i];
        if (calls->empty <= 0) continue;
        printf("%-10s %8.2f ns %9.2f ns %8.2f ns", names[i], calls->empty, calls->helper, calls->local);
        if (i < JIT_TIERS) {
            const jit_compile_costs *compile = &results->compile[i];
            printf(" %10.1f ns %11.2f %6.1f us", compile->ns_per_insn, compile->bytes_per_insn, compile->pages_us);
        }
        printf("\n");
    }
}

void jit_print_text(const jit_results *results)
{
    printf("ns of a run, less that of an empty program (");
    for (int r = 0; r < RUNNERS; r++)
        if (results->has[r]) printf("%s%s %.1f", r ? ", " : "", jit_runner_name((jit_runner)r), results->empty_ns[r]);
    printf(")\n");
    print_programs(results, true);
    print_mean(results, BY_NATIVE, "geometric mean, of native");
    print_programs(results, false);
    print_mean(results, BY_LINUX, "geometric mean of all, of linux");
    print_costs(results);
}

// --- JSON -------------------------------------------------------------------------------------------------------

static void number(pst_json *json, const char *key, double value)
{
    char text[40];
    snprintf(text, sizeof text, "%.3f", value);
    pst_json_key(json, key);
    pst_json_number(json, text);
}

static void row_json(const jit_row *row, pst_json *json)
{
    pst_json_object_begin(json);
    pst_json_key(json, "program");
    pst_json_string(json, row->name);
    pst_json_key(json, "instructions");
    pst_json_u64(json, row->insns);
    pst_json_key(json, "ns");
    pst_json_object_begin(json);
    for (int r = 0; r < RUNNERS; r++)
        if (row->ns[r] > 0) number(json, jit_runner_name((jit_runner)r), row->ns[r]);
    pst_json_object_end(json);
    pst_json_key(json, "bytes");
    pst_json_object_begin(json);
    for (int r = 0; r < RUNNERS; r++) {
        if (!row->bytes[r]) continue;
        pst_json_key(json, jit_runner_name((jit_runner)r));
        pst_json_u64(json, row->bytes[r]);
    }
    pst_json_object_end(json);
    pst_json_object_end(json);
}

static void means_json(const jit_results *results, jit_runner base, pst_json *json)
{
    pst_json_object_begin(json);
    for (int r = 0; r < RUNNERS; r++) {
        unsigned rows;
        double mean = jit_mean(results, (jit_runner)r, base, &rows);
        if (rows) number(json, jit_runner_name((jit_runner)r), mean);
    }
    pst_json_object_end(json);
}

static void costs_json(const jit_results *results, pst_json *json)
{
    static const char *const names[JIT_TIERS + 1] = {"jit", "jit-quick", "interp"};
    pst_json_object_begin(json);
    for (int i = 0; i <= JIT_TIERS; i++) {
        if (results->calls[i].empty <= 0) continue;
        pst_json_key(json, names[i]);
        pst_json_object_begin(json);
        number(json, "empty_call_ns", results->calls[i].empty);
        number(json, "helper_call_ns", results->calls[i].helper);
        number(json, "local_call_ns", results->calls[i].local);
        if (i < JIT_TIERS) number(json, "compile_ns_per_instruction", results->compile[i].ns_per_insn);
        if (i < JIT_TIERS) number(json, "bytes_per_instruction", results->compile[i].bytes_per_insn);
        pst_json_object_end(json);
    }
    pst_json_object_end(json);
}

void jit_print_json(const jit_results *results)
{
    pst_text text;
    pst_json json;
    pst_text_init(&text, pst_pal_env());
    pst_json_init(&json, &text, true);
    pst_json_object_begin(&json);
    pst_json_key(&json, "programs");
    pst_json_array_begin(&json);
    for (unsigned i = 0; i < results->count; i++) row_json(&results->rows[i], &json);
    pst_json_array_end(&json);
    pst_json_key(&json, "mean_of_native");
    means_json(results, BY_NATIVE, &json);
    pst_json_key(&json, "mean_of_linux");
    means_json(results, BY_LINUX, &json);
    pst_json_key(&json, "costs");
    costs_json(results, &json);
    pst_json_object_end(&json);
    puts(pst_text_cstr(&text));
    pst_text_free(&text);
}
