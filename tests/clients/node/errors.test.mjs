import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import OpenAI from 'openai';
import { BROKEN, BUSY, DOWN, HELLO, MODELS, SILENT, asked, calls, client, ended, reset, script, slowly } from './gateway.mjs';

const chat = (more = {}, options = {}) =>
  client().chat.completions.create({ model: 'default', messages: HELLO, ...more }, options);
const refused = async (promise) => promise.then(() => assert.fail('it was answered'), (error) => error);

beforeEach(reset);

test('what is refused here', async () => {
  const bad = await refused(chat({ temperature: 9 }));
  assert.ok(bad instanceof OpenAI.BadRequestError);
  assert.equal(bad.param, 'temperature');
  const unknown = await refused(chat({ api_base: 'http://127.0.0.1:9' }));
  assert.ok(unknown instanceof OpenAI.BadRequestError);
  assert.deepEqual([unknown.code, unknown.param], ['unknown_parameter', 'api_base']);
  const missing = await refused(chat({ model: 'gpt-9' }));
  assert.ok(missing instanceof OpenAI.NotFoundError);
  assert.match(missing.message, /gpt-4o-mini/);
  assert.deepEqual(await calls(), []);
});

test('a wrong key', async () => {
  const wrong = client({ baseURL: process.env.GUARDED });
  const error = await refused(wrong.chat.completions.create({ model: 'default', messages: HELLO }));
  assert.ok(error instanceof OpenAI.AuthenticationError);
  const right = client({ baseURL: process.env.GUARDED, apiKey: process.env.MASTER });
  assert.ok((await right.chat.completions.create({ model: 'default', messages: HELLO })).choices.length);
});

for (const model of MODELS) {
  for (const stream of [false, true]) {
    test(`a provider that fails, ${stream ? 'streamed' : 'plain'}: ${model}`, async () => {
      await script(BUSY);
      const busy = await refused(chat({ model, stream }));
      assert.ok(busy instanceof OpenAI.RateLimitError);
      assert.ok(Number(busy.headers.get('retry-after')) <= 9);
      await script(DOWN);
      const down = await refused(chat({ model, stream }));
      assert.ok(down instanceof OpenAI.InternalServerError);
      assert.equal(down.status, 503);
      assert.ok(down.requestID);
    });
  }

  test(`a broken stream never ends quietly: ${model}`, async () => {
    await script(BROKEN);
    const stream = await chat({ model, stream: true });
    let seen = 0;
    const error = await refused((async () => {
      for await (const chunk of stream) seen += chunk.choices.length;
    })());
    assert.ok(error instanceof OpenAI.APIError);
    assert.match(error.message, /broke off/);
    assert.ok(seen);
  });

  test(`the client's own timeout: ${model}`, async () => {
    await script(SILENT);
    const error = await refused(chat({ model }, { timeout: 500 }));
    assert.ok(error instanceof OpenAI.APIConnectionTimeoutError);
    assert.equal((await ended())[0].outcome, 'aborted');
  });

  test(`leaving in mid-stream: ${model}`, async () => {
    await slowly();
    const stream = await chat({ model, messages: [{ role: 'user', content: '[[words:40]]' }], stream: true });
    for await (const chunk of stream) {
      if (chunk.choices[0]?.delta.content?.includes('w2')) stream.controller.abort();
    }
    const [call] = await ended();
    assert.equal(call.outcome, 'aborted');
    assert.ok(call.chunks_sent < 40);
  });
}

test('an aborted call', async () => {
  await script(SILENT);
  const controller = new AbortController();
  const answer = refused(chat({}, { signal: controller.signal }));
  await asked();
  controller.abort();
  assert.ok((await answer) instanceof OpenAI.APIUserAbortError);
  assert.equal((await ended())[0].outcome, 'aborted');
});
