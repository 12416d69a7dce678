import type { ReactNode } from 'react';
import { Icon } from '../ui/Icon';
import type { Trouble } from './trouble';

/** What went wrong and what to do, told at once to screen readers as well. */
export function TroubleNote({ trouble, children }: { trouble: Trouble; children?: ReactNode }) {
  return (
    <div className="broadcast-trouble" role="alert" data-testid="trouble" data-id={trouble.id}>
      <Icon name="alert" />
      <p><b>{trouble.title}.</b> {trouble.text}</p>
      {children && <div className="broadcast-trouble-actions">{children}</div>}
    </div>
  );
}
