import { useEffect, useId, useState } from 'react';
import { useToasts } from '../stores/toasts';
import { copyText } from './copy';
import { Icon } from './Icon';

const COPIED_MS = 1800;

interface Props {
  label: string;
  value: string;
  /** Show dots until asked. */
  isSecret?: boolean;
  hint?: string;
}

/** A value to take elsewhere: shown, selectable, one click to copy. */
export function CopyField({ label, value, isSecret = false, hint }: Props) {
  const id = useId();
  const [isCopied, setCopied] = useState(false);
  const [isShown, setShown] = useState(!isSecret);
  const show = useToasts((toasts) => toasts.show);

  useEffect(() => {
    if (!isCopied) return;
    const timer = setTimeout(() => setCopied(false), COPIED_MS);
    return () => clearTimeout(timer);
  }, [isCopied]);

  const copy = async () => {
    const isDone = await copyText(value);
    setCopied(isDone);
    show(isDone ? `${label} copied` : 'The browser does not allow copying. Select the text instead.', isDone ? 'done' : 'failed');
  };

  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <div className="copyfield">
        <input id={id} readOnly value={isShown ? value : '•'.repeat(Math.min(value.length, 28))} spellCheck={false}
          onFocus={(event) => event.target.select()} aria-describedby={hint ? `${id}-hint` : undefined} />
        {isSecret && (
          <button type="button" className="icon-button" aria-label={isShown ? `Hide ${label.toLowerCase()}` : `Show ${label.toLowerCase()}`} onClick={() => setShown(!isShown)}>
            <Icon name={isShown ? 'eyeOff' : 'eye'} />
          </button>
        )}
        <button type="button" className="icon-button" aria-label={`Copy ${label.toLowerCase()}`} onClick={() => void copy()}>
          <Icon name={isCopied ? 'check' : 'copy'} />
        </button>
      </div>
      {hint && <p className="hint" id={`${id}-hint`}>{hint}</p>}
    </div>
  );
}
