"""Recipes of the kind `portfolio`: many variants of one network at once."""

from worker.recipe import Paper

DNNSHIFTER = Paper(
    "eccles2023dnnshifter", ("Eccles, Bailey J.", "Rodgers, Philip", "Kilpatrick, Peter", "Spence, Ivor", "Varghese, Blesson"),
    "DNNShifter: An Efficient DNN Pruning System for Edge Computing", 2023, arxiv="2309.06973")
