import { useRef, type CSSProperties, type KeyboardEvent, type PointerEvent } from 'react';
import { spell } from '../player/axis';
import { StoryTile } from '../player/StoryTile';
import { tileAt, type Tile } from '../player/storyboard';
import { moved, withEnd, withStart, type Part, type Range } from './trim';

interface Props {
  range: Range;
  part: Part;
  tiles: readonly Tile[];
  /** How a moment is called: a place in the video, or how long ago. */
  label: (atS: number) => string;
  onChange: (part: Part) => void;
}

const PICTURES = 9;
const STEP_S = 0.5;
const LARGE_STEP_S = 5;

type Grip = 'start' | 'end' | 'part';

/** The moments to choose from in pictures, and the chosen part between two handles. */
export function TrimBar({ range, part, tiles, label, onChange }: Props) {
  const bar = useRef<HTMLDivElement>(null);
  const grip = useRef<{ grip: Grip; fromS: number; part: Part } | null>(null);
  const lengthS = range.endS - range.startS;
  const share = (atS: number) => (atS - range.startS) / lengthS;

  const under = ({ clientX }: PointerEvent): number => {
    const { left, width } = bar.current!.getBoundingClientRect();
    return range.startS + (width > 0 ? (clientX - left) / width : 0) * lengthS;
  };
  const apply = (which: Grip, from: Part, byS: number) => {
    if (which === 'start') return onChange(withStart(from, from.startS + byS, range));
    if (which === 'end') return onChange(withEnd(from, from.endS + byS, range));
    onChange(moved(from, byS, range));
  };
  const hold = (which: Grip) => ({
    onPointerDown: (event: PointerEvent<HTMLElement>) => {
      if (event.button !== 0) return;
      event.stopPropagation();
      event.currentTarget.setPointerCapture?.(event.pointerId);
      grip.current = { grip: which, fromS: under(event), part };
    },
    onPointerMove: (event: PointerEvent) => grip.current && apply(grip.current.grip, grip.current.part, under(event) - grip.current.fromS),
    onPointerUp: () => void (grip.current = null),
    onPointerCancel: () => void (grip.current = null),
  });
  const keys = (which: Grip) => (event: KeyboardEvent) => {
    const step = event.shiftKey ? LARGE_STEP_S : STEP_S;
    const by = { ArrowLeft: -step, ArrowDown: -step, ArrowRight: step, ArrowUp: step, PageDown: -LARGE_STEP_S, PageUp: LARGE_STEP_S, Home: -lengthS, End: lengthS }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    apply(which, part, by);
  };
  const handle = (which: 'start' | 'end', atS: number) => (
    <div className={`trim-handle ${which}`} role="slider" tabIndex={0} aria-label={which === 'start' ? 'Start' : 'End'} data-testid={`trim-${which}`}
      aria-valuemin={0} aria-valuemax={round(lengthS)} aria-valuenow={round(atS - range.startS)} aria-valuetext={`${label(atS)}, ${spell(part.endS - part.startS)} long`}
      onKeyDown={keys(which)} {...hold(which)} />
  );

  return (
    <div className="trim">
      <div className="trim-bar" ref={bar} style={{ '--from': share(part.startS), '--to': share(part.endS) } as CSSProperties}>
        <div className="trim-pictures" aria-hidden="true">
          {Array.from({ length: PICTURES }, (_, index) => {
            const tile = tileAt(tiles, range.startS + ((index + 0.5) / PICTURES) * lengthS);
            return <span key={index}>{tile && <StoryTile tile={tile} />}</span>;
          })}
        </div>
        <div className="trim-part" {...hold('part')}>
          {handle('start', part.startS)}
          {handle('end', part.endS)}
        </div>
      </div>
      <div className="trim-times" aria-hidden="true">
        <span>{label(range.startS)}</span>
        <span>{label(part.startS)} – {label(part.endS)} · <b>{round(part.endS - part.startS)} s</b></span>
        <span>{label(range.endS)}</span>
      </div>
    </div>
  );
}

const round = (seconds: number): number => Math.round(seconds * 10) / 10;
