"""The benchmark itself: that it measures what it says, says what it left out, and leaves nothing
behind. No figure is judged here."""

import json
import os
import pathlib
import resource
import signal
import subprocess

import pytest

from node import until

RUN = pathlib.Path(__file__).resolve().parents[1] / "bench/run"
SHORT = ["--rounds", "1", "--seconds", "0.05", "--connections", "20", "--streams", "20"]
ROWS = ["bulk-1", "redis-bulk", "idle", "fairness", "algorithms"]

pytestmark = pytest.mark.heavy


def session(leader):
    """The processes of a session."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[3] == str(
                    leader):
                found.append(int(pid))
        except OSError:
            pass
    return found


@pytest.fixture
def bench(program):
    """bench(option...) -> the process, in a session of its own."""
    if not (program.parents[2] / "build.ninja").exists():
        pytest.skip("the program does not lie in a build folder")
    started = []

    def start(*options):
        process = subprocess.Popen([RUN, "--program", program, *options], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, start_new_session=True)
        started.append(process)
        return process

    yield start
    for process in started:
        for pid in session(process.pid):
            os.kill(pid, signal.SIGKILL)
        process.communicate()


def test_measures_and_cleans_up(bench, tmp_path):
    out = tmp_path / "result.json"
    process = bench(*SHORT, *[part for row in ROWS for part in ("--only", row)], "--without",
                    "spiped", "--json", out)
    text, errors = process.communicate(timeout=200)
    assert process.returncode == 0, errors
    assert not session(process.pid), "all that it started has ended"
    result = json.loads(out.read_text())
    assert not [name for name in result["missing"] if "aes128" in name], result["missing"]
    bulk = result["rows"]["bulk-1"]
    assert all(sample["gb_s"] > 0
               for key in ("aes128-nettle", "cast128-nettle")
               for sample in bulk[key]), bulk
    for row, metric in (("bulk-1", "gb_s"), ("redis-bulk", "p99_us"),
                        ("idle", "kib_per_connection"), ("fairness", "gb_s")):
        samples = result["rows"][row]["aes128"]
        assert samples and all(sample[metric] > 0 for sample in samples), (row, samples)
        assert "spiped" not in result["rows"][row]
    assert all(sample["gb_s"] > 0 and sample["requests"] > 0
               for sample in result["rows"]["redis-bulk"]["aes128"])
    assert 0 <= result["about"]["others"] <= 1
    assert {a["what"] for a in result["algorithms"]} == {"cipher", "public key", "handshake"}
    shown = subprocess.run([RUN, "--from", out], capture_output=True, text=True, check=True).stdout
    assert (shown == text and "| secureconn, AES 128 |" in text and
            "| secureconn, AES 128, Nettle alone |" in text)


def test_says_that_descriptors_are_too_few(bench, tmp_path):
    out = tmp_path / "result.json"
    process = bench(*SHORT[:-2], "--streams", "100000", "--only", "algorithms", "--json", out)
    process.communicate(timeout=100)
    result = json.loads(out.read_text())
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if most < 100000:
        assert f"{most:,}" in result["missing"]["100,000 streams at once"]
        assert result["about"]["streams"] < most


def test_stops_what_it_started_when_it_is_told_to(bench):
    process = bench("--rounds", "1", "--seconds", "60", "--only", "bulk-1", "--without", "haproxy",
                    "--without", "haproxy-tls", "--without", "spiped", "--without", "stunnel",
                    "--without", "ssh")
    # itself, the load's ends, servers, two nodes
    until(lambda: len(session(process.pid)) >= 6, "it measures", 60)
    process.terminate()
    process.communicate(timeout=60)
    until(lambda: not session(process.pid), "all has ended")
    assert process.returncode == 143


def test_says_which_rows_there_are(bench):
    process = bench("--only", "nothing")
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 2 and "bulk-1" in errors
