#!/usr/bin/env python3
"""Reads a metrics page from standard input as Prometheus does (OpenMetrics) and prints every family and sample.

One line per family, `family NAME TYPE`, and per sample, `sample NAME VALUE LABEL=VALUE ...`. A page that breaks the format
ends with an error, status 1.
"""

import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families


def main() -> int:
    for family in text_string_to_metric_families(sys.stdin.read()):
        if not family.documentation or family.type == "unknown":
            print(f"{family.name} says neither what it is nor of which type", file=sys.stderr)
            return 1
        print("family", family.name, family.type)
        for sample in family.samples:
            print("sample", sample.name, sample.value, *(f"{k}={v}" for k, v in sample.labels.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
