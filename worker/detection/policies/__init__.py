"""Who decides which detector runs next."""
