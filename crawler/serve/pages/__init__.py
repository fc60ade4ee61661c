"""The viewer's pages, one module for each kind: a visit in, an answer out."""
