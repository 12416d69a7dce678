import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { myEmotesQuery } from '../api/chat';
import { messageOf } from '../api/errors';
import type { Emote, EmoteGroup } from '../api/types';
import { Icon } from '../ui/Icon';
import { searched } from './completion';
import { EmoteImage } from './ChatLine';

interface Props {
  channelId: string;
  onPick: (name: string) => void;
  onClose: () => void;
}

/** All emotes that I may use here, the channel's own first, and those that I could have. */
export function EmotePicker({ channelId, onPick, onClose }: Props) {
  const [typed, setTyped] = useState('');
  const { data, error, isPending } = useQuery(myEmotesQuery(channelId));
  const box = useRef<HTMLDivElement>(null);
  const groups = useMemo(() => (data?.groups ?? []).map((group) => filtered(group, typed)).filter(({ emotes, locked }) => emotes.length + locked.length > 0), [data, typed]);

  useEffect(() => {
    const outside = (event: PointerEvent) => !box.current?.parentElement?.contains(event.target as Node) && onClose();
    document.addEventListener('pointerdown', outside);
    return () => document.removeEventListener('pointerdown', outside);
  }, [onClose]);

  const press = (event: KeyboardEvent) => {
    if (event.key === 'Escape') onClose();
    const first = groups.flatMap(({ emotes }) => emotes)[0];
    if (event.key === 'Enter' && event.target instanceof HTMLInputElement && first) onPick(first.name);
  };

  return (
    <div ref={box} className="picker-box" role="dialog" aria-label="Emotes" data-testid="emote-picker" onKeyDown={press}>
      <label className="picker-search"><Icon name="search" size={16} /><input type="search" aria-label="Search emotes" placeholder="Search emotes" value={typed} autoFocus onChange={(event) => setTyped(event.target.value)} /></label>
      <div className="picker-groups">
        {isPending && <p className="chat-told">Loading …</p>}
        {error && <p className="error-text">{messageOf(error)}</p>}
        {data && groups.length === 0 && <p className="chat-told">{typed ? 'No emote is called that.' : 'There are no emotes here yet.'}</p>}
        {groups.map((group) => <Group key={group.channelId ?? ''} group={group} onPick={onPick} />)}
      </div>
    </div>
  );
}

function Group({ group, onPick }: { group: EmoteGroup; onPick: (name: string) => void }) {
  return (
    <section aria-label={group.title}>
      <h3>{group.title}</h3>
      <div className="picker-grid">
        {group.emotes.map((emote) => (
          <button key={emote.id} type="button" aria-label={emote.name} title={emote.name} onClick={() => onPick(emote.name)}><EmoteImage id={emote.id} name={emote.name} /></button>
        ))}
        {group.locked.map((emote) => (
          <button key={emote.id} type="button" disabled aria-label={`${emote.name}, ${needed(emote)}`} title={`${emote.name}: ${needed(emote)}`}><EmoteImage id={emote.id} name={emote.name} /><Icon name="lock" size={12} /></button>
        ))}
      </div>
    </section>
  );
}

const needed = ({ tier }: Emote): string => `for subscribers${tier > 1 ? ` of tier ${tier}` : ''}`;

function filtered(group: EmoteGroup, typed: string): EmoteGroup {
  return { ...group, emotes: searched(typed, group.emotes), locked: searched(typed, group.locked) };
}
