import { useSearch } from '@tanstack/react-router';
import { useMe } from '../api/queries';
import { DashboardFrame } from './DashboardFrame';
import { PullPanel } from './PullPanel';
import { RestreamPanel } from './RestreamPanel';
import './relay.css';

/** Where the channel's stream goes besides its viewers, and where it may come from. */
export function RelayPage() {
  const { channel: wanted } = useSearch({ from: '/dashboard/relay' });
  const { data: me } = useMe();
  const mayPull = Boolean(me?.mayPull || me?.isAdmin);
  return (
    <DashboardFrame tab="relay" title="Relay" wanted={wanted} testid="dashboard-relay">
      {(chosen) => (
        <div className={mayPull ? 'dashboard-columns' : 'dashboard-column'} key={chosen.id}>
          <div className="dashboard-main"><RestreamPanel channelId={chosen.id} /></div>
          {mayPull && <div className="dashboard-side"><PullPanel channelId={chosen.id} isAdmin={me?.isAdmin ?? false} /></div>}
        </div>
      )}
    </DashboardFrame>
  );
}
