"""Every attack of the table of adversary.py, on two nodes that have verified each other."""

import pathlib
import shutil

import pytest

import adversary
from adversary_bench import Bench, Trial
from node import free_port, until


@pytest.fixture(scope="module")
def bench(command):
    folder = pathlib.Path("/tmp") / f"sc-adv-{free_port()}"
    folder.mkdir(mode=0o700)
    b = None
    try:
        b = Bench(command, folder)
        yield b
        until(lambda: b.hq.descriptors() <= b.descriptors,
              lambda: f"{b.hq.descriptors()} descriptors, before {b.descriptors}")
    finally:
        if b:
            b.close()
        shutil.rmtree(folder, ignore_errors=True)


def pytest_generate_tests(metafunc):
    if "attack" in metafunc.fixturenames:
        attacks = adversary.table(metafunc.config.getoption("--long"))
        metafunc.parametrize("attack", attacks, ids=[a.name for a in attacks])


@pytest.mark.adversary
def test_attack(bench, attack):
    Trial(bench, attack).run()
