"""What was measured, as a table: medians with their ranges, ratios within rounds, and how far
each goal is. Knows no tunnel and measures nothing."""

import statistics
import textwrap

BEGIN = "<!-- tests/bench/run --readme: from here -->"
END = "<!-- tests/bench/run --readme: to here -->"

METRICS = {  # metric: (what stands in the table, format)
    "gb_s": ("GB/s", "{:.2f}"),
    "busiest_gb_s": ("GB by a CPU second of the busiest thread", "{:.2f}"),
    "cpu_s_per_gb": ("CPU s/GB", "{:.2f}"),
    "per_s": ("a second", "{:,.0f}"),
    "p50_us": ("p50, µs", "{:.0f}"),
    "p99_us": ("p99, µs", "{:.0f}"),
    "kib_per_connection": ("KiB", "{:.1f}"),
    "gbit_s": ("Gbit/s", "{:.2f}"),
    "most_to_least": ("most : least", "{:.2f}"),
    "errors": ("errors", "{:.0f}"),
    "mb_before": ("MB before", "{:.0f}"),
    "mb_during": ("MB meanwhile", "{:.0f}"),
    "mb_after": ("MB after", "{:.0f}"),
    "mb_begin": ("MB at first", "{:.0f}"),
    "mb_end": ("MB at last", "{:.0f}"),
    "growth": ("last : first", "{:.2f}"),
}


def goal(text, row, metric, ours, against, least=None, most=None):
    """ours and against: tunnels of the row; against a number: the value itself."""
    return {
        "text": text,
        "row": row,
        "metric": metric,
        "ours": ours,
        "against": against,
        "least": least,
        "most": most
    }


GOALS = [
    *[
        g for n, streams in ((1, "1 stream"), (4, "4 streams")) for g in (
            goal(f"bulk, {streams}, AES 128: throughput against ssh -L", f"bulk-{n}", "gb_s",
                 "aes128", "ssh", least=1.25),
            goal("… against HAProxy, plain", f"bulk-{n}", "gb_s", "aes128", "haproxy", least=1.0),
            goal("… CPU seconds per GB against ssh -L, AES 128", f"bulk-{n}", "cpu_s_per_gb",
                 "aes128", "ssh", most=0.70),
            goal("… AES 128 OCB", f"bulk-{n}", "cpu_s_per_gb", "aes128ocb", "ssh", most=0.55))
    ],
    goal("new connections a second, 32 at once, against ssh -L", "connections", "per_s", "aes128",
         "ssh", least=1.2),
    goal("… against stunnel", "connections", "per_s", "aes128", "stunnel", least=8),
    goal("requests a second on 32 open connections against ssh -L", "requests", "per_s", "aes128",
         "ssh", least=1.2),
    goal("Redis, one client: p50 against HAProxy, plain", "redis", "p50_us", "aes128", "haproxy",
         most=1.05),
    goal("… p99", "redis", "p99_us", "aes128", "haproxy", most=1.05),
    goal("Redis beside a stream that saturates the link: p99 against ssh -L", "redis-bulk",
         "p99_us", "aes128", "ssh", most=0.25),
    goal("… against stunnel", "redis-bulk", "p99_us", "aes128", "stunnel", most=1.0),
    goal("memory per idle connection, both ends, KiB", "idle", "kib_per_connection", "aes128", None,
         most=4),
    goal("one stream over 100 ms RTT, Gbit/s", "long-line", "gbit_s", "aes128", None, least=1.0),
    goal("CAST-128 sealing in process against Nettle's ctr_crypt", "cast128", "gb_s", "seal",
         "ctr_crypt", least=2.2),
    goal("CAST-128 bulk through the tunnel against sealing in process", "cast128", "gb_s", "tunnel",
         "seal", least=0.85),
    goal("{streams:,} streams on one link: most against least", "fairness", "most_to_least",
         "aes128", None, most=2),
    goal("… memory, at last against at first", "fairness", "growth", "aes128", None, most=1.05),
    goal("two workers and two links against one worker", "workers", "gb_s", "two", "one",
         least=1.7),
    goal("… by the CPU time of the node's busiest thread: what free processors would allow",
         "workers", "busiest_gb_s", "two", "one", least=1.7),
]


