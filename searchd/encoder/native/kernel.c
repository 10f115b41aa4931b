/* BERT's forward pass with 8-bit linear layers, for x86-64 processors with AVX-512 VNNI; one thread, no allocation.

   It computes what the ONNX graph beside it computes (searchd/encoder/int8.py) from the same bytes, with one
   difference: the attention multiplies integers too (queries and keys of 8 bits, weights and values of 12), and
   functions are polynomials. Rows of a batch have equal lengths, and nothing of one text reaches another.

   Products keep a tile of the result in registers: 6 rows of 4 registers, 12 of 2 or 8 of 2. One step of vpdpbusd
   multiplies 4 unsigned by 4 signed bytes per lane and adds them to 32 bits, so nothing saturates. It is written as
   assembly because compilers copy and spill the accumulators of its intrinsic. Two such steps a cycle are the limit. */

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define EACH(i, n) _Pragma("clang loop unroll(full)") for (size_t i = 0; i < (n); i++)
#define TWICE _Pragma("clang loop unroll_count(2)")
#else
#define EACH(i, n) _Pragma("GCC unroll 16") for (size_t i = 0; i < (n); i++)
#define TWICE _Pragma("GCC unroll 2")
#endif
#define DOT(sum, bytes, signed_bytes) __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(bytes), "v"(signed_bytes))
#define DOT16(sum, one, other) __asm__("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(one), "v"(other))
#define ALL(x) _mm512_set1_ps(x)
#define WEIGHT 2047.0f /* largest weight and value in 16 bits: the sum of 512 products fits 32 */
#define WEIGHT_BITS 10.99929538f /* its logarithm */

enum { COLUMNS = 64, LANES = 16, BLOCK = 32, DOZEN = 12, AHEAD = 4096 };

/* bytes (rows, in) x values (in, out) -> floats (rows, out): sum * steps + rest.
   values: panels of 64 columns, (out / 64, in / 4, 64, 4), on a 64-byte boundary; in and out: multiples of 64 */
typedef struct {
    const int8_t *values;
    const float *steps, *rest;
} Product;

typedef struct {
    const float *gain, *base;
} Norm;

/* A value becomes the byte value * inverse + zero. */
typedef struct {
    float inverse, zero;
} Grid;

typedef struct {
    Norm before;        /* makes the layer's input */
    const float *kept;  /* (hidden,) factor of the input where it is added to the attention's output */
    Product query, key, value, mixed;
    Norm between;
    const float *kept_between;
    Product wide, narrow;
    const Grid *grids;  /* of the inputs of query/key/value, mixed, wide, narrow */
} Layer;

typedef struct {
    int32_t hidden, heads, inner, layers;
    int32_t word_bits;    /* 8: (rows, hidden) unsigned bytes around 128; 4: signed nibbles, the lower one first */
    int32_t first_only;   /* pooling: the first token's vector instead of the mean */
    float epsilon;
    const uint8_t *words;
    const float *word_steps; /* (rows, hidden / 32) */
    const float *positions;  /* (max_length, hidden) */
    Norm last;
    const Layer *layer;
} Model;

INLINE __m512 load(const float *p) { return _mm512_loadu_ps(p); }

INLINE float square_root(float x) { return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x))); }

/* The sum of 64 floats. */
INLINE float total(const __m512 *x) {
    return _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(x[0], x[1]), _mm512_add_ps(x[2], x[3])));
}

INLINE __m512 on(Grid grid, __m512 x) { return _mm512_fmadd_ps(x, ALL(grid.inverse), ALL(grid.zero)); }

/* 64 floats -> the nearest bytes */
INLINE __m512i pack(const __m512 *x) {
    const __m512i order = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
    __m512i n[4];
    EACH(c, 4) n[c] = _mm512_cvtps_epi32(x[c]);
    __m512i mixed = _mm512_packus_epi16(_mm512_packs_epi32(n[0], n[1]), _mm512_packs_epi32(n[2], n[3]));
    return _mm512_permutexvar_epi32(order, mixed);
}

/* On a grid: max(x, 0) plus an even function, as a polynomial of |x| with an error of 2e-4: a sixtieth of a byte's
   step */
