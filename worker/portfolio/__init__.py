"""Portfolios: many variants of one network, so that each place and hour gets the one that suits."""
