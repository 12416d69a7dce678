/** Lines that nobody says: what happened. */

import { useState } from 'react';
import { Link } from '@tanstack/react-router';
import { formatCount } from '../format';
import { Icon } from '../ui/Icon';
import type { Acts } from './acts';
import type { Line } from './lines';

type EventOf<K extends Line['kind']> = Extract<Line, { kind: K; event: unknown }>['event'];

export function NoticeLine({ text }: { text: string }) {
  return <p className="chat-told" data-testid="chat-notice">{text}</p>;
}

const PLANS = ['', 'Tier 1', 'Tier 2', 'Tier 3'];

export function SubscriberLine({ event }: { event: EventOf<'subscriber'> }) {
  const { displayName, months, tier, isGift } = event;
  const what = isGift ? 'was given a subscription' : months > 1 ? `has subscribed for ${months} months` : 'has subscribed';
  return (
    <p className="chat-event" data-kind="subscriber" data-testid="chat-subscriber">
      <Icon name="star" size={18} /> <span><b>{displayName}</b> {what}{PLANS[tier] ? `, ${PLANS[tier]}` : ''}.</span>
    </p>
  );
}

export function RaidLine({ event }: { event: EventOf<'raid'> }) {
  return (
    <p className="chat-event" data-kind="raid" data-testid="chat-raid">
      <Icon name="megaphone" size={18} />
      <span><Link to="/$channel" params={{ channel: event.otherName }}><b>{event.otherDisplayName}</b></Link> comes by with {formatCount(event.viewerCount)} {event.viewerCount === 1 ? 'viewer' : 'viewers'}. Welcome!</span>
    </p>
  );
}

/** Something that waits for a moderator, and both answers. */
export function HeldLine({ event, acts }: { event: EventOf<'held'>; acts: Acts }) {
  const [isBusy, setBusy] = useState(false);
  const decide = async (act: (heldId: string) => Promise<boolean>) => {
    setBusy(true);
    if (!(await act(event.heldId))) setBusy(false);
  };
  return (
    <div className="chat-held" data-testid="chat-held">
      <p className="chat-kind"><Icon name="lock" size={14} /> Waits for you{event.reason && `: ${event.reason}`}</p>
      <p><b>{event.displayName}</b>: {event.content}</p>
      <p className="chat-held-acts">
        <button type="button" className="button small" disabled={isBusy} onClick={() => void decide(acts.approve)}>Let through</button>
        <button type="button" className="button small danger" disabled={isBusy} onClick={() => void decide(acts.deny)}>Refuse</button>
      </p>
    </div>
  );
}
