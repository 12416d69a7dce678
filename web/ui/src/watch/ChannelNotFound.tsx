import { Link } from '@tanstack/react-router';
import { EmptyState } from '../ui/States';
import { useTitle } from '../ui/useTitle';

export function ChannelNotFound({ name }: { name: string }) {
  useTitle('No such channel');
  return (
    <EmptyState testid="not-found" title="No such channel" action={<Link to="/" className="button primary">See who is on air</Link>}>
      Nobody here is called <b>{name}</b>. The name may be misspelt, or the channel is gone.
    </EmptyState>
  );
}
