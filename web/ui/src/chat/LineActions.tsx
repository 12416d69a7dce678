import { useEffect } from 'react';
import type { ChatMessage } from '../api/types';
import { useToasts } from '../stores/toasts';
import { copyText } from '../ui/copy';
import { Icon, type IconName } from '../ui/Icon';
import { TIMEOUTS, type Acts } from './acts';
import { MenuItem, PopMenu } from './PopMenu';

export interface LineActionsProps {
  message: ChatMessage;
  isMine: boolean;
  mayChat: boolean;
  mayModerate: boolean;
  acts: Acts;
  onReply: (message: ChatMessage) => void;
  onThread: (message: ChatMessage) => void;
  onReport: (message: ChatMessage) => void;
  /** While a menu is open, the line stays where it is. */
  onHold: (isHeld: boolean) => void;
}

/** What can be done with a line: the usual at hand, the rest in a menu. */
export function LineActions({ message, isMine, mayChat, mayModerate, acts, onReply, onThread, onReport, onHold }: LineActionsProps) {
  useEffect(() => () => onHold(false), [onHold]); // a line that goes lets go as well
  const isOther = !isMine;
  const maySilence = mayModerate && isOther && !message.badges.some(({ type }) => type === 'broadcaster');
  const name = message.displayName;
  return (
    <span className="line-actions" data-testid="line-actions" onPointerEnter={() => onHold(true)} onPointerLeave={() => onHold(false)}>
      {mayModerate && <Act icon="trash" label="Delete this message" onPick={() => void acts.remove(message)} />}
      {maySilence && <Act icon="clock" label={`Time ${name} out for 10 minutes`} onPick={() => void acts.timeout(message)} />}
      {maySilence && <Act icon="ban" label={`Ban ${name}`} onPick={() => void acts.ban(message)} />}
      {mayChat && <Act icon="reply" label={`Answer ${name}`} onPick={() => onReply(message)} />}
      <PopMenu label="More for this message" icon={<Icon name="more" size={16} />} className="line-act" onOpen={() => onHold(true)} onClose={() => onHold(false)}>
        {(close) => (
          <>
            {mayChat && <MenuItem onPick={() => (close(), onReply(message))}>Answer</MenuItem>}
            <MenuItem onPick={() => (close(), onThread(message))}>Show the thread</MenuItem>
            <MenuItem onPick={() => (close(), void copy(message.content))}>Copy the text</MenuItem>
            {mayModerate && <MenuItem onPick={() => (close(), void acts.pin(message))}>Pin to the top</MenuItem>}
            {mayModerate && <MenuItem isDanger onPick={() => (close(), void acts.remove(message))}>Delete</MenuItem>}
            {maySilence && TIMEOUTS.map(([seconds, words]) => <MenuItem key={seconds} isDanger onPick={() => (close(), void acts.timeout(message, seconds))}>Time out for {words}</MenuItem>)}
            {maySilence && <MenuItem isDanger onPick={() => (close(), void acts.ban(message))}>Ban {name}</MenuItem>}
            {isOther && mayChat && <MenuItem onPick={() => (close(), onReport(message))}>Report…</MenuItem>}
          </>
        )}
      </PopMenu>
    </span>
  );
}

function Act({ icon, label, onPick }: { icon: IconName; label: string; onPick: () => void }) {
  return <button type="button" className="line-act" aria-label={label} title={label} onClick={onPick}><Icon name={icon} size={16} /></button>;
}

async function copy(text: string): Promise<void> {
  const isCopied = await copyText(text);
  useToasts.getState().show(isCopied ? 'Copied.' : 'The browser does not let us copy here.', isCopied ? 'done' : 'failed');
}
