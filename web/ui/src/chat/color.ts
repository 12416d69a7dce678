/** An author's colour, made readable on our grounds: the hue stays, lightness moves until the contrast is enough. */

/** WCAG 2.2, 1.4.3. */
const CONTRAST = 4.5;
/** The lightest ground of the dark theme and the darkest of the light one that a name stands on (tokens.css: raised). */
const DARK = '#1d2026';
const LIGHT = '#ebe9e4';
const STEP = 0.02;
const CACHE_MAX = 2000;

export interface Readable {
  onDark: string;
  onLight: string;
}

const cache = new Map<string, Readable>();

/** `color` as #RRGGBB; anything else is the text's own colour. */
export function readable(color: string): Readable {
  const known = cache.get(color);
  if (known) return known;
  if (cache.size >= CACHE_MAX) cache.clear();
  const rgb = parse(color);
  const made = rgb ? { onDark: until(rgb, DARK, STEP), onLight: until(rgb, LIGHT, -STEP) } : { onDark: 'var(--text)', onLight: 'var(--text)' };
  cache.set(color, made);
  return made;
}

type Rgb = readonly [number, number, number]; // 0..1

function parse(color: string): Rgb | null {
  const match = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(color);
  return match ? [parseInt(match[1]!, 16) / 255, parseInt(match[2]!, 16) / 255, parseInt(match[3]!, 16) / 255] : null;
}

/** Move lightness by `step` until the colour can be read on `ground`. */
function until(rgb: Rgb, ground: string, step: number): string {
  const [hue, saturation, start] = toHsl(rgb);
  const behind = luminance(parse(ground)!);
  let now = rgb;
  for (let lightness = start; contrast(luminance(now), behind) < CONTRAST && lightness > -STEP && lightness < 1 + STEP; ) {
    lightness += step;
    now = toRgb(hue, saturation, Math.min(1, Math.max(0, lightness)));
  }
  return hex(now);
}

/** WCAG 2.2: relative luminance. */
function luminance(rgb: Rgb): number {
  const [red, green, blue] = rgb.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)) as unknown as Rgb;
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: number, other: number): number {
  return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
}

export function contrastOf(color: string, ground: string): number {
  return contrast(luminance(parse(color)!), luminance(parse(ground)!));
}

function toHsl([red, green, blue]: Rgb): Rgb {
  const max = Math.max(red, green, blue);
  const min = Math.min(red, green, blue);
  const [lightness, span] = [(max + min) / 2, max - min];
  if (span === 0) return [0, 0, lightness];
  const saturation = span / (1 - Math.abs(2 * lightness - 1));
  const sector = max === red ? ((green - blue) / span + 6) % 6 : max === green ? (blue - red) / span + 2 : (red - green) / span + 4;
  return [sector * 60, saturation, lightness];
}

function toRgb(hue: number, saturation: number, lightness: number): Rgb {
  const reach = saturation * Math.min(lightness, 1 - lightness);
  const part = (offset: number) => {
    const place = (offset + hue / 30) % 12;
    return lightness - reach * Math.max(-1, Math.min(place - 3, 9 - place, 1));
  };
  return [part(0), part(8), part(4)];
}

function hex(rgb: Rgb): string {
  return `#${rgb.map((part) => Math.round(part * 255).toString(16).padStart(2, '0')).join('')}`;
}
