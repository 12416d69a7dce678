import { describe, expect, it, vi } from 'vitest';
import { FakeHls } from './fake-hls';
import { engine, events, fails404, onMissing, onRefused, playRecording, setUpPlaying, start, types } from './playing';

setUpPlaying();

describe('what goes wrong', () => {
  it('says that there is no playlist, and goes on trying until it is told to stop', async () => {
    await start();
    fails404();
    expect(onMissing).toHaveBeenCalledOnce();
    await vi.advanceTimersByTimeAsync(2000);
    expect(FakeHls.made).toHaveLength(2);
    expect(FakeHls.made[0]!.isDestroyed).toBe(true);
    engine.destroy();
    FakeHls.made[1]!.fail('manifestLoadError', { response: { code: 404 } });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeHls.made).toHaveLength(2);
  });

  it('does not call a server in trouble a missing stream', async () => {
    await start();
    FakeHls.last.fail('manifestLoadError', { response: { code: 503 } });
    expect(onMissing).not.toHaveBeenCalled();
    expect(events.at(-1)).toMatchObject({ type: 'retry-planned', trouble: { kind: 'network' } });
  });

  it('leaves errors that hls.js mends to hls.js', async () => {
    await start();
    FakeHls.last.emit('error', { fatal: false, type: 'network', details: 'fragLoadError' });
    expect(types()).toEqual(['load']);
  });

  it('recovers the decoder once, then starts the source again', async () => {
    await start();
    FakeHls.last.fail('bufferAppendError', { type: 'media' });
    expect(FakeHls.last.recoveries).toBe(1);
    FakeHls.last.fail('bufferAppendError', { type: 'media' });
    expect(FakeHls.last.recoveries).toBe(1);
    expect(events.at(-1)).toMatchObject({ type: 'retry-planned', trouble: { kind: 'media' } });
  });

  it('does not retry a codec that the browser lacks', async () => {
    await start();
    FakeHls.last.fail('manifestIncompatibleCodecsError', { type: 'media' });
    expect(events.at(-1)).toMatchObject({ type: 'failed', trouble: { kind: 'codec' } });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeHls.made).toHaveLength(1);
  });
});

describe('a recording', () => {
  it('say that they are refused', async () => {
    await playRecording();
    FakeHls.last.fail('manifestLoadError', { response: { code: 403 } });
    expect(onRefused).toHaveBeenCalledOnce();
    expect(events.at(-1)).toMatchObject({ type: 'retry-planned' });
  });
});
