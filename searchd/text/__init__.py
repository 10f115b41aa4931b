"""Words: which language a text is in, which terms it holds, what a visitor's query means.

Pure functions and small value objects; nothing here reads a file or knows an index.
"""
