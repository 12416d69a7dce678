import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError } from '../../src/api/errors';
import { Broadcaster, type AirState } from '../../src/broadcast/broadcaster';
import { USUAL } from '../../src/broadcast/quality';
import { WhipError, type WhipOptions, type WhipSession } from '../../src/broadcast/whip';

class Session {
  isClosed = false;
  isDropped = false;
  pictures: unknown[] = [];
  servers: RTCIceServer[] = [{ urls: 'stun:s' }];

  constructor(readonly options: WhipOptions) {}

  async close(): Promise<void> {
    this.isClosed = true;
  }

  drop(): void {
    this.isDropped = true;
  }

  async replacePicture(picture: unknown): Promise<void> {
    this.pictures.push(picture);
  }
}

let opened: WhipOptions[];
let opening: Promise<void>;
let answers: unknown[];
let states: AirState[];
let picture: { name: string };
let ticket: () => Promise<string>;

function broadcaster(): Broadcaster {
  return new Broadcaster({
    url: '/whip/demo',
    ticket: () => ticket(),
    picture: () => picture as unknown as MediaStreamTrack,
    sound: () => ({}) as MediaStreamTrack,
    quality: () => USUAL,
    onState: (state) => void states.push(state),
    open: async (options) => {
      const answer = answers.shift();
      opened.push(options);
      await opening;
      if (answer) throw answer;
      const session = new Session(options);
      sessions.push(session);
      return session as unknown as WhipSession;
    },
  });
}
let sessions: Session[];
const phase = () => states.at(-1)?.phase;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(1);
  opened = [];
  opening = Promise.resolve();
  answers = [];
  states = [];
  sessions = [];
  picture = { name: 'camera' };
  ticket = async () => 'pub_1';
});
const settle = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

describe('a broadcast', () => {
  it('connects with a ticket and says since when it sends', async () => {
    const one = broadcaster();
    one.start();
    expect(phase()).toBe('connecting');
    await settle();
    expect(states.at(-1)).toMatchObject({ phase: 'sending', sinceMs: Date.now(), trouble: null });
    expect(sessions[0]!.options).toMatchObject({ url: '/whip/demo', key: 'pub_1' });
  });

  it('takes over only when told to', async () => {
    broadcaster().start({ isTakeover: true });
    await settle();
    expect(sessions[0]!.options).toMatchObject({ url: '/whip/demo', key: 'pub_1?takeover=1' });
  });

  it('ends when it is stopped, and does not come back', async () => {
    const one = broadcaster();
    one.start();
    await settle();
    one.stop();
    await settle(60_000);
    expect(phase()).toBe('off');
    expect(sessions).toHaveLength(1);
    expect(sessions[0]!.isClosed).toBe(true);
  });

  it('can be stopped while it connects, and begun again', async () => {
    const one = broadcaster();
    one.start();
    one.stop();
    one.start();
    await settle();
    expect(sessions).toHaveLength(1);
    expect(phase()).toBe('sending');
  });

  it('shows what was chosen while it connected', async () => {
    opening = new Promise((resolve) => setTimeout(resolve, 500));
    broadcaster().start();
    await settle(100);
    picture = { name: 'screen' };
    await settle(500);
    expect(sessions[0]!.pictures).toEqual([{ name: 'screen' }]);
  });
});

