"""Questions on thirty unrelated subjects: what this site and this model answer when nobody could expect an answer.

No threshold on a cosine fits every model, and none fits both a site on one subject and a site on hundred. So the index
learns from these how similar its best passage is to questions that it cannot answer. A site answers one or the other of
them; median and median deviation do not mind.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from searchd.errors import SnapshotError
from searchd.index.stores import Encoder, Floats
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


@dataclass(frozen=True, slots=True)
class Strangeness:
    """Similarity of the best passage to questions that have no answer here: median, and deviation (MAD as a sigma)."""

    median: float
    deviation: float


def strangeness(vectors: Floats, encoder: Encoder) -> dict[str, Strangeness]:
    """Measure a site, (passages, dim) float32: by the language asked in, and over all of them under ""."""
    if not len(vectors):
        return {}
    best = {lang: _best(vectors, encoder, questions) for lang, questions in QUESTIONS.items()}
    best[""] = np.concatenate(list(best.values()))
    return {lang: _robust(values) for lang, values in best.items()}


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


def _best(vectors: Floats, encoder: Encoder, questions: tuple[str, ...]) -> Floats:
    asked = np.stack([encoder.encode_query(question) for question in questions])
    best = np.full(len(asked), -1.0, np.float32)
    for start in range(0, len(vectors), 65_536):
        best = np.maximum(best, (asked @ vectors[start : start + 65_536].T).max(axis=1))
    return best


def _robust(values: Floats) -> Strangeness:
    median = float(np.median(values))
    return Strangeness(median, max(1e-3, 1.4826 * float(np.median(np.abs(values - median)))))
