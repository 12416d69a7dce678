import { useEffect, useRef, type KeyboardEvent } from 'react';
import { formatBitrate } from '../format';
import { Icon } from '../ui/Icon';
import { pickQuality, useQuality, type Quality, type QualityChoice } from './quality';

interface Props {
  qualities: readonly Quality[];
  /** What plays now, for the line of "Auto". */
  playing: string | null;
  isOpen: boolean;
  onToggle: (isOpen: boolean) => void;
}

/** Which rendition to play: by itself, or one by name. */
export function QualityMenu({ qualities, playing, isOpen, onToggle }: Props) {
  const { choice, choose } = useQuality();
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const picked = pickQuality(choice, qualities);

  useEffect(() => {
    if (!isOpen) return;
    box.current?.querySelector<HTMLElement>('[aria-checked="true"]')?.focus();
    const outside = (event: PointerEvent) => !box.current?.contains(event.target as Node) && onToggle(false);
    document.addEventListener('pointerdown', outside);
    return () => document.removeEventListener('pointerdown', outside);
  }, [isOpen, onToggle]);

  const close = () => {
    onToggle(false);
    button.current?.focus();
  };
  const move = (event: KeyboardEvent) => {
    if (!isOpen) return;
    if (event.key === 'Escape') {
      event.stopPropagation();
      return close();
    }
    if (event.key === 'Tab') return onToggle(false);
    const items = [...(box.current?.querySelectorAll<HTMLElement>('[role="menuitemradio"]') ?? [])];
    const here = items.indexOf(document.activeElement as HTMLElement);
    const next = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: items.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    items[(next + items.length) % items.length]?.focus();
  };
  const item = (value: QualityChoice, isChecked: boolean, label: string, detail: string) => (
    <button key={value} type="button" role="menuitemradio" aria-checked={isChecked} tabIndex={-1}
      onClick={() => (choose(value), close())}>
      <Icon name="check" size={16} />
      <span>{label}</span>
      <span className="quality-rate">{detail}</span>
    </button>
  );

  return (
    <div className="quality" ref={box} onKeyDown={move}>
      <button ref={button} type="button" className="control" aria-haspopup="menu" aria-expanded={isOpen} data-testid="quality"
        aria-label={`Quality (q): ${picked?.label ?? 'Auto'}`} title="Quality (q)" onClick={() => onToggle(!isOpen)}>
        <Icon name="quality" size={22} />
      </button>
      {isOpen && (
        <div className="quality-menu" role="menu" aria-label="Quality" data-testid="quality-menu">
          {item('auto', picked === null, 'Auto', picked === null && playing ? `now ${playing}` : '')}
          {qualities.map((quality) => item(quality.choice, quality === picked, quality.label, formatBitrate(quality.bitrateBps)))}
        </div>
      )}
    </div>
  );
}
