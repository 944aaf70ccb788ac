"""What the recipe says of itself claims no more than it does."""

from __future__ import annotations

from worker import menu
from worker.recipes.portfolio import dnnshifter
from worker.sparsity import lottery

LONG = "160 epochs a level"


def test_no_level_is_called_as_accurate_as_can_be_and_no_preset_as_its_authors() -> None:
    recipe = menu.get("portfolio.dnnshifter")
    assert "as accurate as" not in (dnnshifter.__doc__ or "") and not any("author" in name for name in recipe.presets)
    assert recipe.presets[LONG]["epochs"] == 160 and recipe.presets[LONG]["clip_norm"] == 0


def test_going_back_to_an_early_step_has_one_citation() -> None:
    cited = {paper.arxiv for paper in menu.get("pruning.imp").papers}
    assert "1912.05671" in cited and "1912.05671" in (lottery.__doc__ or "") and "1903.01611" not in (lottery.__doc__ or "")
