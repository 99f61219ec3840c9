"""Unmodified programs through a route: PostgreSQL, Redis, nginx with curl and wrk."""

import hashlib
import re
import subprocess

import pytest

pytestmark = pytest.mark.heavy


def run(*command, timeout=120):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True,
                          timeout=timeout)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_psql(make_pair, postgres):
    pair = make_pair(postgres.address)

    def sql(text):
        done = postgres.client(pair.port, "-v", "ON_ERROR_STOP=1", "-qAtc", text, "postgres")
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()
    assert sql("select 6 * 7") == "42"
    sql("create table goods as select i, md5(i::text) as name from generate_series(1, 200000) i")
    assert sql("select count(*), sum(length(name)) from goods") == "200000|6400000"
    # A few megabytes of rows out and in again, compared by the server.
    rows = sql("copy goods to stdout") + "\n"
    assert rows.count("\n") == 200000
    done = postgres.client(pair.port, "-v", "ON_ERROR_STOP=1", "-qc",
                           "create table back (like goods)", "-c", "copy back from stdin",
                           "postgres", input=rows)
    assert done.returncode == 0, done.stderr
    assert sql("select count(*) from (select * from goods except select * from back) d") == "0"
    sql("drop table goods, back")


def test_pgbench(make_pair, postgres):
    pair = make_pair(postgres.address)
    for args in (["-i", "-q", "-s", "2"], ["-c", "8", "-j", "2", "-T",
                                           "5"], ["-c", "4", "-C", "-S", "-T", "3"]):
        done = postgres.client(pair.port, *args, "postgres", program="pgbench")
        assert done.returncode == 0, done.stderr
        if "-T" in args:
            assert int(re.search(r"transactions actually processed: (\d+)", done.stdout)[1]) > 20
            assert "number of failed transactions: 0 " in done.stdout


def test_redis(make_pair, redis):
    pair = make_pair(redis.address)
    out = run("redis-benchmark", "-h", "127.0.0.1", "-p", pair.port, "-c", "50", "-n", "20000",
              "-t", "ping,set,get,incr,lrange_100", "--csv")
    assert len(re.findall(r'^"', out, re.M)) >= 6
    out = run("redis-benchmark", "-h", "127.0.0.1", "-p", pair.port, "-c", "20", "-n", "20000",
              "-P", "32", "-d", "2000", "-t", "set,get", "--csv")
    assert "SET" in out and "GET" in out
    value = "v" * 3_000_000
    done = subprocess.run(["redis-cli", "-p", str(pair.port), "-x", "set", "big"], input=value,
                          capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "OK"
    assert run("redis-cli", "-p", pair.port, "get", "big").strip() == value


def test_curl(make_pair, nginx):
    pair = make_pair(nginx.address)
    done = subprocess.run(
        ["curl", "-sS", "--max-time", "60", f"http://127.0.0.1:{pair.port}/large"],
        capture_output=True, timeout=90)
    assert done.returncode == 0, done.stderr
    assert hashlib.sha256(done.stdout).digest() == hashlib.sha256(nginx.large).digest()
    out = run("curl", "-sS", "--max-time", "60", *[f"http://127.0.0.1:{pair.port}/small"] * 50)
    assert out == "small file\n" * 50
    assert run("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}",
               f"http://127.0.0.1:{pair.port}/missing") == "404"


@pytest.mark.parametrize("headers", [[], ["-H", "Connection: close"]], ids=["keep-alive", "close"])
def test_wrk(make_pair, nginx, headers):
    pair = make_pair(nginx.address)
    out = run("wrk", "-t1", "-c32", "-d4s", *headers, f"http://127.0.0.1:{pair.port}/small")
    assert int(re.search(r"(\d+) requests in", out)[1]) > 100, out
    assert "Socket errors" not in out and "Non-2xx" not in out, out
