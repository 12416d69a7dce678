"""A signed-in client of the API, as a script would write one."""

import json
import urllib.error
import urllib.request
from typing import Any

from tests.product import Product


class Account:
    """The API with a bearer token."""

    def __init__(self, product: Product, username: str, password: str) -> None:
        self._base = product.url + "/api/"
        self._token = ""
        status, answer = self.call("POST", "auth/login", {"username": username, "password": password})
        assert status == 200, answer
        self._token = answer["data"]["token"]

    @classmethod
    def admin(cls, product: Product) -> "Account":
        """The administrator of the first run."""
        first = product.first_run()
        return cls(product, first["adminUser"], first["adminPassword"])

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Call a route; return the status and the envelope."""
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(self._base + path, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)
