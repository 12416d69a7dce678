/** Numbers and times as people read them. */

const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const dayAndTime = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' });
const clock = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

export const NOTHING = '–';

export function formatCount(count: number): string {
  return compact.format(count);
}

export function formatViewers(count: number): string {
  return `${formatCount(count)} ${count === 1 ? 'viewer' : 'viewers'}`;
}

/** 4:05, 1:00:09, 26:00:00. */
export function formatDuration(ms: number): string {
  const total = Math.max(0, Math.floor(ms / 1000));
  const two = (value: number) => String(value).padStart(2, '0');
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(total % 60)}` : `${minutes}:${two(total % 60)}`;
}

export function formatBitrate(bps: number | null | undefined): string {
  if (!bps || bps < 0) return NOTHING;
  return bps >= 1_000_000 ? `${(bps / 1e6).toFixed(1)} Mb/s` : `${Math.round(bps / 1000)} kb/s`;
}

export function formatSeconds(seconds: number | null | undefined, digits = 1): string {
  return seconds === null || seconds === undefined || !Number.isFinite(seconds) ? NOTHING : `${seconds.toFixed(digits)} s`;
}

export function formatBytes(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(2)} GB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

export function formatDate(time: string): string {
  return dayAndTime.format(new Date(time));
}

/** 14:05, by this device's clock. */
export function formatClock(ms: number): string {
  return clock.format(ms);
}

/** "3 hours ago", "yesterday". */
export function formatAgo(time: string, now: number): string {
  const seconds = (new Date(time).getTime() - now) / 1000;
  const steps: [Intl.RelativeTimeFormatUnit, number][] = [['day', 86_400], ['hour', 3600], ['minute', 60]];
  for (const [unit, length] of steps) {
    if (Math.abs(seconds) >= length) return relative.format(Math.round(seconds / length), unit);
  }
  return 'just now';
}

/** "just-chatting" as a headline: "Just chatting". */
export function formatCategory(id: string): string {
  const words = id.replaceAll('-', ' ').trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Any text as a category id: lower case, digits, single hyphens. */
export function slug(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 50);
}

/** RFC 6381 codec strings as a streamer knows them. */
export function formatCodec(codec: string | null | undefined): string {
  if (!codec) return NOTHING;
  const known: [RegExp, string][] = [
    [/^avc[13]/, 'H.264'], [/^(hev|hvc)1/, 'HEVC'], [/^av01/, 'AV1'], [/^vp0?9/, 'VP9'],
    [/^mp4a\.40/, 'AAC'], [/^opus/i, 'Opus'], [/^(mp4a\.(69|6b)|mp3)/i, 'MP3'],
  ];
  return known.find(([pattern]) => pattern.test(codec))?.[1] ?? codec;
}

/** What an encoder says of itself, shortened for those that say much. */
export function formatEncoder(encoder: string): string {
  const obs = /libobs version ([\d.]+)/.exec(encoder);
  if (obs) return `OBS ${obs[1]}`;
  if (/^Lavf/.test(encoder)) return `FFmpeg (${encoder})`;
  return encoder || 'Unknown encoder';
}

const names = new Intl.DisplayNames(['en'], { type: 'language', fallback: 'code' });

export function formatLanguage(tag: string): string {
  try {
    return names.of(tag) ?? tag;
  } catch {
    return tag; // a tag that Intl refuses is shown as it is
  }
}

/** A hue of 0..359 that always is the same for the same name. */
export function hueOf(name: string): number {
  let hash = 2166136261;
  for (const character of name) hash = Math.imul(hash ^ character.codePointAt(0)!, 16777619);
  return (hash >>> 0) % 360;
}

export function initialOf(name: string): string {
  return ([...name.trim()][0] ?? '?').toUpperCase();
}
