import { useEffect, useRef, useState } from 'react';
import { messageOf } from '../api/errors';
import type { ReplayMessage } from '../api/types';
import { list, part } from '../api/client';
import { ReplayTape, type Ask } from './tape';

const LOOK_EVERY_MS = 250;
const RETRY_MS = 5000;
const PAGE = '200';

export interface ReplayOf {
  what: 'vods' | 'clips';
  id: string;
  /** The token of a shared address. */
  shareKey?: string | undefined;
  /** More is still being said. */
  isGrowing: boolean;
}

export interface Replay {
  lines: readonly ReplayMessage[];
  phase: 'loading' | 'ready' | 'failed';
  trouble: string;
}

const START: Replay = { lines: [], phase: 'loading', trouble: '' };

/** The chat of a recording as it was when what plays now was on the air. `atMs`: where it plays, null while nothing does. */
export function useReplay(of: ReplayOf, atMs: () => number | null): Replay {
  const [now, setNow] = useState(START);
  const latest = useRef({ of, atMs });
  latest.current = { of, atMs };
  useEffect(() => {
    const tape = new ReplayTape();
    const leave = new AbortController();
    let isAsking = false;
    let retryAtMs = 0;
    const ask = async (wanted: Ask) => {
      isAsking = true;
      try {
        const { id, what, shareKey } = latest.current.of;
        const query = wanted.cursor ? { cursor: wanted.cursor } : { fromMs: String(wanted.fromMs) };
        tape.take(wanted, await list<ReplayMessage>(`${what}/${part(id)}/chat`, { ...query, limit: PAGE, key: shareKey }, leave.signal), performance.now());
        setNow((last) => (last.trouble ? { ...last, trouble: '' } : last));
      } catch (error) {
        if (leave.signal.aborted) return;
        retryAtMs = performance.now() + RETRY_MS;
        setNow((last) => ({ ...last, phase: 'failed', trouble: messageOf(error) }));
      } finally {
        isAsking = false;
      }
      if (!leave.signal.aborted) look();
    };
    const look = () => {
      const at = latest.current.atMs();
      if (at === null) return;
      const clock = performance.now();
      if (!isAsking && clock >= retryAtMs) {
        const wanted = tape.wants(at, latest.current.of.isGrowing, clock);
        if (wanted) void ask(wanted);
      }
      const lines = tape.shown(at);
      const isReady = tape.isReady(at);
      setNow((last) => {
        const phase = isReady ? 'ready' : last.trouble ? 'failed' : 'loading';
        const shown = isReady ? lines : last.lines; // until the new stretch has come the old one stays
        return last.phase === phase && isSame(last.lines, shown) ? last : { ...last, phase, lines: shown };
      });
    };
    look();
    const timer = setInterval(look, LOOK_EVERY_MS);
    return () => {
      clearInterval(timer);
      leave.abort();
      setNow(START);
    };
  }, [of.what, of.id]);
  return now;
}

const isSame = (one: readonly ReplayMessage[], other: readonly ReplayMessage[]): boolean =>
  one === other || (one.length === other.length && one[0] === other[0] && one.at(-1) === other.at(-1));
