"""Which streams there are, from the table, the settings, the endpoint and a catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from singer_sdk.singerlib import Catalog

from tap_acumatica.catalog import custom_paths
from tap_acumatica.errors import (
    AcumaticaError,
    NotFoundError,
    SettingError,
    StreamError,
)
from tap_acumatica.schema import Structure
from tap_acumatica.stream_specs import REPLICATION_KEY, StreamSpec, proposal, specs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from logging import Logger

    from tap_acumatica.instance import Instance


class Discovered(NamedTuple):
    """A stream that was found.

    Attributes:
        spec: The stream.
        structure: How its records are made up in the tenant's endpoint.
        refusal: Why it must not be read, if so.
    """

    spec: StreamSpec
    structure: Structure
    refusal: StreamError | None = None


class Discovery:
    """Finds the streams of an instance."""

    def __init__(
        self,
        instance: Instance,
        settings: Mapping[str, Any],
        catalog: Catalog | None,
        logger: Logger,
    ) -> None:
        """Prepare; nothing is asked for yet.

        Args:
            instance: What describes its endpoint.
            settings: The valid settings.
            catalog: What is selected; None where all streams are.
            logger: Where to say what is left out.
        """
        self._instance = instance
        self._settings = settings
        self._catalog = catalog
        self._logger = logger

    def streams(self) -> Iterator[Discovered]:
        """Yield a stream for each entity of the table and of the settings.

        A stream that the catalog selects and that is not there any more is one of them,
        so that the run reads the others and fails at its end: a table that is no longer
        kept up to date must not go unnoticed.

        Raises:
            AcumaticaError: The settings name what is not there, or it cannot be asked.
        """
        found = self._found()
        yield from map(self._described, found)
        lost = self._selected().difference(spec.name for spec in found)
        yield from map(self._lost, sorted(lost))

    def _found(self) -> list[StreamSpec]:
        endpoint = self._instance.endpoint
        wanted = specs(self._settings["entities"])
        there = set(self._instance.swagger.entities)
        missing = [spec for spec in wanted if spec.entity not in there]
        if wrong := [spec.entity for spec in missing if spec.is_setting]:
            raise SettingError(
                f"Setting 'entities' names {', '.join(wrong)}, which endpoint "
                f"{endpoint} does not have; `acumatica endpoints` lists its entities."
            )
        if missing:
            names = ", ".join(spec.entity for spec in missing)
            self._logger.warning("Endpoint %s has no %s.", endpoint, names)
        found = [spec for spec in wanted if spec.entity in there]
        if not found:
            raise SettingError(
                f"Endpoint {endpoint} has none of the built-in entities; name its own "
                "in setting 'entities' (`acumatica endpoints` lists them)."
            )
        return found

    def _lost(self, name: str) -> Discovered:
        refusal = StreamError(
            f"The catalog selects {name}, which neither endpoint "
            f"{self._instance.endpoint} nor setting 'entities' has. Deselect it, or "
            "discover again."
        )
        return Discovered(StreamSpec(name, name), Structure(), refusal)

    def _described(self, spec: StreamSpec) -> Discovered:
        structure = self._structure(spec)
        if structure.undescribed:
            self._logger.warning(
                "%s: the endpoint's swagger.json does not describe %s in the way of "
                "contract-based endpoints, so this is left out.",
                spec.name,
                ", ".join(structure.undescribed),
            )
        if not self._is_selected(spec.name):
            return Discovered(spec, structure)
        refusal = self._customise(spec, structure)
        if sentence := proposal(spec, structure.fields):
            self._logger.warning(sentence)
        return Discovered(spec, structure, refusal)

    def _selected(self) -> set[str]:
        """Return the streams that the catalog selects."""
        return {name for name in self._catalog or () if self._is_selected(name)}

    def _structure(self, spec: StreamSpec) -> Structure:
        """Return how an entity's records are made up in the tenant's endpoint."""
        swagger = self._instance.swagger
        expand = swagger.nested(spec.entity) if spec.expand is None else spec.expand
        missing = swagger.missing(spec.entity, expand)
        if missing and spec.is_setting:
            raise SettingError(
                f"Setting 'entities' expands {', '.join(missing)}, which {spec.entity} "
                f"does not have in endpoint {self._instance.endpoint}."
            )
        structure = swagger.structure(
            spec.entity, [path for path in expand if path not in missing]
        )
        try:
            list(map(structure.filtered_as, spec.key))
        except KeyError as error:
            raise SettingError(
                f"Setting 'entities' names {error.args[0]} in the key of {spec.entity},"
                " which has no field of that name with one value."
            ) from error
        key = structure.fields.get(spec.replication_key, {})
        if (
            spec.is_setting
            and key.get("format") != "date-time"
            and (spec.replication_key != REPLICATION_KEY)
        ):
            raise SettingError(
                f"Setting 'entities' names {spec.replication_key} as the replication "
                f"key of {spec.entity}, which has no date-time field of that name."
            )
        return structure

    def _is_selected(self, stream: str) -> bool:
        """Tell whether a stream is to be read: without a catalog, each is."""
        if self._catalog is None:
            return True
        entry = self._catalog.get_stream(stream)
        return bool(entry and entry.metadata.resolve_selection().get((), True))

    def _selected_custom(self, stream: str) -> list[str]:
        """Return the custom fields that the catalog selects, lines included."""
        entry = (self._catalog or Catalog()).get_stream(stream)
        if not entry:
            return []
        mask = entry.metadata.resolve_selection()
        return list(custom_paths(entry.schema.to_dict(), mask))

    def _customise(self, spec: StreamSpec, structure: Structure) -> StreamError | None:
        """Add the custom fields of an entity, as far as the settings want them.

        Returns:
            Why the stream must not be read, if so: without a custom field that the
            catalog selects, a target would put nothing in the place of its values. To
            drop it from the schema would not help where `custom`, or the array of the
            lines, is one column.
        """
        patterns = self._settings["custom_fields"]
        cause = "the server does not tell them or setting custom_fields leaves them out"
        try:
            structure.add_custom(self._template(spec) if patterns else {}, patterns)
        except (StreamError, NotFoundError) as error:
            self._logger.warning("%s: no custom fields: %s", spec.name, error)
            cause = f"the server does not tell them ({error})"
        added = set(structure.whole().customised())
        lost = [path for path in self._selected_custom(spec.name) if path not in added]
        if not lost:
            return None
        return StreamError(
            f"The catalog selects custom fields of {spec.name}, such as {lost[0]}, but "
            f"{cause}. Give the user's role the form, have custom_fields take them, or "
            "discover again to go on without them."
        )

    def _template(self, spec: StreamSpec) -> dict[str, Any]:
        """Return the ad-hoc schema of an entity, which names its custom fields."""
        try:
            return self._instance.template(spec.entity)
        except (StreamError, NotFoundError):
            raise
        except AcumaticaError as error:
            raise AcumaticaError(
                f"{spec.name}: its custom fields cannot be found ({error}). If that "
                "stays so, set custom_fields to [] and discover again to read all "
                "streams without any."
            ) from error
