"""Makes ``language_model.npz`` of py3langid's model: ``python -m searchd.text.language_model`` (needs py3langid).

py3langid (BSD-3, see ``language_model.LICENSE``) knows 142 languages by 100,000 byte n-grams, 70 MB unpacked and 0.8 s
to load. A site search names one of 49 languages: the 60,000 n-grams that tell these apart best, each with 8 bits a
language, answer the same and load in 30 ms.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import numpy as np
import numpy.typing as npt

from searchd.text.language import MODEL_FILE, STEPS, pack

#: Languages that we are ready to name; the others only ever win by accident on short texts.
_LANGUAGES = [
    "ar", "bg", "bn", "ca", "cs", "da", "de", "el", "en", "es", "et", "fa", "fi", "fr", "he", "hi", "hr", "hu",
    "hy", "id", "is", "it", "ja", "ka", "ko", "lt", "lv", "mk", "ms", "nb", "nl", "nn", "no", "pl", "pt", "ro",
    "ru", "sk", "sl", "sq", "sr", "sv", "sw", "ta", "te", "th", "tr", "uk", "ur", "vi", "zh",
]  # fmt: skip
#: Variants that share readers and analyser.
_SAME = {"nb": "no", "nn": "no", "srl": "sr"}
_KEPT = 60_000


def main() -> None:
    """Write the model beside this file."""
    from py3langid.langid import MODEL_FILE as SOURCE
    from py3langid.modelio import load_model

    path = resources.files("py3langid") / SOURCE
    log_probabilities, priors, classes, moves, rows, features = load_model(path)
    table = np.frombuffer(moves, dtype=np.uint32).reshape(-1, 256)[np.frombuffer(rows, dtype=np.uint16)]
    names, scores, prior = _merged(np.asarray(log_probabilities, np.float32), np.asarray(priors), classes)
    kept = np.argsort(-_worth(scores), kind="stable")[:_KEPT]
    place = {int(feature): at for at, feature in enumerate(kept)}
    found = [(pack(gram), place[f]) for gram, f in _grams(table, features) if f in place]
    codes, places = (np.array(column) for column in zip(*sorted(found), strict=True))
    relative = scores[kept] - scores[kept].mean(axis=1, keepdims=True)
    steps = np.clip(np.rint(relative * STEPS), -127, 127).astype(np.int8)
    target = Path(str(resources.files("searchd.text"))) / MODEL_FILE
    np.savez_compressed(
        target, codes=codes.astype(np.uint64), steps=steps[places], prior=prior, languages=np.array(names)
    )


def _merged(
    scores: npt.NDArray[np.float32], priors: npt.NDArray[np.float32], classes: Sequence[str]
) -> tuple[list[str], npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Names, (features, languages) and priors of the languages that we name, their variants as one."""
    columns: dict[str, list[int]] = {}
    for column, name in enumerate(classes):
        if _SAME.get(name, name) in _LANGUAGES:
            columns.setdefault(_SAME.get(name, name), []).append(column)
    names = sorted(columns)
    merged = [np.log(np.exp(scores[:, columns[name]]).mean(axis=1)) for name in names]
    return names, np.stack(merged, axis=1), np.array([priors[columns[name]].max() for name in names], np.float32)


def _worth(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """How much an n-gram tells: its probability where it is most at home times how much more that is than usual."""
    worth: npt.NDArray[np.float32] = np.exp(scores.max(axis=1)) * (scores.max(axis=1) - np.median(scores, axis=1))
    return worth


def _grams(table: npt.NDArray[np.uint32], features: Sequence[int]) -> list[tuple[bytes, int]]:
    """(n-gram, feature) of each state: the shortest way to a state of the automaton spells its n-gram."""
    spelt: dict[int, bytes] = {0: b""}
    queue = [0]
    while queue:
        following = []
        for state in queue:
            for byte, target in enumerate(table[state].tolist()):
                if target not in spelt:
                    spelt[target] = spelt[state] + bytes([byte])
                    following.append(target)
        queue = following
    return [(gram, features[state]) for state, gram in spelt.items() if features[state] >= 0]


if __name__ == "__main__":
    main()
