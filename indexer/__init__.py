"""The indexer of Echolot: crawl, extract, split, embed, publish."""
