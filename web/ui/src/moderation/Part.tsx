import type { ReactNode } from 'react';
import { messageOf } from '../api/errors';

interface Props<T> {
  id: string;
  title: string;
  note?: string;
  /** Beside the title. */
  aside?: ReactNode;
  query: { data: T | undefined; error: unknown; refetch: () => unknown };
  children: (data: T) => ReactNode;
}

/** One panel about a chat, whose content is being asked for, could not be had, or is there. */
export function Part<T>({ id, title, note, aside, query, children }: Props<T>) {
  return (
    <section className="panel" aria-labelledby={id} aria-busy={query.data === undefined && !query.error} data-testid={`${id}-panel`}>
      <div className="panel-head"><h2 id={id}>{title}</h2>{aside}</div>
      {note && <p className="muted">{note}</p>}
      {query.data !== undefined ? children(query.data) : query.error ? (
        <div role="alert" className="part-trouble">
          <p className="muted">{messageOf(query.error)}</p>
          <button type="button" className="button" onClick={() => void query.refetch()}>Try again</button>
        </div>
      ) : <div className="skeleton part-skeleton" />}
    </section>
  );
}

/** The end of a list that goes on. */
export function More({ query }: { query: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown } }) {
  if (!query.hasNextPage) return null;
  return <button type="button" className="button part-more" disabled={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>{query.isFetchingNextPage ? 'Loading …' : 'Show more'}</button>;
}
