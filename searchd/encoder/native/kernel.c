/* BERT's forward pass with 8-bit linear layers, for x86-64 processors with AVX-512 VNNI; one thread, no allocation.

   It computes what the ONNX graph beside it computes (searchd/encoder/int8.py) from the same bytes, with one
   difference: the attention multiplies integers too (queries and keys of 8 bits, weights and values of 12), and
   functions are polynomials. Rows of a batch have equal lengths, and nothing of one text reaches another.

   Products keep a tile of the result in registers: 6 rows of 4 registers, or 12 rows of 2. One step of vpdpbusd
   multiplies 4 unsigned by 4 signed bytes per lane and adds them to 32 bits, so nothing saturates. It is written as
   assembly because compilers copy and spill the accumulators of its intrinsic. */

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define EACH(i, n) _Pragma("clang loop unroll(full)") for (size_t i = 0; i < (n); i++)
#else
#define EACH(i, n) _Pragma("GCC unroll 12") for (size_t i = 0; i < (n); i++)
#endif
#define DOT(sum, bytes, signed_bytes) __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(bytes), "v"(signed_bytes))
#define DOT16(sum, one, other) __asm__("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(one), "v"(other))
#define ALL(x) _mm512_set1_ps(x)
#define WEIGHT 2047.0f /* largest weight and value in 16 bits: the sum of 512 products fits 32 */

enum { COLUMNS = 64, LANES = 16, TALL = 12, AHEAD = 4096 };

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

INLINE void quantise(__m512 x, Grid grid, uint8_t *out) {
    __m512i n = _mm512_cvtps_epi32(_mm512_fmadd_ps(x, ALL(grid.inverse), ALL(grid.zero)));
    _mm_storeu_si128((__m128i *)out, _mm512_cvtusepi32_epi8(_mm512_max_epi32(n, _mm512_setzero_si512())));
}

/* max(x, 0) plus an even function, as a polynomial of |x| with an error of 2e-4: a sixtieth of a byte's step */
INLINE __m512 gelu(__m512 x) {
    __m512 a = _mm512_min_ps(_mm512_abs_ps(x), ALL(4.0f));
    __m512 p = ALL(6.380526658e-04f);
    p = _mm512_fmadd_ps(p, a, ALL(-9.845857964e-03f));
    p = _mm512_fmadd_ps(p, a, ALL(5.708372179e-02f));
    p = _mm512_fmadd_ps(p, a, ALL(-1.383788127e-01f));
    p = _mm512_fmadd_ps(p, a, ALL(3.992597305e-02f));
    p = _mm512_fmadd_ps(p, a, ALL(3.936063768e-01f));
    p = _mm512_fmadd_ps(p, a, ALL(-5.017667219e-01f));
    p = _mm512_fmadd_ps(p, a, ALL(1.953299692e-04f));
    return _mm512_add_ps(_mm512_max_ps(x, _mm512_setzero_ps()), p);
}

/* 2 to the power of x, with a relative error of 8e-5 */
INLINE __m512 power_of_two(__m512 x) {
    __m512 whole = _mm512_roundscale_ps(x, 0), f = _mm512_sub_ps(x, whole);
    __m512 p = ALL(5.517154555e-02f);
    p = _mm512_fmadd_ps(p, f, ALL(2.426111127e-01f));
    p = _mm512_fmadd_ps(p, f, ALL(6.932610083e-01f));
    p = _mm512_fmadd_ps(p, f, ALL(9.999280747e-01f));
    return _mm512_scalef_ps(p, whole);
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
} Target;

INLINE void finish(__m512i sum, const Product *p, size_t column, int mode, size_t row, size_t place, const Target *to) {
    __m512 x = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), load(p->steps + column), load(p->rest + column));
    size_t at = row * to->width + place;
    if (mode == ACTIVATED) {
        quantise(gelu(x), to->grid, to->bytes + at);
        return;
    }
    if (mode == ADDED) x = _mm512_fmadd_ps(load(to->floats + at), load(to->kept + place), x);
    _mm512_storeu_ps(to->floats + at, x);
}

/* R rows of 64 columns; place: the column of the target that the product's `column` goes to; first: of the rows, which
   lets the weights come from memory in time */
