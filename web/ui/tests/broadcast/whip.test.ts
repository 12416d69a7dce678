import { beforeEach, describe, expect, it, vi } from 'vitest';
import { USUAL } from '../../src/broadcast/quality';
import { WhipError, WhipSession, type WhipOptions } from '../../src/broadcast/whip';
import { FakeStream, FakeTrack } from './fake-media';
import { created, FakePeer } from './fake-peer';

interface Request extends RequestInit {
  url: string;
  headers: Record<string, string>;
}
let requests: Request[];

function answer(...responses: (Response | Error)[]): void {
  requests = [];
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    requests.push({ ...init, url, headers: init.headers as Record<string, string> });
    const response = responses.shift() ?? new Response(null, { status: 200 });
    if (response instanceof Error) throw response;
    return response;
  });
}

const track = (kind: 'video' | 'audio') => new FakeTrack(kind, kind, { width: 1920, height: 1080 }) as unknown as MediaStreamTrack;
const options = (change: Partial<WhipOptions> = {}): WhipOptions => ({
  url: '/whip/demo', key: 'pub_1', picture: track('video'), sound: track('audio'), quality: USUAL, signal: new AbortController().signal, onLost: () => undefined, ...change,
});
const failure = (promise: Promise<unknown>): Promise<WhipError> => promise.then(() => Promise.reject(new Error('it did not fail')), (error: WhipError) => error);

beforeEach(() => {
  FakePeer.install();
  vi.stubGlobal('MediaStream', FakeStream);
});

describe('a session', () => {
  it('is one POST with the key, and media flows', async () => {
    answer(created());
    await WhipSession.open(options());
    expect(requests).toHaveLength(1);
    expect(requests[0]).toMatchObject({ method: 'POST', url: '/whip/demo', headers: { Authorization: 'Bearer pub_1', 'Content-Type': 'application/sdp' } });
    expect(requests[0]!.body).toContain('m=video');
    expect(FakePeer.last.preferences[0]!.sdpFmtpLine).toContain('packetization-mode=1');
    expect(FakePeer.last.remoteDescription!.sdp).toContain('x-google-start-bitrate=1500');
    expect(FakePeer.last.senders[0]!.parameters.encodings[0]).toEqual({ maxBitrate: 2_500_000, maxFramerate: 30, scaleResolutionDownBy: 1.5 });
  });

  it('is deleted at its own address on this origin, also while the page goes away, and once', async () => {
    answer(created());
    const session = await WhipSession.open(options());
    await session.close();
    await session.close();
    expect(requests.slice(1)).toEqual([expect.objectContaining({ method: 'DELETE', url: '/whip/session/n1.abc', keepalive: true, headers: { Authorization: 'Bearer pub_1' } })]);
    expect(FakePeer.last.connectionState).toBe('closed');
  });

  it('changes picture and quality without another negotiation', async () => {
    answer(created());
    const session = await WhipSession.open(options());
    const screen = track('video');
    await session.replacePicture(screen, { ...USUAL, height: 1080 });
    expect(FakePeer.last.senders[0]).toMatchObject({ track: screen, parameters: { encodings: [{ maxBitrate: 4_500_000, scaleResolutionDownBy: 1 }] } });
    await session.setQuality({ ...USUAL, height: 360 });
    expect(FakePeer.last.senders[0]!.parameters.encodings[0]).toMatchObject({ maxBitrate: 700_000, scaleResolutionDownBy: 3 });
    expect(requests).toHaveLength(1);
  });

  it('sends candidates that come late, with the ETag', async () => {
    vi.useFakeTimers();
    answer(created());
    await WhipSession.open(options());
    FakePeer.last.onicecandidate?.({ candidate: { candidate: 'candidate:9 1 udp 1 192.0.2.7 9 typ relay' } });
    FakePeer.last.onicecandidate?.({ candidate: null });
    await vi.advanceTimersByTimeAsync(200);
    expect(requests[1]).toMatchObject({ method: 'PATCH', url: '/whip/session/n1.abc', headers: { 'Content-Type': 'application/trickle-ice-sdpfrag', 'If-Match': '"e1"' } });
    expect(requests[1]!.body).toContain('a=ice-ufrag:abcd\r\na=ice-pwd:secret\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\na=candidate:9 1 udp 1 192.0.2.7 9 typ relay\r\na=end-of-candidates');
  });

  it('keeps the servers that the answer names for the next one', async () => {
    answer(created({ Link: '<stun:stun.example>; rel="ice-server"' }));
    const session = await WhipSession.open(options());
    expect(session.servers).toEqual([{ urls: 'stun:stun.example' }]);
    answer(created());
    await WhipSession.open(options({ servers: session.servers }));
    expect(FakePeer.last.configuration.iceServers).toEqual([{ urls: 'stun:stun.example' }]);
  });

  it('waits a moment before it calls a broken connection lost', async () => {
    vi.useFakeTimers();
    answer(created());
    const onLost = vi.fn();
    await WhipSession.open(options({ onLost }));
    FakePeer.last.turn('disconnected');
    await vi.advanceTimersByTimeAsync(2000);
    FakePeer.last.turn('connected');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(onLost).not.toHaveBeenCalled();
    FakePeer.last.turn('disconnected');
    await vi.advanceTimersByTimeAsync(4100);
    expect(onLost).toHaveBeenCalledTimes(1);
  });

  it('knows at once that the server closed it, and tells it once', async () => {
    answer(created());
    const onLost = vi.fn();
    await WhipSession.open(options({ onLost }));
    const { transport } = FakePeer.last.senders[0]!;
    transport.state = 'closed';
    transport.onstatechange!();
    FakePeer.last.turn('failed');
    expect(onLost.mock.calls).toEqual([['cut']]);
  });

  it('sends nothing after its end, and closes the connection after the goodbye: before it, the server would wait for a return', async () => {
    let answerGoodbye: (response: Response) => void = () => undefined;
    answer(created());
    const session = await WhipSession.open(options());
    vi.stubGlobal('fetch', () => new Promise((resolve) => (answerGoodbye = resolve)));
    const closing = session.close();
    expect(FakePeer.last.senders.map(({ track }) => track)).toEqual([null, null]);
    expect(FakePeer.last.connectionState).toBe('connected');
    answerGoodbye(new Response(null));
    await closing;
    expect(FakePeer.last.connectionState).toBe('closed');
  });

  it('does not wait for a server that is gone', async () => {
    vi.useFakeTimers();
    answer(created());
    const session = await WhipSession.open(options());
    vi.stubGlobal('fetch', () => new Promise(() => undefined));
    void session.close();
    await vi.advanceTimersByTimeAsync(3000);
    expect(FakePeer.last.connectionState).toBe('closed');
  });

  it('says no goodbye when it is dropped', async () => {
    answer(created());
    (await WhipSession.open(options())).drop();
    expect([requests.length, FakePeer.last.connectionState]).toEqual([1, 'closed']);
  });

  it('does not call lost what it closed itself', async () => {
    answer(created());
    const onLost = vi.fn();
    await (await WhipSession.open(options({ onLost }))).close();
    expect(onLost).not.toHaveBeenCalled();
  });
});

