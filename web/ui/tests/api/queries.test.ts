import { QueryClient } from '@tanstack/react-query';
import { describe, expect, it } from 'vitest';
import { ApiError } from '../../src/api/errors';
import { channelQuery, meQuery, patchChannelCache, retryDelay, shouldRetry } from '../../src/api/queries';
import { refused, serve } from '../fetch';

const refusal = (status: number) => new ApiError('NOT_FOUND', 'no', status);
const outage = new ApiError('UNAVAILABLE', 'later', 503);

describe('retries', () => {
  it.each([400, 401, 404, 409, 429])('never repeats a %i', (status) => {
    expect(shouldRetry(0, refusal(status))).toBe(false);
  });

  it('repeats everything else three times', () => {
    for (const error of [outage, new ApiError('NETWORK', 'gone', 0), new Error('odd')]) {
      expect([0, 1, 2, 3].map((failures) => shouldRetry(failures, error))).toEqual([true, true, true, false]);
    }
  });

  it('waits 1 s, 2 s, 4 s and at most 30 s', () => {
    expect([0, 1, 2, 10].map((failures) => retryDelay(failures, outage))).toEqual([1000, 2000, 4000, 30_000]);
  });

  it('waits as long as the server asks, up to 30 s', () => {
    const asking = (ms: number) => new ApiError('UNAVAILABLE', 'later', 503, {}, ms);
    expect(retryDelay(0, asking(7000))).toBe(7000);
    expect(retryDelay(0, asking(90_000))).toBe(30_000);
  });
});

describe('meQuery', () => {
  it('is null for an anonymous visitor', async () => {
    serve({ 'GET me': refused(401, 'UNAUTHORIZED', 'Sign in first.') });
    expect(await new QueryClient().fetchQuery(meQuery)).toBeNull();
  });

  it('fails when the server does', async () => {
    serve({ 'GET me': refused(503, 'UNAVAILABLE', 'Later.') });
    await expect(new QueryClient().fetchQuery(meQuery)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});

describe('patchChannelCache', () => {
  it('changes a channel that is known and invents none', () => {
    const client = new QueryClient();
    patchChannelCache(client, 'demo', { viewerCount: 9 });
    expect(client.getQueryData(channelQuery('demo').queryKey)).toBeUndefined();
    client.setQueryData(channelQuery('demo').queryKey, { name: 'demo', viewerCount: 1, title: 'T' } as never);
    patchChannelCache(client, 'demo', { viewerCount: 9 });
    expect(client.getQueryData(channelQuery('demo').queryKey)).toMatchObject({ viewerCount: 9, title: 'T' });
  });
});
