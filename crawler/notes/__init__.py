"""From files of notes to links, and back to the notes when a link is mended.

No request is sent and no page is read here.
"""
