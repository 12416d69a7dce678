import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, useLocation } from '@tanstack/react-router';
import { useState, type FormEvent } from 'react';
import { api } from '../api/client';
import { ApiError, messageOf } from '../api/errors';
import { useMe } from '../api/queries';
import type { Clip, CreateClip } from '../api/types';
import { formatDuration } from '../format';
import { Player } from '../player/Player';
import { useStoryboard } from '../player/useStoryboard';
import { CopyField } from '../ui/CopyField';
import { Dialog } from '../ui/Dialog';
import { Field } from '../ui/Field';
import { Icon } from '../ui/Icon';
import { LONGEST_S, SHORTEST_S, type Part, type Range } from './trim';
import { TrimBar } from './TrimBar';
import './clips.css';

const TITLE_MAX = 140;
const STORED_WITHIN_TRIES = 6;
const STORED_AGAIN_MS = 1000;

/** What a clip is cut from: a live channel or a recording, and where of it. */
export interface ClipSource {
  of: { channelId: string } | { vodId: string };
  /** The playlist that shows it, and the program time of its media time 0. */
  url: string;
  zeroMs: number;
  storyboardUrl: string | null;
  range: Range;
  part: Part;
  isLive: boolean;
  title: string;
}

export function ClipDialog({ source, onClose }: { source: ClipSource; onClose: () => void }) {
  const { data: me } = useMe();
  const [made, setMade] = useState<Clip | null>(null);
  if (made) return <Made clip={made} onClose={onClose} />;
  return (
    <Dialog title="Make a clip" isWide onClose={onClose}>
      {me ? <Trimmer source={source} onMade={setMade} onClose={onClose} /> : <SignIn />}
    </Dialog>
  );
}

function SignIn() {
  const path = useLocation({ select: ({ href }) => href });
  return (
    <>
      <p className="muted">Clips carry the name of whoever made them. Sign in, and choose the moment.</p>
      <div className="actions">
        <Link to="/signup" search={{ next: path }} className="button">Create an account</Link>
        <Link to="/login" search={{ next: path }} className="button primary">Sign in</Link>
      </div>
    </>
  );
}

function Trimmer({ source, onMade, onClose }: { source: ClipSource; onMade: (clip: Clip) => void; onClose: () => void }) {
  const client = useQueryClient();
  const [part, setPart] = useState(source.part);
  const [title, setTitle] = useState('');
  const tiles = useStoryboard(source.storyboardUrl, true, false);
  const create = useMutation({
    mutationFn: () => createSoon({ ...source.of, startMs: Math.round(part.startS * 1000), endMs: Math.round(part.endS * 1000), title: title.trim() }, source.isLive),
    onSuccess: (clip) => {
      void client.invalidateQueries({ queryKey: ['clips'] });
      onMade(clip);
    },
  });
  const fields = create.error instanceof ApiError ? create.error.fields : {};
  const times = fields.startMs ?? fields.endMs;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  // Live, people think in "half a minute ago"; in a recording, in its own time.
  const label = (atS: number) => (source.isLive ? ago(source.range.endS - atS) : formatDuration(atS * 1000));
  return (
    <form className="clip-form" onSubmit={submit} data-testid="clip-form">
      <div className="clip-preview">
        <Player isPreview hasSound label="Preview" title={title || source.title} artist="" source={{
          url: source.url, take: 1, isRecorded: true, startAtMs: source.zeroMs + source.part.startS * 1000, zeroMs: source.zeroMs, loop: part,
        }} />
      </div>
      <TrimBar range={source.range} part={part} tiles={tiles} label={label} onChange={setPart} />
      {times && <p className="error-text" role="alert">{times}</p>}
      <p className="hint">Drag the handles, or move them with the arrow keys. {SHORTEST_S} to {LONGEST_S} seconds.</p>
      <Field label="Title" value={title} maxLength={TITLE_MAX} placeholder={source.title || 'What happens here?'} onChange={(event) => setTitle(event.target.value)} error={fields.title} />
      {create.error && !times && !fields.title && <p className="error-text" role="alert">{messageOf(create.error)}</p>}
      <div className="actions">
        <button type="button" className="button" onClick={onClose}>Cancel</button>
        <button type="submit" className="button primary" disabled={create.isPending}><Icon name="clip" size={18} /> {create.isPending ? 'Creating …' : 'Create clip'}</button>
      </div>
    </form>
  );
}

/** The last seconds of a live stream may not be stored yet; they will be at once. */
async function createSoon(clip: CreateClip, isLive: boolean): Promise<Clip> {
  for (let tries = 1; ; tries++) {
    try {
      return await api.createClip(clip);
    } catch (error) {
      const isEarly = isLive && error instanceof ApiError && 'endMs' in error.fields;
      if (!isEarly || tries === STORED_WITHIN_TRIES) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, STORED_AGAIN_MS));
  }
}

const ago = (seconds: number): string => (seconds < 0.5 ? 'now' : `-${formatDuration(seconds * 1000)}`);

function Made({ clip, onClose }: { clip: Clip; onClose: () => void }) {
  return (
    <Dialog title="Your clip is ready" onClose={onClose}>
      <p className="muted">It plays at once. Share it with this link:</p>
      <CopyField label="Link" value={new URL(clip.pageUrl, window.location.href).href} />
      <div className="actions">
        <button type="button" className="button" onClick={onClose}>Done</button>
        <Link to="/clips/$id" params={{ id: clip.id }} className="button primary" onClick={onClose} data-testid="open-clip">Watch the clip</Link>
      </div>
    </Dialog>
  );
}
