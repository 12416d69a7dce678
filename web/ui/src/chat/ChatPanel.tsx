import { Link } from '@tanstack/react-router';
import { lazy, Suspense, useCallback, useEffect, useMemo, useState, type KeyboardEvent } from 'react';
import type { Channel, ChatMessage } from '../api/types';
import { formatCount } from '../format';
import { useChatLikes } from '../stores/chat';
import { Icon } from '../ui/Icon';
import { ModesLine, PinnedMessage, RaidBanner, StatusLine, StepLine } from './Above';
import { actsIn } from './acts';
import { isAbout } from './ChatLine';
import { ChatList } from './ChatList';
import { Composer } from './Composer';
import { MenuItem, PopMenu } from './PopMenu';
import type { Reported } from './ReportDialog';
import type { ChatRoom, RoomState } from './room';
import { useRoom } from './useChat';
import './chat.css';

const UserCard = lazy(async () => ({ default: (await import('./UserCard')).UserCard }));
const Thread = lazy(async () => ({ default: (await import('./Thread')).Thread }));
const Chatters = lazy(async () => ({ default: (await import('./Chatters')).Chatters }));
const ReportDialog = lazy(async () => ({ default: (await import('./ReportDialog')).ReportDialog }));

/** In the chat these keys move in it, and not in the picture beside it. */
const OWN_KEYS = new Set(['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight', ' ', 'PageUp', 'PageDown', 'Home', 'End']);

type Open = { type: 'card'; userId: string } | { type: 'thread'; threadId: string } | { type: 'chatters' } | null;

interface Props {
  room: ChatRoom | null;
  channel: Pick<Channel, 'id' | 'userId' | 'name'> | undefined;
  accessKey?: string | undefined;
  onHide?: () => void;
  /** There is a picture here to be in step with. */
  hasPicture?: boolean;
}

/** The chat of a channel: who is told what, and where one writes. */
export function ChatPanel({ room, channel, ...more }: Props) {
  return (
    <aside className="chat" role="region" aria-label="Chat" id="chat" data-testid="chat" onKeyDown={(event: KeyboardEvent) => OWN_KEYS.has(event.key) && event.stopPropagation()}>
      {room && channel ? <Chat key={channel.id} room={room} channel={channel} {...more} /> : <div className="chat-head"><h2>Chat</h2></div>}
    </aside>
  );
}

