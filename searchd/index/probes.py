"""Questions on thirty unrelated subjects: what this site and this model answer when nobody could expect an answer.

No threshold on a cosine fits every model, and none fits both a site on one subject and a site on hundred. So the index
learns from these how similar its best passage is to questions that it cannot answer. A site answers one or the other of
them; median and median deviation do not mind.

Some questions are more similar than others to whatever is asked: short ones, technical ones, those in another language
than the pages. Part of what a question has with passages picked at random is therefore taken off first (``excess``).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from searchd.errors import SnapshotError
from searchd.index.stores import Encoder, Floats, Ints
from searchd.text.language import primary

QUESTIONS: dict[str, tuple[str, ...]] = {
    "en": (
        "How long should I boil an egg?",
        "Which planet has the most moons?",
        "Who won the world cup final in 1974?",
        "How do I change the oil of a motorcycle?",
        "What is the capital of Mongolia?",
        "Symptoms of a broken wrist",
        "How do bees make honey?",
        "best exercises against back pain",
        "What does the violin concerto in D major sound like?",
        "How is the interest on a mortgage calculated?",
        "Can I appeal against a parking ticket?",
        "When were the pyramids built?",
        "how to repot an orchid",
        "What is the difference between a crocodile and an alligator?",
        "Why is the sky blue?",
        "train a puppy to sit",
        "Which wine goes with grilled fish?",
        "How do I sort a list in a spreadsheet?",
        "Who painted the ceiling of the chapel?",
        "flights with a stopover in Singapore",
        "How do vaccines train the immune system?",
        "What is the boiling point of mercury?",
        "knit a scarf for beginners",
        "When does the opera season begin?",
        "How many players are in a volleyball team?",
        "Which tax form do freelancers need?",
        "repair a leaking tap",
        "What did the emperor decree after the war?",
        "How do I reset the password of my phone?",
        "What do hedgehogs eat in winter?",
    ),
    "de": (
        "Wie lange muss ein Ei kochen?",
        "Welcher Planet hat die meisten Monde?",
        "Wer gewann 1974 das Endspiel der Weltmeisterschaft?",
        "Wie wechsle ich das Öl beim Motorrad?",
        "Was ist die Hauptstadt der Mongolei?",
        "Anzeichen für ein gebrochenes Handgelenk",
        "Wie machen Bienen Honig?",
        "die besten Übungen gegen Rückenschmerzen",
        "Wie klingt das Violinkonzert in D-Dur?",
        "Wie werden die Zinsen einer Hypothek berechnet?",
        "Kann ich gegen einen Strafzettel Einspruch einlegen?",
        "Wann wurden die Pyramiden gebaut?",
        "Orchidee umtopfen",
        "Was unterscheidet Krokodil und Alligator?",
        "Warum ist der Himmel blau?",
        "einem Welpen Sitz beibringen",
        "Welcher Wein passt zu gegrilltem Fisch?",
        "Wie sortiere ich eine Liste in der Tabelle?",
        "Wer malte die Decke der Kapelle?",
        "Flüge mit Zwischenstopp in Singapur",
        "Wie lernt das Immunsystem durch eine Impfung?",
        "Bei wie viel Grad siedet Quecksilber?",
        "Schal stricken für Anfänger",
        "Wann beginnt die Saison der Oper?",
        "Wie viele Spieler hat eine Volleyballmannschaft?",
        "Welches Steuerformular brauchen Freiberufler?",
        "tropfenden Wasserhahn reparieren",
        "Was verfügte der Kaiser nach dem Krieg?",
        "Wie setze ich das Passwort meines Telefons zurück?",
        "Was fressen Igel im Winter?",
    ),
}


SAMPLE = 512
_COMMON = 0.6  # of a question's similarity to any passage; 0 and 1 each fail on one kind of site


def sample(rows: int) -> Ints:
    """Numbers of at most ``SAMPLE`` passages, spread evenly over the site, that stand for any passage of it."""
    return np.unique(np.linspace(0, max(0, rows - 1), SAMPLE).astype(np.int64))[:rows]


def excess(best: Floats, background: Floats | float) -> Floats:
    """What the best passages' similarities say of relevance, given the question's mean similarity to any passage."""
    return np.asarray(best - np.float32(_COMMON) * background, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Strangeness:
    """Excess of the best passage for questions that have no answer here: median, and deviation (MAD as a sigma)."""

    median: float
    deviation: float


def strangeness(vectors: Floats, encoder: Encoder) -> dict[str, Strangeness]:
    """Measure a site, (passages, dim) float32: by the language asked in, and over all of them under ""."""
    if not len(vectors):
        return {}
    found = {lang: _excess(vectors, encoder, questions) for lang, questions in QUESTIONS.items()}
    found[""] = np.concatenate(list(found.values()))
    return {lang: _robust(values) for lang, values in found.items()}


def write(path: Path, found: dict[str, Strangeness]) -> None:
    """Keep the measure beside the vectors that it was made from."""
    text = json.dumps({lang: asdict(one) for lang, one in found.items()}, indent=1, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8")


def read(path: Path) -> dict[str, Strangeness]:
    """Read what ``write`` wrote; SnapshotError when it is damaged."""
    try:
        return {lang: Strangeness(**one) for lang, one in json.loads(path.read_text(encoding="utf-8")).items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise SnapshotError(f"{path} is damaged", "build it again: indexer build") from error


def of_language(found: dict[str, Strangeness], lang: str) -> Strangeness:
    """The measure for a question in this language."""
    return found.get(primary(lang)) or found.get("") or Strangeness(0.0, 1.0)


def _excess(vectors: Floats, encoder: Encoder, questions: tuple[str, ...]) -> Floats:
    asked = np.stack([encoder.encode_query(question) for question in questions])
    best = np.full(len(asked), -1.0, np.float32)
    for start in range(0, len(vectors), 65_536):
        best = np.maximum(best, (asked @ vectors[start : start + 65_536].T).max(axis=1))
    return excess(best, (asked @ vectors[sample(len(vectors))].T).mean(axis=1))


def _robust(values: Floats) -> Strangeness:
    median = float(np.median(values))
    return Strangeness(median, max(1e-3, 1.4826 * float(np.median(np.abs(values - median)))))
