import { useQuery } from '@tanstack/react-query';
import { api } from '../api/client';
import { ApiError } from '../api/errors';
import { moderation, sharesQuery } from '../api/moderation';
import type { BanShare, Channel } from '../api/types';
import { formatAgo, formatDate } from '../format';
import { useNow } from '../ui/useNow';
import { NameForm } from './NameForm';
import { Part } from './Part';
import { useAct } from './useAct';

/** Lists of bans that go from channel to channel. */
export function SharesPanel({ channelId }: { channelId: string }) {
  const query = useQuery(sharesQuery(channelId));
  const act = useAct(channelId);
  const offer = (to: Channel) => {
    if (to.id === channelId) throw new ApiError('INVALID_REQUEST', 'This is the channel itself.', 400);
    return act.mutateAsync({ run: () => moderation.offerShare(channelId, to.id), done: `${to.displayName} can accept your list now` });
  };
  const withdraw = (other: string, done: string) => act.mutate({ run: () => moderation.withdrawShare(channelId, other), done });
  return (
    <Part id="shares" title="Shared bans" query={query} note="Whoever is banned in the channel that shares its list is banned in the other as well, for as long as it is shared. Timeouts stay where they are.">
      {(shares) => {
        const given = shares.filter(({ fromChannelId }) => fromChannelId === channelId);
        const taken = shares.filter(({ toChannelId }) => toChannelId === channelId);
        return (
          <>
            <NameForm label="Offer my bans to a channel" action="Offer" find={(name) => api.channel(name)} nobody={(name) => `There is no channel ${name}.`} onFound={offer} />
            {given.length > 0 && (
              <div className="holders">
                <h3>My bans go to</h3>
                <ul className="rows">
                  {given.map((share) => (
                    <Row key={share.toChannelId} share={share} name={share.toName} state={share.isAccepted ? 'accepted' : 'offered, not answered yet'}>
                      <button type="button" className="button" disabled={act.isPending} aria-label={`Withdraw from ${share.toName}`} onClick={() => withdraw(share.toChannelId, `${share.toName} does not get your bans any more`)}>Withdraw</button>
                    </Row>
                  ))}
                </ul>
              </div>
            )}
            {taken.length > 0 && (
              <div className="holders">
                <h3>From other channels</h3>
                <ul className="rows">
                  {taken.map((share) => (
                    <Row key={share.fromChannelId} share={share} name={share.fromName} state={share.isAccepted ? 'their bans hold here' : 'offers their bans'}>
                      {!share.isAccepted && (
                        <button type="button" className="button primary" disabled={act.isPending} aria-label={`Accept from ${share.fromName}`}
                          onClick={() => act.mutate({ run: () => moderation.acceptShare(channelId, share.fromChannelId), done: `The bans of ${share.fromName} hold here now` })}>Accept</button>
                      )}
                      <button type="button" className="button" disabled={act.isPending} aria-label={`${share.isAccepted ? 'End' : 'Decline'} ${share.fromName}`}
                        onClick={() => withdraw(share.fromChannelId, share.isAccepted ? `The bans of ${share.fromName} do not hold here any more` : `Declined the list of ${share.fromName}`)}>{share.isAccepted ? 'End' : 'Decline'}</button>
                    </Row>
                  ))}
                </ul>
              </div>
            )}
          </>
        );
      }}
    </Part>
  );
}

function Row({ share, name, state, children }: { share: BanShare; name: string; state: string; children: React.ReactNode }) {
  const now = useNow(60_000);
  return (
    <li className="row" data-testid="share" data-accepted={share.isAccepted}>
      <span className="row-words"><b>{name}</b><span className="muted" title={formatDate(share.offeredAt)}>{state}, {formatAgo(share.offeredAt, now)}</span></span>
      {children}
    </li>
  );
}
