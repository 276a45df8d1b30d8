"""The kinds of panels that the dashboard is made of."""

from __future__ import annotations

from string import ascii_uppercase
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from grafana_foundation_sdk.builders import common, heatmap, prometheus, stat, timeseries
from grafana_foundation_sdk.builders.dashboard import FieldColor
from grafana_foundation_sdk.models import common as choices
from grafana_foundation_sdk.models import dashboard
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from batch_dashboard.colours import BUSY, WARNING, by_thresholds, fixed, limit_line, steps
from batch_dashboard.queries import INCOMPLETE_PROJECTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from grafana_foundation_sdk.builders.dashboard import DashboardLink, ThresholdsConfig

SOURCE: Final = dashboard.DataSourceRef(type_val="prometheus", uid="${datasource}")
# A poll changes many numbers at once, every 30 s unless set otherwise: shorter steps show spikes.
SMALLEST_STEP: Final = "2m"
NOTHING_KNOWN: Final = "no data: not listed yet, or stale"


def now(query: str, ref_id: str = "A") -> prometheus.Dataquery:
    """Return a query for what holds at the end of the time range."""
    return _query(query, ref_id).instant()


def over_time(query: str, legend: str, ref_id: str = "A") -> prometheus.Dataquery:
    """Return a query for a graph."""
    return _query(query, ref_id).range().legend_format(legend)


def number(
    title: str,
    description: str,
    query: str,
    *,
    unit: str = "short",
    colours: ThresholdsConfig | None = None,
    links: Sequence[DashboardLink] = (),
) -> stat.Panel:
    """Return one large number. If nothing is known, it shows that and not 0."""
    return (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .with_target(now(query))
        .unit(unit)
        .no_value(NOTHING_KNOWN)
        .thresholds(colours or steps(BUSY))
        .color_scheme(by_thresholds())
        .color_mode(choices.BigValueColorMode.VALUE)
        .graph_mode(choices.BigValueGraphMode.NONE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .data_links([*links])
    )


def incomplete(total: stat.Panel) -> stat.Panel:
    """Return a total that shows beside its number how many projects are missing, if any."""
    name = "projects stale or not listed: incomplete"
    return (
        total.with_target(now(INCOMPLETE_PROJECTS, "B").legend_format(name))
        .text_mode(choices.BigValueTextMode.VALUE_AND_NAME)
        .override_by_query("A", [dashboard.DynamicConfigValue("displayName", "known")])
        .override_by_query("B", [fixed(WARNING), dashboard.DynamicConfigValue("displayName", name)])
    )


def lines(
    title: str,
    description: str,
    legends: Mapping[str, str],
    *,
    unit: str,
    colours: Mapping[str, str] = MappingProxyType({}),
    limits: Mapping[str, str] = MappingProxyType({}),
    otherwise: str = NOTHING_KNOWN,
) -> timeseries.Panel:
    """Return lines over time: a query for each legend.

    ``colours`` are for series by name. ``limits`` are for lines that show a limit, by the last word
    of their names. ``otherwise`` is shown if there is no data.
    """
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .unit(unit)
        .min(0)
        .color_scheme(FieldColor().mode(dashboard.FieldColorModeId.PALETTE_CLASSIC))
        .interval(SMALLEST_STEP)
        .no_value(otherwise)
        .fill_opacity(10)
        .show_points(choices.VisibilityMode.NEVER)
        .legend(_LEGEND)
        .tooltip(_TOOLTIP)
    )
    for ref_id, (legend, query) in zip(ascii_uppercase, legends.items(), strict=False):
        panel.with_target(over_time(query, legend, ref_id))
    for name, colour in colours.items():
        panel.override_by_name(name, [fixed(colour)])
    for last_word, colour in limits.items():
        panel.override_by_regexp(f"/ {last_word}$/", limit_line(colour))
    return panel


def stacked(panel: timeseries.Panel) -> timeseries.Panel:
    """Return a panel with stacked areas."""
    return panel.fill_opacity(40).line_width(0).stacking(_STACK)


def bars(panel: timeseries.Panel) -> timeseries.Panel:
    """Return a panel of stacked bars, for what happened in each step."""
    return panel.draw_style(choices.GraphDrawStyle.BARS).fill_opacity(70).stacking(_STACK)


def heat(title: str, description: str, query: str) -> heatmap.Panel:
    """Return how durations spread over time, from the buckets of a histogram."""
    return (
        heatmap.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .interval(SMALLEST_STEP)
        .with_target(over_time(query, "{{le}}").format(PromQueryFormat.HEATMAP))
        .unit("short")
        .no_value("nothing ended in this time, or no data")
        .calculate(calculate=False)
        .color(
            heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Blues").steps(32)
        )
        .filter_values(heatmap.FilterValueRange().le(1e-9))
        .y_axis(heatmap.YAxisConfig().unit("s"))
        .show_legend()
    )


_LEGEND = (
    common.VizLegendOptions()
    .show_legend(show_legend=True)
    .display_mode(choices.LegendDisplayMode.LIST)
    .placement(choices.LegendPlacement.BOTTOM)
    .calcs([])
)
_TOOLTIP = (
    common.VizTooltipOptions()
    .mode(choices.TooltipDisplayMode.MULTI)
    .sort(choices.SortOrder.DESCENDING)
)
_STACK = common.StackingConfig().mode(choices.StackingMode.NORMAL).group("A")


def _query(query: str, ref_id: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().expr(query).ref_id(ref_id).datasource(SOURCE)
