"""Nouns with a life, rights and pages of their own."""