INLINE void tile(const size_t R, const int first, const uint8_t *a, size_t in, const Product *p, size_t column,
                 int mode, size_t row, size_t place, const Target *to) {
    __m512i sum[6][4];
    const int8_t *w = p->values + column * in;
    EACH(r, R) EACH(c, 4) sum[r][c] = _mm512_setzero_si512();
    a += row * in;
    for (size_t k = 0; k < in; k += 4, w += 4 * COLUMNS) {
        __m512i w0 = _mm512_load_si512(w), w1 = _mm512_load_si512(w + 64);
        __m512i w2 = _mm512_load_si512(w + 128), w3 = _mm512_load_si512(w + 192);
        if (first) EACH(c, 4) _mm_prefetch((const char *)w + AHEAD + 64 * c, _MM_HINT_T0);
        EACH(r, R) {
            __m512i x = _mm512_set1_epi32(*(const int32_t *)(a + r * in + k));
            DOT(sum[r][0], x, w0);
            DOT(sum[r][1], x, w1);
            DOT(sum[r][2], x, w2);
            DOT(sum[r][3], x, w3);
        }
    }
    EACH(c, 4) EACH(r, R) finish(sum[r][c], p, column + LANES * c, mode, row + r, place + LANES * c, to);
}

/* columns from .. until of the product; they go to the target's first ones */
INLINE void multiply(const uint8_t *a, size_t rows, size_t in, const Product *p, size_t from, size_t until, int mode,
                     const Target *to) {
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
                                               size_t from, size_t until, const Target *to) { \
        multiply(a, rows, in, p, from, until, MODE, to); \
    }
MULTIPLY(multiply_store, STORED)
MULTIPLY(multiply_add, ADDED)
MULTIPLY(multiply_activate, ACTIVATED)

/* Layer normalisation of rows in place; their bytes go to `bytes` unless it is 0. */
static void normalise(float *x, size_t rows, size_t width, const Norm *norm, float epsilon, uint8_t *bytes, Grid grid) {
    for (size_t row = 0; row < rows; row++, x += width) {
        __m512 sum = _mm512_setzero_ps(), squares = _mm512_setzero_ps();
        for (size_t i = 0; i < width; i += LANES) sum = _mm512_add_ps(sum, load(x + i));
        __m512 mean = ALL(_mm512_reduce_add_ps(sum) / (float)width);
        for (size_t i = 0; i < width; i += LANES) {
            __m512 off = _mm512_sub_ps(load(x + i), mean);
            squares = _mm512_fmadd_ps(off, off, squares);
        }
        __m512 inverse = ALL(1.0f / square_root(_mm512_reduce_add_ps(squares) / (float)width + epsilon));
        for (size_t i = 0; i < width; i += LANES) {
            __m512 even = _mm512_mul_ps(_mm512_sub_ps(load(x + i), mean), inverse);
            __m512 y = _mm512_fmadd_ps(even, load(norm->gain + i), load(norm->base + i));
            _mm512_storeu_ps(x + i, y);
            if (bytes) quantise(y, grid, bytes + row * width + i);
        }
    }
}

/* ---- attention: 64 columns at a time, which are 64 / d heads, of one text ---- */

/* The largest absolute value. n: multiple of 16 */
static float reach(const float *x, size_t n) {
    __m512 most = ALL(1e-20f);
    for (size_t i = 0; i < n; i += LANES) most = _mm512_max_ps(most, _mm512_abs_ps(load(x + i)));
    return _mm512_reduce_max_ps(most);
}

/* Floats -> bytes of at most 127 on either side of `zero`; returns their step. n: multiple of 16 */
static float shrink(const float *x, size_t n, int zero, uint8_t *out) {
    float step = reach(x, n) / 127.0f;
    __m512 inverse = ALL(1.0f / step);
    for (size_t i = 0; i < n; i += LANES) {
        __m512i value = _mm512_cvtps_epi32(_mm512_mul_ps(load(x + i), inverse));
        _mm_storeu_si128((__m128i *)(out + i), _mm512_cvtepi32_epi8(_mm512_add_epi32(value, _mm512_set1_epi32(zero))));
    }
    return step;
}

/* scores (R, padded) of queries (R, 64 apart, d) with keys (d / 4, padded, 4) */
INLINE void score(const size_t R, const int8_t *queries, const uint8_t *keys, size_t padded, size_t d, int32_t *out) {
    for (size_t j = 0; j < padded; j += 2 * LANES) {
        __m512i sum[TALL][2];
        EACH(r, R) sum[r][0] = sum[r][1] = _mm512_setzero_si512();
        for (size_t i = 0; i < d; i += 4) {
            const uint8_t *k = keys + i * padded + 4 * j;
            __m512i k0 = _mm512_loadu_si512(k), k1 = _mm512_loadu_si512(k + 64);
            EACH(r, R) {
                __m512i q = _mm512_set1_epi32(*(const int32_t *)(queries + r * COLUMNS + i));
                DOT(sum[r][0], k0, q);
                DOT(sum[r][1], k1, q);
            }
        }
        EACH(r, R) {
            _mm512_storeu_si512(out + r * padded + j, sum[r][0]);
            _mm512_storeu_si512(out + r * padded + j + LANES, sum[r][1]);
        }
    }
}

