import { useEffect, useRef, type ReactNode } from 'react';
import { Icon } from '../ui/Icon';

interface Props {
  title: string;
  testid: string;
  /** It takes the place of the lines. */
  isWhole?: boolean;
  onClose: () => void;
  children: ReactNode;
}

/** Something more to see, over the lines of the chat; the chat goes on below it. */
export function Sheet({ title, testid, isWhole = false, onClose, children }: Props) {
  const box = useRef<HTMLElement>(null);
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    box.current?.focus();
    return () => before?.isConnected ? before.focus() : undefined;
  }, []);
  return (
    <section ref={box} className="sheet" data-whole={isWhole} role="dialog" aria-label={title} tabIndex={-1} data-testid={testid}
      onKeyDown={(event) => event.key === 'Escape' && (event.stopPropagation(), onClose())}>
      <header className="sheet-head">
        <h3>{title}</h3>
        <button type="button" className="icon-button" aria-label="Close" onClick={onClose}><Icon name="close" size={18} /></button>
      </header>
      <div className="sheet-body">{children}</div>
    </section>
  );
}
