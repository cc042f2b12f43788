"""Graphs of workflows and runs: right, safe to hand to other programs, and readable."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from conftest import BIN
from fakes import fake, stations
from hypothesis import HealthCheck, given, settings
from test_language_properties import Params, workflows

from mityflow import StationContext, StationResult, Workflow, WorkflowContext, WorkflowExecutor
from mityflow.checks import build_plan
from mityflow.graph import Graph, graph_of
from mityflow.graph_svg import layout, svg
from mityflow.graph_text import dot, mermaid

NASTY = 'a "quoted" <b>&amp;</b> \\ # %% ; end | `x` \n]} {{ é 漢 -->'


def act(context: StationContext) -> StationResult:
    return StationResult.success("act", outputs={"k": 1})


REGISTRY = stations(
    fake("act", act, gives=("k",), Params=Params),
    fake("fail", lambda context: StationResult.failure("told to")),
    fake("reads", needs=("k",)),
)


def drawn(workflow: Workflow) -> Graph:
    return graph_of(build_plan(workflow, REGISTRY))


def edges(graph: Graph) -> set[tuple[str, str, str]]:
    return {tuple(edge) for edge in graph.edges}  # type: ignore[misc]


def test_what_a_step_comes_after_is_said_with_its_reason() -> None:
    workflow = (
        Workflow("w", "W").station("act", id="a").station("act", id="b", needs=["a"]).station("reads").station("act")
    )
    assert edges(drawn(workflow)) == {
        ("a", "b", "needs"),
        ("a", "reads", "k"),
        ("b", "reads", "k"),
        ("reads", "act", ""),
    }


def test_side_by_side_only_real_reasons_make_arrows() -> None:
    workflow = Workflow("w", "W").with_max_parallel(2).station("act", id="a").station("act", id="b").station("reads")
    assert edges(drawn(workflow)) == {("a", "reads", "k"), ("b", "reads", "k")}


def test_a_called_workflow_is_a_group_that_ends_with_its_call() -> None:
    sub = Workflow("sub", "Sub").station("act", id="x").station("act", id="y").with_output("k", "{{ outputs.k }}")
    graph = drawn(Workflow("w", "W").station("act").sub_workflow(sub).station("reads"))
    assert [node.id for node in graph.root.nodes()] == ["act", "sub/x", "sub/y", "sub", "reads"]
    assert edges(graph) == {
        ("act", "sub/x", ""),
        ("sub/x", "sub/y", ""),
        ("sub/y", "sub", ""),
        ("act", "reads", "k"),
        ("sub", "reads", "k"),
    }


def test_a_run_shows_how_each_step_went(workspace: Path) -> None:
    workflow = (
        Workflow("w", "W")
        .station("act", id="each", foreach=["x", "y"])
        .station("act", id="off", when="inputs.on")
        .station("fail")
        .station("act", id="never")
        .finally_station("act", id="tidy")
        .with_input("on", {"type": "boolean", "default": False})
    )
    executor = WorkflowExecutor(REGISTRY)
    log = executor.execute(workflow, WorkflowContext(workspace))
    graph = graph_of(build_plan(workflow, REGISTRY), log)
    assert {node.id: node.state for node in graph.root.nodes()} == {
        "each[0]": "succeeded",
        "each[1]": "succeeded",
        "off": "skipped",
        "fail": "failed",
        "never": "not run",
        "tidy": "succeeded",
    }
    for text in (mermaid(graph), dot(graph), svg(graph)):
        for state in ("succeeded", "failed", "skipped", "not run"):
            assert state in text, "colour is not the only sign"


def test_many_items_are_drawn_as_one(workspace: Path) -> None:
    workflow = Workflow("w", "W").station("act", foreach=list(range(50)))
    log = WorkflowExecutor(REGISTRY).execute(workflow, WorkflowContext(workspace))
    nodes = list(graph_of(build_plan(workflow, REGISTRY), log).root.nodes())
    assert [(node.lines[0], node.state) for node in nodes] == [("act x 50", "succeeded")]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(workflows())
def test_no_box_covers_another_and_all_are_inside(workflow: Workflow) -> None:
    graph = drawn(workflow)
    places = layout(graph)
    boxes = list(places.nodes.values())
    for i, a in enumerate(boxes):
        assert a.x >= 0
        assert a.y >= 0
        assert a.x + a.width <= places.width
        assert a.bottom <= places.height
        for b in boxes[i + 1 :]:
            apart = a.x + a.width <= b.x or b.x + b.width <= a.x or a.bottom <= b.y or b.bottom <= a.y
            assert apart
    for edge in graph.edges:
        assert places.nodes[edge.source].bottom < places.nodes[edge.target].y, "what comes after stands below"
    ET.fromstring(svg(graph))


def test_any_text_stays_text(tmp_path: Path) -> None:
    workflow = Workflow("w", NASTY).station("act", id="end", when="'\"<&>' != run.id")
    graph = drawn(workflow)
    root = ET.fromstring(svg(graph))
    title = root.find("{http://www.w3.org/2000/svg}title")
    assert title is not None
    assert (title.text or "").startswith('a "quoted" <b>&amp;</b>')
    assert "<script" not in svg(drawn(Workflow("w", "<script>alert(1)</script>").station("act")))
    assert '"quoted"' not in mermaid(graph)
    assert '\\"quoted\\"' in dot(graph)


def test_five_hundred_steps_are_drawn_in_a_moment() -> None:
    workflow = Workflow("w", "W")
    for i in range(500):
        workflow = workflow.station("act", id=f"s{i}")
    plan = build_plan(workflow, REGISTRY)
    began = time.process_time()
    svg(graph_of(plan))
    assert time.process_time() - began < 3


def mityflow(*arguments: str, cwd: Path) -> Any:
    return subprocess.run(
        [BIN / "mityflow", "graph", *arguments], cwd=cwd, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )


def test_the_command_draws_files_names_and_runs(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text(
        "version: 1\nid: w\nstations:\n  - station: shell\n    with: {command: [echo, hello]}\n"
    )
    assert mityflow("w.yaml", cwd=tmp_path).stdout == 'flowchart TD\n  n0["shell"]\n'
    assert "scaffold" in mityflow("create-app", "--format", "dot", cwd=tmp_path).stdout
    assert mityflow("w.yaml", "-o", "w.svg", cwd=tmp_path).returncode == 0
    ET.parse(tmp_path / "w.svg")
    subprocess.run([BIN / "mityflow", "run", "w.yaml"], cwd=tmp_path, check=True, capture_output=True)
    run_id = next((tmp_path / ".mity" / "runs").iterdir()).name
    for arguments in (["--run"], ["--run", "w"], [run_id], [run_id[:20]]):
        assert "is-succeeded" in mityflow(*arguments, cwd=tmp_path).stdout
    for arguments in ([], ["none.yaml"], ["nothing"], ["--run", "nothing"], ["w.yaml", "-o", "no/such/folder.svg"]):
        done = mityflow(*arguments, cwd=tmp_path)
        assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr
        assert done.stdout == ""


READERS = """
import fs from 'node:fs'
import { JSDOM } from 'jsdom'
const dom = new JSDOM('')
globalThis.window = dom.window
globalThis.document = dom.window.document
const mermaid = (await import('mermaid')).default
const viz = await (await import('@viz-js/viz')).instance()
for (const file of process.argv.slice(2)) {
  const text = fs.readFileSync(file, 'utf8')
  if (file.endsWith('.mmd')) await mermaid.parse(text)
  else {
    const drawn = viz.render(text, { format: 'svg' })
    if (drawn.status !== 'success') throw new Error(file + JSON.stringify(drawn.errors))
  }
}
"""


@pytest.mark.slow
def test_mermaid_and_graphviz_themselves_read_what_is_written(tmp_path: Path) -> None:
    if not shutil.which("npm"):
        pytest.skip("npm not found")
    (tmp_path / "package.json").write_text(json.dumps({"type": "module", "private": True}))
    packages = ["mermaid@11", "jsdom@24", "@viz-js/viz@3"]
    subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent", *packages], cwd=tmp_path, check=True)
    sub = Workflow("sub", NASTY).station("act", id="end").finally_station("act", id="class")
    twice = Workflow("w", "W").sub_workflow(sub, foreach=[1]).station("act", id="subgraph").sub_workflow(sub, id="s")
    graphs = [
        drawn(Workflow("w", NASTY).station("act", id="end", when=f"'{NASTY[:20]}' != run.id").station("act")),
        drawn(twice),
    ]
    for i, graph in enumerate(graphs):
        (tmp_path / f"{i}.mmd").write_text(mermaid(graph))
        (tmp_path / f"{i}.dot").write_text(dot(graph))
    (tmp_path / "read.mjs").write_text(READERS)
    files = [f"{i}.{kind}" for i in range(len(graphs)) for kind in ("mmd", "dot")]
    done = subprocess.run(["node", "read.mjs", *files], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
