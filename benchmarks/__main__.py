"""``python -m benchmarks`` lists what can be measured; ``python -m benchmarks NAME ...`` measures it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

MEASURES = {
    "encoder": "tokens per CPU second, query latency and fidelity of each precision, beside torch and fastembed",
    "extraction": "precision, recall and F1 of the article extractor on labelled pages",
    "crawl": "responses per CPU second, memory, and the cost of a second run",
    "quality": "nDCG@10, recall, MRR per leg and fused on judged sets (BEIR folders) or a running daemon",
    "robustness": "what slips of the keyboard cost, and whether questions without an answer are known as such",
    "latency": "CPU and wall milliseconds of a query per stage, from 1k to 1M passages",
    "load": "throughput and latency of the daemon under concurrent clients",
    "discovery": "quality and cost of suggestions, similar pages and answers",
    "summaries": "summaries of an indexed site beside its authors' descriptions",
    "page": "layout shift, long tasks and waiting times of the widget and the search page in Chromium",
    "endurance": "indexer runs killed at random moments, snapshots swapped under continuous queries",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one measurement and return its exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in {"-h", "--help"}:
        print("usage: python -m benchmarks NAME [options]   (NAME --help shows its options)\n")
        print("\n".join(f"  {name:<11} {line}" for name, line in MEASURES.items()))
        return 0
    name, *rest = arguments
    if name not in MEASURES:
        print(f"no measurement is called {name!r}; there are: {', '.join(MEASURES)}", file=sys.stderr)
        return 2
    status: int = importlib.import_module(f"benchmarks.{name}").main(rest)
    return status


if __name__ == "__main__":
    sys.exit(main())
