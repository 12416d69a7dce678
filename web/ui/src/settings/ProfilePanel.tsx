import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type CSSProperties, type FormEvent } from 'react';
import { account } from '../api/account';
import { ApiError, messageOf } from '../api/errors';
import { meQuery } from '../api/queries';
import type { Me, PatchMe } from '../api/types';
import { readable } from '../chat/color';
import { useToasts } from '../stores/toasts';
import { Field } from '../ui/Field';
import { Icon } from '../ui/Icon';

const DISPLAY_NAME_MAX = 50;
/** A few that differ from each other, also for those who see fewer colours; any other can be typed. */
const SWATCHES = ['#FF5C5C', '#FF8A3D', '#F2C12E', '#7BD148', '#2FBF8F', '#2FB8D6', '#4F8CFF', '#8B6CFF', '#D469E8', '#FF6FA8', '#B8926A', '#9AA3B2'];
const COLOR = /^#[0-9A-F]{6}$/;

/** What was typed as #RRGGBB; three digits and a missing # are forgiven. Null: no colour. */
export function tidyColor(typed: string): string | null {
  const digits = typed.trim().replace(/^#/, '').toUpperCase();
  const long = digits.length === 3 ? [...digits].map((digit) => digit + digit).join('') : digits;
  const color = `#${long}`;
  return COLOR.test(color) ? color : null;
}

/** How I am called, and in which colour my name stands in chats. */
export function ProfilePanel({ me }: { me: Me }) {
  const client = useQueryClient();
  const show = useToasts((toasts) => toasts.show);
  const kept = me.chatColor;
  const [name, setName] = useState(me.user.displayName);
  const [color, setColor] = useState(kept);
  const tidy = color.trim() === '' ? '' : tidyColor(color);
  const change: PatchMe = { ...(name.trim() !== me.user.displayName && { displayName: name.trim() }), ...(tidy !== null && tidy !== kept && { chatColor: tidy }) };
  const save = useMutation({
    mutationFn: () => account.patchMe(change),
    onSuccess: (saved) => {
      client.setQueryData(meQuery.queryKey, saved);
      setName(saved.user.displayName);
      setColor(saved.chatColor);
      show('Saved');
    },
  });
  const fields = save.error instanceof ApiError ? save.error.fields : {};
  const isChanged = Object.keys(change).length > 0;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isChanged && tidy !== null) save.mutate();
  };
  return (
    <section className="panel" aria-labelledby="profile" data-testid="profile-panel">
      <h2 id="profile">Name and colour</h2>
      <form className="info-form" onSubmit={submit}>
        <Field label="Display name" value={name} required maxLength={DISPLAY_NAME_MAX} autoComplete="nickname" onChange={({ target }) => setName(target.value)}
          hint={`As others see you. You sign in as ${me.user.username}.`} error={fields.displayName} />
        <fieldset className="colors">
          <legend>Colour in chats</legend>
          <div className="swatches">
            {SWATCHES.map((swatch) => (
              <button key={swatch} type="button" className="swatch" style={{ background: swatch }} aria-label={swatch} aria-pressed={tidy === swatch} onClick={() => setColor(swatch)}>
                {tidy === swatch && <Icon name="check" size={16} />}
              </button>
            ))}
            <label className="swatch any" title="Any colour">
              <span className="visually-hidden">Any colour</span>
              <input type="color" value={(tidy || SWATCHES[6]!).toLowerCase()} onChange={({ target }) => setColor(target.value.toUpperCase())} />
            </label>
          </div>
          <Field label="As #RRGGBB" value={color} maxLength={7} spellCheck={false} autoComplete="off" placeholder="One that follows from your account" onChange={({ target }) => setColor(target.value)}
            error={tidy === null ? 'Six digits: 0 to 9, A to F.' : fields.chatColor} />
        </fieldset>
        <Preview name={name.trim() || me.user.username} color={tidy ?? kept} />
        {save.error && Object.keys(fields).length === 0 && <p className="error-text" role="alert">{messageOf(save.error)}</p>}
        <div className="actions">
          {isChanged && <button type="button" className="button quiet" onClick={() => (setName(me.user.displayName), setColor(kept))}>Undo changes</button>}
          <button type="submit" className="button primary" disabled={!isChanged || tidy === null || save.isPending}>{save.isPending ? 'Saving …' : 'Save'}</button>
        </div>
      </form>
    </section>
  );
}

/** The same colour on both themes: where it could not be read, chats show it lighter or darker. */
function Preview({ name, color }: { name: string; color: string }) {
  const { onDark, onLight } = readable(color);
  return (
    <div className="color-preview" data-testid="color-preview">
      {([['dark', onDark], ['light', onLight]] as const).map(([theme, shown]) => (
        <p key={theme} data-ground={theme} aria-label={`On the ${theme} theme`} role="group">
          <b style={{ color: color ? shown : 'inherit' } as CSSProperties}>{name}</b>: Good evening, everybody
        </p>
      ))}
      <p className="hint">Where your colour could not be read, chats show it lighter or darker.</p>
    </div>
  );
}
