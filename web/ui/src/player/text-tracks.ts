/**
 * The text tracks of a <video>: captions that can be shown, and timed metadata, told at the moment it is about.
 * hls.js and Safari both turn what the stream carries (WebVTT, CEA-608/708; EXT-X-DATERANGE, ID3 in emsg) into them.
 */

export const METADATA_EVENT = 'tally-metadata';

/** The `detail` of the event. */
export interface Metadata {
  /** EXT-X-DATERANGE's ID; empty for ID3. */
  id: string;
  type: 'daterange' | 'id3';
  /** Seconds of the video's own time; `endS` null when nobody knows. */
  startS: number;
  endS: number | null;
  /** X- attributes with their X-, or ID3 frames by name (TXXX by its description). */
  data: Record<string, string>;
}

/** What hls.js and Safari hang on a metadata cue. */
interface DataCue extends TextTrackCue {
  type?: string;
  value?: { key?: string; info?: string; data?: unknown };
}

const DATERANGE = 'com.apple.quicktime.HLS';

/** The cues that have just begun, those of one EXT-X-DATERANGE as one. */
export function metadataOf(begun: readonly TextTrackCue[]): Metadata[] {
  const found = new Map<string, Metadata>();
  begun.forEach((cue, order) => {
    const { type, value, id, startTime, endTime } = cue as DataCue;
    if (!value?.key) return;
    const isRange = type === DATERANGE;
    const key = isRange ? `range ${id}` : `id3 ${startTime} ${value.info ? '' : order}`;
    const entry = found.get(key) ?? { id: isRange ? id : '', type: isRange ? 'daterange' : 'id3', startS: startTime, endS: endOf(endTime), data: {} };
    entry.data[value.info || value.key] = typeof value.data === 'string' ? value.data : String(value.data ?? '');
    found.set(key, entry);
  });
  return [...found.values()];
}

const endOf = (endTime: number): number | null => (Number.isFinite(endTime) && endTime < Number.MAX_VALUE ? endTime : null);

/** Send `METADATA_EVENT` on `target` whenever metadata of `video` begins, until `signal` aborts. */
export function relayMetadata(video: HTMLVideoElement, target: EventTarget, signal: AbortSignal): void {
  const tracks = video.textTracks as TextTrackList | undefined;
  const follow = (track: TextTrack) => {
    if (track.kind !== 'metadata') return;
    if (track.mode === 'disabled') track.mode = 'hidden'; // disabled ones tell nothing
    let before = new Set<TextTrackCue>();
    track.addEventListener('cuechange', () => {
      const now = [...(track.activeCues ?? [])];
      const begun = now.filter((cue) => !before.has(cue));
      before = new Set(now);
      for (const detail of metadataOf(begun)) target.dispatchEvent(new CustomEvent<Metadata>(METADATA_EVENT, { detail, bubbles: true }));
    }, { signal });
  };
  for (const track of tracks ?? []) follow(track);
  tracks?.addEventListener?.('addtrack', ({ track }) => track && follow(track), { signal });
}

const isCaption = ({ kind }: TextTrack): boolean => kind === 'captions' || kind === 'subtitles';

/** Show or hide captions: a caption track before CEA-608 in the picture. Returns whether there are any. */
export function showCaptions(tracks: Iterable<TextTrack>, isWanted: boolean): boolean {
  const captions = [...tracks].filter(isCaption);
  const shown = captions.find(({ kind }) => kind === 'subtitles') ?? captions[0];
  for (const track of captions) {
    // hls.js fetches WebVTT for every track that is not disabled, and drops CEA-608 for one that is.
    const mode = isWanted && track === shown ? 'showing' : track.kind === 'captions' ? 'hidden' : 'disabled';
    if (track.mode !== mode) track.mode = mode;
  }
  return shown !== undefined;
}
