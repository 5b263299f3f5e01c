"""What the API does: a collection in, plain data out. Knows no Flask and no Qt."""

# Before any other module of Anki: they import each other in a circle that only opens here.
import anki.collection  # noqa: F401
