import { useToasts } from '../stores/toasts';
import { Icon } from './Icon';

export function Toasts() {
  const { toasts, dismiss } = useToasts();
  return (
    <div className="toasts" role="status" aria-live="polite">
      {toasts.map((toast) => (
        <div key={toast.id} className="toast" data-kind={toast.kind}>
          <Icon name={toast.kind === 'done' ? 'check' : 'alert'} />
          <span>{toast.text}</span>
          <button type="button" className="icon-button" aria-label="Dismiss" onClick={() => dismiss(toast.id)}><Icon name="close" size={16} /></button>
        </div>
      ))}
    </div>
  );
}
