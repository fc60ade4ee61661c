"""The demonstration: a stand-in web, sample notes, and the real crawler run over them."""
