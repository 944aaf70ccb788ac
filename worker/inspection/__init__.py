"""The inspection of uploaded files: what they are, whether they hold what they say, written again as files of the house."""
