import { Navigate, useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useMe } from '../api/queries';
import type { OwnedChannel } from '../api/types';
import { useOnAir } from '../stores/on-air';
import { ErrorState } from '../ui/States';
import { useTitle } from '../ui/useTitle';
import { CreateChannel } from './CreateChannel';
import { DashboardTabs, TABS, type Tab } from './DashboardTabs';
import { Picker } from './Picker';
import './dashboard.css';

interface Props {
  tab: Tab;
  title: string;
  wanted: string | undefined;
  /** What can only be about the channel that this tab sends to, while it does. */
  isBound?: boolean;
  testid: string;
  children: (chosen: OwnedChannel) => ReactNode;
}

/** A page of the dashboard: for whom it is, about which channel, and the way to the others. */
export function DashboardFrame({ tab, title, wanted, isBound = false, testid, children }: Props) {
  useTitle(title);
  const me = useMe();
  const navigate = useNavigate();
  const sending = useOnAir(({ channel }) => channel);
  if (me.isPending) return <div className="dashboard" aria-busy="true"><div className="skeleton panel-skeleton" /></div>;
  if (me.error && !me.data) return <ErrorState error={me.error} onRetry={() => void me.refetch()} />;
  if (!me.data) return <Navigate to="/login" search={{ next: TABS[tab].path }} replace />;
  const { channels, user } = me.data;
  const bound = isBound ? sending : null;
  const chosen = channels.find(({ name }) => name === (bound ?? wanted)) ?? channels[0];
  if (!chosen) return <CreateChannel username={user.username} />;
  return (
    <div className="dashboard" data-testid={testid}>
      <div className="dashboard-head">
        <div>
          <h1>{title}</h1>
          <p className="muted">{chosen.name}</p>
        </div>
        <div className="dashboard-actions">
          {bound === null && <Picker channels={channels} chosen={chosen} onChoose={(channel) => void navigate({ to: TABS[tab].path, search: { channel } })} />}
        </div>
      </div>
      <DashboardTabs channel={wanted} current={tab} />
      {children(chosen)}
    </div>
  );
}