MANY = 10  # of so many values one by itself says little: the scatter is where four of five lie


def ends(values):
    """Between which most of them lie: the least and the most, or of many the tenth and the
    ninetieth percentile."""
    if len(values) < MANY:
        return min(values), max(values)
    deciles = statistics.quantiles(values, n=10, method="inclusive")
    return deciles[0], deciles[-1]


def triple(median, low, high, form="{:.2f}"):
    median, low, high = map(form.format, (median, low, high))
    return median if low == high else f"{median} ({low} – {high})"


def span(values, form="{:.2f}"):
    """Median, and where they lie."""
    return triple(statistics.median(values), *ends(values), form)


def values(results, row, tunnel, metric):
    return [
        sample[metric]
        for sample in results["rows"].get(row, {}).get(tunnel, [])
        if sample and metric in sample
    ]


def pairs(results, g):
    """The goal's number in each round, or part of one, in which both sides were measured."""
    ours = results["rows"].get(g["row"], {}).get(g["ours"], [])
    if g["against"] is None:
        return [s[g["metric"]] for s in ours if s]
    theirs = results["rows"].get(g["row"], {}).get(g["against"], [])
    return [
        a[g["metric"]] / b[g["metric"]] for a, b in zip(ours, theirs) if a and b and b[g["metric"]]
    ]


def verdict(results, g):
    """Median, where they lie, and whether it is met; None: not measured."""
    found = pairs(results, g)
    if not found:
        return None
    median = statistics.median(found)
    met = median >= g["least"] if g["least"] is not None else median <= g["most"]
    low, high = ends(found)
    return {"median": median, "min": low, "max": high, "met": met, "samples": len(found)}


def with_nettle(results, g):
    """The goal for the same without libgcrypt; what it is held against too, if that is of this
    program."""
    against = f"{g['against']}-nettle"
    return {
        **g, "ours": f"{g['ours']}-nettle",
        "against": against if against in results["rows"].get(g["row"], {}) else g["against"]
    }


def judge(results):
    """Each goal that could be measured, with its verdict, and, under "nettle", that of the same
    without libgcrypt or None."""
    return [{
        **g, "text": g["text"].format(**results["about"]),
        **found, "nettle": verdict(results, with_nettle(results, g))
    } for g in GOALS if (found := verdict(results, g))]


def goal_cells(found, unit):
    if not found:
        return " | "
    return (f"{triple(found['median'], found['min'], found['max'])}{unit} | "
            f"{'yes' if found['met'] else 'no'}")


def goal_lines(judged):
    yield "| work | wanted | measured: median (range) | | with Nettle alone | |"
    yield "|---|---|---|---|---|---|"
    for j in judged:
        unit = "" if j["against"] is None else " x"
        wanted = f"at least {j['least']}{unit}" if j[
            "least"] is not None else f"at most {j['most']}{unit}"
        yield (f"| {j['text']} | {wanted} | {goal_cells(j, unit)} | "
               f"{goal_cells(j['nettle'], unit)} |")


def row_lines(results, row):
    tunnels = results["rows"][row["key"]]
    metrics = [m for m in METRICS if any(values(results, row["key"], t, m) for t in tunnels)]
    yield f"| {row['title'].format(**results['about'])} | " + " | ".join(METRICS[m][0]
                                                                         for m in metrics) + " |"
    yield "|---" * (len(metrics) + 1) + "|"
    for key in tunnels:
        if any(values(results, row["key"], key, m) for m in metrics):
            cells = (span(v, METRICS[m][1]) if (v := values(results, row["key"], key, m)) else ""
                     for m in metrics)
            yield f"| {results['titles'].get(key, key)} | " + " | ".join(cells) + " |"


