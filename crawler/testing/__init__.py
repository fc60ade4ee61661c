"""A web to test against: stand-in sites on loopback, sample notes, and the demonstration made of both.

For our own tests, for `crawler demo`, and for people who write site files. No part of a real run imports it.
"""
