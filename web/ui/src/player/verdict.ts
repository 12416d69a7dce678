/** What an error that hls.js could not mend means for a viewer. */

import type { default as HlsClass, ErrorData } from 'hls.js';

export interface Verdict {
  /** `missing`: the playlist answered 404. `gap`: no rendition has this moment, the next will come. */
  what: 'missing' | 'codec' | 'gap' | 'media' | 'network';
  /** It is there, and not for this viewer (any more). */
  isRefused: boolean;
  /** A playlist below the first one answered 404: the source has gone while it played. */
  isGone: boolean;
  /** The source is known, so only its continuation failed. */
  hasManifest: boolean;
}

const NOT_FOUND = 404;
const REFUSALS = [401, 403];

/** Null: hls.js goes on by itself. */
export function verdictOn({ ErrorTypes, ErrorDetails }: typeof HlsClass, error: ErrorData): Verdict | null {
  if (!error.fatal) return null;
  const { details } = error;
  const status = error.response?.code;
  const isManifest = details === ErrorDetails.MANIFEST_LOAD_ERROR;
  const rest = {
    isRefused: status !== undefined && REFUSALS.includes(status),
    isGone: status === NOT_FOUND && (details === ErrorDetails.LEVEL_LOAD_ERROR || details === ErrorDetails.AUDIO_TRACK_LOAD_ERROR),
    hasManifest: !isManifest && details !== ErrorDetails.MANIFEST_LOAD_TIMEOUT,
  };
  if (isManifest && status === NOT_FOUND) return { what: 'missing', ...rest };
  if (details === ErrorDetails.MANIFEST_INCOMPATIBLE_CODECS_ERROR || details === ErrorDetails.BUFFER_ADD_CODEC_ERROR) return { what: 'codec', ...rest };
  if (details === ErrorDetails.FRAG_GAP) return { what: 'gap', ...rest };
  return { what: error.type === ErrorTypes.MEDIA_ERROR ? 'media' : 'network', ...rest };
}
