"""Syncing with AnkiWeb or a sync server of one's own."""
