"""Tests of ranking, from evidence to excerpts."""
