import { useQuery } from '@tanstack/react-query';
import { useId } from 'react';
import { moderation, rolesQuery, type Grant } from '../api/moderation';
import type { RoleHolder, UserCard } from '../api/types';
import { formatAgo, formatDate } from '../format';
import { useNow } from '../ui/useNow';
import { Avatar } from '../ui/Avatar';
import { Icon } from '../ui/Icon';
import { NameForm } from './NameForm';
import { Part } from './Part';
import { useAct } from './useAct';

const WORDS: Record<Grant, string> = { moderator: 'moderator', vip: 'VIP' };
const NOTES: Record<Grant, string> = {
  moderator: 'Delete messages, time out and ban people, change the rules, and see what you see here.',
  vip: 'May post links, and are held back by no mode.',
};

/** Moderators and VIPs: the owner names them. */
export function RolesPanel({ channelId, isOwner }: { channelId: string; isOwner: boolean }) {
  const query = useQuery(rolesQuery(channelId));
  const act = useAct(channelId);
  const select = useId();
  const name = (user: UserCard, form: FormData) => {
    const role = form.get('role') === 'vip' ? 'vip' : 'moderator';
    return act.mutateAsync({ run: () => moderation.grant(channelId, role, user.userId), done: `${user.displayName} is a ${WORDS[role]} now` });
  };
  const take = ({ userId, displayName, role }: RoleHolder) =>
    act.mutate({ run: () => moderation.revoke(channelId, role === 'vip' ? 'vip' : 'moderator', userId), done: `${displayName} is no ${role === 'vip' ? 'VIP' : 'moderator'} any more` });
  return (
    <Part id="roles" title="Moderators and VIPs" query={query}>
      {(holders) => (
        <>
          {isOwner && (
            <NameForm label="Name" action="Add" find={(name) => moderation.card(channelId, name)} nobody={nobody} onFound={name}>
              <div className="field">
                <label htmlFor={select}>As</label>
                <select id={select} name="role" defaultValue="moderator"><option value="moderator">Moderator</option><option value="vip">VIP</option></select>
              </div>
            </NameForm>
          )}
          {(['moderator', 'vip'] as const).map((role) => (
            <Holders key={role} role={role} holders={holders.filter((holder) => holder.role === role)} onTake={isOwner ? take : null} isBusy={act.isPending} />
          ))}
        </>
      )}
    </Part>
  );
}

export const nobody = (name: string): string => `Nobody here is called ${name || 'nothing'}.`;

function Holders({ role, holders, onTake, isBusy }: { role: Grant; holders: RoleHolder[]; onTake: ((holder: RoleHolder) => void) | null; isBusy: boolean }) {
  const now = useNow(60_000);
  return (
    <div className="holders">
      <h3>{role === 'vip' ? 'VIPs' : 'Moderators'}</h3>
      <p className="hint">{NOTES[role]}</p>
      {holders.length === 0 ? <p className="muted">None yet</p> : (
        <ul className="rows">
          {holders.map((holder) => (
            <li key={holder.userId} className="row" data-testid={role}>
              <Avatar name={holder.username} displayName={holder.displayName} size={32} />
              <span className="row-words"><b>{holder.displayName}</b><span className="muted" title={formatDate(holder.grantedAt)}>{holder.username}, named {formatAgo(holder.grantedAt, now)}</span></span>
              {onTake && <button type="button" className="icon-button" aria-label={`Remove ${holder.displayName}`} title="Remove" disabled={isBusy} onClick={() => onTake(holder)}><Icon name="close" /></button>}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
