import { memo, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { useMe } from '../api/queries';
import type { ReplayMessage } from '../api/types';
import { ChatLine } from '../chat/ChatLine';
import { formatDuration } from '../format';
import { useChatLikes } from '../stores/chat';
import { Icon } from '../ui/Icon';
import { useReplay, type ReplayOf } from './useReplay';
import '../chat/chat.css';
import './replay.css';

/** Nearer to the end than this the list follows. */
const END_PX = 24;

/** In the chat these keys move in it, and not in the picture beside it. */
const OWN_KEYS = new Set(['ArrowUp', 'ArrowDown', ' ', 'PageUp', 'PageDown', 'Home', 'End']);

interface Props extends ReplayOf {
  atMs: () => number | null;
}

/** What was said while this was on the air, in step with the picture. */
export function ReplayChat({ atMs, ...of }: Props) {
  const like = useChatLikes(({ set }) => set);
  const { lines, phase, trouble } = useReplay(of, atMs);
  return (
    <section className="chat" aria-label="Chat replay" data-testid="replay" data-phase={phase} onKeyDown={(event) => OWN_KEYS.has(event.key) && event.stopPropagation()}>
      <header className="chat-head">
        <h2>Chat replay</h2>
        <span className="chat-head-end">
          <button type="button" className="icon-button" aria-label="Hide the chat" title="Hide the chat" onClick={() => like({ isShown: false })}><Icon name="hide" /></button>
        </span>
      </header>
      <Lines lines={lines} note={trouble || (phase === 'loading' ? 'Looking for what was said …' : lines.length === 0 ? 'Nobody has said anything yet.' : '')} />
    </section>
  );
}

/** Follows its end until somebody scrolls up: then it stands still, and counts what would have come. */
function Lines({ lines, note }: { lines: readonly ReplayMessage[]; note: string }) {
  const { data: me } = useMe();
  const box = useRef<HTMLDivElement>(null);
  const [paused, setPaused] = useState<readonly ReplayMessage[] | null>(null);
  const shown = paused ?? lines;
  const missed = paused ? behind(paused, lines) : 0;

  useEffect(() => {
    if (missed < 0) setPaused(null); // somewhere else plays now
  }, [missed]);
  useLayoutEffect(() => {
    if (!paused && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [shown, paused]);

  const scrolled = () => {
    if (!box.current) return;
    const { scrollTop, scrollHeight, clientHeight } = box.current;
    const isAtEnd = scrollHeight - scrollTop - clientHeight < END_PX;
    if (isAtEnd !== (paused === null)) setPaused(isAtEnd ? null : lines);
  };
  return (
    <div className="replay-body">
      <div className="replay-lines" ref={box} onScroll={scrolled} tabIndex={0} role="log" aria-live="off" aria-label="Messages" data-paused={paused !== null}>
        {shown.map((line) => <Line key={line.message.id} line={line} meId={me?.user.id ?? null} />)}
        {note && <p className="replay-note" role="status">{note}</p>}
      </div>
      {paused && (
        <button type="button" className="chat-new" onClick={() => setPaused(null)}>
          {missed > 0 ? `${missed}${missed === lines.length ? ' or more' : ''} new` : 'Paused'} · go on
        </button>
      )}
    </div>
  );
}

/** How many lines came behind those that are shown; -1: these are others. */
function behind(shown: readonly ReplayMessage[], lines: readonly ReplayMessage[]): number {
  const last = shown.at(-1);
  if (!last) return lines.length;
  const at = lines.findLastIndex(({ message }) => message.id === last.message.id);
  if (at >= 0) return lines.length - 1 - at;
  return (lines[0]?.offsetMs ?? -1) > last.offsetMs && lines.length > 0 ? lines.length : -1;
}

const Line = memo(function Line({ line: { message, offsetMs, announcement }, meId }: { line: ReplayMessage; meId: string | null }) {
  return <ChatLine message={message} announcement={announcement} meId={meId} time={formatDuration(offsetMs)} />;
});

/** Hides the chat, and brings it back. */
export function ReplayButton() {
  const { isShown, set } = useChatLikes();
  return (
    <button type="button" className="button" aria-pressed={isShown} title={isShown ? 'Hide the chat' : 'Show the chat'} data-testid="show-replay" onClick={() => set({ isShown: !isShown })}>
      <Icon name="chat" size={18} /> Chat
    </button>
  );
}
