import { Icon } from '../ui/Icon';
import type { Advice } from './advice';

export function AdviceList({ advice, good }: { advice: readonly Advice[]; good: string }) {
  return (
    <ul className="advice" aria-label="Advice">
      {advice.length === 0 && <li data-level="good"><Icon name="check" /> {good}</li>}
      {advice.map(({ id, level, cause, fix }) => (
        <li key={id} data-level={level} data-advice={id}>
          <Icon name={level === 'bad' ? 'alert' : 'warning'} />
          <span><b>{cause}</b> {fix}</span>
        </li>
      ))}
    </ul>
  );
}
