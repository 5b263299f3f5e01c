"""Bytes to WSGI: who listens, what a connection may send, how much memory that takes. Knows no Flask."""
