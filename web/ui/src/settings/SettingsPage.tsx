import { Navigate } from '@tanstack/react-router';
import { useMe } from '../api/queries';
import { ErrorState } from '../ui/States';
import { useTitle } from '../ui/useTitle';
import { BotsPanel } from './BotsPanel';
import { ProfilePanel } from './ProfilePanel';
import { TokensPanel } from './TokensPanel';
import '../dashboard/dashboard.css';
import '../moderation/moderation.css';
import './settings.css';

/** My account: how I am called and coloured, and the programs that act for me. */
export function SettingsPage() {
  useTitle('Settings');
  const me = useMe();
  if (me.isPending) return <div className="dashboard" aria-busy="true"><div className="skeleton panel-skeleton" /></div>;
  if (me.error && !me.data) return <ErrorState error={me.error} onRetry={() => void me.refetch()} />;
  if (!me.data) return <Navigate to="/login" search={{ next: '/settings' }} replace />;
  return (
    <div className="dashboard settings" data-testid="settings">
      <div className="dashboard-head"><h1>Settings</h1></div>
      <ProfilePanel key={me.data.user.id} me={me.data} />
      <TokensPanel username={me.data.user.username} />
      <BotsPanel />
    </div>
  );
}
