import { useId, useState, type KeyboardEvent } from 'react';
import { Icon } from '../ui/Icon';

export const MAX_TAGS = 10;
export const MAX_TAG_LENGTH = 25;

/** `tags` with what was typed: split at commas, without repetitions, not more than the server takes. */
export function addTags(tags: readonly string[], typed: string): string[] {
  const added = typed.split(',').map((tag) => tag.trim().slice(0, MAX_TAG_LENGTH)).filter(Boolean);
  const seen = new Set<string>();
  return [...tags, ...added].filter((tag) => {
    const key = tag.toLowerCase();
    return !seen.has(key) && seen.add(key);
  }).slice(0, MAX_TAGS);
}

export function TagInput({ tags, onChange, error }: { tags: readonly string[]; onChange: (tags: string[]) => void; error?: string }) {
  const id = useId();
  const [typed, setTyped] = useState('');
  const commit = () => {
    if (typed.trim()) onChange(addTags(tags, typed));
    setTyped('');
  };
  const key = (event: KeyboardEvent) => {
    if (event.key === 'Enter' || event.key === ',') {
      if (!typed.trim() && event.key === 'Enter') return;
      event.preventDefault();
      commit();
    } else if (event.key === 'Backspace' && typed === '') onChange(tags.slice(0, -1));
  };
  return (
    <div className="field" data-error={Boolean(error)}>
      <label htmlFor={id}>Tags</label>
      <div className="taginput">
        {tags.map((tag) => (
          <span key={tag} className="tag">
            {tag}
            <button type="button" aria-label={`Remove ${tag}`} onClick={() => onChange(tags.filter((other) => other !== tag))}><Icon name="close" size={12} /></button>
          </span>
        ))}
        <input id={id} value={typed} maxLength={200} disabled={tags.length >= MAX_TAGS} placeholder={tags.length === 0 ? 'speedrun, cosy' : ''}
          onChange={(event) => setTyped(event.target.value)} onKeyDown={key} onBlur={commit} aria-describedby={`${id}-hint`} />
      </div>
      {error && <p className="error-text" role="alert">{error}</p>}
      <p className="hint" id={`${id}-hint`}>{tags.length >= MAX_TAGS ? 'Ten are enough.' : 'Enter or a comma ends a tag.'}</p>
    </div>
  );
}
