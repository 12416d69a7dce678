import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { threadQuery } from '../api/chat';
import { messageOf } from '../api/errors';
import type { ChatMessage } from '../api/types';
import { formatClock } from '../format';
import { ChatLine } from './ChatLine';
import type { Line } from './lines';
import { Sheet } from './Sheet';

interface Props {
  channelId: string;
  accessKey?: string | undefined;
  threadId: string;
  /** What the chat shows: answers appear in the thread as they come. */
  lines: readonly Line[];
  meId: string | null;
  onName: (message: ChatMessage) => void;
  onClose: () => void;
}

/** A message and all that was answered to it. What is written meanwhile answers it too. */
export function Thread({ channelId, accessKey, threadId, lines, meId, onName, onClose }: Props) {
  const { data, error, isPending } = useQuery(threadQuery(channelId, threadId, accessKey));
  const messages = useMemo(() => joined(data ?? [], lines, threadId), [data, lines, threadId]);
  return (
    <Sheet title="Thread" testid="thread" isWhole onClose={onClose}>
      {error && messages.length === 0 && <p className="error-text" role="alert">{messageOf(error)}</p>}
      {isPending && messages.length === 0 && <p className="chat-told" role="status">Loading …</p>}
      {!isPending && !error && messages.length === 0 && <p className="chat-told">The message is not here any more.</p>}
      {messages.map(({ message, isDeleted }) => (
        <ChatLine key={message.id} message={message.id === threadId ? message : { ...message, replyTo: null }} isDeleted={isDeleted} meId={meId} time={formatClock(message.timestamp)} onName={onName} />
      ))}
    </Sheet>
  );
}

interface Answer {
  message: ChatMessage;
  isDeleted: boolean;
}

/** What was loaded and what came since, each once, in order; what the chat knows to be deleted is. */
function joined(loaded: readonly ChatMessage[], lines: readonly Line[], threadId: string): Answer[] {
  const answers = new Map<string, Answer>(loaded.map((message) => [message.id, { message, isDeleted: false }]));
  for (const line of lines) {
    if (line.kind === 'message' && (line.message.id === threadId || line.message.replyTo?.threadId === threadId)) answers.set(line.message.id, line);
  }
  return [...answers.values()].sort((one, other) => one.message.seq - other.message.seq);
}
