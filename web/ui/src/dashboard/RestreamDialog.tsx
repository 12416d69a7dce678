import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useId, useState, type FormEvent } from 'react';
import { api } from '../api/client';
import { ApiError, messageOf } from '../api/errors';
import { restreamsQuery } from '../api/queries';
import type { PatchRestream, Restream } from '../api/types';
import { Dialog } from '../ui/Dialog';
import { Field } from '../ui/Field';

/** Where well-known services take streams; the key comes from their own dashboards. */
export const SERVICES = [
  { name: 'Twitch', url: 'rtmps://live.twitch.tv/app' },
  { name: 'YouTube', url: 'rtmps://a.rtmps.youtube.com/live2' },
  { name: 'Facebook', url: 'rtmps://live-api-s.facebook.com:443/rtmp' },
] as const;

interface Props {
  channelId: string;
  /** The one to change; a new one without. */
  restream?: Restream;
  onClose: () => void;
}

/** A target: its name, its address, its key. What is there of the key is never shown. */
export function RestreamDialog({ channelId, restream, onClose }: Props) {
  const client = useQueryClient();
  const service = useId();
  const [draft, setDraft] = useState({ name: restream?.name ?? '', url: restream?.url ?? '', key: '' });
  const change = (part: Partial<typeof draft>) => setDraft({ ...draft, ...part });
  const save = useMutation({
    mutationFn: () => (restream ? api.patchRestream(restream.id, changesOf(draft, restream)) : api.createRestream(channelId, { ...tidy(draft), isEnabled: true })),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: restreamsQuery(channelId).queryKey });
      onClose();
    },
  });
  const fields = save.error instanceof ApiError ? save.error.fields : {};
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  const choose = (name: string) => {
    const chosen = SERVICES.find((one) => one.name === name);
    change(chosen ? { ...chosen } : { name: '', url: '' });
  };
  const isSrt = draft.url.trim().startsWith('srt:');
  return (
    <Dialog title={restream ? `Edit ${restream.name}` : 'Add a target'} onClose={onClose}>
      <form className="info-form" onSubmit={submit}>
        {!restream && (
          <div className="field">
            <label htmlFor={service}>Service</label>
            <select id={service} value={SERVICES.find(({ url }) => url === draft.url)?.name ?? ''} onChange={(event) => choose(event.target.value)}>
              <option value="">Another server</option>
              {SERVICES.map(({ name }) => <option key={name} value={name}>{name}</option>)}
            </select>
          </div>
        )}
        <Field label="Name" value={draft.name} required maxLength={50} placeholder="What you call it" onChange={(event) => change({ name: event.target.value })} error={fields.name} />
        <Field label="Address" value={draft.url} required maxLength={2048} spellCheck={false} autoCapitalize="none" autoComplete="off" placeholder="rtmp://server.example/app"
          onChange={(event) => change({ url: event.target.value })} error={fields.url} hint="Begins with rtmp://, rtmps:// or srt://" />
        <Field label={isSrt ? 'Stream id' : 'Stream key'} type="password" value={draft.key} maxLength={512} autoComplete="off" spellCheck={false}
          placeholder={restream?.hasKey ? 'Stays as it is' : ''} onChange={(event) => change({ key: event.target.value })} error={fields.key} hint="Kept encrypted, and never shown again." />
        {save.error && Object.keys(fields).length === 0 && <p className="error-text" role="alert">{messageOf(save.error)}</p>}
        <div className="actions">
          <button type="button" className="button" onClick={onClose}>Cancel</button>
          <button type="submit" className="button primary" disabled={save.isPending}>{save.isPending ? 'Saving …' : restream ? 'Save' : 'Add'}</button>
        </div>
      </form>
    </Dialog>
  );
}

interface Draft {
  name: string;
  url: string;
  key: string;
}

const tidy = ({ name, url, key }: Draft): Draft => ({ name: name.trim(), url: url.trim(), key: key.trim() });

/** What differs: an address is shown without its secrets, and must not be sent back like that. */
export function changesOf(draft: Draft, now: Restream): PatchRestream {
  const { name, url, key } = tidy(draft);
  return { ...(name !== now.name && { name }), ...(url !== now.url && { url }), ...(key && { key }) };
}
