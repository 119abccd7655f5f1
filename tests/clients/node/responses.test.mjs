import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { zodTextFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { BROKEN, MODELS, client, ended, reset, script, slowly } from './gateway.mjs';

const Person = z.object({ name: z.string(), age: z.number().int() });
const tool = (name) => ({
  type: 'function',
  name,
  description: name,
  strict: true,
  parameters: {
    type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false,
  },
});

beforeEach(reset);

for (const model of MODELS) {
  test(`a response: ${model}`, async () => {
    const reply = await client().responses.create({ model, input: 'hello', instructions: 'Be brief.' });
    assert.equal(reply.status, 'completed');
    assert.match(reply.output_text, /hello/);
    assert.ok(reply.usage.total_tokens > reply.usage.output_tokens);
  });

  test(`a streamed response: ${model}`, async () => {
    const stream = client().responses.stream({ model, input: 'hello' });
    const pieces = [];
    stream.on('response.output_text.delta', (event) => pieces.push(event.delta));
    const whole = await stream.finalResponse();
    assert.ok(pieces.length > 1);
    assert.equal(pieces.join(''), whole.output_text);
  });

  test(`tools and the turn that follows: ${model}`, async () => {
    const tools = [tool('weather'), tool('news')];
    const input = [{ role: 'user', content: 'use both tools' }];
    const first = await client().responses.stream({ model, input, tools }).finalResponse();
    const asked = first.output.filter((item) => item.type === 'function_call');
    assert.deepEqual(asked.map((item) => [item.name, JSON.parse(item.arguments)]), [
      ['weather', { city: 'text' }],
      ['news', { city: 'text' }],
    ]);
    // The items go back as they came, with what the client has made of them.
    const results = asked.map(({ call_id, name }) => ({ type: 'function_call_output', call_id, output: `by ${name}` }));
    const second = await client().responses.create({ model, input: [...input, ...first.output, ...results], tools });
    assert.match(second.output_text, /by news/);
  });

  test(`structured output: ${model}`, async () => {
    const text = { format: zodTextFormat(Person, 'person') };
    const reply = await client().responses.parse({ model, input: 'hello', text });
    assert.deepEqual(reply.output_parsed, { name: 'text', age: 0 });
  });

  test(`a broken stream never ends quietly: ${model}`, async () => {
    await script(BROKEN);
    const stream = await client().responses.create({ model, input: 'hello', stream: true });
    const kinds = [];
    await assert.rejects(async () => {
      for await (const event of stream) kinds.push(event.type);
      assert.ok(!kinds.includes('response.completed'));
      throw new Error(kinds.at(-1));
    }, /broke off|^Error: (error|response\.failed)$/);
    assert.equal(kinds[0], 'response.created');
  });
}

test('leaving in mid-stream', async () => {
  await slowly();
  const stream = await client().responses.create({ model: 'default', input: '[[words:40]]', stream: true });
  for await (const event of stream) {
    if (event.type === 'response.output_text.delta' && event.delta.includes('w2')) break;
  }
  const [call] = await ended();
  assert.equal(call.outcome, 'aborted');
});
