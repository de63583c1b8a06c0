"""Measures the tracker with many issues: lists, search, acts, and the migrations of this release.

Run `python -m bench.scale --issues 1000000`; see `bench/README.md`.
"""
