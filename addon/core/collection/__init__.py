"""Helpers that look into a collection, or try something on another one."""
