import { useRef, useState, type CSSProperties, type KeyboardEvent, type PointerEvent } from 'react';
import type { Axis } from './axis';
import { StoryTile } from './StoryTile';
import { tileAt, type Tile } from './storyboard';

/** A place on the bar that has a name. */
export interface Mark {
  atS: number;
  title: string;
}

interface Props {
  axis: Axis;
  marks?: readonly Mark[];
  tiles: readonly Tile[];
  /** Somebody is about to seek: pictures are wanted. */
  onAim: () => void;
}

export const STEP_S = 10;
const PAGE_S = 60;

export function SeekBar({ axis, marks = [], tiles, onAim }: Props) {
  const bar = useRef<HTMLDivElement>(null);
  const [aimS, setAim] = useState<number | null>(null);
  const [isDragged, setDragged] = useState(false);
  const { startS, endS } = axis;
  const valueS = clamp(isDragged && aimS !== null ? aimS : axis.valueS, startS, endS);
  const share = (atS: number) => (axis.isAtEdge(atS) ? 1 : (clamp(atS, startS, endS) - startS) / (endS - startS));

  const under = ({ clientX }: PointerEvent): number => {
    const { left, width } = bar.current!.getBoundingClientRect();
    return startS + clamp(width > 0 ? (clientX - left) / width : 0, 0, 1) * (endS - startS);
  };
  const press = (event: PointerEvent<HTMLDivElement>) => {
    if (event.button !== 0) return;
    event.currentTarget.setPointerCapture?.(event.pointerId);
    setDragged(true);
    setAim(under(event));
    onAim();
  };
  const release = (event: PointerEvent) => {
    if (!isDragged) return;
    setDragged(false);
    if (event.pointerType !== 'mouse') setAim(null);
    if (event.type === 'pointerup') axis.seek(under(event));
  };
  const key = (event: KeyboardEvent) => {
    const target = {
      ArrowLeft: valueS - STEP_S, ArrowDown: valueS - STEP_S, ArrowRight: valueS + STEP_S, ArrowUp: valueS + STEP_S,
      PageDown: valueS - PAGE_S, PageUp: valueS + PAGE_S, Home: startS, End: endS,
    }[event.key];
    if (target === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    axis.seek(clamp(target, startS, endS));
  };

  return (
    <div className="seek" data-live={axis.isAtEdge(valueS)} data-dragged={isDragged}>
      <div ref={bar} className="seek-bar" role="slider" tabIndex={0} aria-label="Seek" data-testid="seek"
        aria-valuemin={0} aria-valuemax={Math.round(endS - startS)} aria-valuenow={Math.round(valueS - startS)} aria-valuetext={axis.spoken(valueS)}
        onKeyDown={key} onPointerDown={press} onPointerUp={release} onPointerCancel={release}
        onPointerEnter={onAim} onPointerMove={(event) => setAim(under(event))} onPointerLeave={() => isDragged || setAim(null)}>
        <span className="seek-track">
          {axis.bufferedS !== null && <span className="seek-buffered" style={scale(share(axis.bufferedS))} />}
          <span className="seek-played" style={scale(share(valueS))} />
          {marks.filter(({ atS }) => atS > startS && atS < endS).map(({ atS, title }) => <span key={atS} className="seek-mark" style={at(share(atS))} title={title} />)}
        </span>
        <span className="seek-knob" style={at(share(valueS))} />
      </div>
      {aimS !== null && <Preview share={share(aimS)} label={axis.label(aimS)} title={titleAt(marks, aimS)} tile={pictureAt(axis, tiles, aimS)} />}
    </div>
  );
}

function Preview({ share, label, title, tile }: { share: number; label: string; title: string | null; tile: Tile | null }) {
  return (
    <div className="seek-preview" style={at(share)} data-testid="seek-preview" aria-hidden="true">
      {tile && <span className="seek-picture" style={{ aspectRatio: `${tile.width} / ${tile.height}` }}><StoryTile tile={tile} /></span>}
      {title && <span className="seek-chapter">{title}</span>}
      <span className="seek-time">{label}</span>
    </div>
  );
}

function pictureAt(axis: Axis, tiles: readonly Tile[], atS: number): Tile | null {
  const mediaS = axis.mediaAt(atS);
  return mediaS === null ? null : tileAt(tiles, mediaS);
}

const titleAt = (marks: readonly Mark[], atS: number): string | null => marks.filter((mark) => mark.atS <= atS).at(-1)?.title ?? null;
const clamp = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value));
const at = (share: number): CSSProperties => ({ '--at': share }) as CSSProperties;
const scale = (share: number): CSSProperties => ({ transform: `scaleX(${share})` });
