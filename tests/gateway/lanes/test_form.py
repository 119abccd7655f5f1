from __future__ import annotations

import email
import email.policy
from typing import Any

from gateway.contract import Upload
from gateway.lanes.form import encode, holds_files

SOUND = Upload("call.wav", b"RIFF\r\n--x\r\n", "audio/wav")


def parts(params: dict[str, Any]) -> list[tuple[str, str | None, str, bytes]]:
    """As the standard library reads them: name, file's name, content type, content."""
    body, kind = encode(params)
    message = email.message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body, policy=email.policy.HTTP)
    found = []
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        found.append((str(name), part.get_filename(), part.get_content_type(), content))
    return found


def test_fields_and_files_are_parts() -> None:
    sent = parts({"model": "whisper-1", "file": SOUND, "temperature": 0.5, "stream": True})
    assert sent == [
        ("model", None, "text/plain", b"whisper-1"),
        ("file", "call.wav", "audio/wav", SOUND.content),
        ("temperature", None, "text/plain", b"0.5"),
        ("stream", None, "text/plain", b"true"),
    ]


def test_lists_have_brackets_behind_their_names() -> None:
    sent = parts({"image": [SOUND, SOUND], "include": ["logprobs"]})
    assert [(name, content) for name, _, _, content in sent] == [
        ("image[]", SOUND.content),
        ("image[]", SOUND.content),
        ("include[]", b"logprobs"),
    ]


def test_objects_have_their_keys_in_brackets() -> None:
    sent = parts({"chunking_strategy": {"type": "server_vad", "threshold": 0.5}})
    assert [(name, content) for name, _, _, content in sent] == [
        ("chunking_strategy[type]", b"server_vad"),
        ("chunking_strategy[threshold]", b"0.5"),
    ]


def test_a_name_that_can_not_be_written_is_sent_all_the_same() -> None:
    assert b'filename="a?.wav"' in encode({"file": Upload("a\udc80.wav", b"x", "audio/wav")})[0]


def test_no_name_ends_its_header() -> None:
    evil = Upload('a".wav\r\nX-Evil: 1', b"x", "audio/wav\r\nX-Evil: 1")
    body, _ = encode({'na"me': evil})
    assert b"\r\nX-Evil" not in body
    assert b'name="na%22me"; filename="a%22.wav%0D%0AX-Evil: 1"' in body


def test_two_forms_have_two_boundaries() -> None:
    assert encode({"a": "b"})[1] != encode({"a": "b"})[1]


def test_a_form_is_for_files() -> None:
    assert holds_files({"file": SOUND}) and holds_files({"image": [SOUND]})
    assert not holds_files({"input": ["a"], "model": "m", "nothing": []})
