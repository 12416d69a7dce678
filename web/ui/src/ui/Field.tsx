import { useId, useState, type InputHTMLAttributes } from 'react';
import { Icon } from './Icon';

interface Props extends Omit<InputHTMLAttributes<HTMLInputElement>, 'id'> {
  label: string;
  hint?: string;
  error?: string;
}

/** A labelled input whose error is told to everyone, also to screen readers. */
export function Field({ label, hint, error, type = 'text', ...input }: Props) {
  const id = useId();
  const [isShown, setShown] = useState(false);
  const isPassword = type === 'password';
  const describedBy = [error && `${id}-error`, hint && `${id}-hint`].filter(Boolean).join(' ');
  return (
    <div className="field" data-error={Boolean(error)}>
      <label htmlFor={id}>{label}</label>
      <div className="input-wrap">
        <input {...input} id={id} type={isPassword && isShown ? 'text' : type} aria-invalid={error ? true : undefined}
          aria-describedby={describedBy || undefined} />
        {isPassword && (
          <button type="button" className="icon-button" aria-label={isShown ? 'Hide password' : 'Show password'} onClick={() => setShown(!isShown)}>
            <Icon name={isShown ? 'eyeOff' : 'eye'} />
          </button>
        )}
      </div>
      {error && <p className="error-text" id={`${id}-error`} role="alert">{error}</p>}
      {hint && <p className="hint" id={`${id}-hint`}>{hint}</p>}
    </div>
  );
}
