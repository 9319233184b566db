"""What all dashboards have alike: whose numbers they show, marks of deploys, their links."""

from collections.abc import Iterable

from grafana_foundation_sdk.builders.dashboard import (
    AnnotationQuery,
    DashboardLink,
    DatasourceVariable,
    QueryVariable,
)
from grafana_foundation_sdk.builders.dashboard import Dashboard as DashboardBuilder
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import (
    Dashboard,
    DashboardCursorSync,
    DashboardLinkType,
    Panel,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from dashboards.queries import BUILD_INFO, DATASOURCE, metric

TAG = "reconciler"
REFRESH = "30s"
TIME_FROM = "now-6h"
DEPLOY_COLOR = "blue"

# A build that was not there within the hour before is a new one; a daemon that was away for less
# has only been restarted.
DEPLOYS = (
    f"max by (version, checksum) ({metric(BUILD_INFO)}) unless max by (version, checksum) "
    f"(max_over_time({metric(BUILD_INFO)}[1h] offset $__interval))"
)


def framed(
    name: str, *, title: str, description: str, panels: Iterable[Builder[Panel]]
) -> Dashboard:
    """Put panels into a dashboard; `name` becomes its address, which must not change."""
    builder = (
        DashboardBuilder(title)
        .uid(f"reconciler-{name}")
        .description(description)
        .tags([TAG])
        .timezone("utc")
        .time(TIME_FROM, "now")
        .refresh(REFRESH)
        .readonly()
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .with_variable(_datasource())
        .with_variable(_job())
        .with_variable(_instance())
        .annotation(_deploys())
        .link(_siblings())
    )
    for number, panel in enumerate(panels, start=1):
        built = panel.build()
        built.id_val = number
        builder.with_panel(_Built(built))
    return builder.build()


class _Built(Builder[Panel]):
    """A panel that has its number already."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel

    def build(self) -> Panel:
        return self._panel


def _datasource() -> DatasourceVariable:
    return (
        DatasourceVariable("datasource")
        .label("Prometheus")
        .description("The Prometheus that scrapes the daemons.")
        .type("prometheus")
    )


def _job() -> QueryVariable:
    """One at a time: two jobs are two exchanges, each with a verdict of its own."""
    return (
        _labels("job", f"label_values({BUILD_INFO}, job)")
        .label("Job")
        .description("The scrape job of the daemons on one database.")
        .multi(False)
        .include_all(False)
    )


def _instance() -> QueryVariable:
    return (
        _labels("instance", f'label_values({BUILD_INFO}{{job="$job"}}, instance)')
        .label("Daemon")
        .description("Daemons on the same database say the same of the balances.")
        .multi(True)
        .include_all(True)
        .all_value(".+")
        .current(VariableOption(selected=True, text=["All"], value=["$__all"]))
    )


def _labels(name: str, query: str) -> QueryVariable:
    return (
        QueryVariable(name)
        .datasource(DATASOURCE)
        .query({"query": query, "refId": f"Variable-{name}"})
        .definition(query)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
    )


def _deploys() -> AnnotationQuery:
    return (
        AnnotationQuery()
        .name("Deploys")
        .datasource(DATASOURCE)
        .enable(True)
        .icon_color(DEPLOY_COLOR)
        .expr(DEPLOYS)
        .title_format("Deployed {{version}}")
        .text_format("Frozen code {{checksum}}")
        .tag_keys("version")
    )


def _siblings() -> DashboardLink:
    return (
        DashboardLink("Reconciler")
        .type(DashboardLinkType.DASHBOARDS)
        .tooltip("The other dashboards of the reconciler")
        .tags([TAG])
        .include_vars(True)
        .keep_time(True)
    )
