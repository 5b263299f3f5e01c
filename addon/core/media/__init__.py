"""Media files: their names, where they come from, how notes refer to them."""
