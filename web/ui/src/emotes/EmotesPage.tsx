import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { emotes, emotesQuery, type Tier } from '../api/emotes';
import { messageOf } from '../api/errors';
import type { Emote } from '../api/types';
import { DashboardFrame } from '../dashboard/DashboardFrame';
import { Part } from '../moderation/Part';
import { useToasts } from '../stores/toasts';
import { Confirm } from '../ui/Dialog';
import { Icon } from '../ui/Icon';
import { ofTier, SLOTS, TIER_WORDS, TIERS } from './slots';
import { UploadPanel } from './UploadPanel';
import '../moderation/moderation.css';
import './emotes.css';

/** The channel's own emotes. */
export function EmotesPage() {
  const { channel: wanted } = useSearch({ from: '/dashboard/emotes' });
  return (
    <DashboardFrame tab="emotes" title="Emotes" wanted={wanted} testid="dashboard-emotes">
      {(chosen) => <Emotes key={chosen.id} channelId={chosen.id} />}
    </DashboardFrame>
  );
}

function Emotes({ channelId }: { channelId: string }) {
  const query = useQuery(emotesQuery(channelId));
  return (
    <div className="dashboard-columns emote-columns">
      <div className="dashboard-main">
        <Part id="emotes" title="Emotes of the channel" query={query}>
          {(kept) => kept.length === 0
            ? <p className="muted">None yet. Everybody can use those of this server; yours come on top, in your chat.</p>
            : TIERS.map((tier) => <OfTier key={tier} channelId={channelId} tier={tier} kept={ofTier(kept, tier)} />)}
        </Part>
      </div>
      <div className="dashboard-side"><UploadPanel channelId={channelId} kept={query.data ?? []} /></div>
    </div>
  );
}

function OfTier({ channelId, tier, kept }: { channelId: string; tier: Tier; kept: Emote[] }) {
  if (kept.length === 0) return null;
  return (
    <div className="holders">
      <h3>{TIER_WORDS[tier]} <span className="muted">{kept.length} of {SLOTS[tier]}</span></h3>
      <ul className="emote-grid">{kept.map((emote) => <Tile key={emote.id} channelId={channelId} emote={emote} />)}</ul>
    </div>
  );
}

function Tile({ channelId, emote }: { channelId: string; emote: Emote }) {
  const { id, name, isAnimated } = emote;
  const [isAsking, setAsking] = useState(false);
  const client = useQueryClient();
  const show = useToasts((toasts) => toasts.show);
  const remove = useMutation({
    mutationFn: () => emotes.remove(channelId, id),
    onSuccess: () => show(`${name} is deleted`),
    onError: (error) => show(messageOf(error), 'failed'),
    onSettled: () => (setAsking(false), client.invalidateQueries({ queryKey: emotesQuery(channelId).queryKey })),
  });
  return (
    <li className="emote-tile" data-testid="emote">
      <img src={`/emotes/${id}/2.webp`} srcSet={`/emotes/${id}/2.webp 1x, /emotes/${id}/4.webp 2x`} alt="" height={56} loading="lazy" decoding="async" />
      <span className="emote-name">{name}</span>
      {isAnimated && <span className="emote-moves muted">moves</span>}
      <button type="button" className="icon-button" aria-label={`Delete ${name}`} title="Delete" onClick={() => setAsking(true)}><Icon name="trash" size={18} /></button>
      {isAsking && (
        <Confirm title={`Delete ${name}?`} text="Nobody can use it any more. Messages that were sent with it go on showing it." action="Delete" isDangerous isBusy={remove.isPending}
          onConfirm={() => remove.mutate()} onClose={() => setAsking(false)} />
      )}
    </li>
  );
}
