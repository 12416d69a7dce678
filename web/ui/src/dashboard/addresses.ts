/** Addresses as encoders take them. */

/** What stands for the key where it is not known: it is stored so that nobody can read it back. */
export const KEY_WORD = 'KEY';

interface Secrets {
  key: string;
  passphrase: string | null;
}

/**
 * The one address that OBS and FFmpeg take for SRT. They do not decode a passphrase in it, so it goes in as it is:
 * `isFit` keeps out what would end it early.
 */
export function srtAddress(base: string, { key, passphrase }: Secrets): string {
  return `${base}${base.includes('?') ? '&' : '?'}streamid=${key}${passphrase ? `&passphrase=${passphrase}` : ''}`;
}

/** Host and port of `srt://host:port`, for encoders that ask for them one by one. */
export function hostAndPort(address: string): { host: string; port: string } {
  const [, host = '', port = ''] = /^[a-z]+:\/\/(\[[^\]]+\]|[^:/?]+):?(\d*)/.exec(address) ?? [];
  return { host, port };
}

export const PASSPHRASE_MIN = 10;
export const PASSPHRASE_MAX = 79;
const UNFIT = /[^!-~]|[&+#%?]/;

/** What is wrong with a passphrase, or null. */
export function passphraseTrouble(text: string): string | null {
  if (UNFIT.test(text)) return 'Use letters, digits and simple signs: no spaces, none of & + # % ?';
  return text.length < PASSPHRASE_MIN || text.length > PASSPHRASE_MAX ? `Use ${PASSPHRASE_MIN} to ${PASSPHRASE_MAX} characters.` : null;
}

const ALPHABET = '23456789abcdefghjkmnpqrstuvwxyz';
const MADE_LENGTH = 24;

/** 118 bits, readable aloud. */
export function makePassphrase(): string {
  const most = 256 - (256 % ALPHABET.length); // above it some letters would come more often
  let made = '';
  while (made.length < MADE_LENGTH) {
    for (const byte of crypto.getRandomValues(new Uint8Array(MADE_LENGTH))) if (byte < most && made.length < MADE_LENGTH) made += ALPHABET[byte % ALPHABET.length];
  }
  return made;
}
