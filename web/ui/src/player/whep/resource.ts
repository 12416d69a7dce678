/** The viewer's place on the server, as draft-ietf-wish-whep has it: POST an offer, DELETE what came of it. */

import { NotJoined, why, type Why } from './why';

/** The server may first have to start what makes sound or picture fit. */
const ANSWER_WITHIN_MS = 8000;
/** Longer than this it is a page, and no sentence. */
const SENTENCE_MAX = 200;

const FORMAT_STATUSES = [406, 415, 422];
const GONE_STATUSES = [404, 409, 410];

export interface Resource {
  answer: string;
  /** Null: the server named none, and ends it by itself. */
  location: string | null;
}

/** Ask for a place; throws `NotJoined`. The address may hold a token, and is told to nobody. */
export async function takePlace(url: string, offer: string): Promise<Resource> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      method: 'POST', headers: { 'Content-Type': 'application/sdp', Accept: 'application/sdp' }, body: offer, signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    text = await response.text();
  } catch {
    throw new NotJoined(why('network')); // no answer, or none in time
  }
  if (response.status !== 201) throw new NotJoined(refusal(response.status, text));
  const location = response.headers.get('Location');
  return { answer: text, location: location && new URL(location, new URL(url, document.baseURI)).href };
}

/** Give the place back; outlives the page. One that cannot be given back runs out by itself. */
export function leavePlace({ location }: Resource): void {
  if (location) fetch(location, { method: 'DELETE', keepalive: true }).catch(() => undefined);
}

/** That a stream is over, the page says by itself. */
function refusal(status: number, text: string): Why {
  if (GONE_STATUSES.includes(status)) return why('over');
  return why(FORMAT_STATUSES.includes(status) ? 'format' : 'refused', sentenceIn(text));
}

/** What a refusal says for people: the API's envelope, or plain words; null for anything else. */
export function sentenceIn(text: string): string | null {
  const words = messageIn(text) ?? text;
  const trimmed = words.trim();
  return trimmed === '' || trimmed.length > SENTENCE_MAX || /[<{]/.test(trimmed) ? null : trimmed;
}

function messageIn(text: string): string | null {
  try {
    const value = JSON.parse(text) as { error?: { message?: unknown } } | null;
    return typeof value?.error?.message === 'string' ? value.error.message : null;
  } catch {
    return null; // not JSON: plain words, or an intermediary's page
  }
}