function Chat({ room, channel, accessKey, onHide, hasPicture = true }: Props & { room: ChatRoom; channel: NonNullable<Props['channel']> }) {
  const state = useRoom(room);
  const likes = useChatLikes();
  const [open, setOpen] = useState<Open>(null);
  const [replyTo, setReplyTo] = useState<ChatMessage | null>(null);
  const [inserted, setInserted] = useState<{ words: string } | null>(null);
  const [reported, setReported] = useState<Reported | null>(null);
  const acts = useMemo(() => actsIn(channel.id), [channel.id]);
  const handlers = useMemo(() => ({
    onName: ({ userId }: ChatMessage) => setOpen({ type: 'card', userId }),
    onReply: (message: ChatMessage) => setReplyTo(message),
    onThread: ({ id, replyTo: to }: ChatMessage) => setOpen({ type: 'thread', threadId: to?.threadId ?? id }),
    onReport: ({ userId, displayName, id }: ChatMessage) => setReported({ userId, displayName, messageId: id }),
  }), []);
  const close = useCallback(() => setOpen(null), []);
  const replied = useCallback(() => setReplyTo(null), []);
  const { you, pinned, raid, settings } = state;
  const meId = you?.userId ?? null;

  useEffect(() => room.setInStep(hasPicture && likes.isInStep), [room, hasPicture, likes.isInStep]);

  // In an open thread, what is written answers the thread.
  const thread = open?.type === 'thread' ? open.threadId : null;
  const answered = useMemo(() => replyTo ?? (thread ? messageIn(state, thread) : null), [replyTo, thread, thread ? state.lines : null]);

  return (
    <>
      <header className="chat-head">
        <h2>Chat</h2>
        <button type="button" className="chat-count" disabled={meId === null} title="Who is here" data-testid="chat-count" onClick={() => setOpen(open?.type === 'chatters' ? null : { type: 'chatters' })}>
          <Icon name="person" size={15} /> {formatCount(state.chatters)} <span className="visually-hidden">chatting</span>
        </button>
        <span className="chat-head-end">
          <PopMenu label="Chat settings" icon={<Icon name="more" />}>
            {() => (
              <>
                {hasPicture && <MenuItem isOn={likes.isInStep} onPick={() => likes.set({ isInStep: !likes.isInStep })}>In step with my picture</MenuItem>}
                <MenuItem isOn={likes.hasTimes} onPick={() => likes.set({ hasTimes: !likes.hasTimes })}>Show times</MenuItem>
                {hasPicture && room.mayModerate && <Link role="menuitem" to="/dashboard/chat" search={{ channel: channel.name }}>Moderators’ page</Link>}
              </>
            )}
          </PopMenu>
          {onHide && <button type="button" className="icon-button" aria-label="Hide the chat" title="Hide the chat" onClick={onHide}><Icon name="hide" /></button>}
        </span>
      </header>
      {raid && <RaidBanner key={raid.seq} raid={raid} isTaken={you === null || you.role === 'viewer' || you.role === 'vip'} onStay={room.dismissRaid} />}
      {pinned && <PinnedMessage pinned={pinned} onUnpin={room.mayModerate ? () => void acts.unpin() : null} />}
      <div className="chat-middle">
        <ChatList room={room} state={state} acts={acts} handlers={handlers} hasTimes={likes.hasTimes} />
        <Suspense fallback={null}>
          {open?.type === 'card' && (
            <UserCard key={open.userId} channelId={channel.id} userId={open.userId} you={you} mayModerate={room.mayModerate} acts={acts} onClose={close}
              onMention={(username) => (close(), setInserted({ words: `@${username}` }))} onReport={({ userId, displayName }) => setReported({ userId, displayName })} />
          )}
          {open?.type === 'thread' && <Thread key={open.threadId} channelId={channel.id} accessKey={accessKey} threadId={open.threadId} lines={state.lines} meId={meId} onName={handlers.onName} onClose={close} />}
          {open?.type === 'chatters' && <Chatters channelId={channel.id} onName={(userId) => setOpen({ type: 'card', userId })} onClose={close} />}
          {reported && <ReportDialog channelId={channel.id} reported={reported} onClose={() => setReported(null)} />}
        </Suspense>
      </div>
      <footer className="chat-foot">
        <StatusLine status={state.status} />
        <StepLine step={state.step} />
        {settings && <ModesLine settings={settings} you={you} channelId={channel.id} ownerId={channel.userId} />}
        <Composer room={room} channelId={channel.id} you={you} cooldown={state.cooldown} refusal={state.refusal} replyTo={answered} inserted={inserted} onReplied={replied} />
      </footer>
      <Heard state={state} meId={meId} />
    </>
  );
}

/** What concerns me is read aloud to who does not see it; everything that is said would be too much. */
function Heard({ state: { lines }, meId }: { state: RoomState; meId: string | null }) {
  const last = lines.at(-1);
  const [words, setWords] = useState('');
  useEffect(() => {
    const recent = meId === null ? undefined : lines.slice(-20).findLast((line) => line.kind === 'message' && isAbout(line.message, meId));
    if (recent?.kind === 'message') setWords(`${recent.message.displayName}: ${recent.message.content}`);
  }, [last, meId]);
  return <span className="visually-hidden" role="status">{words}</span>;
}

function messageIn({ lines }: RoomState, id: string): ChatMessage | null {
  const line = lines.findLast((one) => one.kind === 'message' && (one.message.id === id || one.message.replyTo?.threadId === id));
  return line?.kind === 'message' ? line.message : null;
}
