import { useQuery } from '@tanstack/react-query';
import { Link, useLocation } from '@tanstack/react-router';
import { lazy, memo, Suspense, useEffect, useId, useLayoutEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { myEmotesQuery } from '../api/chat';
import type { ChatMessage, You } from '../api/types';
import { Icon } from '../ui/Icon';
import { useNow } from '../ui/useNow';
import { commandsFor } from './commands';
import { accept, complete, usageOf, type Completion, type Offer } from './completion';
import { EmoteImage } from './ChatLine';
import type { Line } from './lines';
import { describeTime } from './modes';
import type { Refusal } from './outbox';
import type { ChatRoom, Cooldown } from './room';
import { countCodePoints } from './text';
import { useCooldown } from './useCooldown';

const EmotePicker = lazy(async () => ({ default: (await import('./EmotePicker')).EmotePicker }));

/** As the server counts (schemas/chat.py: CONTENT_MAX). */
export const CONTENT_MAX = 500;
/** From here on the count is shown. */
const COUNTED_FROM = 400;
const REMEMBERED = 20;
const MAX_NAMES = 200;

interface Props {
  room: ChatRoom;
  channelId: string;
  you: You | null;
  cooldown: Cooldown | null;
  refusal: Refusal | null;
  replyTo: ChatMessage | null;
  /** To be put behind what is written; each object once. */
  inserted: { words: string } | null;
  onReplied: () => void;
}

/** Where one writes: completes emotes, names and commands, and gives back what was not taken. */
export const Composer = memo(function Composer({ room, channelId, you, cooldown, refusal, replyTo, inserted, onReplied }: Props) {
  const [text, setText] = useState('');
  const [caret, setCaret] = useState(0);
  const [picked, setPicked] = useState(0);
  const [closedAt, setClosedAt] = useState(-1); // where the offers were sent away
  const [isPicking, setPicking] = useState(false);
  const [wantsEmotes, setWantsEmotes] = useState(false);
  const area = useRef<HTMLTextAreaElement>(null);
  const written = useRef<{ value: string; at: number } | null>(null);
  const sent = useRef<string[]>([]);
  const listId = useId();
  const isSignedIn = you?.userId != null;
  const silence = useSilence(you);
  const isOff = you !== null && (!isSignedIn || silence !== null);
  const { part, leftMs } = useCooldown(cooldown);

  const { data: usable } = useQuery({ ...myEmotesQuery(channelId), enabled: isSignedIn && wantsEmotes });
  const emotes = useMemo(() => usable?.groups.flatMap((group) => group.emotes) ?? [], [usable]);
  const commands = useMemo(() => commandsFor(you), [you]);
  const completion = useMemo(
    () => (isOff || closedAt === caret ? null : complete(text, caret, { emotes, commands, names: text.includes('@') ? namesIn(room.snapshot().lines) : [] })),
    [text, caret, emotes, commands, isOff, closedAt, room],
  );
  const usage = usageOf(text, commands);
  const count = countCodePoints(text.trim());
  const maySend = count > 0 && count <= CONTENT_MAX && leftMs === 0 && !isOff;

  const write = (value: string, at = value.length) => {
    setText(value);
    setCaret(at);
    setPicked(0);
    setClosedAt(-1);
    written.current = { value, at };
  };
  // Before the next key can come: a caret that is set later may land in what was typed meanwhile.
  useLayoutEffect(() => {
    const last = written.current;
    written.current = null;
    if (last !== null && area.current?.value === last.value) area.current.setSelectionRange(last.at, last.at);
  });

  useGivenBack(room, text, (content) => write(content));
  useEffect(() => {
    if (replyTo) area.current?.focus();
  }, [replyTo]);
  useEffect(() => {
    if (!inserted) return;
    write(spaced(text, inserted.words));
    area.current?.focus();
  }, [inserted]);
  useGrowing(area, text);

  const send = () => {
    if (!maySend) return;
    const content = text.trim();
    if (!room.say(content, replyTo && { messageId: replyTo.id, displayName: replyTo.displayName, content: replyTo.content })) return;
    sent.current = [content, ...sent.current.filter((one) => one !== content)].slice(0, REMEMBERED);
    write('');
    onReplied();
  };

  const take = (offer: Offer) => {
    if (!completion) return;
    const next = accept(text, completion, offer);
    write(next.text, next.caret);
    area.current?.focus();
  };

  const recallSent = (step: number): boolean => {
    const here = sent.current.indexOf(text);
    if (text !== '' && here < 0) return false;
    const wanted = here + step;
    if (wanted >= sent.current.length || wanted < -1) return false;
    write(wanted < 0 ? '' : sent.current[wanted]!);
    return true;
  };

  const press = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return; // Enter ends what an input method composes
    const { key } = event;
    const step = { ArrowDown: 1, ArrowUp: -1 }[key];
    if (completion && step !== undefined) setPicked((picked + step + completion.offers.length) % completion.offers.length);
    else if (completion && (key === 'Tab' || (key === 'Enter' && !isWhole(text, completion)))) take(completion.offers[picked]!);
    else if (completion && key === 'Escape') setClosedAt(caret);
    else if (key === 'Enter' && !event.shiftKey) send();
    else if (key === 'Escape' && replyTo) onReplied();
    else if (step === undefined || !recallSent(-step)) {
      if (key !== 'Enter') return;
    }
    event.preventDefault();
  };

  return (
    <div className="composer" data-testid="composer">
      {replyTo && <Replying to={replyTo} onStop={onReplied} />}
      {refusal && <p className="composer-note" data-bad="true" role="alert">{refusal.message} <button type="button" className="chat-text-button" onClick={room.dismissRefusal}>OK</button></p>}
      {silence && text !== '' && <p className="composer-note">{placeholderOf(you, silence)}</p>}
      {usage && <p className="composer-note"><b>/{usage.name}</b> {usage.usage} <span className="muted">{usage.help}</span></p>}
      {completion && <Offers id={listId} completion={completion} picked={picked} onPick={take} />}
      {isPicking && (
        <Suspense fallback={null}>
          <EmotePicker channelId={channelId} onPick={(name) => write(spaced(text, name))} onClose={() => (setPicking(false), area.current?.focus())} />
        </Suspense>
      )}
      <div className="composer-box" data-off={isOff}>
        <textarea ref={area} rows={1} value={text} aria-label="Send a message" placeholder={placeholderOf(you, silence)} disabled={isOff} spellCheck autoComplete="off" enterKeyHint="send"
          aria-autocomplete="list" aria-controls={completion ? listId : undefined} aria-activedescendant={completion ? `${listId}-${picked}` : undefined}
          onFocus={() => setWantsEmotes(true)} onKeyDown={press} onSelect={(event) => setCaret(event.currentTarget.selectionStart)}
          onChange={({ currentTarget }) => (setText(currentTarget.value.replace(/\r?\n/g, ' ')), setCaret(currentTarget.selectionStart), setPicked(0), setClosedAt(-1))} />
        {count >= COUNTED_FROM && <span className="composer-count" data-bad={count > CONTENT_MAX} role="status">{CONTENT_MAX - count}</span>}
        {isSignedIn && !isOff && (
          <button type="button" className="composer-button" aria-label="Emotes" title="Emotes" aria-expanded={isPicking} onClick={() => (setWantsEmotes(true), setPicking(!isPicking))}><Icon name="smile" /></button>
        )}
        {isSignedIn ? <SendButton isReady={maySend} part={part} leftMs={leftMs} onSend={send} /> : you && <SignIn />}
      </div>
      <span className="visually-hidden" role="status">{completion ? `${completion.offers.length} to choose from. ${labelOf(completion.offers[picked]!)}` : ''}</span>
    </div>
  );
});

