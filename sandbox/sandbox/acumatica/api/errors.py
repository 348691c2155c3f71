"""Errors as the server words them.

Bodies are ``{"message", "exceptionMessage", "exceptionType", "stackTrace"}`` where an
exception lies behind the answer, and ``{"message"}`` where the answer is a refusal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterable

OPTIMIZATION = "PX.Api.ContractBased.OptimizedExport.CannotOptimizeException"
KEY_NOT_FOUND = "System.Collections.Generic.KeyNotFoundException"
NO_ENTITY = "PX.Api.ContractBased.NoEntitySatisfiesTheConditionException"
ODATA = "Microsoft.OData.ODataException"
API_USERS = "PX.Data.PXException"
SETUP = "PX.Data.PXSetupNotEnteredException"

PREFERENCES = {
    "AP": "Accounts Payable Preferences (AP101000)",
    "AR": "Accounts Receivable Preferences (AR101000)",
    "GL": "General Ledger Preferences (GL102000)",
    "PO": "Purchase Orders Preferences (PO101000)",
    "SO": "Sales Orders Preferences (SO101000)",
}
"""Where a module is configured, by the first letters of its forms."""


class AnswerError(Exception):
    """A request that is answered with an error.

    Args:
        status: The HTTP status.
        message: What the body's ``message`` says.
        exception: The .NET type and message behind the answer, if there is one.
    """

    def __init__(
        self, status: int, message: str, exception: tuple[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.exception = exception

    @override
    def __str__(self) -> str:
        detail = f" {self.exception[0]}: {self.exception[1]}" if self.exception else ""
        return f"{self.status} {self.message}{detail}"

    def body(self) -> dict[str, str]:
        """The JSON body of the answer."""
        if not self.exception:
            return {"message": self.message}
        exception_type, exception_message = self.exception
        return {
            "message": self.message,
            "exceptionMessage": exception_message,
            "exceptionType": exception_type,
            "stackTrace": (
                "   at PX.Api.ContractBased.ContractService.Handle(EntityImpl e)\r\n"
                "   at System.Web.Http.Controllers.ApiControllerActionInvoker.Invoke()"
            ),
        }


def failure(
    exception_type: str, exception_message: str, status: int = 500
) -> AnswerError:
    """An exception inside the server."""
    return AnswerError(
        status, "An error has occurred.", (exception_type, exception_message)
    )


def unknown_field(name: str) -> AnswerError:
    """A field in ``$select``, ``$expand`` or ``$filter`` that the entity lacks."""
    return failure(
        KEY_NOT_FOUND,
        f"The given key was not present in the dictionary. Field: {name}",
    )


def not_filterable(name: str) -> AnswerError:
    """A field that the list optimiser cannot filter on."""
    return not_optimizable([(name, name.partition("/")[0])])


def not_optimizable(causes: Iterable[tuple[str, str]]) -> AnswerError:
    """What the list optimiser cannot read.

    The spelling, line breaks included, is that of AcumaticaRESTAPIClientForCSharp#12.

    Args:
        causes: Fields, and the view behind each.
    """
    lines = (f"{field}: View {view} has BQL delegate\r\n" for field, view in causes)
    return failure(
        OPTIMIZATION,
        "Optimization cannot be performed.The following fields cause the error:\r\n"
        + "".join(lines),
    )


def not_configured(form: str) -> AnswerError:
    """An entity whose module nobody has set up yet.

    Args:
        form: The form behind the entity, such as AP303000.
    """
    preferences = PREFERENCES[form[:2]]
    return failure(
        SETUP,
        f"The required configuration data is not entered on the {preferences} form.",
    )