INLINE __m512 gelu(__m512 x, Grid grid) {
    __m512 a = _mm512_range_ps(x, ALL(4.0f), 10); /* the smaller absolute value */
    __m512 p = ALL(6.380526658e-04f * grid.inverse);
    p = _mm512_fmadd_ps(p, a, ALL(-9.845857964e-03f * grid.inverse));
    p = _mm512_fmadd_ps(p, a, ALL(5.708372179e-02f * grid.inverse));
    p = _mm512_fmadd_ps(p, a, ALL(-1.383788127e-01f * grid.inverse));
    p = _mm512_fmadd_ps(p, a, ALL(3.992597305e-02f * grid.inverse));
    p = _mm512_fmadd_ps(p, a, ALL(3.936063768e-01f * grid.inverse));
    p = _mm512_fmadd_ps(p, a, ALL(-5.017667219e-01f * grid.inverse));
    p = _mm512_fmadd_ps(p, a, ALL(1.953299692e-04f * grid.inverse + grid.zero));
    return _mm512_fmadd_ps(_mm512_max_ps(x, _mm512_setzero_ps()), ALL(grid.inverse), p);
}

/* 2 to the power of x, with a relative error of 2e-3: a tenth of what 8 bits of queries and keys cost a weight */
INLINE __m512 power_of_two(__m512 x) {
    __m512 f = _mm512_reduce_ps(x, 9); /* x - floor(x) */
    __m512 p = _mm512_fmadd_ps(ALL(3.371865947e-01f), f, ALL(6.576390274e-01f));
    return _mm512_scalef_ps(_mm512_fmadd_ps(p, f, ALL(1.001724284f)), x); /* times 2 to the power of floor(x) */
}

/* ---- linear layers ---- */

/* What becomes of a product's result: floats of their own; added to floats times a factor; activated, as bytes. */
enum { STORED, ADDED, ACTIVATED };

typedef struct {
    float *floats;
    const float *kept;
    uint8_t *bytes;
    Grid grid;
    size_t width; /* of a row of floats or bytes */
    __m512 reach; /* largest absolute values of floats STORED by the last product */
} Target;

/* 64 columns of a row, `at` the target */
INLINE void finish(__m512 *x, int mode, Grid grid, size_t at, size_t place, const Target *to) {
    if (mode == ACTIVATED) {
        EACH(c, 4) x[c] = gelu(x[c], grid);
        _mm512_storeu_si512(to->bytes + at, pack(x));
        return;
    }
    float *out = to->floats + at;
    const float *kept = to->kept + place;
    if (mode == ADDED) EACH(c, 4) x[c] = _mm512_fmadd_ps(load(out + LANES * c), load(kept + LANES * c), x[c]);
    EACH(c, 4) _mm512_storeu_ps(out + LANES * c, x[c]);
}

/* R rows of 64 columns; place: the column of the target that the product's `column` goes to; first: of the rows.
   Memory is slower than the products: the first rows fetch their weights a little ahead, the four tiles that follow
   the weights of the next columns, and each the floats that it adds to. */