function Replying({ to, onStop }: { to: ChatMessage; onStop: () => void }) {
  return (
    <p className="composer-reply" data-testid="replying">
      <Icon name="reply" size={15} /> <span>Answering <b>{to.displayName}</b>: {to.content}</span>
      <button type="button" className="composer-button" aria-label="Do not answer" onClick={onStop}><Icon name="close" size={15} /></button>
    </p>
  );
}

function Offers({ id, completion, picked, onPick }: { id: string; completion: Completion; picked: number; onPick: (offer: Offer) => void }) {
  return (
    <ul id={id} className="offers" role="listbox" aria-label="Completions">
      {completion.offers.map((offer, index) => (
        // The focus stays in the text: a press must not take it.
        <li key={offer.insert} data-type={offer.type} id={`${id}-${index}`} role="option" aria-selected={index === picked} onPointerDown={(event) => event.preventDefault()} onClick={() => onPick(offer)}>
          <OfferWords offer={offer} />
        </li>
      ))}
    </ul>
  );
}

function OfferWords({ offer }: { offer: Offer }) {
  switch (offer.type) {
    case 'emote':
      return <><EmoteImage id={offer.emote.id} name="" /> {offer.emote.name}</>;
    case 'name':
      return <>{offer.displayName} {offer.displayName.toLowerCase() !== offer.username && <span className="muted">{offer.username}</span>}</>;
    case 'command':
      return <><b>/{offer.command.name}</b> <span className="muted">{offer.command.usage}</span> <span className="offer-help">{offer.command.help}</span></>;
  }
}

