"""Boards that join: the code they join with, the tokens they have from then on, what they say of themselves."""
