import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { api } from '../api/client';
import { ApiError, messageOf } from '../api/errors';
import { pullQuery } from '../api/queries';
import type { Pull } from '../api/types';
import { useToasts } from '../stores/toasts';
import { Confirm } from '../ui/Dialog';
import { Field } from '../ui/Field';
import { Icon } from '../ui/Icon';
import { JobLine } from './JobLine';

/** The channel's stream, fetched from elsewhere. */
export function PullPanel({ channelId, isAdmin }: { channelId: string; isAdmin: boolean }) {
  const query = useQuery(pullQuery(channelId));
  if (query.error && !query.data) {
    return (
      <section className="panel" role="alert">
        <h2>Fetch from elsewhere</h2>
        <p className="muted">{messageOf(query.error)}</p>
        <button type="button" className="button" onClick={() => void query.refetch()}>Try again</button>
      </section>
    );
  }
  if (!query.data) return <section className="panel skeleton panel-skeleton" aria-busy="true" aria-label="Loading" />;
  const { pull, mayPull } = query.data;
  if (!mayPull && !pull) return null;
  return (
    <section className="panel" aria-labelledby="pull" data-testid="pull">
      <h2 id="pull">Fetch from elsewhere</h2>
      <p className="muted">Instead of an encoder that sends, this server fetches the stream: a camera, a playlist, another server. It is on air whenever there is something to fetch.</p>
      {pull ? <Running channelId={channelId} pull={pull} isAdmin={isAdmin} mayPull={mayPull} /> : <AddressForm channelId={channelId} isAdmin={isAdmin} action="Fetch this" />}
    </section>
  );
}

function Running({ channelId, pull, isAdmin, mayPull }: { channelId: string; pull: Pull; isAdmin: boolean; mayPull: boolean }) {
  const client = useQueryClient();
  const show = useToasts((toasts) => toasts.show);
  const [asks, setAsks] = useState<'change' | 'remove' | null>(null);
  const again = () => client.invalidateQueries({ queryKey: pullQuery(channelId).queryKey });
  const onError = (error: unknown) => show(messageOf(error), 'failed');
  const turn = useMutation({ mutationFn: (isEnabled: boolean) => api.putPull(channelId, { isEnabled }), onSuccess: again, onError });
  const remove = useMutation({
    mutationFn: () => api.deletePull(channelId),
    onSuccess: async () => (await again(), show('It is fetched no more')),
    onError,
    onSettled: () => setAsks(null),
  });
  const isOn = turn.isPending ? turn.variables : pull.isEnabled;
  return (
    <>
      <div className="relay-target">
        <code>{pull.url}</code>
        <label className="check"><input type="checkbox" checked={isOn} disabled={turn.isPending || !mayPull} onChange={(event) => turn.mutate(event.target.checked)} /> On</label>
      </div>
      <JobLine state={pull.state} isEnabled={pull.isEnabled} idle="About to begin" moved="received" />
      {asks === 'change' ? <AddressForm channelId={channelId} isAdmin={isAdmin} action="Change" onDone={() => setAsks(null)} /> : (
        <div className="actions">
          <button type="button" className="button quiet" onClick={() => setAsks('remove')}>Remove</button>
          {mayPull && <button type="button" className="button" onClick={() => setAsks('change')}>Other address</button>}
        </div>
      )}
      {asks === 'remove' && (
        <Confirm title="Fetch it no more?" text="The address is forgotten, and a stream that comes from there ends." action="Remove" isDangerous isBusy={remove.isPending}
          onConfirm={() => remove.mutate()} onClose={() => setAsks(null)} />
      )}
    </>
  );
}

function AddressForm({ channelId, isAdmin, action, onDone }: { channelId: string; isAdmin: boolean; action: string; onDone?: () => void }) {
  const client = useQueryClient();
  const [url, setUrl] = useState('');
  const save = useMutation({
    mutationFn: () => api.putPull(channelId, { url: url.trim(), isEnabled: true }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: pullQuery(channelId).queryKey });
      onDone?.();
    },
  });
  const fields = save.error instanceof ApiError ? save.error.fields : {};
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <form className="info-form" onSubmit={submit}>
      <Field label="Address" value={url} required maxLength={2048} spellCheck={false} autoCapitalize="none" autoComplete="off" placeholder="https://camera.example/live.m3u8"
        onChange={(event) => setUrl(event.target.value)} error={fields.url ?? (save.error ? messageOf(save.error) : undefined)}
        hint={`HLS, RTSP, RTMP, SRT, or MPEG-TS over HTTP${isAdmin ? '; for administrators also udp:// and file:NAME in the folder “files”' : ''}. Passwords in it are kept encrypted and not shown again.`} />
      <div className="actions">
        {onDone && <button type="button" className="button" onClick={onDone}>Cancel</button>}
        <button type="submit" className="button primary" disabled={save.isPending || url.trim() === ''}><Icon name="download" size={18} /> {save.isPending ? 'Saving …' : action}</button>
      </div>
    </form>
  );
}
