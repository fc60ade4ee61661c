"""The ground that every room stands on: nouns, errors, settings, URLs.

Nothing here knows of notes, pages, requests or the archive; only `config` reads files.
"""
