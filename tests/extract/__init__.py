"""Extraction: pages and PDFs to articles, articles to passages."""