function labelOf(offer: Offer): string {
  return offer.type === 'emote' ? offer.emote.name : offer.type === 'name' ? offer.displayName : `${offer.insert} ${offer.command.usage}`;
}

/** Around the button runs what is left of a wait. */
function SendButton({ isReady, part, leftMs, onSend }: { isReady: boolean; part: number; leftMs: number; onSend: () => void }) {
  const seconds = Math.ceil(leftMs / 1000);
  const label = leftMs > 0 ? `You can write again in ${describeTime(seconds)}` : 'Send';
  return (
    <button type="button" className="composer-button composer-send" aria-label={label} title={label} disabled={!isReady} data-cooling={leftMs > 0} data-testid="chat-send" onClick={onSend}>
      {leftMs > 0 ? (
        <>
          <svg className="composer-ring" viewBox="0 0 36 36" aria-hidden="true"><circle cx="18" cy="18" r="16" pathLength={1} style={{ strokeDashoffset: 1 - part }} /></svg>
          <span aria-hidden="true">{seconds < 100 ? seconds : '…'}</span>
        </>
      ) : <Icon name="send" />}
    </button>
  );
}

function SignIn() {
  const path = useLocation({ select: ({ href }) => href });
  return <Link to="/login" search={{ next: path }} className="button small" data-testid="chat-sign-in">Sign in</Link>;
}

/** Until when this account may not write: 0 is for ever; null: it may. */
function useSilence(you: You | null): { leftMs: number } | null {
  const until = you?.userId ? you.bannedUntil : null;
  const now = useNow(1000, until !== null && until > 0);
  if (until === null) return null;
  return until === 0 ? { leftMs: Infinity } : until > now ? { leftMs: until - now } : null;
}

function placeholderOf(you: You | null, silence: { leftMs: number } | null): string {
  if (you !== null && you.userId === null) return 'Sign in to chat';
  if (silence === null) return 'Send a message';
  return silence.leftMs === Infinity ? 'You are banned from this chat' : `You can write again in ${describeTime(Math.ceil(silence.leftMs / 1000))}`;
}

/** What was refused is given back, unless something else is being written; then it stays in the list. */
function useGivenBack(room: ChatRoom, text: string, onBack: (content: string) => void): void {
  const latest = useRef({ text, onBack });
  latest.current = { text, onBack };
  useEffect(() => {
    room.takeBack = (content) => {
      if (latest.current.text !== '') return false;
      latest.current.onBack(content);
      return true;
    };
    return () => {
      room.takeBack = null;
    };
  }, [room]);
}

/** As high as its text, up to what the style allows. */
function useGrowing(area: React.RefObject<HTMLTextAreaElement | null>, text: string): void {
  useLayoutEffect(() => {
    if (!area.current) return;
    area.current.style.height = 'auto';
    area.current.style.height = `${area.current.scrollHeight}px`;
  }, [area, text]);
}

/** Those who spoke, the last first. */
export function namesIn(lines: readonly Line[]): { username: string; displayName: string }[] {
  const names = new Map<string, { username: string; displayName: string }>();
  for (let index = lines.length - 1; index >= 0 && names.size < MAX_NAMES; index--) {
    const line = lines[index]!;
    if (line.kind === 'message' && !names.has(line.message.username)) names.set(line.message.username, { username: line.message.username, displayName: line.message.displayName });
  }
  return [...names.values()];
}

/** It is typed to the end: Enter sends it. */
function isWhole(text: string, { start, end, offers }: Completion): boolean {
  return offers[0]?.type === 'command' && offers.some(({ insert }) => insert === text.slice(start, end));
}

const spaced = (text: string, word: string): string => `${text}${text === '' || text.endsWith(' ') ? '' : ' '}${word} `;
