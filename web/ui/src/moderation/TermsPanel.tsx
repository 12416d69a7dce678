import { useState, type ClipboardEvent, type FormEvent } from 'react';
import type { ChatSettings } from '../api/types';
import { Field } from '../ui/Field';
import { Icon } from '../ui/Icon';
import { useSettingsChange } from './ModesPanel';

export const TERMS_MAX = 500;
export const TERM_MAX = 100;

/** `terms` with each line of what was typed, tidied; without repetitions. */
export function addTerms(terms: readonly string[], typed: string): string[] {
  const added = typed.split(/[\r\n]+/).map((line) => line.replace(/\s+/g, ' ').trim()).filter(Boolean);
  const seen = new Set<string>();
  return [...terms, ...added].filter((term) => {
    const key = term.toLowerCase();
    return !seen.has(key) && seen.add(key);
  });
}

/** What is wrong with a list, or null. */
export function termsTrouble(terms: readonly string[]): string | null {
  if (terms.length > TERMS_MAX) return `${TERMS_MAX} are the most; this would be ${terms.length}.`;
  const long = terms.find((term) => [...term].length > TERM_MAX);
  if (long) return `Up to ${TERM_MAX} characters each: “${long.slice(0, 20)} …” is longer.`;
  const open = terms.find((term) => /^[*\s]+$/.test(term));
  return open ? `“${open}” would fit every message.` : null;
}

interface Props {
  channelId: string;
  settings: ChatSettings;
  which: 'blockedTerms' | 'heldTerms';
}

const WORDS = {
  blockedTerms: { title: 'Blocked terms', note: 'Messages with one of these are refused. Their author is told, nobody else sees them.' },
  heldTerms: { title: 'Terms to look at', note: 'Messages with one of these wait until a moderator approves them.' },
};

/** A list of terms, out of sight until asked for: a screen may be on the air. */
export function TermsPanel({ channelId, settings, which }: Props) {
  const terms = settings[which] ?? [];
  const { title, note } = WORDS[which];
  const [typed, setTyped] = useState('');
  const [trouble, setTrouble] = useState<string | null>(null);
  const [isShown, setShown] = useState(false);
  const { mutate } = useSettingsChange(channelId);
  const add = (text: string) => {
    const wanted = addTerms(terms, text);
    const wrong = termsTrouble(wanted);
    setTrouble(wrong);
    if (wrong) return;
    setTyped('');
    if (wanted.length > terms.length) mutate({ [which]: wanted });
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (typed.trim()) add(typed);
  };
  const paste = (event: ClipboardEvent) => {
    const text = event.clipboardData.getData('text');
    if (!/[\r\n]/.test(text.trim())) return;
    event.preventDefault(); // an input would make one line of many
    add(text);
  };
  return (
    <section className="panel" aria-label={title} data-testid={which}>
      <div className="panel-head">
        <h2>{title}</h2>
        {terms.length > 0 && (
          <button type="button" className="button quiet" aria-expanded={isShown} onClick={() => setShown(!isShown)}>
            <Icon name={isShown ? 'eyeOff' : 'eye'} size={18} /> {isShown ? 'Hide' : 'Show'} {terms.length === 1 ? 'the one' : `all ${terms.length}`}
          </button>
        )}
      </div>
      <p className="muted">{note}</p>
      <form className="name-form" onSubmit={submit}>
        <Field label="Word or phrase" value={typed} autoCapitalize="none" autoComplete="off" spellCheck={false} onChange={({ target }) => setTyped(target.value)} onPaste={paste}
          hint="Whole words, however they are dressed up. * stands for any letters: spoil* also finds spoiler. Paste a list to add all of its lines." error={trouble ?? undefined} />
        <button type="submit" className="button">Add</button>
      </form>
      {isShown && (
        <ul className="terms">
          {terms.map((term) => (
            <li key={term} className="tag">
              {term}
              <button type="button" aria-label={`Remove ${term}`} onClick={() => mutate({ [which]: terms.filter((other) => other !== term) })}><Icon name="close" size={12} /></button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
