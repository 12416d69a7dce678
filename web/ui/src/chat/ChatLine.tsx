import { memo, useMemo, type CSSProperties, type ReactNode } from 'react';
import type { AnnouncementColor, ChatMessage } from '../api/types';
import { Icon } from '../ui/Icon';
import { Badges } from './Badges';
import { readable } from './color';
import { partsOf, type Part } from './text';
import './line.css';

const FIRST = 'First message here';

export interface ChatLineProps {
  message: ChatMessage;
  /** Set for what a moderator announced. */
  announcement?: AnnouncementColor | null;
  /** Taken away: its text is not shown. */
  isDeleted?: boolean;
  /** Taken away, and shown all the same: to moderators who ask for it. */
  isRevealed?: boolean;
  /** Whose mentions stand out. */
  meId?: string | null;
  /** What stands before the line: a time of day, or a moment of a recording. */
  time?: string | null;
  /** It is being sent, or waits for a moderator. */
  isPending?: boolean;
  /** A press on the author's name. */
  onName?: ((message: ChatMessage) => void) | undefined;
  /** A press on what is answered. */
  onThread?: ((message: ChatMessage) => void) | undefined;
  onReveal?: ((message: ChatMessage) => void) | undefined;
  /** What can be done with the line. */
  children?: ReactNode;
}

/** One line of a chat. Everything of it is text, whatever was typed. */
export const ChatLine = memo(function ChatLine(props: ChatLineProps) {
  const { message, announcement = null, isDeleted = false, isRevealed = false, meId = null, time = null, isPending = false, onThread } = props;
  const isForMe = !isDeleted && isAbout(message, meId);
  return (
    <div className="chat-line" data-testid="chat-line" data-id={message.id} data-mine={message.userId === meId} data-for-me={isForMe} data-pending={isPending} data-deleted={isDeleted}
      data-announcement={announcement ?? undefined}>
      {announcement && <p className="chat-kind"><Icon name="megaphone" size={14} /> Announcement</p>}
      {message.replyTo && <Answered message={message} onThread={onThread} />}
      <p className="chat-words">
        {time !== null && <span className="chat-time">{time}</span>}
        {message.isFirst && !isDeleted && <span className="chat-first" role="img" aria-label={FIRST} title={FIRST}><Icon name="sparkle" size={14} /></span>}
        <Badges badges={message.badges} />
        <Name {...props} />
        {message.isAction ? ' ' : <span className="chat-colon">: </span>}
        {isDeleted && !isRevealed ? <Gone {...props} /> : <Words message={message} meId={meId} />}
      </p>
      {props.children}
    </div>
  );
});

/** Does it mention `meId`, or answer what they said? */
export function isAbout(message: ChatMessage, meId: string | null): boolean {
  if (meId === null || message.userId === meId) return false;
  return message.replyTo?.userId === meId || (message.mentions ?? []).some(({ userId }) => userId === meId);
}

function Name({ message, onName }: ChatLineProps) {
  const { username, displayName } = message;
  const { onDark, onLight } = readable(message.color);
  const style = { '--on-dark': onDark, '--on-light': onLight } as CSSProperties;
  const words = displayName.toLowerCase() === username ? displayName : <>{displayName} <span className="chat-username">({username})</span></>;
  if (!onName) return <b className="chat-name" style={style}>{words}</b>;
  return <button type="button" className="chat-name" style={style} onClick={() => onName(message)}>{words}</button>;
}

function Answered({ message, onThread }: Pick<ChatLineProps, 'message' | 'onThread'>) {
  const { replyTo } = message;
  if (!replyTo) return null;
  const words = <><Icon name="reply" size={13} /> <span>Answering <b>{replyTo.displayName}</b>: {replyTo.content}</span></>;
  return onThread
    ? <button type="button" className="chat-answered" title="Show the thread" onClick={() => onThread(message)}>{words}</button>
    : <p className="chat-answered">{words}</p>;
}

function Gone({ message, onReveal }: ChatLineProps) {
  if (!onReveal) return <span className="chat-gone">Message deleted</span>;
  return <button type="button" className="chat-gone" title="Show what it said" onClick={() => onReveal(message)}>Message deleted</button>;
}

/** The words of a message, with its emotes, mentions and links. */
export function Words({ message, meId = null }: { message: ChatMessage; meId?: string | null }) {
  const parts = useMemo(() => partsOf(message), [message]);
  return (
    <span className="chat-text" data-action={message.isAction ?? false} dir="auto">
      {parts.map((part, index) => <Piece key={index} part={part} meId={meId} />)}
    </span>
  );
}

function Piece({ part, meId }: { part: Part; meId: string | null }) {
  switch (part.type) {
    case 'text':
      return part.text;
    case 'emote':
      return <EmoteImage id={part.id} name={part.name} />;
    case 'mention':
      return <span className="chat-mention" data-me={part.userId === meId}>{part.text}</span>;
    case 'link':
      return <a className="chat-link" href={part.href} title={part.href} target="_blank" rel="noopener nofollow noreferrer">{part.text}</a>;
  }
}

/** An emote in the size of a line. */
export function EmoteImage({ id, name }: { id: string; name: string }) {
  const address = (size: 1 | 2 | 4) => `/emotes/${encodeURIComponent(id)}/${size}.webp`;
  return <img className="chat-emote" src={address(1)} srcSet={`${address(2)} 2x, ${address(4)} 4x`} alt={name} title={name} height={28} decoding="async" draggable={false} />;
}
