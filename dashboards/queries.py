"""How the dashboards ask Prometheus.

Daemons on one database all tell where it stands, so what they say of it is never added up: the
greatest value counts, and a daemon that lags behind hides nothing. Counters are of what one daemon
did itself, and are added up.
"""

from grafana_foundation_sdk.models.common import DataSourceRef

DATASOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
BUILD_INFO = "reconciler_build_info"


def metric(name: str, condition: str = "") -> str:
    """Select a metric of the chosen daemons, under a further condition on its labels."""
    conditions = ['job="$job"', 'instance=~"$instance"', *([condition] if condition else [])]
    return f"{name}{{{', '.join(conditions)}}}"


def standing(name: str, condition: str = "") -> str:
    """Ask for what all daemons say alike."""
    return f"max({metric(name, condition)})"


def standing_by(label: str, name: str, condition: str = "") -> str:
    """Ask for what all daemons say alike, by a label; what one daemon says is added up first."""
    inner = f"sum by (instance, {label}) ({metric(name, condition)})"
    return f"max by ({label}) ({inner})"


def increase_by(label: str, counter: str, condition: str = "") -> str:
    """Ask how often something happened within the interval that a point stands for, by a label."""
    return f"sum by ({label}) (increase({metric(counter, condition)}[$__rate_interval]))"


def rate_by(label: str, counter: str, condition: str = "") -> str:
    """Ask how often something happens in a second, by a label."""
    return f"sum by ({label}) (rate({metric(counter, condition)}[$__rate_interval]))"


def quantile(share: str, histogram: str, *, by: str = "", condition: str = "") -> str:
    """Ask what a share of the observations stays below; `by` names the labels that tell apart."""
    labels = f"le, {by}" if by else "le"
    buckets = metric(f"{histogram}_bucket", condition)
    return f"histogram_quantile({share}, sum by ({labels}) (rate({buckets}[$__rate_interval])))"
