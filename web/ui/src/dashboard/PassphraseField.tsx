import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { api } from '../api/client';
import { ApiError, messageOf } from '../api/errors';
import { streamKeyQuery } from '../api/queries';
import { useToasts } from '../stores/toasts';
import { CopyField } from '../ui/CopyField';
import { Field } from '../ui/Field';
import { makePassphrase, PASSPHRASE_MAX, passphraseTrouble } from './addresses';

/** What SRT publishers must encrypt with; they that run when it changes go on. */
export function PassphraseField({ channelId, passphrase }: { channelId: string; passphrase: string | null }) {
  const client = useQueryClient();
  const show = useToasts((toasts) => toasts.show);
  const [draft, setDraft] = useState<string | null>(null);
  const [isChecked, setChecked] = useState(false);
  const save = useMutation({
    mutationFn: (value: string | null) => api.patchChannel(channelId, { srtPassphrase: value }),
    onSuccess: async (_, value) => {
      await client.invalidateQueries({ queryKey: streamKeyQuery(channelId).queryKey });
      setDraft(null);
      show(value === null ? 'Passphrase removed' : 'Passphrase saved. Put it into your encoder.');
    },
  });
  const edit = (text: string | null) => {
    save.reset();
    setChecked(false);
    setDraft(text);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setChecked(true);
    if (draft !== null && passphraseTrouble(draft) === null) save.mutate(draft);
  };
  const failure = save.error instanceof ApiError ? (save.error.fields.srtPassphrase ?? save.error.message) : save.error ? messageOf(save.error) : undefined;

  if (draft !== null) {
    return (
      <form className="passphrase" onSubmit={submit} noValidate data-testid="passphrase-form">
        <Field label="SRT passphrase" type="text" value={draft} maxLength={PASSPHRASE_MAX} spellCheck={false} autoCapitalize="none" autoComplete="off" autoFocus
          onChange={(event) => setDraft(event.target.value)} error={(isChecked ? passphraseTrouble(draft) : null) ?? failure} hint="Encoders must have the same one. A stream that runs goes on." />
        <div className="actions">
          <button type="button" className="button quiet" onClick={() => setDraft(makePassphrase())}>Generate</button>
          <button type="button" className="button" onClick={() => edit(null)}>Cancel</button>
          <button type="submit" className="button primary" disabled={save.isPending}>{save.isPending ? 'Saving …' : 'Save'}</button>
        </div>
      </form>
    );
  }
  return (
    <div className="passphrase" data-testid="passphrase">
      {passphrase
        ? <CopyField label="SRT passphrase" value={passphrase} isSecret hint="SRT streams without it are refused." />
        : <p className="hint">SRT streams to this channel are not encrypted. A passphrase changes that.</p>}
      {failure && <p className="error-text" role="alert">{failure}</p>}
      <div className="actions">
        {passphrase && <button type="button" className="button quiet" disabled={save.isPending} onClick={() => save.mutate(null)}>Remove</button>}
        <button type="button" className="button" onClick={() => edit(passphrase ? '' : makePassphrase())}>{passphrase ? 'Change' : 'Set a passphrase'}</button>
      </div>
    </div>
  );
}
