"""The actions that need no window: one module for each area of the API."""
