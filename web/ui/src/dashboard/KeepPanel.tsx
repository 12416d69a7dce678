import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useId, useState, type FormEvent } from 'react';
import { api } from '../api/client';
import { ApiError, messageOf } from '../api/errors';
import { channelQuery } from '../api/queries';
import type { Channel, KeepRules } from '../api/types';
import { useToasts } from '../stores/toasts';
import { Field } from '../ui/Field';
import { AudienceSelect } from '../videos/EditDialog';

/** Whether streams are kept, for how long, and who may watch: now and later. */
export function KeepPanel({ channel }: { channel: Channel }) {
  const client = useQueryClient();
  const show = useToasts((toasts) => toasts.show);
  const ids = { live: useId(), later: useId() };
  const [draft, setDraft] = useState(() => draftOf(channel));
  const change = (part: Partial<Draft>) => setDraft({ ...draft, ...part });
  const save = useMutation({
    mutationFn: () => api.patchChannel(channel.id, changesOf(draft, channel)),
    onSuccess: (saved) => {
      client.setQueryData(channelQuery(channel.name).queryKey, saved);
      void client.invalidateQueries({ queryKey: ['vods'] }); // when they go may have changed
      setDraft(draftOf(saved));
      show('Saved');
    },
  });
  const fields = save.error instanceof ApiError ? save.error.fields : {};
  const isChanged = JSON.stringify(draft) !== JSON.stringify(draftOf(channel));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <section className="panel" aria-labelledby="keep" data-testid="keep-panel">
      <h2 id="keep">Recording and audience</h2>
      <form className="info-form" onSubmit={submit}>
        <label className="check">
          <input type="checkbox" checked={draft.recording} onChange={(event) => change({ recording: event.target.checked })} />
          Record my streams
        </label>
        <div className="field">
          <label htmlFor={ids.live}>Who may watch live</label>
          <AudienceSelect id={ids.live} value={draft.visibility} onChange={(visibility) => change({ visibility })} />
          <p className="hint">Takes effect at once, also on a running stream.</p>
        </div>
        <div className="field">
          <label htmlFor={ids.later}>Who may watch recordings</label>
          <AudienceSelect id={ids.later} value={draft.vodVisibility} onChange={(vodVisibility) => change({ vodVisibility })} />
          <p className="hint">For streams that begin from now on. Each recording can be changed by itself.</p>
        </div>
        <div className="two">
          <Field label="Keep for days" type="number" inputMode="numeric" min={0} value={draft.keepDays} placeholder="As the server does" onChange={(event) => change({ keepDays: event.target.value })} error={fields.keepDays} />
          <Field label="Keep up to GB" type="number" inputMode="numeric" min={0} value={draft.keepGb} placeholder="As the server does" onChange={(event) => change({ keepGb: event.target.value })} error={fields.keepGb} />
        </div>
        <p className="hint">0 means without limit. Beyond a limit the oldest recordings are deleted; clips of them stay.</p>
        {save.error && Object.keys(fields).length === 0 && <p className="error-text" role="alert">{messageOf(save.error)}</p>}
        <div className="actions">
          {isChanged && <button type="button" className="button quiet" onClick={() => setDraft(draftOf(channel))}>Undo changes</button>}
          <button type="submit" className="button primary" disabled={!isChanged || save.isPending}>{save.isPending ? 'Saving …' : 'Save'}</button>
        </div>
      </form>
    </section>
  );
}

/** Limits are edited as text: an empty one is what the server does. */
type Draft = Omit<KeepRules, 'keepDays' | 'keepGb'> & { keepDays: string; keepGb: string };

const draftOf = ({ visibility, vodVisibility, recording, keepDays, keepGb }: Channel): Draft => ({
  visibility, vodVisibility, recording, keepDays: keepDays?.toString() ?? '', keepGb: keepGb?.toString() ?? '',
});

const limitOf = (text: string): number | null => (text.trim() === '' ? null : Math.max(0, Math.round(Number(text))));

/** Only what differs is sent: another tab may have changed the rest. */
export function changesOf({ keepDays, keepGb, ...rest }: Draft, now: KeepRules): Partial<KeepRules> {
  const wanted: KeepRules = { ...rest, keepDays: limitOf(keepDays), keepGb: limitOf(keepGb) };
  return Object.fromEntries(Object.entries(wanted).filter(([name, value]) => value !== now[name as keyof KeepRules]));
}