def algorithm_lines(results, sizes):
    groups = {}
    for a in results["algorithms"]:
        key = (a["what"], a["algorithm"], a.get("implementation") or
               a.get("protocol"), a.get("bytes"))
        groups.setdefault(key, []).append(a)
    for what, heads in (("cipher", ("seal_gb_s", "open_gb_s")),
                        ("public key", ("check_ms", "encrypt_ms", "encrypt_prepared_ms",
                                        "decrypt_ms")), ("handshake", ("initiator_ms",
                                                                       "responder_ms"))):
        yield f"| {what} | by | " + ("bytes | " if what == "cipher" else "") + " | ".join(
            h.replace("_gb_s", ", GB/s").replace("_ms", ", ms").replace("_", " ")
            for h in heads) + " |"
        yield "|---" * (len(heads) + 2 + (what == "cipher")) + "|"
        for (kind, algorithm, by, size), samples in groups.items():
            if kind == what and size in (None, *sizes):
                cells = [
                    span([s[h]
                          for s in samples], "{:.3f}") if h in samples[0] else ""
                    for h in heads
                ]
                yield f"| {algorithm} | {by} | " + (f"{size} | " if what == "cipher" else
                                                    "") + " | ".join(cells) + " |"
        yield ""


def others(about):
    """What else went on; results of before this was looked at do not say."""
    return (f"; meanwhile {about['others']:.0%} of the processors' time went to other programs and "
            "the system" if "others" in about else "")


def about_lines(about):
    yield textwrap.fill(
        f"Measured on {about['when']} on {about['processor']}, {about['processors']} processors "
        "that clients, both ends of each tunnel and servers share, "
        f"kernel {about['kernel']}; {about['versions']}. All on loopback. Each tunnel was measured "
        f"once in each of {about['rounds']} rounds, Redis "
        f"{about.get('redis', 3)} times, in turn{others(about)}. Shown are medians, with the least "
        f"and the most in parentheses, of {MANY} measurements or more the tenth and the ninetieth "
        "percentile. Ratios are of two measurements one shortly after the other. Figures of "
        "another machine differ; so do ratios, a little.", 100)
    yield ""


def detail_lines(results, rows, sizes):
    """What each tunnel did at each work; of the ciphers, with records of these sizes."""
    for row in rows:
        if any(any(samples) for samples in results["rows"].get(row["key"], {}).values()):
            yield from row_lines(results, row)
            yield ""
    if results["algorithms"]:
        yield from algorithm_lines(results, sizes)
    for name, why in results["missing"].items():
        yield f"Not measured: {name}: {why}"


def markdown(results, rows, sizes=(64, 16384)):
    """The whole report."""
    yield from about_lines(results["about"])
    if judged := judge(results):
        yield from goal_lines(judged)
        yield ""
    yield from detail_lines(results, rows, sizes)


def put_into_documents(readme, details, results, rows):
    """The goals between the two marks of the README, and every figure into a page of its own."""
    put_between_marks(readme, [*about_lines(results["about"]), *goal_lines(judge(results))])
    head = [
        "# What each tunnel did", "",
        "Written by `tests/bench/run --readme`; the goals, and what keeps from them, are in the "
        "README.",
        ""
    ]
    details.write_text("\n".join([
        *head, *about_lines(results["about"]), *detail_lines(results, rows, sizes=[16384])
    ]).rstrip() + "\n")


def put_between_marks(path, lines):
    """Replaces what stands between the two marks."""
    text = path.read_text()
    if BEGIN not in text or END not in text:
        raise SystemExit(
            f"{path} has not the two lines between which the figures stand:\n{BEGIN}\n{END}")
    head, rest = text.split(BEGIN, 1)
    path.write_text(head + BEGIN + "\n" + "\n".join(lines).rstrip() + "\n" + END +
                    rest.split(END, 1)[1])
