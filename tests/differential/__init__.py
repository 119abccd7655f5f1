"""The differential test: a recorded corpus, played through both lanes of the real gateway, must come out the same.

`corpus/*.yaml` holds requests, as a caller sends them, and replies, in the provider's own format, by theme. Each is
played against the provider double, plain and streamed, through three gateways:

    lean        the lean lane as it is shipped; plain calls are gathered from a stream
    whole       the lean lane with `upstream.plain: whole`
    litellm     every call through `litellm.acompletion`

and compared in four pairs: `plain` (whole and litellm), `stream` (lean and litellm, the chunks put together),
`gathered` (lean and whole) and, on OpenAI's wire, `recorded` (whole and what the provider said). Compared are what
reached the provider (path, headers, JSON body) and what the caller got (status, JSON or chunks, and whether each chunk
is well formed). A difference stands in `differences.yaml` with its reason, or the test fails; so does one that stands
there and no longer occurs.

After an upgrade of LiteLLM: `pytest tests/differential`. What fails is what LiteLLM changed. It belongs into the lean
lane or, with its reason, into `differences.yaml`.
"""
