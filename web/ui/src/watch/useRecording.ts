import { useQuery } from '@tanstack/react-query';
import { lastVodsQuery, vodQuery } from '../api/queries';
import type { Vod } from '../api/types';
import type { Rest } from '../player/ending';
import type { Presence } from './presence';

/**
 * The recording of the stream that has just ended, in which whoever was behind goes on. `vodId`: what the answer about the
 * running stream called it; it is looked for by its session where that was asked before there was one.
 */
export function useRecording(name: string, key: string | undefined, vodId: string | null, { phase, sessionId }: Presence): { rest: Rest; vod: Vod | null } {
  const isEnding = phase === 'ending';
  const last = useQuery({ ...lastVodsQuery(name, 1), staleTime: 0, enabled: isEnding && vodId === null });
  const id = vodId ?? last.data?.find((vod) => vod.sessionId === sessionId)?.id ?? null;
  const { data: vod, isError } = useQuery({ ...vodQuery(id ?? '', key), enabled: isEnding && id !== null });
  if (!isEnding) return { rest: 'running', vod: null };
  if (vod?.playlistUrl) return { rest: 'kept', vod };
  const isComing = vod ? vod.whyNot === null && vod.state === 'recording' : !isError && (id !== null || last.isPending);
  return { rest: isComing ? 'asking' : 'lost', vod: null };
}
