import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { zodFunction, zodResponseFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { HELLO, MODELS, calls, client, reset } from './gateway.mjs';

const Person = z.object({ name: z.string(), age: z.number().int() });
const City = z.object({ city: z.string() });

beforeEach(reset);

for (const model of MODELS) {
  test(`chat: ${model}`, async () => {
    const reply = await client().chat.completions.create({ model, messages: HELLO, temperature: 0.2, max_tokens: 50 });
    assert.equal(reply.model, model);
    assert.match(reply.choices[0].message.content, /hello/);
    assert.equal(reply.choices[0].finish_reason, 'stop');
    assert.ok(reply.usage.total_tokens > reply.usage.completion_tokens);
  });

  test(`a streamed chat: ${model}`, async () => {
    const stream = client().chat.completions.stream({ model, messages: HELLO, stream_options: { include_usage: true } });
    const pieces = [];
    stream.on('content', (delta) => pieces.push(delta));
    const whole = await stream.finalChatCompletion();
    assert.ok(pieces.length > 1);
    assert.equal(pieces.join(''), whole.choices[0].message.content);
    assert.ok((await stream.totalUsage()).completion_tokens > 0);
  });

  for (const stream of [false, true]) {
    test(`the loop over tools, ${stream ? 'streamed' : 'plain'}: ${model}`, async () => {
      const said = [];
      const run = (name) => ({ city }) => {
        said.push(`${name} of ${city}`);
        return name;
      };
      const runner = client().chat.completions.runTools({
        model,
        stream,
        messages: [{ role: 'user', content: 'use both tools' }],
        tools: [
          zodFunction({ name: 'weather', parameters: City, function: run('rain') }),
          zodFunction({ name: 'news', parameters: City, function: run('elections') }),
        ],
      });
      assert.match(await runner.finalContent(), /elections/);
      assert.deepEqual(said, ['rain of text', 'elections of text']);
      assert.equal((await calls()).length, 2);
    });
  }

  test(`structured output: ${model}`, async () => {
    const reply = await client().chat.completions.parse({
      model,
      messages: HELLO,
      response_format: zodResponseFormat(Person, 'person'),
    });
    assert.deepEqual(reply.choices[0].message.parsed, { name: 'text', age: 0 });
  });

  test(`an image: ${model}`, async () => {
    const url = 'data:image/png;base64,iVBORw0KGgo=';
    const content = [{ type: 'text', text: 'what is it?' }, { type: 'image_url', image_url: { url } }];
    await client().chat.completions.create({ model, messages: [{ role: 'user', content }] });
    assert.match(JSON.stringify((await calls())[0].body), /iVBORw0KGgo=/);
  });
}

test('several choices with their logprobs', async () => {
  const reply = await client().chat.completions.create({
    model: 'gpt-4o-mini', messages: HELLO, n: 2, logprobs: true, top_logprobs: 1,
  });
  assert.deepEqual(reply.choices.map((choice) => choice.index), [0, 1]);
  for (const choice of reply.choices) {
    assert.equal(choice.logprobs.content.map((one) => one.token).join(''), choice.message.content);
  }
});

test('completions of a prompt', async () => {
  const reply = await client().completions.create({ model: 'gpt-4o-mini', prompt: ['one', 'two'], max_tokens: 50 });
  assert.deepEqual(reply.choices.map((choice) => choice.index), [0, 1]);
  assert.match(reply.choices[1].text, /two/);
});

test('embeddings', async () => {
  const asked = { model: 'text-embedding-3-small', input: ['one', 'two'], dimensions: 4 };
  const packed = await client().embeddings.create(asked); // base64, by the client's choice
  const floats = await client().embeddings.create({ ...asked, encoding_format: 'float' });
  assert.deepEqual(packed.data.map((one) => one.embedding.length), [4, 4]);
  packed.data.forEach((one, place) =>
    one.embedding.forEach((number, at) => assert.ok(Math.abs(number - floats.data[place].embedding[at]) < 1e-6)));
});

test('models', async () => {
  const names = [];
  for await (const model of client().models.list()) names.push(model.id);
  assert.deepEqual(names, ['default', ...MODELS, 'text-embedding-3-small']);
  assert.equal((await client().models.retrieve('default')).id, 'default');
});
