const WIDTH = 240;
const HEIGHT = 44;

/** The first round figure that is not smaller: an axis that people can read. */
export function axisTop(highest: number, least: number): number {
  const wanted = Math.max(highest, least);
  const power = 10 ** Math.floor(Math.log10(wanted));
  return [1, 1.5, 2, 3, 5, 7.5, 10].map((step) => step * power).find((top) => top >= wanted) ?? wanted;
}

/** Points of a line through `values`, from 0 at the bottom to `top`; the newest is at the right edge. */
export function plotPath(values: readonly number[], slots: number, top: number): string {
  const step = WIDTH / Math.max(1, slots - 1);
  const left = WIDTH - (values.length - 1) * step;
  return values.map((value, index) => `${index === 0 ? 'M' : 'L'}${(left + index * step).toFixed(1)} ${(HEIGHT - (value / top) * HEIGHT).toFixed(1)}`).join('');
}

interface Props {
  name: string;
  values: readonly number[];
  slots: number;
  /** The axis reaches at least this far, so that nothing looks like much. */
  least: number;
  format: (value: number) => string;
  /** What the line is over: shown at the ends of the time axis. */
  since: string;
  testid?: string;
}

/** A small plot of the last values with its axes in figures. */
export function Plot({ name, values, slots, least, format, since, testid }: Props) {
  const top = axisTop(Math.max(...values, 0), least);
  const path = plotPath(values, slots, top);
  const first = path.slice(1).split(' ')[0];
  const last = values.at(-1);
  const told = last === undefined ? 'no figures yet' : `now ${format(last)}, between ${format(Math.min(...values))} and ${format(Math.max(...values))} in the last ${since}`;
  return (
    <figure className="plot">
      <figcaption>
        <span className="plot-name">{name}</span>
        <b data-testid={testid}>{last === undefined ? '–' : format(last)}</b>
      </figcaption>
      <div className="plot-body" role="img" aria-label={`${name}: ${told}`}>
        <span className="plot-top" aria-hidden="true">{format(top)}</span>
        <span className="plot-bottom" aria-hidden="true">0</span>
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true" focusable="false">
          <path className="plot-grid" d={`M0 0H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}`} vectorEffect="non-scaling-stroke" />
          {values.length > 1 && <path className="plot-area" d={`${path}L${WIDTH} ${HEIGHT}L${first} ${HEIGHT}Z`} />}
          {values.length > 1 && <path className="plot-line" d={path} vectorEffect="non-scaling-stroke" />}
        </svg>
        <span className="plot-times" aria-hidden="true"><span>{since} ago</span><span>now</span></span>
      </div>
    </figure>
  );
}
