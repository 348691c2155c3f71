#!/usr/bin/env bash
# singer-sdk 0.54.9 writes decimals in a format that its own SQL side does not read.
#
# SQLToJSONSchema(use_singer_decimal=True) describes NUMERIC(18, 2) as
# {"type": ["string"], "format": "singer.decimal"}, without precision and scale;
# JSONSchemaToSQL makes VARCHAR of that, and DECIMAL(18, 2) only of "x-singer.decimal" with
# precision and scale. Amounts that one half of the SDK has sent as decimals become texts in
# a target that is built on the other half: MAX of "9.00" and "100.00" is then 9.00.
# Guess before the run: one format with precision and scale on both sides.
#
# Needs Python 3.11 or newer and an index of packages. Fails when the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check singer-sdk==0.54.9
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sqlalchemy
from singer_sdk.connectors.sql import JSONSchemaToSQL, SQLToJSONSchema

sent = SQLToJSONSchema(use_singer_decimal=True).to_jsonschema(
    sqlalchemy.types.NUMERIC(18, 2)
)
print("sent:", sent)
assert sent == {"type": ["string"], "format": "singer.decimal"}, "singer-sdk has changed"
read = str(JSONSchemaToSQL().to_sql_type(sent))
known = {"type": "string", "format": "x-singer.decimal", "precision": 18, "scale": 2}
understood = str(JSONSchemaToSQL().to_sql_type(known))
print("read:", read, "; understood:", understood)
assert (read, understood) == ("VARCHAR", "DECIMAL(18, 2)"), "singer-sdk has changed"
PYTHON
