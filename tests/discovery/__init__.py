"""Sentences, suggestions, related pages, summaries, tags and answers."""
