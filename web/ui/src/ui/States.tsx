/** What a page shows when it has no content: nothing yet, nothing there, or trouble. Each says what to do next. */

import type { ReactNode } from 'react';
import { messageOf } from '../api/errors';
import { Icon } from './Icon';

interface EmptyProps {
  title: string;
  children: ReactNode;
  action?: ReactNode;
  testid?: string;
}

export function EmptyState({ title, children, action, testid }: EmptyProps) {
  return (
    <div className="empty" data-testid={testid}>
      <h1>{title}</h1>
      <p>{children}</p>
      {action && <div className="empty-actions">{action}</div>}
    </div>
  );
}

export function ErrorState({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  return (
    <div className="empty" role="alert">
      <Icon name="alert" size={36} />
      <h1>That did not work</h1>
      <p>{messageOf(error)}</p>
      <div className="empty-actions"><button type="button" className="button primary" onClick={onRetry}>Try again</button></div>
    </div>
  );
}

/** Red while the picture is its publisher's own; calm while it is awaited. */
export function LiveBadge({ children = 'Live', isReconnecting = false }: { children?: ReactNode; isReconnecting?: boolean }) {
  return <span className="live-badge" data-reconnecting={isReconnecting}>{isReconnecting ? 'Reconnecting' : children}</span>;
}