INLINE void tile(const size_t R, const int first, const uint8_t *a, size_t in, const Product *p, size_t column,
                 int mode, size_t row, size_t place, Target *to) {
    __m512i sum[6][4];
    const int8_t *w = p->values + column * in, *next = w + COLUMNS * in + (row / 6 - 1) % 4 * 16 * in;
    size_t at = row * to->width + place;
    if (mode == ADDED)
        EACH(r, R) EACH(c, 4) _mm_prefetch((const char *)(to->floats + at + r * to->width + LANES * c), _MM_HINT_T0);
    EACH(r, R) EACH(c, 4) sum[r][c] = _mm512_setzero_si512();
    a += row * in;
    TWICE for (size_t k = 0; k < in; k += 4, w += 4 * COLUMNS) {
        __m512i w0 = _mm512_load_si512(w), w1 = _mm512_load_si512(w + 64);
        __m512i w2 = _mm512_load_si512(w + 128), w3 = _mm512_load_si512(w + 192);
        if (first) EACH(c, 4) _mm_prefetch((const char *)w + AHEAD + 64 * c, _MM_HINT_T0);
        else _mm_prefetch((const char *)next + 16 * k, _MM_HINT_T1);
        EACH(r, R) {
            __m512i x = _mm512_set1_epi32(*(const int32_t *)(a + r * in + k));
            DOT(sum[r][0], x, w0);
            DOT(sum[r][1], x, w1);
            DOT(sum[r][2], x, w2);
            DOT(sum[r][3], x, w3);
        }
    }
    const Grid grid = to->grid;
    __m512 steps[4], rest[4], x[4], reach[4];
    EACH(c, 4) steps[c] = load(p->steps + column + LANES * c), rest[c] = load(p->rest + column + LANES * c);
    EACH(c, 4) reach[c] = _mm512_setzero_ps();
    EACH(r, R) {
        EACH(c, 4) x[c] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum[r][c]), steps[c], rest[c]);
        EACH(c, 4) reach[c] = _mm512_range_ps(reach[c], x[c], 11); /* the larger absolute value */
        finish(x, mode, grid, at + r * to->width, place, to);
    }
    if (mode == STORED) EACH(c, 4) to->reach = _mm512_max_ps(to->reach, reach[c]);
}

/* columns from .. until of the product; they go to the target's first ones */
INLINE void multiply(const uint8_t *a, size_t rows, size_t in, const Product *p, size_t from, size_t until, int mode,
                     Target *to) {
    to->reach = ALL(1e-20f);
    for (size_t column = from; column < until; column += COLUMNS) {
        size_t row = 0, place = column - from;
        if (rows < 6) {
            for (; row + 2 <= rows; row += 2) tile(2, 1, a, in, p, column, mode, row, place, to);
            if (row < rows) tile(1, 1, a, in, p, column, mode, row, place, to);
            continue;
        }
        tile(6, 1, a, in, p, column, mode, row, place, to);
        for (row = 6; row + 6 <= rows; row += 6) tile(6, 0, a, in, p, column, mode, row, place, to);
        switch (rows - row) {
        case 5: tile(5, 0, a, in, p, column, mode, row, place, to); break;
        case 4: tile(4, 0, a, in, p, column, mode, row, place, to); break;
        case 3: tile(3, 0, a, in, p, column, mode, row, place, to); break;
        case 2: tile(2, 0, a, in, p, column, mode, row, place, to); break;
        case 1: tile(1, 0, a, in, p, column, mode, row, place, to); break;
        default: break;
        }
    }
}

/* One function for each mode, so that each is compiled once. */
#define MULTIPLY(NAME, MODE) \
    static __attribute__((noinline)) void NAME(const uint8_t *a, size_t rows, size_t in, const Product *p, \
                                               size_t from, size_t until, Target *to) { \
        multiply(a, rows, in, p, from, until, MODE, to); \
    }
MULTIPLY(multiply_store, STORED)
MULTIPLY(multiply_add, ADDED)
MULTIPLY(multiply_activate, ACTIVATED)

/* Layer normalisation of rows in place; their bytes go to `bytes` unless it is 0. */
static void normalise(float *x, size_t rows, size_t width, const Norm *norm, float epsilon, uint8_t *bytes, Grid grid) {
    for (size_t row = 0; row < rows; row++, x += width) {
        __m512 sum[4], squares[4], y[4];
        EACH(c, 4) sum[c] = squares[c] = _mm512_setzero_ps();
        for (size_t i = 0; i < width; i += COLUMNS)
            EACH(c, 4) {
                __m512 value = load(x + i + LANES * c);
                sum[c] = _mm512_add_ps(sum[c], value);
                squares[c] = _mm512_fmadd_ps(value, value, squares[c]);
            }
        float mean = total(sum) / (float)width, variance = total(squares) / (float)width - mean * mean;
        float inverse = 1.0f / square_root((variance > 0 ? variance : 0) + epsilon);
        Grid even = {inverse, -mean * inverse};
        for (size_t i = 0; i < width; i += COLUMNS) {
            EACH(c, 4) {
                size_t at = i + LANES * c;
                y[c] = _mm512_fmadd_ps(on(even, load(x + at)), load(norm->gain + at), load(norm->base + at));
                _mm512_storeu_ps(x + at, y[c]);
                y[c] = on(grid, y[c]);
            }
            if (bytes) _mm512_storeu_si512(bytes + row * width + i, pack(y));
        }
    }
}

