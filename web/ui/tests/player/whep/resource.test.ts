import { describe, expect, it, vi } from 'vitest';
import { leavePlace, sentenceIn, takePlace } from '../../../src/player/whep/resource';
import { NotJoined, type Why } from '../../../src/player/whep/why';

const URL_OF = 'http://tally.test/whep/~TOKEN/demo';

function answers(status: number, body: string, headers: Record<string, string> = {}) {
  const fetched = vi.fn(async (_url: string, _init: RequestInit) => new Response(body, { status, headers }));
  vi.stubGlobal('fetch', fetched);
  return fetched;
}

async function whyNot(): Promise<Why> {
  const error: unknown = await takePlace(URL_OF, 'offer').catch((thrown: unknown) => thrown);
  if (!(error instanceof NotJoined)) throw new Error('it was joined');
  return error.why;
}

describe('a place on the server', () => {
  it('is asked for with the offer, and named relative to the address', async () => {
    const fetched = answers(201, 'answer', { Location: '/whep/session/n1.abc' });
    expect(await takePlace(URL_OF, 'offer')).toEqual({ answer: 'answer', location: 'http://tally.test/whep/session/n1.abc' });
    expect(fetched.mock.calls[0]).toMatchObject([URL_OF, { method: 'POST', body: 'offer', headers: { 'Content-Type': 'application/sdp' } }]);
  });

  it('is given back in a way that outlives the page', () => {
    const fetched = answers(200, '');
    leavePlace({ answer: '', location: 'http://tally.test/whep/session/n1.abc' });
    leavePlace({ answer: '', location: null });
    expect(fetched.mock.calls).toEqual([['http://tally.test/whep/session/n1.abc', { method: 'DELETE', keepalive: true }]]);
  });

  it('is refused with the server’s own sentence', async () => {
    answers(503, JSON.stringify({ success: false, error: { code: 'UNAVAILABLE', message: 'All places are taken.' } }));
    expect(await whyNot()).toEqual({ kind: 'refused', sentence: 'All places are taken.' });
    answers(406, 'Nothing in common.\n');
    expect(await whyNot()).toEqual({ kind: 'format', sentence: 'Nothing in common.' });
  });

  it('is refused in words of ours where there are none', async () => {
    answers(502, '<html><h1>Bad gateway</h1></html>');
    expect(await whyNot()).toMatchObject({ kind: 'refused', sentence: expect.stringContaining('no room') });
    answers(404, 'This channel is not live.');
    expect(await whyNot()).toEqual({ kind: 'over', sentence: '' });
  });

  it('is not there when no answer comes', async () => {
    vi.stubGlobal('fetch', async () => Promise.reject(new TypeError('failed')));
    expect((await whyNot()).kind).toBe('network');
  });
});

describe('the sentence of a refusal', () => {
  it.each([['', null], ['  ', null], ['x'.repeat(201), null], ['{"error":{}}', null], ['"quoted"', '"quoted"'], ['Full.', 'Full.']])('of %j is %j', (text, sentence) => {
    expect(sentenceIn(text)).toBe(sentence);
  });
});
