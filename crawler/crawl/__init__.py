"""The use cases: run, check an edit, re-archive, import, rejudge, ask the Internet Archive.

Each is a call without a terminal. What a user types and sees is `cli` and `report`.
"""
