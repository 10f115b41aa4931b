/* Loops over inverted lists that NumPy takes several passes for; the same arithmetic in the same order, so the same
   scores to the last bit (compiled with -ffp-contract=off; searchd/index/lexical_postings.py has the other way).

   A list is a span of two arrays: documents, ascending, and what the term says of each, in 16 bits. A word is one list or
   several, of which the greatest value counts. */

#include <float.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { BLOCK = 8192, STRIDE = 32 }; /* sums that stay in the cache while all lists are added; compared at once */

typedef struct {
    int64_t low, high;
    double factor;
} List;

typedef struct {
    const int32_t *docs;
    const uint16_t *saturations;
    const List *lists;
    const int64_t *counts; /* lists of each word */
    size_t words;
} Query;

typedef struct {
    float score;
    int32_t doc;
} Found;

static inline int is_worse(Found a, Found b) { return a.score < b.score || (a.score == b.score && a.doc > b.doc); }

/* Put `moved` where `at` was, in a heap of n whose worst is on top. */
static void sift_down(Found *heap, size_t n, size_t at, Found moved) {
    for (size_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && is_worse(heap[child + 1], heap[child])) child++;
        if (!is_worse(heap[child], moved)) break;
        heap[at] = heap[child];
    }
    heap[at] = moved;
}

static void sift_up(Found *heap, size_t at, Found moved) {
    for (; at && is_worse(moved, heap[(at - 1) / 2]); at = (at - 1) / 2) heap[at] = heap[(at - 1) / 2];
    heap[at] = moved;
}

static inline float value(const Query *query, const List *list, int64_t at) {
    return (float)query->saturations[at] * (float)list->factor;
}

/* The first place from `low` on whose document is `doc` or later (exponential search). */
static int64_t first_from(const int32_t *docs, int64_t low, int64_t end, int64_t doc) {
    int64_t high = low;
    for (int64_t step = 1; high < end && docs[high] < doc; step *= 2) {
        low = high + 1;
        high += step;
    }
    if (high > end) high = end;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (docs[middle] < doc) low = middle + 1;
        else high = middle;
    }
    return low;
}

/* Add a word's values for documents from `start` to `end`; `at`: how far its lists have been read. What a damaged file
   calls a document is nowhere else written to. */
static void add(const Query *query, const List *lists, int64_t count, int64_t *at, int32_t start, int32_t end,
                float *sums) {
    const int32_t *docs = query->docs;
    if (count == 1) {
        int64_t i = at[0], stop = first_from(docs, i, lists->high, end);
        for (; i < stop; i++) {
            uint32_t place = (uint32_t)docs[i] - (uint32_t)start;
            if (place < BLOCK) sums[place] += value(query, lists, i);
        }
        at[0] = stop;
        return;
    }
    for (;;) {
        int32_t next = end;
        for (int64_t j = 0; j < count; j++)
            if (at[j] < lists[j].high && docs[at[j]] < next) next = docs[at[j]];
        if (next == end) return;
        float most = 0;
        for (int64_t j = 0; j < count; j++) {
            if (at[j] >= lists[j].high || docs[at[j]] != next) continue;
            float one = value(query, lists + j, at[j]++);
            if (one > most) most = one;
        }
        if (next >= start) sums[next - start] += most;
    }
}

/* The k best of `documents`, best first, ties by number; returns how many there are. Document at a time within blocks.

   allowed: a byte for each document, or NULL. least: of a score that is looked at; 0 never is. k: 1 at least. room: for
   k Found, as many int64_t as there are lists, and BLOCK floats, in this order. */
int64_t echolot_best(const int32_t *all_docs, const uint16_t *saturations, const List *all_lists, const int64_t *counts,
                     size_t words, size_t documents, size_t k, const uint8_t *allowed, float least, char *room,
                     int64_t *docs, float *scores) {
    const Query whole = {all_docs, saturations, all_lists, counts, words}, *query = &whole;
    Found *heap = (Found *)room;
    int64_t *at = (int64_t *)(heap + k);
    size_t filled = 0, lists = 0;
    for (size_t word = 0; word < query->words; word++)
        for (int64_t j = 0; j < query->counts[word]; j++, lists++) at[lists] = query->lists[lists].low;
    float *sums = (float *)(at + lists);
    for (size_t start = 0; start < documents; start += BLOCK) {
        size_t width = documents - start < BLOCK ? documents - start : BLOCK;
        memset(sums, 0, BLOCK * sizeof *sums);
        for (size_t word = 0, list = 0; word < query->words; list += query->counts[word++])
            add(query, query->lists + list, query->counts[word], at + list, start, start + width, sums);
        float bar = filled == k ? heap[0].score : least > 0 ? least : FLT_TRUE_MIN;
        for (size_t from = 0; from < width; from += STRIDE) {
            int any = 0;
            for (size_t i = 0; i < STRIDE; i++) any |= sums[from + i] >= bar;
            for (size_t i = from; any && i < from + STRIDE; i++) {
                Found one = {sums[i], (int32_t)(start + i)};
                if (one.score < bar || (allowed && !allowed[start + i])) continue;
                if (filled < k) sift_up(heap, filled++, one);
                else if (one.score > heap[0].score) sift_down(heap, k, 0, one);
                if (filled == k) bar = heap[0].score;
            }
        }
    }
    for (size_t left = filled; left-- > 0;) {
        docs[left] = heap[0].doc, scores[left] = heap[0].score;
        sift_down(heap, left, 0, heap[left]);
    }
    return (int64_t)filled;
}

/* Scores of n documents, found or not, and the sum of what their words are worth; quickest when they ascend.

   worth: of each word. row: room for n floats. scores, coverage: (n), zero before. */
void echolot_scores(const int32_t *all_docs, const uint16_t *saturations, const List *all_lists, const int64_t *counts,
                    size_t words, const int64_t *wanted, size_t n, const float *worth, float *row, float *scores,
                    float *coverage) {
    const Query whole = {all_docs, saturations, all_lists, counts, words}, *query = &whole;
    const List *list = query->lists;
    for (size_t word = 0; word < query->words; word++) {
        memset(row, 0, n * sizeof *row);
        for (int64_t j = 0; j < query->counts[word]; j++, list++) {
            int64_t low = list->low;
            for (size_t i = 0; i < n; i++) {
                if (i && wanted[i] < wanted[i - 1]) low = list->low;
                low = first_from(query->docs, low, list->high, wanted[i]);
                if (low == list->high || query->docs[low] != wanted[i]) continue;
                float one = value(query, list, low);
                if (one > row[i]) row[i] = one;
            }
        }
        for (size_t i = 0; i < n; i++) {
            scores[i] += row[i];
            if (row[i] > 0) coverage[i] += worth[word];
        }
    }
}
