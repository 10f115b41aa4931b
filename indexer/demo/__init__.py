"""The demo site: a fictional harbour town's pages, the server that hands them out, and judged questions about them.

``site/`` holds plain files, edited by hand: whoever adds a page also adds it to ``sitemap.xml`` and links to it
(``tests/demo`` says so when that was forgotten). ``questions.toml`` says which pages answer which questions.
"""