describe('what is lost', () => {
  it('comes back after a moment, with a new ticket, the servers it learned and no takeover', async () => {
    let tickets = 0;
    ticket = async () => `pub_${++tickets}`;
    const one = broadcaster();
    one.start({ isTakeover: true });
    await settle();
    const since = states.at(-1)!.sinceMs;
    sessions[0]!.options.onLost('lost');
    await settle();
    expect(states.at(-1)).toMatchObject({ phase: 'reconnecting', retryAtMs: Date.now() + 1000, trouble: { id: 'unreachable' } });
    expect([sessions[0]!.isDropped, sessions[0]!.isClosed]).toEqual([true, false]); // a goodbye would end the stream for its viewers
    await settle(1000);
    expect(states.at(-1)).toMatchObject({ phase: 'sending', sinceMs: since, trouble: null });
    expect(sessions[1]!.options).toMatchObject({ key: 'pub_2', servers: [{ urls: 'stun:s' }], isReturn: true });
    expect(sessions[0]!.options.isReturn).toBe(false);
  });

  it('is tried again more and more slowly while nothing answers', async () => {
    broadcaster().start();
    await settle();
    answers = Array.from({ length: 7 }, () => new WhipError('network'));
    sessions[0]!.options.onLost('lost');
    const waits: number[] = [];
    for (let attempt = 0; attempt < 7; attempt++) {
      await settle();
      const { retryAtMs } = states.at(-1)!;
      waits.push(retryAtMs! - Date.now());
      await settle(waits.at(-1));
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
  });

  it('does not wait when the network says that it is back', async () => {
    broadcaster().start();
    await settle();
    answers = [new WhipError('network'), new WhipError('network'), new WhipError('network')];
    sessions[0]!.options.onLost('lost');
    await settle(7000);
    expect(phase()).toBe('reconnecting');
    window.dispatchEvent(new Event('online'));
    await settle();
    expect(phase()).toBe('sending');
  });

  it('waits as long as the server asks', async () => {
    broadcaster().start();
    await settle();
    answers = [new WhipError('unavailable', '', 503, 9000)];
    sessions[0]!.options.onLost('lost');
    await settle(1000);
    expect(states.at(-1)!.retryAtMs).toBe(Date.now() + 9000);
  });

  it('is patient with a server that still takes our own stream for somebody else’s, not for ever', async () => {
    broadcaster().start();
    await settle();
    answers = Array.from({ length: 20 }, () => new WhipError('conflict', 'Already live.', 409));
    sessions[0]!.options.onLost('lost');
    await settle(20_000);
    expect(phase()).toBe('reconnecting');
    await settle(40_000);
    expect(states.at(-1)).toMatchObject({ phase: 'off', trouble: { id: 'conflict', text: 'Already live.' } });
  });

  it('gives way at once to somebody who took over: the server cut us, and the place is taken', async () => {
    broadcaster().start();
    await settle();
    answers = [new WhipError('conflict', 'Already live.', 409)];
    sessions[0]!.options.onLost('cut');
    await settle(60_000);
    expect(states.at(-1)).toMatchObject({ phase: 'off', trouble: { id: 'conflict' } });
    expect(opened).toHaveLength(2);
  });

  it('comes back to a server that cut it because it starts again', async () => {
    broadcaster().start();
    await settle();
    answers = [new WhipError('unavailable', '', 503), new WhipError('network')];
    sessions[0]!.options.onLost('cut');
    await settle(8000);
    expect(phase()).toBe('sending');
  });

  it.each([[new WhipError('refused', 'The stream was just ended by its owner.', 403), 'refused'], [new WhipError('codec'), 'codec']])('stays lost after %s', async (error, id) => {
    broadcaster().start();
    await settle();
    answers = [error];
    sessions[0]!.options.onLost('lost');
    await settle(2000);
    expect(states.at(-1)).toMatchObject({ phase: 'off', trouble: { id } });
  });
});

describe('a first attempt that fails', () => {
  it.each([[new WhipError('unavailable', '', 503), 'unavailable'], [new WhipError('conflict', '', 409), 'conflict'], [new WhipError('network'), 'unreachable']])('says so at once and is not repeated: %s', async (error, id) => {
    answers = [error];
    broadcaster().start();
    await settle(60_000);
    expect(states.at(-1)).toMatchObject({ phase: 'off', trouble: { id } });
    expect(opened).toHaveLength(1);
  });

  it('may be that there is no ticket', async () => {
    ticket = () => Promise.reject(new ApiError('FORBIDDEN', 'Not yours.', 403));
    broadcaster().start();
    await settle();
    expect(states.at(-1)).toMatchObject({ phase: 'off', trouble: { id: 'refused', text: 'Not yours.' } });
  });
});
