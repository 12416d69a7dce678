import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api/client';
import { messageOf } from '../api/errors';
import { restreamsQuery } from '../api/queries';
import type { Restream } from '../api/types';
import { useToasts } from '../stores/toasts';
import { Confirm } from '../ui/Dialog';
import { Icon } from '../ui/Icon';
import { JobLine } from './JobLine';
import { RestreamDialog } from './RestreamDialog';

const MOST = 5;

/** Other servers that get the channel's stream too. */
export function RestreamPanel({ channelId }: { channelId: string }) {
  const query = useQuery(restreamsQuery(channelId));
  const [isAdding, setAdding] = useState(false);
  if (query.error && !query.data) {
    return (
      <section className="panel" role="alert">
        <h2>Restream</h2>
        <p className="muted">{messageOf(query.error)}</p>
        <button type="button" className="button" onClick={() => void query.refetch()}>Try again</button>
      </section>
    );
  }
  if (!query.data) return <section className="panel skeleton panel-skeleton" aria-busy="true" aria-label="Loading" />;
  const restreams = query.data;
  return (
    <section className="panel" aria-labelledby="restream" data-testid="restreams">
      <div className="relay-head">
        <h2 id="restream">Restream</h2>
        {restreams.length < MOST
          ? <button type="button" className="button" onClick={() => setAdding(true)}><Icon name="plus" size={18} /> Add a target</button>
          : <p className="muted">{MOST} targets, the most there may be</p>}
      </div>
      <p className="muted">Whenever this channel is live, its stream goes there as well, as you send it. What becomes of it there never holds up your viewers here.</p>
      {restreams.length > 0 && <ul className="relay-list">{restreams.map((restream) => <Row key={restream.id} restream={restream} />)}</ul>}
      {isAdding && <RestreamDialog channelId={channelId} onClose={() => setAdding(false)} />}
    </section>
  );
}

function Row({ restream }: { restream: Restream }) {
  const { id, channelId, name, url, hasKey, isEnabled } = restream;
  const client = useQueryClient();
  const show = useToasts((toasts) => toasts.show);
  const [asks, setAsks] = useState<'edit' | 'remove' | null>(null);
  const again = () => client.invalidateQueries({ queryKey: restreamsQuery(channelId).queryKey });
  const onError = (error: unknown) => show(messageOf(error), 'failed');
  const turn = useMutation({ mutationFn: (wanted: boolean) => api.patchRestream(id, { isEnabled: wanted }), onSuccess: again, onError });
  const remove = useMutation({ mutationFn: () => api.deleteRestream(id), onSuccess: again, onError, onSettled: () => setAsks(null) });
  return (
    <li data-testid="restream">
      <div className="relay-target">
        <div className="relay-words">
          <b>{name}</b>
          <code>{url}</code>
          {!hasKey && <span className="muted">without a key</span>}
        </div>
        <div className="relay-actions">
          <label className="check"><input type="checkbox" checked={turn.isPending ? turn.variables : isEnabled} disabled={turn.isPending} aria-label={`Send to ${name}`} onChange={(event) => turn.mutate(event.target.checked)} /> On</label>
          <button type="button" className="icon-button" aria-label={`Edit ${name}`} title="Edit" onClick={() => setAsks('edit')}><Icon name="edit" /></button>
          <button type="button" className="icon-button" aria-label={`Remove ${name}`} title="Remove" onClick={() => setAsks('remove')}><Icon name="trash" /></button>
        </div>
      </div>
      <JobLine state={restream.state} isEnabled={isEnabled} idle="Begins when the channel is live" moved="sent" />
      {asks === 'edit' && <RestreamDialog channelId={channelId} restream={restream} onClose={() => setAsks(null)} />}
      {asks === 'remove' && (
        <Confirm title={`Remove ${name}?`} text="The address and its key are forgotten. If it is being sent to, that ends." action="Remove" isDangerous isBusy={remove.isPending}
          onConfirm={() => remove.mutate()} onClose={() => setAsks(null)} />
      )}
    </li>
  );
}
