"""What the control API answers when it will not do what was asked: a status and one line of text."""

from __future__ import annotations

from http import HTTPStatus

BAD_BODY = "bad request body: "


class Refusal(Exception):
    """The request is answered with `status` and `{"error": text, "status": status}`.

    `text` is Toxiproxy's where Toxiproxy has one, since clients compare it.
    """

    def __init__(self, status: HTTPStatus, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text

    def fields(self) -> dict[str, str | int]:
        """What it says, as Toxiproxy's JSON has it."""
        return {"error": self.text, "status": self.status.value}


def bad_request(text: str) -> Refusal:
    """A 400 for a body that cannot be understood, with Toxiproxy's prefix."""
    return Refusal(HTTPStatus.BAD_REQUEST, f"{BAD_BODY}{text}")
