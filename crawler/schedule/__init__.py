"""When a link is looked at, and what its checks add up to: plan, history, politeness, outage.

Pure: `now` is an argument, nothing is read, fetched or written.
"""
