import { useEffect, useRef, type KeyboardEvent } from 'react';
import { Icon, type IconName } from '../ui/Icon';

export interface Choice {
  value: string;
  label: string;
  detail?: string;
  isChecked: boolean;
  choose: () => void;
}

interface Props {
  name: string;
  testid: string;
  icon: IconName;
  /** What the button says: the menu's name, its key and what is chosen. */
  label: string;
  hint: string;
  choices: readonly Choice[];
  isOpen: boolean;
  onToggle: (isOpen: boolean) => void;
}

/** A button of the player that opens a list of which one is chosen. */
export function ChoiceMenu({ name, testid, icon, label, hint, choices, isOpen, onToggle }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const toggle = useRef(onToggle);
  toggle.current = onToggle;

  useEffect(() => {
    if (!isOpen) return;
    box.current?.querySelector<HTMLElement>('[aria-checked="true"]')?.focus();
    const outside = (event: PointerEvent) => !box.current?.contains(event.target as Node) && toggle.current(false);
    document.addEventListener('pointerdown', outside);
    return () => document.removeEventListener('pointerdown', outside);
  }, [isOpen]);

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

  return (
    <div className="choice" ref={box} onKeyDown={move}>
      <button ref={button} type="button" className="control" aria-haspopup="menu" aria-expanded={isOpen} data-testid={testid}
        aria-label={label} title={hint} onClick={() => onToggle(!isOpen)}>
        <Icon name={icon} size={22} />
      </button>
      {isOpen && (
        <div className="choice-menu" role="menu" aria-label={name} data-testid={`${testid}-menu`}>
          {choices.map(({ value, label: words, detail = '', isChecked, choose }) => (
            <button key={value} type="button" role="menuitemradio" aria-checked={isChecked} tabIndex={-1} onClick={() => (choose(), close())}>
              <Icon name="check" size={16} />
              <span>{words}</span>
              <span className="choice-detail">{detail}</span>
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
