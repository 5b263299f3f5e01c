"""How the API is reached over HTTP. Knows HTTP and no action."""