/* 16 scores -> weights of at most WEIGHT, in 32 bits */
INLINE __m512i weigh(__m512i scores, __m512 scale, __m512 below) {
    __m512 x = _mm512_fmadd_ps(_mm512_cvtepi32_ps(scores), scale, below);
    return _mm512_cvtps_epi32(_mm512_mul_ps(power_of_two(x), ALL(WEIGHT)));
}

/* scores of one query -> weights that are not yet divided by their sum, zeros behind them; returns the sum's inverse */
INLINE float softmax(const int32_t *scores, size_t length, float factor, int16_t *weights) {
    size_t whole = length & ~(size_t)(LANES - 1);
    __mmask16 rest = (__mmask16)((1u << (length - whole)) - 1);
    __m512i most = _mm512_set1_epi32(INT32_MIN), sum = _mm512_setzero_si512();
    for (size_t j = 0; j < whole; j += LANES) most = _mm512_max_epi32(most, _mm512_loadu_si512(scores + j));
    most = _mm512_mask_max_epi32(most, rest, most, _mm512_maskz_loadu_epi32(rest, scores + whole));
    __m512 scale = ALL(factor), below = ALL(-(float)_mm512_reduce_max_epi32(most) * factor);
    for (size_t j = 0; j < whole; j += LANES) {
        __m512i weight = weigh(_mm512_loadu_si512(scores + j), scale, below);
        sum = _mm512_add_epi32(sum, weight);
        _mm256_storeu_si256((__m256i *)(weights + j), _mm512_cvtepi32_epi16(weight));
    }
    if (rest) {
        __m512i weight = weigh(_mm512_maskz_loadu_epi32(rest, scores + whole), scale, below);
        weight = _mm512_maskz_mov_epi32(rest, weight);
        sum = _mm512_add_epi32(sum, weight);
        _mm256_storeu_si256((__m256i *)(weights + whole), _mm512_cvtepi32_epi16(weight));
    }
    return 1.0f / (float)_mm512_reduce_add_epi32(sum);
}

/* Two rows of values beside each other: (length, 64) floats -> (length / 2, 64, 2), one without a neighbour twice
   (no weight meets the second); returns their step, which leaves room for the sum of `length` products in 32 bits. */
static float pair_up(const float *x, size_t length, int16_t *out) {
    float most = length < 512 ? WEIGHT : WEIGHT * 512 / (float)length, step = reach(x, length * COLUMNS) / most;
    __m512 inverse = ALL(1.0f / step);
    for (size_t j = 0; j < length; j += 2)
        for (size_t c = 0; c < COLUMNS; c += LANES, out += 2 * LANES) {
            __m512i one = _mm512_cvtps_epi32(_mm512_mul_ps(load(x + j * COLUMNS + c), inverse)), other = one;
            if (j + 1 < length) other = _mm512_cvtps_epi32(_mm512_mul_ps(load(x + (j + 1) * COLUMNS + c), inverse));
            _mm512_storeu_si512(out, _mm512_mask_blend_epi16(0xAAAAAAAA, one, _mm512_slli_epi32(other, 16)));
        }
    return step;
}

/* bytes of the weighted means (R, 32) of values, as pair_up leaves them */
INLINE void mix(const size_t R, const int16_t *weights, size_t padded, const int16_t *values, size_t length,
                const float *factors, Grid grid, uint8_t *out, size_t width) {
    __m512i sum[TALL][2];
    EACH(r, R) sum[r][0] = sum[r][1] = _mm512_setzero_si512();
    for (size_t j = 0; j < length; j += 2, values += 2 * COLUMNS) {
        __m512i v0 = _mm512_loadu_si512(values), v1 = _mm512_loadu_si512(values + 2 * LANES);
        EACH(r, R) {
            __m512i weight = _mm512_set1_epi32(*(const int32_t *)(weights + r * padded + j));
            DOT16(sum[r][0], weight, v0);
            DOT16(sum[r][1], weight, v1);
        }
    }
    EACH(r, R) EACH(c, 2) {
        __m512 mean = _mm512_mul_ps(_mm512_cvtepi32_ps(sum[r][c]), ALL(factors[r]));
        quantise(mean, grid, out + r * width + LANES * c);
    }
}

