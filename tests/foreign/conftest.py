"""What every test is given: a cluster of its own, the schemas, and a place for figures."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from kit import processes
from kit.hall import Hall
from kit.kafka import REPOSITORY, Kafka
from kit.schemas import Schemas

TAIL_LINES = 25
WORK = Path(os.environ.get("QUADRILLE_FOREIGN_WORK", REPOSITORY / ".quadrille" / "foreign"))
FIGURES = pytest.StashKey[list]()


@pytest.fixture(scope="session")
def schemas() -> Schemas:
    """All message types, from the descriptors that the crates carry."""
    file = os.environ.get("QUADRILLE_DESCRIPTORS")
    if file:
        return Schemas(Path(file).read_bytes())
    command = ["cargo", "run", "--quiet", "--package", "quadrille-schemas", "--example", "descriptors"]
    return Schemas(subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, check=True).stdout)


@pytest.fixture
def folder(request) -> Path:
    """A folder of the test's own, for logs and ledgers."""
    return folder_of(request.node.name)


@pytest.fixture(scope="module")
def folder_of_module(request) -> Path:
    """A folder for what the tests of a module share."""
    return folder_of(Path(request.node.name).stem)


def folder_of(name: str) -> Path:
    folder = WORK / re.sub(r"[^a-z0-9_-]+", "-", name)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def new_kafka(folder):
    """Makes clusters that end with the test."""
    clusters = []

    def new(*properties: str) -> Kafka:
        clusters.append(Kafka(folder / f"kafka-{len(clusters)}", *properties))
        return clusters[-1]

    yield new
    for cluster in clusters:
        cluster.wipe()


@pytest.fixture
def kafka(new_kafka) -> Kafka:
    """A cluster of the test's own, empty."""
    return new_kafka().start()


@pytest.fixture(scope="module")
def hall(folder_of_module):
    """Services on a cluster, shared by the tests of a module."""
    cluster = Kafka(folder_of_module / "kafka-0")
    try:
        with processes.nothing_left():
            yield Hall(cluster.start(), folder_of_module)
    finally:
        cluster.wipe()


@pytest.fixture(autouse=True)
def nothing_left():
    """No process outlives its test. What a test leaves running may not be in the way of the next."""
    with processes.nothing_left():
        yield


@pytest.fixture
def tell(request):
    """Notes a figure, to be shown at the end of the run."""
    return lambda figure: request.config.stash.setdefault(FIGURES, []).append(f"{request.node.name}: {figure}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Puts the last lines of every log beside a failure."""
    report = yield
    if report.failed:
        # A program that was started again goes on in its log.
        for process in {process.log: process for process in processes.ALL}.values():
            lines = process.log.read_text(errors="replace").splitlines()
            report.sections.append((f"end of {process.log}", "\n".join(lines[-TAIL_LINES:])))
    return report


def pytest_terminal_summary(terminalreporter, config):
    """Shows the figures."""
    if figures := config.stash.get(FIGURES, []):
        terminalreporter.section("figures")
        for figure in figures:
            terminalreporter.line(figure)
