import { Navigate, useNavigate, useSearch } from '@tanstack/react-router';
import { useMe } from '../api/queries';
import { ErrorState } from '../ui/States';
import { useTitle } from '../ui/useTitle';
import { CreateChannel } from './CreateChannel';
import { DashboardTabs } from './DashboardTabs';
import { Picker } from './Picker';
import { Studio } from './Studio';
import './dashboard.css';

/** The streamer's side: what to send where, how it arrives, and how the channel is called. */
export function DashboardPage() {
  useTitle('Dashboard');
  const me = useMe();
  const navigate = useNavigate();
  const { channel: wanted } = useSearch({ from: '/dashboard' });
  if (me.isPending) return <div className="dashboard" aria-busy="true"><div className="skeleton panel-skeleton" /></div>;
  if (me.error && !me.data) return <ErrorState error={me.error} onRetry={() => void me.refetch()} />;
  if (!me.data) return <Navigate to="/login" search={{ next: '/dashboard' }} replace />;
  const { channels, user } = me.data;
  const chosen = channels.find(({ name }) => name === wanted) ?? channels[0];
  if (!chosen) return <CreateChannel username={user.username} />;
  return <Studio key={chosen.id} owned={chosen} tabs={<DashboardTabs channel={wanted} current="studio" />}
    picker={<Picker channels={channels} chosen={chosen} onChoose={(channel) => void navigate({ to: '/dashboard', search: { channel } })} />} />;
}
