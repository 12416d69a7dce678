/**
 * Is there something to play? A channel page starts by trying, and then follows what it is told.
 *
 * probing: the player tries before anyone has answered · live · ending: the stream is over, its end still plays ·
 * offline. `take` counts the sources: a new take is a new playlist, loaded afresh.
 */

export interface Presence {
  phase: 'probing' | 'live' | 'ending' | 'offline';
  sessionId: string | null;
  take: number;
  /** Off the air in the middle of what a viewer was watching, and nothing of it is left. */
  isCutShort?: boolean;
}

export type PresenceEvent =
  | { type: 'state'; isLive: boolean; sessionId: string | null } // the whole truth: after a join, or asked for
  | { type: 'online'; sessionId: string }
  | { type: 'offline'; sessionId: string }
  | { type: 'playable' } // the player has a playlist
  | { type: 'missing' } // the playlist answered 404
  | { type: 'played-out' }
  | { type: 'cut-short' };

export const START: Presence = { phase: 'probing', sessionId: null, take: 1 };

export function nextPresence(now: Presence, event: PresenceEvent): Presence {
  switch (event.type) {
    case 'state':
      return event.isLive ? goLive(now, event.sessionId) : goOffline(now);
    case 'online':
      return goLive(now, event.sessionId);
    case 'offline':
      // The end of an older session than the one that plays changes nothing.
      return now.sessionId && now.sessionId !== event.sessionId ? now : goOffline(now);
    case 'playable':
      return now.phase === 'probing' ? { ...now, phase: 'live' } : now;
    case 'missing':
      // While the server says "live" the player keeps trying: a node may be restarting.
      return now.phase === 'probing' || now.phase === 'ending' ? { ...now, phase: 'offline' } : now;
    case 'played-out':
      return now.phase === 'ending' ? { ...now, phase: 'offline' } : now;
    case 'cut-short':
      return now.phase === 'ending' ? { ...now, phase: 'offline', isCutShort: true } : now;
  }
}

function goLive(now: Presence, sessionId: string | null): Presence {
  const isSame = now.sessionId === null || sessionId === null || sessionId === now.sessionId;
  const known = sessionId ?? now.sessionId;
  if (isSame && (now.phase === 'live' || now.phase === 'probing')) {
    return now.phase === 'live' && known === now.sessionId ? now : { ...now, phase: 'live', sessionId: known };
  }
  if (isSame && now.phase === 'ending' && sessionId !== null) return { ...now, phase: 'live' };
  return { phase: 'live', sessionId: known, take: now.take + 1 };
}

function goOffline(now: Presence): Presence {
  if (now.phase === 'probing') return { ...now, phase: 'offline' };
  return now.phase === 'live' ? { ...now, phase: 'ending' } : now;
}
