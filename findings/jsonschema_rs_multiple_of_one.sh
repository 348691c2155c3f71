#!/usr/bin/env bash
# jsonschema-rs 0.61.2 accepts decimals with a half as multiples of 1 from 2^52 on.
#
# {"multipleOf": 1} refuses 1.5 and 2251799813685249.5, but accepts 4503599627370497.5 and
# 12345678901234567890.5 given as decimal.Decimal, although {"multipleOf": Decimal("0.01")}
# judges decimals of any size to the digit. So a whole number as the step goes through
# doubles, which have no halves from 2^52 on.
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
got = [jsonschema_rs.is_valid({"multipleOf": 1}, Decimal(v)) for v in values]
print("multipleOf 1:", dict(zip(values, got)))
assert got == [False, False, True, True], "jsonschema-rs has changed"

cents = {"multipleOf": Decimal("0.01")}
exact = [
    jsonschema_rs.is_valid(cents, Decimal(v))
    for v in ("12345678901234567890.01", "12345678901234567890.005")
]
print("multipleOf 0.01:", exact)
assert exact == [True, False], "jsonschema-rs has changed"
PYTHON
