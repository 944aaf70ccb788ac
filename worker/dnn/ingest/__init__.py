"""Networks from outside: weights of other people's making, fitted to an architecture of the house."""
