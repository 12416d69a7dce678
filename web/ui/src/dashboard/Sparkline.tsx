const WIDTH = 240;
const HEIGHT = 44;

/** Points of a line through `values`, from 0 at the bottom to a little above the highest at the top. */
export function sparkPath(values: readonly number[], slots: number): string {
  const top = Math.max(...values, 1) * 1.15;
  const step = WIDTH / Math.max(1, slots - 1);
  const left = WIDTH - (values.length - 1) * step;
  return values.map((value, index) => `${index === 0 ? 'M' : 'L'}${(left + index * step).toFixed(1)} ${(HEIGHT - (value / top) * HEIGHT).toFixed(1)}`).join('');
}

/** A small plot of the last values; the newest is at the right edge. */
export function Sparkline({ values, slots, label }: { values: readonly number[]; slots: number; label: string }) {
  const path = sparkPath(values, slots);
  const first = path.slice(1).split(' ')[0];
  return (
    <svg className="sparkline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={label}>
      {values.length > 1 && <path className="spark-area" d={`${path}L${WIDTH} ${HEIGHT}L${first} ${HEIGHT}Z`} />}
      {values.length > 1 && <path className="spark-line" d={path} vectorEffect="non-scaling-stroke" />}
    </svg>
  );
}
