"""The dashboard is what its Python code generates, and it is readable."""

from __future__ import annotations

import re
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest

from batch_dashboard.board import as_json
from tests.support.dashboard_queries import BOARD, PANELS, ROWS, VARIABLES, queries, variables_in
from tests.support.deployed import DASHBOARD, alerts

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDTH = 24
ON_TIME_RANGE_CHANGED = 2
GRAFANAS_OWN = {"__rate_interval", "__interval", "__range", "__data", "__url_time_range", "__all"}
SOURCE = {"type": "prometheus", "uid": "${datasource}"}


def title(panel: dict[str, Any]) -> str:
    name: str = panel["title"]
    return name


def cells(panel: dict[str, Any]) -> set[tuple[int, int]]:
    at = panel["gridPos"]
    return {
        (x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
    }


def texts(part: object) -> Iterator[str]:
    if isinstance(part, str):
        yield part
    elif isinstance(part, dict):
        for value in part.values():
            yield from texts(value)
    elif isinstance(part, list):
        for value in part:
            yield from texts(value)


def test_the_json_is_as_its_python_says() -> None:
    """The JSON file is what `make dashboard` writes."""
    assert as_json() == DASHBOARD.read_text()


@pytest.mark.parametrize("panel", PANELS, ids=title)
def test_every_panel_says_what_it_shows(panel: dict[str, Any]) -> None:
    """Each panel has a description, a unit, and a text for no data, which is not 0."""
    assert panel["title"][0].isupper()
    assert panel["description"].endswith(".")
    assert len(panel["description"].split()) > 10
    defaults = panel["fieldConfig"]["defaults"]
    assert defaults["unit"]
    assert "no data" in defaults["noValue"] or panel["type"] == "table"


@pytest.mark.parametrize("panel", PANELS, ids=title)
def test_every_panel_uses_the_selected_data_source(panel: dict[str, Any]) -> None:
    """Its queries use that data source too, and each query has its own letter."""
    assert [SOURCE] * (1 + len(panel["targets"])) == [
        panel["datasource"],
        *(target["datasource"] for target in panel["targets"]),
    ]
    assert panel["targets"]
    names = [target["refId"] for target in panel["targets"]]
    assert sorted(set(names)) == names


def test_panels_do_not_overlap() -> None:
    """Panels fill each row of the grid, and none exceeds its width."""
    boxes = [*PANELS, *ROWS]
    for one, other in combinations(boxes, 2):
        assert set() == cells(one) & cells(other), f"{one['title']} and {other['title']}"
    filled = set().union(*map(cells, boxes))
    height = 1 + max(y for _, y in filled)
    assert {(x, y) for x in range(WIDTH) for y in range(height)} == filled


def test_ids_and_titles_are_unique() -> None:
    """A link then leads to one panel, and a title names one."""
    boxes = [*PANELS, *ROWS]
    assert len(boxes) == len({box["id"] for box in boxes})
    assert len(PANELS) == len({title(panel) for panel in PANELS})


def test_a_person_can_choose() -> None:
    """The data source comes first, each variable narrows the next, and all default to All."""
    filters = ["cluster", "namespace", "project", "job_type", "job_id"]
    assert ["datasource", *filters, "runbooks"] == list(VARIABLES)
    assert "prometheus" == VARIABLES["datasource"]["query"]
    for name in filters:
        variable = VARIABLES[name]
        assert (True, True, ["$__all"]) == (
            variable["multi"],
            variable["includeAll"],
            variable["current"]["value"],
        )
        assert SOURCE == variable["datasource"]
        assert ON_TIME_RANGE_CHANGED == variable["refresh"]


def test_every_variable_that_is_used_exists() -> None:
    """Every variable that exists is used, too."""
    used = set().union(*map(variables_in, texts(BOARD)))
    assert set() == used - set(VARIABLES) - GRAFANAS_OWN
    assert set() == set(VARIABLES) - used


def test_every_query_follows_cluster_and_namespace() -> None:
    """Each selector of a query begins with both labels."""
    picked = 'cluster=~"$cluster", namespace=~"$namespace"'
    for query in queries():
        selectors = re.findall(r"llamacloud_\w+(?::\w+)?\{([^}]*)\}", query.expr)
        assert selectors or picked in query.expr or query.panel == "Firing alerts"
        assert all(selector.startswith(picked) for selector in selectors), query.expr


def test_every_query_follows_the_project() -> None:
    """Only metrics of a process have no project."""
    deaf = [str(query) for query in queries() if "$project" not in query.expr]
    assert ["Memory of the exporter A"] == deaf


def test_the_table_of_jobs_begins_with_the_kind_of_job() -> None:
    """Project, job, type, API generation and status come before the numbers."""
    (table,) = [panel for panel in PANELS if panel["title"] == "Jobs"]
    (organize,) = [t["options"] for t in table["transformations"] if t["id"] == "organize"]
    shown = {
        organize["renameByName"][name]: index
        for name, index in organize["indexByName"].items()
        if name not in organize["excludeByName"]
    }
    first = sorted(shown, key=lambda title: shown[title])[:6]
    assert ["Project", "Job", "Type", "API", "Status", "Progress"] == first


def test_a_job_leads_to_a_view_of_it_alone() -> None:
    """The link opens this dashboard for the same time range and data source."""
    (table,) = [panel for panel in PANELS if panel["title"] == "Jobs"]
    (link, _) = next(
        prop["value"]
        for override in table["fieldConfig"]["overrides"]
        for prop in override["properties"]
        if prop["id"] == "links"
    )
    path, parameters = link["url"].split("?")
    assert f"/d/{BOARD['uid']}" == path
    assert [
        "var-datasource=${datasource}",
        "${cluster:queryparam}",
        "${namespace:queryparam}",
        "var-project=${__data.fields.project:percentencode}",
        "var-job_type=$__all",
        "var-job_id=${__data.fields.job_id:percentencode}",
        "${__url_time_range}",
    ] == parameters.split("&")


def test_links_lead_to_runbooks_that_exist() -> None:
    """Each link leads to the section named after its alert."""
    linked = set(re.findall(r"^\$\{runbooks:raw\}#(\w+)$", "\n".join(texts(BOARD)), re.MULTILINE))
    assert len(linked) > 5
    assert set() == linked - {alert["alert"].lower() for alert in alerts()}
    assert VARIABLES["runbooks"]["query"].endswith("deploy/runbooks.md")


def test_states_have_the_same_colour_everywhere() -> None:
    """Failed is red, completed is green, and skipped has another colour."""
    colours: dict[str, set[str]] = {}
    for panel in PANELS:
        for override in panel["fieldConfig"]["overrides"]:
            for prop in override["properties"]:
                if prop["id"] == "color":
                    name = override["matcher"]["options"]
                    colours.setdefault(name, set()).add(prop["value"]["fixedColor"])
    assert {"red"} == colours["failed"] | colours["error"]
    assert {"green"} == colours["completed"] | colours["success"]
    assert set() == colours["skipped"] & {"red", "green"}
    assert all(len(seen) == 1 for seen in colours.values()), colours
