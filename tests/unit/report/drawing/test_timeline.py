from __future__ import annotations

from gputune.report.drawing.timeline import Band, Curve, Graph, timelines

LINE = Curve(label="", points=[(0.0, 1.0), (10.0, 2.0)])


def graph(*curves: Curve, title: str = "x") -> Graph:
    return Graph(title=title, curves=curves, text=str)


def test_panels_stand_below_one_another_on_one_axis() -> None:
    later = Curve(label="", points=[(5.0, 1.0), (10.0, 1.0)])
    wide, narrow = timelines([graph(LINE), graph(later)])
    first, second = wide.panels
    assert first.bottom < second.top < second.bottom < wide.height
    start, end = (float(one.split(",")[0]) for one in first.curves[0].lines[0].split())
    middle = float(second.curves[0].lines[0].split(",")[0])
    assert middle == (start + end) / 2
    assert narrow.width < wide.width
    assert wide.summary == "x from 1.0 to 2.0; x from 1.0 to 1.0"


def test_only_the_widest_stretch_of_a_phase_carries_its_name_and_only_where_it_fits() -> None:
    bands = [Band(name="clean", begin_s=0, end_s=1), Band(name="clean", begin_s=2, end_s=6),
             Band(name="a phase with a long name", begin_s=6, end_s=6.1)]  # fmt: skip
    wide, _ = timelines([graph(LINE)], bands)
    assert [band.label for band in wide.bands] == ["", "clean", ""]
    assert [band.name for band in wide.bands][2] == "a phase with a long name"


def test_a_long_title_is_cut_since_a_picture_does_not_break_it() -> None:
    wide, narrow = timelines([graph(LINE, title="y" * 500)])
    assert wide.panels[0].title.endswith("y…")
    assert len(narrow.panels[0].title) < len(wide.panels[0].title) < 100


def test_nothing_is_drawn_of_a_single_value() -> None:
    assert timelines([graph(Curve(label="", points=[(0.0, 1.0)]))]) == ()


def test_a_first_step_of_seconds_does_not_flatten_the_others_and_is_said() -> None:
    """99 steps of 10 ms fill three quarters of the panel; the one of 5 s stands at its edge."""
    points = [(0.0, 5.0), *((float(i), 0.01) for i in range(1, 100))]
    wide, _ = timelines([graph(Curve(label="step", points=points, dots=True))])
    (panel,) = wide.panels
    assert panel.title == "x (top edge: up to 5.0)"
    heights = [float(dot.split(" ")[1]) for dot in panel.curves[0].dots.split("h0")[:-1]]
    assert heights[0] == panel.top
    assert len(set(heights[1:])) == 1
    share = (panel.bottom - heights[1]) / (panel.bottom - panel.top)
    assert abs(share - 1 / 1.3) < 0.01


def test_steps_of_one_speed_are_all_in_the_panel() -> None:
    points = [(float(i), 0.01 + 0.001 * (i % 7)) for i in range(100)]
    wide, _ = timelines([graph(Curve(label="step", points=points, dots=True))])
    assert wide.panels[0].title == "x"
