/** Why WebRTC cannot be had, or no longer, in words a viewer can use. */

export type WhyKind =
  | 'refused' // the server said no
  | 'over' // there is no stream (any more)
  | 'format' // none that both sides speak
  | 'network' // no answer, or no way for the media
  | 'no-picture' // connected, and nothing to see
  | 'unsteady' // the line loses too much
  | 'silent' // connected, and nothing comes any more
  | 'lost'; // the connection broke

export interface Why {
  kind: WhyKind;
  sentence: string;
}

const SENTENCES: Record<WhyKind, string> = {
  refused: 'The server has no room for another viewer at the lowest latency right now.',
  over: '',
  format: 'This browser and this stream have no format in common for the lowest latency.',
  network: 'Your network does not let the lowest latency through.',
  'no-picture': 'No picture came at the lowest latency.',
  unsteady: 'Your line is too unsteady for the lowest latency.',
  silent: 'The picture stopped coming at the lowest latency.',
  lost: 'The connection with the lowest latency broke.',
};

/** `sentence`: the server's own, where it gave one. */
export const why = (kind: WhyKind, sentence?: string | null): Why => ({ kind, sentence: sentence || SENTENCES[kind] });

/** Joining failed. */
export class NotJoined extends Error {
  override readonly name = 'NotJoined';

  constructor(readonly why: Why) {
    super(`${why.kind}: ${why.sentence}`);
  }
}

export const whyOf = (error: unknown): Why => (error instanceof NotJoined ? error.why : why('network'));
