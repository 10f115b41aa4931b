"""Pages to articles: HTML and PDF, sections with anchors, metadata, language."""

from indexer.extract.page import EXTRACTION_VERSION, extract, fingerprint

__all__ = ["EXTRACTION_VERSION", "extract", "fingerprint"]
