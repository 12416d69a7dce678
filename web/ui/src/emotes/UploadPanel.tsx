import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useEffect, useId, useRef, useState, type DragEvent, type FormEvent } from 'react';
import { emotes, emotesQuery, type Tier } from '../api/emotes';
import { ApiError, messageOf } from '../api/errors';
import type { Emote } from '../api/types';
import { useToasts } from '../stores/toasts';
import { Field } from '../ui/Field';
import { Icon } from '../ui/Icon';
import { fileTrouble, nameFrom, nameTrouble, PICTURE_TYPES, sizeAdvice, sizeTrouble, SIZES } from './picture';
import { SLOTS, slotsLeft, TIER_WORDS, TIERS } from './slots';

/** A picture becomes an emote: by drop or by choice, seen in its sizes before it is sent. */
export function UploadPanel({ channelId, kept }: { channelId: string; kept: readonly Emote[] }) {
  const client = useQueryClient();
  const show = useToasts((toasts) => toasts.show);
  const select = useId();
  const [file, setFile] = useState<File | null>(null);
  const [name, setName] = useState('');
  const [tier, setTier] = useState<Tier>(0);
  const picture = usePicture(file);
  const choose = (chosen: File) => {
    setFile(chosen);
    if (!name || name === nameFrom(file?.name ?? '')) setName(nameFrom(chosen.name));
    upload.reset();
  };
  const upload = useMutation({
    mutationFn: (image: File) => emotes.create(channelId, name, tier, image),
    onSuccess: (made) => {
      show(`${made.name} can be used now`);
      setFile(null);
      setName('');
      void client.invalidateQueries({ queryKey: emotesQuery(channelId).queryKey });
    },
  });
  const refused = upload.error instanceof ApiError ? upload.error.fields : {};
  const nameError = nameTrouble(name, kept.map((emote) => emote.name)) ?? refused.name;
  const left = slotsLeft(kept, tier);
  const trouble = picture.trouble ?? refused.image ?? (upload.error && Object.keys(refused).length === 0 ? messageOf(upload.error) : null);
  const isReady = file !== null && picture.isGood && name !== '' && !nameTrouble(name, kept.map((emote) => emote.name)) && left > 0 && !upload.isPending;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isReady) upload.mutate(file);
  };
  return (
    <section className="panel" aria-labelledby="upload" data-testid="upload-panel">
      <h2 id="upload">New emote</h2>
      <form className="info-form" onSubmit={submit}>
        <Drop onFile={choose} hasFile={file !== null} />
        {trouble && <p className="error-text" role="alert">{trouble}</p>}
        {picture.url && <Preview url={picture.url} onLoad={picture.measure} onError={picture.fail} />}
        {picture.advice && <p className="note"><Icon name="warning" size={18} /> {picture.advice}</p>}
        <Field label="Name" value={name} maxLength={32} autoCapitalize="none" autoComplete="off" spellCheck={false} hint="What people type. Capitals matter." error={nameError} onChange={({ target }) => setName(target.value.trim())} />
        <div className="field">
          <label htmlFor={select}>Who may use it</label>
          <select id={select} value={tier} onChange={({ target }) => setTier(Number(target.value) as Tier)}>
            {TIERS.map((one) => <option key={one} value={one}>{TIER_WORDS[one]}</option>)}
          </select>
          <p className="hint" data-testid="slots">{left === 0 ? `All ${SLOTS[tier]} places are taken. Delete one first.` : `${left} of ${SLOTS[tier]} places left`}</p>
        </div>
        <button type="submit" className="button primary" disabled={!isReady}>{upload.isPending ? 'Adding …' : 'Add emote'}</button>
      </form>
    </section>
  );
}

/** The chosen file as something to look at, and whether it will do. */
function usePicture(file: File | null) {
  const [url, setUrl] = useState<string | null>(null);
  const [size, setSize] = useState<{ width: number; height: number } | null>(null);
  const [isBroken, setBroken] = useState(false);
  const wrong = file && fileTrouble(file);
  useEffect(() => {
    setSize(null);
    setBroken(false);
    if (!file || wrong) return setUrl(null);
    const made = URL.createObjectURL(file);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [file, wrong]);
  const trouble = wrong ?? (isBroken ? 'This file cannot be shown as a picture.' : size && sizeTrouble(size.width, size.height));
  return {
    url: isBroken ? null : url,
    trouble,
    isGood: url !== null && size !== null && !trouble,
    advice: trouble || !size ? null : sizeAdvice(size.width, size.height),
    measure: (image: HTMLImageElement) => setSize({ width: image.naturalWidth, height: image.naturalHeight }),
    fail: () => setBroken(true),
  };
}

function Drop({ onFile, hasFile }: { onFile: (file: File) => void; hasFile: boolean }) {
  const input = useRef<HTMLInputElement>(null);
  const [isOver, setOver] = useState(false);
  const over = (event: DragEvent) => {
    event.preventDefault();
    setOver(true);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const dropped = event.dataTransfer.files[0];
    if (dropped) onFile(dropped);
  };
  return (
    <label className="drop" data-over={isOver} data-small={hasFile} onDragOver={over} onDragLeave={() => setOver(false)} onDrop={drop}>
      <Icon name="plus" size={24} />
      <span>{hasFile ? 'Another picture' : 'Drop a picture here, or choose one'}</span>
      <span className="hint">{Object.values(PICTURE_TYPES).join(', ')}; up to 1 MiB; it may move</span>
      <input ref={input} type="file" className="visually-hidden" accept={Object.keys(PICTURE_TYPES).join(',')} data-testid="emote-file"
        onChange={({ target }) => {
          const chosen = target.files?.[0];
          if (chosen) onFile(chosen);
          target.value = ''; // the same file again is a choice as well
        }} />
    </label>
  );
}

function Preview({ url, onLoad, onError }: { url: string; onLoad: (image: HTMLImageElement) => void; onError: () => void }) {
  return (
    <div className="emote-preview" data-testid="emote-preview">
      {(['dark', 'light'] as const).map((theme) => (
        <div key={theme} className="ground" data-ground={theme} role="group" aria-label={`On the ${theme} theme`}>
          {SIZES.map((size) => <img key={size} src={url} alt={`${size} pixels`} height={size} onLoad={({ currentTarget }) => onLoad(currentTarget)} onError={onError} />)}
        </div>
      ))}
    </div>
  );
}
