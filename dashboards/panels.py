"""The three sorts of panels. Each must be given a title, a description and a unit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from grafana_foundation_sdk.builders import stat, table, timeseries
from grafana_foundation_sdk.builders.common import (
    ReduceDataOptions,
    StackingConfig,
    VizLegendOptions,
    VizTooltipOptions,
)
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DataTransformerConfig,
    ValueMap,
    ValueMapping,
    ValueMappingResult,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from dashboards.queries import DATASOURCE

# Of the grid's 24 columns: three panels in a row.
SPAN = 8
HEIGHT = 8
GOOD = "green"
BAD = "red"
RANGE_FILL_OPACITY = 10


@dataclass(frozen=True, slots=True)
class Query:
    """An expression in PromQL, and how its series are called in the legend."""

    expression: str
    legend: str


@dataclass(frozen=True, slots=True)
class Face:
    """What every panel says of itself. `unit` is one of Grafana's."""

    title: str
    description: str
    unit: str


@dataclass(frozen=True, slots=True)
class Meaning:
    """The text that is shown instead of a value, and its colour."""

    text: str
    color: str


P = TypeVar("P", stat.Panel, timeseries.Panel, table.Panel)


def number(
    face: Face,
    *queries: Query,
    meanings: Mapping[str, Meaning] | None = None,
    no_value: str = "No data",
) -> stat.Panel:
    """Show the values of this moment, large.

    Of this moment, not the last ones of the time range: those of a daemon that died hours ago would
    stand there as if nothing had happened.
    """
    return (
        _faced(stat.Panel(), face)
        .targets([_target(query, n).instant() for n, query in enumerate(queries)])
        .mappings(_mappings(meanings or {}))
        .no_value(no_value)
        .graph_mode(BigValueGraphMode.NONE)
        .color_mode(BigValueColorMode.BACKGROUND if meanings else BigValueColorMode.VALUE)
        .reduce_options(ReduceDataOptions().calcs(["lastNotNull"]))
    )


def graph(face: Face, *queries: Query, is_stacked: bool = False) -> timeseries.Panel:
    """Show how values change over time; a gap stays a gap, never a line across or a zero."""
    panel = (
        _faced(timeseries.Panel(), face)
        .targets([_target(query, n).range() for n, query in enumerate(queries)])
        .min(0)
        .fill_opacity(RANGE_FILL_OPACITY)
        .span_nulls(False)
        .legend(
            VizLegendOptions()
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        .tooltip(VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
    )
    if is_stacked:
        panel.stacking(StackingConfig().mode(StackingMode.NORMAL))
    return panel


def rows(face: Face, query: Query, *, hidden: Sequence[str]) -> table.Panel:
    """Show the series of one moment as a table, without the columns that say nothing."""
    return (
        _faced(table.Panel(), face)
        .targets([_target(query, 0).instant().format(PromQueryFormat.TABLE)])
        .with_transformation(
            DataTransformerConfig(
                id_val="organize", options={"excludeByName": dict.fromkeys(hidden, True)}
            )
        )
    )


def _faced(panel: P, face: Face) -> P:
    return (
        panel.title(face.title)
        .description(face.description)
        .unit(face.unit)
        .datasource(DATASOURCE)
        .span(SPAN)
        .height(HEIGHT)
    )


def _target(query: Query, number: int) -> Dataquery:
    return (
        Dataquery()
        .datasource(DATASOURCE)
        .expr(query.expression)
        .legend_format(query.legend)
        .ref_id(chr(ord("A") + number))
    )


def _mappings(meanings: Mapping[str, Meaning]) -> list[ValueMapping]:
    options = {
        value: ValueMappingResult(text=meaning.text, color=meaning.color, index=index)
        for index, (value, meaning) in enumerate(meanings.items())
    }
    return [ValueMap(options=options)] if options else []
