"""Holds what zoo-tool profile printed and drew against itself and against zoo-tool summary.

  check_profile.py PROFILE.json PROFILE.txt PROFILE.svg SUMMARY.json
"""
import json
import sys
import xml.etree.ElementTree as xml


def close(a, b, what):
    assert abs(a - b) <= 1e-6 * max(abs(a), abs(b), 1e-9), f"{what}: {a} and {b}"


def main():
    report, summary = json.load(open(sys.argv[1])), json.load(open(sys.argv[4]))
    lines = open(sys.argv[2], encoding="utf-8").read().split("\n")
    operators = report["operators"]
    assert [o["name"] for o in operators] == [o["name"] for o in summary["layers"]], "names"
    assert [o["macs"] for o in operators] == [o["macs"] for o in summary["layers"]], "MACs"
    assert [o["output"] for o in operators] == [o["output"] for o in summary["layers"]], "outputs"
    assert report["runs"] == 5 and report["threads"] == 1
    assert 0 < report["best_us"] <= report["whole_us"], "best and median"
    close(sum(o["us"] for o in operators), report["operators_us"], "sum of times")
    close(sum(o["share"] for o in operators), 1, "sum of shares")
    close(sum(o["macs"] for o in operators), report["macs"], "sum of MACs")
    close(report["gops"], 2 * report["macs"] / report["whole_us"] / 1e3, "GOP/s of all")
    peaks = report["peaks"]
    assert peaks["f32_gops"] > 0 and peaks["int8_gops"] > 0 and all(b["gbps"] > 0 for b in peaks["bandwidth"])
    close(report["of_peak"], report["gops"] / peaks["f32_gops"], "share of the peak")
    for o in operators:
        if o["us"] > 0.001:
            close(o["gops"], 2 * o["macs"] / o["us"] / 1e3, f"GOP/s of {o['name']}")
            close(o["gbps"], o["bytes"] / o["us"] / 1e3, f"GB/s of {o['name']}")
        if o.get("limit") == "compute":
            close(o["of_limit"], o["gops"] / peaks["f32_gops"], f"share of the limit of {o['name']}")
        assert ("limit" in o) == (o["kernel"] != "in place") == (o["bytes"] > 0), o
        assert report["isa"] != "scalar" or o["kernel"] in ("portable", "in place"), o
    assert max(map(len, lines)) <= 120, "lines are too long"
    rule = next(i for i, line in enumerate(lines) if line.startswith("---"))
    # Names of the text are whole, or end as the names do.
    shown = [line.split()[0] for line in lines[rule + 1:rule + 1 + len(operators)]]
    for o, name in zip(operators, shown):
        assert o["name"] == name or name[0] == "\u2026" and o["name"].endswith(name[1:]), f"{o['name']} shown as {name}"
    titles = [t.text for t in xml.parse(sys.argv[3]).iter("{http://www.w3.org/2000/svg}title")]
    for o in operators:
        assert any(t.startswith(f"{o['name']}: {o['operator']}") for t in titles), f"{o['name']} is not in the picture"
    print(f"{len(operators)} operators agree")


main()
