"""Benchmarks: each prints its figures, none judges; `python -m benchmarks.NAME --help` says how."""
