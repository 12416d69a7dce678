import { Link } from '@tanstack/react-router';
import { EmptyState } from './States';
import { useTitle } from './useTitle';

export function NotFound() {
  useTitle('Page not found');
  return (
    <EmptyState testid="not-found" title="This page does not exist" action={<Link to="/" className="button primary">Go to the start</Link>}>
      The address may be misspelt, or what was here is gone.
    </EmptyState>
  );
}
