"""The running gateway held against its own document: by the document's examples, and by requests, right and wrong,
that are made of it. ``OPENAPI_EXAMPLES=500`` makes more of them, among them those that cover each bound of all bodies.
"""

from __future__ import annotations

import json
import os
import re
from copy import deepcopy
from fnmatch import fnmatchcase
from typing import Any

import httpx
import pytest
import schemathesis
from schemathesis import Case
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from gateway.http.openapi.document import document
from gateway.http.openapi.row import FORM
from tests.conftest import Start
from tests.double.client import Double
from tests.support.gateway import GatewayProcess, models

KEY = "the-administrator-s-key"
BEARER = {"Authorization": f"Bearer {KEY}"}
#: Which model does what is asked at the paths that have these words; the first that fits.
DOERS = {
    "mbed": "text-embedding-3-small",
    "moderations": "omni-moderation-latest",
    "images/": "gpt-image-1",
    "audio/speech": "tts-1",
    "audio/trans": "whisper-1",
    "": "default",
}
MEDIA = ("omni-moderation-latest", "gpt-image-1", "tts-1", "whisper-1")
#: What OpenAI keeps, so that OpenAI says what there is not.
KEPT = re.compile(r"/v1/(files|batches|responses/)")
ASKED = os.environ.get("OPENAPI_EXAMPLES")
#: Routes with bodies so rich that to cover each of their bounds takes minutes.
RICH = r"/(completions|responses|messages|count_tokens)$|/v1beta/.*:"
#: The same endpoints as at /v1beta and /ai/router/.
TWICE = r"^/v1/models/.*:|^/ai/router$"
#: Where Google's clients may write a value in several ways, of which the document tells one; a form has but texts.
LENIENT = "/v1beta/"
#: A schema can't say that two fields don't go together.
UNSAID = [positive_data_acceptance]
WRONG_TAKEN = [negative_data_rejection]


def _schema(*, coverage: bool) -> schemathesis.BaseSchema:
    told = deepcopy(document())
    # schemathesis sends as a file only what can be nothing else, and not what can be a list of them too.
    image = told["components"]["schemas"]["ImageEditBody"]["properties"]["image"]
    image |= image.pop("anyOf")[0]
    made = schemathesis.openapi.from_dict(told)
    # Headers that nobody knows are no mistake.
    made.config.generation.update(max_examples=int(ASKED or 12), deterministic=True, allow_extra_parameters=False)
    made.config.phases.coverage.enabled = coverage or ASKED is not None
    return made


PLAIN, DEEP = _schema(coverage=True), _schema(coverage=False)


@pytest.fixture(scope="module")
def keyed(start_shared: Start, double: Double) -> GatewayProcess:
    """With models for all that can be asked for."""
    file = models(double.gemini_base, double.openai_base)
    for name in MEDIA:
        own = {"model": f"openai/{name}", "api_base": double.openai_base, "api_key": "os.environ/OPENAI_API_KEY"}
        file["model_list"].append({"model_name": name, "litellm_params": own})
    return start_shared(env={"GATEWAY_MASTER_KEY": KEY}, models=file)


@PLAIN.exclude(path_regex=f"{RICH}|{TWICE}").parametrize()
def test_a_plain_route_answers_as_documented(case: Case[Any], keyed: GatewayProcess, double: Double) -> None:
    _check(case, keyed, double)


@DEEP.include(path_regex=RICH).exclude(path_regex=TWICE).parametrize()
def test_a_rich_route_answers_as_documented(case: Case[Any], keyed: GatewayProcess, double: Double) -> None:
    _check(case, keyed, double)


def _check(case: Case[Any], keyed: GatewayProcess, double: Double) -> None:
    """No fault, no status, type, header or body that is not documented, and no provider's call for what is refused."""
    _name_real_things(case, keyed)
    response = case.call(base_url=keyed.url, headers=BEARER, timeout=30)
    calls = double.calls()
    if calls:
        double.reset()
    lenient = WRONG_TAKEN if case.path.startswith(LENIENT) or case.media_type == FORM else []
    case.validate_response(response, headers=BEARER, excluded_checks=[*UNSAID, *lenient])
    assert response.status_code < 400 or not calls or _positive(case) or KEPT.match(case.path)


