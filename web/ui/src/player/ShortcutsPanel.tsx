import { Icon } from '../ui/Icon';
import type { Shortcut } from './useShortcuts';

export function ShortcutsPanel({ shortcuts, onClose }: { shortcuts: Shortcut[]; onClose: () => void }) {
  return (
    <div className="player-panel shortcuts" data-testid="shortcuts" role="region" aria-label="Keyboard shortcuts">
      <button type="button" className="icon-button" aria-label="Close keyboard shortcuts" onClick={onClose}><Icon name="close" size={16} /></button>
      <h2>Keyboard</h2>
      <dl>
        {shortcuts.map(({ label, what }) => (
          <div key={label}>
            <dt>{label.split(' ').map((key) => <kbd key={key}>{key}</kbd>)}</dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
