"""Pages to articles: HTML and PDF, sections with anchors, metadata, language; and what a whole site repeats."""

from indexer.extract.boilerplate import Boilerplate, clean, learn_boilerplate
from indexer.extract.page import EXTRACTION_VERSION, extract, fingerprint

__all__ = ["EXTRACTION_VERSION", "Boilerplate", "clean", "extract", "fingerprint", "learn_boilerplate"]
