import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useId, useState, type FormEvent } from 'react';
import { api } from '../api/client';
import { ApiError, messageOf } from '../api/errors';
import { channelQuery } from '../api/queries';
import type { Channel } from '../api/types';
import { formatCategory, formatLanguage, slug } from '../format';
import { useToasts } from '../stores/toasts';
import { Field } from '../ui/Field';
import { LadderField, tidyLadder, type LadderChoice } from './LadderField';
import { TagInput } from './TagInput';

const TITLE_MAX = 140;
const LANGUAGES = ['en', 'de', 'es', 'fr', 'it', 'pt', 'nl', 'pl', 'cs', 'sv', 'da', 'nb', 'fi', 'el', 'tr', 'ru', 'uk', 'ar', 'he', 'hi', 'th', 'vi', 'id', 'ja', 'ko', 'zh'];

/** How the channel presents itself; also while it is on air. */
export function InfoPanel({ channel }: { channel: Channel }) {
  const client = useQueryClient();
  const show = useToasts((toasts) => toasts.show);
  const language = useId();
  const [draft, setDraft] = useState(() => draftOf(channel));
  const change = (part: Partial<Draft>) => setDraft({ ...draft, ...part });
  const save = useMutation({
    mutationFn: () => {
      const { ladder, ...words } = draft;
      const change = { ...words, title: words.title.trim(), categoryId: slug(words.categoryId) };
      return api.patchChannel(channel.id, tidyLadder(ladder) === channel.ladder ? change : { ...change, ladder: tidyLadder(ladder) });
    },
    onSuccess: (saved) => {
      client.setQueryData(channelQuery(channel.name).queryKey, saved);
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
  const languages = channel.language && !LANGUAGES.includes(channel.language) ? [channel.language, ...LANGUAGES] : LANGUAGES;

  return (
    <section className="panel info-panel" aria-labelledby="info">
      <h2 id="info">Stream info</h2>
      <form onSubmit={submit} className="info-form">
        <Field label="Title" value={draft.title} maxLength={TITLE_MAX} placeholder="What is this stream about?" onChange={(event) => change({ title: event.target.value })}
          hint={`${draft.title.length} of ${TITLE_MAX}`} error={fields.title} />
        <div className="two">
          <Field label="Category" value={draft.categoryId} maxLength={60} placeholder="Just chatting" onChange={(event) => change({ categoryId: event.target.value })} error={fields.categoryId} />
          <div className="field">
            <label htmlFor={language}>Language</label>
            <select id={language} value={draft.language} onChange={(event) => change({ language: event.target.value })}>
              <option value="">Not said</option>
              {languages.map((tag) => <option key={tag} value={tag}>{formatLanguage(tag)}</option>)}
            </select>
          </div>
        </div>
        <TagInput tags={draft.tags} onChange={(tags) => change({ tags })} error={fields.tags} />
        <LadderField value={draft.ladder} onChange={(ladder) => change({ ladder })} error={fields.ladder} />
        <label className="check">
          <input type="checkbox" checked={draft.mature} onChange={(event) => change({ mature: event.target.checked })} />
          For adults
        </label>
        {save.error && Object.keys(fields).length === 0 && <p className="error-text" role="alert">{messageOf(save.error)}</p>}
        <div className="actions">
          {isChanged && <button type="button" className="button quiet" onClick={() => setDraft(draftOf(channel))}>Undo changes</button>}
          <button type="submit" className="button primary" disabled={!isChanged || save.isPending}>{save.isPending ? 'Saving …' : 'Save'}</button>
        </div>
      </form>
    </section>
  );
}

interface Draft {
  title: string;
  categoryId: string;
  language: string;
  tags: string[];
  mature: boolean;
  ladder: LadderChoice;
}

/** The category is edited as a headline and stored as an id. */
function draftOf({ title, categoryId, language, tags, mature, ladder }: Channel): Draft {
  return { title, categoryId: formatCategory(categoryId), language, tags, mature, ladder };
}
