// jit_plot.c: what jit_bench measured as a plot (SVG): a line a program, a point for who ran it, time over native code's on a logarithmic scale.
//
// Only the compiled ones are drawn: interpreters are so much slower that nothing else could be told apart. Programs with maps have no native
// form; they stand below, over the kernel's time.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jit_bench.h"

#define LEFT 150
#define RIGHT 40
#define WIDTH 860
#define LINE 19
#define TOP 96
#define GAP 64
#define SCALE_MIN 0.25
#define SCALE_MAX 8.0

typedef struct series {
    jit_runner runner;
    const char *colour, *label;
} series;

static const series g_series[] = {
    {BY_LINUX, "#e07b00", "Linux JIT"},
    {BY_STRICT, "#7a1f7a", "Postern, strict proofs"},
    {BY_HARDENED, "#b04ab0", "Postern, hardened"},
    {BY_QUICK, "#8fb8de", "Postern, quick tier"},
    {BY_JIT, "#0b4f9e", "Postern"},
};
#define SERIES_COUNT (sizeof g_series / sizeof *g_series)

static double x_of(double ratio)
{
    double clamped = fmin(fmax(ratio, SCALE_MIN), SCALE_MAX);
    return LEFT + (WIDTH - LEFT - RIGHT) * log(clamped / SCALE_MIN) / log(SCALE_MAX / SCALE_MIN);
}

// --- Sorting: the best first ------------------------------------------------------------------------------------

typedef struct line {
    const jit_row *row;
    jit_runner base;
    double key;
} line;

static int by_key(const void *a, const void *b)
{
    double x = ((const line *)a)->key, y = ((const line *)b)->key;
    return (x > y) - (x < y);
}

static unsigned pick(const jit_results *results, bool with_native, line *out)
{
    unsigned count = 0;
    for (unsigned i = 0; i < results->count; i++) {
        const jit_row *row = &results->rows[i];
        jit_runner base = with_native ? BY_NATIVE : BY_LINUX;
        if ((row->ns[BY_NATIVE] > 0) != with_native || row->ns[base] <= 0) continue;
        double ours = row->ns[BY_JIT] > 0 ? row->ns[BY_JIT] : row->ns[base];
        out[count++] = (line){row, base, ours / row->ns[base]};
    }
    qsort(out, count, sizeof *out, by_key);
    return count;
}

// --- Drawing ----------------------------------------------------------------------------------------------------

static void draw_grid(FILE *f, double top, double bottom, bool with_target)
{
    static const double marks[] = {0.25, 0.5, 1, 1.25, 2, 4, 8};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        bool target = marks[i] == 1.25;
        if (target && !with_target) continue;
        fprintf(f, "<line x1='%.1f' y1='%.1f' x2='%.1f' y2='%.1f' stroke='%s'%s/>\n", x_of(marks[i]), top, x_of(marks[i]), bottom,
                marks[i] == 1 ? "#555" : target ? "#2a8a3c" : "#ddd", target ? " stroke-dasharray='4 3'" : "");
        fprintf(f, "<text x='%.1f' y='%.1f' text-anchor='middle' class='t'%s>%g</text>\n", x_of(marks[i]), target ? top - 16 : top - 5,
                target ? " fill='#2a8a3c'" : "", marks[i]);
    }
}

static void draw_point(FILE *f, const line *l, const series *s, double y)
{
    if (l->row->ns[s->runner] <= 0 || s->runner == l->base) return;
    double ratio = l->row->ns[s->runner] / l->row->ns[l->base];
    fprintf(f, "<circle cx='%.1f' cy='%.1f' r='4.5' fill='%s'><title>%s: %s %.2f</title></circle>\n", x_of(ratio), y, s->colour, l->row->name,
            s->label, ratio);
}

static void draw_lines(FILE *f, const line *lines, unsigned count, double top)
{
    for (unsigned i = 0; i < count; i++) {
        double y = top + LINE * (i + 0.5);
        fprintf(f, "<line x1='%d' y1='%.1f' x2='%d' y2='%.1f' stroke='#eee'/>\n", LEFT, y, WIDTH - RIGHT, y);
        fprintf(f, "<text x='%d' y='%.1f' text-anchor='end'>%s</text>\n", LEFT - 8, y + 4, lines[i].row->name);
        for (size_t s = 0; s < SERIES_COUNT; s++) draw_point(f, &lines[i], &g_series[s], y);
    }
}

static void draw_legend(FILE *f, const jit_results *results)
{
    double x = LEFT;
    for (size_t s = SERIES_COUNT; s-- > 0;) {
        unsigned rows;
        double mean = jit_mean(results, g_series[s].runner, BY_NATIVE, &rows);
        if (!rows) continue;
        fprintf(f, "<circle cx='%.1f' cy='48' r='4.5' fill='%s'/><text x='%.1f' y='52'>%s, mean %.2f</text>\n", x, g_series[s].colour, x + 9,
                g_series[s].label, mean);
        x += 178;
    }
}

static void draw(FILE *f, const jit_results *results)
{
    static line native[JIT_ROWS_MAX], maps[JIT_ROWS_MAX];
    unsigned with = pick(results, true, native), without = pick(results, false, maps);
    double end = TOP + (double)LINE * with, maps_top = end + GAP, height = (without ? maps_top + (double)LINE * without : end) + 20;
    fprintf(f, "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%.0f' viewBox='0 0 %d %.0f' font-family='sans-serif' font-size='12'>\n"
               "<style>.t{font-size:11px}.h{font-size:15px;font-weight:bold}</style><rect width='100%%' height='100%%' fill='white'/>\n",
            WIDTH, height, WIDTH, height);
    fprintf(f, "<text x='%d' y='26' class='h'>Time of a program, as a multiple of native code's (clang -O2); left is faster</text>\n", LEFT);
    draw_legend(f, results);
    draw_grid(f, TOP, end, true);
    draw_lines(f, native, with, TOP);
    if (without) {
        fprintf(f, "<text x='%d' y='%.1f' class='h'>Programs with maps, as a multiple of the Linux JIT's</text>\n", LEFT, maps_top - 34);
        draw_grid(f, maps_top, maps_top + (double)LINE * without, false);
        draw_lines(f, maps, without, maps_top);
    }
    fprintf(f, "</svg>\n");
}

bool jit_write_plot(const jit_results *results, const char *path)
{
    FILE *f = fopen(path, "wb");
    if (f) draw(f, results);
    bool written = f && !ferror(f);
    if (f && fclose(f) != 0) written = false;
    if (!written) fprintf(stderr, "jit_bench: %s cannot be written\n", path);
    return written;
}
