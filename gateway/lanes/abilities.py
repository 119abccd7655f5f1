"""What a model does and takes in: what the file says of it, else what LiteLLM's map does."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import litellm

from gateway.contract import Operation
from gateway.settings.models import ModelsFile
from gateway.settings.source import ConfigError, Location, near_miss

#: LiteLLM's word for what a model is for, and the operations it does then.
MODES: Mapping[str, frozenset[Operation]] = {
    "chat": frozenset({Operation.CHAT}),
    "completion": frozenset({Operation.CHAT}),
    "responses": frozenset({Operation.CHAT}),
    "embedding": frozenset({Operation.EMBEDDING}),
    "moderation": frozenset({Operation.MODERATION}),
    "image_generation": frozenset({Operation.IMAGE_GENERATION, Operation.IMAGE_EDIT}),
    "image_edit": frozenset({Operation.IMAGE_EDIT}),
    "audio_speech": frozenset({Operation.SPEECH}),
    "audio_transcription": frozenset({Operation.TRANSCRIPTION, Operation.TRANSLATION}),
}
#: Every word that LiteLLM's map has for what a model does.
KNOWN_MODES = frozenset(str(entry["mode"]) for entry in litellm.model_cost.values() if entry.get("mode")).union(MODES)
MODE, WINDOW, PREFILLS = "mode", "max_input_tokens", "supports_assistant_prefill"


class Abilities:
    """Of the entry ``index`` of ``model_list``, whose model LiteLLM calls ``model`` of ``provider``.

    Each method raises ConfigError, with the line, where what the file says makes no sense.
    """

    def __init__(self, models: ModelsFile, index: int, provider: str, model: str) -> None:
        self._models = models
        self._at: Location = ("model_list", index, "model_info")
        self._said = models.file.model_list[index].model_info
        self._model = model
        self._provider = provider
        self._keys = (f"{provider}/{model}", model)

    def modes(self) -> frozenset[Operation] | None:
        """The operations it is known to do; None where nobody knows it."""
        mode = self._said_mode() or self._listed_mode()
        if mode not in KNOWN_MODES:
            return None
        able = MODES.get(mode, frozenset())
        # Of a server that only speaks like OpenAI's, nobody knows whether it keeps responses.
        keeps = self._provider == "openai" and self._model in litellm.open_ai_chat_completion_models
        return able | {Operation.RESPONSES} if keeps and Operation.CHAT in able else able

    def window(self) -> int | None:
        """How many tokens it takes in; None where nobody says, for which LiteLLM's map also writes 0."""
        value = self._text(WINDOW, int) if self._says(WINDOW) else self._listed(WINDOW)
        whole = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 and value % 1 == 0
        if whole:
            return int(value) or None
        if self._says(WINDOW):
            raise self._wrong(WINDOW, "expected a whole number of tokens, 0 or more")
        return None

    def prefills(self) -> bool:
        """Whether it goes on with an answer whose beginning it is given as its own."""
        if not self._says(PREFILLS):
            return self._listed(PREFILLS) is True
        value = self._text(PREFILLS, {"true": True, "false": False}.__getitem__)
        if not isinstance(value, bool):
            raise self._wrong(PREFILLS, "expected true or false")
        return value

    def _says(self, key: str) -> bool:
        """Whether the file says anything; a key without a value says nothing."""
        return self._said.get(key) is not None or (*self._at, key) in self._models.unset

    def _text(self, key: str, read: Any) -> Any:
        """The file's value; from an environment variable it comes as a text."""
        value = self._said.get(key)
        if isinstance(value, str) and (*self._at, key) in self._models.sourced:
            with suppress(ValueError, KeyError):
                return read(value.lower())
        return value

    def _listed(self, key: str) -> Any:
        """What LiteLLM's map says of just this model; None where it says nothing."""
        values = (litellm.model_cost.get(name, {}).get(key) for name in self._keys)
        return next((value for value in values if value is not None), None)

    def _said_mode(self) -> str | None:
        mode = self._said.get(MODE)
        if not self._says(MODE):
            return None
        if not isinstance(mode, str):
            raise self._wrong(MODE, "expected text, as in 'chat'")
        hint = near_miss(mode, KNOWN_MODES)
        if hint and mode not in KNOWN_MODES:
            raise self._wrong(MODE, f"LiteLLM has no mode {mode!r}{hint}")
        return mode

    def _listed_mode(self) -> str | None:
        """Where the map lists the model by size or region only, what it says of all of these."""
        mode = self._listed(MODE)
        if mode:
            return str(mode)
        end = f"/{self._model}"
        modes = {entry.get(MODE) for key, entry in litellm.model_cost.items() if key.endswith(end)}
        return modes.pop() if len(modes) == 1 else None

    def _wrong(self, key: str, message: str) -> ConfigError:
        return ConfigError([self._models.problem((*self._at, key), f"'model_info.{key}': {message}")])
