import { beforeEach, describe, expect, it, vi } from 'vitest';
import { WhepSession } from '../../../src/player/whep/session';
import { NotJoined } from '../../../src/player/whep/why';
import { FakePeer } from './fake-peer';

let stop: AbortController;

beforeEach(() => {
  vi.useFakeTimers();
  FakePeer.install();
  FakePeer.serve();
  stop = new AbortController();
});

const open = () => WhepSession.open('/whep/demo', stop.signal);

/** What joining fails with, and after how long. */
async function failure(): Promise<[kind: string, afterMs: number]> {
  const began = performance.now();
  const failed = open().catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(20_000);
  const error = await failed;
  if (!(error instanceof NotJoined)) throw new Error('it was joined');
  return [error.why.kind, began];
}

describe('a session', () => {
  it('offers to receive H.264 and stereo Opus without delay', async () => {
    const session = await open();
    const [video, audio] = FakePeer.last.transceivers;
    expect(video).toMatchObject({ kind: 'video', direction: 'recvonly', preferred: ['video/H264', 'video/rtx'], receiver: { jitterBufferTarget: 0, playoutDelayHint: 0 } });
    expect(audio).toMatchObject({ kind: 'audio', direction: 'recvonly', preferred: [], receiver: { jitterBufferTarget: 0 } });
    expect(FakePeer.last.localDescription?.sdp).toContain('stereo=1');
    expect(session.stream).toMatchObject({ tracks: [{ kind: 'video' }, { kind: 'audio' }] });
    expect(session.latest?.framesDecoded).toBe(15);
  });

  it('gives its place back once, however often it is closed', async () => {
    const session = await open();
    session.close();
    session.close();
    expect(FakePeer.requests).toEqual(['POST /whep/demo', 'DELETE /whep/session/n.1']);
    expect(FakePeer.last.connectionState).toBe('closed');
  });

  it('is not begun where the browser has no H.264', async () => {
    vi.stubGlobal('RTCRtpReceiver', { getCapabilities: () => ({ codecs: [{ mimeType: 'video/VP8' }] }) });
    expect((await failure())[0]).toBe('format');
    expect(FakePeer.requests).toEqual([]);
  });

  it.each([
    ['network', 'does not connect', () => (FakePeer.connects = false)],
    ['no-picture', 'shows nothing', () => (FakePeer.pictures = false)],
  ])('fails with %s when it %s, and gives its place back', async (kind, _what, prepare) => {
    prepare();
    expect((await failure())[0]).toBe(kind);
    expect(FakePeer.requests.at(-1)).toBe('DELETE /whep/session/n.1');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('waits five seconds for a connection and not longer', async () => {
    FakePeer.connects = false;
    let isOver = false;
    open().catch(() => (isOver = true));
    await vi.advanceTimersByTimeAsync(4900);
    expect(isOver).toBe(false);
    await vi.advanceTimersByTimeAsync(200);
    expect(isOver).toBe(true);
  });

  it('fails at once when ICE has', async () => {
    FakePeer.connects = false;
    const failed = open().catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(100);
    FakePeer.last.becomes('failed');
    expect(await failed).toMatchObject({ why: { kind: 'network' } });
  });

  it('takes an answer that the browser does not understand for a format that is not shared', async () => {
    const failed = open().catch((error: unknown) => error);
    FakePeer.last.setRemoteDescription = () => Promise.reject(new DOMException('no', 'OperationError'));
    expect(await failed).toMatchObject({ why: { kind: 'format' } });
  });

  it('leaves no place behind when the viewer turns away while it is asked for', async () => {
    const answered = fetch;
    vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
      if (init.method === 'POST') await new Promise((resolve) => setTimeout(resolve, 1000));
      return answered(url, init);
    });
    const opened = open();
    await vi.advanceTimersByTimeAsync(500);
    stop.abort();
    await vi.advanceTimersByTimeAsync(1000);
    await opened;
    expect(FakePeer.requests).toEqual(['POST /whep/demo', 'DELETE /whep/session/n.1']);
    expect(FakePeer.last.connectionState).toBe('closed');
  });
});

describe('a connection', () => {
  const lost = vi.fn();
  beforeEach(() => lost.mockClear());

  async function connected(): Promise<void> {
    const session = await open();
    session.onLost = lost;
  }

  it('is lost when the server says goodbye', async () => {
    await connected();
    FakePeer.last.closesDtls();
    expect(lost.mock.calls).toEqual([[true]]);
    expect(FakePeer.requests.at(-1)).toBe('DELETE /whep/session/n.1');
  });

  it('is lost when it stays away, and not when it comes back', async () => {
    await connected();
    FakePeer.last.becomes('disconnected');
    await vi.advanceTimersByTimeAsync(2900);
    FakePeer.last.becomes('connected');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(lost).not.toHaveBeenCalled();
    FakePeer.last.becomes('disconnected');
    await vi.advanceTimersByTimeAsync(3000);
    expect(lost.mock.calls).toEqual([[false]]);
  });
});
