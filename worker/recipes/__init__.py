"""THE MENU: one file is one recipe, its name is its path."""
