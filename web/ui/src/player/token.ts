/**
 * Addresses of what is not public carry a token in their path (`/vods/~TOKEN/…`), which playlists hand on to all they
 * name. A newer token takes the place of the older one in every later request; nothing that plays is started again.
 */

const TOKEN = /(\/(?:hls|vods|clips)\/~)([^/]+)(?=\/)/;

export function tokenOf(url: string): string | null {
  return TOKEN.exec(url)?.[2] ?? null;
}

/** `url` with that token, if it has one at all. */
export function withToken(url: string, token: string | null): string {
  return token === null ? url : url.replace(TOKEN, (_whole, before: string) => before + token);
}

/** What stays the same of an address while its tokens come and go. */
export const sameness = (url: string): string => withToken(url, '');
