import { useMutation } from '@tanstack/react-query';
import { useId, useState, type FormEvent } from 'react';
import { ApiError, messageOf } from '../api/errors';
import type { PatchVod, Visibility } from '../api/types';
import { Dialog } from '../ui/Dialog';
import { Field } from '../ui/Field';
import { AUDIENCES } from './VideoCard';
import './edit.css';

const TITLE_MAX = 140;

interface Props {
  video: { title: string; visibility: Visibility };
  subject: string;
  onSave: (change: PatchVod) => Promise<unknown>;
  onClose: () => void;
}

/** Title and audience of a recording or a clip. */
export function EditDialog({ video, subject, onSave, onClose }: Props) {
  const select = useId();
  const [title, setTitle] = useState(video.title);
  const [visibility, setVisibility] = useState(video.visibility);
  const save = useMutation({ mutationFn: () => onSave({ title: title.trim(), visibility }), onSuccess: onClose });
  const fields = save.error instanceof ApiError ? save.error.fields : {};
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <Dialog title={`Edit ${subject}`} onClose={onClose}>
      <form className="edit-form" onSubmit={submit}>
        <Field label="Title" value={title} maxLength={TITLE_MAX} onChange={(event) => setTitle(event.target.value)} error={fields.title} />
        <div className="field">
          <label htmlFor={select}>Who may watch</label>
          <AudienceSelect id={select} value={visibility} onChange={setVisibility} />
        </div>
        {save.error && Object.keys(fields).length === 0 && <p className="error-text" role="alert">{messageOf(save.error)}</p>}
        <div className="actions">
          <button type="button" className="button" onClick={onClose}>Cancel</button>
          <button type="submit" className="button primary" disabled={save.isPending}>{save.isPending ? 'Saving …' : 'Save'}</button>
        </div>
      </form>
    </Dialog>
  );
}

export function AudienceSelect({ id, label, value, onChange, isDisabled }: { id?: string; label?: string; value: Visibility; onChange: (value: Visibility) => void; isDisabled?: boolean }) {
  return (
    <select id={id} aria-label={label} value={value} disabled={isDisabled} onChange={(event) => onChange(event.target.value as Visibility)}>
      {(Object.keys(AUDIENCES) as Visibility[]).map((audience) => <option key={audience} value={audience}>{audience === 'private' ? 'Private, by link' : AUDIENCES[audience]}</option>)}
    </select>
  );
}
