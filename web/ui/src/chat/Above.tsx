/** What stands above the lines and below them: what is pinned, where a raid goes, how things are. */

import { useNavigate } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import type { ChatSettings, Pinned, You } from '../api/types';
import { FollowButton } from '../access/FollowButton';
import { formatCount, formatDuration } from '../format';
import type { SocketStatus } from '../socket/socket';
import { Icon } from '../ui/Icon';
import { useNow } from '../ui/useNow';
import { Words } from './ChatLine';
import { modesOf } from './modes';
import type { RoomState } from './room';

/** How long viewers have to say that they stay. */
const RAID_IN_MS = 10_000;

export function PinnedMessage({ pinned, onUnpin }: { pinned: Pinned; onUnpin: (() => void) | null }) {
  const [hiddenId, setHidden] = useState('');
  const [isOpen, setOpen] = useState(false);
  const now = useNow(1000, pinned.until !== null);
  if (hiddenId === pinned.message.id || (pinned.until !== null && pinned.until <= now)) return null;
  return (
    <aside className="pinned" aria-label="Pinned message" data-testid="pinned" data-open={isOpen}>
      <p className="chat-kind"><Icon name="pin" size={14} /> Pinned by {pinned.pinnedBy}</p>
      <button type="button" className="pinned-words" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}><b>{pinned.message.displayName}</b>: <Words message={pinned.message} /></button>
      <span className="pinned-acts">
        {onUnpin && <button type="button" className="chat-text-button" onClick={onUnpin}>Unpin</button>}
        <button type="button" className="line-act" aria-label="Hide the pinned message" title="Hide" onClick={() => setHidden(pinned.message.id)}><Icon name="close" size={15} /></button>
      </span>
    </aside>
  );
}

/** Takes viewers along to where a raid goes, unless they say that they stay. The channel's own people are asked. */
export function RaidBanner({ raid, isTaken, onStay }: { raid: NonNullable<RoomState['raid']>; isTaken: boolean; onStay: () => void }) {
  const navigate = useNavigate();
  const [endsAt] = useState(() => Date.now() + RAID_IN_MS);
  const now = useNow(250, isTaken);
  const leftMs = Math.max(0, endsAt - now);
  const join = () => (onStay(), void navigate({ to: '/$channel', params: { channel: raid.otherName } }));
  useEffect(() => {
    if (isTaken && leftMs === 0) join();
  }, [isTaken, leftMs === 0]);
  return (
    <aside className="raid" role="alert" data-testid="raid">
      <p><b>Off to {raid.otherDisplayName}</b> with {formatCount(raid.viewerCount)} {raid.viewerCount === 1 ? 'viewer' : 'viewers'}{isTaken && ` in ${Math.ceil(leftMs / 1000)} s`}</p>
      <div className="actions">
        <button type="button" className="button small" onClick={onStay}>Stay</button>
        <button type="button" className="button small primary" onClick={join}>Join now</button>
      </div>
      {isTaken && <span className="raid-bar" style={{ transform: `scaleX(${leftMs / RAID_IN_MS})` }} />}
    </aside>
  );
}

export function ModesLine({ settings, you, channelId, ownerId }: { settings: ChatSettings; you: You | null; channelId: string; ownerId: string }) {
  const modes = modesOf(settings);
  const needsFollow = settings.followerOnly && you?.userId != null && you.role === 'viewer' && !you.isFollowing;
  if (modes.length === 0) return null;
  return (
    <div className="modes" data-testid="chat-modes">
      <ul aria-label="Modes of this chat">{modes.map(({ id, label, text }) => <li key={id} title={text}>{label}</li>)}</ul>
      {needsFollow && <FollowButton channelId={channelId} ownerId={ownerId} />}
    </div>
  );
}

export function StatusLine({ status }: { status: SocketStatus }) {
  const isAway = status === 'waiting' || status === 'refused';
  const isLong = useLater(isAway, 1500);
  if (status === 'refused') return <p className="chat-status" role="status">You were signed out. Reload the page to go on.</p>;
  return isLong && isAway ? <p className="chat-status" role="status" data-testid="chat-status">The connection is lost. Coming back …</p> : null;
}

export function StepLine({ step }: { step: RoomState['step'] }) {
  if (!step.isOn) return null;
  const { waiting, behindMs, isTooFar } = step;
  const behind = behindMs === null ? null : behindMs < 60_000 ? `${Math.round(behindMs / 1000)} s` : formatDuration(behindMs);
  const words = isTooFar ? `The picture is ${behind} behind: too far, so this is the live chat.`
    : behind === null ? 'In step with the picture, once one plays.'
    : `In step with the picture, ${behind} behind${waiting > 0 ? ` · ${waiting} ${waiting === 1 ? 'line waits' : 'lines wait'}` : ''}`;
  return <p className="chat-status" data-testid="chat-step"><Icon name="clock" size={13} /> {words}</p>;
}

/** True once `isOn` has lasted for `ms`: a blink of the connection is nobody's concern. */
function useLater(isOn: boolean, ms: number): boolean {
  const [isLate, setLate] = useState(false);
  useEffect(() => {
    if (!isOn) return setLate(false);
    const timer = setTimeout(() => setLate(true), ms);
    return () => clearTimeout(timer);
  }, [isOn, ms]);
  return isLate;
}