typedef struct {
    float *query, *key, *value; /* (length, 64) */
    uint8_t *key_bytes, *keys;  /* (padded, 64) and, of one head, (d / 4, padded, 4) */
    int8_t *query_bytes;        /* (length, 64) */
    int32_t *scores;            /* (12, padded) */
    int16_t *weights;           /* (12, padded) */
    int16_t *values;            /* (padded / 2, 64, 2) */
    size_t length, padded, d;
} Desk;

INLINE size_t padded_to(size_t n, size_t unit) { return (n + unit - 1) / unit * unit; }

INLINE uint8_t *take(uint8_t **room, size_t bytes) {
    uint8_t *start = *room;
    *room += padded_to(bytes, 64);
    return start;
}

/* Divide the room; returns where it ends. */
static uint8_t *lay_out(Desk *desk, size_t length, size_t d, uint8_t *room) {
    size_t padded = padded_to(length, 2 * LANES), cells = padded * COLUMNS;
    desk->query = (float *)take(&room, 4 * cells);
    desk->key = (float *)take(&room, 4 * cells);
    desk->value = (float *)take(&room, 4 * cells);
    desk->key_bytes = take(&room, cells);
    desk->keys = take(&room, cells);
    desk->query_bytes = (int8_t *)take(&room, cells);
    desk->scores = (int32_t *)take(&room, 4 * TALL * padded);
    desk->weights = (int16_t *)take(&room, 2 * TALL * padded);
    desk->values = (int16_t *)take(&room, 2 * cells);
    desk->length = length, desk->padded = padded, desk->d = d;
    return room;
}

INLINE void attend_rows(const size_t R, const Desk *desk, size_t head, size_t row, float factor, float step, Grid grid,
                        uint8_t *out, size_t width) {
    float factors[TALL];
    size_t padded = desk->padded;
    score(R, desk->query_bytes + row * COLUMNS + head, desk->keys, padded, desk->d, desk->scores);
    for (size_t r = 0; r < R; r++)
        factors[r] = step * softmax(desk->scores + r * padded, desk->length, factor, desk->weights + r * padded);
    for (size_t c = 0; c < desk->d; c += 2 * LANES)
        mix(R, desk->weights, padded, desk->values + 2 * (head + c), desk->length, factors, grid,
            out + row * width + head + c, width);
}

static void attend(const Desk *desk, Grid grid, uint8_t *out, size_t width) {
    size_t length = desk->length, padded = desk->padded, d = desk->d;
    /* Unsigned keys are 128 too large, which adds the same to all scores of a query: their weights do not change. */
    float factor = shrink(desk->query, length * COLUMNS, 0, (uint8_t *)desk->query_bytes);
    factor *= shrink(desk->key, length * COLUMNS, 128, desk->key_bytes);
    factor *= 1.44269504f / square_root((float)d); /* powers of two instead of e */
    float step = pair_up(desk->value, length, desk->values);
    const __m512i apart = _mm512_set_epi32(240, 224, 208, 192, 176, 160, 144, 128, 112, 96, 80, 64, 48, 32, 16, 0);
    for (size_t head = 0; head < COLUMNS; head += d) {
        for (size_t j = 0; j < padded; j += LANES)
            for (size_t i = 0; i < d; i += 4) {
                __m512i four = _mm512_i32gather_epi32(apart, desk->key_bytes + j * COLUMNS + head + i, 4);
                _mm512_storeu_si512(desk->keys + i * padded + 4 * j, four);
            }
        size_t row = 0;
        for (; row + 12 <= length; row += 12) attend_rows(12, desk, head, row, factor, step, grid, out, width);
        for (; row + 4 <= length; row += 4) attend_rows(4, desk, head, row, factor, step, grid, out, width);
        for (; row < length; row++) attend_rows(1, desk, head, row, factor, step, grid, out, width);
    }
}

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
                Target query = {.floats = desk.query, .width = COLUMNS}, key = query, value = query;
                key.floats = desk.key, value.floats = desk.value;
                multiply_store(text, length, width, &layer->query, column, column + COLUMNS, &query);
                multiply_store(text, length, width, &layer->key, column, column + COLUMNS, &key);
                multiply_store(text, length, width, &layer->value, column, column + COLUMNS, &value);
                attend(&desk, grids[1], context + b * length * width + column, width);
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
