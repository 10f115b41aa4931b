"""Names of the files in a snapshot folder; builder and reader share them."""

VECTORS = "vectors.faiss"  # one vector per passage
LEADS = "leads.faiss"  # one vector per page: title and opening
LEXICAL = "lexical"
PAGES = "pages.sqlite"
CALIBRATION = "calibration.json"
SUGGESTIONS = "suggest.npz"  # titles and headings, for completion while typing
