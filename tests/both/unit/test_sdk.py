"""Which private names of singer-sdk are used, and what they look like there.

No public hook does what they do; docs/decisions/5-private-names-of-the-sdk.md says why.
Where one moves, the upper bound in both pyproject.toml is not the place to look: read
what the SDK has changed, and whether what is overridden still is what is called.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import TYPE_CHECKING, Any

import pytest
import tap_acumatica
import target_snowflake_merge

if TYPE_CHECKING:
    from collections.abc import Iterator

SDK = "singer_sdk"
RECORD, NONE = "record: 'dict'", "-> 'None'"
OVERRIDDEN = {
    "mapper.CustomStreamMap._eval": f"(self, expr: 'str', expr_parsed: 'ast.Expr', "
    f"{RECORD}, property_name: 'str | None') -> 'str | int | float'",
    "plugin_base.PluginBase._env_var_config": "",
    "plugin_base.PluginBase._validate_config": "(self, *, raise_errors: 'bool' = True) "
    "-> 'list[str]'",
    "sinks.core.Sink._add_sdc_metadata_to_record": f"(self, {RECORD}, "
    f"message: 'dict', context: 'dict') {NONE}",
    "sinks.core.Sink._add_sdc_metadata_to_schema": f"(self) {NONE}",
    "sinks.core.Sink._singer_validate_message": f"(self, {RECORD}) {NONE}",
    "sinks.core.Sink._validate_and_parse": f"(self, {RECORD}) -> 'dict'",
    "streams.core.Stream._generate_record_messages": "(self, record: 'types.Record') "
    "-> 't.Generator[singer.RecordMessage, None, None]'",
    "streams.core.Stream._increment_stream_state": "(self, "
    f"latest_record: 'types.Record', *, context: 'types.Context | None' = None) {NONE}",
    "tap_base.Tap._handle_termination": "(self, signum: 'int', "
    f"frame: 'FrameType | None') {NONE}",
    "target_base.Target._handle_max_record_age": f"(self) {NONE}",
    "target_base.Target._handle_termination": "(self, signum: 'int', "
    f"frame: 'FrameType | None') {NONE}",
    **{
        f"target_base.Target._process_{kind}_message": "(self, "
        f"message_dict: 'dict') {NONE}"
        for kind in ("activate_version", "batch", "record", "schema", "state")
    },
    "target_base.Target._write_state_message": f"(self, state: 'dict') {NONE}",
}
"""Private methods that classes of ours have in the place of the SDK's."""

USED = {
    "helpers._classproperty.classproperty": "",
    "helpers._flattening.flatten_key": "(key_name: 'str', parent_keys: 'list[str]', "
    "separator: 'str' = '__', *, max_key_length: 'int' = 255) -> 'str'",
    "mapper.CustomStreamMap.__init__": "self._transform_fn",
    "plugin_base.PluginBase.__init__": "self._config",
    "streams.core.Stream.__init__": "self._tap",
    "target_base.Target.__init__": "self._sinks_active",
}
"""Others: functions by their signature, attributes by what sets them."""


def classes(package: Any) -> Iterator[type]:
    """Yield the classes that a package defines."""
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not module.name.endswith("__main__"):
            found = vars(importlib.import_module(module.name)).values()
            yield from (
                one
                for one in found
                if inspect.isclass(one) and one.__module__ == module.name
            )


def overridden(package: Any) -> Iterator[str]:
    """Yield the private names of the SDK that a package's classes override."""
    for one in classes(package):
        for name in vars(one):
            is_private = name.startswith("_") and not name.startswith("__")
            for base in one.__mro__[1:] if is_private and name != "_abc_impl" else ():
                if base.__module__.startswith(SDK) and name in vars(base):
                    where = base.__module__.removeprefix(f"{SDK}.")
                    yield f"{where}.{base.__qualname__}.{name}"
                    break


def at(path: str) -> Any:
    """Return what stands at a path below the SDK, as it was written there."""
    parts = path.split(".")
    depth = next(
        n for n, part in enumerate(parts) if part[0].isupper() or n == len(parts) - 1
    )
    module = importlib.import_module(".".join([SDK, *parts[:depth]]))
    found: Any = module
    for part in parts[depth:]:
        found = vars(found)[part]
    return found


def test_every_private_name_that_is_overridden_is_listed() -> None:
    found = {*overridden(tap_acumatica), *overridden(target_snowflake_merge)}
    assert found == OVERRIDDEN.keys()


@pytest.mark.parametrize("path", [*OVERRIDDEN, *USED])
def test_the_sdk_has_not_changed_it(path: str) -> None:
    signature = {**OVERRIDDEN, **USED}[path]
    found = at(path)
    if signature.startswith("self."):
        assert signature in inspect.getsource(found), "singer-sdk has changed this"
    elif signature:
        told = str(inspect.signature(found))
        assert told == signature, "singer-sdk has changed this"
