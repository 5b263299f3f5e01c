"""Measures the API: `python -m tools.bench`, or `make bench`."""
