/** hls.js is a chunk of its own that loads beside the application; asking twice loads it once. */

import type { default as HlsClass } from 'hls.js';

let loading: Promise<typeof HlsClass> | null = null;

export function loadHls(): Promise<typeof HlsClass> {
  loading ??= import('./hls').then(
    (module) => module.Hls,
    (error: unknown) => {
      loading = null; // the next try asks the network again
      throw error;
    },
  );
  return loading;
}

/** WebRTC is a chunk of its own, which few viewers need; a failed import is asked for anew by the browser. */
export const loadWhep = () => import('./whep');

/** Begin loading the player's code because it is likely to be needed; a failure is found again when it is. */
export function preloadHls(): void {
  loadHls().catch(() => undefined);
}