/* ---- attention: 64 columns at a time, which are 64 / d heads, of one text ---- */

/* Rows of 64 floats -> bytes of at most 127 on either side of 128; returns their step. */
static float shrink(const Target *x, size_t rows, uint8_t *out) {
    float step = _mm512_reduce_max_ps(x->reach) / 127.0f;
    Grid grid = {1.0f / step, 128.0f};
    for (size_t i = 0; i < rows * COLUMNS; i += COLUMNS) {
        __m512 y[4];
        EACH(c, 4) y[c] = on(grid, load(x->floats + i + LANES * c));
        _mm512_store_si512(out + i, pack(y));
    }
    return step;
}

/* 16 rows of 64 bytes around 128 -> (64 / 4, 16 rows, 4), signed; in place */
static void transpose(uint8_t *bytes) {
    const __m512i lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    __m512i x[LANES];
    EACH(i, LANES) x[i] = _mm512_xor_si512(_mm512_load_si512(bytes + COLUMNS * i), _mm512_set1_epi8(-128));
    for (size_t size = 1; size < LANES; size *= 2) { /* swap two quarters of each square of twice the size */
        __mmask16 right = _mm512_test_epi32_mask(lane, _mm512_set1_epi32((int)size));
        __m512i upper = _mm512_mask_add_epi32(lane, right, lane, _mm512_set1_epi32(LANES - (int)size));
        __m512i lower = _mm512_add_epi32(upper, _mm512_set1_epi32((int)size));
        for (size_t i = 0; i < LANES; i++) {
            if (i & size) continue;
            __m512i above = x[i], below = x[i + size];
            x[i] = _mm512_permutex2var_epi32(above, upper, below);
            x[i + size] = _mm512_permutex2var_epi32(above, lower, below);
        }
    }
    EACH(i, LANES) _mm512_store_si512(bytes + COLUMNS * i, x[i]);
}

/* scores (keys, 32) of V * 16 queries (V, 64 / 4, 16, 4) with the keys (, 64 apart, d), 12 at a time; most: the highest
   of each query */
INLINE void score(const size_t d, const size_t V, const uint8_t *queries, const uint8_t *keys, size_t length,
                  int32_t *out, __m512i *most) {
    EACH(v, V) most[v] = _mm512_set1_epi32(INT32_MIN);
    for (size_t j = 0; j < length; j += DOZEN, keys += DOZEN * COLUMNS, out += DOZEN * BLOCK) {
        __m512i sum[DOZEN][2], q[2];
        EACH(r, DOZEN) EACH(v, V) sum[r][v] = _mm512_setzero_si512();
        EACH(i, d / 4) {
            EACH(v, V) q[v] = _mm512_load_si512(queries + v * LANES * COLUMNS + 64 * i);
            EACH(r, DOZEN) {
                __m512i k = _mm512_set1_epi32(*(const int32_t *)(keys + r * COLUMNS + 4 * i));
                EACH(v, V) DOT(sum[r][v], k, q[v]);
            }
        }
        EACH(r, DOZEN) EACH(v, V) {
            _mm512_store_si512(out + r * BLOCK + v * LANES, sum[r][v]);
            most[v] = _mm512_max_epi32(most[v], sum[r][v]);
        }
    }
}

/* 16 scores -> weights of at most WEIGHT, in 32 bits */
INLINE __m512i weigh(const int32_t *scores, __m512 scale, __m512 below) {
    __m512 x = _mm512_fmadd_ps(_mm512_cvtepi32_ps(_mm512_load_si512(scores)), scale, below);
    return _mm512_cvtps_epi32(power_of_two(x));
}

