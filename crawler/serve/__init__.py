"""The viewer: a local web page over notes, links and kept pages (`crawler serve`, extra `serve`).

Addresses, pages and their safety live here; what is known and kept is asked of `archive`, and whatever is done is done
by `crawl`, as from every other shell. Nothing in this room opens a file whose name came over the network.
"""
