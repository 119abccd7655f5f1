// The gateway as a client of OpenAI's, and the provider's double as a test drives it.
import OpenAI from 'openai';
import { setTimeout as pause } from 'node:timers/promises';

export const MODELS = ['gemini-2.0-flash', 'gpt-4o-mini'];
export const HELLO = [{ role: 'user', content: 'hello' }];
export const DOWN = { kind: 'status', status: 500 };
export const BUSY = { kind: 'status', status: 429, retry_after: 9 };
export const BROKEN = { kind: 'error_event', after_chunks: 3 };
export const SILENT = { kind: 'silence' };

export const client = (options = {}) =>
  new OpenAI({ baseURL: process.env.GATEWAY, apiKey: 'unused', maxRetries: 0, ...options });

const double = async (name, body) => {
  const reply = await fetch(`${process.env.DOUBLE}/_double/${name}`, body && { method: 'POST', body: JSON.stringify(body) });
  return reply.json();
};

export const reset = async () => {
  await double('reset', {});
  await double('settings', { chunk_interval_ms: 0 });
};
export const script = (...faults) => double('script', { provider: 'any', faults, then: 'repeat' });
export const slowly = () => double('settings', { chunk_interval_ms: 100 });
export const calls = async () => (await double('calls')).calls;

// The calls once the first has ended.
export const ended = async () => (await double('calls?wait_for=1&timeout=10')).calls;

// Returns once a provider is asked.
export const asked = async () => {
  while (!(await calls()).length) await pause(20);
};
