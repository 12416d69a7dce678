import { useId } from 'react';
import { Field } from '../ui/Field';

/** `null`: what the instance does. Otherwise `auto`, `off`, or names of rungs. */
export type LadderChoice = string | null;

const WORDS = { instance: 'As this server does', auto: 'Automatic, from the source', off: 'Off: the source alone', names: 'These rungs …' };
type Way = keyof typeof WORDS;

export const wayOf = (choice: LadderChoice): Way => (choice === null ? 'instance' : choice === 'auto' || choice === 'off' ? choice : 'names');

/** What a person types as the server takes it: `720p, 480P` is `720p,480p`. */
export const tidyLadder = (choice: LadderChoice): LadderChoice =>
  choice === null ? null : choice.toLowerCase().split(/[\s,;]+/).filter(Boolean).join(',') || null;

interface Props {
  value: LadderChoice;
  onChange: (value: LadderChoice) => void;
  error?: string;
}

/** Which smaller renditions are made of the next stream. */
export function LadderField({ value, onChange, error }: Props) {
  const id = useId();
  const way = wayOf(value);
  const choose = (next: Way) => onChange(next === 'instance' ? null : next === 'names' ? '' : next);
  return (
    <div className="two">
      <div className="field" data-error={Boolean(error)}>
        <label htmlFor={id}>Ladder</label>
        <select id={id} value={way} aria-describedby={`${id}-hint`} onChange={(event) => choose(event.target.value as Way)}>
          {Object.entries(WORDS).map(([key, words]) => <option key={key} value={key}>{words}</option>)}
        </select>
        {error && way !== 'names' && <p className="error-text" role="alert">{error}</p>}
        <p className="hint" id={`${id}-hint`}>Smaller renditions for thin lines. Counts from the next stream on.</p>
      </div>
      {way === 'names' && (
        <Field label="Rungs" value={value ?? ''} maxLength={140} placeholder="720p, 480p" spellCheck={false} autoCapitalize="none"
          onChange={(event) => onChange(event.target.value)} hint="Names as this server has them, with commas" error={error} />
      )}
    </div>
  );
}
