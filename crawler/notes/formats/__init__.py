"""One module for each format of notes: from its text to the links that are written in it."""
