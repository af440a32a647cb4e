"""What the figures put on their axes."""

from __future__ import annotations

import numpy as np

from heliosc.properties import PropertyKey
from heliosc.report.figures import aim, funnel_figure, pareto_figure
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