/* scores (keys, 16 of 32) -> weights that are not yet divided by their sums, of two keys beside each other:
   (keys / 2, 16 of 32, 2), in place; returns the sums */
INLINE __m512 softmax(int32_t *scores, size_t length, float factor, __m512i most) {
    __m512 scale = ALL(factor), below = _mm512_fnmadd_ps(_mm512_cvtepi32_ps(most), scale, ALL(WEIGHT_BITS));
    __m512i sum = _mm512_setzero_si512(), ones = _mm512_set1_epi16(1);
    for (size_t j = 0; j < length; j += 2) {
        __m512i one = weigh(scores + j * BLOCK, scale, below), other = _mm512_setzero_si512();
        if (j + 1 < length) other = weigh(scores + (j + 1) * BLOCK, scale, below);
        __m512i pair = _mm512_or_si512(one, _mm512_slli_epi32(other, 16));
        DOT16(sum, pair, ones);
        _mm512_store_si512(scores + j / 2 * BLOCK, pair);
    }
    return _mm512_cvtepi32_ps(sum);
}

/* Two rows of values beside each other: (length, 64) floats -> (length / 2, 64, 2), one without a neighbour twice
   (no weight meets the second); returns their step, which leaves room for the sum of `length` products in 32 bits. */
static float pair_up(const Target *values, size_t length, int16_t *out) {
    float most = length < 512 ? WEIGHT : WEIGHT * 512 / (float)length;
    float step = _mm512_reduce_max_ps(values->reach) / most, *x = values->floats;
    __m512 inverse = ALL(1.0f / step);
    for (size_t j = 0; j < length; j += 2)
        for (size_t c = 0; c < COLUMNS; c += LANES, out += 2 * LANES) {
            __m512i one = _mm512_cvtps_epi32(_mm512_mul_ps(load(x + j * COLUMNS + c), inverse)), other = one;
            if (j + 1 < length) other = _mm512_cvtps_epi32(_mm512_mul_ps(load(x + (j + 1) * COLUMNS + c), inverse));
            _mm512_storeu_si512(out, _mm512_mask_blend_epi16(0xAAAAAAAA, one, _mm512_slli_epi32(other, 16)));
        }
    return step;
}

/* bytes of the weighted means (8, 32) of values, as pair_up leaves them; `rows` of them are wanted */
INLINE void mix(const int32_t *weights, const int16_t *values, size_t length, const float *factors, Grid grid,
                size_t rows, uint8_t *out, size_t width) {
    __m512i sum[8][2];
    EACH(r, 8) sum[r][0] = sum[r][1] = _mm512_setzero_si512();
    for (size_t j = 0; j < length; j += 2, weights += BLOCK, values += 2 * COLUMNS) {
        __m512i v0 = _mm512_load_si512(values), v1 = _mm512_load_si512(values + 2 * LANES);
        EACH(r, 8) {
            __m512i weight = _mm512_set1_epi32(weights[r]);
            DOT16(sum[r][0], weight, v0);
            DOT16(sum[r][1], weight, v1);
        }
    }
    EACH(r, 8) {
        __m512 mean[4] = {[2] = _mm512_setzero_ps(), [3] = _mm512_setzero_ps()};
        EACH(c, 2) mean[c] = on(grid, _mm512_mul_ps(_mm512_cvtepi32_ps(sum[r][c]), ALL(factors[r])));
        if (r < rows) _mm256_storeu_si256((__m256i *)(out + r * width), _mm512_castsi512_si256(pack(mean)));
    }
}

typedef struct {
    Target query, key, value; /* floats (length, 64) */
    uint8_t *queries;         /* (length / 16, 64 / 4, 16, 4) */
    uint8_t *keys;            /* (length, 64) */
    int16_t *values;          /* (length / 2, 64, 2) */
    int32_t *scores;          /* (length, 32) */
    size_t length, d;
} Desk;

INLINE size_t padded_to(size_t n, size_t unit) { return (n + unit - 1) / unit * unit; }

INLINE uint8_t *take(uint8_t **room, size_t bytes) {
    uint8_t *start = *room;
    *room += padded_to(bytes, 64);
    return start;
}

