import { useEffect, useId, useRef, type ReactNode } from 'react';

interface Props {
  title: string;
  isWide?: boolean;
  onClose: () => void;
  children: ReactNode;
}

/** A modal question. The browser's own <dialog> keeps the focus inside and gives it back. */
export function Dialog({ title, isWide = false, onClose, children }: Props) {
  const ref = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const dialog = ref.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog ref={ref} className={isWide ? 'dialog is-wide' : 'dialog'} aria-labelledby={heading}
      onCancel={(event) => { event.preventDefault(); onClose(); }}
      onClick={(event) => { if (event.target === event.currentTarget) onClose(); }}>
      <div className="dialog-body">
        <h2 id={heading}>{title}</h2>
        {children}
      </div>
    </dialog>
  );
}

interface ConfirmProps {
  title: string;
  text: string;
  action: string;
  isDangerous?: boolean;
  isBusy?: boolean;
  onConfirm: () => void;
  onClose: () => void;
}

/** "Do you really want to?" */
export function Confirm({ title, text, action, isDangerous, isBusy, onConfirm, onClose }: ConfirmProps) {
  return (
    <Dialog title={title} onClose={onClose}>
      <p className="muted">{text}</p>
      <div className="actions">
        <button type="button" className="button" onClick={onClose}>Cancel</button>
        <button type="button" className={isDangerous ? 'button danger' : 'button primary'} disabled={isBusy} onClick={onConfirm}>{action}</button>
      </div>
    </Dialog>
  );
}
