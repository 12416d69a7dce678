import { describe, expect, it, vi } from 'vitest';
import { api } from '../../src/api/client';
import { ApiError } from '../../src/api/errors';
import { ok, refused, serve } from '../fetch';

async function errorOf(promise: Promise<unknown>): Promise<ApiError> {
  const error = await promise.then(() => null, (reason: unknown) => reason);
  expect(error).toBeInstanceOf(ApiError);
  return error as ApiError;
}

describe('api', () => {
  it('takes the data out of the envelope', async () => {
    serve({ 'GET channels/demo': ok({ id: 'c1', name: 'demo' }) });
    expect(await api.channel('demo')).toEqual({ id: 'c1', name: 'demo' });
  });

  it('sends cookies of this origin only, JSON bodies, and no token', async () => {
    const fetch = vi.fn(async (_input: string, _init: RequestInit) => ok({ token: 't', userId: 'u', expiresAt: '' }));
    vi.stubGlobal('fetch', fetch);
    await api.login({ username: 'ann', password: 'a long password' });
    const [path, init] = fetch.mock.calls[0]!;
    expect(path).toBe('/api/auth/login');
    expect(init).toMatchObject({ method: 'POST', credentials: 'same-origin', body: '{"username":"ann","password":"a long password"}' });
    expect(init.headers).toEqual({ Accept: 'application/json', 'Content-Type': 'application/json' });
    expect(localStorage.length).toBe(0);
  });

  it('gives a request without a body no content type', async () => {
    const fetch = vi.fn(async (_input: string, _init: RequestInit) => ok({ streamKey: 'k' }));
    vi.stubGlobal('fetch', fetch);
    await api.rotateStreamKey('c1');
    expect(fetch.mock.calls[0]![1].body).toBeNull();
    expect(fetch.mock.calls[0]![1].headers).toEqual({ Accept: 'application/json' });
  });

  it('escapes names in paths', async () => {
    const calls = serve({});
    await errorOf(api.channel('../me?x'));
    expect(calls[0]!.path).toBe('channels/..%2Fme%3Fx');
  });

  it('reads a page and its cursor', async () => {
    const calls = serve({ 'GET channels?live=true&cursor=abc': ok([{ id: 'c1' }], { page: { cursor: 'next' } }) });
    expect(await api.channels({ live: true, cursor: 'abc' })).toEqual({ channels: [{ id: 'c1' }], cursor: 'next' });
    expect(calls).toHaveLength(1);
  });

  it('turns a refusal into an error with code, fields and wait', async () => {
    serve({ 'POST auth/register': refused(400, 'INVALID_REQUEST', 'Some fields need a change.', { fields: { username: 'Taken.' }, retryAfterMs: 1200 }) });
    const error = await errorOf(api.register({ username: 'ann', password: '0123456789' }));
    expect(error).toMatchObject({ code: 'INVALID_REQUEST', status: 400, fields: { username: 'Taken.' }, retryAfterMs: 1200, isRefusal: true });
    expect(error.message).toBe('Some fields need a change.');
  });

  it.each([
    [502, 'UNAVAILABLE', '<html><h1>Bad Gateway</h1></html>'],
    [503, 'UNAVAILABLE', ''],
    [429, 'RATE_LIMITED', 'slow down'],
    [413, 'PAYLOAD_TOO_LARGE', '<html>'],
    [500, 'BAD_ANSWER', '{"detail":"not our envelope"}'],
    [200, 'BAD_ANSWER', '<html>a captive portal</html>'],
    [200, 'BAD_ANSWER', 'null'],
    [200, 'BAD_ANSWER', '{"success":true,"da'],
  ])('survives an answer that is not ours: %i %s', async (status, code, body) => {
    serve({ 'GET me': new Response(body, { status }) });
    expect(await errorOf(api.me())).toMatchObject({ code, status });
  });

  it('reads Retry-After when there is no envelope', async () => {
    serve({ 'GET me': new Response('busy', { status: 503, headers: { 'Retry-After': '7' } }) });
    expect((await errorOf(api.me())).retryAfterMs).toBe(7000);
  });

  it('has no wait where none is named', async () => {
    serve({ 'GET me': new Response('busy', { status: 503 }) });
    expect((await errorOf(api.me())).retryAfterMs).toBeNull();
  });

  it('calls a lost connection NETWORK', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')));
    expect(await errorOf(api.me())).toMatchObject({ code: 'NETWORK', status: 0, isRefusal: false });
  });

  it('passes on that the caller gave up', async () => {
    const stop = new AbortController();
    vi.stubGlobal('fetch', (_input: string, { signal }: RequestInit) =>
      new Promise((_resolve, reject) => signal!.addEventListener('abort', () => reject(signal!.reason))));
    const request = api.me(stop.signal);
    stop.abort();
    await expect(request).rejects.toMatchObject({ name: 'AbortError' });
  });
});
