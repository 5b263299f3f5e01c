"""Actions that drive Anki's windows. They import aqt when they run: servers without it know them, too."""
