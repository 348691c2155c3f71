"""Errors as the server words them.

Bodies are ``{"message", "exceptionMessage", "exceptionType", "stackTrace"}`` where an
exception lies behind the answer, and ``{"message"}`` where the answer is a refusal.
"""

from __future__ import annotations

from typing_extensions import override

OPTIMIZATION = "PX.Api.ContractBased.OptimizedExport.CannotOptimizeException"
KEY_NOT_FOUND = "System.Collections.Generic.KeyNotFoundException"
NO_ENTITY = "PX.Api.ContractBased.NoEntitySatisfiesTheConditionException"
ODATA = "Microsoft.OData.ODataException"
API_USERS = "PX.Data.PXException"


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
    return failure(
        OPTIMIZATION,
        "Optimization cannot be performed. The following fields cause the error: "
        f"{name}: View {name.partition('/')[0]} has BQL delegate",
    )