describe('a refusal', () => {
  const json = (status: number, message: string, headers: Record<string, string> = {}) => Response.json({ success: false, error: { code: 'X', message } }, { status, headers });

  it.each<[string, Response, Partial<WhipError>]>([
    ['another publisher', json(409, 'Already live.'), { kind: 'conflict', said: 'Already live.', status: 409 }],
    ['a wrong key', json(403, 'This stream key is not valid.'), { kind: 'refused', said: 'This stream key is not valid.' }],
    ['no codec', new Response('No codec.', { status: 406, headers: { 'Content-Type': 'text/plain' } }), { kind: 'codec', said: 'No codec.' }],
    ['no WebRTC', json(503, 'Off.', { 'Retry-After': '3' }), { kind: 'unavailable', retryAfterMs: 3000 }],
    ['a proxy', new Response('<html>Bad gateway</html>', { status: 502, headers: { 'Content-Type': 'text/html' } }), { kind: 'unavailable', said: '' }],
  ])('for %s is known by its kind', async (_name, response, known) => {
    answer(response);
    expect(await failure(WhipSession.open(options()))).toMatchObject(known);
    expect(FakePeer.last.connectionState).toBe('closed');
    expect(requests).toHaveLength(1);
  });

  it('of the network is one that may pass; of the server none', async () => {
    answer(new TypeError('Failed to fetch'));
    const error = await failure(WhipSession.open(options()));
    expect([error.kind, error.isPassing]).toEqual(['network', true]);
    expect(new WhipError('refused').isPassing).toBe(false);
  });

  it('comes from us where the browser has no H.264', async () => {
    answer();
    FakePeer.codecs = [{ mimeType: 'video/VP8', clockRate: 90_000 }];
    expect((await failure(WhipSession.open(options()))).kind).toBe('codec');
    expect(requests).toEqual([]);
  });
});

describe('a way that is blocked', () => {
  it('is told apart from a server that is away, and the resource is given back', async () => {
    answer(created());
    FakePeer.becomes = 'failed';
    expect((await failure(WhipSession.open(options()))).kind).toBe('blocked');
    expect(requests.map(({ method }) => method)).toEqual(['POST', 'DELETE']);
  });

  it('on the way back leaves the stream to be waited for', async () => {
    answer(created());
    FakePeer.becomes = 'failed';
    expect((await failure(WhipSession.open(options({ isReturn: true })))).kind).toBe('blocked');
    expect(requests.map(({ method }) => method)).toEqual(['POST']);
  });

  it('is given up after a while', async () => {
    vi.useFakeTimers();
    answer(created());
    FakePeer.becomes = null;
    const opening = failure(WhipSession.open(options()));
    await vi.advanceTimersByTimeAsync(12_100);
    expect((await opening).kind).toBe('blocked');
  });
});

it('stops at once when it is no longer wanted', async () => {
  answer(created());
  FakePeer.becomes = null;
  const ending = new AbortController();
  const opening = failure(WhipSession.open(options({ signal: ending.signal })));
  await vi.waitFor(() => expect(FakePeer.last.remoteDescription).not.toBeNull());
  ending.abort();
  expect((await opening).name).toBe('AbortError');
  expect(requests.map(({ method }) => method)).toEqual(['POST', 'DELETE']);
});

it('gives back what the server made when the answer comes too late', async () => {
  let respond: (response: Response) => void = () => undefined;
  const methods: unknown[] = [];
  vi.stubGlobal('fetch', (_url: string, { method }: RequestInit) => (methods.push(method), method === 'POST' ? new Promise((resolve) => (respond = resolve)) : Promise.resolve(new Response(null))));
  const ending = new AbortController();
  const opening = failure(WhipSession.open(options({ signal: ending.signal })));
  await vi.waitFor(() => expect(methods).toEqual(['POST']));
  ending.abort();
  await opening;
  respond(created());
  await vi.waitFor(() => expect(methods).toEqual(['POST', 'DELETE']));
  expect(FakePeer.last.connectionState).toBe('closed');
});
