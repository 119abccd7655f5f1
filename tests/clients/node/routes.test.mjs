import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { toFile } from 'openai';
import { client, reset } from './gateway.mjs';

const media = () => client({ baseURL: process.env.GUARDED, apiKey: process.env.MASTER });
const sound = () => toFile(Buffer.alloc(404), 'a.wav', { type: 'audio/wav' });

beforeEach(reset);

test('moderations', async () => {
  const reply = await media().moderations.create({ input: ['[[flag]]', 'a kind word'] });
  assert.deepEqual(reply.results.map((result) => result.flagged), [true, false]);
});

test('images', async () => {
  const made = await media().images.generate({ model: 'gpt-image-1', prompt: 'a lighthouse' });
  const picture = Buffer.from(made.data[0].b64_json, 'base64');
  assert.equal(picture.subarray(1, 4).toString(), 'PNG');
  const image = await toFile(picture, 'a.png', { type: 'image/png' });
  assert.equal((await media().images.edit({ model: 'gpt-image-1', image, prompt: 'at night' })).data.length, 1);
});

test('speech', async () => {
  const reply = await media().audio.speech.create({ model: 'gpt-4o-mini-tts', voice: 'alloy', input: 'Good morning' });
  assert.equal(reply.headers.get('content-type'), 'audio/mpeg');
  assert.ok((await reply.arrayBuffer()).byteLength > 1000);
});

test('transcriptions', async () => {
  const reply = await media().audio.transcriptions.create({ model: 'whisper-1', file: await sound() });
  assert.equal(reply.text, 'transcribe a.wav, 404 bytes');
  const stream = await media().audio.transcriptions.create({
    model: 'gpt-4o-mini-transcribe', file: await sound(), stream: true,
  });
  const kinds = [];
  for await (const event of stream) kinds.push(event.type);
  assert.equal(kinds.at(-1), 'transcript.text.done');
});

test('a file and a batch', async () => {
  const body = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: '[[say:yes]]' }] };
  const line = JSON.stringify({ custom_id: 'a', method: 'POST', url: '/v1/chat/completions', body });
  const source = await media().files.create({ file: await toFile(Buffer.from(line), 'a.jsonl'), purpose: 'batch' });
  let batch = await media().batches.create({
    input_file_id: source.id, endpoint: '/v1/chat/completions', completion_window: '24h',
  });
  while (['validating', 'in_progress'].includes(batch.status)) batch = await media().batches.retrieve(batch.id);
  assert.equal(batch.status, 'completed');
  const output = await (await media().files.content(batch.output_file_id)).json();
  assert.equal(output.response.body.choices[0].message.content, 'yes');
  assert.ok((await media().files.delete(source.id)).deleted);
});

test('a response that the provider keeps', async () => {
  const first = await media().responses.create({ model: 'gpt-4o-mini', input: 'hello', store: true });
  const asked = { model: 'gpt-4o-mini', input: 'go on', previous_response_id: first.id };
  const second = await media().responses.create(asked);
  assert.equal((await media().responses.retrieve(second.id)).output_text, second.output_text);
});
