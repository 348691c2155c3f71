#!/usr/bin/env bash
# jsonschema-rs 0.61.2 accepts decimals with a half as multiples of 1 from 2^52 on.
#
# {"multipleOf": 1} refuses 1.5 and 2251799813685249.5, but accepts 4503599627370497.5 and
# 12345678901234567890.5 given as decimal.Decimal, although the library reads decimals
# exactly: the same values under {"multipleOf": Decimal("1.0")} are refused. So an integer
# as the step goes through doubles, a decimal as the step does not.
# Guess before the run: exact for decimals whatever the step, since multipleOf 0.01 is.
#
# Needs Python 3.11 or newer and an index of packages. Fails when the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check jsonschema-rs==0.61.2
"$folder/venv/bin/python" - <<'PYTHON'
from decimal import Decimal

import jsonschema_rs

values = ["1.5", "2251799813685249.5", "4503599627370497.5", "12345678901234567890.5"]
for step, expected in [
    (1, [False, False, True, True]),
    (Decimal("1.0"), [False, False, False, False]),
]:
    got = [jsonschema_rs.is_valid({"multipleOf": step}, Decimal(v)) for v in values]
    print(f"multipleOf {step!r}:", dict(zip(values, got)))
    assert got == expected, "jsonschema-rs has changed"
PYTHON
