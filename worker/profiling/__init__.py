"""The one stopwatch of the house, the engines it times, and the files of what was made."""