def _positive(case: Case[Any]) -> bool:
    """Whether it is as the document has it, so that only a provider can find fault with it."""
    return case.meta is not None and case.meta.generation.mode.is_positive


def _name_real_things(case: Case[Any], keyed: GatewayProcess) -> None:
    """Right requests are of a model or a thing that there is, and give it time."""
    if not _positive(case):
        return
    model = _doer(case.path)
    if isinstance(case.body, dict) and "model" in case.body and not case.path.startswith(LENIENT):
        case.body["model"] = model
    for name in case.path_parameters:
        case.path_parameters[name] = _made(case.path, keyed) if KEPT.match(case.path) else model
    if isinstance(case.body, dict) and "input_file_id" in case.body:
        case.body["input_file_id"] = _made("/v1/files/", keyed)
    if "X-Ivy-Timeout" in case.headers:
        case.headers["X-Ivy-Timeout"] = "10"


def _doer(path: str) -> str:
    return next(model for word, model in DOERS.items() if word in path)


def _made(path: str, keyed: GatewayProcess) -> str:
    """The id of something new that OpenAI keeps, of the kind that is at ``path``."""
    with keyed.client(**BEARER) as client:
        if path.startswith("/v1/files"):
            line = {"custom_id": "a", "method": "POST", "url": "/v1/embeddings", "body": {"model": _doer("embeddings")}}
            made = client.post("/v1/files", data={"purpose": "batch"}, files={"file": json.dumps(line).encode()})
        elif path.startswith("/v1/batches"):
            body = {"endpoint": "/v1/embeddings", "completion_window": "24h"}
            made = client.post("/v1/batches", json={**body, "input_file_id": _made("/v1/files", keyed)})
        else:
            body = {"model": "gpt-4o-mini", "input": "Hello"}
            made = client.post("/v1/responses", json={**body, "store": True, "background": True})
    name: str = made.json()["id"]
    return name


def _examples() -> list[Any]:
    return [
        pytest.param(path, method, id=f"{method} {path}")
        for path, methods in document()["paths"].items()
        for method in methods
    ]


@pytest.mark.parametrize(("path", "method"), _examples())
def test_the_example_of_each_route_works(path: str, method: str, keyed: GatewayProcess, provider: Double) -> None:
    operation = document()["paths"][path][method]
    content = operation.get("requestBody", {}).get("content", {})
    sent = _sent(content)
    if KEPT.match(path) and "json" in sent:
        sent["json"] = {**sent["json"], "input_file_id": _made("/v1/files", keyed)}
    for one in operation["parameters"]:
        if one.get("in") == "path":
            name = _made(path, keyed) if KEPT.match(path) else one["example"]
            path = path.replace(f"{{{one['name']}}}", name)
    with keyed.client(**BEARER, **{"X-User-ID": "maya"}) as client:
        response = client.request(method, path, **sent)
    assert response.status_code == httpx.codes.OK, response.text
    kind = response.headers["content-type"].partition(";")[0]
    assert [told for told in operation["responses"]["200"]["content"] if fnmatchcase(kind, told)]


def _sent(content: dict[str, Any]) -> dict[str, Any]:
    """The example of a body, as httpx takes it; in a form's, ``@`` stands before the name of a file."""
    if "application/json" in content:
        return {"json": content["application/json"]["example"]}
    form = content.get("multipart/form-data", {}).get("example", {})
    files = {name: (value[1:], b"\x00 some bytes") for name, value in form.items() if value.startswith("@")}
    return {"data": {name: value for name, value in form.items() if name not in files}, "files": files} if form else {}


def test_both_ask_for_the_key(keyed: GatewayProcess) -> None:
    with keyed.client() as client:
        assert [client.get(path).status_code for path in ("/openapi.json", "/docs")] == [401, 401]


def test_the_page_needs_nothing_from_elsewhere(keyed: GatewayProcess) -> None:
    with keyed.client(**BEARER) as client:
        response = client.get("/docs")
    assert response.headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'"
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert not [word for word in ("<script", "src=", "url(", "@import", "<link", "<iframe") if word in response.text]
