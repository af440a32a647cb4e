"""What the figures put on their axes."""

from __future__ import annotations

import numpy as np

from heliosc.properties import PropertyKey
from heliosc.report.energy_map import energy_map_figure
from heliosc.report.figures import aim, funnel_figure, pareto_figure, round_groups
from heliosc.report.pictures import figure_picture, figure_png
from heliosc.selection.objectives import Objective, Window

IE = PropertyKey("vertical_ionization_energy", "ipea1//gfn2")
EA = PropertyKey("vertical_electron_affinity", "gfn2")


def test_front_follows_the_direction_of_each_objective() -> None:
    pair = (Objective(IE, "minimise", 8.0), Objective(EA, "maximise", 0.0))
    points = np.array([[6.0, 1.0], [6.5, 2.0], [7.0, 1.5]])  # the third is beaten by the second
    (axes,) = pareto_figure(pair, rounds={0: points}, baseline=np.empty((0, 2))).axes
    front = [line for line in axes.lines if line.get_linestyle() == "-"]
    assert np.array_equal(front[0].get_xydata(), points[:2])


def test_directions_in_words() -> None:
    assert aim(Objective(IE, "minimise", 8.0)) == "lower is better"
    assert aim(Objective(EA, "window", 1.6, Window(2.9, 3.5))) == "best from 2.90 to 3.50"


def test_zero_count_has_a_bar_label_of_zero() -> None:
    (axes,) = funnel_figure({"sampled": 10, "computed": 0}).axes
    assert [text.get_text() for text in axes.texts] == ["10", "0"]


def test_equal_figures_give_equal_files() -> None:
    first, second = (figure_picture(funnel_figure({"a": 3}), alt="a", caption="").source for _ in range(2))
    assert first == second
    assert figure_png(funnel_figure({"a": 3})) == figure_png(funnel_figure({"a": 3}))


def test_many_rounds_share_marks_in_spans_that_cover_all_of_them() -> None:
    assert round_groups([0, 1, 2]) == {"round 0": [0], "round 1": [1], "round 2": [2]}
    spans = round_groups(list(range(50)))
    assert next(iter(spans)) == "rounds 0 to 9"
    assert len(spans) == 5
    assert [index for span in spans.values() for index in span] == list(range(50))


def test_names_of_known_materials_keep_clear_of_each_other() -> None:
    close = {"first material": np.array([7.0, 2.0]), "second material": np.array([7.05, 2.02])}
    figure = energy_map_figure(
        {"donor": np.array([[6.0, 1.0], [8.0, 3.0]])}, references=close, background=np.empty((0, 2))
    )
    figure.draw_without_rendering()
    first, second = (text.get_window_extent() for text in figure.axes[0].texts)
    assert not first.overlaps(second)
