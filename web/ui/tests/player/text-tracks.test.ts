import { describe, expect, it } from 'vitest';
import { METADATA_EVENT, metadataOf, relayMetadata, showCaptions, type Metadata } from '../../src/player/text-tracks';

const cue = (change: object): TextTrackCue => ({ id: '', startTime: 5, endTime: 6, ...change }) as unknown as TextTrackCue;
const range = (id: string, key: string, data: string, endTime = 6) => cue({ id, type: 'com.apple.quicktime.HLS', value: { key, data }, endTime });

class FakeTrack extends EventTarget {
  activeCues: TextTrackCue[] = [];
  constructor(readonly kind: string, public mode = 'hidden') {
    super();
  }
  show(...cues: TextTrackCue[]) {
    this.activeCues = cues;
    this.dispatchEvent(new Event('cuechange'));
  }
}

describe('metadataOf', () => {
  it('joins the attributes of one EXT-X-DATERANGE', () => {
    expect(metadataOf([range('score-1', 'X-HOME', '2'), range('score-1', 'X-AWAY', '0'), range('song', 'X-TITLE', 'Blue', Infinity)])).toEqual([
      { id: 'score-1', type: 'daterange', startS: 5, endS: 6, data: { 'X-HOME': '2', 'X-AWAY': '0' } },
      { id: 'song', type: 'daterange', startS: 5, endS: null, data: { 'X-TITLE': 'Blue' } },
    ]);
  });

  it('reads ID3 frames, TXXX by its description', () => {
    expect(metadataOf([cue({ type: 'https://aomedia.org/emsg/ID3', value: { key: 'TXXX', info: 'lap', data: '3' } })]))
      .toEqual([{ id: '', type: 'id3', startS: 5, endS: 6, data: { lap: '3' } }]);
  });

  it('passes over cues that carry nothing', () => {
    expect(metadataOf([cue({}), cue({ value: {} })])).toEqual([]);
  });
});

describe('relayMetadata', () => {
  it('tells once of each that begins, on the element it was given, until it is stopped', () => {
    const tracks = Object.assign(new EventTarget(), { [Symbol.iterator]: () => [][Symbol.iterator]() });
    const video = { textTracks: tracks } as unknown as HTMLVideoElement;
    const target = document.createElement('section');
    const heard: Metadata[] = [];
    target.addEventListener(METADATA_EVENT, (event) => heard.push((event as CustomEvent<Metadata>).detail));
    const stop = new AbortController();
    relayMetadata(video, target, stop.signal);

    const track = new FakeTrack('metadata', 'disabled');
    tracks.dispatchEvent(Object.assign(new Event('addtrack'), { track }));
    expect(track.mode).toBe('hidden');
    const first = range('a', 'X-N', '1');
    track.show(first);
    track.show(first, range('b', 'X-N', '2'));
    track.show();
    expect(heard.map(({ data }) => data['X-N'])).toEqual(['1', '2']);
    stop.abort();
    track.show(range('c', 'X-N', '3'));
    expect(heard).toHaveLength(2);
  });
});

describe('showCaptions', () => {
  const tracksOf = (...kinds: string[]) => kinds.map((kind) => new FakeTrack(kind));
  const shown = (tracks: FakeTrack[], isWanted: boolean) => showCaptions(tracks as unknown as TextTrack[], isWanted);

  it('shows one caption track, WebVTT before what is in the picture, and leaves metadata alone', () => {
    const tracks = tracksOf('metadata', 'captions', 'subtitles', 'subtitles');
    expect(shown(tracks, true)).toBe(true);
    expect(tracks.map(({ mode }) => mode)).toEqual(['hidden', 'hidden', 'showing', 'disabled']);
    expect(shown(tracks, false)).toBe(true);
    expect(tracks.map(({ mode }) => mode)).toEqual(['hidden', 'hidden', 'disabled', 'disabled']);
  });

  it('says when there are none', () => {
    expect(shown(tracksOf('metadata'), true)).toBe(false);
  });
});