/* Divide the room; returns where it ends. */
static uint8_t *lay_out(Desk *desk, size_t length, size_t d, uint8_t *room) {
    size_t padded = padded_to(length, LANES * DOZEN / 4), cells = padded * COLUMNS; /* of 12 keys and of 16 queries */
    desk->query = desk->key = desk->value = (Target){.width = COLUMNS};
    desk->query.floats = (float *)take(&room, 4 * cells);
    desk->key.floats = (float *)take(&room, 4 * cells);
    desk->value.floats = (float *)take(&room, 4 * cells);
    desk->queries = take(&room, cells);
    desk->keys = take(&room, cells);
    desk->values = (int16_t *)take(&room, 2 * cells);
    desk->scores = (int32_t *)take(&room, 4 * BLOCK * padded);
    desk->length = length, desk->d = d;
    return room;
}

/* V * 16 queries of a head, or what is left of them; factor: of scores; step: of values */
INLINE void attend_block(const size_t d, const size_t V, const Desk *desk, size_t head, size_t row, float factor,
                         float step, Grid grid, uint8_t *out, size_t width) {
    size_t length = desk->length, rows = length - row;
    float factors[BLOCK];
    __m512i most[2];
    score(d, V, desk->queries + row * COLUMNS + head * LANES, desk->keys + head, length, desk->scores, most);
    EACH(v, V) {
        __m512 sums = softmax(desk->scores + v * LANES, length, factor, most[v]);
        _mm512_storeu_ps(factors + v * LANES, _mm512_div_ps(ALL(step), sums));
    }
    for (size_t r = 0; r < V * LANES && r < rows; r += 8)
        for (size_t c = head; c < head + d; c += 2 * LANES)
            mix(desk->scores + r, desk->values + 2 * c, length, factors + r, grid, rows - r,
                out + (row + r) * width + c, width);
}

INLINE void attend(const size_t d, Desk *desk, Grid grid, uint8_t *out, size_t width) {
    size_t length = desk->length;
    /* Unsigned keys are 128 too large, which adds the same to all scores of a query: their weights do not change. */
    float factor = shrink(&desk->query, length, desk->queries) * shrink(&desk->key, length, desk->keys);
    factor *= 1.44269504f / square_root((float)d); /* powers of two instead of e */
    float step = pair_up(&desk->value, length, desk->values);
    for (size_t row = 0; row < length; row += LANES) transpose(desk->queries + row * COLUMNS);
    const uint8_t *last = desk->keys + (length - 1) * COLUMNS;
    for (size_t j = length; j % DOZEN; j++) /* what fills a dozen of keys up raises no maximum */
        _mm512_store_si512(desk->keys + j * COLUMNS, _mm512_load_si512(last));
    for (size_t head = 0; head < COLUMNS; head += d) {
        size_t row = 0;
        for (; row + LANES < length; row += BLOCK) attend_block(d, 2, desk, head, row, factor, step, grid, out, width);
        if (row < length) attend_block(d, 1, desk, head, row, factor, step, grid, out, width);
    }
}

/* One function for each width of a head, so that score's loops are unrolled. */
#define ATTEND(NAME, D) \
    static __attribute__((noinline)) void NAME(Desk *desk, Grid grid, uint8_t *out, size_t width) { \
        attend(D, desk, grid, out, width); \
    }
ATTEND(attend_32, 32)
ATTEND(attend_64, 64)

/* ---- the whole pass ---- */

static void embed(const Model *m, const int32_t *ids, size_t length, float *x) {
    size_t width = (size_t)m->hidden;
    for (size_t t = 0; t < length; t++)
        for (size_t i = 0; i < width; i += LANES) {
            size_t cell = (size_t)ids[t] * width + i;
            __m512i value;
            if (m->word_bits == 8) {
                value = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(m->words + cell)));
                value = _mm512_sub_epi32(value, _mm512_set1_epi32(128));
            } else {
                const __m512i even_and_odd = _mm512_set_epi32(0, 4, 0, 4, 0, 4, 0, 4, 0, 4, 0, 4, 0, 4, 0, 4);
                __m128i packed = _mm_loadl_epi64((const __m128i *)(m->words + cell / 2));
                value = _mm512_cvtepu8_epi32(_mm_unpacklo_epi8(packed, packed)); /* each byte twice */
                value = _mm512_srai_epi32(_mm512_slli_epi32(_mm512_sllv_epi32(value, even_and_odd), 24), 28);
            }
            __m512 step = ALL(m->word_steps[cell / 32]), place = load(m->positions + t * width + i);
            _mm512_storeu_ps(x + t * width + i, _mm512_fmadd_ps(_mm512_cvtepi32_ps(value), step, place));
        }
}

