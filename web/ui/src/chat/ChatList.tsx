import { memo, useCallback, useEffect, useMemo, useRef, useState, type FocusEvent, type PointerEvent } from 'react';
import type { ChatMessage } from '../api/types';
import { Icon } from '../ui/Icon';
import { formatClock } from '../format';
import type { Acts } from './acts';
import { ChatLine } from './ChatLine';
import { LineActions } from './LineActions';
import type { Line } from './lines';
import { OwnLine } from './OwnLine';
import type { Outgoing } from './outbox';
import { isCommand } from './outbox';
import type { ChatRoom, RoomState } from './room';
import { HeldLine, NoticeLine, RaidLine, SubscriberLine } from './Told';
import { useWindow } from './useWindow';

/** Long enough to move on to the next line's buttons. */
const LET_GO_MS = 300;

export interface LineHandlers {
  onName: (message: ChatMessage) => void;
  onReply: (message: ChatMessage) => void;
  onThread: (message: ChatMessage) => void;
  onReport: (message: ChatMessage) => void;
}

interface Props {
  room: ChatRoom;
  state: RoomState;
  acts: Acts;
  handlers: LineHandlers;
  hasTimes: boolean;
}

/** The lines, as many of them as are seen. Follows the newest until somebody reads back. */
export function ChatList({ room, state, acts, handlers, hasTimes }: Props) {
  const { lines, outgoing, you } = state;
  const spoken = useMemo(() => outgoing.filter(({ content, state: now }) => now !== 'pending' || !isCommand(content)), [outgoing]);
  const keys = useMemo(() => [...lines.map(({ key }) => key), ...spoken.map(({ key }) => key)], [lines, spoken]);
  const window = useWindow({ keys, onPause: room.pause, onResume: room.resume, onTop: () => void room.loadOlder() });
  const [activeKey, setActive] = useState<string | null>(null);
  const [revealed, setRevealed] = useState<ReadonlySet<string>>(new Set());
  const hold = useHold(room, window.isFollowing);
  const reveal = useCallback(({ id }: ChatMessage) => setRevealed((now) => new Set([...now, id])), []);
  const touch = (event: PointerEvent | FocusEvent) => {
    const key = (event.target as Element).closest<HTMLElement>('[data-key]')?.dataset.key;
    if (key !== undefined) setActive(key); // between lines, the last one stays
  };
  const leave = (event: PointerEvent) => {
    if (event.pointerType === 'mouse' && !event.currentTarget.contains(document.activeElement)) setActive(null);
  };

  const meId = you?.userId ?? null;
  const mayModerate = room.mayModerate;
  const mayChat = you?.mayChat ?? false;
  return (
    <div className="chat-lines">
      <div ref={window.scroller} className="chat-scroller" role="log" aria-live="off" aria-label="Messages" tabIndex={0} data-testid="chat-log" data-following={window.isFollowing}
        onScroll={window.onScroll} onPointerOver={touch} onFocus={touch} onPointerLeave={leave}>
        {state.history === 'failed' && <p className="chat-told">What was said before could not be loaded. <button type="button" className="chat-text-button" onClick={room.loadAgain}>Try again</button></p>}
        <div ref={window.content} className="chat-content" style={{ paddingTop: window.beforePx, paddingBottom: window.afterPx }}>
          {keys.slice(window.first, window.last).map((key, index) => {
            const line = lines[window.first + index];
            if (!line) return <Own key={key} room={room} outgoing={spoken[window.first + index - lines.length]!} />;
            return (
              <Row key={key} line={line} meId={meId} mayModerate={mayModerate} mayChat={mayChat} hasTimes={hasTimes} acts={acts} handlers={handlers} room={room}
                isActive={key === activeKey} isRevealed={revealed.has(key)} onReveal={reveal} onHold={hold} />
            );
          })}
        </div>
      </div>
      {state.history === 'loading' && lines.length === 0 && <p className="chat-loading" role="status">Loading …</p>}
      {state.history === 'loaded' && keys.length === 0 && <p className="chat-loading">Nothing was said yet. Say hello!</p>}
      {(!window.isFollowing || (state.isPaused && state.unseen > 0)) && (
        <button type="button" className="chat-new" data-testid="chat-new" onClick={window.follow}>
          <Icon name="chevron" size={16} /> {state.unseen > 0 ? `${state.unseen > 500 ? '500+' : state.unseen} new` : 'To the newest'}
        </button>
      )}
    </div>
  );
}

function Own({ room, outgoing }: { room: ChatRoom; outgoing: Outgoing }) {
  return <div data-key={outgoing.key}><OwnLine room={room} outgoing={outgoing} /></div>;
}

interface RowProps {
  line: Line;
  meId: string | null;
  mayModerate: boolean;
  mayChat: boolean;
  hasTimes: boolean;
  acts: Acts;
  handlers: LineHandlers;
  room: ChatRoom;
  isActive: boolean;
  isRevealed: boolean;
  onReveal: (message: ChatMessage) => void;
  onHold: (isHeld: boolean) => void;
}

const Row = memo(function Row({ line, ...row }: RowProps) {
  return <div data-key={line.key} data-active={row.isActive}>{contentOf(line, row)}</div>;
});

function contentOf(line: Line, row: Omit<RowProps, 'line'>) {
  switch (line.kind) {
    case 'notice':
      return <NoticeLine text={line.text} />;
    case 'subscriber':
      return <SubscriberLine event={line.event} />;
    case 'raid':
      return <RaidLine event={line.event} />;
    case 'held':
      return <HeldLine event={line.event} acts={row.acts} />;
    case 'message':
      return <Said line={line} {...row} />;
  }
}

function Said({ line, handlers, ...row }: Omit<RowProps, 'line'> & { line: Extract<Line, { kind: 'message' }> }) {
  const { message, announcement, isDeleted } = line;
  return (
    <ChatLine message={message} announcement={announcement} isDeleted={isDeleted} isRevealed={row.isRevealed} meId={row.meId} time={row.hasTimes ? formatClock(message.timestamp) : null}
      onName={handlers.onName} onThread={handlers.onThread} onReveal={row.mayModerate ? row.onReveal : undefined}>
      {row.isActive && !isDeleted && (
        <LineActions message={message} isMine={message.userId === row.meId} mayChat={row.mayChat} mayModerate={row.mayModerate} acts={row.acts} onHold={row.onHold} {...handlers} />
      )}
    </ChatLine>
  );
}

/** Nothing moves under a pointer that is about to press a line's button. */
function useHold(room: ChatRoom, isFollowing: boolean): (isHeld: boolean) => void {
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const follows = useRef(isFollowing);
  follows.current = isFollowing;
  useEffect(() => () => clearTimeout(timer.current), []);
  return useCallback((isHeld: boolean) => {
    clearTimeout(timer.current);
    if (!follows.current) return;
    if (isHeld) room.pause();
    else timer.current = setTimeout(() => follows.current && room.resume(), LET_GO_MS);
  }, [room]);
}
