/** What is asked of a picture before it is sent; the server looks again. */

export const PICTURE_MAX_BYTES = 1024 * 1024;
export const PICTURE_MAX_PX = 4096;
export const PICTURE_TYPES: Readonly<Record<string, string>> = { 'image/png': 'PNG', 'image/webp': 'WebP', 'image/gif': 'GIF', 'image/avif': 'AVIF' };
/** Heights in which emotes are shown, in pixels. */
export const SIZES = [28, 56, 112] as const;
const NAME = /^[A-Za-z0-9_]{2,32}$/;
const NAME_MAX = 32;

/** What is wrong with a file, before it is opened; or null. */
export function fileTrouble({ type, size }: Pick<File, 'type' | 'size'>): string | null {
  if (!(type in PICTURE_TYPES)) return 'Use a PNG, WebP, GIF or AVIF picture.';
  if (size > PICTURE_MAX_BYTES) return `Up to 1 MiB; this one has ${(size / 1024 / 1024).toFixed(1)} MiB.`;
  return size === 0 ? 'This file is empty.' : null;
}

/** What is wrong with its sides, or null. */
export function sizeTrouble(width: number, height: number): string | null {
  return Math.max(width, height) > PICTURE_MAX_PX ? `Up to ${PICTURE_MAX_PX} pixels a side; this one has ${width} × ${height}.` : null;
}

/** What could be better about it and is allowed. */
export function sizeAdvice(width: number, height: number): string | null {
  if (Math.max(width, height) < SIZES[2]) return `It is smaller than ${SIZES[2]} pixels, and blurs where it is shown large.`;
  return width > height * 4 ? 'It is very wide, and is shown smaller than others.' : null;
}

/** What is wrong with a name, or null. `taken`: those that the channel has. */
export function nameTrouble(name: string, taken: readonly string[]): string | null {
  if (name === '') return null;
  if (!NAME.test(name)) return name.length < 2 || name.length > NAME_MAX ? '2 to 32 characters.' : 'Letters, digits and _ alone.';
  return taken.includes(name) ? 'The channel has an emote of this name.' : null;
}

/** A name made of a file's: "Party Cat-2.png" becomes "PartyCat2". */
export function nameFrom(file: string): string {
  const words = file.replace(/\.[^.]*$/, '').normalize('NFKD').split(/[^A-Za-z0-9_]+/).filter(Boolean);
  return words.map((word, index) => (index === 0 ? word : word[0]!.toUpperCase() + word.slice(1))).join('').slice(0, NAME_MAX);
}
