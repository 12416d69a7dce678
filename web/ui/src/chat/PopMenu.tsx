import { useEffect, useLayoutEffect, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';

const MARGIN_PX = 8;

interface Props {
  label: string;
  /** What is on the button. */
  icon: ReactNode;
  className?: string;
  onOpen?: () => void;
  onClose?: () => void;
  /** What is in the menu: buttons with role menuitem or menuitemcheckbox. */
  children: (close: () => void) => ReactNode;
}

/** A button with a menu that opens where there is room, over everything. */
export function PopMenu({ label, icon, className = 'icon-button', onOpen, onClose, children }: Props) {
  const [isOpen, setOpen] = useState(false);
  const box = useRef<HTMLSpanElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const menu = useRef<HTMLDivElement>(null);
  const toggle = (open: boolean) => {
    setOpen(open);
    if (open) onOpen?.();
    else onClose?.();
  };
  const close = () => {
    toggle(false);
    button.current?.focus();
  };

  useLayoutEffect(() => {
    if (isOpen && button.current && menu.current) place(menu.current, button.current.getBoundingClientRect());
  }, [isOpen]);

  useEffect(() => {
    if (!isOpen) return;
    menu.current?.querySelector<HTMLElement>('[role^="menuitem"]')?.focus();
    const outside = (event: PointerEvent) => !box.current?.contains(event.target as Node) && toggle(false);
    document.addEventListener('pointerdown', outside);
    return () => document.removeEventListener('pointerdown', outside);
  }, [isOpen]);

  const move = (event: KeyboardEvent) => {
    if (!isOpen) return;
    if (event.key === 'Escape') {
      event.stopPropagation();
      close();
    }
    if (event.key === 'Tab') toggle(false);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const items = [...(menu.current?.querySelectorAll<HTMLElement>('[role^="menuitem"]') ?? [])];
    items[(items.indexOf(document.activeElement as HTMLElement) + step + items.length) % items.length]?.focus();
  };

  return (
    <span className="pop-box" ref={box} onKeyDown={move}>
      <button ref={button} type="button" className={className} aria-haspopup="menu" aria-expanded={isOpen} aria-label={label} title={label} onClick={() => toggle(!isOpen)}>{icon}</button>
      {isOpen && <div ref={menu} className="menu pop-menu" role="menu" aria-label={label}>{children(close)}</div>}
    </span>
  );
}

/** Below the button and within the window; above it where there is more room. */
function place(menu: HTMLElement, at: DOMRect): void {
  const { offsetWidth, offsetHeight } = menu;
  const isBelow = at.bottom + offsetHeight + MARGIN_PX <= window.innerHeight || at.top < window.innerHeight - at.bottom;
  const top = isBelow ? at.bottom + 4 : at.top - offsetHeight - 4;
  menu.style.top = `${Math.max(MARGIN_PX, Math.min(top, window.innerHeight - offsetHeight - MARGIN_PX))}px`;
  menu.style.left = `${Math.max(MARGIN_PX, Math.min(at.right - offsetWidth, window.innerWidth - offsetWidth - MARGIN_PX))}px`;
}

interface ItemProps {
  onPick: () => void;
  children: ReactNode;
  isDanger?: boolean;
  /** Set for what is on or off. */
  isOn?: boolean;
}

export function MenuItem({ onPick, children, isDanger = false, isOn }: ItemProps) {
  return (
    <button type="button" role={isOn === undefined ? 'menuitem' : 'menuitemcheckbox'} aria-checked={isOn} data-danger={isDanger} className="pop-item" onClick={onPick}>
      {children}
    </button>
  );
}
