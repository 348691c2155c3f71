"""What can go wrong, in sentences for the person who runs the tap."""

from __future__ import annotations

from singer_sdk.exceptions import SingerSDKError


class AcumaticaError(Exception):
    """The tap cannot go on; the message says what is wrong, where, and what to do."""


class SettingError(AcumaticaError):
    """A setting is missing or wrong."""


class OutputError(AcumaticaError):
    """Nothing can be written to standard output any more."""


class RetryableError(AcumaticaError):
    """A request failed in a way that may pass.

    Attributes:
        retry_after: Seconds that the server asked us to wait, if it did.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class OverloadError(RetryableError):
    """A request was not managed; if its size was the cause, a smaller one may be."""


class StreamError(AcumaticaError):
    """One stream cannot be read; the others can."""


class InsufficientRightsError(StreamError):
    """The user may not open a form."""


class NotConfiguredError(StreamError):
    """The module behind an entity has not been set up."""


class NotFoundError(AcumaticaError):
    """There is nothing at an address, such as a record that has been deleted."""


class CannotOptimizeError(AcumaticaError):
    """A list cannot be read with these expansions, each record by its id can."""


class RefusedQueryError(AcumaticaError):
    """The server refuses what a query asks for; another query may be answered."""


class NotFilteredError(AcumaticaError):
    """A list holds rows that its filter should have left out."""


EXPLAINED = (AcumaticaError, SingerSDKError)
"""Errors whose messages say it all, so that a command needs no traceback."""