static void pool(const float *states, size_t length, size_t width, float *out) {
    __m512 squares = _mm512_setzero_ps();
    for (size_t i = 0; i < width; i += LANES) {
        __m512 sum = _mm512_setzero_ps();
        for (size_t t = 0; t < length; t++) sum = _mm512_add_ps(sum, load(states + t * width + i));
        _mm512_storeu_ps(out + i, sum);
        squares = _mm512_fmadd_ps(sum, sum, squares);
    }
    __m512 inverse = ALL(1.0f / square_root(_mm512_reduce_add_ps(squares) + 1e-24f));
    for (size_t i = 0; i < width; i += LANES) _mm512_storeu_ps(out + i, _mm512_mul_ps(load(out + i), inverse));
}

/* Bytes of working room, on a 64-byte boundary, that echolot_encode needs. */
size_t echolot_room(const Model *m, size_t batch, size_t length) {
    Desk desk;
    size_t rows = batch * length, width = (size_t)m->hidden;
    return (size_t)lay_out(&desk, length, 1, 0) + padded_to(rows * width, 64) * 2 + rows * (size_t)m->inner;
}

/* ids (batch, length) -> states (batch, length, hidden), the last layer's output, and vectors (batch, hidden) of
   norm 1. The caller vouches for ids below the rows of the word table and a length below those of the positions. */
void echolot_encode(const Model *m, const int32_t *ids, size_t batch, size_t length, float *states, float *vectors,
                    uint8_t *room) {
    size_t rows = batch * length, width = (size_t)m->hidden, inner = (size_t)m->inner;
    Desk desk;
    room = lay_out(&desk, length, width / (size_t)m->heads, room);
    uint8_t *bytes = take(&room, rows * width), *context = take(&room, rows * width), *activated = room;
    for (size_t b = 0; b < batch; b++) embed(m, ids + b * length, length, states + b * length * width);
    for (const Layer *layer = m->layer; layer < m->layer + m->layers; layer++) {
        const Grid *grids = layer->grids;
        normalise(states, rows, width, &layer->before, m->epsilon, bytes, grids[0]);
        for (size_t column = 0; column < width; column += COLUMNS)
            for (size_t b = 0; b < batch; b++) {
                const uint8_t *text = bytes + b * length * width;
                multiply_store(text, length, width, &layer->query, column, column + COLUMNS, &desk.query);
                multiply_store(text, length, width, &layer->key, column, column + COLUMNS, &desk.key);
                multiply_store(text, length, width, &layer->value, column, column + COLUMNS, &desk.value);
                (desk.d == 32 ? attend_32 : attend_64)(&desk, grids[1], context + b * length * width + column, width);
            }
        Target mixed = {.floats = states, .kept = layer->kept, .width = width};
        multiply_add(context, rows, width, &layer->mixed, 0, width, &mixed);
        normalise(states, rows, width, &layer->between, m->epsilon, bytes, grids[2]);
        Target wide = {.bytes = activated, .grid = grids[3], .width = inner};
        multiply_activate(bytes, rows, width, &layer->wide, 0, inner, &wide);
        Target narrow = {.floats = states, .kept = layer->kept_between, .width = width};
        multiply_add(activated, rows, inner, &layer->narrow, 0, width, &narrow);
    }
    normalise(states, rows, width, &m->last, m->epsilon, 0, (Grid){0, 0});
    for (size_t b = 0; b < batch; b++)
        pool(states + b * length * width, m->first_only ? 1 : length, width, vectors + b * width);
}
